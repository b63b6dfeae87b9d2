"""An energy that is a linear combination of symmetry functions, and the tables by which a simulation evaluates it.

    U_i = c_0 + sum_m c_m G_m(i)

All radial functions together are one function of the distance, u(r); all angular ones together are, for each corner of
a triangle of particles, a polynomial in the cosine of its angle whose coefficients depend on the sum s of its squared
sides alone. So the cost of an energy does not depend on how many functions were chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.many_body.symmetry_functions import SymmetryFunctions

PAIRS = 16384  # entries over r^2 of the table of pairs: a linear interpolation leaves 1e-9 of energies of order 1
TRIANGLES = 8192  # over s: leaves 1e-6 of exp(-8 s)


@dataclass(frozen=True)
class Tables:
    """A potential as compiled kernels take it.

    Attributes:
        cutoff: of pairs, and of each side of a triangle.
        pairs: (PAIRS + 2,) energy of a pair, both particles' parts, at r^2 = k cutoff^2 / PAIRS.
        cut: (PAIRS + 2,) f(r) in the same places.
        triangles: (TRIANGLES + 2, degree + 1) of the energy of a corner over f f f, both orders of its neighbours: the
            coefficients of 1, cos, cos^2, ... at s = 3 k cutoff^2 / TRIANGLES; degree + 1 = 0 where no function is
            angular.
        constant: energy of each particle.
    """

    cutoff: float
    pairs: Floats
    cut: Floats
    triangles: Floats
    constant: float


@dataclass(frozen=True)
class FittedPotential:
    """A linear combination of symmetry functions.

    Args:
        functions: m of them.
        coefficients: (m,) [energy], in their order.
        intercept: [energy] of a particle without neighbours.

    Raises:
        TheoryError: if the numbers of functions and coefficients differ, something is not finite, or an exponent xi is
            no whole number.
    """

    functions: SymmetryFunctions
    coefficients: Floats
    intercept: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", np.array(self.coefficients, dtype=float))
        if self.coefficients.shape != (len(self.functions),):
            raise TheoryError(f"{len(self.functions)} functions have coefficients of shape {self.coefficients.shape}")
        if not (np.isfinite(self.coefficients).all() and np.isfinite(self.intercept)):
            raise TheoryError("the coefficients of a potential have to be finite")
        xi = self.functions.angular[:, 1]
        if (xi != np.rint(xi)).any():
            raise TheoryError(f"an exponent xi is {xi[xi != np.rint(xi)][0]:g}; allowed in a potential: whole numbers")

    def energies(self, positions: Floats, box: Floats) -> Floats:
        """Return each particle's energy (N,) in a periodic box; see `SymmetryFunctions.values`."""
        return self.functions.values(positions, box) @ self.coefficients + self.intercept

    def tables(self) -> Tables:
        """Return the tables of this potential."""
        cutoff, a = self.functions.cutoff, len(self.functions.radial)
        r = np.sqrt(np.arange(PAIRS + 2) / PAIRS) * cutoff
        cut = np.where(r < cutoff, (np.cos(np.pi * r / cutoff) + 1) / 2, 0.0)
        eta, place = self.functions.radial.T
        pairs = 2 * cut * (np.exp(-eta * (r[:, None] - place) ** 2) @ self.coefficients[:a])
        return Tables(cutoff, pairs, cut, self._triangles(self.coefficients[a:]), self.intercept)

    def _triangles(self, coefficients: Floats) -> Floats:
        angular = self.functions.angular
        s = np.arange(TRIANGLES + 2) / TRIANGLES * 3 * self.functions.cutoff**2
        found = np.zeros((len(s), int(angular[:, 1].max()) + 1 if len(angular) else 0))
        for (eta, xi, sign), c in zip(angular, coefficients, strict=True):
            powers = np.polynomial.polynomial.polypow([1.0, sign], int(xi))
            found[:, : len(powers)] += np.outer(2.0 ** (2 - xi) * c * np.exp(-eta * s), powers)
        return found
