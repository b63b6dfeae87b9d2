"""The report: one self-contained HTML page of a campaign, made of its journal and its surrogate.

`data` reads, `statistics` and `learned` prepare, `progress`, `refinement`, `phases`, `generations`, `gallery`,
`curves`, `trials` and `surrogate` draw, `parts` says what a section is made of, and `page` puts together.
"""

from softal.tracking.report.page import write_report

__all__ = ["write_report"]
