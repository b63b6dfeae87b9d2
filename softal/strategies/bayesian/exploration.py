r"""Where not to look again, and where to look when the model expects nothing anywhere.

A point u that was simulated is hopeless where its upper bound is below the best (the m values are maximised),

    mean_k(u) + CERTAIN std_k(u) < mean_k(v)    for all k, of one other point v

A run there cannot change who is best. Within NEAR of it, in units of each range, nothing is proposed but what the model
takes for better than all points that are known: a model that is wrong about a plateau, or acquisition values of e^-26,
would send simulation after simulation there.

Where the largest expected improvement is a small part of the error that a run has where it is best, a million runs
would not show it. Sample paths are maximised then, which stays with what is best as far as that is known, and now and
then the point farthest from all others is taken: the model may not know of all that there is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.strategies.bayesian.posterior import Posterior
from softal.strategies.bayesian.settings import Acquisition
from softal.strategies.shared.feasibility import Feasibility
from softal.strategies.shared.region import Region

CERTAIN = 3.0  # standard deviations
NEAR = 0.01  # of each range
SMALL = 1e-3  # expected improvement over the standard error of one run, both in units of the values' spread
NOTHING = 1e-7  # expected improvement that is none for any simulation
CANDIDATES = 1024


@dataclass(frozen=True)
class Hopeless:
    """The points that cannot be best.

    Attributes:
        posterior: of the values.
        points: (h, d) unit points.
        best: (m,) largest means of the values among all points.
    """

    posterior: Posterior
    points: Floats
    best: Floats

    @classmethod
    def of(cls, posterior: Posterior) -> Hopeless:
        """Find them among the points that the posterior is conditioned on."""
        mean, std = posterior.values(posterior.X)
        upper = mean + CERTAIN * std
        allowed = mean[posterior.probable]  # what violates the outcome constraints beats nothing
        beaten = np.array([bool(np.any(np.all(allowed > bound, axis=1))) for bound in upper], dtype=bool)
        return cls(posterior, posterior.X[beaten], allowed.max(axis=0, initial=-np.inf))

    def near(self, U: Floats) -> NDArray[np.bool_]:
        """Return (n,) which of the points U (n, d) are near a hopeless one, and not better than all by the model."""
        if not len(self.points) or not len(U):
            return np.zeros(len(U), dtype=bool)
        close = np.array([bool(np.any(np.all(np.abs(self.points - u) < NEAR, axis=1))) for u in U], dtype=bool)
        if close.any():
            close[close] = ~np.any(self.posterior.values(U[close])[0] > self.best, axis=1)
        return close


def least_worth(kind: Acquisition, posterior: Posterior) -> float:
    """Return the acquisition value, in units of the values' spread, below which nothing is promised."""
    if kind == "qLogNEHVI":  # of a volume
        return math.log(NOTHING)
    means = posterior.in_units(posterior.means(posterior.X))
    best = int(posterior.probable[np.argmax(means[posterior.probable, 0])])
    least = max(SMALL * float(posterior.noise(best)[0]) / posterior.units[0].scale, NOTHING)
    return float(means[best, 0]) + least if kind == "UCB" else math.log(least)


def farthest(region: Region, feasibility: Feasibility | None, visited: Floats, rng: np.random.Generator) -> Floats:
    """Return the point (d,) of the region with the largest distance from visited ones (v, d) times P(success)."""
    U = region.candidates(CANDIDATES, rng, np.empty((0, region.space.dimension)))
    allowed = region.fresh(U, visited)
    distance = np.min(np.linalg.norm(U[:, None] - visited, axis=2), axis=1) if len(visited) else np.ones(len(U))
    if feasibility is not None:
        distance = distance * np.exp(feasibility.log_probability(U))
    return np.asarray(U[int(np.argmax(np.where(allowed, distance, -1.0) if allowed.any() else distance))])
