"""A campaign that changes between two sessions: `softal resume RUN --set space.x.high=2`.

All that was run stays. Trials whose points are outside of the new ranges are marked so: models learn from them, and
none of them is the best. Where strategy, space or objective change, a new strategy begins, which knows all results as
it knows those of a user; surrogate and learner learn anew. What would make old and new results those of two simulations
is refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from softal.about import LEARNER, SURROGATE
from softal.errors import CampaignFileError, InvalidObservation, NotReturned, Problem, SpaceError
from softal.orchestrator.campaign_file.overrides import with_changes
from softal.orchestrator.campaign_file.schema import CampaignSpec
from softal.orchestrator.campaign_file.settings import BudgetSettings, ClusterSettings
from softal.orchestrator.campaign_file.yaml_text import MISSING, differing, read_yaml
from softal.orchestrator.loop.courses import withdraw
from softal.orchestrator.opening import IN_PYTHON, launched
from softal.passwords import redacted
from softal.tracking.changes import CHANGES, Change, with_more
from softal.tracking.journal import Journal
from softal.trial import MEMBER, Trial, TrialState

KINDS = ("simulator", "strategy", "surrogate", "learner")
SEARCH = frozenset({"space", "constraints", "objective", "strategy"})  # of these trials have marks
LEARNED = frozenset(
    {"space", "constraints", "objective", SURROGATE, LEARNER}
)  # with these all that learns does so anew
OPTIONS = ("budget", "cluster")  # sections of which options of `resume` are kept beside the text
SCALARS = ("values", "errors")  # of an observation
REFUSED = {
    "simulator": "results before and after would not be of one simulation",
    "seed": "the seeds of trials come from it",
    "name": "the campaign's folder and its run in MLflow are called so",
    "start_from": "a campaign is given results by softal add RUN RESULTS",
}
OTHER = "for another one: softal launch FILE --name OTHER"


@dataclass(frozen=True)
class Changed:
    """What a campaign is to become; nothing of it is written yet.

    Attributes:
        before, spec: what it was, and what it is to be.
        sections: of the file that change.
        changes: all of them, place by place, without their times.
    """

    before: CampaignSpec
    spec: CampaignSpec
    sections: frozenset[str]
    changes: Sequence[Change]

    def write(self, journal: Journal) -> None:
        """Write it into the journal and the folder of a campaign that does not run.

        Raises:
            CampaignFileError: where a trial cannot be one of the new campaign. Nothing is written then.
        """
        trials = self._adopted(journal) if self.sections & {"space", "constraints", "objective"} else journal.trials()
        if self.anew:
            journal.remove_newest([TrialState.PROPOSED])
            trials = [_of_earlier(trial) for trial in trials[: sum(journal.counts().values())]]
        for what in (SURROGATE, LEARNER) if self.sections & LEARNED else ():
            withdraw(journal.folder, what)
        draft = journal.folder / "campaign.yaml.new"
        draft.write_text(self.spec.text, encoding="utf-8")
        info, now = journal.info, time.time()
        made = [replace(change, at=now, trial=len(trials), anew=self.anew) for change in self.changes]
        journal.amend(
            trials if self.sections & SEARCH else (),
            text=self.spec.text,
            launched_with=info.get("launched_with", info["text"]),
            **{section: {} for section in OPTIONS},
            **({"recomputed": now} if "objective" in self.sections else {}),
            declared=self.spec.declared.to_json(),
            **{CHANGES: with_more(info, made)},
        )
        draft.replace(journal.folder / "campaign.yaml")

    @property
    def anew(self) -> bool:
        """Whether a new strategy begins, which knows all results; otherwise it goes on with its next point."""
        if self.sections & {"strategy", "objective"}:
            return True
        moved = bool(self.sections & {"space", "constraints"})
        return moved and self.spec.strategy.found.begins_anew(self.before.space, self.spec.space)

    def _adopted(self, journal: Journal) -> list[Trial]:
        """Return all trials, without arrays, as those of the new space and objective."""
        scores, found = "objective" in self.sections, []
        for trial in journal.read(arrays=scores):
            adopted = self._in_space(trial)
            found.append(self._scored(adopted) if scores else adopted)
        held = self.spec.space.holds([trial.point for trial in found]).tolist()
        return [_placed(trial, inside) for trial, inside in zip(found, held, strict=True)]

    def _in_space(self, trial: Trial) -> Trial:
        try:
            return replace(trial, point=self.spec.space.adopt(trial.point))
        except SpaceError as error:
            name, _, message = str(error).partition(": ")
            raise _refused(f"space.{name}", f"trial {trial.id}: {message}") from None

    def _scored(self, trial: Trial) -> Trial:
        """Return a trial, without its arrays, as the new objective evaluates it."""
        if trial.observation is None:
            return trial
        own = self.spec.built.outputs.values if self.spec.built.outputs else frozenset[str]()
        old = {part.value for part in self.before.objective.parts} - (own or frozenset())
        kept = {name: {k: v for k, v in getattr(trial.observation, name).items() if k not in old} for name in SCALARS}
        observation = replace(trial.observation, **kept)
        try:
            values, errors = self.spec.objective.evaluate(observation)
            whole = self.spec.objective.with_parts(observation)
        except (NotReturned, InvalidObservation) as error:
            raise _refused("objective", f"trial {trial.id} cannot be evaluated by it: {error}") from None
        return replace(trial, observation=replace(whole, arrays={}), objective=values, objective_errors=errors)


def changed(before: CampaignSpec, folder: Path, info: Mapping[str, Any], changes: Sequence[str]) -> Changed:
    """Return what a campaign becomes by changes.

    Args:
        before: what it is.
        folder: of its state.
        info: of its journal.
        changes: `place=value`, such as `space.x.high=2`.

    Raises:
        CampaignFileError: where a change is none, leads to a campaign that cannot be, or is of what cannot change.
    """
    # What `--trials`, `--address` and the like have set stands in the text then, too.
    options = [(f"{section}.{key}", value) for section in OPTIONS for key, value in info.get(section, {}).items()]
    now = with_changes(info["text"], [f"{place}={json.dumps(value)}" for place, value in options])
    text = with_changes(now, changes)
    found = differing(_plain(now), _plain(text))
    if wrong := [place for place in found if _section(place) in REFUSED]:
        raise CampaignFileError(
            [Problem(place, f"cannot change: {REFUSED[_section(place)]}; {OTHER}") for place in wrong]
        )
    spec = as_launched(before, folder, {**info, "text": text, **{section: {} for section in OPTIONS}})
    known = {place: [_journaled(value) for value in pair] for place, pair in found.items()}
    made = [Change(0.0, 0, place, old, new) for place, (old, new) in known.items()]
    return Changed(before, spec, frozenset(map(_section, found)), made)


def as_launched(spec: CampaignSpec, folder: Path, info: Mapping[str, Any]) -> CampaignSpec:
    """Return what a campaign is by its journal, with the simulator of the program where that is made in Python."""
    found = launched(folder, info, own_code=True)
    return replace(found, built=spec.built) if spec.simulator.kind == IN_PYTHON else found


def with_options(
    journal: Journal,
    budget: BudgetSettings,
    limits: Mapping[str, Any],
    cluster: ClusterSettings,
    there: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the changes of a campaign with those by options of `resume`.

    Args:
        journal: of the campaign.
        budget, limits: what it was, and the limits that are new.
        cluster, there: which Ray it was, and what is new of that.
    """
    pairs = {f"budget.{key}": (getattr(budget, key), value) for key, value in limits.items()}
    pairs |= {f"cluster.{key}": (getattr(cluster, key), value) for key, value in there.items()}
    now, trial = time.time(), sum(journal.counts().values())
    made = [Change(now, trial, place, old, new) for place, (old, new) in pairs.items() if old != new]
    return with_more(journal.info, made)


def _journaled(value: Any) -> Any:
    """Return a value of a campaign file as it is kept: none where there is none, and no password."""
    return None if value is MISSING else redacted(value) if isinstance(value, str) else value


def _plain(text: str) -> Any:
    """Return the data of a campaign file in which each kind is written with its settings."""
    data = read_yaml(text)
    return {key: {"kind": value} if key in KINDS and isinstance(value, str) else value for key, value in data.items()}


def _section(place: str) -> str:
    return place.partition(".")[0]


def _placed(trial: Trial, inside: bool) -> Trial:
    """Return a trial with the mark whether it is outside of the ranges; there, none that waits is run any more."""
    if inside or not trial.state.open:
        return replace(trial, outside=not inside)
    return replace(trial, outside=True, state=TrialState.DROPPED, dropped="it had not run when the ranges were changed")


def _of_earlier(trial: Trial) -> Trial:
    """Return a trial of an earlier strategy: without notes in the coordinates of its unit cube, which are lists."""
    notes = {key: value for key, value in trial.notes.items() if key == MEMBER or not isinstance(value, list)}
    return replace(trial, notes=notes)


def _refused(place: str, message: str) -> CampaignFileError:
    return CampaignFileError([Problem(place, f"{message}; {OTHER}")])
