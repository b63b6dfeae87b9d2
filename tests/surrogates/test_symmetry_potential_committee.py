"""Potentials as a committee: members disagree about states that no run is near, and where fits differ."""

from dataclasses import replace

import numpy as np
import pytest
import soft_shells
from soft_shells import SPACE, shaken, trial

from softal import strategies
from softal.errors import SurrogateError
from softal.objective import learn
from softal.space import Space
from softal.strategies.committee.choice import covariance
from softal.surrogates import build_learner
from softal.surrogates.symmetry_potential.members import ENVIRONMENTS
from softal.theory.many_body import shells

pytestmark = pytest.mark.physics

SPACED = Space(SPACE)
SETTINGS = {"functions": 8, "members": 16, "environments": 72}


def runs(points, energies=shells.energies, first=0):
    """Trials of crystals at points (rho, beta_K, start)."""
    found = []
    for i, (rho, beta_K, start) in enumerate(points, start=first):
        point = {"rho": rho, "beta_K": beta_K, "start": start}
        found.append(trial(i, point, *shaken(point, np.random.default_rng(i), 2), energies))
    return found


def members(trials, seed=0, **settings):
    return build_learner("symmetry_potential", SPACED, {**SETTINGS, **settings}).committee(trials, seed)


def disagreement(trials, points, seed=0):
    """Members' variance at points (rho, beta_K, start)."""
    named = [dict(zip(SPACE, point, strict=True)) for point in points]
    return np.diag(covariance(members(trials, seed)(SPACED.to_unit(named))))


def crowd(low, high, n=14):
    return [
        (rho, K, start)
        for rho, K, start in zip(
            np.linspace(low, high, n), np.tile([3.0, 50.0, 500.0], n), np.tile(["hexagonal", "square"], n), strict=False
        )
    ]


@pytest.mark.parametrize(
    ("visited", "corners"),
    [((3.2, 3.8), [2.4]), ((2.4, 3.0), [4.4]), ((3.1, 3.5), [2.4, 4.4])],
)
def test_members_disagree_about_states_that_no_run_is_near(visited, corners):
    trials = runs(crowd(*visited))
    known = disagreement(trials, [(np.mean(visited), K, s) for K in (5.0, 50.0) for s in ("hexagonal", "square")])
    away = disagreement(trials, [(rho, K, "hexagonal") for rho in corners for K in (5.0, 50.0)])
    assert away.min() > 1.5 * known.max()


def test_members_disagree_where_fits_differ():
    """Of runs that are spread evenly, the dense ones have energies that no fit says."""

    def scattered(positions, box):
        rho = len(positions) / np.prod(box)
        scatter = np.random.default_rng(int(1e6 * rho)).normal(1, 0.05) if rho > 3.2 else 1.0
        return scatter * shells.energies(positions, box)

    points = [(2.7, 20.0, "hexagonal"), (3.7, 20.0, "hexagonal")]
    right, wrong = disagreement(runs(crowd(2.4, 3.8, 24), scattered), points)
    assert wrong > 3 * right
    assert disagreement(runs(crowd(2.4, 3.8, 24)), points).max() < 0.1 * right


def test_members_are_the_same_each_time_and_others_for_another_seed():
    trials, X = runs(crowd(2.5, 3.5, 6)), SPACED.sample(5, np.random.default_rng(0))
    one, again, other = (members(trials, seed)(X) for seed in (1, 1, 2))
    assert one.shape == (16, 5, ENVIRONMENTS)
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert one.mean(axis=0) == pytest.approx(0, abs=5 * one.std())


def test_units_do_not_count():
    points, X = crowd(2.5, 3.5, 6), SPACED.sample(5, np.random.default_rng(0))
    one = members(runs(points))(X)
    other = members(runs(points, lambda p, box: 1e6 * shells.energies(p, box)))(X)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * one.std())


def test_too_few_runs_are_said():
    with pytest.raises(SurrogateError, match="runs at 3 points at least; there are 2"):
        members(runs(crowd(2.5, 3.5, 2)))


def test_the_strategy_asks_it():
    chosen = {"kind": "symmetry_potential", **SETTINGS}
    strategy = strategies.build("committee", SPACED, learn("energy"), 0, {"surrogate": chosen, "n_initial": 5})
    first = strategy.ask(5, [])
    done = runs([tuple(min(p.point["rho"], 3.8) if n == "rho" else p.point[n] for n in SPACE) for p in first])
    strategy.tell([replace(one, point=p.point) for one, p in zip(done, first, strict=True)])
    [proposal] = strategy.ask(1, [])
    assert proposal.notes["acquisition"] == "committee"
    assert proposal.notes["gain"] > 0


def test_the_shells_of_the_tests_are_as_dense_as_they_say():
    for one in soft_shells.crystals(3):
        box = one.observation.arrays["boxes"].values[0]
        assert 36 / np.prod(box) == pytest.approx(one.point["rho"])
