"""What MLflow is told of a campaign and of its trials: names, tags, parameters and metrics, without MLflow itself.

journal                        MLflow
campaign                       parent run, name = the campaign's name
trial                          nested run `trial <id>`, start and end time = the trial's
point, seed, fidelity          parameters
values, errors, objective      metrics `<name>`, `<name>_error`; `duration` [s]
state, host, reason, dropped   tags
changes since the launch       tag of the parent run
best, done, failed over time   metrics of the parent run, step = number of finished trials
answer, its error and repeats  metrics of the parent run and tags `answer`, `answer_...`, when the campaign ends
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from softal.answer import Answer
from softal.numeric import with_error
from softal.objective import Objective
from softal.objective.best import Lowest
from softal.passwords import redacted
from softal.tracking.changes import Change, changes_in
from softal.trial import Trial, TrialState

CAMPAIGN_TAG = "softal.campaign"
TRIAL_TAG = "softal.trial"
ORIGIN_TAG = "softal.proposed_by"  # in words
REFUSED_TAG = "softal.refused"  # of the campaign: what MLflow does not take
VERSION_METRIC = "surrogate/version"
ATTEMPTS_TAG = "attempts"  # of a trial that was started more than once
RECOMPUTED_TAG = "softal.recomputed"  # of the campaign: when all losses were last computed anew
DROPPED_TAG = "dropped"  # of a trial: why the user has dropped it
CHANGES_TAG = "changes"  # of the campaign: what the user has changed since the launch
# Of the campaign: when failed trials were last run again, or the user changed it, where the metrics know of it.
RETRIED_TAG = "softal.retried"
STATUS = {
    TrialState.RUNNING: "RUNNING",
    TrialState.DONE: "FINISHED",
    TrialState.FAILED: "FAILED",
    TrialState.DROPPED: "KILLED",
}
CAMPAIGN_STATUS = {"running": "RUNNING", "finished": "FINISHED", "done": "FINISHED", "failed": "FAILED"}
EVERY_STEP = 1000  # up to here the convergence curve has a point for each trial, then for each improvement
FORBIDDEN = re.compile(r"[^\w\-. :/]")  # what MLflow does not take in the name of a metric or parameter
MAX_KEY, MAX_TEXT = 250, 5000  # MLflow's own limits are 250 and 6000

Metric = tuple[str, float, int, int]  # name, value, time [ms], step


@dataclass(frozen=True)
class RunRecord:
    """One trial as a run; times in ms since 1970."""

    trial: int
    status: str
    start: int
    end: int | None
    attempts: int = 1
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The run's name."""
        return f"trial {self.trial}"


@dataclass(frozen=True)
class CampaignRecord:
    """The campaign as a parent run.

    Attributes:
        retried, recomputed: what its tags RETRIED_TAG and RECOMPUTED_TAG are to be.
        changed: when the user changed it last, or losses were computed anew [ms]; 0 for never.
    """

    id: str
    name: str
    start: int
    tags: dict[str, str]
    params: dict[str, str]
    text: str
    retried: str = ""
    recomputed: str = ""
    changed: int = 0


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A trial's run that MLflow holds already."""

    run_id: str
    status: str
    end: int | None
    attempts: int = 1


@dataclass(frozen=True)
class Held:
    """What the store holds of a campaign.

    Attributes:
        runs: of its trials.
        step: the last one of its metrics.
        retried, recomputed: its tags RETRIED_TAG and RECOMPUTED_TAG.
        version: the last one of its surrogate, or of its learner.
    """

    runs: dict[int, KnownRun]
    step: int = 0
    retried: str = ""
    version: int = 0
    recomputed: str = ""


def version_metrics(record: Mapping[str, Any]) -> dict[str, float]:
    """Return a version's record as flat metrics: `rmse.energy`, `coverage.energy` ..., and those of its kind."""
    measured = {what: record.get(what, {}) for what in ("rmse", "r2", "coverage")}  # learners have none of these
    parts = ((what, target, value) for what, found in measured.items() for target, value in found.items())
    return {f"{what}.{target}": value for what, target, value in parts} | dict(record.get("metrics", {}))


def milliseconds(seconds: float | None) -> int | None:
    """Return a time of the journal as MLflow's."""
    return None if seconds is None else round(seconds * 1000)


def key(name: str) -> str:
    """Return a name as MLflow takes it."""
    return FORBIDDEN.sub("_", name)[:MAX_KEY].strip("/. ") or "_"


class Keys:
    """Names as MLflow takes them, each of its own: what has had a key first keeps it, as `g(r)` does beside `g[r]`."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    def __call__(self, text: str, name: str | None = None, *, of: str = "metrics") -> str:
        """Return the key of a text; `name` tells apart what has the same text, such as an error and a value."""
        name, plain = name or text, key(text)
        if self._names.setdefault((of, plain), name) == name:
            return plain
        mark = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:6]
        return f"{plain[: MAX_KEY - 7]}_{mark}"


def storable(text: str) -> str:
    """Return a text as MLflow takes it: in UTF-8, where halves of surrogate pairs are `\\ud800`, and not too long."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")[:MAX_TEXT]


def trial_record(
    trial: Trial, campaign: str, objective: Objective | None = None, keys: Keys | None = None
) -> RunRecord:
    """Return the run of a trial that runs or has run, with what it violates of the objective's outcome constraints.

    Args:
        trial: which.
        campaign: id of its campaign.
        objective: of the campaign.
        keys: of all trials of the campaign.
    """
    keys = keys or Keys()
    begun = trial.started if trial.started is not None else trial.proposed
    tags = {
        CAMPAIGN_TAG: campaign,
        TRIAL_TAG: str(trial.id),
        "state": str(trial.state),
        "host": trial.host or "",
        "proposed_by": trial.proposed_by,
        ORIGIN_TAG: trial.origin[:MAX_TEXT],
    }
    if trial.reason:
        tags |= {"reason": trial.reason[:MAX_TEXT], "mlflow.note.content": f"Failed: {trial.reason[:MAX_TEXT]}"}
    if trial.dropped is not None:
        tags |= {DROPPED_TAG: trial.dropped[:MAX_TEXT], "mlflow.note.content": f"Dropped: {trial.why}"[:MAX_TEXT]}
    if objective is not None and trial.state is TrialState.DONE:
        tags["violates"] = objective.violations_text(trial)[:MAX_TEXT]
    if trial.attempts > 1:
        tags[ATTEMPTS_TAG] = str(trial.attempts)
    own = {"seed": trial.seed, "fidelity": trial.fidelity, "proposed_by": trial.proposed_by}
    params = {keys(name, of="params"): str(value)[:MAX_TEXT] for name, value in {**own, **trial.point}.items()}
    end = milliseconds(trial.finished)
    return RunRecord(
        trial=trial.id,
        status=STATUS[trial.state],
        start=milliseconds(begun) or 0,
        end=end if end is not None or trial.state.open else milliseconds(begun),
        attempts=max(1, trial.attempts),
        tags={name: storable(value) for name, value in tags.items() if value},
        params={name: storable(value) for name, value in params.items() if value},
        metrics=_metrics(trial, keys),
    )


def _metrics(trial: Trial, keys: Keys) -> dict[str, float]:
    values = {**(trial.observation.values if trial.observation else {}), **trial.objective}
    errors = {**(trial.observation.errors if trial.observation else {}), **trial.objective_errors}
    if trial.started is not None and trial.finished is not None:
        values.setdefault("duration", trial.finished - trial.started)
    found = {keys(name): value for name, value in values.items()}
    found |= {keys(f"{name}_error", f"error of {name}"): error for name, error in errors.items()}
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def campaign_record(info: Mapping[str, Any], objective: Objective) -> CampaignRecord:
    """Return the parent run from what the journal knows of the campaign."""
    name = str(info.get("name", "campaign"))
    created = float(info.get("created", 0.0))
    identity = str(info.get("id") or f"{name}-{created:.6f}").replace("'", "_")  # it stands in search filters
    question = "; ".join(objective.goals)
    machine = {"host": info.get("host"), **(info.get("machine") or {})}
    versions = {f"version.{package}": version for package, version in (info.get("versions") or {}).items()}
    facts = {"source": info.get("source"), "mlflow.source.git.commit": info.get("git"), **machine, **versions}
    tags = {key(name): str(value)[:MAX_TEXT] for name, value in facts.items() if value not in (None, "")}
    tags |= {
        CAMPAIGN_TAG: identity,
        "objective": question[:MAX_TEXT],
        "mlflow.source.name": "softal",
        "mlflow.note.content": f"softal campaign **{name}**: {question}. One nested run a trial.",
    }
    changes = changes_in(info)
    tags |= {CHANGES_TAG: "; ".join(change.sentence for change in changes)[:MAX_TEXT]} if changes else {}
    described = {key(name): str(value)[:MAX_TEXT] for name, value in (info.get("described") or {}).items()}
    params = {"objective": question[:MAX_TEXT], "seed": str(info.get("seed", "")), **described}
    start = milliseconds(created) or 0
    return CampaignRecord(
        identity,
        name,
        start,
        {k: storable(v) for k, v in tags.items()},
        {k: storable(v) for k, v in params.items() if v},
        redacted(str(info.get("text", ""))),
        _revision(info, changes),
        str(info.get("recomputed", "")),
        max(milliseconds(at) or 0 for at in (info.get("recomputed", 0.0), *(change.at for change in changes))),
    )


def _revision(info: Mapping[str, Any], changes: Sequence[Change]) -> str:
    """Return what differs whenever metrics of an earlier session do not hold any more."""
    said = [str(info["retried"])] if "retried" in info else []
    return ", ".join([*said, *([f"{len(changes)} changes"] if changes else [])])


def answer_record(
    objective: Objective, found: Answer | None, step: int, time: int
) -> tuple[list[Metric], dict[str, str]]:
    """Return metrics and tags of the campaign's answer, at a step and time [ms]; both are empty where there is none."""
    if found is None:
        return [], {}
    values = {"answer": found.value, "answer_error": found.error, "answer_repeats": float(found.repeats)}
    metrics: list[Metric] = [(name, value, time, step) for name, value in values.items() if math.isfinite(value)]
    point = ", ".join(f"{name} = {value}" for name, value in found.point.items())
    text = f"{objective.names[0]} = {with_error(found.value, found.error)} ({found.words}) at {point}"
    tags = {
        "answer": text,
        "answer_origin": found.origin,
        "answer_point": json.dumps(found.point),
        "answer_trials": ", ".join(map(str, found.trials)),
        "answer_edges": ", ".join(f"{name} at its {edge} bound" for name, edge in found.edges.items()) or "none",
        "best_trial": str(found.best.id),
    }
    return metrics, {name: storable(value) for name, value in tags.items()}


class Convergence:
    """The campaign's progress as metrics of the parent run, from the trials in the order in which they finished.

    Args:
        objective: which components have a best value, and in which direction.
        logged: up to which step MLflow has the metrics already.
        since: earliest time of a metric [ms]: those that are logged anew are to come after the old ones.
    """

    def __init__(self, objective: Objective, logged: int = 0, since: int = 0) -> None:
        self._since = since
        self._lowest = Lowest(objective)
        self._signs = dict(zip(objective.names, objective.signs, strict=True))
        keys = Keys()
        self._names = {name: "best" if objective.single else keys(f"best_{name}") for name in objective.names}
        self._logged = logged
        self._pending: list[tuple[bool, list[Metric]]] = []  # whether it must be kept, and one step's metrics
        self.done = 0
        self.failed = 0
        self.dropped = 0

    @property
    def step(self) -> int:
        """How many trials were counted, those that were dropped included: their steps have gone by."""
        return self.done + self.failed + self.dropped

    def add(self, trial: Trial) -> bool:
        """Count a finished trial; return whether it is a new best in any component."""
        self.done += trial.state is TrialState.DONE
        self.failed += trial.state is TrialState.FAILED
        self.dropped += trial.state is TrialState.DROPPED
        better, step = self._lowest.add(trial), self.step
        if step > self._logged:
            if self._pending and not self._pending[-1][0]:
                self._pending.pop()
            kept = better or step <= EVERY_STEP
            self._pending.append((kept, self._row(step, max(milliseconds(trial.finished) or 0, self._since))))
        return better

    def _row(self, step: int, time: int) -> list[Metric]:
        lowest = self._lowest.losses
        known = {self._names[name]: self._signs[name] * loss for name, loss in lowest.items() if loss < math.inf}
        counts = {"done": float(self.done), "failed": float(self.failed)}
        counts |= {"dropped": float(self.dropped)} if self.dropped else {}
        return [(name, value, time, step) for name, value in {**known, **counts}.items()]

    def flush(self) -> list[Metric]:
        """Return the metrics that are not yet logged, in the order of steps."""
        rows, self._pending = self._pending, []
        self._logged = max(self._logged, self.step)
        return [metric for _, row in rows for metric in row]
