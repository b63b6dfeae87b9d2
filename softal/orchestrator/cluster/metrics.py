"""Live figures for Ray's dashboard and Prometheus, through `ray.util.metrics`."""

from __future__ import annotations

from collections import Counter as Counts
from typing import Any

from ray.util.metrics import Counter, Gauge

from softal.orchestrator.status import Status
from softal.trial import Trial


class Metrics:
    """The figures of one campaign; each carries its name as a tag."""

    def __init__(self, campaign: str) -> None:
        tags = {"campaign": campaign}
        self._finished = Counter("softal_trials_finished", "Finished trials", ("campaign", "state"))
        self._duration = Gauge("softal_trial_seconds", "Duration of the trial that finished last [s]", ("campaign",))
        self._counts: Counts[str] = Counts()
        self._last: Trial | None = None
        self._gauges = {
            "running": Gauge("softal_trials_running", "Trials that run", ("campaign",)),
            "waiting": Gauge("softal_proposals_ready", "Proposals that wait for a worker", ("campaign",)),
            "utilisation": Gauge("softal_utilisation", "Part of the workers' time in simulations", ("campaign",)),
            "trials_per_hour": Gauge("softal_trials_per_hour", "Finished trials per hour", ("campaign",)),
            "mirror_behind": Gauge("softal_mirror_behind", "Trials that MLflow does not hold yet", ("campaign",)),
        }
        self._best = Gauge("softal_best", "Best value of the objective", ("campaign",))
        self._rmse = Gauge("softal_surrogate_rmse", "RMSE of the surrogate's latest version", ("campaign", "target"))
        for metric in (self._finished, self._duration, self._best, self._rmse, *self._gauges.values()):
            metric.set_default_tags(tags)

    def trial(self, trial: Trial) -> None:
        """Count a finished trial; it is shown with the next status, since each call of Ray's costs 20 us."""
        self._counts[str(trial.state)] += 1
        self._last = trial

    def status(self, status: Status) -> None:
        """Show how the campaign stands."""
        for state, count in self._counts.items():
            self._finished.inc(count, {"state": state})
        self._counts.clear()
        if self._last and self._last.started and self._last.finished:
            self._duration.set(max(0.0, self._last.finished - self._last.started))
        for name, gauge in self._gauges.items():
            gauge.set(getattr(status, name) or 0)
        if status.best is not None:
            self._best.set(next(iter(status.best.objective.values())))

    def surrogate(self, record: dict[str, Any]) -> None:
        """Show how good the surrogate's latest version is."""
        for target, value in record["rmse"].items():
            self._rmse.set(value, {"target": target})
