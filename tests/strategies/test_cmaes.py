"""CMA-ES on plateaus, among points of others, and what it notes of its distribution."""

import json

import numpy as np
import pytest

from softal.errors import StrategyError
from softal.objective import minimize
from softal.strategies import build
from softal.strategies.cmaes.population import Entry, flat, ranked, shortened
from softal.strategies.cmaes.restarts import Restarts
from softal.trial import Trial, TrialState
from strategies.campaigns import cube, ridge, run

FLUID = {"popsize": 10, "sigma0": 0.1, "x0": {"x0": 0.3, "x1": 0.3}}
CORNER = {"popsize": 10, "sigma0": 0.05, "x0": {"x0": 0.1, "x1": 0.9}}


def cmaes(d=2, seed=0, **settings):
    return build("cmaes", cube(d), minimize("y"), seed, settings)


def unit(strategy, proposals):
    return strategy.space.to_unit([proposal.point for proposal in proposals])


def sphere(u):
    return float(np.sum((u - 0.35) ** 2))


# Plateaus.


@pytest.mark.parametrize(("settings", "within"), [(FLUID, 80), (CORNER, 120)])
def test_a_ridge_in_a_plain_is_found_and_climbed(settings, within):
    """A fiftieth of the square is not plain; measured medians 32 and 62 evaluations to its upper tenth."""
    found = []
    for seed in range(4):
        strategy = cmaes(seed=seed, **settings)
        trials = run(strategy, lambda u: -ridge(u), 120)
        heights = [ridge(u) for u in strategy.space.to_unit([trial.point for trial in trials])]
        found.append(next((i for i, height in enumerate(heights, start=1) if height > 0.9), 1000))
    assert np.median(found) < within
    assert max(found) <= 120


def test_a_plain_is_searched_all_over_without_an_end():
    strategy = cmaes(sigma0=0.02, popsize=6)
    trials = run(strategy, lambda u: 0.0, 120, q=2)
    cells = {tuple(cell) for cell in np.floor(4 * unit(strategy, trials)).astype(int).clip(0, 3)}
    assert len(cells) == 16
    assert strategy._run == 0


def test_noise_without_a_slope_is_a_plain():
    """Results that differ by chance alone, with their standard errors: steps grow, and nothing converges."""
    strategy = cmaes(sigma0=0.02, popsize=6)
    run(strategy, lambda u: 0.0, 90, noise=0.1)
    assert strategy._es.sigma > 0.1
    assert strategy._run == 0


@pytest.mark.parametrize(
    ("losses", "error", "plain"),
    [
        ([0.0] * 8, np.nan, True),
        ([0.0] * 7 + [np.nan], np.nan, True),
        ([-1.0, *[0.0] * 7], np.nan, False),
        ([0.0] * 7 + [1.0], np.nan, True),  # of the worst part
        (np.linspace(0, 1, 8), np.nan, False),
        (np.linspace(0, 1, 8), 0.5, True),
        (np.linspace(0, 1, 8), 0.1, False),
    ],
)
def test_a_population_is_flat_where_its_better_part_cannot_be_told_apart(losses, error, plain):
    assert flat([Entry(np.zeros(2), float(loss), error) for loss in losses], 1e-11) is plain


def test_failures_rank_behind_the_worst():
    losses = [Entry(np.zeros(1), loss, np.nan) for loss in (2.0, np.nan, 1.0)]
    assert ranked(losses) == [2.0, 3.0, 1.0]
    assert ranked(losses[1:2]) is None


def test_a_fitness_at_its_ceiling_has_converged():
    """All of a population at exactly the best value: nothing more can be told, so that the run is over."""
    strategy = cmaes(restarts="none", sigma0=0.1, popsize=8)
    trials = run_until_it_ends(strategy, lambda u: max(sphere(u) - 0.02, 0.0), 400)
    assert len(trials) < 400
    assert [trial.objective["y"] for trial in trials[-8:]] == [0.0] * 8


def run_until_it_ends(strategy, f, n):
    trials = []
    while len(trials) < n and (proposals := strategy.ask(1)):
        (proposal,) = proposals
        value = f(unit(strategy, proposals)[0])
        trials.append(
            Trial(len(trials), proposal.point, notes=proposal.notes, state=TrialState.DONE, objective={"y": value})
        )
        strategy.tell(trials[-1:])
    return trials


# Points of others: arXiv:1110.4181.


def best_after(n, injected, seed):
    strategy = cmaes(5, seed)
    trials = run(strategy, sphere, n // 2)
    if injected:
        u = np.full(5, 0.35) + 0.01
        point = dict(zip(strategy.space.names, u.tolist(), strict=True))
        strategy.tell([Trial(10**6, point, state=TrialState.DONE, objective={"y": sphere(u)})])
    strategy._results = {i: r for i, r in strategy._results.items() if i == 10**6}  # numbers of trials begin anew
    trials = run(strategy, sphere, n // 2)
    return np.median([trial.objective["y"] for trial in trials[-8:]])


def test_a_good_point_of_others_helps():
    """Without more points of its own; the median of the last population falls to less than a third."""
    ratios = [best_after(100, True, seed) / best_after(100, False, seed) for seed in range(4)]
    assert np.median(ratios) < 1 / 3


@pytest.mark.parametrize(("away", "length", "kept"), [([3.0, 4.0], 5.0, 0.4828427), ([0.3, 0.4], 0.5, 1.0)])
def test_points_from_far_away_are_taken_in_as_far_as_a_long_draw_reaches(away, length, kept):
    """c_y = sqrt(d) + 2 d / (d + 2), d = 2."""
    mean = np.array([1.0, -1.0])
    taken = shortened(Entry(mean + away, 0.0, 0.0), np.array(away), length)
    np.testing.assert_allclose(taken.y - mean, kept * np.array(away), rtol=1e-6)


def test_points_of_others_do_not_enlarge_the_steps():
    strategy = cmaes(3, sigma0=0.05)
    run(strategy, lambda u: sphere(u) + 1.0, 35)
    before = strategy._es.sigma
    point = dict.fromkeys(strategy.space.names, 0.99)
    strategy.tell([Trial(10**6, point, state=TrialState.DONE, objective={"y": 0.0})])
    strategy._results = {10**6: (0.0,)}
    run(strategy, lambda u: sphere(u) + 1.0, 7)
    assert strategy._es.sigma < 2 * before


# Settings.


def test_steps_differ_by_parameter():
    U = unit(strategy := cmaes(3, sigma0={"x0": 0.02, "x2": 0.1}), strategy.ask(600))
    np.testing.assert_allclose(U.std(axis=0), [0.02, 0.25, 0.1], rtol=0.12)  # 4 standard errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma0": {"z": 0.1}}, r"sigma0\.z is not a free parameter; these are x0, x1"),
        ({"sigma0": {"x0": 2.0}}, "sigma0.*x0.* 2.0 is given"),
        ({"sigma0": 0.0}, "sigma0.* 0.0 is given"),
        ({"x0": {"x0": 0.5}}, "x0: x1 is missing"),
        ({"x0": {"x0": 0.5, "x1": 2}}, "x0: x1: 2 is given"),
        ({"x0": {"x0": 0.5, "x1": 0.5, "z": 2}}, "x0: 'z' is not a known parameter"),
    ],
)
def test_strange_names_and_numbers_are_said(settings, message):
    with pytest.raises(StrategyError, match=message) as raised:
        cmaes(**settings)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("popsize", [3, 4, 5])
def test_small_populations_converge_quietly(popsize):
    """pycma would mirror samples of these and miss them in what it is told, with a warning."""
    best = [
        min(trial.objective["y"] for trial in run(cmaes(3, seed, popsize=popsize), sphere, 150)) for seed in range(3)
    ]
    assert np.median(best) < 1e-3


@pytest.mark.parametrize(("kind", "sizes"), [("ipop", [12, 24, 48, 96]), ("none", [None] * 4)])
def test_populations_double(kind, sizes):
    restarts, rng = Restarts(kind, 6), np.random.default_rng(0)
    assert [restarts.following(0.2, rng) for _ in sizes] == [size and (size, 0.2) for size in sizes]


def test_bipop_spends_as_much_on_small_populations():
    restarts, rng, spent = Restarts("bipop", 6), np.random.default_rng(0), {"large": 0, "small": 0}
    restarts.count(100)
    large = 6
    for _ in range(30):
        popsize, sigma = restarts.following(0.2, rng)
        regime = "large" if popsize == 2 * large and sigma == 0.2 else "small"
        large = popsize if regime == "large" else large
        assert popsize <= large
        assert 0.002 <= sigma <= 0.2
        restarts.count(50 * popsize)
        spent[regime] += 50 * popsize
    assert spent["small"] == pytest.approx(spent["large"], rel=0.6)
    assert large > 48


# Notes.


def test_the_distribution_is_in_the_notes():
    strategy = cmaes(3, sigma0={"x0": 0.03, "x1": 0.06, "x2": 0.09})
    run(strategy, lambda u: float((u[0] - u[1]) ** 2 + 0.1 * sphere(u)), 70)
    proposals = strategy.ask(2000)
    notes = json.loads(json.dumps(proposals[0].notes))
    assert all(p.notes["mean"] == notes["mean"] and p.notes["generation"] == 10 for p in proposals)
    U, covariance = unit(strategy, proposals), np.array(notes["covariance"])
    errors = np.sqrt(np.diag(covariance) / len(U))
    assert np.all(np.abs(U.mean(axis=0) - notes["mean"]) < 4 * errors)
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    np.testing.assert_allclose(np.cov(U.T) / scale, covariance / scale, atol=4 * np.sqrt(2 / len(U)))
    assert abs(covariance / scale)[0, 1] > 0.2  # it has learned that x0 and x1 belong together


@pytest.mark.parametrize(("d", "there"), [(1, True), (8, True), (9, False)])
def test_matrices_of_many_dimensions_are_left_out(d, there):
    (proposal,) = cmaes(d).ask(1)
    assert ({"mean", "covariance"} <= set(proposal.notes)) is there
    assert {"run", "generation", "y"} <= set(proposal.notes)
