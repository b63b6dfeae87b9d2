"""Where a simulation starts: lattices, random insertion, thermal velocities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.engines.box import Box

BATCH = 500  # places tried at once
INSERTION_FAILURES = 20  # batches without a place, until a box is taken as full


def face_centred_cubic(particles: int, box_length: float) -> Floats:
    """Return positions (N, 3) on an fcc lattice in the box, with as few vacancies, spread evenly, as N needs."""
    cells = math.ceil((particles / 4 - 1e-9) ** (1 / 3))
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    sites = ((corners + basis) / cells).reshape(-1, 3)
    kept = np.floor(np.arange(particles) * len(sites) / particles).astype(int)
    return np.asarray(sites[kept] * box_length)


def thermal_velocities(particles: int, kT: float, mass: float | Floats, rng: np.random.Generator) -> Floats:
    """Return Maxwell-Boltzmann velocities (N, 3) [length/time] without total momentum, at exactly kT [energy].

    mass: of all particles, or of each, shape (N,) [mass].
    """
    masses = np.broadcast_to(np.asarray(mass, dtype=np.float64), particles)[:, None]
    velocities = rng.normal(size=(particles, 3)) / np.sqrt(masses)
    velocities -= np.sum(masses * velocities, axis=0) / masses.sum()
    kinetic = 0.5 * np.sum(masses * velocities**2)
    return np.asarray(velocities * np.sqrt(0.5 * (3 * particles - 3) * kT / kinetic))


def random_insertion(
    counts: Sequence[int],
    box: Box | float,
    nearest: Mapping[tuple[int, int], float],
    rng: np.random.Generator,
    margins: Sequence[float] | None = None,
) -> tuple[Floats, NDArray[np.intp]]:
    """Return positions (N, 3) and kinds (N,) of particles put into a box at random, one kind after another.

    Random sequential insertion: a particle that comes nearer than allowed to one that is there is put elsewhere.

    Args:
        counts: number of particles of each kind.
        box: the box; a number is the side of a periodic cube [length].
        nearest: shortest distance allowed for each pair of kinds (a, b), a <= b [length].
        rng: source of randomness.
        margins: how far each kind stays from open faces [length]; none is 0.

    Raises:
        SimulationError: if no place is left.
    """
    box = box if isinstance(box, Box) else Box.cube(box)
    placed = [np.empty((0, 3)) for _ in counts]
    for kind, count in enumerate(counts):
        margin = np.where(box.periodic, 0.0, margins[kind] if margins else 0.0)
        failures = 0
        while len(placed[kind]) < count:
            trial = margin + rng.random((BATCH, 3)) * (box.edges - 2 * margin)
            for other in range(kind + 1):
                if len(placed[other]):
                    distance, _ = box.tree(placed[other]).query(trial)
                    trial = trial[distance >= nearest[other, kind]]
            close = box.tree(trial).query_pairs(nearest[kind, kind], output_type="ndarray")
            fitting = np.delete(trial, close[:, 1], axis=0)
            failures = 0 if len(fitting) else failures + 1
            if failures == INSERTION_FAILURES:
                raise SimulationError(f"only {len(placed[kind])} of {count} particles found a place in the box")
            placed[kind] = np.concatenate([placed[kind], fitting])[:count]
    types = np.repeat(np.arange(len(counts)), counts)
    return np.concatenate(placed), types
