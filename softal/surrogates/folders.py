"""Where a campaign's folder has surrogate and learner: `surrogate/version-7`, `surrogate/latest`, `learner/latest`."""

from __future__ import annotations

from pathlib import Path

from softal.about import LEARNER, SURROGATE
from softal.errors import SurrogateError
from softal.surrogates.learner import read_description


def latest_of(campaign: Path, what: str) -> Path:
    """Return the folder of the latest surrogate or learner in a campaign's folder."""
    return campaign / what / "latest"


def learner_folder(campaign: Path, kind: str) -> Path | None:
    """Return the folder of the latest learner of this kind in a campaign's folder; None where there is none yet.

    Campaigns of the first version of softal have it in the surrogate's folder.
    """
    for folder in (latest_of(campaign, LEARNER), latest_of(campaign, SURROGATE)):
        try:
            if read_description(folder).get("kind") == kind:
                return folder
        except SurrogateError:  # there is none
            pass
    return None
