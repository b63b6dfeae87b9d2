"""What a report is made of, read from a campaign's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from softal.about import LEARNER, SURROGATE
from softal.answer import Answer, answer
from softal.cards.text import fraction
from softal.cards.view import Advisor, Examples, Source
from softal.numeric import with_error
from softal.objective import Component, Objective
from softal.objective.component import name_of
from softal.outputs import Outputs
from softal.reading import read_json, read_text
from softal.space import Space
from softal.tracking.journal import Journal
from softal.tracking.lock import in_use
from softal.tracking.report.statistics import mean_arrays
from softal.tracking.standing import active_seconds, busy_seconds, noted_use, state_of, utilisation
from softal.trial import USER, Array, Trial, TrialState

LATEST = [Path(what) / "latest" for what in (LEARNER, SURROGATE)]  # in a campaign's folder: models and tables
SOME = 0.01  # a largest value that is smaller than this is no probability that anybody looks for


@dataclass(frozen=True)
class CampaignData:
    """A campaign as the report sees it.

    Attributes:
        info: facts from the journal.
        trials: all of them, in the order of their ids, without arrays.
        runs: arrays of each run behind what is shown: the runs of the answer, or the last trial where there is none.
        versions: records of the surrogate's versions, oldest first.
        advisor: the surrogate; None where there is none.
        workers: number of workers, where it is known.
        running: whether a process runs the campaign now.
        folder: of the campaign; None where there is none.
        sources: the campaign's surrogate, learner, strategy and simulator, whose cards are shown.
    """

    info: Mapping[str, Any]
    space: Space
    objective: Objective
    trials: list[Trial]
    runs: Sequence[Mapping[str, Array]] = ()
    versions: list[dict[str, Any]] = field(default_factory=list)
    advisor: Advisor | None = None
    workers: int | None = None
    running: bool = False
    folder: Path | None = None
    sources: Sequence[Source] = ()

    def table(self, name: str) -> Mapping[str, Any] | None:
        """Return a table of the latest learner or surrogate; None if there is none, ValueError if it is damaged."""
        paths = [self.folder / latest / f"{name}.json" for latest in LATEST] if self.folder else []
        path = next((path for path in paths if path.exists()), None)
        if path is None:
            return None
        found = read_json(read_text(path))
        if not isinstance(found, dict):
            raise ValueError(f"{path} is no table")
        return found

    @cached_property
    def outputs(self) -> Outputs:
        """What the simulator declares of its values and arrays; nothing where that is not known."""
        return next((found for one in self.sources if (found := getattr(one, "outputs", None))), None) or Outputs()

    @cached_property
    def examples(self) -> Examples:
        """Trials that stand for what was found: by the first source that knows of any, or from first to last."""
        for source in self.sources:
            with suppress(Exception):  # anybody's code: its own cards say what is wrong
                if found := source.examples(self):
                    return found
        return Examples("Trials from first to last", self._quarters)

    @property
    def _quarters(self) -> list[tuple[str, Trial]]:
        """Label and trial: the first, those at the quarters, the best and the last."""
        done = self.done
        labels: dict[int, str] = {}
        for label, part in (
            ("first", 0.0),
            ("a quarter", 0.25),
            ("half", 0.5),
            ("three quarters", 0.75),
            ("last", 1.0),
        ):
            if done:
                labels.setdefault(round(part * (len(done) - 1)), label)
        if self.best is not None:
            place = next(i for i, trial in enumerate(done) if trial.id == self.best.id)
            labels[place] = "best"
        return [(label, done[place]) for place, label in sorted(labels.items())]

    def with_arrays(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that are done with the arrays of their observations."""
        if self.folder is None:
            return list(trials)
        with Journal.open(self.folder) as journal:
            return [
                replace(trial, observation=replace(trial.observation, arrays=journal.arrays(trial.id)))
                for trial in trials
                if trial.observation is not None
            ]

    @cached_property
    def finished(self) -> list[Trial]:
        """Finished trials in the order in which they finished."""
        return sorted((t for t in self.trials if t.state.finished), key=lambda t: (t.told or 0, t.id))

    @cached_property
    def numbered(self) -> list[Trial]:
        """Finished trials in the order of their ids, which is that of figures: trial 34 stands at 34."""
        return sorted(self.finished, key=lambda t: t.id)

    @cached_property
    def own(self) -> list[Trial]:
        """Those of them that the campaign's strategy proposed: not the user's."""
        return [t for t in self.finished if t.proposed_by != USER]

    @cached_property
    def ran(self) -> list[Trial]:
        """Those of them that were run: not the results that were given, which took no time."""
        return [t for t in self.finished if t.proposed_by != USER or t.finished != t.started]

    @cached_property
    def done(self) -> list[Trial]:
        """Trials that are done, in the order in which they finished."""
        return [t for t in self.finished if t.state is TrialState.DONE]

    @cached_property
    def failed(self) -> list[Trial]:
        """Failed trials in the order in which they finished."""
        return [t for t in self.finished if t.state is TrialState.FAILED]

    @cached_property
    def dropped(self) -> list[Trial]:
        """Trials that the user has dropped, in the order of their ids."""
        return [t for t in self.trials if t.state is TrialState.DROPPED]

    @cached_property
    def outside(self) -> list[Trial]:
        """Trials that are done, and outside of the ranges as they are now."""
        return [t for t in self.done if t.outside]

    @cached_property
    def violating(self) -> list[Trial]:
        """Trials that are done, and violate an outcome constraint, or are outside of the ranges."""
        return [t for t in self.done if not self.objective.satisfied(t)]

    @cached_property
    def best(self) -> Trial | None:
        """The best trial; None where nothing is done, and for several objectives or `learn`."""
        return self.objective.best(self.trials)

    @cached_property
    def fractions(self) -> frozenset[str]:
        """Components whose values all lie in [0, 1], such as probabilities; not losses, which matter near 0."""
        names = [part.name for part in self.objective.components if part.direction != "minimize"]
        seen = {name: [trial.objective[name] for trial in self.done if name in trial.objective] for name in names}
        return frozenset(
            name for name, values in seen.items() if values and min(values) >= 0 and SOME < max(values) <= 1
        )

    def text(self, name: str, value: float, error: float | None) -> str:
        """Return a component's value with its error as people read it."""
        return fraction(value, error) if name in self.fractions else with_error(value, error)

    def scored(self, trial: Trial, name: str) -> str:
        """Return a trial's value of a component with its error as people read it."""
        return self.text(name, trial.objective[name], trial.objective_errors.get(name))

    @cached_property
    def answer(self) -> Answer | None:
        """The best point by its repeats, by the surrogate, or the best trial; None where there is no best."""
        if self.advisor is not None:
            return self.advisor.answer(self.objective, self.space, self.trials)
        return answer(self.objective, self.trials, self.space)

    @cached_property
    def front(self) -> list[Trial]:
        """The Pareto front of several objectives; empty for one, and for `learn`."""
        return [] if self.objective.single or self.objective.learning else self.objective.pareto_front(self.trials)

    @cached_property
    def shown(self) -> Trial | None:
        """The trial through which slices go and whose arrays are shown: the first of the answer's."""
        if self.answer:
            return next(trial for trial in self.trials if trial.id == self.answer.trials[0])
        middle = self.front[len(self.front) // 2] if self.front else None
        return middle or (self.done[-1] if self.done else None)

    @property
    def label(self) -> str:
        """What is shown, for captions."""
        if self.answer and self.answer.origin != "trial":
            return "the answer" if self.answer.repeats > 1 else f"the answer (trial {self.answer.trials[0]})"
        return f"trial {self.shown.id}" if self.shown else ""

    @cached_property
    def arrays(self) -> Mapping[str, Array]:
        """Arrays of what is shown, averaged over its runs."""
        return mean_arrays(self.runs)

    @cached_property
    def state(self) -> str:
        """The campaign's state in one word."""
        return state_of(self.info, self.running)

    @property
    def active(self) -> float:
        """How long the campaign has run, over all resumptions [s]."""
        return active_seconds(self.info, self.running) or self.span

    @cached_property
    def span(self) -> float:
        """Time from the first start to the last end of a simulation [s]."""
        starts = [t.started for t in self.ran if t.started is not None]
        ends = [t.finished for t in self.ran if t.finished is not None]
        return max(ends) - min(starts) if starts and ends else 0.0

    @cached_property
    def busy(self) -> float:
        """Time that finished simulations took together [s]."""
        return busy_seconds(self.finished)

    @property
    def utilisation(self) -> float | None:
        """Part of the workers' time that was spent in simulations."""
        noted = noted_use(self.info)
        if noted is not None or not self.workers:
            return noted
        return utilisation(self.busy, self.workers, self.active)


def read(
    folder: Path,
    space: Space,
    objective: Objective,
    *,
    advisor: Advisor | None = None,
    workers: int | None = None,
    sources: Sequence[Source] = (),
) -> CampaignData:
    """Read what the report needs from a campaign's folder."""
    with Journal.open(folder) as journal:
        data = CampaignData(
            info=journal.info,
            space=space,
            objective=objective,
            trials=journal.trials(),
            versions=journal.versions(of=SURROGATE),
            advisor=advisor,
            workers=workers,
            running=in_use(folder),
            folder=folder,
            sources=sources,
        )
        ids = data.answer.trials if data.answer else [data.shown.id] if data.shown else []
        runs = [journal.arrays(trial_id) for trial_id in ids]
    known = {name: value for name, value in data.__dict__.items() if name != "arrays"}  # the answer takes time
    made = replace(data, runs=runs)
    made.__dict__.update(known | {"runs": runs})
    return made


def question(space: Space, objective: Objective) -> str:
    """Return in one sentence what the campaign looks for."""
    names = _listed(list(space.names))
    if objective.learning:
        return f"How {'does' if objective.single else 'do'} {_listed(list(objective.names))} depend on {names}?"
    wishes = [_wish(component) for component in objective.components]
    bounds = f" with {_listed([one.text for one in objective.outcomes])}" if objective.outcomes else ""
    make = "" if objective.components[0].matching else "make "
    return f"Which {names} {make}{_listed(wishes)}{bounds}?"


def _wish(component: Component) -> str:
    if component.matching:
        parts = _listed([name_of(part).replace("_", " ") for part in component.parts])
        return f"match the {'reference' if component.references else 'target'}'s {parts} best"
    return (
        f"{component.name.replace('_', ' ').strip()} {'smallest' if component.direction == 'minimize' else 'largest'}"
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
