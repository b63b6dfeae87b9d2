"""Monte Carlo of many-body energies: changes against differences, known limits, lists that never lack a pair."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.many_body import fitted, shells
from softal.simulators.monte_carlo.many_body.lists import WIDTH, listed
from softal.simulators.monte_carlo.many_body.system import Fitted, ManyBody, Shells
from softal.simulators.monte_carlo.system import Configuration
from softal.simulators.statistics import mean_and_error
from softal.theory.many_body.fitted import FittedPotential
from softal.theory.many_body.shells import energies, pair_energy
from softal.theory.many_body.symmetry_functions import SymmetryFunctions, pool

pytestmark = pytest.mark.physics


def random_potential(seed: int = 0) -> FittedPotential:
    """Return a potential of functions of all kinds."""
    functions = pool().take([2, 9, 14, 17, 33, 50, 60, 67, 75, 83, 91, 98, 107])
    return FittedPotential(functions, np.random.default_rng(seed).normal(size=len(functions)), 0.3)


def nothing(d: int = 2) -> FittedPotential:
    return FittedPotential(SymmetryFunctions(1.0, np.array([[1.0, 0.0]])), np.zeros(1))


def lists_of(x: np.ndarray, box: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    counts = np.empty(len(x), np.int32)
    return listed(x, box, reach, np.empty((len(x), WIDTH), np.int32), counts, x.copy()), counts


@pytest.mark.parametrize("d", [2, 3])
def test_tables_give_the_energy_of_the_functions(d: int) -> None:
    potential, generator = random_potential(), np.random.default_rng(1)
    box = np.array([3.1, 2.6, 2.2][:d])
    x = generator.random((12 * d, d)) * box
    mc = Fitted(Configuration(x, box), potential, 1.0)
    whole = potential.energies(x, box)
    assert mc.energy == pytest.approx(whole.sum(), abs=1e-5 * np.abs(whole).sum())


@pytest.mark.parametrize("d", [2, 3])
def test_change_of_a_fitted_energy(d: int) -> None:
    """What a particle's pairs and triangles cost before and after a move is the difference of the whole."""
    generator, box = np.random.default_rng(2), np.array([2.9, 3.3, 2.3][:d])
    x = generator.random((14 * d, d)) * box
    mc = Fitted(Configuration(x, box), random_potential(1), 1.0)
    new = generator.random(d) * box
    own = mc.positions
    neighbours, counts = lists_of(own, box, 4.0)
    parts = [
        fitted.energy_of(5, place, own, box, neighbours, counts, mc.model, fitted.room_for(60), -1)
        for place in (own[5].copy(), new)
    ]
    before = mc.energy
    own[5] = new
    assert parts[1] - parts[0] == pytest.approx(mc.energy - before, abs=1e-9 * (1 + abs(before)))


def test_change_of_the_energy_of_shells() -> None:
    generator = np.random.default_rng(3)
    start = starts.hexagonal(36, 2.8)
    x, box = start.positions + generator.normal(size=(36, 2)) * 0.02, start.box
    x %= box
    own, away = energies(x, box), np.empty((36, 2))
    neighbours, counts = lists_of(x, box, 1.6)
    new = x[7] + [0.06, -0.04]
    changed, affected, moved = np.empty(36), np.empty(36, np.int64), x.copy()
    change, count = shells.change_by(7, new, moved, box, neighbours, counts, own, changed, affected, away)
    after = energies(moved, box)
    assert np.isfinite(after).all()
    assert not np.isclose(after.sum(), own.sum())
    assert change == pytest.approx(after.sum() - own.sum(), abs=1e-12)
    assert changed[:count] == pytest.approx(after[affected[:count]], abs=1e-13)
    untouched = np.setdiff1d(np.arange(36), affected[:count])
    assert after[untouched] == pytest.approx(own[untouched], abs=1e-13)


def systems(configuration: Configuration, kT: float, pressure: float | None) -> list[ManyBody]:
    return [
        Shells(configuration, kT, pressure, seed=4),
        Fitted(configuration, random_potential(2), kT, pressure, core=0.3, seed=4),
    ]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("pressure", [None, 25.0])
def test_lists_lack_no_pair(which: int, pressure: float | None) -> None:
    """A run in one go, with lists that grow old, is the run that begins with a new list after each sweep."""
    start = starts.hexagonal(36, 3.0)
    whole, parts = (systems(start, 0.05, pressure)[which] for _ in range(2))
    whole.run(40)
    for _ in range(40):
        parts.run(1)
    np.testing.assert_array_equal(whole.positions, parts.positions)
    np.testing.assert_array_equal(whole.box, parts.box)
    assert whole.acceptance == parts.acceptance
    assert 0.05 < whole.acceptance["translation"] < 0.98


def test_two_shells_are_as_far_apart_as_boltzmann_says() -> None:
    """The mean energy of two particles against the integral over their distance."""
    edge, beta = 2.0, 30.0
    grid = (np.arange(2000) + 0.5) / 2000 - 0.5
    r = np.hypot(*np.meshgrid(grid * edge, grid * edge))
    u = np.where(r < 0.5, np.inf, 2 * pair_energy(r))
    weight = np.exp(-beta * u)
    exact = float(np.sum(np.where(weight > 0, u, 0.0) * weight) / weight.sum())
    mc = Shells(Configuration(np.array([[0.2, 0.2], [1.2, 1.3]]), np.full(2, edge)), 1 / beta, seed=5)
    mc.steps[0] = 0.5
    seen = []
    for _ in range(4000):
        mc.run(2)
        seen.append(mc.energy)
    mean, error = mean_and_error(seen)
    assert float(mean) == pytest.approx(exact, abs=4 * float(error))
    assert error < 0.05 * exact


@pytest.mark.parametrize("box_moves", ["isotropic", "anisotropic"])
def test_an_ideal_gas_has_its_volume(box_moves: str) -> None:
    """<V> = (N + 1) / (beta P), with the measure (N + 1) ln V of moves in ln V."""
    n, pressure = 30, 1.0
    x = np.random.default_rng(6).random((n, 2)) * 5.5
    mc = Fitted(Configuration(x, np.full(2, 5.5)), nothing(), 1.0, pressure, seed=7, box_moves=box_moves)  # type: ignore[arg-type]
    mc.steps[1] = 0.5
    volumes = []
    for _ in range(3000):
        mc.run(3)
        volumes.append(mc.box.prod())
    mean, error = mean_and_error(volumes)
    assert float(mean) == pytest.approx((n + 1) / pressure, abs=4 * float(error))
    assert error < 0.05 * mean


def test_a_run_goes_on_from_its_state() -> None:
    start = starts.hexagonal(36, 3.0)
    first, second = (systems(start, 0.05, 25.0)[0] for _ in range(2))
    first.tune(20)
    second.restore(first.state())
    first.run(5)
    second.run(5)
    np.testing.assert_array_equal(first.positions, second.positions)


def test_what_cannot_be() -> None:
    tight = starts.hexagonal(36, 4.4)
    with pytest.raises(SimulationError, match=r"twice the range of the energy; take more particles"):
        Shells(Configuration(tight.positions[:8] % 1.5, np.full(2, 1.5)), 1.0)
    overlapping = Configuration(np.array([[0.1, 0.1], [0.3, 0.3]]), np.full(2, 2.5))
    for mc in (Shells(overlapping, 1.0), Fitted(overlapping, nothing(), 1.0, core=0.5)):
        with pytest.raises(SimulationError, match=r"cores of 0.5 sigma overlap"):
            mc.run(1)
