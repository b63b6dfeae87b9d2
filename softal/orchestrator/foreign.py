"""Another campaign than the one that is meant, in a folder or in a file: nothing is mixed with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from softal.about import LEARNER, SURROGATE, command
from softal.errors import CampaignStateError
from softal.orchestrator.campaign_file.schema import differences
from softal.passwords import redacted
from softal.surrogates import Learner
from softal.tracking.database import DATABASE
from softal.tracking.displaced import BESIDE, SAVED

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


def refuse_changes(folder: Path, text: str, info: Mapping[str, Any]) -> None:
    """Raise CampaignStateError where a campaign's file, or the copy in its folder, is not what it was launched with.

    Once the campaign has changed, the file as it was launched with is as good as the one that it has now.

    Args:
        folder: of state.
        text: the campaign file.
        info: of the journal.
    """
    texts = [info["text"], *([info["launched_with"]] if "launched_with" in info else [])]  # it may have changed since
    changed = min((differences(redacted(one), redacted(text)) for one in texts), key=len)
    copy = folder / "campaign.yaml"
    if not changed and copy.exists():
        changed = differences(redacted(info["text"]), redacted(copy.read_text(encoding="utf-8")))
    if changed:
        listed, again = "\n".join(f"  {line}" for line in changed), command("resume", folder)
        raise CampaignStateError(
            f"the campaign file differs from the one that {folder} was launched with:\n{listed}\n"
            f"Go on with the file as it was: {again}. With a change: {again} --set PLACE=VALUE. With more budget: "
            f"{again} --trials N. On another Ray: {again} --address HOST:PORT. "
            "For another simulation start another campaign: softal launch FILE --name OTHER."
        )


def own(learner: Kind, folder: Path, campaign: str | None) -> Kind:
    """Return a saved surrogate or learner; CampaignStateError where it says that it is another campaign's."""
    if not learner.learned_in(campaign):
        raise CampaignStateError(
            f"{folder} is of another campaign than {DATABASE} beside it: put back files that belong together, or move "
            f"{folder.parent} away, and the next session learns anew"
        )
    return learner
