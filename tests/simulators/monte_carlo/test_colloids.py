"""Colloids in ideal polymer: moves against whole energies, the mixture against what integrating it out gives."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo import cells, colloids, starts
from softal.simulators.monte_carlo.colloids import Colloids, DepletionPair, Learned, Mixture
from softal.simulators.monte_carlo.system import Configuration
from softal.simulators.observables.rdf import RadialDistribution
from softal.simulators.statistics import mean_and_error
from softal.theory.many_body import depletion
from softal.theory.many_body.fitted import FittedPotential
from softal.theory.many_body.symmetry_functions import SymmetryFunctions

pytestmark = pytest.mark.physics


def fluid(n: int, eta_c: float, seed: int = 1) -> Configuration:
    return starts.fluid(n, eta_c * 6 / np.pi, 3, seed)


def two(r: float) -> Configuration:
    return Configuration(np.array([[1.0, 1, 1], [1 + r, 1, 1]]), np.full(3, 4.0))


def nearest(x: Floats, box: Floats) -> float:
    apart = x[:, None] - x
    apart -= box * np.rint(apart / box)
    return float(np.linalg.norm(apart, axis=2)[np.triu_indices(len(x), 1)].min())


def test_a_pair_has_its_lens() -> None:
    pair = DepletionPair(0.4, 0.3)
    z_p = 0.3 * 6 / np.pi / 0.4**3
    assert pair.energy([0.999, 1.0, 1.4]).tolist() == [np.inf, pytest.approx(-z_p * 0.159174, rel=1e-5), 0]
    for interaction in ("exact", "pairs"):
        assert Colloids(two(1.1), 0.4, 0.3, interaction=interaction).energy == pytest.approx(float(pair.energy(1.1)))


def test_cells_find_what_is_near() -> None:
    rng, box = np.random.default_rng(0), np.array([4.0, 5.0, 9.0])
    x = rng.random((200, 3)) * box
    for reach in (1.0, 1.6):
        shape = cells.shape_of(box, reach)
        head, after, before = cells.build(x, box, shape)
        for i in range(0, 200, 2):  # half of them leave their cells, and come back into those of other places
            cells.leave(i, cells.cell_of(x[i], box, shape), head, after, before)
            x[i] = rng.random(3) * box
            cells.enter(i, cells.cell_of(x[i], box, shape), head, after, before)
        for i in range(0, 200, 7):
            away = np.empty((200, 3))
            count = cells.around(x[i], i, x, box, shape, head, after, reach**2, 0.0, away)
            apart = np.delete(x, i, axis=0) - x[i]
            apart -= box * np.rint(apart / box)
            near = apart[np.linalg.norm(apart, axis=1) < reach]
            assert sorted(away[:count].tolist()) == sorted(near.tolist())
            assert cells.around(x[i], i, x, box, shape, head, after, reach**2, reach**2, away) == (
                -1 if len(near) else 0
            )


@pytest.mark.parametrize(("q", "eta_c"), [(0.4, 0.3), (0.8, 0.15)])
def test_moves_are_accepted_by_whole_energies(q: float, eta_c: float) -> None:
    """The same random numbers with energies of the whole configuration give the same moves."""
    mc = Colloids(fluid(40, eta_c), q, 0.3, seed=4)
    x, box, rng = mc.positions.copy(), mc.box, mc.random.copy()
    mc.run(2)
    place = np.empty(3)
    for _ in range(2 * len(x)):
        i = int(colloids.uniform(rng) * len(x))
        colloids._try(x[i], box, 0.1, rng, place)
        moved = x.copy()
        moved[i] = place
        if nearest(moved, box) < 1:
            continue
        change = mc.potential.z_p * (depletion.union(moved, box, (1 + q) / 2) - depletion.union(x, box, (1 + q) / 2))
        if change > 0 and colloids.uniform(rng) >= np.exp(-change):
            continue
        x = moved
    assert mc.positions == pytest.approx(x, abs=1e-12)
    assert mc.random.tolist() == rng.tolist()


@pytest.mark.parametrize("kind", ["exact", "pairs", "mixture"])
def test_cores_stay_apart_and_a_run_goes_on_bit_for_bit(kind: str) -> None:
    def make() -> Colloids:
        if kind == "mixture":
            return Mixture(fluid(60, 0.3), 0.4, 0.4, seed=2)
        return Colloids(fluid(60, 0.3), 0.4, 0.4, interaction="pairs" if kind == "pairs" else "exact", seed=2)

    mc = make()
    mc.tune(60)
    mc.run(20)
    assert 0.2 < mc.acceptance["translation"] < 0.8
    assert nearest(mc.positions, mc.box) >= 1
    saved = {name: value.copy() for name, value in mc.state().items()}
    mc.run(5)
    other = make()
    other.restore(saved)
    other.run(5)
    assert mc.positions.tolist() == other.positions.tolist()


def test_two_colloids_are_where_boltzmann_has_them() -> None:
    """The distribution of their distance within 1.6 sigma, by its integral in closed form."""
    mc = Colloids(two(1.5), 0.4, 0.3, seed=3)
    mc.steps[:] = 0.5
    found = []
    for _ in range(40_000):
        mc.run(2)
        found.append(nearest(mc.positions, mc.box))
    r = np.linspace(1, 1.6, 6001)
    weight = r**2 * np.exp(-mc.potential.energy(r))
    within = [float(w) for w in (weight[r < 1.1].sum(), weight[r < 1.6].sum())]
    inside = np.array(found)[np.array(found) < 1.6]
    mean, error = mean_and_error((inside < 1.1).astype(float))
    assert abs(float(mean) - within[0] / within[1]) < 4 * float(error)


def test_the_virial_is_the_force_times_the_distance() -> None:
    mc, h = Colloids(two(1.2), 0.4, 0.3), 1e-5
    force = -(mc.potential.energy(1.2 + h) - mc.potential.energy(1.2 - h)) / (2 * h)
    assert mc.virial == pytest.approx(float(force) * 1.2 / (3 * 4.0**3), rel=1e-5)


def fit(cutoff: float) -> FittedPotential:
    functions = SymmetryFunctions(cutoff, np.array([[2.0, 1.0]]), np.array([[0.5, 2.0, 1.0]]))
    return FittedPotential(functions, np.array([0.002, 0.05]))


@pytest.mark.parametrize("cutoff", [1.4, 1.7])
def test_a_fit_stands_beside_exact_pairs(cutoff: float) -> None:
    mc, fitted = Learned(fluid(60, 0.3), 0.4, 0.4, fit(cutoff), seed=2), fit(cutoff)
    mc.tune(60)
    mc.run(5)
    assert nearest(mc.positions, mc.box) >= 1
    lenses = depletion.pairs(mc.positions, mc.box, 0.7)
    energy = mc.potential.z_p * (fitted.energies(mc.positions, mc.box).sum() - lenses)
    assert mc.energy == pytest.approx(energy, rel=1e-5)
    pairs = Colloids(mc.configuration, 0.4, 0.4, interaction="pairs")
    assert mc.energy > pairs.energy
    assert mc.virial > pairs.virial


@pytest.mark.parametrize("cutoff", [1.3, 2.4])
def test_a_fit_that_is_too_short_or_too_long(cutoff: float) -> None:
    with pytest.raises(SimulationError, match=r"allowed: from 1 \+ q = 1.4 to half the box, 2.188"):
        Learned(fluid(64, 0.4), 0.4, 0.4, fit(cutoff))


def test_polymers_are_a_poisson_process_in_the_free_volume() -> None:
    mc = Mixture(fluid(30, 0.15), 0.4, 0.3, seed=5)
    R, z_p = 0.7, mc.potential.z_p
    drawn = [colloids.draw(mc.positions, mc.box, R, z_p, mc.random) for _ in range(400)]
    for one in drawn[:5]:
        apart = one[:, None] - mc.positions
        apart -= mc.box * np.rint(apart / mc.box)
        assert np.linalg.norm(apart, axis=2).min() >= R
    counts = np.array([len(one) for one in drawn])
    expected = z_p * depletion.free_volume(mc.positions, mc.box, 0.4)
    assert abs(counts.mean() - expected) < 4 * np.sqrt(expected / 400)
    assert counts.var() == pytest.approx(expected, rel=0.3)


def series(mc: Colloids, sweeps: int, every: int = 10) -> dict[str, Floats]:
    """Return free volume and g(r) near contact of samples after an equilibration."""
    mc.tune(600)
    mc.run(600)
    rdf = RadialDistribution(float(mc.box[0]), 1.2, 0.1)
    found: list[tuple[float, float]] = []
    for _ in range(sweeps // every):
        mc.run(every)
        found.append((mc.free_volume, float(rdf.compute(mc.positions)[10])))
    return dict(zip(("free", "contact"), np.array(found).T, strict=True))


def differ(one: Floats, other: Floats) -> float:
    """Return the difference of two means in its standard errors."""
    (a, da), (b, db) = (mean_and_error(x) for x in (one, other))
    return abs(float(a - b)) / float(np.hypot(da, db))


@pytest.mark.validation
@pytest.mark.parametrize(("q", "eta_c", "eta_p", "apart"), [(0.4, 0.25, 0.3, 0.0), (0.8, 0.15, 0.4, 5.0)])
def test_the_mixture_is_the_effective_model(q: float, eta_c: float, eta_p: float, apart: float) -> None:
    """Same free volume, <N_p> = z_p <V_free>, and same g(r) near contact; with pairs alone others where q is large."""
    start = fluid(64, eta_c)
    exact = series(Colloids(start, q, eta_p, seed=1), 6_000)
    mixture = series(Mixture(start, q, eta_p, seed=2), 6_000)
    pairs = series(Colloids(start, q, eta_p, interaction="pairs", seed=3), 6_000)
    for name in ("free", "contact"):
        assert differ(exact[name], mixture[name]) < 3
    assert max(differ(pairs[name], mixture[name]) for name in ("free", "contact")) > apart


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        (two(0.99), "two colloids are 0.99 sigma apart; allowed: 1 sigma or more"),
        (Configuration(two(1.2).positions, np.full(3, 2.7)), "at least 2.8 sigma, twice the range 1 \\+ q"),
        (Configuration(np.ones((2, 2)), np.full(2, 9.0)), "colloids move in space"),
    ],
)
def test_configurations_that_cannot_be(configuration: Configuration, said: str) -> None:
    with pytest.raises(SimulationError, match=said):
        Colloids(configuration, 0.4, 0.3)
