"""Disks: detailed balance of two particles against exact weights, lists against all pairs, boxes."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import disks, rng, starts
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SoftenedShoulder, SquareShoulder
from softal.simulators.monte_carlo.system import BoxMoves, Configuration, Disks
from softal.simulators.statistics import mean_and_error

pytestmark = pytest.mark.physics

SHOULDER, SOFT = SquareShoulder(1.4), SoftenedShoulder(1.35)


def pair(edge: float) -> Configuration:
    return Configuration(np.array([[0.1, 0.1], [1.5, 0.3]]), np.array([edge, edge]))


def weights(potential: PairPotential, edge: float, kT: float, bins: np.ndarray) -> np.ndarray:
    """Exact probabilities of the nearest images' distance in bins, by the midpoint rule over the box."""
    axis = (np.arange(3000) + 0.5) / 3000 * edge / 2
    r = np.hypot(axis[:, None], axis).ravel()
    p = np.histogram(r, bins, weights=np.exp(-potential.energy(r) / kT))[0]
    return np.asarray(p / p.sum())


@pytest.mark.parametrize(("potential", "kT", "edge"), [(SHOULDER, 0.7, 3.0), (SHOULDER, 3.0, 2.8), (SOFT, 0.5, 4.0)])
def test_detailed_balance_of_two_particles(potential: PairPotential, kT: float, edge: float) -> None:
    """Each bin's share within 4.5 of its standard errors, and all of them together: chi^2."""
    bins = np.append(np.linspace(potential.core, edge / 2, 13), edge / np.sqrt(2))
    mc = Disks(pair(edge), potential, kT, seed=1)
    mc.steps[0] = 0.5
    apart = np.empty((8000, 2))
    for k in range(len(apart)):
        mc.run(20)
        apart[k] = mc.positions[0] - mc.positions[1]
    apart -= edge * np.rint(apart / edge)
    inside = np.digitize(np.hypot(*apart.T), bins)[:, None] == np.arange(1, len(bins))
    found, exact = inside.mean(0), weights(potential, edge, kT, bins)
    assert inside.any(1).all()
    seen = exact * len(apart) > 20
    assert seen.sum() >= 9
    error = np.maximum(mean_and_error(inside)[1], np.sqrt(exact * (1 - exact) / len(apart)))
    z = ((found - exact) / error)[seen]
    assert np.abs(z).max() < 4.5
    assert abs((z**2).sum() - len(z)) < 4.5 * np.sqrt(2 * len(z))


@pytest.mark.parametrize("box_moves", ["isotropic", "anisotropic"])
def test_volume_of_two_hard_disks(box_moves: BoxMoves) -> None:
    """p(V) ~ V (V - pi) exp(-beta P V); V >= 4 has all of its weight but 1e-5."""
    pressure = 0.01
    mc = Disks(pair(15.0), HardCore(), 1.0, pressure, seed=2, box_moves=box_moves)
    mc.steps[:] = 0.5, 1.5
    volume = np.empty(6000)
    mc.run(2000)
    for k in range(len(volume)):
        mc.run(20)
        volume[k] = mc.box.prod()
    v = np.linspace(4, 4000, 400_000)
    p = v * (v - np.pi) * np.exp(-pressure * v)
    for moment in (1, 2):
        mean, error = mean_and_error(volume**moment)
        assert abs(mean - (v**moment * p).sum() / p.sum()) < 4 * error
        assert error < 0.05 * mean


@pytest.mark.parametrize("box_moves", ["isotropic", "anisotropic"])
@pytest.mark.parametrize("potential", [SHOULDER, SOFT], ids=str)
@pytest.mark.parametrize(("n", "density", "pressure"), [(256, 0.6, None), (256, 0.6, 8.0), (16, 0.4, 3.0)])
def test_energy_does_not_drift(
    potential: PairPotential, n: int, density: float, pressure: float | None, box_moves: BoxMoves
) -> None:
    """The energy summed up over a run is that of all pairs: no pair is missing from a list, nor met twice.

    16 particles: boxes of less than two lengths of a list, where there are no cells.
    """
    mc = Disks(starts.fluid(n, density, seed=1), potential, 0.4, pressure, seed=3, box_moves=box_moves)
    mc.tune(1000)
    for step in (mc.steps[0], 0.5):
        arguments = *mc._table(), mc.random
        volume_step, independent = mc.steps[1], box_moves == "anisotropic"
        box_pressure = -1.0 if pressure is None else pressure
        *_, energy, end = disks.run(mc.positions, mc.box, 300, box_pressure, step, volume_step, independent, *arguments)
        assert end == disks.FINISHED
        assert mc.energy > 0
        assert energy * mc.kT == pytest.approx(mc.energy, abs=1e-9 * n)


@pytest.mark.parametrize(("density", "r_list"), [(0.3, 1.5), (0.85, 2.5), (0.85, 3.6), (0.85, 20.0)])
def test_lists_hold_each_pair_once(density: float, r_list: float) -> None:
    """Also where there are more neighbours than there is room for at first, and boxes too small for cells."""
    c = starts.fluid(100, density, seed=2)
    counts, anchor = np.empty(100, np.int32), np.empty((100, 2))
    neighbours = disks.rebuilt(c.positions, c.box, r_list, np.empty((100, 2), np.int32), counts, anchor)
    dx = c.positions[:, None] - c.positions
    dx -= c.box * np.rint(dx / c.box)
    near = ((dx**2).sum(-1) < r_list**2) & ~np.eye(100, dtype=bool)
    for i in range(100):
        assert sorted(neighbours[i, : counts[i]]) == list(np.flatnonzero(near[i]))


@pytest.mark.parametrize("edge", [2.0, 2.79])
def test_a_box_in_which_a_particle_would_see_another_one_twice(edge: float) -> None:
    with pytest.raises(SimulationError, match=r"box of .* sigma: its edges have to be at least 2\.8"):
        Disks(pair(edge), SHOULDER, 1.0)


def test_a_box_that_shrinks_too_far() -> None:
    mc = Disks(pair(3.0), SHOULDER, 1.0, pressure=50.0)
    with pytest.raises(SimulationError, match=r"edges have to be at least 2\.8"):
        mc.run(1000)


def test_overlapping_cores() -> None:
    mc = Disks(Configuration(np.array([[0.1, 0.1], [9.9, 0.2]]), np.array([10.0, 10.0])), SHOULDER, 1.0)
    assert np.isinf(mc.energy)
    with pytest.raises(SimulationError, match="overlap"):
        mc.run(1)


def test_edges_stay_within_a_ratio() -> None:
    mc = Disks(starts.fluid(16, 0.1, seed=1), HardCore(), 1.0, 0.1, seed=1, box_moves="anisotropic")
    mc.steps[1] = 0.1
    ratios = []
    for _ in range(300):
        mc.run(20)
        ratios.append(mc.box[0] / mc.box[1])
    assert 1.3 < max(ratios) <= disks.ASPECT
    assert 1 / 1.3 > min(ratios) >= 1 / disks.ASPECT


def test_seeded_kernel_repeats() -> None:
    c, table = starts.fluid(64, 0.5, seed=1), (1.0, 1.4**2, np.array([1.0]), 0.0)
    ends = []
    for seed in (1, 1, 2):
        x, box = c.positions.copy(), c.box.copy()
        disks.run(x, box, 50, 2.0, 0.1, 0.01, False, *table, rng.seeded(seed))
        ends.append(x)
    np.testing.assert_array_equal(ends[0], ends[1])
    assert not np.array_equal(ends[0], ends[2])
