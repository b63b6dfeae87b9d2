"""Where a simulation starts: lattices and thermal velocities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def face_centred_cubic(particles: int, box_length: float) -> Floats:
    """Return positions (N, 3) on an fcc lattice in the box, with as few vacancies, spread evenly, as N needs."""
    cells = math.ceil((particles / 4 - 1e-9) ** (1 / 3))
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    sites = ((corners + basis) / cells).reshape(-1, 3)
    kept = np.floor(np.arange(particles) * len(sites) / particles).astype(int)
    return np.asarray(sites[kept] * box_length)


def thermal_velocities(particles: int, kT: float, mass: float, rng: np.random.Generator) -> Floats:
    """Return Maxwell-Boltzmann velocities (N, 3) [length/time] without total momentum, at exactly kT [energy]."""
    velocities = rng.normal(size=(particles, 3))
    velocities -= velocities.mean(axis=0)
    kinetic = 0.5 * mass * np.sum(velocities**2)
    return np.asarray(velocities * np.sqrt(0.5 * (3 * particles - 3) * kT / kinetic))
