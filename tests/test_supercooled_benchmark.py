"""The benchmark of supercooled liquids: which states are chosen and which test, scores, replays, and what is shown."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from liquids import liquids, trial

from softal.surrogates.dynamics.training import TrainingSettings

pytestmark = pytest.mark.learning

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TEMPERATURES = np.geomspace(0.7, 4.0, 9)
QUICK = TrainingSettings(members=3, folds=0, width=16, steps=60)
COMMITTEE = {"kind": "dynamics_network", "members": 3, "width": 16, "steps": 40}


@pytest.fixture
def benchmark(monkeypatch):
    """A module of the benchmarks, by name; torch has one thread, as in the benchmark's processes."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield import_module
    torch.set_num_threads(threads)


@pytest.fixture
def replay(benchmark, monkeypatch):
    """The module of replays, with small networks."""
    module = benchmark("supercooled_replay")
    monkeypatch.setattr(module, "EVALUATION", QUICK)
    monkeypatch.setattr(module, "GRID_SIZES", (2, 3))
    return module


@pytest.fixture
def library(benchmark):
    """Nine temperatures of both interactions; the warmest of WCA crystallized."""
    states = [(T, kind) for T in TEMPERATURES for kind in ("WCA", "LJ")]
    trials = [trial(i, T, interaction=kind, crystallized=float(i == 16)) for i, (T, kind) in enumerate(states)]
    return benchmark("supercooled_library").Library.of(trials)


def test_every_third_state_tests_and_is_never_chosen(library):
    assert library.data.T.tolist() == pytest.approx([*TEMPERATURES, *TEMPERATURES])
    assert library.data.interaction.tolist() == [0] * 9 + [1] * 9
    assert np.flatnonzero(library.tests).tolist() == [1, 4, 7, 10, 13, 16]
    assert not set(library.pool) & {1, 4, 7, 10, 13, 16}
    assert len(library.test) == 6
    assert [library.trials[i].point["T"] for i in range(18)] == library.data.T.tolist()


def test_colder_states_than_the_pool_count_by_themselves(benchmark, replay, library):
    narrow = benchmark("supercooled_library").Library.of(library.trials, coldest=1.0)
    assert narrow.data.T[narrow.pool].min() >= 1.0
    assert narrow.test.T.min() >= 1.0
    assert narrow.colder.T.tolist() == pytest.approx([TEMPERATURES[1]] * 2)
    assert len(library.colder) == 0
    found = replay.judged(narrow, narrow.pool, 0)
    assert found["r2_colder"] < found["r2"]
    assert "r2_colder" not in replay.judged(library, library.pool, 0)


def test_marked_states_cost_and_do_not_teach(library):
    assert library.data.good.sum() == 17
    assert not library.data.good[17]
    assert library.cost(np.array([0, 17]))[1] == pytest.approx(library.data.simulated_time[[0, 17]].sum())
    states = np.array([0, 3, 8, 9, 12])
    one, other = (library.learned(chosen, QUICK, 0) for chosen in (states, np.append(states, 17)))
    features, log_t = library.test.features, np.array([0.0, 1.0])
    np.testing.assert_array_equal(one.predict(features, log_t), other.predict(features, log_t))


def test_scores_of_right_and_of_constant_predictions(benchmark, library):
    score, data = benchmark("supercooled_library").score, library.test
    perfect = score(data.F, data)
    assert perfect.pooled == 1
    assert perfect.rmse.max() == 0
    there = np.isfinite(data.F)
    constant = score(np.full(data.F.shape, data.F[there].mean()), data)
    assert constant.pooled == pytest.approx(0, abs=1e-12)
    assert (constant.by_state <= 0).all()
    wrong = score(data.F + 0.1, data)
    np.testing.assert_allclose(wrong.rmse, 0.1)
    assert wrong.pooled == pytest.approx(1 - 0.01 / np.var(data.F[there]))


@pytest.mark.parametrize(("log", "middle"), [(False, [2.35, 2.35]), (True, [1.673, 1.673])])
def test_a_grid_takes_the_nearest_states_of_the_pool(replay, library, log, middle):
    states = replay.grid(library, 3, log)
    T = library.data.T[states]
    assert set(states) <= set(library.pool)
    assert T[[0, 2, 3, 5]] == pytest.approx([0.7, 4.0, 0.7, 4.0])
    for got, wanted in zip(T[[1, 4]], middle, strict=True):
        allowed = library.data.T[library.pool]
        distance = np.abs(np.log(allowed / wanted)) if log else np.abs(allowed - wanted)
        assert got == pytest.approx(allowed[np.argmin(distance)])
    assert len(set(replay.grid(library, 6, log))) == 12 == len(library.pool)


@pytest.mark.parametrize("method", ["random", "committee"])
def test_paths_choose_each_state_once_and_are_kept(replay, library, tmp_path, method):
    job = replay.Job(method, 1, 1e9, COMMITTEE)
    path = replay.run(job, library, tmp_path)
    steps = json.loads(path.read_text())["steps"]
    last = steps[-1]["states"]
    assert sorted(last) == library.pool.tolist()
    for step in steps:
        n = len(step["states"])
        assert step["states"] == last[:n]
        assert step["cost"] == pytest.approx(library.data.simulated_time[last[:n]].sum())
        assert step["r2_lowest"] <= step["r2_median"] <= 1
    written = path.stat().st_mtime_ns
    assert replay.run(job, library, tmp_path).stat().st_mtime_ns == written, "it is not done again"


def test_a_path_ends_at_its_limit(replay, library, tmp_path):
    cost = library.cost(replay.shuffled(library, 0))
    steps = json.loads(replay.run(replay.Job("random", 0, cost[5]), library, tmp_path).read_text())["steps"]
    assert steps[-1]["cost"] == pytest.approx(cost[5])


@pytest.mark.parametrize(
    ("r2", "after"),
    [
        ([0.5, 0.8, 0.9, 0.95], 3.0),
        ([0.5, 0.92, 0.85, 0.95], 4.0),
        ([0.95, 0.9, 0.9, 0.9], 1.0),
        ([0.9, 0.9, 0.5, 0.6], np.inf),
    ],
)
def test_reached_is_reached_and_kept(benchmark, r2, after):
    steps = [{"cost": float(i + 1), "r2": value} for i, value in enumerate(r2)]
    assert benchmark("supercooled_figures").reached(steps, 0.9) == after


def test_bands_take_the_latest_step_of_each_seed(benchmark):
    one = [{"cost": 1.0, "r2": 0.5}, {"cost": 3.0, "r2": 0.9}]
    other = [{"cost": 2.0, "r2": 0.7}, {"cost": 4.0, "r2": 0.8}]
    cost, low, median, high = benchmark("supercooled_figures").band([one, other])
    assert cost.tolist() == [2, 3]
    np.testing.assert_allclose([low, median, high], [[0.3, 0.1], [0.4, 0.2], [0.5, 0.3]])


@pytest.mark.long
def test_tables_and_figures_say_what_was_measured(benchmark, replay, tmp_path, monkeypatch):
    accuracy, figures = benchmark("supercooled_accuracy"), benchmark("supercooled_figures")
    small = TrainingSettings(members=2, folds=3, fold_members=2, width=16, steps=40)
    paper = TrainingSettings(architecture="paper", members=1, folds=2, fold_members=1, epochs=2)
    monkeypatch.setattr(accuracy, "ARCHITECTURES", {"ensemble": small, "paper": paper})
    library = benchmark("supercooled_library").Library.of(liquids(24))
    for method in ("grid", "log_grid", "random"):
        replay.run(replay.Job(method, 0, 2000.0), library, tmp_path)
    measured, results = accuracy.measure(library.data), figures.load(tmp_path, replay.METHODS)
    assert list(results) == ["grid", "log_grid", "random"]
    machine = {"date": "today", "cores": 2, "cpu": "one", "load_before": 0.1, "python": "3", "versions": {"torch": "2"}}
    text = figures.markdown(library, results, measured, machine)
    assert "24 states (0 marked)" in text
    assert f"{measured['ensemble']['folds']['r2']:.4f}" in text
    assert "| R2 reached and kept after | 0.99 |" in text
    assert f"| 4 | {library.cost(replay.grid(library, 2, log=False))[-1]:.0f} |" in text
    for plot, what in ((figures.plot_paths, results), (figures.plot_accuracy, measured)):
        plot(what, tmp_path / "figure.png")
        assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
