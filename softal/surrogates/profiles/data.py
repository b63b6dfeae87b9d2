"""What is learned from: one-dimensional arrays of trials, all on the same grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.space import Space
from softal.trial import Array, Point, Trial


@dataclass(frozen=True)
class Curves:
    """One array of n trials.

    Attributes:
        grid: (K,).
        values, errors: (n, K); errors are NaN where they are not known, values where they were not measured.
        unit, grid_unit: of them.
    """

    grid: Floats
    values: Floats
    errors: Floats
    unit: str = ""
    grid_unit: str = ""


@dataclass(frozen=True)
class ProfileData:
    """Curves of n trials, in the order of their ids.

    Attributes:
        trials: (n,) ids.
        points: n points.
        X: (n, d) in the unit cube.
        curves: array -> its curves.
    """

    trials: NDArray[np.intp]
    points: tuple[Point, ...]
    X: Floats
    curves: Mapping[str, Curves]

    def __len__(self) -> int:
        return len(self.trials)

    @classmethod
    def of(cls, trials: Sequence[Trial], space: Space, arrays: Sequence[str] | None = None) -> ProfileData:
        """Return the data of trials with arrays.

        Args:
            trials: all of them done, and results to learn from.
            space: of their points.
            arrays: what is learned; None: the one-dimensional arrays on a grid that all trials have.

        Raises:
            SurrogateError: an array is missing, is no curve, or lies on other bins in one trial than in the others.
        """
        found = sorted(trials, key=lambda trial: trial.id)
        every = [trial.observation.arrays if trial.observation else {} for trial in found]
        names = tuple(arrays) if arrays is not None else _shared(every)
        if not names:
            raise SurrogateError("the trials have no one-dimensional array on a grid in common")
        curves = {name: _curves(name, found, every) for name in names}
        points = tuple(dict(trial.point) for trial in found)
        return cls(np.array([trial.id for trial in found]), points, space.to_unit(points), curves)

    def rows(self, chosen: Any) -> ProfileData:
        """Return some of the trials: by numbers, or by True and False (n,)."""
        rows = np.arange(len(self))[chosen]
        curves = {
            name: replace(one, values=one.values[rows], errors=one.errors[rows]) for name, one in self.curves.items()
        }
        return ProfileData(self.trials[rows], tuple(self.points[i] for i in rows), self.X[rows], curves)

    def folds(self, count: int, seed: int) -> NDArray[np.intp]:
        """Return the fold (n,) of each trial, 0 ... count - 1; trials at one point are in one fold."""
        _, system = np.unique(np.round(self.X, 9), axis=0, return_inverse=True)
        system = system.reshape(-1)
        systems = int(system.max()) + 1
        order = np.random.default_rng(seed).permutation(systems)
        return np.asarray((order % min(count, systems))[system])


def _shared(every: Sequence[Mapping[str, Array]]) -> tuple[str, ...]:
    """Return the names of curves that all trials have."""
    names = set.intersection(*(set(arrays) for arrays in every))
    return tuple(sorted(name for name in names if all(_is_curve(arrays[name]) for arrays in every)))


def _is_curve(array: Array) -> bool:
    return array.values.ndim == 1 and array.grid is not None and len(array.values) > 1


def _curves(name: str, trials: Sequence[Trial], every: Sequence[Mapping[str, Array]]) -> Curves:
    first, grid = trials[0].id, None
    for trial, arrays in zip(trials, every, strict=True):
        place = f"trial {trial.id}, array {name!r}"
        if name not in arrays:
            raise SurrogateError(f"{place}: it is missing; the trial has {', '.join(sorted(arrays)) or 'no arrays'}")
        array = arrays[name]
        if not _is_curve(array):
            raise SurrogateError(f"{place}: its shape is {array.values.shape}; a curve on a grid is needed")
        assert array.grid is not None
        grid = array.grid if grid is None else grid
        if len(array.grid) != len(grid):
            raise SurrogateError(f"{place}: it has {len(array.grid)} bins; {len(grid)} are needed, as in trial {first}")
        if not np.allclose(array.grid, grid, rtol=1e-6, atol=1e-9 * np.ptp(grid)):
            worst = int(np.argmax(np.abs(array.grid - grid)))
            raise SurrogateError(
                f"{place}: bin {worst} lies at {array.grid[worst]:g}; {grid[worst]:g} is needed, as in trial {first}"
            )
        if not np.any(np.isfinite(array.values)):
            raise SurrogateError(f"{place}: it has no finite value")
    assert grid is not None
    if np.any(np.diff(grid) <= 0):
        raise SurrogateError(f"trial {first}, array {name!r}: its grid does not rise from bin to bin")
    found = [arrays[name] for arrays in every]
    values = np.array([np.where(np.isfinite(one.values), one.values, np.nan) for one in found])
    errors = np.array([np.full(len(grid), np.nan) if one.errors is None else one.errors for one in found])
    errors[~(errors >= 0)] = np.nan
    return Curves(grid, values, errors, found[0].unit, found[0].grid_unit)
