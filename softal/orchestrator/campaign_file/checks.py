"""What the sections of a campaign file ask of each other: parameters of the simulator, values of the objective ..."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from softal.errors import Problem
from softal.kinds.validation import join, show, unknown
from softal.objective import MISMATCH, Component, Objective
from softal.objective.component import name_of
from softal.objective.outcome import EXAMPLES, Outcome
from softal.orchestrator.campaign_file.kinds import Chosen
from softal.orchestrator.campaign_file.made import Made
from softal.orchestrator.campaign_file.settings import BudgetSettings
from softal.references import Reference, Target
from softal.simulators import Outputs, Simulator
from softal.simulators.command import RESERVED
from softal.space import Space
from softal.strategies import Strategy
from softal.surrogates import Learner, Surrogate
from softal.trial import Value


def check_simulator(
    made: Made, names: Sequence[str], space: Space | None, objective: Objective | None, problems: list[Problem]
) -> Simulator | None:
    """Hold the simulator against the parameters, by `names` where the space is wrong, and against the objective.

    Returns:
        The simulator; None where something is wrong with it.
    """
    before = len(problems)
    if made.wrong is not None:
        problems.append(Problem("simulator", f"{made.kind!r} cannot be made: {made.wrong}"))
        return None
    if names:
        _check_parameters(made.parameters, made.defaults or {}, made.kind, names, space, problems)
        if space is not None and made.simulator is not None:
            _check_values(made.simulator, space, problems)
    if objective is not None:
        _check_objective(made, objective, problems)
    return made.simulator if len(problems) == before else None


def _check_parameters(
    accepted: Mapping[str, str] | None,
    defaults: Mapping[str, Value],
    kind: str,
    names: Sequence[str],
    space: Space | None,
    problems: list[Problem],
) -> None:
    for name in names:
        if kind == "command" and name in RESERVED:
            problems.append(Problem(f"space.{name}", "is a placeholder of `command:` already; rename it"))
        elif accepted is not None and name not in accepted and not (space is not None and _used(name, space)):
            message = unknown(name, accepted, f"parameter of the simulator {kind!r}")
            problems.append(Problem(f"space.{name}", message))
    for name, description in (accepted or {}).items():
        if name not in names and name not in defaults:
            message = f"is missing: the simulator {kind!r} needs it"
            problems.append(Problem(f"space.{name}", f"{message} ({description})" if description else message))


def _check_values(simulator: Simulator, space: Space, problems: list[Problem]) -> None:
    """Ask the simulator whether the ends of each range, choices and fixed values are allowed at all."""
    for name, parameter in space.parameters.items():
        if simulator.parameters is not None and name not in simulator.parameters:
            continue  # what it is told is derived from this
        for key in ("low", "high", "choices", "value"):
            given = getattr(parameter, key, None)
            for value in given if isinstance(given, tuple) else () if given is None else (given,):
                try:
                    allowed = simulator.allows(name, value)
                except Exception as error:  # a user's own class can raise anything
                    allowed = f"what it can say without {type(error).__name__}: {error}"
                if allowed:
                    place = f"space.{name}" + ("" if key == "value" else f".{key}")
                    problems.append(Problem(place, f"{show(value)} is given; allowed: {allowed}"))


def _used(name: str, space: Space) -> bool:
    """Whether a derived parameter is calculated from this one, which the simulator need not know then."""
    return name in space.ingredients


def _check_objective(made: Made, objective: Objective, problems: list[Problem]) -> None:
    before = len(problems)
    if made.outputs is not None:
        _check_outputs(made.outputs, made.kind, objective, problems)
    if len(problems) == before and made.simulator is not None:
        _check_references(made.simulator, objective, problems)


def _check_outputs(outputs: Outputs, kind: str, objective: Objective, problems: list[Problem]) -> None:
    for component in objective.components:
        if component.matching:
            problems += [
                problem for part in component.parts if (problem := _unreturned(component, part, outputs, kind))
            ]
        elif component.name not in outputs.values:
            message = unknown(component.name, outputs.values, f"value of the simulator {kind!r}")
            problems.append(Problem(f"objective.{component.direction}", message))
    for one in objective.outcomes:
        if said := _impossible(one, outputs, kind):
            problems.append(Problem("objective.subject_to", f"`{one.text}`: {said}"))


def _impossible(one: Outcome, outputs: Outputs, kind: str) -> str | None:
    """Say why an outcome constraint can never hold, by what the simulator declares."""
    if one.value not in outputs.values:
        return unknown(one.value, outputs.values, f"value of the simulator {kind!r}")
    if one.value in outputs.marks:
        return None if one.holds(0.0) or one.holds(1.0) else f"can never hold, since {one.value!r} is 0 or 1"
    low, high = outputs.ranges.get(one.value, (-math.inf, math.inf))
    number = one.value in outputs.value_units or one.value in outputs.ranges
    if one.mark and number:
        return f"{one.value!r} is no mark that is 0 or 1; allowed is an inequality, {EXAMPLES}"
    if one.low > high or one.high < low or (one.above and one.low == high) or (one.below and one.high == low):
        return f"can never hold, since {one.value!r} is {_span(low, high)}"
    return None


def _span(low: float, high: float) -> str:
    if math.isinf(low):
        return f"at most {high:g}"
    return f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"


def _unreturned(component: Component, part: Reference | Target, outputs: Outputs, kind: str) -> Problem | None:
    """Say that an array or a value of a match is none of the simulator's."""
    name, place = name_of(part), _place(component, part)
    if isinstance(part, Target):
        if name in outputs.values:
            return None
        if name in outputs.arrays:
            return Problem(place, f"{name!r} is an array; a target is for a value, and an array takes `reference`")
        return Problem(place, unknown(name, outputs.values, f"value of the simulator {kind!r}"))
    if name in outputs.arrays:
        return None
    if name in outputs.values:
        return Problem(place, f"{name!r} is a value, not an array: it takes `target` and `tolerance`")
    return Problem(place, unknown(name, outputs.arrays, f"array of the simulator {kind!r}"))


def _check_references(simulator: Simulator, objective: Objective, problems: list[Problem]) -> None:
    """Ask the simulator whether its arrays can be compared with the references."""
    for component in objective.components:
        for reference in component.references:
            try:
                said = simulator.check_reference(reference)
            except Exception as error:  # a user's own class can raise anything
                said = f"{type(error).__name__}: {error}"
            if said:
                message = f"{reference.source}: {said}" if reference.source else said
                problems.append(Problem(_place(component, reference), message))


def _place(component: Component, part: Reference | Target) -> str:
    group = "" if component.name == MISMATCH else component.name
    return join("objective.match", group, name_of(part))


def check_budget(budget: BudgetSettings, objective: Objective, problems: list[Problem]) -> None:
    """Refuse limits that the objective can never reach."""
    if objective.learning:
        for key in ("target", "stagnation"):
            if getattr(budget, key) is not None:
                message = "is given, but `learn` has no best value to compare with; leave it out"
                problems.append(Problem(f"budget.{key}", message))
    elif budget.target is not None and not objective.single:
        said = f"{budget.target} is given, but there are {len(objective.names)} objectives"
        problems.append(Problem("budget.target", f"{said} ({', '.join(objective.names)}); it needs a single one"))


def check_reached(chosen: Chosen[Strategy], budget: BudgetSettings, problems: list[Problem]) -> None:
    """Refuse settings of the strategy that the budget never reaches."""
    if chosen.settings is None:
        return
    found = chosen.found.check_budget(chosen.settings, budget.trials)
    problems += [Problem(f"strategy.{one.place}", one.message) for one in found]


def searched(space: Space, simulator: Simulator | None) -> Space:
    """Return the space without the points of which the simulator knows that they cannot be simulated."""
    if simulator is None or type(simulator).refuses is Simulator.refuses:
        return space
    return space.refusing(simulator.refuses)


def check_strategy(
    chosen: Chosen[Strategy], space: Space, outputs: Outputs | None, objective: Objective, problems: list[Problem]
) -> None:
    """Ask the strategy whether it can serve the space that is searched and the objective, and use the outputs."""
    returned = (None, None) if outputs is None else (outputs.values, outputs.arrays)
    settings = chosen.settings
    try:
        reason = None if settings is None else chosen.found.supports(space, objective, settings)
        reason = reason or (None if settings is None else chosen.found.suits(settings, space, *returned))
    except Exception as error:  # a user's own class can raise anything
        reason = f"{type(error).__name__}: {error}"
    if reason:
        problems.append(Problem("strategy", f"{chosen.kind!r} cannot serve this campaign: {reason}"))


def check_learner(
    place: str,
    chosen: Chosen[Surrogate] | Chosen[Learner],
    space: Space | None,
    outputs: Outputs | None,
    objective: Objective,
    problems: list[Problem],
) -> None:
    """Ask a surrogate or learner whether it can serve the objective, and learn from what the simulator returns."""
    reason = chosen.found.supports(objective)
    if reason is None and space is not None and chosen.settings is not None:
        reason = chosen.found.suits(chosen.settings, space, None if outputs is None else outputs.arrays)
    if reason:
        problems.append(Problem(place, f"{chosen.kind!r} cannot serve this campaign: {reason}"))
