"""Live figures for Ray's dashboard and Prometheus, through `ray.util.metrics`."""

from __future__ import annotations

from typing import Any

from ray.util.metrics import Counter, Gauge, Histogram

from softal.orchestrator.status import Status
from softal.trial import Trial

BOUNDARIES = [0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000]  # of a simulation's duration [s]


class Metrics:
    """The figures of one campaign; each carries its name as a tag."""

    def __init__(self, campaign: str) -> None:
        tags = {"campaign": campaign}
        self._finished = Counter("softal_trials_finished", "Finished trials", ("campaign", "state"))
        self._duration = Histogram("softal_trial_seconds", "Duration of a trial [s]", BOUNDARIES, ("campaign",))
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
        """Count a finished trial."""
        self._finished.inc(1, {"state": str(trial.state)})
        if trial.started and trial.finished:
            self._duration.observe(max(0.0, trial.finished - trial.started))

    def status(self, status: Status) -> None:
        """Show how the campaign stands."""
        for name, gauge in self._gauges.items():
            gauge.set(getattr(status, name) or 0)
        if status.best is not None:
            self._best.set(next(iter(status.best.objective.values())))

    def surrogate(self, record: dict[str, Any]) -> None:
        """Show how good the surrogate's latest version is."""
        for target, value in record["rmse"].items():
            self._rmse.set(value, {"target": target})
