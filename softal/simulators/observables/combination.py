r"""The best linear combination of several estimates of one curve, such as a histogram and what forces say.

With a_0 the histogram and a_1 ... a_m other unbiased estimates of the same number, any

    a = a_0 + sum_j w_j (a_j - a_0)

is unbiased, too. Its variance is smallest for w = -C^-1 v, C the covariance of the differences a_j - a_0 and v theirs
with a_0, taken over blocks of the simulation, for each bin by itself. The histogram is one of the combinations (all
w 0), so that the best one is never worse; where the blocks' noise in C makes it look worse all the same, the histogram
is taken. It is taken, too, where most blocks have seen nothing: of a few rare events, weights can be found that make
them cancel.

Source: S. W. Coles, E. Mangaud, D. Frenkel, B. Rotenberg, J. Chem. Phys. 154, 191101 (2021), with two and three
estimates instead of their two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.statistics import mean_and_error

OFTEN = 0.5  # part of the blocks in which the histogram is not zero, from which on others are mixed in
SINGULAR = 1e-10  # of the largest eigenvalue of C: directions of less say nothing (two estimates that are one)


@dataclass(frozen=True)
class Combined:
    """A curve from several estimates, b bins.

    Attributes:
        values, errors: mean and standard error, shape (b,).
        weights: of each estimate, shape (estimates, b); they add up to 1.
        histogram, histogram_errors: the first estimate alone, shape (b,).
    """

    values: Floats
    errors: Floats
    weights: Floats
    histogram: Floats
    histogram_errors: Floats

    @property
    def gain(self) -> Floats:
        """Variance of the first estimate over that of the combination, at least 1, shape (b,); 1 where both are 0."""
        ratio = np.ones_like(self.errors)
        np.divide(self.histogram_errors**2, self.errors**2, out=ratio, where=self.errors > 0)
        return ratio


def combined(estimates: Floats) -> Combined:
    """Return the best linear combination of estimates in each bin.

    Args:
        estimates: shape (m + 1, T, b): the first one (the histogram, to which the others are held), and others with the
            same expectation; of T successive blocks of equal length; in b bins. Errors account for correlation
            between blocks (`statistics`), but not for the anticorrelation of forces, which are changes of momenta: 25
            to 100 blocks, each of several collisions, are better than many short ones.

    Raises:
        SimulationError: there are not at least 4 blocks for each estimate.
    """
    count, blocks, _ = estimates.shape
    if blocks < fewest_blocks(count):
        raise SimulationError(
            f"{blocks} blocks are too few to combine {count} estimates: {fewest_blocks(count)} are needed"
        )
    first = estimates[0]
    others = np.moveaxis(estimates[1:] - first, 0, -1)  # (T, b, m)
    w = _best(first, others)
    mean, error = mean_and_error(first + np.einsum("tbm,bm->tb", others, w))
    # Weights that were fitted to T blocks make their scatter smaller than it is, as parameters of any fit do.
    error = error * np.sqrt((blocks - 1) / (blocks - count))
    alone, alone_error = mean_and_error(first)
    better = (error < alone_error) & (np.mean(first != 0, axis=0) >= OFTEN)
    w = np.where(better[:, None], w, 0.0)
    weights = np.vstack([1 - w.sum(axis=1), w.T])
    return Combined(np.where(better, mean, alone), np.where(better, error, alone_error), weights, alone, alone_error)


def fewest_blocks(estimates: int) -> int:
    """Return how many blocks so many estimates need."""
    return 4 * estimates


def _best(first: Floats, others: Floats) -> Floats:
    """Return w = -C^-1 v, shape (b, m), of the first estimate (T, b) and the others' differences from it (T, b, m)."""
    x = first - first.mean(axis=0)
    d = others - others.mean(axis=0)
    C = np.einsum("tbm,tbn->bmn", d, d)
    v = np.einsum("tb,tbm->bm", x, d)
    inverse = np.linalg.pinv(C, rcond=SINGULAR, hermitian=True)
    return np.asarray(-np.einsum("bmn,bn->bm", inverse, v))
