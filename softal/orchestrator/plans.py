"""What a campaign's specification comes to for those who run it: agents, workers, the loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from softal.orchestrator.budget import Budget
from softal.orchestrator.campaign_file.checks import searched
from softal.orchestrator.campaign_file.schema import CampaignSpec
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.loop.loop import Plan
from softal.orchestrator.workers.job import Job
from softal.simulators.base import Simulator


def brief(spec: CampaignSpec, folder: Path, mlflow: str | None) -> Brief:
    """Return what agents must know.

    Args:
        spec: of the campaign.
        folder: of its state.
        mlflow: MLflow's tracking URI, with its password, where they mirror the campaign.
    """
    return Brief(
        name=spec.name,
        folder=folder.resolve(),
        source=spec.folder,
        # without the points of which the simulator knows that they cannot be simulated
        space=searched(spec.space, spec.built),
        objective=spec.objective,
        seed=spec.seed,
        strategy=(spec.strategy.kind, spec.strategy.settings),
        surrogate=(spec.surrogate.kind, spec.surrogate.settings) if spec.surrogate else None,
        mlflow=mlflow,
        experiment=spec.tracking.experiment,
        simulator=spec.built,
        described=_described(spec),
        learner=(spec.learner.kind, spec.learner.settings) if spec.learner else None,
    )


def job(spec: CampaignSpec, own: Simulator | Callable[..., Any] | None, campaign_id: str, folder: Path) -> Job:
    """Return what a worker must know.

    Args:
        spec: of the campaign.
        own: its simulator, where that is an object of the user's program, not a kind.
        campaign_id: what tells the campaign from all others.
        folder: in which trials have their files.
    """
    workers = spec.workers
    simulator: Any = own or (spec.simulator.kind, spec.simulator.settings)
    waits = bool(vars(type(spec.built)).get("waits")) and own is None
    together = waits and workers.cpus < 1 and not workers.gpus and workers.memory is None
    return Job(
        campaign_id, folder, spec.folder, simulator, spec.objective, workers.cpus, workers.gpus, workers.walltime,
        workers.output, workers.keep, together,
    )  # fmt: skip


def plan(spec: CampaignSpec, brief: Brief, job: Job, budget: Budget, batch: int) -> Plan:
    """Return what the loop must know; `batch` is how many points the simulator evaluates at once."""
    workers = spec.workers
    ahead = None if workers.ahead == "auto" else workers.ahead
    return Plan(brief, job, budget, batch, workers.memory, workers.retries, workers.grace, ahead, workers.share)


def _described(spec: CampaignSpec) -> dict[str, Any]:
    """Return the simulator's kind and settings, as JSON has them."""
    chosen = spec.simulator
    return {"kind": chosen.kind, **(chosen.settings.model_dump(mode="json") if chosen.settings else {})}
