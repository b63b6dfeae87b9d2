"""Spheres: exact weights of few particles, lists and cells against all pairs, swaps, boxes, states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import sphere_cells, sphere_moves, sphere_starts
from softal.simulators.monte_carlo.spheres import REACH, Interaction, Spheres
from softal.simulators.monte_carlo.system import BoxMoves, Configuration
from softal.simulators.statistics import mean_and_error

pytestmark = pytest.mark.physics

TWO = np.array([[0.1, 0.1, 0.2], [1.5, 0.3, 0.1]])


def pair(edge: float, second: float = 1.0) -> Configuration:
    return Configuration(TWO, np.full(3, edge), diameters=np.array([1.0, second]))


def mixed(n: int = 200, packing: float = 0.4, ratio: float = 0.6) -> Configuration:
    return sphere_starts.mixture(n, packing, ratio, 0.5, seed=1).configuration


def separations(c: Configuration) -> np.ndarray:
    """r / s of all pairs, (N, N), infinite on the diagonal."""
    assert c.diameters is not None
    apart = c.positions[:, None] - c.positions
    apart -= c.box * np.rint(apart / c.box)
    return np.asarray(
        np.sqrt((apart**2).sum(axis=2)) * 2 / (c.diameters[:, None] + c.diameters)
        + np.diag(np.full(len(c.positions), np.inf))
    )


def direct_energy(c: Configuration) -> float:
    """The energy of WCA particles [epsilon], by the sum over all pairs."""
    q = separations(c)[np.triu_indices(len(c.positions), 1)]
    return float((4 * (q**-12 - q**-6) + 1)[q < REACH["wca"]].sum())


@pytest.mark.parametrize("edge", [3.0, 4.1])
@pytest.mark.parametrize(("interaction", "kT"), [("hard", 1.0), ("wca", 0.2), ("wca", 2.0)])
def test_detailed_balance_of_two_particles(interaction: Interaction, kT: float, edge: float) -> None:
    """Each bin's share within 4.5 standard errors of the exact one, by the midpoint rule over the box."""
    mc = Spheres(pair(edge, 0.6), kT, seed=1, interaction=interaction)
    mc.steps[0] = 0.5
    seen = np.empty((6000, 3))
    for k in range(len(seen)):
        mc.run(20)
        seen[k] = mc.positions[0] - mc.positions[1]
    seen -= edge * np.rint(seen / edge)
    axis = (np.arange(150) + 0.5) / 150 * edge / 2
    q = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2).ravel() / 0.8
    u = np.where(q < REACH["wca"], 4 * (q**-12 - q**-6) + 1, 0.0) / kT
    weight = np.where(q >= 1, 1.0, 0.0) if interaction == "hard" else np.exp(-u)
    bins = np.append(np.linspace(0.8, edge / 1.6, 10), 9.0)
    exact = np.histogram(q, bins, weights=weight)[0] / weight.sum()
    inside = np.digitize(np.sqrt((seen**2).sum(axis=1)) / 0.8, bins)[:, None] == np.arange(1, len(bins))
    error = np.maximum(mean_and_error(inside)[1], np.sqrt(exact * (1 - exact) / len(seen)))
    z = (inside.mean(axis=0) - exact)[exact > 0.003] / error[exact > 0.003]
    assert len(z) >= 5
    assert np.abs(z).max() < 4.5


@pytest.mark.parametrize("box_moves", ["isotropic", "anisotropic"])
def test_volume_of_two_hard_spheres(box_moves: BoxMoves) -> None:
    """p(V) ~ V (V - 4 pi / 3) exp(-beta P V)."""
    pressure = 0.001
    mc = Spheres(pair(14.0), 1.0, pressure, seed=2, box_moves=box_moves)
    mc.steps[:] = 0.5, 0.0, 1.0
    volume = np.empty(5000)
    mc.run(1000)
    for k in range(len(volume)):
        mc.run(20)
        volume[k] = mc.box.prod()
    v = np.linspace(8, 40_000, 400_000)
    p = v * (v - 4 * np.pi / 3) * np.exp(-pressure * v)
    for moment in (1, 2):
        mean, error = mean_and_error(volume**moment)
        assert abs(mean - (v**moment * p).sum() / p.sum()) < 4 * error
        assert error < 0.06 * mean


def test_swaps_visit_places_with_their_exact_weights() -> None:
    """Eight particles that stand still, one of them large: it is at each place as often as exp(-U/kT) says."""
    x = sphere_starts.mixture(8, 0.1, seed=3).configuration
    d = np.array([1.25, *[1.0] * 7])
    start = Configuration(x.positions * 0.9, x.box * 0.9, diameters=d)
    mc = Spheres(start, 8.0, seed=4, interaction="wca", swaps=1.0)
    mc.steps[:] = 0.0
    energies = [
        direct_energy(Configuration(start.positions, start.box, diameters=np.roll(d, place))) for place in range(8)
    ]
    exact = np.exp(-np.array(energies) / 8.0)
    exact /= exact.sum()
    assert exact.max() > 2 * exact.min() > 0.002
    where = np.empty((20_000, 8))
    for k in range(len(where)):
        mc.run(1)
        where[k] = mc.diameters > 1.1
    mean, error = mean_and_error(where)
    assert np.all(np.abs(mean - exact) < 4.5 * error)
    assert mc.acceptance["swap"] > 0.1


@pytest.mark.parametrize("n", [20, 200])
@pytest.mark.parametrize(("interaction", "pressure"), [("wca", None), ("wca", 2.0), ("hard", 2.0)])
def test_lists_miss_no_pair(interaction: Interaction, pressure: float | None, n: int) -> None:
    """The energy summed up over a run is that of all pairs; hard spheres do not overlap. 20 have no cells."""
    start = sphere_starts.mixture(n, 0.35 if n > 20 else 0.1, 0.6, 0.5, seed=1).configuration
    pressure = pressure if pressure is None or n > 20 else 0.1
    start = Configuration(start.positions * 1.2, start.box * 1.2, diameters=start.diameters)
    mc = Spheres(start, 0.5, pressure, seed=3, interaction=interaction, swaps=0.2, box_moves="anisotropic")
    mc.tune(200)
    for step in (mc.steps[0], 0.2):
        steps = np.array([step, 0.0, mc.steps[2]])
        how = mc.swaps, True, mc.at_first, mc._model(), mc.tried, mc.accepted, mc.random
        box_pressure = -1.0 if pressure is None else pressure
        x, d = mc.positions, mc.diameters
        end, energy = sphere_moves.run(x, d, mc.box, 100, box_pressure, steps, *how)
        assert end == sphere_moves.FINISHED
        c = mc.configuration
        if interaction == "hard":
            assert separations(c).min() >= 1
        else:
            assert energy * mc.kT == pytest.approx(direct_energy(c), abs=1e-9 * n)
            assert mc.energy == pytest.approx(direct_energy(c), abs=1e-9 * n)
    assert mc.acceptance["swap"] > 0


@pytest.mark.parametrize("skin", [0.0, 0.4, 3.0])
def test_lists_hold_each_pair_once(skin: float) -> None:
    """Also where there are more neighbours than there is room for at first, and boxes too small for cells."""
    c = mixed(100)
    assert c.diameters is not None
    counts = np.empty(100, np.int32)
    found = sphere_cells.listed(c.positions, c.diameters, c.box, 1.1, skin, np.empty((100, 2), np.int32), counts)
    apart = c.positions[:, None] - c.positions
    apart -= c.box * np.rint(apart / c.box)
    reach = 1.1 * (c.diameters[:, None] + c.diameters) / 2 + skin
    near = (np.sqrt((apart**2).sum(axis=2)) < reach) & ~np.eye(100, dtype=bool)
    for i in range(100):
        assert sorted(found[i, : counts[i]]) == list(np.flatnonzero(near[i]))


def test_ratios_are_those_of_all_pairs() -> None:
    c = mixed()
    assert c.diameters is not None
    found = np.sort(sphere_cells.ratios(c.positions, c.diameters, c.box, 1.3))
    q = separations(c)[np.triu_indices(200, 1)]
    np.testing.assert_allclose(found, np.sort(q[q < 1.3]), rtol=1e-12)


def test_virial_is_the_energy_s_derivative() -> None:
    """beta P = rho - dU / dV / kT where all lengths but the diameters grow."""
    start = mixed(packing=0.5)
    mc = Spheres(start, 0.7, interaction="wca")
    x, box, d = start.positions, start.box, start.diameters
    U = [direct_energy(Configuration(x * f, box * f, diameters=d)) for f in (1 - 1e-6, 1 + 1e-6)]
    volume = start.volume
    assert mc.virtual_pressure == pytest.approx(mc.density - (U[1] - U[0]) / 6e-6 / volume / 0.7, rel=1e-5)


def test_an_ideal_gas_has_its_pressure() -> None:
    mc = Spheres(sphere_starts.mixture(64, 1e-5, seed=1).configuration, seed=1)
    mc.run(100)
    assert mc.virtual_pressure == pytest.approx(mc.density, rel=1e-3)
    assert mc.acceptance["translation"] > 0.999


@pytest.mark.parametrize("pressure", [None, 4.0])
def test_same_seed_same_run_and_restored_goes_on_bit_for_bit(pressure: float | None) -> None:
    how: dict[str, Any] = {"swaps": 0.3, "box_moves": "anisotropic"}
    first, again, other = (Spheres(mixed(), 1.0, pressure, seed=seed, **how) for seed in (1, 1, 2))
    for mc in (first, again, other):
        mc.tune(100)
    np.testing.assert_array_equal(first.positions, again.positions)
    assert not np.array_equal(first.positions, other.positions)
    other.restore(first.state())
    for mc in (first, other):
        mc.run(50)
    for name, values in first.state().items():
        np.testing.assert_array_equal(other.state()[name], values)
    assert not np.array_equal(first.positions, again.positions)


def test_edges_stay_within_a_ratio_of_what_they_were() -> None:
    start = sphere_starts.mixture(30, 0.05, seed=1).configuration
    long = Configuration(start.positions * [1, 1, 3], start.box * [1, 1, 3], diameters=start.diameters)
    mc = Spheres(long, 1.0, 0.04, seed=1, box_moves="anisotropic")
    mc.steps[2] = 0.1
    ratios = []
    for _ in range(200):
        mc.run(20)
        stretch = mc.box / long.box
        ratios.append(stretch.max() / stretch.min())
    assert 1.3 < max(ratios) <= 1.5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Spheres(pair(1.9)), r"box of 1\.9 x 1\.9 x 1\.9 sigma; allowed: edges of 2 sigma or more"),
        (lambda: Spheres(pair(2.1), interaction="wca"), r"allowed: edges of 2\.245 sigma or more"),
        (
            lambda: Spheres(Configuration(np.array([[0.1, 0, 0], [9.3, 0, 0]]), np.full(3, 10.0))),
            r"two spheres are 0\.8 of their contact distance apart; allowed: 1 or more",
        ),
        (lambda: Spheres(Configuration(TWO[:, :2], np.full(2, 10.0))), "spheres move in space"),
        (lambda: Spheres(pair(3.0), pressure=50.0).run(1000), "allowed: edges of 2 sigma or more"),
        (lambda: Configuration(TWO, np.full(3, 9.0), diameters=np.ones(3)), r"the shape \(3,\) instead of \(2,\)"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(make: Any, said: str) -> None:
    with pytest.raises(SimulationError, match=said):
        make()
