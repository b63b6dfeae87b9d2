"""The campaign file: reads it, and says everything that is wrong with it at once, before anything starts."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from softal import simulators, strategies
from softal.errors import CampaignFileError, Problem, SpaceError
from softal.kinds import registry
from softal.kinds.inputs import noting
from softal.kinds.validation import join, names_of, problems_in, show, unknown
from softal.objective import Objective
from softal.orchestrator.campaign_file.checks import (
    check_budget,
    check_learner,
    check_reached,
    check_simulator,
    check_strategy,
    searched,
)
from softal.orchestrator.campaign_file.declared import Declared
from softal.orchestrator.campaign_file.kinds import Chosen, read_kind
from softal.orchestrator.campaign_file.learners import Learners, read_learners
from softal.orchestrator.campaign_file.made import Made, make
from softal.orchestrator.campaign_file.objective import read_objective
from softal.orchestrator.campaign_file.overrides import with_changes
from softal.orchestrator.campaign_file.own_targets import OwnTargets, own_targets, with_settings
from softal.orchestrator.campaign_file.settings import (
    BudgetSettings,
    CampaignFile,
    ClusterSettings,
    TrackingSettings,
    WorkersSettings,
)
from softal.orchestrator.campaign_file.yaml_text import differences, read_text, read_yaml, write_yaml
from softal.passwords import redacted
from softal.simulators import Outputs, Simulator
from softal.space import InvalidSpace, Space
from softal.strategies import Strategy
from softal.surrogates import Learner

__all__ = ["CampaignSpec", "differences", "load_campaign_file", "parse_campaign", "parse_text"]

if TYPE_CHECKING:
    from softal.surrogates import Surrogate

M = TypeVar("M", bound=BaseModel)

PROBES = 64  # random points at which derived parameters are tried
MAX_CORNERS = 8  # dimensions up to which every corner of the space is tried, too


@dataclass(frozen=True)
class CampaignSpec:
    """A campaign file that was read and found right.

    Attributes:
        name: of the campaign and of its folder.
        space, objective: what is searched, and for what.
        simulator, strategy, surrogate, learner: kinds with their settings; surrogate and learner are None where the
            file says `none`.
        built: the simulator itself, made once.
        budget, workers, cluster, tracking: the sections of these names; times in s, memory in bytes.
        seed: of the campaign.
        start_from: where results are that the campaign is given.
        folder: of the file; paths in it are relative to this.
        text: of the file, word for word, but for a password of `tracking.mlflow`, in whose place is `***`.
        declared: what the simulator says of itself, for those who look at the campaign without it.
        inputs: the files that the campaign is made of, each with its role (softal.kinds.inputs).
    """

    name: str
    space: Space
    objective: Objective
    simulator: Chosen[Simulator]
    strategy: Chosen[Strategy]
    surrogate: Chosen[Surrogate] | None
    learner: Chosen[Learner] | None
    built: Simulator = field(repr=False, compare=False)
    budget: BudgetSettings
    workers: WorkersSettings
    cluster: ClusterSettings
    tracking: TrackingSettings
    seed: int
    start_from: list[str]
    folder: Path
    text: str = field(repr=False)
    declared: Declared = field(repr=False, compare=False)
    inputs: Mapping[Path, str] = field(default_factory=dict, repr=False, compare=False)

    def build_strategy(self) -> Strategy:
        """Make the strategy."""
        return self.strategy.build(self.space, self.objective, self.seed)

    def build_surrogate(self) -> Surrogate | None:
        """Make the surrogate, which has learned nothing yet; None where the file says `none`."""
        if self.surrogate is None:
            return None
        told = [self.objective] if self.surrogate.found.wants_arrays else []
        return self.surrogate.found(self.space, self.objective.names, self.surrogate.settings, *told)

    def build_learner(self) -> Learner | None:
        """Make the learner, which has learned nothing yet; None where the file says `none`."""
        return None if self.learner is None else self.learner.found(self.space, self.learner.settings, self.objective)


def load_campaign_file(path: Path, changes: Sequence[str] = ()) -> CampaignSpec:
    """Read and check a campaign file, with changes `place=value`.

    Raises:
        CampaignFileError: with every mistake at once.
    """
    path = Path(path)
    text = with_changes(read_text(path), changes)
    return _parse(read_yaml(text), path.resolve().parent, path.stem, text)


def parse_text(
    text: str, folder: Path, stem: str, launched_in: Path | None = None, declared: Declared | None = None
) -> CampaignSpec:
    """Check a campaign that is given as the text of a campaign file; CampaignFileError has every mistake at once.

    Args:
        text: of the file.
        folder: what paths in it are relative to.
        stem: the name where the file has none.
        launched_in: where softal ran when the campaign was launched; trained classifiers are looked for there, too.
        declared: by the simulator, where that is code of the campaign's author, and not to be imported.
    """
    return _parse(read_yaml(text), Path(folder).resolve(), stem, text, launched_in, declared)


def parse_campaign(data: Mapping[str, Any], folder: Path = Path()) -> CampaignSpec:
    """Check a campaign that is given as the plain data of a campaign file.

    Args:
        data: keys and values as in the file.
        folder: what paths in it are relative to.

    Raises:
        CampaignFileError: with every mistake at once.
    """
    if not isinstance(data, Mapping):
        raise CampaignFileError([Problem("", f"{show(data)} is given; a mapping of keys to values is allowed")])
    try:
        text = write_yaml(dict(data))
    except (yaml.YAMLError, RecursionError) as error:
        message = f"holds something other than text, numbers, lists and mappings: {show(str(error))}"
        raise CampaignFileError([Problem("", message)]) from None
    return _parse(read_yaml(text), Path(folder).resolve(), "campaign", text)


def _parse(
    data: object,
    folder: Path,
    stem: str,
    text: str,
    launched_in: Path | None = None,
    declared: Declared | None = None,
) -> CampaignSpec:
    with noting() as inputs:
        return replace(_checked(data, folder, stem, text, launched_in, declared), inputs=inputs)


def _checked(
    data: object, folder: Path, stem: str, text: str, launched_in: Path | None, declared: Declared | None
) -> CampaignSpec:
    if data is None:
        raise CampaignFileError([Problem("", "the file is empty; `softal init` writes an example")])
    if not isinstance(data, dict):
        raise CampaignFileError([Problem("", f"{show(data)} is given; a mapping of keys to values is allowed")])
    problems: list[Problem] = []
    _check_keys(data, problems)
    simulator, own = _simulator(data, folder, [folder, launched_in or Path.cwd(), Path.cwd()], problems, declared)
    made = None if simulator is None else make(simulator, folder)
    if made is not None and made.simulator is not None and declared is not None and registry.is_own(made.kind):
        made.simulator.outputs = declared.outputs
        made = replace(made, outputs=declared.outputs)
    outputs = None if made is None else made.outputs
    nothing_declared = None if made is None or made.simulator is None else Outputs()
    objective = _objective(data, folder, problems, outputs or nothing_declared, own)
    learners = read_learners(data, objective, folder, problems)
    parts = {
        "name": _name(data, stem, problems),
        "seed": _value("seed", data.get("seed", 0), problems),
        "start_from": _value("start_from", data.get("start_from") or [], problems),
        "space": _space(data, problems),
        "objective": objective,
        "simulator": simulator,
        "strategy": _kind(data, "strategy", strategies.find, folder, problems),
        "surrogate": learners.surrogate,
        "learner": learners.learner,
        "budget": _section(data, "budget", BudgetSettings, problems),
        "workers": _section(data, "workers", WorkersSettings, problems),
        "cluster": _section(data, "cluster", ClusterSettings, problems),
        "tracking": _section(data, "tracking", TrackingSettings, problems),
    }
    _check_together(parts, made, data, problems)
    _check_learners(learners, parts, outputs, problems)
    if problems:  # a user's own code may say it in many lines
        raise CampaignFileError([Problem(problem.place, " ".join(problem.message.split())) for problem in problems])
    assert made is not None
    assert made.simulator is not None  # else there were problems
    if outputs is not None:
        parts["objective"] = replace(
            parts["objective"].within(outputs.ranges),
            flaws=outputs.flaws,
            known=outputs.known,
            words=outputs.words,
        )
    targets = {place: value for place, value in own.read.items() if isinstance(value, str)}
    return CampaignSpec(
        **parts,
        built=made.simulator,
        folder=folder,
        text=_without_password(text, data),
        declared=declared or Declared(outputs, targets, _drawn(parts)),
    )


def _drawn(parts: Mapping[str, Any]) -> list[str]:
    """Return the author's own kinds that have cards of their own."""
    chosen = {key: parts[key] for key in ("simulator", "strategy", "surrogate", "learner") if parts[key] is not None}
    plain: dict[str, Any] = {"simulator": Simulator, "strategy": Strategy}
    return [
        one.kind
        for key, one in chosen.items()
        if registry.is_own(one.kind) and one.found.cards is not plain.get(key, Learner).cards
    ]


def _without_password(text: str, data: Mapping[str, Any]) -> str:
    """Return the text of a file as it may be stored and shown: all the same but a password of `tracking.mlflow`."""
    uri = (data.get("tracking") or {}).get("mlflow")
    if not isinstance(uri, str) or redacted(uri) == uri:
        return text
    meant = {**data, "tracking": {**data["tracking"], "mlflow": redacted(uri)}}
    for tried in (redacted(text), text.replace(uri, redacted(uri))):  # the first has it out of comments, too
        with contextlib.suppress(CampaignFileError):
            if read_yaml(tried) == meant:
                return tried
    return write_yaml(meant)  # it is written with escapes, say; comments are lost


def _check_together(
    parts: Mapping[str, Any], made: Made | None, data: Mapping[str, Any], problems: list[Problem]
) -> None:
    """Hold the sections against each other, as far as they are right by themselves."""
    space, objective, simulator = parts["space"], parts["objective"], None
    outputs = None if made is None else made.outputs
    if made is not None:
        names = list(data["space"]) if isinstance(data.get("space"), dict) else []
        simulator = check_simulator(made, names, space, objective, problems)
    if objective is not None and parts["budget"] is not None:
        check_budget(parts["budget"], objective, problems)
    if parts["strategy"] is not None and parts["budget"] is not None:
        check_reached(parts["strategy"], parts["budget"], problems)
    if parts["strategy"] is not None and space is not None and objective is not None:
        check_strategy(parts["strategy"], searched(space, simulator), outputs, objective, problems)


def _check_learners(
    learners: Learners, parts: Mapping[str, Any], outputs: Outputs | None, problems: list[Problem]
) -> None:
    space, objective = parts["space"], parts["objective"]
    for place, chosen in (("surrogate", learners.surrogate), (learners.place, learners.learner)):
        if chosen is not None and objective is not None:
            check_learner(place, chosen, space, outputs, objective, problems)


def _check_keys(data: Mapping[str, Any], problems: list[Problem]) -> None:
    keys = names_of(CampaignFile)
    problems += [Problem(str(key), unknown(key, keys)) for key in data if key not in keys]
    for key, info in CampaignFile.model_fields.items():
        if info.is_required() and data.get(key) is None:
            problems.append(Problem(key, f"is missing: {info.description}"))


_BLANK = CampaignFile(simulator="", space={}, objective={}, budget=BudgetSettings(trials=1))


def _value(key: str, value: object, problems: list[Problem]) -> Any:
    """Check one value of the top level by itself, so that mistakes elsewhere do not hide it."""
    try:
        _BLANK.__pydantic_validator__.validate_assignment(_BLANK, key, value)
    except ValidationError as error:
        problems += problems_in(error, CampaignFile, {key: value})
    return value


def _name(data: Mapping[str, Any], stem: str, problems: list[Problem]) -> Any:
    if data.get("name") is not None:
        return _value("name", data["name"], problems)
    found: list[Problem] = []
    name = _value("name", stem, found)
    problems += [Problem(p.place, f"is missing, and the file's name cannot stand in: {p.message}") for p in found]
    return name


def _section(data: Mapping[str, Any], key: str, model: type[M], problems: list[Problem]) -> M | None:
    """Fill a section; one that is empty has its defaults."""
    if CampaignFile.model_fields[key].is_required() and data.get(key) is None:
        return None  # said already
    entry = {} if data.get(key) is None else data[key]
    if not isinstance(entry, dict):
        allowed = f"a mapping with {', '.join(names_of(model))}"
        problems.append(Problem(key, f"{show(entry)} is given; allowed: {allowed}"))
        return None
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        problems += problems_in(error, model, entry, key)
        return None


def _kind(data: Mapping[str, Any], key: str, find: Callable[[str], Any], folder: Path, problems: list[Problem]) -> Any:
    info = CampaignFile.model_fields[key]
    if info.is_required() and data.get(key) is None:
        return None  # said already
    entry = data.get(key, info.default)
    if entry is None:
        problems.append(Problem(key, f"is empty; leave the line out for `{info.default}`"))
        return None
    return read_kind(key, entry, find, folder, problems)


def _simulator(
    data: Mapping[str, Any],
    folder: Path,
    looked_in: Sequence[Path],
    problems: list[Problem],
    declared: Declared | None,
) -> tuple[Any, OwnTargets]:
    """Read the simulator, and what it makes of its own targets, with the settings that follow where all are right."""
    chosen = _kind(data, "simulator", simulators.find, folder, problems)
    if declared is not None and chosen is not None and registry.is_own(chosen.kind):
        return chosen, _declared_targets(data.get("objective"), chosen.kind, declared)
    own = own_targets(data.get("objective"), chosen, looked_in)
    if chosen is None or chosen.settings is None or not own.settings or not own.right:
        return chosen, own
    changed = {**data, "simulator": with_settings(data["simulator"], own.settings)}
    return _kind(changed, "simulator", simulators.find, folder, problems), own


def _declared_targets(objective: object, kind: str, declared: Declared) -> OwnTargets:
    """Return what the simulator made of its own targets when the campaign was launched."""
    said = f"what this means only the simulator {kind!r} says, which is code of the campaign's author: give --own-code"
    unknown: Mapping[str, Any] = own_targets(objective, None, ()).read
    return OwnTargets(read={place: declared.targets.get(place) or [Problem(place, said)] for place in unknown})


def _objective(
    data: Mapping[str, Any], folder: Path, problems: list[Problem], outputs: Outputs | None, own: OwnTargets
) -> Objective | None:
    return None if data.get("objective") is None else read_objective(data["objective"], folder, problems, outputs, own)


def _space(data: Mapping[str, Any], problems: list[Problem]) -> Space | None:
    parameters, constraints = data.get("space"), data.get("constraints")
    texts = _constraints(constraints, problems)
    if parameters is None:
        return None  # said already
    if not isinstance(parameters, dict) or not parameters:
        problems.append(Problem("space", f"{show(parameters)} is given; allowed: a mapping of names to parameters"))
        return None
    try:
        space = Space(parameters, texts)
    except InvalidSpace as error:
        problems += [Problem(_space_place(p.place, parameters), p.message) for p in error.problems]
        return None
    if not space.dimension:
        problems.append(Problem("space", "has no free parameter; at least one with a range or choices is needed"))
        return None
    problem = _derived_problem(space)
    if problem is not None:
        problems.append(problem)
        return None
    return space


def _constraints(entry: object, problems: list[Problem]) -> list[str]:
    texts = [] if entry is None else entry if isinstance(entry, list) else [entry]
    try:
        return TypeAdapter(list[str]).validate_python(texts, strict=True)
    except ValidationError:
        example = "a list of inequalities such as `2*x + y <= 3`"
        problems.append(Problem("constraints", f"{show(entry)} is given; allowed: {example}"))
        return []


def _space_place(place: str, parameters: Mapping[str, Any]) -> str:
    of_constraint = place.split(".")[0] == "constraints" and "constraints" not in parameters
    return place if of_constraint else join("space", place)


def _derived_problem(space: Space) -> Problem | None:
    """Try derived parameters at corners and random points, since one without a value would stop the campaign."""
    U = space.sample(PROBES, np.random.default_rng(0))
    if space.dimension <= MAX_CORNERS:
        corners = np.array(list(itertools.product([0.0, 1.0], repeat=space.dimension)))
        U = np.vstack([corners[space.feasible(corners)], U])
    try:
        space.from_unit(U)
    except SpaceError as error:
        name, _, message = str(error).partition(": ")
        return Problem(f"space.{name}.derived", message)
    return None
