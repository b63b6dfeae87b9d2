"""Environments of hard spheres, found without labels, against rules by hand in the plane of q_4 and q_6.

Monte Carlo of fcc and hcp at rho sigma^3 = 1.05 and of the fluid at 0.94, as in E. Boattini's thesis (Utrecht, 2021),
section 4.3.1, where q_6, q_8 and q_4 count, 78, 19 and 3 % in a coexistence that is half fluid; here, with a third of
each, q_4 counts as much as q_8. The same of all three side by side in one box, where borders are neither.
"""

import numpy as np
import packings
import pytest

from softal.simulators.monte_carlo.sphere_starts import Start, beside_fluid, crystal, mixture, side_by_side
from softal.simulators.monte_carlo.spheres import Spheres
from softal.simulators.monte_carlo.system import Configuration
from softal.space import Space
from softal.surrogates import build_learner
from softal.surrogates.environments.data import descriptors
from softal.theory.local_structure.descriptors import Neighbourhood

pytestmark = [pytest.mark.learning, pytest.mark.physics, pytest.mark.validation]

N, SNAPSHOTS, APART, BEFORE = 500, 4, 50, {"fcc": 300, "hcp": 300, "fluid": 1500}
RHO = {"fcc": 1.05, "hcp": 1.05, "fluid": 0.94}


def simulated(kind, seed):
    """Snapshots (S, N, 3) and boxes (S, 3) in equilibrium."""
    packing = np.pi / 6 * RHO[kind]
    start = mixture(N, packing, seed=seed) if kind == "fluid" else crystal(kind, N, packing)
    mc = Spheres(start.configuration, seed=seed)
    mc.tune(200)
    mc.run(BEFORE[kind])
    found = []
    for _ in range(SNAPSHOTS):
        mc.run(APART)
        found.append(mc.positions.copy())
    return np.array(found), np.tile(mc.box, (SNAPSHOTS, 1))


@pytest.fixture(scope="module")
def runs():
    return {kind: simulated(kind, i) for i, kind in enumerate(RHO)}


@pytest.fixture(scope="module")
def learned(runs):
    points = [{"rho": RHO[kind], "structure": kind} for kind in runs]
    trials = [packings.trial(i, point, *run) for i, (point, run) in enumerate(zip(points, runs.values(), strict=True))]
    made = build_learner("environments", Space(packings.SPACE), {"refits": 1})
    made.fit(trials)
    return made


def by_rule(q4, q6):
    """The number of fcc, hcp or fluid: q_6 below a third of 1, else q_4 above 0.13 or not."""
    return np.where(q6 < 0.33, 2, np.where(q4 > 0.13, 0, 1))


def test_three_clusters_agree_with_the_rules(learned, runs):
    right = total = 0
    for i, (positions, boxes) in enumerate(runs.values()):
        for x, box in zip(positions, boxes, strict=True):
            Q = descriptors(x, box, None, Neighbourhood())
            rule, found = by_rule(Q[:, 3], Q[:, 5]), learned.of_descriptors(Q)
            cluster = learned.found.clusters(Q)
            names = [np.bincount(cluster[rule == j], minlength=3).argmax() for j in np.unique(rule)]
            right += np.sum(cluster == np.array(names)[np.searchsorted(np.unique(rule), rule)])
            total += len(rule)
            assert np.mean(rule == i) > 0.98
            assert found.fractions["unknown"] < 0.02
    assert len(learned.clusters) == 3
    assert right / total > 0.95


def test_other_seeds_agree_and_the_thesis_inputs_count(learned):
    table = learned.tables()["environments"]
    assert learned.metrics()["adjusted_rand"] > 0.95
    assert table["bottleneck"] == 2
    for parts in table["importance"].values():
        order = [table["inputs"][k] for k in np.argsort(parts)[::-1]]
        assert order[0] == "q6"
        assert set(order[1:3]) == {"q4", "q8"}
        assert sum(parts[k] for k in (3, 5, 7)) > 0.9


def layers(sequence, rho=1.04, shape=(10, 6)):
    """Close-packed layers of 120 spheres, A, B or C, one above the other."""
    a = (2**0.5 / rho) ** (1 / 3)
    sides, height = np.array([a * shape[0], a * 3**0.5 * shape[1]]), a * (2 / 3) ** 0.5
    cells = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 1, 2)
    plane = (cells + np.array([[0, 0], [0.5, 0.5]])).reshape(-1, 2) * [a, a * 3**0.5]
    shift = {"A": (0, 0), "B": (a / 2, a * 3**0.5 / 6), "C": (0, a / 3**0.5)}
    x = [
        np.column_stack([(plane + shift[one]) % sides, np.full(len(plane), k * height)])
        for k, one in enumerate(sequence)
    ]
    box = np.append(sides, len(sequence) * height)
    n = sum(map(len, x))
    return Start(Configuration(np.concatenate(x), box, diameters=np.ones(n)), np.zeros(n, np.int64))


@pytest.fixture(scope="module")
def coexisting():
    """Positions and box of 19,320 spheres: fcc, fluid, hcp, fluid."""
    fluid = {"n": 36 * 120, "packing": np.pi / 6 * 0.935, "size_ratio": 1.0, "small_fraction": 0.0}
    crystals = side_by_side(beside_fluid(layers("ABC" * 15), seed=1, **fluid), layers("AB" * 22))
    mc = Spheres(beside_fluid(crystals, seed=2, **fluid).configuration, seed=3)
    mc.tune(100)
    mc.run(2000)
    return mc.positions.copy(), mc.box.copy()


def test_of_three_phases_side_by_side_there_are_three_clusters(coexisting):
    x, box = coexisting
    Q = descriptors(x, box, None, Neighbourhood())
    made = build_learner("environments", Space(packings.SPACE), {"refits": 2, "environments": 20_000})
    made.fit([packings.trial(0, {"rho": 0.99, "structure": "fcc"}, x[None], box[None])])
    assert len(made.clusters) == 3
    assert made.metrics()["adjusted_rand"] > 0.85  # of ten seeds each two agree by 0.87 and more
    rule, cluster = by_rule(Q[:, 3], Q[:, 5]), made.found.clusters(Q)
    table = np.array([np.bincount(rule[cluster == k], minlength=3) for k in range(3)])
    assert set(table.argmax(axis=1)) == {0, 1, 2}
    assert table.max(axis=1).sum() / len(Q) > 0.95  # what is left is at borders
