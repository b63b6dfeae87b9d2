"""The report: one self-contained HTML page of a campaign, made of its journal and its surrogate.

`data` reads, `statistics` and `learned` prepare, `progress`, `refinement`, `curves`, `trials` and `surrogate` draw, and
`page` puts together.
"""

from softal.tracking.report.page import write_report

__all__ = ["write_report"]
