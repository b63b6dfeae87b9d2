"""Where a campaign's folder has surrogate and learner: `surrogate/version-7`, `surrogate/latest`, `learner/latest`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from softal.about import LEARNER, SURROGATE
from softal.errors import SurrogateError
from softal.kinds.inputs import input_file
from softal.reading import is_file
from softal.surrogates.learner import DESCRIPTION, read_description


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


@dataclass(frozen=True)
class Sought:
    """A learner that simulators of other campaigns load.

    Attributes:
        kind: of it; nothing: any that has what is told.
        noun: what messages call it.
        other: what a model of another kind is not.
        told: keys of its `state` that simulators read without loading it.
    """

    kind: str
    noun: str
    other: str
    told: tuple[str, ...]


def trained_folder(path: str | Path, sought: Sought, called: str | None = None) -> Path:
    """Return the folder of a trained learner: that folder, or the latest one in a campaign's folder.

    Reads no more than `model.json`. Campaigns of the first version of softal have learners in the surrogate's folder.

    Args:
        path: of a learner's or a campaign's folder.
        sought: what is to be there.
        called: what a message calls the path; the path itself where None.

    Raises:
        SurrogateError: in one line, what is missing there.
    """
    path, called = Path(path), called or str(path)
    folders = path, latest_of(path, LEARNER), latest_of(path, SURROGATE)
    described = (input_file(folder / DESCRIPTION) for folder in folders)
    folder = next((file.parent for file in described if is_file(file)), None)
    if folder is None:
        trains = f"`softal launch campaigns/{Path(called).name}.yaml` trains it"
        raise SurrogateError(f"there is no trained {sought.noun} in {called}; {trains}")
    description = read_description(folder)
    state, kind = description.get("state", {}), description.get("kind")
    if sought.kind not in ("", kind):
        raise SurrogateError(f"{called} holds a model of kind {kind!r}, {sought.other}")
    if reason := state.get("untrained"):
        raise SurrogateError(f"the {sought.noun} in {called} is not trained: {reason}")
    if missing := [name for name in sought.told if name not in state]:
        if not sought.kind:
            raise SurrogateError(f"{called} holds a model of kind {kind!r}, {sought.other}")
        raise SurrogateError(f"the {sought.noun} in {called} is damaged: its {DESCRIPTION} has no {missing[0]}")
    return folder
