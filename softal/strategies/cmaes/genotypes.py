"""Genotypes of CMA-ES: coordinates without bounds, and the way from there to feasible points of the space.

Notation: y (d,) a genotype, u = T(y) in the unit cube, T pycma's piecewise quadratic transformation; snapping takes u
to integers and choices.
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.space import Space
from softal.strategies.cmaes.evolution import Evolution

RESAMPLES = 100  # draws for a feasible point before the last is pulled towards the mean
BISECTIONS = 30


class Genotypes:
    """The genotypes of a space's points."""

    def __init__(self, space: Space) -> None:
        from cma.boundary_handler import BoundTransform

        self._space = space
        self._transform = BoundTransform([np.zeros(space.dimension), np.ones(space.dimension)])

    def transformed(self, y: Floats) -> Floats:
        """Return T(y) (d,), not snapped."""
        return np.asarray(self._transform.transform(y), dtype=np.float64)

    def unit(self, y: Floats) -> Floats:
        """Return the snapped unit point u (d,) of a genotype y (d,)."""
        unit: Floats = self._space.snap(self.transformed(y)[None])[0]
        return unit

    def of(self, u: Floats) -> Floats:
        """Return a genotype y (d,) of a unit point u (d,)."""
        return np.asarray(self._transform.inverse(np.clip(u, 0.0, 1.0)), dtype=np.float64)

    def sample(self, es: Evolution, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return a genotype y drawn from the distribution and its feasible unit point u, each (d,)."""
        for _ in range(RESAMPLES):
            y = es.mean + es.step(rng.standard_normal(self._space.dimension))
            u = self.unit(y)
            if self._space.feasible(u[None])[0]:
                return y, u
        return self._repaired(y, es.mean, rng)

    def _repaired(self, y: Floats, inside: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Pull an infeasible genotype towards the mean, or a random feasible point where the mean is infeasible."""
        if not self._space.feasible(self.unit(inside)[None])[0]:
            inside = self.of(self._space.sample(1, rng)[0])
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            fits = self._space.feasible(self.unit(inside + middle * (y - inside))[None])[0]
            low, high = (middle, high) if fits else (low, middle)
        y = inside + low * (y - inside)
        return y, self.unit(y)
