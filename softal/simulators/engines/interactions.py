"""What acts on particles besides their pair potentials: walls, and charges. The energy is the sum of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.engines.box import Box
from softal.simulators.engines.potential import PairPotential

AXES = "xyz"


@dataclass(frozen=True)
class Wall:
    """A plane across an open axis of the box: U(s) at the distance s from it, as a pair potential has it.

    Attributes:
        axis: 0, 1, 2 for x, y, z.
        position: of the plane along it [length].
        side: 1 where particles are above the plane, -1 where they are below.
        potential: of each kind.
    """

    axis: int
    position: float
    side: Literal[1, -1]
    potential: PairPotential | Mapping[int, PairPotential]

    def of_kind(self, kind: int) -> PairPotential:
        """Return the potential of a kind."""
        return self.potential[kind] if isinstance(self.potential, Mapping) else self.potential

    def distances(self, positions: Floats) -> Floats:
        """Return s (N,) of particles at positions (N, 3) [length]; negative behind the wall."""
        return np.asarray(self.side * (positions[:, self.axis] - self.position))

    def energy(self, positions: Floats, types: NDArray[np.intp]) -> float:
        """Return U of all particles [energy]."""
        s = self.distances(positions)
        return float(sum(self.of_kind(int(kind)).energy(s[types == kind]).sum() for kind in np.unique(types)))

    def push(self, positions: Floats, types: NDArray[np.intp]) -> Floats:
        """Return the force (N,) of each particle on the wall, outwards [energy/length]; over its area it is a pressure.

        The wall's force on the particle is as large, along `side`.
        """
        s, push = self.distances(positions), np.zeros(len(positions))
        for kind in np.unique(types):
            push[types == kind] = self.of_kind(int(kind)).force(s[types == kind])
        return push


@dataclass(frozen=True)
class Charges:
    """Coulomb's interaction of all charges and their periodic images, U = strength q_i q_j / r, by Ewald sums.

    The box is periodic along all axes (with a conductor around the images), or along x and y: a slab, whose layers do
    not see each other (source: I.-C. Yeh, M. L. Berkowitz, J. Chem. Phys. 111, 3155 (1999)).

    Attributes:
        values: charge of each kind, in any unit.
        strength: of the interaction [energy length / charge^2]; kT times the Bjerrum length for elementary charges.
        cutoff: of the part that is summed in real space [length]; results do not depend on it.
        accuracy: of a force, of that between unit charges at unit distance.
    """

    values: tuple[float, ...]
    strength: float
    cutoff: float
    accuracy: float = 1e-4

    def check(self, box: Box, types: NDArray[np.intp]) -> None:
        """See that the sum exists.

        Raises:
            SimulationError: the system is not neutral, or the box neither periodic along all axes nor along x and y.
        """
        total = float(np.asarray(self.values)[types].sum())
        if abs(total) > 1e-9 * max(1.0, float(np.abs(self.values).max()) * len(types)):
            raise SimulationError(f"the particles' charges add up to {total:g}; a periodic system must be neutral")
        if box.periodic not in ((True, True, True), (True, True, False)):
            raise SimulationError("charges need a box that is periodic along all axes, or along x and y")
