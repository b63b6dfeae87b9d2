"""HOOMD-blue's HPMC as a second code: the same energies, densities and interface as softal's own kernels."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import EngineUnavailable, SimulationError, SoftalError
from softal.simulators import Context
from softal.simulators.monte_carlo import hpmc, rod_starts, starts
from softal.simulators.monte_carlo.hpmc import Hpmc, directions
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SoftenedShoulder, SquareShoulder
from softal.simulators.monte_carlo.spheres import Spheres
from softal.simulators.monte_carlo.spherocylinders import Spherocylinders
from softal.simulators.monte_carlo.system import Configuration, Disks, MonteCarlo
from softal.simulators.monte_carlo.trajectory import quaternions
from softal.simulators.statistics import mean_and_error

pytestmark = pytest.mark.physics

needs_hpmc = pytest.mark.skipif(not hpmc.available(), reason="HOOMD-blue with HPMC is missing")
SHOULDER = SquareShoulder(1.4)


def system(pressure: float | None = None, seed: int = 1) -> Hpmc:
    return Hpmc(starts.fluid(100, 0.5, seed=0), SHOULDER, 0.5, pressure, seed=seed)


def rods(pressure: float | None = None, seed: int = 1) -> Hpmc:
    start = rod_starts.smectic(96, 0.05, 3.0, 3, seed=0)
    return Hpmc(start, HardCore(), 1.0, pressure, seed=seed, length=3.0)


def sampled(mc: MonteCarlo, equilibration: int, samples: int, sweeps: int) -> np.ndarray:
    """Density and energy of each particle, shape (samples, 2)."""
    mc.tune(equilibration // 2)
    mc.run(equilibration // 2)
    found = np.empty((samples, 2))
    for k in range(samples):
        mc.run(sweeps)
        found[k] = mc.density, mc.energy / len(mc.positions)
    return found


def assert_agree(one: np.ndarray, other: np.ndarray, largest: float = 0.02) -> None:
    """The means of two series (T, ...) differ by less than three of their errors, which are small, relatively."""
    (a, error_a), (b, error_b) = mean_and_error(one), mean_and_error(other)
    error = np.hypot(error_a, error_b)
    assert np.all(np.abs(a - b) <= 3 * error), (a, b, error)
    assert np.all(error < largest * np.abs(a)), (a, error)


@needs_hpmc
@pytest.mark.parametrize("density", [0.5, 0.9])
def test_the_same_configuration_has_the_same_energy(density: float) -> None:
    mc = Hpmc(starts.fluid(144, density, seed=3), SHOULDER, 0.3, seed=2)
    mc.run(20)
    assert mc.energy > 0
    assert mc.energy == pytest.approx(Disks(mc.configuration, SHOULDER, 0.3).energy, rel=1e-12)
    other = Disks(mc.configuration, SHOULDER, 0.3, seed=2)
    other.run(200)
    again = Hpmc(other.configuration, SHOULDER, 0.7)
    assert again.energy == pytest.approx(other.energy, rel=1e-12)
    again.set_state_point(0.2)
    assert again.energy == pytest.approx(other.energy, rel=1e-12), "kT is no part of the energy"


@needs_hpmc
def test_the_same_spheres_have_the_same_energy() -> None:
    mc = Hpmc(starts.fluid(108, 0.5, 3, seed=3), SHOULDER, 0.3)
    mc.run(20)
    assert mc.energy > 0
    assert mc.energy == pytest.approx(Spherocylinders(mc.configuration, SHOULDER, 0.3).energy, rel=1e-12)


@needs_hpmc
@pytest.mark.parametrize(("kT", "pressure"), [(0.45, 10.0), (1.0, 2.0)])
def test_density_and_energy_at_fixed_pressure(kT: float, pressure: float) -> None:
    start = starts.fluid(64, 0.5, seed=3)
    one = sampled(Disks(start, SHOULDER, kT, pressure, seed=1), 4000, 4000, 10)
    assert_agree(one, sampled(Hpmc(start, SHOULDER, kT, pressure, seed=1), 3000, 1200, 10))


@needs_hpmc
@pytest.mark.parametrize("kT", [0.3, 1.0])
def test_energy_at_fixed_volume(kT: float) -> None:
    start = starts.fluid(64, 0.7, seed=3)
    one = sampled(Disks(start, SHOULDER, kT, seed=1), 2000, 3000, 5)
    assert_agree(one[:, 1], sampled(Hpmc(start, SHOULDER, kT, seed=1), 1500, 800, 5)[:, 1])


@needs_hpmc
@pytest.mark.parametrize(("length", "pressure"), [(0.0, 2.0), (2.0, 0.5)])
def test_density_of_hard_spheres_and_rods(length: float, pressure: float) -> None:
    start = rod_starts.isotropic(64, 0.05, length, seed=1) if length else starts.fluid(64, 0.4, 3, seed=1)
    one = sampled(Spherocylinders(start, HardCore(), 1.0, pressure, seed=1, length=length), 2000, 500, 10)
    other = sampled(Hpmc(start, HardCore(), 1.0, pressure, seed=1, length=length), 1500, 400, 10)
    assert_agree(one[:, 0], other[:, 0], 0.04 if length else 0.02)  # rods are slow in both


@needs_hpmc
def test_density_of_hard_spheres_by_their_own_kernels() -> None:
    start = starts.fluid(64, 0.6, 3, seed=1)
    one = sampled(Spheres(start, 1.0, 4.0, seed=1), 2000, 800, 10)
    assert_agree(one[:, 0], sampled(Hpmc(start, HardCore(), 1.0, 4.0, seed=1), 1500, 400, 10)[:, 0])


@needs_hpmc
@pytest.mark.parametrize("make", [system, rods])
@pytest.mark.parametrize("pressure", [None, 2.0])
def test_restored_goes_on_bit_for_bit(make: Any, pressure: float | None, tmp_path: Path) -> None:
    mc = make(pressure)
    mc.tune(200)
    np.savez(tmp_path / "state.npz", **mc.state())
    mc.run(100)
    other = make(1.0, seed=99)
    other.run(10)
    with np.load(tmp_path / "state.npz") as saved:
        other.restore(saved)
    other.run(100)
    for name, array in mc.state().items():
        np.testing.assert_array_equal(other.state()[name], array, err_msg=name)
    assert other.acceptance == mc.acceptance


@needs_hpmc
def test_same_seed_same_trajectory() -> None:
    ends = []
    for seed in (1, 1, 2):
        mc = system(4.0, seed)
        mc.run(100)
        ends.append(mc.positions)
    np.testing.assert_array_equal(ends[0], ends[1])
    assert not np.array_equal(ends[0], ends[2])


@needs_hpmc
def test_only_tuning_changes_step_sizes() -> None:
    mc = system(4.0)
    first = mc.steps.copy()
    mc.run(100)
    np.testing.assert_array_equal(mc.steps, first)
    assert mc.tried.tolist() == [10_000, 0, 100]
    mc.tune(1500)
    assert mc.steps[0] != first[0]
    assert mc.steps[2] != first[2]
    mc.run(500)
    assert mc.acceptance["translation"] == pytest.approx(0.4, abs=0.1)
    assert mc.acceptance["volume"] == pytest.approx(0.3, abs=0.1)


@needs_hpmc
def test_a_pressure_can_come_later() -> None:
    mc = system()
    mc.run(10)
    assert mc.density == pytest.approx(0.5)
    mc.set_state_point(pressure=3.0)
    mc.run(10)
    assert mc.tried.tolist() == [2000, 0, 10]
    assert mc.density != pytest.approx(0.5, rel=1e-6)


@needs_hpmc
@pytest.mark.parametrize("make", [system, rods])
def test_a_configuration_is_a_copy_inside_the_box_without_overlap(make: Any) -> None:
    mc = make(2.0)
    mc.run(200)
    c = mc.configuration
    assert np.all((c.positions >= 0) & (c.positions < c.box))
    before = c.positions.copy()
    kind: Any = Disks if c.orientations is None else Spherocylinders
    extra = {} if c.orientations is None else {"length": 3.0}
    assert np.isfinite(kind(c, HardCore(), 1.0, **extra).energy)
    mc.run(10)
    np.testing.assert_array_equal(c.positions, before)
    if c.orientations is not None:
        assert not np.array_equal(mc.orientations, c.orientations)
        np.testing.assert_allclose((c.orientations**2).sum(1), 1, rtol=1e-14)


def test_quaternions_turn_back() -> None:
    u = np.random.default_rng(0).normal(size=(50, 3))
    u = np.vstack([u / np.linalg.norm(u, axis=1)[:, None], [[0, 0, 1.0], [0, 0, -1.0]]])
    np.testing.assert_allclose(directions(quaternions(u)), u, atol=1e-14)


LINE = Configuration(np.array([[1.0, 1.0], [1.5, 1.0]]), np.full(2, 9.0))


@needs_hpmc
@pytest.mark.parametrize(
    ("start", "potential", "length", "said"),
    [
        (starts.fluid(64, 0.3, seed=0), SoftenedShoulder(1.35), 0.0, "has no SoftenedShoulder of particles"),
        (rod_starts.smectic(96, 0.05, 3.0, 3, seed=0), SHOULDER, 3.0, "has no SquareShoulder of rods"),
        (starts.fluid(64, 0.3, seed=0), HardCore(), 3.0, "rods have a positive one, three dimensions and orientations"),
        (LINE, HardCore(), 0.0, "cores of diameter 1 sigma overlap"),
        (starts.fluid(4, 0.5, seed=0), SquareShoulder(1.5), 0.0, "edges have to be at least 3 sigma"),
    ],
)
def test_what_cannot_be_is_one_clear_error(
    start: Configuration, potential: PairPotential, length: float, said: str
) -> None:
    with pytest.raises(SimulationError, match=said):
        Hpmc(start, potential, 0.5, length=length)


@needs_hpmc
def test_hcss_runs_with_hoomd(tmp_path: Path) -> None:
    short = {"particles": 64, "equilibration": 200, "sampling": 200, "snapshots": 2, "engine": "hoomd"}
    simulator = simulators.build("hcss", short)
    assert simulator.check() == []
    point = {"T": 0.45, "P": 10.0, "delta": 1.4}
    found = [simulator.run(point, Context(tmp_path, seed=seed)).values for seed in (3, 3, 4)]
    assert found[0] == found[1]
    assert found[0]["density"] != found[2]["density"]
    assert 0.4 < found[0]["density"] < 1.0


def test_a_missing_engine_is_said_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert simulators.build("hcss", {"engine": "hoomd"}).check() == [hpmc.INSTALLATION]
    assert simulators.build("hcss", {}).check() == []
    with pytest.raises(EngineUnavailable, match="conda-forge"):
        system()


def test_hoomd_moves_boxes_isotropically() -> None:
    with pytest.raises(SoftalError, match="anisotropic is given; with engine hoomd they are isotropic"):
        simulators.build("hcss", {"engine": "hoomd", "box_moves": "anisotropic"})
