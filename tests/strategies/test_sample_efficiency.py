"""How few simulations the strategies need, and how long they think: both of two seeds against random points.

Where a share p of all seeds meets a limit, both of two do with probability p^2. The median of three would with
3 p^2 - 2 p^3, that of five with 10 p^3 - 15 p^4 + 6 p^5: more often, wherever p > 0.12. So two seeds that must both be
good find a strategy that has become worse more surely than medians of three or five, and take less time.
"""

import time

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume
from botorch.utils.multi_objective.pareto import is_non_dominated

from softal.objective import learn, minimize
from softal.space import Space
from softal.strategies import build
from softal.surrogates.gaussian_processes.gp import train
from softal.trial import Trial, TrialState
from strategies.campaigns import branin, cube, hartmann6, regret, run

pytestmark = pytest.mark.learning

Y = minimize("y")


def worst(f, d, n, **options):
    return max(regret("bayesian", Y, f, d, n, seed, **options) for seed in range(2))


def at_random(f, d, n, seeds=40):
    return np.median([regret("random", Y, f, d, n, seed) for seed in range(seeds)])


@pytest.mark.long
def test_branin_one_at_a_time():
    assert worst(branin, 2, 16) < at_random(branin, 2, 16) / 5


@pytest.mark.parametrize(
    ("f", "d", "n", "noise"),
    [
        (branin, 2, 40, 0.0),
        (branin, 2, 40, 2.0),
        pytest.param(hartmann6, 6, 64, 0.0, marks=pytest.mark.long),
        pytest.param(hartmann6, 6, 64, 0.1, marks=pytest.mark.long),
    ],
)
def test_many_at_a_time_by_sample_paths(f, d, n, noise):
    assert worst(f, d, n, q=8, noise=noise) < at_random(f, d, n) / 5


def test_ten_times_as_many_random_points_are_worse():
    assert worst(hartmann6, 6, 64, q=8) < at_random(hartmann6, 6, 640, 5)


@pytest.mark.long
@pytest.mark.parametrize(
    ("acquisition", "f", "d", "n", "noise"),
    [
        pytest.param(name, *problem, marks=[pytest.mark.exhaustive] * (i != j))
        for i, name in enumerate(["UCB", "qLogEI", "qLogNoisyEI"])
        for j, problem in enumerate([(branin, 2, 24, 0.0), (branin, 2, 24, 2.0), (hartmann6, 6, 40, 0.1)])
    ],
)
def test_acquisition_functions(acquisition, f, d, n, noise):
    options = {"noise": noise, "settings": {"acquisition": acquisition}}
    if (acquisition, noise) in (("qLogEI", 2.0), ("UCB", 0.0)):  # of which one run in five ends elsewhere
        found = np.median([regret("bayesian", Y, f, d, n, seed, **options) for seed in range(5)])
    else:
        found = worst(f, d, n, **options)
    assert found < at_random(f, d, n) / 3


@pytest.mark.long
def test_a_trust_region_in_many_dimensions():
    def f(u):  # Ackley in [-5, 5]^20
        x = 10 * (u - 0.45)
        return -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2))) - np.exp(np.mean(np.cos(2 * np.pi * x))) + 20 + np.e

    assert worst(f, 20, 300, q=10, settings={"trust_region": True}) < at_random(f, 20, 300, 5) / 2


def front_volume(trials, reference=(1.1, 6.0)):
    losses = torch.tensor([list(trial.objective.values()) for trial in trials], dtype=torch.double)
    front = -losses[is_non_dominated(-losses)]
    return Hypervolume(-torch.tensor(reference, dtype=torch.double)).compute(front)


def zdt1(u):
    """Zitzler, Deb and Thiele (2000)."""
    g = 1 + 9 * np.mean(u[1:])
    return [u[0], g * (1 - np.sqrt(u[0] / g))]


@pytest.mark.long
@pytest.mark.parametrize(("q", "middle", "seeds"), [(8, np.median, 3), (2, min, 2)], ids=["8", "2"])
def test_pareto_front(q, middle, seeds):
    """The largest volume that this front can have is 6.27."""

    def volumes(kind, seeds):
        return [front_volume(run(build(kind, cube(4), minimize("f", "g"), seed), zdt1, 32, q)) for seed in range(seeds)]

    assert middle(volumes("bayesian", seeds)) > 5.5
    assert np.median(volumes("random", 3)) < 4.5


def ridge(u):
    """Varies quickly in one corner of a four-dimensional cube, and not at all in two of its directions."""
    return float(np.sin(2 + 7 * u[0] ** 2) + np.exp(2 * u[1] * u[0]))


@pytest.mark.parametrize("q", [1, 5])
def test_learning_is_better_than_random(q):
    U = np.random.default_rng(1).random((400, 4))
    truth = np.array([ridge(u) for u in U])

    def error(kind, seed):
        strategy = build(kind, cube(4), learn("y"), seed)
        trials = run(strategy, ridge, 30, q)
        X = strategy.space.to_unit([trial.point for trial in trials])
        values = np.array([trial.objective["y"] for trial in trials])
        gp, scaling = train(X, values, np.full(len(X), np.nan))
        return np.sqrt(np.mean((scaling.mean + scaling.scale * gp.posterior(U)[0] - truth) ** 2))

    found, at_random = (np.median([error(kind, seed) for seed in range(5)]) for kind in ("bayesian", "random"))
    assert found < 0.75 * at_random


def with_history(space, f, n, settings=None):
    """Return a strategy that was told n Sobol points."""
    strategy = build("bayesian", space, Y, 0, settings)
    points = space.from_unit(space.sample(n, np.random.default_rng(0)))
    losses = [f(u) for u in space.to_unit(points)]
    strategy.tell(
        [
            Trial(i, point, state=TrialState.DONE, objective={"y": loss}, objective_errors={"y": 0.05})
            for i, (point, loss) in enumerate(zip(points, losses, strict=True))
        ]
    )
    strategy.asked = n
    return strategy


def seconds(strategy, n):
    start = time.process_time()  # of one core: what else runs on the machine does not count
    assert len(strategy.ask(n)) == n
    return time.process_time() - start


def test_one_look_yields_64_points_within_two_seconds():
    build_once = with_history(cube(6), hartmann6, 30)
    seconds(build_once, 8)  # imports
    assert seconds(with_history(cube(6), hartmann6, 1000), 64) < 2.0


def test_four_points_by_acquisition_function_within_three_seconds():
    seconds(with_history(cube(6), hartmann6, 30), 1)  # imports
    assert seconds(with_history(cube(6), hartmann6, 100), 4) < 3.0


def test_ten_thousand_results_are_bearable():
    space = Space({"x": {"low": 0.0, "high": 1.0}, "k": {"low": 0, "high": 50, "integer": True}})
    assert seconds(with_history(space, lambda u: float(np.sum(u**2)), 10_000), 16) < 10.0
