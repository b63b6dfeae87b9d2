"""The benchmark of ions between planes: which simulations are chosen, scores, replays, and what is shown of them."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from softal.objective import learn
from softal.trial import Array, Observation, Trial, TrialState

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
GRID = (np.arange(24) + 0.5) / 24 - 0.5
ERROR = 0.02


@pytest.fixture
def benchmark(monkeypatch):
    """A module of the benchmarks, by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module


@pytest.fixture
def library(benchmark):
    module = benchmark("confined_ions_library")
    space = module.Space(module.SPACE)
    rng = np.random.default_rng(0)
    pool = [simulated(i, point) for i, point in enumerate(space.from_unit(rng.random((60, 4))))]
    papers = [space.complete(dict(zip(module.NAMES, row, strict=True))) for row in module.SYSTEMS.values()]
    tests = [simulated(i, point) for i, point in enumerate([*papers, *space.from_unit(rng.random((4, 4)))])]
    return module.Library(space, tuple(pool), tuple(tests), len(pool))


def simulated(number, point):
    density = {
        name: point["c"]
        / (point["z_p"] if name == "density_p" else 1)
        * (1 + point["d"] * np.cos(4 * GRID * point["h"]))
        for name in ("density_p", "density_n")
    }
    arrays = {name: Array.of(rho, np.full(len(GRID), ERROR), GRID, unit="mol/l") for name, rho in density.items()}
    observation = Observation({"mid_p": float(density["density_p"][12]), "ion_steps": point["h"]}, arrays=arrays)
    objective = {"mid_p": observation.values["mid_p"]}
    return Trial(number, point, state=TrialState.DONE, observation=observation, objective=objective)


def test_each_simulation_is_taken_once_with_the_valency_that_is_asked_for(benchmark, library):
    replay = benchmark("confined_ions_replay")
    chosen = replay.grid(library, (2, 2, 2), seed=3)
    assert len(chosen) == len(set(chosen.tolist())) == 24
    assert sorted(library.pool[i].point["z_p"] for i in chosen) == [1] * 8 + [2] * 8 + [3] * 8
    [own] = replay.nearest(library, library.space.to_unit([library.pool[7].point]))
    assert own == 7


@pytest.mark.learning
@pytest.mark.parametrize("method", ["random", "sobol", "grid", "committee", "committee_gp"])
def test_a_replay_is_kept_and_scored(benchmark, library, method, tmp_path, monkeypatch):
    replay, figures = benchmark("confined_ions_replay"), benchmark("confined_ions")
    quick = {"arrays": list(replay.ARRAYS), "members": 3, "fold_members": 1, "folds": 2, "width": 16, "steps": 150}
    monkeypatch.setattr(replay, "LEARNER", quick)
    monkeypatch.setattr(replay, "SIZES", (12, 24))
    monkeypatch.setattr(replay, "GRIDS", ((2, 1, 2), (2, 2, 2)))
    job = replay.Job(method, 1)
    path = replay.run(job, library, learn("mid_p"), tmp_path)
    written = path.stat().st_mtime_ns
    assert replay.run(job, library, learn("mid_p"), tmp_path).stat().st_mtime_ns == written, "it was run again"
    results = figures.load(tmp_path)
    [steps] = results[method, "ensemble"]
    assert [len(set(step["chosen"])) for step in steps] == [12, 24]
    assert steps[1]["ion_steps"] == pytest.approx(sum(library.pool[i].point["h"] for i in steps[1]["chosen"]))
    assert steps[0]["error"] == pytest.approx(ERROR)
    assert steps[1]["rmse"] < 0.2
    assert set(steps[0]["systems"]) == {"I", "II", "III", "IV"}


def test_the_truth_is_right_and_bars_are_of_the_papers_size(benchmark, library):
    replay = benchmark("confined_ions_replay")
    truth = {
        name: (GRID, *(np.array([part(t.observation.arrays[name]) for t in library.tests]) for part in (_mean, _std)))
        for name in replay.ARRAYS
    }
    found = replay.measures(library, learn("mid_p"), truth)
    assert found["rmse"] == 0
    assert found["success"] == found["success_bars"] == 1
    densities = np.array([t.observation.arrays["density_p"].values for t in library.tests])
    assert found["bars"] == pytest.approx(replay.BAR * np.mean(np.sqrt(densities)), rel=0.02)


def _mean(array):
    return array.values


def _std(array):
    return np.zeros(len(array.values))


def test_no_choice_leaves_less_error_than_the_best_order(benchmark, library):
    bound = benchmark("confined_ions_bound")
    U = library.space.to_unit([trial.point for trial in library.pool])
    processes = [bound.Component(np.full(4, length), 1.0, 0.1) for length in (0.4, 1.0)]
    order = bound.best_order(processes, U, U, 12)
    assert len(set(order)) == 12

    def left(chosen):
        return sum(process.left(chosen, U) for process in processes)

    assert left(U[order]) < min(left(U[12 * i : 12 * i + 12]) for i in range(5))
    assert left(U[order[:6]]) > left(U[order])
    [one] = {round(process.left(U[:0], U), 12) for process in processes}
    assert one == 1.0, "nothing was known, and less than all was left"


def test_how_many_simulations_an_rmse_needs(benchmark):
    figures = benchmark("confined_ions")
    steps = [{"chosen": range(n), "rmse": rmse} for n, rmse in ((10, 0.4), (20, 0.1), (40, 0.2), (80, 0.05))]
    assert figures.needed(steps, 0.5) == pytest.approx(10)
    assert figures.needed(steps, 0.2) == pytest.approx(20)
    assert 40 < figures.needed(steps, 0.15) < 80  # what is reached before and lost again does not count
    assert figures.needed(steps, 0.1) == pytest.approx(np.sqrt(40 * 80))
    assert figures.needed(steps, 0.01) == np.inf
