"""Reads the targets of `match`, values that shall be what was measured; says how what was meant as one is written."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from softal.errors import Problem, SoftalError
from softal.kinds.validation import join, problems_in, show
from softal.orchestrator.campaign_file.settings import Number, Text
from softal.references import Target
from softal.references.units import factor
from softal.simulators import Outputs
from softal.space.expressions import FUNCTIONS

NAME = re.compile(r"[\w.-]+")  # what is no arithmetic: `tau-alpha` may be the name of a value


class TargetSettings(BaseModel):
    """One value of `match`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Number = Field(description="what the value shall be, such as a measured one")
    tolerance: Annotated[Number, Field(gt=0)] = Field(
        description="the deviation that counts as one, in the unit of the target: the measurement's error, or what you "
        "are content with"
    )
    weight: Annotated[Number, Field(gt=0)] = Field(1.0, description="of this value among the parts of the match")
    unit: Text | None = Field(
        None,
        description="unit of target and tolerance, such as `bar`, which is converted into the simulator's; `null` is "
        "the simulator's",
    )


def written(name: object, value: object) -> str:
    """Return how a target is written."""
    return f"`{name}: {{target: {value}, tolerance: ...}}`"


def is_number(value: object) -> bool:
    """Whether this is a number, and not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def meant(part: object) -> bool:
    """Whether a part of `match` is a target, or was meant as one."""
    if not isinstance(part, Mapping) or "reference" in part:
        return is_number(part)
    keys = {str(key) for key in part}
    near = difflib.get_close_matches("target", keys, n=1, cutoff=0.8)
    only_tolerance = "tolerance" in keys and keys <= {"tolerance", "weight", "unit"}
    return bool(near) or is_number(part.get("value")) or only_tolerance


def read_target(place: str, name: str, part: Any, outputs: Outputs | None, problems: list[Problem]) -> Target | None:
    """Return the target in the simulator's unit; None where something is wrong with it, which is added.

    A unit is held against what the simulator declares of the value; not where nothing is known of the simulator, whose
    `outputs` are None then, nor where the value is none of its values, which is said elsewhere.
    """
    if not isinstance(part, Mapping):
        problems.append(Problem(place, f"{show(part)} is given; a value is matched by {written(name, part)}"))
        return None
    if "value" in part and "target" not in part:
        known = f"its `value` is {show(part['value'])}; the number that it shall be is its `target`"
        problems.append(Problem(place, f"{known}: {written(name, part['value'])}"))
        return None
    try:
        settings = TargetSettings.model_validate(dict(part))
    except ValidationError as error:
        problems += problems_in(error, TargetSettings, part, place)
        return None
    target = Target(name, settings.target, settings.tolerance, settings.weight, settings.unit or "")
    if outputs is None or (outputs.values and name not in outputs.values):
        return target
    own = outputs.value_units.get(name, "")
    problem = _unit_problem(name, settings.unit or "", own)
    if problem:
        problems.append(Problem(join(place, "unit"), problem))
        return None
    return target.converted(own)


def _unit_problem(name: str, unit: str, own: str) -> str | None:
    """Say why a target in `unit` cannot be compared with a value in the unit `own`; both may be empty."""
    if unit and not own:
        return (
            f"{show(unit)} is given, but the simulator does not say in what unit {name!r} is; leave `unit` out, and "
            "give the target as the simulator returns the value"
        )
    try:
        factor(unit, own) if unit else None
    except SoftalError as error:
        return str(error)
    return None


def arithmetic(text: str, outputs: Outputs) -> str | None:
    """Say how it is written where the objective is arithmetic of values, such as `abs(density - 0.76)`; else None."""
    if text in outputs.values or NAME.fullmatch(text.strip()):
        return None
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    known_function = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in FUNCTIONS
    if not (known_function or isinstance(tree, ast.BinOp | ast.UnaryOp)):
        return None
    name, value = _aimed(tree) or ("density", "0.76")
    return (
        f"{show(text)} is arithmetic; allowed: the name of a value, or for one that shall be near a number "
        f"`match: {{{written(name, value)[1:-1]}}}`"
    )


def _aimed(tree: ast.expr) -> tuple[str, str] | None:
    """Return value and number of `abs(value - number)` and `(value - number)**2`."""
    match tree:
        case ast.Call(func=ast.Name(id="abs"), args=[inner]) | ast.BinOp(left=inner, op=ast.Pow()):
            pass
        case _:
            return None
    match inner:
        case ast.BinOp(left=ast.Name(id=name), op=ast.Sub(), right=ast.Constant(value=number)):
            return name, str(number)
        case ast.BinOp(left=ast.Constant(value=number), op=ast.Sub(), right=ast.Name(id=name)):
            return name, str(number)
    return None
