"""What surrogates learn from: trials as arrays, and targets on a common scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.space import Space
from softal.trial import Trial, TrialState

OUTLIER = 10.0  # robust standard deviations from the median; a Gaussian sample gets there once in 1e23
IQR_OF_NORMAL = 1.349  # interquartile range of the standard normal distribution
EXTREME = 0.1  # part of a subset that is kept for the lowest values, and for the highest


@dataclass(frozen=True)
class Scaling:
    """Standardisation y = (clip(Y, low, high) - mean) / scale.

    A simulation that blew up may return a value millions of times the others; it is clipped to `OUTLIER` robust
    standard deviations from the median, or the rest would all look alike. What is good is never clipped: where nine of
    ten values lie within 1e-8 of zero, the tenth, near 1, is not an outlier, but what is looked for.
    """

    mean: float
    scale: float
    low: float
    high: float

    @classmethod
    def of(cls, Y: Floats, good: NDArray[np.bool_] | None = None) -> Scaling:
        """Return the scaling of finite values Y (n,); constant values get the scale of their size, or 1.

        Args:
            Y: the values.
            good: (n,) which of them are not to be clipped; None where it is not known.
        """
        low, high = _fences(Y)
        if good is not None and good.any():
            low, high = min(low, float(np.min(Y[good]))), max(high, float(np.max(Y[good])))
        clipped = np.clip(Y, low, high)
        mean = float(np.mean(clipped))
        scale = float(np.std(clipped))
        if not scale > 1e-12 * float(np.max(np.abs(clipped))):
            scale = abs(mean) or 1.0
        return cls(mean, scale, low, high)

    def to_dict(self) -> dict[str, float]:
        """Return plain data, from which `Scaling(**data)` is the same."""
        return asdict(self)

    def within(self, other: Scaling) -> Scaling:
        """Return the scaling between standardised values and those that another one makes of natural ones."""
        return Scaling((self.mean - other.mean) / other.scale, self.scale / other.scale, -np.inf, np.inf)

    def clip(self, Y: Floats) -> Floats:
        """Return Y (n,) with outliers brought back to the fences."""
        return np.clip(Y, self.low, self.high)

    def standardise(self, Y: Floats) -> Floats:
        """Return y (n,) without unit."""
        return (self.clip(Y) - self.mean) / self.scale


def _fences(Y: Floats) -> tuple[float, float]:
    lower, median, upper = np.quantile(Y, [0.25, 0.5, 0.75])
    spread = (upper - lower) / IQR_OF_NORMAL
    if not spread > 0:  # more than half are equal: what differs is the signal, not an outlier
        return float(np.min(Y)), float(np.max(Y))
    return (
        float(max(np.min(Y), min(median - OUTLIER * spread, lower))),
        float(min(np.max(Y), max(median + OUTLIER * spread, upper))),
    )


def better_half(losses: Floats) -> NDArray[np.bool_]:
    """Return (n,) which of the losses (n,) are not above their median; NaN is not."""
    return np.asarray(losses <= np.nanmedian(losses))


class TrainingData:
    """The trials that are done, as far as surrogates learn from values: three arrays, which grow.

    Attributes:
        n: number of trials.
    """

    def __init__(self, space: Space, targets: Sequence[str]) -> None:
        self.space, self.targets = space, targets
        m = len(targets)
        self._arrays = np.empty((0, space.dimension)), np.empty((0, m)), np.empty((0, m))
        self._names: set[str] = set()
        self._others = 0

    @property
    def n(self) -> int:
        """Number of trials."""
        return len(self._arrays[0])

    def add(self, trials: Sequence[Trial]) -> None:
        """Take in those of the trials that are done."""
        done = [trial for trial in trials if trial.state is TrialState.DONE]
        self._others += len(trials) - len(done)
        if not done:
            return
        found = np.array([[_look_up(trial, target) for target in self.targets] for trial in done], dtype=np.float64)
        found = found.reshape(len(done), len(self.targets), 2)
        found = np.where(np.isfinite(found), found, np.nan)
        new = self.space.to_unit([trial.point for trial in done]), found[:, :, 0], found[:, :, 1] ** 2
        X, Y, Yvar = (np.concatenate(pair) for pair in zip(self._arrays, new, strict=True))
        self._arrays = X, Y, Yvar
        for trial in done:
            self._names.update(trial.objective, trial.observation.values if trial.observation else ())

    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """Return X (n, d) in the unit cube, Y (n, m) and Yvar (n, m), squared standard errors.

        Raises:
            SurrogateError: no trial is done, or a target is in none of them; the names that are there are listed.
        """
        if not self.n:
            raise SurrogateError(f"none of {self._others} trials is done: there is nothing to learn from")
        for target, column in zip(self.targets, self._arrays[1].T, strict=True):
            if np.all(np.isnan(column)):
                names = ", ".join(sorted(self._names)) or "no values"
                raise SurrogateError(f"no trial has a finite value of {target!r}; they have {names}")
        return self._arrays


def training_data(trials: Sequence[Trial], space: Space, targets: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Return X (n, d) in the unit cube, Y (n, m) and Yvar (n, m), squared standard errors, of the trials that are done.

    A target is looked up in the trial's objective, then in the values of its observation. Y is NaN where a trial does
    not have it, Yvar is NaN where no standard error is known.

    Raises:
        SurrogateError: no trial is done, or a target is in none of them; the names that are there are listed.
    """
    data = TrainingData(space, targets)
    data.add(trials)
    return data.arrays()


def _look_up(trial: Trial, target: str) -> tuple[float, float]:
    if target in trial.objective:
        return trial.objective[target], trial.objective_errors.get(target, np.nan)
    if trial.observation is None:
        return np.nan, np.nan
    return trial.observation.values.get(target, np.nan), trial.observation.errors.get(target, np.nan)


def subset(Y: Floats, size: int) -> NDArray[np.intp]:
    """Return the sorted indices of at most `size` of the targets Y (n,), the same ones for the same Y.

    The lowest and the highest tenth of what is kept are the extremes of Y, where an optimum may lie; the rest is drawn
    at random from a fixed seed.
    """
    if len(Y) <= size:
        return np.arange(len(Y))
    order = np.argsort(Y, kind="stable")
    ends = int(EXTREME * size)
    middle = np.random.default_rng(0).permutation(order[ends : len(Y) - ends])
    return np.sort(np.concatenate([order[:ends], order[len(Y) - ends :], middle[: size - 2 * ends]]))
