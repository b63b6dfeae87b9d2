"""What acts on particles besides their pair potentials: walls, and charges. The energy is the sum of all.

Walls may be charged uniformly, where the box is a slab: particles and walls together are neutral then. A plane's
field is 2 pi strength s on both of its sides, s the charge of an area, so that between two equal planes there is
none: their charge acts on particles only through the counter-ions that it brings. What has to be right is the
particles' own sum, which is not neutral: between particles i and j, the part of the slab's sum that is uniform along
x and y is

    -2 pi strength q_i q_j |z_i - z_j| / A,

whatever the total charge. A sum that is periodic along z adds 2 pi strength / V [M^2 - Q sum q_i z_i^2 - Q^2 L_z^2 /
12], M the moment along z and Q the total charge, which the slab correction takes away again; without its terms in Q,
which vanish for neutral systems, all ions would be pulled from the middle by a background that is not there. Source:
V. Ballenegger, A. Arnold, J. J. Cerda, J. Chem. Phys. 131, 094107 (2009), eq. (15).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
        charge: of the plane, uniform [charge/length^2, in the unit of `Charges.values`].
    """

    axis: int
    position: float
    side: Literal[1, -1]
    potential: PairPotential | Mapping[int, PairPotential]
    charge: float = 0.0

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

    def check(self, box: Box, types: NDArray[np.intp], walls: Sequence[Wall] = ()) -> None:
        """See that the sum exists.

        Raises:
            SimulationError: the system with its walls is not neutral, or the box neither periodic along all axes nor
                along x and y.
        """
        if box.periodic not in ((True, True, True), (True, True, False)):
            raise SimulationError("charges need a box that is periodic along all axes, or along x and y")
        total, planes = float(np.asarray(self.values)[types].sum()), sum(self.on(wall, box) for wall in walls)
        if abs(total + planes) > 1e-9 * max(1.0, float(np.abs(self.values).max()) * len(types)):
            walls_too = f", those of the walls to {planes:g}" if planes else ""
            raise SimulationError(
                f"the particles' charges add up to {total:g}{walls_too}; a periodic system must be neutral"
            )

    def on(self, wall: Wall, box: Box) -> float:
        """Return the charge of a whole wall [charge]."""
        x, y, _ = box.edges
        return wall.charge * x * y if wall.axis == 2 else 0.0

    def field(self, walls: Sequence[Wall]) -> float:
        """Return the force along z of charged planes on a unit charge between them [energy/length/charge]."""
        return 2 * math.pi * self.strength * sum(wall.side * wall.charge for wall in walls)

    def plane_energy(self, walls: Sequence[Wall], box: Box, positions: Floats, types: NDArray[np.intp]) -> float:
        """Return the energy of charged planes with the particles and with each other [energy].

        With the convention of the particles' own sum, -2 pi strength q q' |z - z'| / A for each pair; the zero of a
        neutral system's energy does not depend on it.
        """
        if not any(wall.charge for wall in walls):
            return 0.0
        x, y, _ = box.edges
        charges = np.asarray(self.values)[types]
        total = 0.0
        for number, wall in enumerate(walls):
            total += self.on(wall, box) * float(charges @ np.abs(positions[:, 2] - wall.position))
            for other in walls[:number]:
                total += self.on(wall, box) * self.on(other, box) * abs(wall.position - other.position)
        return -2 * math.pi * self.strength / (x * y) * total
