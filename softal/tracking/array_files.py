"""The arrays of a journal's trials: a file beside it for each, or in it where a trial takes less time than a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import JournalError
from softal.reading import read_npz
from softal.tracking.database import DATABASE
from softal.tracking.sound import guarded
from softal.trial import Array, Trial

PARTS = ("values", "errors", "grid")  # of an array
OF = "campaign"  # in a file of arrays, the campaign's id; those of the first version have none
SHORT = 0.1  # trials that take less than this [s] have their arrays in the database: a file takes several ms to sync
SMALL = 1_000_000  # bytes that a trial may have there


def path_of(folder: Path, trial_id: int) -> Path:
    """Return the file of a trial's arrays in a campaign's folder."""
    return folder / "arrays" / f"{trial_id // 1000:03d}" / f"{trial_id:06d}.npz"


def parts_of(arrays: Mapping[str, Array]) -> dict[str, NDArray[np.float64]]:
    """Return what is stored of arrays, by `<array>/<part>`."""
    return {
        f"{name}/{part}": np.asarray(getattr(array, part), order="C")
        for name, array in arrays.items()
        for part in PARTS
        if getattr(array, part) is not None
    }


def made_of(parts: Mapping[str, Any], units: Mapping[str, Mapping[str, str]]) -> dict[str, Array]:
    """Return the arrays of what is stored of them, and of their units; a part that is not there is None."""
    return {name: Array.of(*_three(parts, name), **said) for name, said in units.items()}


def _three(parts: Mapping[str, Any], name: str) -> tuple[Any, Any, Any]:
    values, errors, grid = (parts.get(f"{name}/{part}") for part in PARTS)
    return values, errors, grid


def within(trial: Trial, parts: Mapping[str, NDArray[np.float64]]) -> bool:
    """Return whether the arrays of a trial are stored in the database itself."""
    quick = trial.started is not None and trial.finished is not None and trial.finished - trial.started < SHORT
    return quick and sum(part.nbytes for part in parts.values()) <= SMALL


def write(path: Path, parts: Mapping[str, NDArray[np.float64]], campaign: str | None) -> None:
    """Write a file of arrays, which says which campaign's it is, so that it survives the loss of power."""
    with guarded(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        own = {OF: np.frombuffer(campaign.encode(), np.uint8)} if campaign else {}
        with draft.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **own, **parts)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(path)


def read(path: Path, campaign: str | None) -> dict[str, Any]:
    """Return the parts in a file of arrays; JournalError where it is damaged, or says that it is another campaign's."""
    with guarded(path):
        parts = dict(read_npz(path, path.stat().st_size))  # they are not compressed
    said = parts.pop(OF, None)
    found = None if said is None else said.tobytes().decode("ascii", "replace")
    if found is not None and campaign is not None and found != campaign:
        raise JournalError(
            f"{path} is of another campaign ({found:.40}) than {DATABASE} beside it ({campaign:.40}): put "
            "back files that belong together, or launch the campaign again under another name"
        )
    return parts
