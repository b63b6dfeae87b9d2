"""The search distribution of CMA-ES: pycma's, sampled and updated from outside.

Notation: genotypes y (d,) have no bounds; y = m + sigma C^(1/2) z, z ~ N(0, 1), so that C^(1/2) z = s * (B D z) in
pycma's decomposition; its notes are in the unit cube, u = T(y).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from softal.numeric import Floats

MAX_STD = 1 / 3  # of the distribution, in units of each range
GROWTH = 1.5  # of the steps with each population on a plateau; Hansen's purecmaes.m has about as much, arXiv:1604.00772


class Evolution:
    """Mean, step size and covariance of one run, and what pycma has learned of its fitness.

    Args:
        mean: m (d,), a genotype.
        sigma: initial step.
        popsize: points in a generation; None is pycma's choice, 4 + 3 ln d.
        options: of pycma, beyond those that this class needs itself.
    """

    def __init__(self, mean: Floats, sigma: float, popsize: int | None, options: Mapping[str, Any]) -> None:
        from cma import CMAEvolutionStrategy

        own = {
            "randn": _Normals(),
            "seed": np.nan,
            "verbose": -9,
            "verb_log": 0,
            "verb_disp": 0,
            "signals_filename": "",
            "maxstd": MAX_STD,
            "CMA_mirrors": 0,  # its own samples, of which small populations mirror some, are not used
            "tolflatfitness": np.inf,  # `tolfun` looks back further: a fitness that has a ceiling is equal by chance
        }
        self._es = CMAEvolutionStrategy(mean, sigma, own | dict(options) | ({"popsize": popsize} if popsize else {}))

    @property
    def mean(self) -> Floats:
        """The genotype m (d,)."""
        return np.array(self._es.mean)

    @property
    def sigma(self) -> float:
        """Step size."""
        return float(self._es.sigma)

    @property
    def popsize(self) -> int:
        """Points in a generation."""
        return int(self._es.popsize)

    @property
    def converged(self) -> bool:
        """Whether one of pycma's criteria says that the run is over."""
        return bool(self._es.stop())

    def step(self, z: Floats) -> Floats:
        """Return the step sigma C^(1/2) z of a normal deviate z, each (d,)."""
        es = self._es
        return np.asarray(es.sigma * es.sigma_vec.scaling * (es.sm.B @ (es.sm.D * z)))

    def length(self, away: Floats) -> float:
        """Return the Mahalanobis length of y - m (d,): that of z in y = m + sigma C^(1/2) z."""
        es = self._es
        return float(np.linalg.norm(es.sm.B.T @ (away / (es.sigma * es.sigma_vec.scaling)) / es.sm.D))

    def moments(self, transform: Callable[[Floats], Any]) -> tuple[Floats, Floats]:
        """Return mean (d,) and covariance (d, d) in the unit cube.

        The covariance is that of the points T(m +- sqrt(d) s_k), s_k the axes of one standard deviation: it is the
        genotypes' own where T is linear, and less where bounds fold the distribution.

        Args:
            transform: T.
        """
        mean, d = self.mean, len(self.mean)
        axes = d**0.5 * np.array([self.step(row) for row in np.eye(d)])
        U = np.array([transform(mean + axis) for axis in (*axes, *-axes)])
        away = U - U.mean(axis=0)
        return np.asarray(transform(mean)), away.T @ away / (2 * d)

    def grow(self) -> None:
        """Enlarge the steps, up to the largest that are allowed."""
        self._es.sigma *= max(1.0, min(GROWTH, MAX_STD / float(np.max(self._es.stds))))

    def update(self, Y: Sequence[Floats], losses: Sequence[float]) -> None:
        """Take in a population of genotypes, each (d,), with their losses."""
        self._es.ask(len(Y))  # pycma wants to have been asked; its own samples are not used
        self._es.tell(list(Y), list(losses))
        self._es.sm.update_now()  # here, not when it samples next: the state must not depend on when `ask` was called

    def keep_sigma(self, limit: float) -> None:
        """Enlarge the step size a little, up to a limit, where noise would shrink it."""
        es = self._es
        es.sigma = max(es.sigma, min(es.sigma * (1 + 2 / (es.N + 10)), limit))


class _Normals:
    """Normal deviates for pycma, from a stream of its own: numpy's global state stays untouched."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def __call__(self, *shape: int) -> Floats:
        return np.asarray(self._rng.standard_normal(shape))
