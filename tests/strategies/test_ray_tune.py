"""Strategies as searchers of Ray Tune, in a real Tuner."""

import numpy as np
import pytest

from softal.errors import StrategyError
from softal.space import Space
from softal.strategies.ray_tune import SoftalSearch
from softal.trial import TrialState

pytestmark = pytest.mark.learning

SPACE = Space({"x": {"low": -5.0, "high": 10.0}, "y": {"low": 0.0, "high": 15.0}})


def finish(search, trial_id, point):
    search.on_trial_complete(trial_id, {"loss": (point["x"] - 3) ** 2 + (point["y"] - 2) ** 2, "loss_error": 0.1})


def test_saved_and_restored_it_goes_on_as_if_it_had_not_stopped(tmp_path):
    search = SoftalSearch(SPACE, "cmaes", "loss", "min", settings={"popsize": 3})
    points = {name: search.suggest(name) for name in "abcdef"}
    for name in "dabf":
        finish(search, name, points[name])
    search.save(str(tmp_path / "state"))
    again = SoftalSearch(SPACE, "cmaes", settings={"popsize": 3})
    again.restore(str(tmp_path / "state"))
    assert [again.suggest(name) for name in "gh"] == [search.suggest(name) for name in "gh"]


@pytest.mark.parametrize("result", [None, {}, {"loss": np.nan}])
def test_a_trial_without_a_finite_metric_has_failed(result):
    search = SoftalSearch(SPACE, "random", "loss", "max")
    search.suggest("a")
    search.on_trial_complete("a", result, error=result is None)
    assert search._trials[0].state is TrialState.FAILED


def test_an_exhausted_strategy_says_so():
    search = SoftalSearch(Space({"x": {"choices": [1, 2]}}), "grid", "loss", "min")
    assert [search.suggest(name) for name in "abc"] == [{"x": 1}, {"x": 2}, None]
    for name in "ab":
        search.on_trial_complete(name, {"loss": 1.0})
    assert search.suggest("c") == "FINISHED"


def test_several_metrics_make_a_pareto_front():
    search = SoftalSearch(SPACE, "bayesian", ["loss", "yield"], ["min", "max"])
    assert search.strategy.objective.signs.tolist() == [1, -1]
    with pytest.raises(StrategyError, match="one objective"):
        SoftalSearch(SPACE, "cmaes", ["loss", "yield"], ["min", "max"])


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
@pytest.mark.filterwarnings("ignore")  # Ray's own, of its files, sockets and deprecated names
@pytest.mark.parametrize("kind", [pytest.param("bayesian", marks=pytest.mark.long), "cmaes"])
def test_in_a_tuner(tmp_path, kind):
    from ray import tune

    def objective(config):  # in here, so that Ray pickles it by value: its workers do not know this file
        if config["x"] > 8:
            raise ValueError("blew up")
        return {"loss": (config["x"] - 3) ** 2 + (config["y"] - 2) ** 2}

    search = SoftalSearch(SPACE, kind, seed=3)
    tuner = tune.Tuner(
        objective,
        tune_config=tune.TuneConfig(
            metric="loss", mode="min", search_alg=search, num_samples=14, max_concurrent_trials=2, reuse_actors=True
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    )
    results = tuner.fit()
    assert len(results) == 14
    told = [trial for trial in search._trials if trial.state is TrialState.DONE]
    failed = [trial for trial in search._trials if trial.state is TrialState.FAILED]
    assert len(told) + len(failed) == 14
    assert all(trial.point["x"] > 8 for trial in failed)
    assert results.get_best_result().metrics["loss"] == min(trial.objective["loss"] for trial in told) < 60
