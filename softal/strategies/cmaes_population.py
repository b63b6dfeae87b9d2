"""What CMA-ES makes of a population's results: their ranking, and whether they rank anything at all.

Notation: y (d,) a genotype, loss (minimised), error its standard error; NaN where they are not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from softal.strategies.cmaes_evolution import Floats

BETTER_PART = 0.7  # of a population, which is flat where these are equal; Hansen's purecmaes.m, arXiv:1604.00772, C
DISTINCT = 4.0  # standard errors over which a population spreads that is no plateau: chance spreads 7 of 10 by 2
BETTER = 2.0  # standard errors of the difference by which one result is better than another
TOSS = 1 / 4  # chance of a wrong order between neighbours in rank that makes a population noisy; noise alone has 0.4


@dataclass(frozen=True)
class Entry:
    """One result in the pool.

    Attributes:
        y: genotype (d,).
        loss: NaN where the trial failed.
        error: standard error of the loss; NaN where it is not known.
        drawn: the update after which it was drawn; None for a point of another strategy, or of another start.
    """

    y: Floats
    loss: float
    error: float
    drawn: int | None = None

    def beats(self, other: Entry, tolerance: float = 0.0) -> bool:
        """Whether this result is better by more than the tolerance, and than their noise."""
        noise = float(np.hypot(np.nan_to_num(self.error), np.nan_to_num(other.error)))
        return self.loss < other.loss - max(tolerance, BETTER * noise)


def ranked(population: Sequence[Entry]) -> list[float] | None:
    """Return finite losses in which failures stand behind the worst; None where everything failed."""
    losses = np.array([entry.loss for entry in population])
    failed = np.isnan(losses)
    if failed.all():
        return None
    worst, span = np.nanmax(losses), np.ptp(losses[~failed])
    return [float(loss) for loss in np.where(failed, worst + (span or abs(worst) or 1.0), losses)]


def best_of(population: Sequence[Entry]) -> Entry:
    """Return the result with the lowest loss; failures stand behind every other."""
    return min(population, key=lambda entry: (np.isnan(entry.loss), entry.loss))


def flat(population: Sequence[Entry], tolerance: float) -> bool:
    """Return whether the better part of a population cannot be told apart: a plateau, on which ranks mean nothing.

    Args:
        population: at least one has a loss.
        tolerance: losses that differ by less do not differ.
    """
    done = sorted((entry for entry in population if not np.isnan(entry.loss)), key=lambda entry: entry.loss)
    better = done[: max(2, 1 + int(BETTER_PART * len(done)))]
    noise = float(np.sqrt(np.mean(np.nan_to_num([entry.error for entry in better]) ** 2)))
    return better[-1].loss - better[0].loss <= max(tolerance, DISTINCT * noise)


def noisy(population: Sequence[Entry], losses: Sequence[float]) -> bool:
    """Return whether the standard errors make a coin's toss of the ranking.

    The chance that the order of two neighbours in rank is wrong is Phi(-delta / sqrt(e1^2 + e2^2)); a mean above 1/4
    over the better half, which is what the update follows, counts as noisy.
    """
    from scipy.special import ndtr

    order = np.argsort(losses)[: len(losses) // 2 + 1]
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
