"""The kinds of parameters that a space is made of, as they stand in a campaign file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)

from softal.errors import Problem
from softal.kinds.validation import names_of, problems_in, show, unknown
from softal.space.expressions import Expression, ExpressionError

DEFAULT = (
    "value that results have which lack the parameter: those of trials before it was added, or of tables without it"
)
MAX_CHOICES = 10_000  # each is a column of the models
MAX_INTEGER = 2**53  # beyond it, neighbouring integers are the same float

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True, ge=-MAX_INTEGER, le=MAX_INTEGER)]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str = Field("", description="unit, for tables and plots, such as `angstrom`")


class Real(_Model):
    """A real number between two bounds."""

    low: Number = Field(description="lower bound")
    high: Number = Field(description="upper bound, above `low`")
    log: bool = Field(False, strict=True, description="search on a logarithmic scale (needs `low` > 0)")
    default: Number | None = Field(None, description=DEFAULT)

    @model_validator(mode="after")
    def _ordered(self) -> Real:
        _check_bounds(self.low, self.high, self.log)
        _check_default(self.default, self.log)
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"low: {self.low} and high: {self.high} are too far apart for floating-point numbers")
        return self


class Integer(_Model):
    """A whole number between two bounds, both included."""

    low: Whole = Field(description="lower bound, included")
    high: Whole = Field(description="upper bound, included, above `low`")
    log: bool = Field(False, strict=True, description="search on a logarithmic scale (needs `low` > 0)")
    integer: Literal[True] = Field(True, description="`true` makes the parameter a whole number")
    default: Whole | None = Field(None, description=DEFAULT)

    @model_validator(mode="after")
    def _ordered(self) -> Integer:
        _check_bounds(self.low, self.high, self.log)
        _check_default(self.default, self.log)
        return self


class Choice(_Model):
    """One of several values without an order: words, numbers, or true and false."""

    choices: tuple[Scalar, ...] = Field(description="the values to choose from, at least two")
    default: Scalar | None = Field(None, description=DEFAULT)

    @model_validator(mode="after")
    def _one_of_them(self) -> Choice:
        known = [(type(choice) is bool, choice) for choice in self.choices]
        if self.default is not None and (type(self.default) is bool, self.default) not in known:
            allowed = ", ".join(map(repr, self.choices))
            raise ValueError(f"default: {show(self.default)} is given; one of the choices is allowed: {allowed}")
        return self

    @field_validator("choices")
    @classmethod
    def _distinct(cls, choices: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        if len(choices) > MAX_CHOICES:
            raise ValueError(f"{len(choices)} choices are given; at most {MAX_CHOICES} are allowed")
        if len(choices) < 2:
            raise ValueError(
                f"{show(list(choices))} has {len(choices)} choices; at least two are allowed "
                "(a single value is `value: ...`)"
            )
        _check_finite(*choices)
        seen: set[Scalar] = set()
        for choice in choices:
            if choice in seen:
                raise ValueError(f"{show(choice)} stands twice among the choices; each is allowed once")
            seen.add(choice)
        return choices


class Fixed(_Model):
    """A value that does not change, handed to every simulation."""

    value: Scalar = Field(description="the value; also written bare, as in `particles: 864`")

    @field_validator("value")
    @classmethod
    def _finite(cls, value: Scalar) -> Scalar:
        _check_finite(value)
        return value


class Derived(_Model):
    """A number calculated from other parameters."""

    derived: StrictStr = Field(description="arithmetic over other parameters, such as `-q_si / 2`")

    @field_validator("derived", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if is_number else value  # YAML reads `derived: 3` as a number

    @field_validator("derived")
    @classmethod
    def _readable(cls, value: str) -> str:
        try:
            Expression(value)
        except ExpressionError as error:
            raise ValueError(str(error)) from None
        return value


Parameter = Real | Integer | Choice | Fixed | Derived
KINDS: tuple[type[Parameter], ...] = (Real, Integer, Choice, Fixed, Derived)


def read_parameter(data: object) -> tuple[Parameter | None, list[Problem]]:
    """Make a parameter of what stands in a campaign file: a mapping, or a bare value that stays fixed.

    Returns:
        The parameter, or None with the problems that were found (places relative to the parameter).
    """
    if isinstance(data, KINDS):
        return data, []
    if not isinstance(data, Mapping):
        data = {"value": data}
    kind, problems = _kind_of(data)
    if kind is None:
        return None, problems
    if kind is Real and data.get("integer") is False:
        data = {key: value for key, value in data.items() if key != "integer"}
    try:
        return kind.model_validate(dict(data)), []
    except ValidationError as error:
        return None, problems_in(error, kind, data)


def _kind_of(data: Mapping[Any, Any]) -> tuple[type[Parameter] | None, list[Problem]]:
    telling: dict[str, type[Parameter]] = {"choices": Choice, "value": Fixed, "derived": Derived}
    for key, kind in telling.items():
        if key in data:
            return kind, []
    if "integer" in data:
        if not isinstance(data["integer"], bool):
            return None, [Problem("integer", f"{show(data['integer'])} is given, but it must be true or false")]
        return (Integer if data["integer"] else Real), []
    if "low" in data or "high" in data:
        return Real, []
    every = {name for kind in KINDS for name in names_of(kind)}
    strange = [Problem(str(key), unknown(key, every)) for key in data if key not in every]
    return None, strange or [
        Problem(
            "",
            f"{show(dict(data))} is not a parameter; allowed: a range `{{low, high}}`, "
            "`{choices: [...]}`, `{value: ...}` or `{derived: ...}`",
        )
    ]


def _check_bounds(low: float, high: float, log: bool) -> None:
    if low >= high:
        raise ValueError(f"low: {low:.12g} is not below high = {high:.12g}; low < high is allowed")
    if log and low <= 0:
        raise ValueError(f"low: {low:.12g} is given, but with `log: true` it must be greater than 0")


def _check_default(default: float | None, log: bool) -> None:
    if log and default is not None and default <= 0:
        raise ValueError(f"default: {default:.12g} is given, but with `log: true` it must be greater than 0")


def _check_finite(*values: Scalar) -> None:
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is given; only finite numbers are allowed")
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise ValueError(f"{show(value)} is too large; at most {MAX_INTEGER} is allowed for a whole number")
