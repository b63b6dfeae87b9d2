"""The interface of Monte Carlo: state, tuning, counters, pressure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SoftenedShoulder, SquareShoulder
from softal.simulators.monte_carlo.system import Configuration, Disks

pytestmark = pytest.mark.physics


def shoulder(pressure: float | None = None, seed: int = 1, potential: PairPotential | None = None) -> Disks:
    return Disks(starts.fluid(64, 0.5, seed=0), potential or SquareShoulder(1.4), 0.5, pressure, seed=seed)


@pytest.mark.parametrize("pressure", [None, 4.0])
def test_same_seed_same_trajectory(pressure: float | None) -> None:
    ends = []
    for seed in (1, 1, 2):
        mc = shoulder(pressure, seed)
        mc.tune(200)
        mc.run(100)
        ends.append((mc.positions, mc.box))
    np.testing.assert_array_equal(np.vstack(ends[0]), np.vstack(ends[1]))
    assert not np.array_equal(ends[0][0], ends[2][0])


@pytest.mark.parametrize("pressure", [None, 4.0])
@pytest.mark.parametrize("potential", [SquareShoulder(1.4), SoftenedShoulder(1.35)], ids=str)
def test_restored_goes_on_bit_for_bit(tmp_path: Path, potential: PairPotential, pressure: float | None) -> None:
    mc = shoulder(pressure, potential=potential)
    mc.tune(300)
    np.savez(tmp_path / "state.npz", **mc.state())
    mc.run(200)
    other = shoulder(1.0, seed=99, potential=potential)
    other.run(10)
    with np.load(tmp_path / "state.npz") as saved:
        other.restore(saved)
    other.run(200)
    for name, array in mc.state().items():
        np.testing.assert_array_equal(other.state()[name], array, err_msg=name)
    assert other.acceptance == mc.acceptance


def test_state_of_another_system() -> None:
    state = shoulder().state()
    other = Disks(starts.fluid(16, 0.1), HardCore(), 1.0)
    with pytest.raises(SimulationError, match="other shapes"):
        other.restore(state)


def test_only_tuning_changes_step_sizes() -> None:
    mc = shoulder(4.0)
    first = mc.steps.copy()
    mc.run(300)
    np.testing.assert_array_equal(mc.steps, first)
    mc.tune(300)
    assert np.all(mc.steps != first)


def test_tuning_comes_to_the_target() -> None:
    mc = Disks(starts.fluid(256, 0.7, seed=0), HardCore(), 1.0, 4.0, seed=1)
    mc.tune(3000)
    mc.run(1000)
    for (name, share), target in zip(mc.acceptance.items(), mc.targets, strict=True):
        assert abs(share - target) < 0.1, name


def test_acceptance_counts() -> None:
    mc = shoulder()
    assert mc.acceptance == {}
    mc.run(10)
    assert set(mc.acceptance) == {"translation"}
    assert mc.tried.tolist() == [640, 0]
    mc.set_state_point(pressure=1.0)
    mc.run(10)
    assert mc.tried.tolist() == [1280, 10]


def test_volume_is_kept_without_a_pressure() -> None:
    mc = shoulder()
    mc.run(100)
    assert mc.density == pytest.approx(0.5)


def test_a_configuration_is_a_copy_inside_the_box() -> None:
    mc = shoulder(4.0)
    mc.run(100)
    c = mc.configuration
    assert np.all((c.positions >= 0) & (c.positions < c.box))
    before = c.positions.copy()
    mc.run(10)
    np.testing.assert_array_equal(c.positions, before)


@pytest.mark.parametrize(("kT", "pressure"), [(0.0, None), (np.nan, None), (1.0, -1.0), (1.0, np.nan)])
def test_state_points(kT: float, pressure: float | None) -> None:
    with pytest.raises(SimulationError, match="has to be positive"):
        Disks(starts.fluid(16, 0.1), HardCore(), kT, pressure)


@pytest.mark.parametrize(
    ("x", "box", "u"),
    [
        (np.zeros((3, 4)), np.ones(4), None),
        (np.zeros((3, 2)), np.ones(3), None),
        (np.zeros((0, 2)), np.ones(2), None),
        (np.full((3, 2), np.nan), np.ones(2), None),
        (np.zeros((3, 2)), np.zeros(2), None),
        (np.zeros((3, 3)), np.ones(3), np.zeros((2, 3))),
    ],
)
def test_configurations(x: np.ndarray, box: np.ndarray, u: np.ndarray | None) -> None:
    with pytest.raises(SimulationError):
        Configuration(x, box, u)


def test_disks_in_space() -> None:
    with pytest.raises(SimulationError, match="3 dimensions"):
        Disks(starts.fluid(16, 0.1, 3), HardCore(), 1.0)


def test_pressure_of_two_softened_particles_is_the_virial() -> None:
    """beta P = rho - r u'(r) / (d V kT), one configuration."""
    r, kT = 1.2, 0.5
    x, box = np.array([[1.0, 1.0], [1.0 + r, 1.0]]), np.array([6.0, 6.0])
    potential = SoftenedShoulder(1.35)
    force = float(potential.energy(r - 1e-4) - potential.energy(r + 1e-4)) / 2e-4
    mc = Disks(Configuration(x, box), potential, kT)
    assert mc.virtual_pressure == pytest.approx(2 / 36 + r * force / (2 * 36 * kT), rel=2e-3)
