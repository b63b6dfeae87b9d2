"""One parameter's way to its unit coordinate and back; `softal.space` has the formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from softal.errors import SpaceError
from softal.kinds.validation import show
from softal.numeric import Floats
from softal.space.parameters import Choice, Integer, Parameter, Real

Value = float | int | str | bool


def cells(parameter: Parameter) -> int:
    """Return how many values an integer or a choice has; 0 for a real parameter."""
    if isinstance(parameter, Integer):
        return parameter.high - parameter.low + 1
    return len(parameter.choices) if isinstance(parameter, Choice) else 0


def start_and_width(parameter: Parameter) -> tuple[float, float]:
    """Return low and high - low of the interval that the unit interval stands for."""
    assert isinstance(parameter, Real | Integer)
    edge = 0.5 if isinstance(parameter, Integer) else 0.0
    low, high = parameter.low - edge, parameter.high + edge
    return (math.log(low), math.log(high) - math.log(low)) if parameter.log else (low, high - low)


def values(parameter: Parameter, u: Floats) -> list[Any]:
    """Return the natural values at unit coordinates u (n,)."""
    if isinstance(parameter, Choice):
        indices = np.minimum((u * len(parameter.choices)).astype(int), len(parameter.choices) - 1)
        return [parameter.choices[i] for i in indices]
    assert isinstance(parameter, Real | Integer)
    start, width = start_and_width(parameter)
    x = start + u * width
    x = np.exp(x) if parameter.log else x
    if isinstance(parameter, Integer):
        x = np.floor(x + 0.5)
        return [int(value) for value in np.clip(x, parameter.low, parameter.high)]
    x = np.where(u == 0.0, parameter.low, np.where(u == 1.0, parameter.high, x))  # bounds are exact
    return np.clip(x, parameter.low, parameter.high).tolist()  # type: ignore[no-any-return]


def around(parameter: Integer, u: float) -> tuple[float, float]:
    """Return the unit coordinates of the whole numbers next to u, below and above; the same twice at one, or beyond."""
    start, width = start_and_width(parameter)
    x = start + u * width
    x = math.exp(x) if parameter.log else x
    if abs(x - round(x)) <= 1e-12 * abs(x):
        x = round(x)
    ends = (min(max(end, parameter.low), parameter.high) for end in (math.floor(x), math.ceil(x)))
    below, above = (coordinate("", parameter, end) for end in ends)
    return below, above


def coordinate(name: str, parameter: Parameter, value: Value) -> float:
    """Return the unit coordinate of a value; SpaceError where it has none."""
    if isinstance(parameter, Choice):
        return (_index(name, parameter, value) + 0.5) / len(parameter.choices)
    assert isinstance(parameter, Real | Integer)
    number = _finite(name, parameter, value)
    start, width = start_and_width(parameter)
    if parameter.log and number <= 0:
        raise SpaceError(f"{name}: {show(value)} is given, but a parameter on a log scale must be greater than 0")
    return ((math.log(number) if parameter.log else number) - start) / width


def column(name: str, parameter: Parameter, values: list[Value]) -> Floats:
    """Return the unit coordinates (n,) of values of one parameter; SpaceError where one has none.

    They are those of `coordinate`, in a twentieth of the time where all values are plain numbers.
    """
    plain = isinstance(parameter, Real | Integer) and not {type(value) for value in values} - {float, int}
    numbers = np.array(values, dtype=np.float64) if plain else np.empty(0)
    if not plain or not np.all(np.isfinite(numbers)) or (parameter.log and np.any(numbers <= 0)):  # type: ignore[union-attr]
        return np.array([coordinate(name, parameter, value) for value in values], dtype=np.float64)
    start, width = start_and_width(parameter)
    if parameter.log:  # type: ignore[union-attr]
        numbers = np.array([math.log(value) for value in numbers.tolist()])
    return (numbers - start) / width


def inside(name: str, parameter: Parameter, value: Value) -> Value:
    """Return the value if it is allowed, as the type that the parameter has."""
    if isinstance(parameter, Choice):
        return parameter.choices[_index(name, parameter, value)]
    assert isinstance(parameter, Real | Integer)
    number = _finite(name, parameter, value)
    slack = 1e-9 * (parameter.high - parameter.low)  # a number that went through text or other units
    if not parameter.low - slack <= number <= parameter.high + slack:
        raise _outside(name, parameter, value)
    if isinstance(parameter, Integer):
        if number != round(number):
            raise _outside(name, parameter, value)
        return round(number)
    return min(max(number, parameter.low), parameter.high)


def _index(name: str, parameter: Choice, value: Value) -> int:
    for index, choice in enumerate(parameter.choices):
        if choice == value and isinstance(choice, bool) == isinstance(value, bool):
            return index
    raise _outside(name, parameter, value)


def _finite(name: str, parameter: Parameter, value: Value) -> float:
    if isinstance(value, bool | str | np.bool_):
        raise _outside(name, parameter, value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _outside(name, parameter, value) from None
    if not math.isfinite(number):
        raise _outside(name, parameter, value)
    return number


def _outside(name: str, parameter: Parameter, value: object) -> SpaceError:
    if isinstance(parameter, Choice):
        allowed = ", ".join(map(repr, parameter.choices))
    else:
        assert isinstance(parameter, Real | Integer)
        kind = "whole numbers" if isinstance(parameter, Integer) else "numbers"
        allowed = f"{kind} from {parameter.low} to {parameter.high}{parameter.unit and ' ' + parameter.unit}"
    return SpaceError(f"{name}: {show(value)} is given; allowed: {allowed}")
