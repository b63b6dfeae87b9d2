"""Any softal strategy as a search algorithm of Ray Tune.

    space = Space({"lr": {"low": 1e-5, "high": 1e-1, "log": True}})
    search = SoftalSearch(space, "bayesian", metric="loss", mode="min", seed=1)
    tune.Tuner(train, tune_config=tune.TuneConfig(search_alg=search, num_samples=30, max_concurrent_trials=4)).fit()

A result named `<metric>_error` is taken as the metric's standard error. A Tune trial that raises, or returns no finite
metric, is a failed trial to the strategy. This is the only module of the strategies that imports Ray.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ray.tune.search.searcher import Searcher

from softal.objective import Objective, maximize, minimize, several
from softal.space import Space
from softal.strategies import Strategy, build
from softal.trial import Point, Trial, TrialState

MODES = {"min": minimize, "max": maximize}


class SoftalSearch(Searcher):  # type: ignore[misc]  # Ray is not typed strictly
    """A searcher that asks a softal strategy.

    Args:
        space: what is searched; Tune's `param_space` may hold further, constant settings.
        strategy: kind of the strategy, or `module:Class`.
        metric: name of the result, or several for a Pareto front.
        mode: "min" or "max", one for each metric.
        seed, settings: of the strategy.

    Raises:
        StrategyError: where the strategy cannot serve the space or the metrics.
    """

    def __init__(
        self,
        space: Space,
        strategy: str = "bayesian",
        metric: str | list[str] = "loss",
        mode: str | list[str] = "min",
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        metrics, modes = ([item] if isinstance(item, str) else list(item) for item in (metric, mode))
        parts: list[Objective] = [MODES[mode](metric) for metric, mode in zip(metrics, modes, strict=True)]
        self._arguments = (strategy, space, several(*parts), seed, dict(settings or {}))
        self.strategy: Strategy = build(*self._arguments)
        self._trials: list[Trial] = []
        self._ids: dict[str, int] = {}
        self._told = 0

    def suggest(self, trial_id: str) -> Point | str | None:
        """Return the next point; None where it waits for results, FINISHED where the strategy is exhausted."""
        pending = [trial for trial in self._trials if not trial.state.finished]
        proposals = self.strategy.ask(1, pending)
        if not proposals:
            return None if pending else str(Searcher.FINISHED)
        proposal = proposals[0]
        self._ids[trial_id] = len(self._trials)
        self._trials.append(
            Trial(
                len(self._trials),
                proposal.point,
                fidelity=1.0 if proposal.fidelity is None else proposal.fidelity,
                notes=dict(proposal.notes),
                proposed_by=proposal.proposed_by,
            )
        )
        return dict(proposal.point)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Tell the strategy the result."""
        if trial_id not in self._ids:
            return
        number = self._ids[trial_id]
        self._told += 1
        self._trials[number] = replace(
            self._finished(self._trials[number], {} if error else result or {}), told=self._told
        )
        self.strategy.tell([self._trials[number]])

    def _finished(self, trial: Trial, result: Mapping[str, Any]) -> Trial:
        names = self.strategy.objective.names
        values = {name: float(result[name]) for name in names if result.get(name) is not None}
        if set(values) != set(names) or not np.all(np.isfinite(list(values.values()))):
            return replace(trial, state=TrialState.FAILED, reason=f"no finite {' and '.join(names)}")
        errors = {name: float(result[f"{name}_error"]) for name in names if result.get(f"{name}_error") is not None}
        return replace(trial, state=TrialState.DONE, objective=values, objective_errors=errors)

    def save(self, checkpoint_path: str) -> None:
        """Write the trials as JSON; Tune calls this by itself."""
        rows = [_to_row(trial) for trial in self._trials]
        state = {"ids": self._ids, "told": self._told, "trials": rows}
        Path(checkpoint_path).write_text(json.dumps(state), encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        """Go on where `save` was called."""
        state = json.loads(Path(checkpoint_path).read_text(encoding="utf-8"))
        self._ids, self._told = state["ids"], state["told"]
        self._trials = [Trial(**{**row, "state": TrialState(row["state"])}) for row in state["trials"]]
        self.strategy = build(*self._arguments)
        self.strategy.restore(self._trials)


def _to_row(trial: Trial) -> dict[str, Any]:
    keys = ("id", "point", "fidelity", "notes", "proposed_by", "objective", "objective_errors", "reason", "told")
    return {**{key: getattr(trial, key) for key in keys}, "state": str(trial.state)}
