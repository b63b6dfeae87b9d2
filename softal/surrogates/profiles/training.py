"""What all networks of profiles share: the problem, what was learned, what that says of trials that it has not seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.outputs import Known
from softal.space import Space
from softal.surrogates.profiles.data import ProfileData
from softal.surrogates.profiles.forms import Form, Frame
from softal.surrogates.profiles.inputs import Inputs
from softal.surrogates.profiles.model import Raw
from softal.surrogates.profiles.observed import Observed


@dataclass(frozen=True)
class Problem:
    """What is learned: trials, and the arrays in the form in which they are learned.

    Attributes:
        space: of the points.
        data: n trials.
        observed: of each array.
        inputs: of networks.
    """

    space: Space
    data: ProfileData
    observed: tuple[Observed, ...]
    inputs: Inputs

    @classmethod
    def of(cls, data: ProfileData, space: Space, known: Mapping[str, Known]) -> Problem:
        """Return the problem; SurrogateError where what is said to be known does not fit the curves."""
        forms = [Form.of(name, curves, known.get(name, Known())) for name, curves in data.curves.items()]
        frames = Inputs(space, tuple(forms), np.zeros(1), np.ones(1)).frames(data.points)
        observed = [
            Observed.of(form, curves, frame)
            for form, curves, frame in zip(forms, data.curves.values(), frames, strict=True)
        ]
        for one in observed:
            one.form.check(one.values, one.errors, one.frame, data.trials.tolist())
        return cls(space, data, tuple(observed), Inputs.of(space, forms, data.X, frames))

    @property
    def frames(self) -> list[Frame]:
        """Of each array."""
        return [one.frame for one in self.observed]

    @property
    def x(self) -> Floats:
        """The networks' inputs (n, D)."""
        return self.inputs(self.data.X, self.frames)


class Model(ABC):
    """Predicts the half curves of all arrays.

    Attributes:
        members_spread: whether its uncertainty is its members' spread, which is to be calibrated.
    """

    members_spread: ClassVar[bool] = True

    @abstractmethod
    def raw(self, X: Floats, frames: Sequence[Frame]) -> list[Raw]:
        """Return each array's curves at X (n, d), in the unit cube, before calibration."""

    def members(self, X: Floats, frames: Sequence[Frame]) -> Mapping[str, Floats]:
        """Return array -> each member's curves (M, n, T) at X (n, d); SurrogateError where there are no members."""
        raise SurrogateError("it has no members who disagree")

    @abstractmethod
    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return what was learned as arrays by name."""

    def plain(self) -> dict[str, Any]:
        """Return what was learned and is no array."""
        return {}


@dataclass(frozen=True)
class Trained:
    """A model, and what it says of trials that were left out.

    Attributes:
        model: that learned from all trials, or of `paper` from all but those of the first fold.
        fold: (n,) that a trial is in; -1 where it was never left out.
        held: of each array, (n, size) predictions by what has not seen the trial; NaN for those in no fold.
    """

    model: Model
    fold: NDArray[np.intp]
    held: tuple[Raw, ...]


def blank(observed: Sequence[Observed]) -> tuple[Raw, ...]:
    """Return predictions that are all NaN, to be filled in."""
    return tuple(
        Raw(np.full(one.values.shape, np.nan), np.full((len(one.values), one.form.count), np.nan)) for one in observed
    )


def frame_of(frame: Frame, rows: Any) -> Frame:
    """Return the frame of some of the points."""
    parts: dict[str, Any] = {
        name: None if part is None else part[rows] for name, part in vars(frame).items() if name != "places"
    }
    places = frame.places
    if places is not None:
        places = places.rows(rows)
    return Frame(**parts, places=places)


def some_of(one: Observed, rows: NDArray[np.bool_]) -> Observed:
    """Return some of the trials (n,) of an array."""
    parts = {name: getattr(one, name)[rows] for name in ("values", "errors", "noise", "sigma", "there")}
    return replace(one, frame=frame_of(one.frame, rows), **parts)
