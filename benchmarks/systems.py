"""What is measured, one function each. `overhead.py` calls this file as a process of its own for every measurement:

python benchmarks/systems.py NAME OUT.json KEY=NUMBER ...
"""

from __future__ import annotations

import json
import logging
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import figures
import processes

HERE = Path(__file__).resolve().parent
MB = 1e6
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")


def softal(folder: Path, trials: int) -> dict[str, Any]:
    """Trials that do nothing through a campaign, as a notebook launches it: journal, MLflow, report, dashboard."""
    import work

    campaign, watch = _campaign(
        folder, work.no_op, trials, "xy", strategy="random", surrogate="none", workers={"concurrent": 2, "cpus": 1}
    )
    done = campaign.list_trials()
    times = [(trial.started, trial.finished) for trial in done]
    gaps = [1e3 * gap for gap in figures.gaps(times)]
    end = max(finished for _, finished in times)
    return {
        **figures.per_trial(times),
        "gap_ms_median": statistics.median(gaps),
        "gap_ms_mean": statistics.fmean(gaps),
        "in_worker_ms_median": 1e3 * statistics.median(finished - started for started, finished in times),
        "rss_mb_start": watch.rss[0],
        "rss_mb_end": watch.rss[1],
        "mlflow_behind_at_end": watch.behind_at_end,
        "mlflow_catch_up_s": watch.caught_up - end - watch.report_s,
        "report_s": watch.report_s,
        "mlflow_runs": _mlflow_runs(campaign.folder),
        "failed": sum(trial.state != "done" for trial in done),
    }


def batched(folder: Path, trials: int) -> dict[str, Any]:
    """CMA-ES with populations of 64 whose points are evaluated at once, one worker: journal, MLflow, report."""
    import work

    return _evolution(folder, work.bowls, trials)


def one_by_one(folder: Path, trials: int) -> dict[str, Any]:
    """The same campaign, a task for each point."""
    import work

    return _evolution(folder, work.bowl, trials)


def _evolution(folder: Path, simulate: Any, trials: int) -> dict[str, Any]:
    import work

    began = time.time()
    campaign, watch = _campaign(
        folder, simulate, trials, "xy", strategy={"kind": "cmaes", "popsize": work.BATCH}, surrogate="none",
        workers={"concurrent": 1, "cpus": 1},
    )  # fmt: skip
    times = [(trial.started, trial.finished) for trial in campaign.list_trials()]
    end = max(finished for _, finished in times)
    return {
        **figures.per_trial(times),
        "mlflow_behind_at_end": watch.behind_at_end,
        "mlflow_catch_up_s": watch.caught_up - end - watch.report_s,
        "report_s": watch.report_s,
        "mlflow_runs": _mlflow_runs(campaign.folder),
        "cpu_ms_per_trial": 1e3 * (watch.cpu[1] - watch.cpu[0]) / (0.9 * trials),
        "whole_s": time.time() - began,
    }


def in_process(folder: Path, trials: int) -> dict[str, Any]:
    """The same evolution as a bare loop: strategy and function in one process, nothing is kept."""
    import work

    from softal import strategies
    from softal.objective import minimize
    from softal.simulators.base import Context
    from softal.simulators.function import simulator_class
    from softal.space import Space
    from softal.trial import Trial, TrialState

    space = Space({name: {"low": 0.0, "high": 1.0} for name in "xy"})
    strategy = strategies.build("cmaes", space, minimize("f"), 0, {"popsize": work.BATCH})
    simulator = simulator_class(work.bowls)()
    times: list[tuple[float, float]] = []
    used = time.process_time()
    while len(times) < trials:
        began = time.time()
        proposals = strategy.ask(min(work.BATCH, trials - len(times)))
        contexts = [Context(folder, seed=i) for i in range(len(proposals))]
        found = simulator.run_batch([proposal.point for proposal in proposals], contexts)
        strategy.tell(
            [
                Trial(len(times) + i, one.point, notes=one.notes, state=TrialState.DONE, objective=result.values)
                for i, (one, result) in enumerate(zip(proposals, found, strict=True))
            ]
        )
        share = (time.time() - began) / len(proposals)
        times += [(began + i * share, began + (i + 1) * share) for i in range(len(proposals))]
    return {**figures.per_trial(times), "cpu_ms_per_trial": 1e3 * (time.process_time() - used) / trials}


def ray(folder: Path, trials: int) -> dict[str, Any]:
    """Named Ray tasks that do nothing: two in flight, and all submitted at once."""
    import ray
    import work

    @ray.remote(num_cpus=1)
    def task(x: float, y: float) -> tuple[dict[str, float], float, float]:
        began = time.time()
        return work.no_op(x, y), began, time.time()

    def submit(i: int) -> Any:
        return task.options(name=f"ray: trial {i} by random").remote(random.random(), random.random())

    _start_ray(2)
    try:
        ray.get([submit(-1), submit(-2)])
        two = [(began, ended) for _, began, ended in _two_in_flight(ray, submit, trials)]
        everything = [(began, ended) for _, began, ended in ray.get([submit(i) for i in range(trials)])]
    finally:
        ray.shutdown()
    at_once = figures.per_trial(everything)["ms_per_trial"]
    return {**figures.per_trial(two), "ms_per_trial_all_at_once": at_once}


def _two_in_flight(ray: Any, submit: Any, trials: int) -> list[Any]:
    pending, results = [submit(0)], []
    for i in range(1, trials):
        pending.append(submit(i))
        if len(pending) == 2:
            ready, pending = ray.wait(pending, num_returns=1)
            results.append(ray.get(ready[0]))
    return results + ray.get(pending)


def ray_tune(folder: Path, trials: int) -> dict[str, Any]:
    """Trials that do nothing through a Tuner with its default loggers, actors reused, two at a time."""
    import trainables

    return figures.per_trial(_times(_tuned(folder, trainables.NoOp, trials, "xy", workers=2, cpus=1)))


def optuna(folder: Path, trials: int) -> dict[str, Any]:
    """Trials that do nothing through a study with its default sampler (TPE) in an SQLite file, in one process."""
    import optuna
    import work

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    times = []

    def objective(trial: optuna.Trial) -> float:
        point = {name: trial.suggest_float(name, 0, 1) for name in "xy"}
        began = time.time()
        value = work.no_op(**point)["f"]
        times.append((began, time.time()))
        return value

    optuna.create_study(storage=f"sqlite:///{folder / 'optuna.db'}").optimize(objective, n_trials=trials)
    return figures.per_trial(times)


def utilisation(folder: Path, trials: int, workers: int, seconds: float) -> dict[str, Any]:
    """A Bayesian campaign of one-second simulations, many more than cores at a time: surrogate and MLflow on."""
    import work

    launched = time.time()
    campaign, watch = _campaign(
        folder, work.sleep, trials, "xyz", hours=seconds / 3600, strategy="bayesian",
        workers={"concurrent": workers, "cpus": 2 / workers, "freshness": "busy"}
    )  # fmt: skip
    found = [trial.observation.values for trial in campaign.list_trials() if trial.observation]
    times = _times(found)
    return {
        **figures.utilisation(times, [values["process"] for values in found], workers, launched),
        "gap_ms_median": 1e3 * statistics.median(figures.gaps(times)),
        "mlflow_behind_at_end": watch.behind_at_end,
        "rss_mb_start": watch.rss[0],
        "rss_mb_end": watch.rss[1],
    }


def utilisation_ray_tune(folder: Path, trials: int, workers: int) -> dict[str, Any]:
    """The same simulations through Ray Tune's random search, actors reused."""
    import trainables

    launched = time.time()
    found = _tuned(folder, trainables.Sleep, trials, "xyz", workers=workers, cpus=2 / workers)
    return figures.utilisation(_times(found), [one["process"] for one in found], workers, launched)


class _Watch:
    """A listener that looks at the driver's memory and at MLflow's delay."""

    def __init__(self, trials: int) -> None:
        self.rss = [0.0, 0.0]
        self.cpu = [0.0, 0.0]  # of all processes at the first tenth of the trials, and when MLflow had them all [s]
        self.behind_at_end, self.caught_up, self.report_s = 0, 0.0, 0.0
        self._trials, self._finished = trials, 0

    def trial_finished(self, trial: Any, improved: bool) -> None:
        self._finished += 1
        if self._finished == max(1, self._trials // 10):
            self.rss[0] = _rss_mb()
            self.cpu[0] = processes.cpu_seconds()
        if self._finished % max(1, self._trials // 100) == 0:
            self.rss[1] = _rss_mb()

    def tick(self, status: Any) -> None:
        if status.running == 0 and not self.caught_up:
            self.behind_at_end = status.mirror_behind
        if status.running == 0:
            self.caught_up = time.time()
            self.cpu[1] = processes.cpu_seconds()

    def message(self, text: str) -> None:
        print(text)


def _campaign(
    folder: Path, simulate: Any, trials: int, names: str, *, hours: float | None = None, **sections: Any
) -> tuple[Any, _Watch]:
    """Launch a campaign and return it with what was seen on the way."""
    from softal.orchestrator.campaign import Campaign

    watch = _Watch(trials)

    class Timed(Campaign):
        def report(self) -> Path:
            began = time.perf_counter()
            try:
                return super().report()
            finally:
                watch.report_s = time.perf_counter() - began

    campaign = Timed(
        name="benchmark",
        simulator=simulate,
        space={name: {"low": 0.0, "high": 1.0} for name in names},
        objective={"minimize": "f"},
        budget={"trials": trials} | ({"hours": hours} if hours else {}),
        runs=folder,
        folder=HERE,
        **sections,
    )
    ending = campaign.launch(watch)
    assert ending.state == "finished", ending
    return campaign, watch


def _times(results: list[dict[str, float]]) -> figures.Times:
    return [(one["began"], one["ended"]) for one in results]


def _tuned(
    folder: Path, trainable: Any, trials: int, names: str, *, workers: int, cpus: float
) -> list[dict[str, float]]:
    import ray
    from ray import tune

    _start_ray(2)
    try:
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": cpus}),
            param_space={name: tune.uniform(0, 1) for name in names},
            tune_config=tune.TuneConfig(
                metric="f", mode="min", num_samples=trials, max_concurrent_trials=workers, reuse_actors=True
            ),
            run_config=tune.RunConfig(
                name="benchmark",
                storage_path=str(folder),
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        results = tuner.fit()
    finally:
        ray.shutdown()
    assert not results.errors, results.errors[0]
    return [result.metrics for result in results]


def _start_ray(cpus: int) -> None:
    """Start Ray as softal starts its own."""
    import ray

    sys.path.insert(0, str(HERE))
    ray.init(
        address="local", num_cpus=cpus, num_gpus=0, include_dashboard=True, dashboard_host="127.0.0.1",
        log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": {"PYTHONPATH": str(HERE)}},
    )  # fmt: skip


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def _mlflow_runs(folder: Path) -> int:
    """Return how many trials' runs MLflow's database holds."""
    with sqlite3.connect(folder / "mlflow.db") as database:
        return int(database.execute("SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'").fetchone()[0]) - 1


MEASURED = (
    softal, ray, ray_tune, optuna, batched, one_by_one, in_process, utilisation, utilisation_ray_tune
)  # fmt: skip
SYSTEMS = {one.__name__: one for one in MEASURED}


def main() -> None:
    warnings.simplefilter("ignore")
    name, out, *settings = sys.argv[1:]
    numbers = {
        key: float(value) if "." in value else int(value) for key, _, value in (s.partition("=") for s in settings)
    }
    with tempfile.TemporaryDirectory(prefix="softal-benchmark-") as folder:
        Path(out).write_text(json.dumps(SYSTEMS[name](Path(folder), **numbers)))


if __name__ == "__main__":
    main()
