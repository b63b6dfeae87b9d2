"""Spherocylinders: the Monte Carlo of rods, and of spheres as rods of length 0."""

from __future__ import annotations

from typing import Literal

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.potentials import PairPotential
from softal.simulators.monte_carlo.system import Configuration, PairMonteCarlo

RodBoxMoves = Literal["isotropic", "z_apart", "anisotropic", "shape"]

MODES = {"isotropic": 0, "z_apart": 1, "anisotropic": 2, "shape": 3}  # as in rods.py
FIXED = -1
SKIN = 0.7  # [sigma] of the neighbour lists, at least; between 0.5 and 1.0 the speed for 432 rods in layers is the same
MOVES = 7.0  # trial moves that the skin holds: dilute rods, whose steps are long, go nine times as fast with it
ROOM = 0.8  # part of what a box has beyond the least that a skin may take: the box may shrink
LONGEST = 0.4 * SKIN  # way of a rod's end in a trial move: with longer ones, lists are made all the time
UNIT_LENGTH = 1e-9  # by which an orientation may miss it


class Spherocylinders(PairMonteCarlo):
    """Rods whose energy is a function of the shortest distance d_m of their axes, of length L; spheres where L = 0.

    Half of the trial moves of rods are translations, half rotations; spheres are not turned, and need no orientations.

    Args:
        configuration, potential, kT, pressure, seed: as for PairMonteCarlo. No energy of the potential may be negative.
        length: L of the cylinder, without its caps [sigma].
        box_moves: with a pressure, "isotropic" scales all edges, "z_apart" z or x and y together, "anisotropic" one of
            the three; without one, "shape" changes L_z against L_x and L_y at constant volume, so that layers find
            their distance, and "isotropic" leaves the box as it is.

    Raises:
        SimulationError: if orientations are missing or no unit vectors, cores overlap, `box_moves` do not suit the
            ensemble, or an edge of the box is shorter than L + cutoff + SKIN. From there on each image of each rod that
            can come into range is seen, however the rods lie (rod_lists.py).
    """

    moves = ("translation", "rotation", "volume")
    targets = (0.35, 0.35, 0.3)
    first = (0.1, 0.05, 0.01)  # [sigma], [1], [ln V]
    smallest = (1e-4, 1e-4, 1e-6)
    largest = (LONGEST / 3**0.5, 0.7, 0.03)

    def __init__(
        self,
        configuration: Configuration,
        potential: PairPotential,
        kT: float,
        pressure: float | None = None,
        *,
        seed: int = 0,
        length: float = 0.0,
        box_moves: RodBoxMoves = "isotropic",
    ) -> None:
        super().__init__(configuration, potential, kT, pressure, seed=seed)
        self.length = float(length)
        self.box_moves = box_moves
        self._check_rods()
        self._check_box()

    def _advance(self, sweeps: int) -> None:
        from softal.simulators.monte_carlo import rods

        self._check_box()
        if self.length > 0:
            self.steps[rods.ROTATION] = min(self.steps[rods.ROTATION], 2 * LONGEST / self.length)
        moves = np.zeros((len(self.moves), 2), np.int64)
        x, u, pressure = self.positions, self._directions(), self.pressure or 0.0
        energy, too_small = rods.run(
            x,
            u,
            self.box,
            self.length,
            sweeps,
            pressure,
            self._mode(),
            self.steps,
            self._skin(),
            *self._table(),
            self.random,
            moves,
        )
        if not np.isfinite(energy):
            raise SimulationError(f"cores of diameter {self.potential.core:g} sigma overlap in the configuration")
        if too_small:
            self._refuse_box()
        self.tried += moves[:, 0]
        self.accepted += moves[:, 1]

    @property
    def energy(self) -> float:
        """Total energy [epsilon], from all pairs anew; infinite where cores overlap."""
        from softal.simulators.monte_carlo import rod_energies

        args = self.positions, self._directions(), self.box, self.length
        return float(rod_energies.total_energy(*args, *self._table()) * self.kT)

    def _crossings(self, shrinkage: Floats) -> Floats:
        """Return what shrinking by 1 - xi, xi (m,), costs, shape (m,): the centres only, rods keep their length."""
        from softal.simulators.monte_carlo import rod_energies

        args = self.positions, self._directions(), self.box, self.length, shrinkage
        return np.asarray(rod_energies.crossings(*args, *self._table()))

    def _directions(self) -> Floats:
        if self.orientations is None:
            return np.tile([0.0, 0.0, 1.0], (len(self.positions), 1))
        return self.orientations

    def _skin(self) -> float:
        """Return the width of the lists' skin [sigma] for the steps and the box as they are now."""
        room = ROOM * (self.box.min() - self.length - self.potential.cutoff)
        return float(max(SKIN, min(MOVES * 3**0.5 * self.steps[0], room)))

    def _mode(self) -> int:
        return FIXED if self.pressure is None and self.box_moves != "shape" else MODES[self.box_moves]

    def _check_rods(self) -> None:
        if self.positions.shape[1] != 3:
            raise SimulationError(f"rods move in space; these positions have {self.positions.shape[1]} dimensions")
        if not 0 <= self.length < np.inf:
            raise SimulationError(f"the length of rods is {self.length:g} sigma; it has to be 0 or more")
        if self.length > 0 and self.orientations is None:
            raise SimulationError(f"rods of length {self.length:g} sigma need orientations")
        u = self._directions()
        if np.abs((u**2).sum(1) - 1).max() > UNIT_LENGTH:
            raise SimulationError("orientations have to be unit vectors")
        if self.box_moves not in MODES or (self.box_moves == "shape") > (self.pressure is None):
            allowed = '"isotropic", "z_apart", "anisotropic", and "shape" at constant volume'
            raise SimulationError(f'moves of the box are "{self.box_moves}"; rods have {allowed}')

    def _check_box(self) -> None:
        if self.box.min() < self._least():
            self._refuse_box()

    def _least(self) -> float:
        return self.length + self.potential.cutoff + SKIN

    def _refuse_box(self) -> None:
        edges = " x ".join(f"{edge:.4g}" for edge in self.box)
        raise SimulationError(
            f"{len(self.positions)} rods in a box of {edges} sigma: its edges have to stay above {self._least():.4g} "
            "sigma, the length of a rod and the range of its neighbours; take more rods"
        )
