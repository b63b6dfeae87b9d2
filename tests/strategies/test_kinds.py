"""What random, Sobol, grid and CMA-ES do beyond the contract."""

import cma
import numpy as np
import pytest

from softal.errors import SoftalError, StrategyError
from softal.objective import learn, minimize
from softal.space import Space
from softal.strategies import STRATEGIES, build, find
from softal.trial import Trial, TrialState
from strategies.campaigns import cube, run

NARROW = Space(
    {"a": {"low": 0.0, "high": 1.0}, "b": {"low": 0.0, "high": 1.0}, "c": {"low": 0.0, "high": 1.0}},
    ["a + b + c <= 0.05"],
)


def unit(strategy, proposals):
    return strategy.space.to_unit([proposal.point for proposal in proposals])


@pytest.mark.parametrize("kind", STRATEGIES)
def test_registry(kind):
    assert find(kind).kind == kind


def test_strange_kind_is_refused():
    with pytest.raises(SoftalError, match="did you mean 'sobol'"):
        build("sobo", cube(1), minimize("y"))
    with pytest.raises(SoftalError, match="not a Strategy class"):
        find("softal.space:Space")


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_points_do_not_depend_on_how_many_are_asked_at_once(kind):
    once, singly = (build(kind, NARROW, minimize("y"), 3) for _ in range(2))
    assert [p.point for p in once.ask(40)] == [singly.ask(1)[0].point for _ in range(40)]


def test_sobol_is_more_even_than_random():
    from scipy.stats.qmc import discrepancy

    found = {}
    for kind in ("random", "sobol"):
        strategy = build(kind, cube(3), minimize("y"), 1)
        found[kind] = discrepancy(unit(strategy, strategy.ask(128)))
    assert found["sobol"] < found["random"] / 10


def test_sobol_in_a_sliver_of_the_space():
    sliver = Space({name: {"low": 0.0, "high": 1.0} for name in "abcdef"}, ["a + b + c + d + e + f <= 0.05"])
    strategy = build("sobol", sliver, minimize("y"))
    U = unit(strategy, strategy.ask(5))  # a volume of 2e-11: no candidate of the sequence is in it
    assert sliver.feasible(U).all()
    assert len(np.unique(U, axis=0)) == 5


def test_grid_visits_everything_once_and_ends():
    space = Space(
        {
            "x": {"low": 1.0, "high": 100.0, "log": True},
            "k": {"low": 1, "high": 3, "integer": True},
            "m": {"low": 0, "high": 100, "integer": True},
            "c": {"choices": ["a", "b"]},
        },
        ["m <= 60"],
    )
    grid = build("grid", space, minimize("y"), settings={"levels": {"x": 3, "m": 3}})
    points = [proposal.point for proposal in grid.ask(1000)]
    assert len(points) == 3 * 3 * 2 * 2
    assert sorted({point["x"] for point in points}) == pytest.approx([1, 10, 100])
    assert sorted({point["k"] for point in points}) == [1, 2, 3]
    assert sorted({point["m"] for point in points}) == [0, 50]
    assert points[:2] == [{**points[0], "c": "a"}, {**points[0], "c": "b"}]
    assert grid.ask(1) == []


def test_grid_shuffled_has_the_same_points():
    plain, shuffled = (build("grid", cube(2), minimize("y"), 1, {"shuffle": on}) for on in (False, True))
    one, other = ([tuple(p.point.values()) for p in grid.ask(99)] for grid in (plain, shuffled))
    assert one != other
    assert sorted(one) == sorted(other)


@pytest.mark.parametrize(
    ("kind", "space", "objective", "settings", "message"),
    [
        ("grid", cube(20), minimize("y"), None, "10000000 are allowed"),
        ("grid", cube(2), minimize("y"), {"levels": {"z": 2}}, "levels.z is not a free parameter"),
        ("cmaes", cube(2), minimize("y", "z"), None, "one objective, not 2"),
        ("cmaes", cube(2), learn("y"), None, "no best point"),
        ("sobol", Space({"x": 1.0}), minimize("y"), None, "0 free parameters"),
        ("bayesian", cube(2), learn("y"), {"acquisition": "UCB"}, "allowed are integrated_variance"),
        ("bayesian", cube(2), minimize("y", "z"), {"trust_region": True}, "one objective"),
    ],
)
def test_what_cannot_be_served_is_said(kind, space, objective, settings, message):
    with pytest.raises(StrategyError, match=message):
        build(kind, space, objective, 0, settings)


def sphere(u):
    return float(np.sum((u - 0.35) ** 2))


def rosenbrock(u):
    x = -5 + 15 * u
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def evaluations_of_pycma(f, d, target, seed):
    options = {"bounds": [0, 1], "verbose": -9, "seed": seed + 1, "verb_log": 0, "signals_filename": ""}
    es = cma.CMAEvolutionStrategy([0.5] * d, 0.25, options)
    while True:
        points = es.ask()
        values = [f(point) for point in points]
        es.tell(points, values)
        if min(values) < target:
            return es.countevals


def evaluations(f, d, target, seed, workers=1, settings=None):
    """Return after how many results the target is reached; `workers` simulations run, a random one finishes first."""
    strategy = build("cmaes", cube(d), minimize("y"), seed, settings)
    rng, running, count = np.random.default_rng(seed), [], 0
    while True:
        while len(running) < workers:
            proposal = strategy.ask(1, running)[0]
            running.append(Trial(strategy.asked - 1, proposal.point, notes=proposal.notes))
        trial = running.pop(int(rng.integers(len(running))))
        value, count = f(strategy.space.to_unit([trial.point])[0]), count + 1
        if value < target:
            return count
        strategy.tell([Trial(trial.id, trial.point, notes=trial.notes, state=TrialState.DONE, objective={"y": value})])


@pytest.mark.long
@pytest.mark.learning
@pytest.mark.parametrize(("f", "d", "target"), [(sphere, 5, 1e-8), (rosenbrock, 4, 1e-6)])
def test_cmaes_needs_about_as_many_evaluations_as_pycma(f, d, target):
    reference = np.median([evaluations_of_pycma(f, d, target, seed) for seed in range(5)])
    assert np.median([evaluations(f, d, target, seed) for seed in range(5)]) < 1.3 * reference
    assert np.median([evaluations(f, d, target, seed, workers=6) for seed in range(5)]) < 2.0 * reference


@pytest.mark.long
@pytest.mark.learning
def test_cmaes_with_many_workers_needs_less_time():
    one = np.median([evaluations(sphere, 5, 1e-8, seed) for seed in range(3)])
    many = np.median([evaluations(sphere, 5, 1e-8, seed, workers=32) for seed in range(3)])
    assert many / 32 < one / 6


def test_cmaes_keeps_bounds_and_constraints_where_the_optimum_is_outside():
    space = Space({"a": {"low": 0.0, "high": 1.0}, "b": {"low": 0.0, "high": 1.0}}, ["a + b <= 0.7"])
    strategy = build("cmaes", space, minimize("y"))
    trials = run(strategy, lambda u: -2 * u[0] - u[1], 250)
    best = min(trials, key=lambda trial: trial.objective["y"])
    assert best.objective["y"] == pytest.approx(-1.4, abs=0.02)  # at a = 0.7, b = 0


def test_cmaes_finds_integers_and_choices():
    space = Space(
        {
            "x": {"low": 0.0, "high": 1.0},
            "k": {"low": 0, "high": 20, "integer": True},
            "c": {"choices": ["a", "b", "c"]},
        }
    )
    strategy = build("cmaes", space, minimize("y"), 1)
    target = space.to_unit([{"x": 0.3, "k": 17, "c": "c"}])[0]
    trials = run(strategy, lambda u: float(np.sum((u - target) ** 2)), 200)
    best = min(trials, key=lambda trial: trial.objective["y"]).point
    assert (best["k"], best["c"]) == (17, "c")
    assert best["x"] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("restarts", ["ipop", "bipop", "none"])
def test_cmaes_restarts(restarts):
    settings = {"restarts": restarts, "tolfun": 1e-3, "tolx": 1e-3}
    strategy = build("cmaes", cube(2), minimize("y"), 0, settings)
    sizes = []
    for number in range(1500):
        proposals = strategy.ask(1)
        if not proposals:
            break
        sizes.append(strategy._es.popsize)
        trial = Trial(number, proposals[0].point, notes=proposals[0].notes, state=TrialState.DONE)
        strategy.tell(
            [Trial(**{**trial.__dict__, "objective": {"y": sphere(strategy.space.to_unit([trial.point])[0])}})]
        )
    if restarts == "none":
        assert strategy.ask(1) == []
        assert strategy._run == 0
    else:
        assert strategy._run >= 2
        assert sizes[0] * 2 in sizes
        assert sizes[0] * 4 in sizes


def test_cmaes_leaves_where_everything_fails():
    strategy = build("cmaes", cube(2), minimize("y"), 0, {"sigma0": 0.02, "x0": {"x0": 0.9, "x1": 0.9}})
    trials = run(strategy, lambda u: None if u[0] > 0.7 else sphere(u), 200)
    assert min(t.objective["y"] for t in trials if t.objective) < 0.01


def test_cmaes_starts_from_the_best_that_others_found():
    strategy = build("cmaes", cube(2), minimize("y"), 0, {"sigma0": 0.01})
    others = [
        Trial(i, {"x0": x, "x1": x}, proposed_by="random", state=TrialState.DONE, objective={"y": (x - 0.8) ** 2})
        for i, x in enumerate((0.1, 0.8, 0.5))
    ]
    strategy.tell(others)
    assert np.abs(unit(strategy, strategy.ask(8)) - 0.8).max() < 0.1


def test_cmaes_is_not_shrunk_by_noise():
    noisy, exact = (build("cmaes", cube(3), minimize("y"), 0) for _ in range(2))
    run(noisy, lambda u: 0.0, 300, noise=1.0)
    assert noisy._es.sigma > 0.05
    run(exact, sphere, 300)
    assert exact._es.sigma < 0.01
