"""Runs a simulator outside any campaign: once, or several times with different seeds, whose mean is returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import CampaignFileError, Problem, SimulationError, SoftalError
from softal.kinds.own_modules import importable
from softal.orchestrator.single_runs.experiment import Experiment
from softal.orchestrator.workers.executor import Handle
from softal.orchestrator.workers.in_process import InProcess, in_a_child
from softal.orchestrator.workers.job import Job, Task, WorkerLost
from softal.trial import Array, Observation, TrialState


@dataclass(frozen=True)
class Result:
    """What came out.

    Attributes:
        observation: mean of the runs; errors from the scatter between them, or of the only run itself.
        runs: each run's observation.
        objective, objective_errors: of the mean; empty where there is none.
        problem: why there is no objective.
    """

    observation: Observation
    runs: tuple[Observation, ...]
    objective: dict[str, float] = field(default_factory=dict)
    objective_errors: dict[str, float] = field(default_factory=dict)
    problem: str | None = None

    def to_json(self, experiment: Experiment) -> dict[str, Any]:
        """Return everything as the command line's `--json` shows it; values as in `softal trials --json`."""
        objective: Any = dict(self.objective) or None
        if objective and len(objective) == 1:
            objective = next(iter(objective.values()))
        return {
            "synthetic": True,
            "simulator": experiment.kind,
            "settings": experiment.settings,
            "point": experiment.point,
            "fidelity": experiment.fidelity,
            "seeds": list(experiment.seeds),
            "values": self.observation.values,
            "errors": self.observation.errors,
            "objective": objective,
            "objective_errors": self.objective_errors or None,
            "arrays": {name: _array_json(array) for name, array in self.observation.arrays.items()},
            "problem": self.problem,
            "runs": [{"values": run.values, "errors": run.errors} for run in self.runs],
        }


def _array_json(array: Array) -> dict[str, Any]:
    return {
        "grid": None if array.grid is None else array.grid.tolist(),
        "values": array.values.tolist(),
        "errors": None if array.errors is None else array.errors.tolist(),
        "grid_unit": array.grid_unit,
        "unit": array.unit,
    }


def simulate(experiment: Experiment, workers: int = 1, said: Callable[[int], None] = lambda done: None) -> Result:
    """Run the simulations, each in a process of its own, and average them.

    Args:
        experiment: what is simulated.
        workers: runs at the same time.
        said: hears how many runs are done.

    Raises:
        CampaignFileError: if the simulator cannot run here.
        SimulationError: if a run fails, with its seed and reason.
    """
    with importable(experiment.source, experiment.kind):
        problems = experiment.simulator.build().check()
    if problems:
        raise CampaignFileError([Problem("simulator", problem) for problem in problems])
    runs = _run(experiment, min(workers, len(experiment.seeds)), said)
    observation = average(runs)
    if experiment.objective is None:
        return Result(observation, tuple(runs))
    try:
        objective, errors = experiment.objective.evaluate(observation)
        observation = experiment.objective.with_parts(observation)
    except SoftalError as error:  # the curves are there, whether or not they can be compared
        return Result(observation, tuple(runs), problem=str(error))
    return Result(observation, tuple(runs), objective, errors)


def _run(experiment: Experiment, workers: int, said: Callable[[int], None]) -> list[Observation]:
    """Return the observations in the order of the seeds."""
    chosen = experiment.simulator
    job = Job(
        "simulate", Path("/nonexistent"), experiment.source, (chosen.kind, chosen.settings), None,
        experiment.cpus, experiment.gpus,
    )  # fmt: skip
    executor = InProcess(workers, in_a_child)
    found: dict[int, Observation] = {}
    try:
        executor.serve(job)
        tasks = [Task(i, experiment.point, seed, experiment.fidelity) for i, seed in enumerate(experiment.seeds)]
        under_way = {executor.submit(f"seed {task.seed}", [task]): task for task in tasks}
        while under_way:
            for handle in executor.wait(list(under_way), None):
                task = under_way.pop(handle)
                found[task.trial] = _observation(task, executor, handle)
                said(len(found))
    finally:
        executor.close()
    return [found[i] for i in range(len(experiment.seeds))]


def _observation(task: Task, executor: InProcess, handle: Handle) -> Observation:
    try:
        [outcome] = executor.outcomes(handle)
    except WorkerLost as lost:
        raise SimulationError(f"the run with seed {task.seed} was lost: {lost}") from lost
    if outcome.state is not TrialState.DONE or outcome.observation is None:
        raise SimulationError(f"the run with seed {task.seed} failed: {outcome.reason}")
    return outcome.observation


def average(runs: Sequence[Observation]) -> Observation:
    """Return the mean of several runs, with standard errors s / sqrt(n) from their scatter s (n - 1 in its divisor).

    A single run comes back as it is, with its own errors. Only what every run returned is averaged.

    Raises:
        SimulationError: if an array has other shapes or grids in other runs.
    """
    first = runs[0]
    if len(runs) == 1:
        return first
    values, errors = {}, {}
    for name in first.values:
        if all(name in run.values for run in runs):
            mean, error = _mean(np.array([run.values[name] for run in runs]))
            values[name], errors[name] = float(mean), float(error)
    arrays = {
        name: _mean_array(name, [run.arrays[name] for run in runs])
        for name in first.arrays
        if all(name in run.arrays for run in runs)
    }
    return Observation(values, errors, arrays)


def same_grid(first: Array, second: Array) -> bool:
    """Whether two arrays lie on the same grid; none is the same as none."""
    if first.grid is None or second.grid is None:
        return first.grid is second.grid
    return first.grid_unit == second.grid_unit and np.array_equal(first.grid, second.grid)


def _mean_array(name: str, arrays: Sequence[Array]) -> Array:
    first = arrays[0]
    for other in arrays[1:]:
        if other.values.shape != first.values.shape or not same_grid(first, other):
            raise SimulationError(f"the array {name!r} lies on another grid in every run: it cannot be averaged")
    mean, error = _mean(np.array([array.values for array in arrays]))
    return Array(mean, error, first.grid, first.unit, first.grid_unit)


def _mean(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
