"""What CMA-ES makes of a population's results: their ranking, and whether they rank anything at all.

Notation: y (d,) a genotype, loss (minimised), error its standard error; NaN where they are not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from softal.numeric import Floats
from softal.objective import Objective
from softal.trial import Trial

BETTER_PART = 0.7  # of a population, which is flat where these are equal; Hansen's purecmaes.m, arXiv:1604.00772, C
DISTINCT = 4.0  # standard errors over which a population spreads that is no plateau: chance spreads 7 of 10 by 2
BETTER = 2.0  # standard errors of the difference by which one result is better than another
EXCLUDED = 1e-12  # violation of a value on a bound that is excluded
TOSS = 1 / 4  # chance of a wrong order between neighbours in rank that makes a population noisy; noise alone has 0.4


@dataclass(frozen=True)
class Entry:
    """One result in the pool.

    Attributes:
        y: genotype (d,).
        loss: NaN where the trial failed.
        error: standard error of the loss; NaN where it is not known.
        drawn: the update after which it was drawn; None for a point of another strategy, or of another start.
        violation: of outcome constraints, in units of the values' spread; 0 where they are satisfied.
    """

    y: Floats
    loss: float
    error: float
    drawn: int | None = None
    violation: float = 0.0

    def beats(self, other: Entry, tolerance: float = 0.0) -> bool:
        """Whether this result violates less, or is better by more than the tolerance, and than their noise."""
        if self.violation != other.violation:
            return self.violation < other.violation
        noise = float(np.hypot(np.nan_to_num(self.error), np.nan_to_num(other.error)))
        return self.loss < other.loss - max(tolerance, BETTER * noise)


def ranked(population: Sequence[Entry]) -> list[float] | None:
    """Return finite losses for ranking; None where everything failed.

    Those that violate outcome constraints stand behind the worst that satisfies them, by how much they violate
    (K. Deb, "An efficient constraint handling method for genetic algorithms", 2000), and failures behind all.
    """
    losses = np.array([entry.loss for entry in population])
    failed = np.isnan(losses)
    if failed.all():
        return None
    violations = np.array([entry.violation for entry in population])
    if (violating := (violations > 0) & ~failed).any():
        allowed = losses[~failed & ~violating]
        worst, span = (allowed.max(), np.ptp(allowed)) if len(allowed) else (0.0, 1.0)
        losses = np.where(violating, worst + (span or abs(worst) or 1.0) * (1.0 + violations), losses)
    worst, span = np.nanmax(losses), np.ptp(losses[~failed])
    return [float(loss) for loss in np.where(failed, worst + (span or abs(worst) or 1.0), losses)]


def best_of(population: Sequence[Entry]) -> Entry:
    """Return the result that violates least, and of those the one with the lowest loss; failures stand behind all."""
    return min(population, key=lambda entry: (np.isnan(entry.loss), entry.violation, entry.loss))


def flat(population: Sequence[Entry], tolerance: float) -> bool:
    """Return whether the better part of a population cannot be told apart: a plateau, on which ranks mean nothing.

    Args:
        population: at least one has a loss.
        tolerance: losses that differ by less do not differ.
    """
    done = sorted(
        (entry for entry in population if not np.isnan(entry.loss)), key=lambda entry: (entry.violation, entry.loss)
    )
    better = done[: max(2, 1 + int(BETTER_PART * len(done)))]
    if better[-1].violation > better[0].violation:
        return False
    noise = float(np.sqrt(np.mean(np.nan_to_num([entry.error for entry in better]) ** 2)))
    return better[-1].loss - better[0].loss <= max(tolerance, DISTINCT * noise)


def noisy(population: Sequence[Entry], losses: Sequence[float]) -> bool:
    """Return whether the standard errors make a coin's toss of the ranking.

    The chance that the order of two neighbours in rank is wrong is Phi(-delta / sqrt(e1^2 + e2^2)); a mean above 1/4
    over the better half, which is what the update follows, counts as noisy.
    """
    from scipy.special import ndtr

    order = [i for i in np.argsort(losses)[: len(losses) // 2 + 1] if not population[i].violation]
    if len(order) < 2:
        return False
    errors = np.array([population[i].error for i in order])
    if not np.all(np.isfinite(errors)) or not np.any(errors):
        return False
    gaps = np.diff(np.asarray(losses)[order])
    width = np.hypot(errors[1:], errors[:-1])
    wrong = ndtr(-np.divide(gaps, width, out=np.full_like(gaps, np.inf), where=width > 0))
    return bool(wrong.mean() > TOSS)


def shortened(entry: Entry, away: Floats, length: float) -> Entry:
    """Return a point that was not drawn from the distribution as if it were not further out than a long draw.

    y = m + min(1, c_y / |C^(-1/2) (y - m) / sigma|) (y - m), c_y = sqrt(d) + 2 d / (d + 2): N. Hansen, "Injecting
    external solutions into CMA-ES", arXiv:1110.4181, eq. (3).

    Args:
        entry: the point.
        away: y - m (d,), m the distribution's mean.
        length: Mahalanobis length of that, in standard deviations.
    """
    d = len(away)
    allowed = d**0.5 + 2 * d / (d + 2)
    return replace(entry, y=entry.y - (1 - allowed / length) * away) if length > allowed else entry


class Violations:
    """By how much results violate the outcome constraints, in units of the spread of each value so far.

    The spread is the standard deviation over the results told until then, by Welford's sums.
    """

    def __init__(self, objective: Objective) -> None:
        self.outcomes = objective.outcomes
        self._n = 0
        self._mean, self._squares = np.zeros((2, len(self.outcomes)))

    def add(self, trial: Trial) -> float:
        """Take in a finished trial; return the sum of its violations."""
        if not self.outcomes:
            return 0.0
        values = np.array([one.of(trial.observation) for one in self.outcomes])
        self._n += 1
        away = values - self._mean
        self._mean = self._mean + away / self._n
        self._squares = self._squares + away * (values - self._mean)
        spread = np.sqrt(self._squares / self._n)
        amounts = np.array([one.violation(value) for one, value in zip(self.outcomes, values, strict=True)])
        holds = np.array([one.holds(value) for one, value in zip(self.outcomes, values, strict=True)])
        relative = np.maximum(amounts / np.where(spread > 0, spread, 1.0), EXCLUDED)
        return float(np.sum(np.where(holds, 0.0, relative)))
