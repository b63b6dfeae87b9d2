"""Charged walls, and ions that are neutral only with them, against a two-dimensional Ewald sum and explicit sites."""

from __future__ import annotations

import numpy as np
import pytest
from ewald_2d import energy_2d, forces_2d

from softal.errors import SimulationError
from softal.simulators import engines
from softal.simulators.engines import Box, Charges, Engine, Mie, System, Wall

pytestmark = pytest.mark.physics

NOTHING = Mie(1e-60, 0.1, 1.0, shift=True)
STRENGTH = 0.714


def start(system: System) -> Engine:
    return engines.find("lammps")(system, kT=1.0, dt=1e-6, thermostat_time=1.0, seed=1)


def slab(
    side: float, h: float, charges: tuple[float, float] = (0.5, 0.5), accuracy: float = 1e-5, seed: int = 0
) -> System:
    """Four ions +1 and eight -1 at random, whose charge -4 the walls have with the opposite sign, in these parts."""
    rng, types = np.random.default_rng(seed), (np.arange(12) >= 4).astype(np.intp)
    positions = rng.random((12, 3)) * [side, side, h]
    walls = tuple(
        Wall(2, z, 1 if z == 0 else -1, NOTHING, 4 * part / side**2) for z, part in zip((0.0, h), charges, strict=True)
    )
    box = Box((side, side, h), (True, True, False))
    ions = Charges((1.0, -1.0), STRENGTH, 0.4 * side, accuracy)
    return System(positions, np.zeros((12, 3)), box, NOTHING, 1.0, types, ("K", "Cl"), walls, ions)


def charges_of(system: System) -> np.ndarray:
    assert system.charges is not None
    return np.array(system.charges.values)[system.particle_types]


@pytest.mark.parametrize(("side", "h"), [(6.0, 5.0), (15.0, 2.0), (10.0, 4.0)])
def test_ions_between_equal_charged_planes(side: float, h: float) -> None:
    """Forces and energy, also of a layer that is much wider than high: three times its height is no distance then."""
    system = slab(side, h)
    q = charges_of(system)
    expected = STRENGTH * forces_2d(system.positions, q, system.positions, q, side)
    with start(system) as running:
        np.testing.assert_allclose(running.forces(), expected, atol=3e-3 * np.sqrt(np.mean(expected**2)))
        energy = running.frame().potential_energy
    # -2 pi l_B q q' |z - z'| / A: of each ion with both planes, -4 and 2 times h, and of the planes with each other.
    planes = -2 * np.pi * STRENGTH / side**2 * (-4 * 2 * h + 2 * 2 * h)
    assert energy == pytest.approx(STRENGTH * energy_2d(system.positions, q, side) + planes, abs=1e-3)


def test_planes_of_unequal_charge_have_a_field_between_them() -> None:
    """2 pi l_B (s_1 - s_2) on a unit charge: charges 3 and 1 on planes of 64."""
    system = slab(8.0, 5.0, (0.75, 0.25))
    q = charges_of(system)
    expected = STRENGTH * forces_2d(system.positions, q, system.positions, q, 8.0)
    expected[:, 2] += 2 * np.pi * STRENGTH * q * (3 - 1) / 64
    with start(system) as running:
        np.testing.assert_allclose(running.forces(), expected, atol=1e-3 * np.sqrt(np.mean(expected**2)))
        # The energy is that of the forces: it changes by -F dz.
        before = running.frame().potential_energy
    step = np.zeros((12, 3))
    step[:, 2] = 1e-3 * np.random.default_rng(1).normal(size=12)
    moved = System(
        system.positions + step, system.velocities, system.box, NOTHING, 1.0, system.types, system.kinds, system.walls,
        system.charges,
    )  # fmt: skip
    with start(moved) as running:
        after = running.frame().potential_energy
    assert after - before == pytest.approx(-np.sum(expected * step), rel=0.02)


def test_uniform_planes_are_what_many_sites_are() -> None:
    """Walls of 30 x 30 point charges, 1.7 of their distance and more away: their ripple is 4 exp(-2 pi 1.7) of 0.1."""
    side, h, n = 9.0, 4.0, 30
    system = slab(side, h)
    positions = system.positions.copy()
    positions[:, 2] = 0.5 + positions[:, 2] * (h - 1.0) / h
    q = charges_of(system)
    grid = (np.arange(n) + 0.5) * side / n
    flat = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    sites = np.concatenate([np.column_stack([flat, np.full(n * n, z)]) for z in (0.0, h)])
    everything = np.concatenate([positions, sites])
    charges = np.concatenate([q, np.full(2 * n * n, 4 / (2 * n * n))])
    assert charges.sum() == pytest.approx(0)
    expected = STRENGTH * forces_2d(positions, q, everything, charges, side)
    moved = System(
        positions, system.velocities, system.box, NOTHING, 1.0, system.types, system.kinds, system.walls, system.charges
    )
    with start(moved) as running:
        np.testing.assert_allclose(running.forces(), expected, atol=1e-3 * np.sqrt(np.mean(expected**2)))


@pytest.mark.parametrize(
    ("walls", "charges", "message"),
    [
        ((Wall(2, 0.0, 1, NOTHING, 0.01),), True, "add up to 2, those of the walls to 0.25; a periodic system must be"),
        ((Wall(2, 0.0, 1, NOTHING, 0.01),), False, "a charged wall needs charges"),
    ],
)
def test_walls_that_leave_a_charge_are_refused(walls: tuple[Wall, ...], charges: bool, message: str) -> None:
    box, positions = Box((5.0, 5.0, 5.0), (True, True, False)), np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])
    ions = Charges((1.0,), 1.0, 2.0) if charges else None
    with pytest.raises(SimulationError, match=message):
        System(positions, np.zeros((2, 3)), box, NOTHING, walls=walls, charges=ions)
