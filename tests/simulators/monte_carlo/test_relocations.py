"""Colloids that are put anywhere: no overlap, and the same states as by local moves."""

from __future__ import annotations

import numpy as np
import pytest

from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.colloids import Colloids, Depleted, Learned
from softal.simulators.monte_carlo.relocations import relocate
from softal.simulators.statistics import mean_and_error
from softal.theory.many_body.fitted import FittedPotential
from softal.theory.many_body.symmetry_functions import SymmetryFunctions

N, ETA_P = 60, 0.35


def fitted() -> FittedPotential:
    """A repulsion of three, of about the size of what depletion layers share."""
    functions = SymmetryFunctions(1.4, np.array([[1.0, 1.0]]), np.array([[0.5, 1.0, 1.0]]))
    return FittedPotential(functions, np.array([0.002, 0.01]))


def made(kind: str, seed: int) -> Depleted:
    start = starts.fluid(N, 0.1 * 6 / np.pi, 3, seed)
    return (
        Learned(start, 0.4, ETA_P, fitted(), seed=seed) if kind == "learned" else Colloids(start, 0.4, ETA_P, seed=seed)
    )


def energies(system: Depleted, far: bool, samples: int) -> np.ndarray:
    found = []
    for _ in range(samples):
        moved = relocate(system, 4) if far else system.run(4)
        assert moved is None or 0.02 < moved < 0.9
        found.append(system.energy / N)
    return np.array(found[samples // 10 :])


@pytest.mark.physics
@pytest.mark.parametrize("kind", ["exact", "learned"])
def test_relocations_lead_to_the_states_that_local_moves_lead_to(kind: str) -> None:
    local, far = made(kind, 1), made(kind, 2)
    local.steps[:] = 0.5
    (mean, error), (other, its) = (
        mean_and_error(energies(one, moves, 600)) for one, moves in ((local, False), (far, True))
    )
    assert abs(mean - other) < 4 * np.hypot(error, its)
    assert mean < -0.1
    for system in (local, far):
        apart = system.positions[:, None] - system.positions
        apart -= system.box * np.rint(apart / system.box)
        assert np.sqrt((apart**2).sum(-1))[np.triu_indices(N, 1)].min() >= 1
        assert np.all((system.positions >= 0) & (system.positions <= system.box))
