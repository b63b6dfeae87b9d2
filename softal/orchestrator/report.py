"""The report of a campaign's folder: what its surrogate, learner, strategy and simulator show, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from softal.cards import Source
from softal.objective import Objective
from softal.space import Space
from softal.surrogates import Surrogate
from softal.surrogates.belief import latest
from softal.tracking import report


def write_report(
    folder: Path,
    *,
    space: Space,
    objective: Objective,
    workers: int | None = None,
    surrogate: Surrogate | None = None,
    sources: Sequence[Source] = (),
    path: Path | None = None,
) -> Path:
    """Write the report of the campaign in a folder, whether it is finished or not, and return its path.

    Args:
        folder: of the campaign, with its journal and its saved surrogate.
        space, objective: of the campaign.
        workers: number of workers, against which their use is shown.
        surrogate: shown instead of the latest one in the folder.
        sources: surrogate, learner, strategy and simulator, whose own cards are shown.
        path: of the page; `report.html` in the folder unless it is given.

    Raises:
        CampaignStateError: if there is no campaign in the folder.
    """
    from softal.surrogates.advice import Advice

    found = surrogate or latest(folder)
    advisor = Advice(found) if found is not None and found.space.names == space.names else None
    return report.write_report(
        folder, space=space, objective=objective, workers=workers, advisor=advisor, sources=sources, path=path
    )
