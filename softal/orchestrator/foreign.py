"""Files of another campaign in a campaign's folder: nothing is mixed with them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from softal.about import LEARNER, SURROGATE, command
from softal.errors import CampaignStateError
from softal.surrogates import Learner
from softal.tracking.displaced import BESIDE, SAVED
from softal.tracking.journal import DATABASE

Kind = TypeVar("Kind", bound=Learner)

# What is in a folder only beside a journal; folders that are empty do not count.
LEFTOVERS = (*(DATABASE + end for end in BESIDE), SAVED, "arrays", "trials", "simulated", SURROGATE, LEARNER)


def refuse_leftovers(folder: Path) -> None:
    """Raise CampaignStateError where a folder without a journal has files of the campaign that it once had."""
    found = [name for name in LEFTOVERS if _is_there(folder / name)]
    if found:
        raise CampaignStateError(
            f"{folder} has files of a campaign whose {DATABASE} is gone ({', '.join(found)}). Put that back and go on "
            f"with {command('resume', folder)}, move the folder away, or start another one beside it: "
            "softal launch FILE --name OTHER."
        )


def _is_there(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def own(learner: Kind, folder: Path, campaign: str | None) -> Kind:
    """Return a saved surrogate or learner; CampaignStateError where it says that it is another campaign's."""
    if not learner.learned_in(campaign):
        raise CampaignStateError(
            f"{folder} is of another campaign than {DATABASE} beside it: put back files that belong together, or move "
            f"{folder.parent} away, and the next session learns anew"
        )
    return learner
