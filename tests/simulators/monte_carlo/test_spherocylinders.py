"""Spherocylinders: repeatable and restorable runs, exact ensembles of one and two rods, a fluid's pressure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SoftenedShoulder
from softal.simulators.monte_carlo.rod_energies import total_energy
from softal.simulators.monte_carlo.rod_starts import isotropic, smectic
from softal.simulators.monte_carlo.spherocylinders import Spherocylinders
from softal.simulators.monte_carlo.system import Configuration
from softal.simulators.statistics import mean_and_error

pytestmark = pytest.mark.physics

SOFT = SoftenedShoulder(1.35)


def system(seed: int = 1, **settings: Any) -> Spherocylinders:
    return Spherocylinders(smectic(150, 0.1, 5.0, 2, gap=2.5), SOFT, 0.3, seed=seed, length=5.0, **settings)


def some_rods(n: int, edge: float, length: float, seed: int = 0) -> Configuration:
    return isotropic(n, n / edge**3, length, seed=seed)


ENSEMBLES: list[dict[str, Any]] = [
    {},
    {"box_moves": "shape"},
    {"pressure": 1.0},
    {"pressure": 1.0, "box_moves": "z_apart"},
    {"pressure": 1.0, "box_moves": "anisotropic"},
]


@pytest.mark.parametrize("settings", ENSEMBLES, ids=str)
def test_a_state_is_all_that_a_run_depends_on(settings: dict[str, Any]) -> None:
    mc, other = system(**settings), system(2, **settings)
    mc.tune(60)
    other.restore({name: array.copy() for name, array in mc.state().items()})
    for one in (mc, other):
        one.run(10)
        one.run(10)
    assert all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(mc.state().values(), other.state().values(), strict=True)
    )
    assert mc.energy == other.energy


def test_same_seed_same_run() -> None:
    runs = [system(seed) for seed in (1, 1, 2)]
    for mc in runs:
        mc.run(10)
    assert np.array_equal(runs[0].positions, runs[1].positions)
    assert np.array_equal(runs[0].orientations, runs[1].orientations)
    assert not np.array_equal(runs[0].positions, runs[2].positions)


def test_tuning_reaches_its_targets() -> None:
    mc = system(pressure=1.0)
    mc.tune(2000)
    mc.run(200)
    assert mc.acceptance == pytest.approx({"translation": 0.35, "rotation": 0.35, "volume": 0.3}, abs=0.15)


def test_spheres_need_no_orientations() -> None:
    mc = Spherocylinders(Configuration(some_rods(50, 6.0, 0.0).positions, np.full(3, 6.0)), HardCore(), 1.0)
    mc.run(20)
    assert mc.orientations is None
    assert mc.configuration.orientations is None
    assert set(mc.acceptance) == {"translation"}
    assert mc.energy == 0


def test_volume_is_kept_where_only_the_shape_moves() -> None:
    mc = system(box_moves="shape")
    height, density = mc.box[2], mc.density
    mc.run(100)
    assert mc.density == pytest.approx(density, rel=1e-12)
    assert mc.box[0] == pytest.approx(mc.box[1], rel=1e-12)
    assert mc.box[2] != pytest.approx(height, rel=1e-4)


def test_volume_of_one_rod() -> None:
    """P(V) ~ V exp(-beta P V) for one rod, whose mean is 2/beta P."""
    pressure = 1e-4
    mc = Spherocylinders(some_rods(1, 27.0, 1.0), HardCore(), 1.0, pressure, seed=4, length=1.0)
    mc.steps[2] = 0.6
    volumes = []
    for _ in range(3000):
        mc.run(20)
        volumes.append(mc.box.prod())
    mean, error = mean_and_error(volumes)
    assert error < 0.05 * mean
    assert mean == pytest.approx(2 / pressure, abs=3.5 * error)


@pytest.mark.parametrize(("potential", "kT"), [(SOFT, 0.4), (HardCore(), 1.0)], ids=["soft", "hard"])
def test_two_rods_against_direct_sampling(potential: PairPotential, kT: float) -> None:
    """Energy, angle and distance of two rods, against independent random ones weighted by exp(-u/kT)."""
    length, edge, box = 1.5, 4.2, np.full(3, 4.2)
    args = potential.core**2, potential.cutoff**2, *potential.table(kT)
    rng = np.random.default_rng(5)
    n = 20_000
    x, u = rng.random((n, 2, 3)) * edge, rng.normal(size=(n, 2, 3))
    u /= np.linalg.norm(u, axis=2)[..., None]
    energies = np.array([total_energy(x[k], u[k], box, length, *args) for k in range(n)])
    weights = np.exp(-energies)

    def observed(x: np.ndarray, u: np.ndarray, energy: float) -> list[float]:
        r = x[1] - x[0] - edge * np.rint((x[1] - x[0]) / edge)
        return [min(energy, 50.0), float(u[0] @ u[1]) ** 2, float(r @ r), float((u[0] @ r) ** 2 / (r @ r))]

    values = np.array([observed(x[k], u[k], energies[k]) for k in range(n)])
    exact = np.average(values, axis=0, weights=weights)
    spread = np.sqrt(((weights[:, None] * (values - exact)) ** 2).sum(0)) / weights.sum()
    mc = Spherocylinders(some_rods(2, edge, length), potential, kT, seed=6, length=length)
    mc.steps[:2] = 0.4, 0.45
    series = []
    for _ in range(6000):
        mc.run(15)
        assert mc.orientations is not None
        series.append(observed(mc.positions, mc.orientations, mc.energy / kT))
    mean, error = mean_and_error(series)
    assert weights.std() > 0.2
    assert np.all(np.abs(mean - exact) <= 4 * np.hypot(error, spread) + 1e-12)


@pytest.mark.validation
def test_isotropic_fluid_of_hard_rods() -> None:
    """Pressure at L = 5, packing fraction 0.1 against two virial coefficients, and by NPT against virtual compression.

    B_2 is exact (Isihara); Nezbeda's equation (I. Nezbeda, Chem. Phys. Lett. 41, 55 (1976)), which has it, is within
    about 3 % of simulations of the isotropic fluid.
    """
    length, volume = 5.0, np.pi / 6 + 5 * np.pi / 4
    b2 = volume + np.pi * 6 * 1.75
    alpha, eta = b2 / volume / 3 - 1 / 3, 0.1
    nezbeda = 1 + (3 * alpha - 2) * eta + (alpha**2 + alpha - 1) * eta**2 - alpha * (5 * alpha - 4) * eta**3
    mc = Spherocylinders(isotropic(150, eta / volume, length), HardCore(), 1.0, seed=2, length=length)
    mc.tune(600)
    virtual = []
    for _ in range(250):
        mc.run(8)
        virtual.append(mc.virtual_pressure)
    pressure, error = mean_and_error(virtual)
    assert error < 0.04 * pressure
    assert pressure == pytest.approx(nezbeda / (1 - eta) ** 3 * mc.density, rel=0.03, abs=3 * error)
    constant = Spherocylinders(mc.configuration, HardCore(), 1.0, float(pressure), seed=3, length=length)
    constant.tune(400)
    densities = []
    for _ in range(400):
        constant.run(6)
        densities.append(constant.density)
    density, error_density = mean_and_error(densities)
    assert density == pytest.approx(mc.density, abs=4 * np.hypot(error_density, mc.density * error / pressure))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": 6.5}, r"sigma: its edges have to stay above 9.141 sigma"),
        ({"length": -1.0}, "the length of rods is -1 sigma; it has to be 0 or more"),
        ({"box_moves": "sheared"}, 'moves of the box are "sheared"'),
        ({"box_moves": "shape", "pressure": 1.0}, '"shape" at constant volume'),
    ],
)
def test_errors(changes: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {"length": 5.0} | changes
    with pytest.raises(SimulationError, match=message):
        Spherocylinders(some_rods(10, 9.0, 5.0), SOFT, 0.3, **settings)


def test_errors_of_configurations() -> None:
    x, box = np.zeros((2, 3)), np.full(3, 20.0)
    u = np.tile([0.0, 0.0, 1.0], (2, 1))
    with pytest.raises(SimulationError, match="rods of length 5 sigma need orientations"):
        Spherocylinders(Configuration(x, box), SOFT, 0.3, length=5.0)
    with pytest.raises(SimulationError, match="orientations have to be unit vectors"):
        Spherocylinders(Configuration(x, box, 2 * u), SOFT, 0.3, length=5.0)
    with pytest.raises(SimulationError, match="rods move in space; these positions have 2 dimensions"):
        Spherocylinders(Configuration(x[:, :2], box[:2]), SOFT, 0.3)
    with pytest.raises(SimulationError, match=r"cores of diameter 0.65 sigma overlap"):
        Spherocylinders(Configuration(x, box, u), SOFT, 0.3, length=5.0).run(1)


def test_a_box_that_becomes_too_small_is_an_error() -> None:
    mc = Spherocylinders(some_rods(10, 8.0, 5.0), SOFT, 0.3, 5.0, length=5.0)
    with pytest.raises(SimulationError, match="take more rods"):
        mc.run(2000)
