"""Outcome constraints: what the values that a simulation returns must be, such as `pressure <= 5`.

They are known only after the simulation, and with its noise. Constraints between parameters, which are known before,
belong to the space.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from softal.errors import SoftalError
from softal.references.units import factor
from softal.trial import Observation

NAME = re.compile(r"[^\W\d][\w.-]*")
NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)")
SIGN = re.compile(r"(<=|>=|==|!=|<|>|=|≤|≥)")
EXAMPLES = "such as `pressure <= 5`, `0.7 <= density <= 0.8`, or `equilibrated == 1` for a mark that is 0 or 1"


@dataclass(frozen=True)
class Outcome:
    """low <= value <= high; `==` of a mark is low = high.

    Attributes:
        text: as it was written.
        value: name of the observation's value.
        low, high: in the unit of the value; infinite where there is no bound.
        above, below: whether the bound itself is excluded, as by `>` and `<`.
    """

    text: str
    value: str
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    @property
    def mark(self) -> bool:
        """Whether the value must equal 0 or 1."""
        return self.low == self.high

    def holds(self, value: float) -> bool:
        """Whether a value satisfies it."""
        over = value > self.low if self.above else value >= self.low
        return bool(over and (value < self.high if self.below else value <= self.high))

    def violation(self, value: float) -> float:
        """Return by how much a value violates it; 0 where it does not."""
        return max(self.low - value, value - self.high, 0.0)

    def of(self, observation: Observation | None) -> float:
        """Return the value in an observation; NaN where it has none."""
        return math.nan if observation is None else float(observation.values.get(self.value, math.nan))


def outcome(text: str, units: Mapping[str, str] | None = None) -> Outcome:
    """Read a constraint: `value <= number`, `number <= value <= number` and so on, or `mark == 1`.

    Args:
        text: the constraint; a number may have a unit.
        units: of the values, into which numbers with a unit are converted.

    Raises:
        SoftalError: it is none, saying what is allowed.
    """
    parts = [part.strip() for part in SIGN.split(text)]
    sides, signs = parts[::2], [{"≤": "<=", "≥": ">="}.get(sign, sign) for sign in parts[1::2]]
    if not signs or "" in sides or len(sides) > 3:
        raise SoftalError(f"`{text}` is no inequality; allowed is one value between numbers, {EXAMPLES}")
    names = [side for side in sides if not NUMBER.fullmatch(side)]
    if len(names) != 1 or not NAME.fullmatch(names[0]):
        arithmetic = "" if all(map(NAME.fullmatch, names)) else ": return what you calculate as a value of its own"
        raise SoftalError(
            f"`{text}` is not about one value; allowed is one value between numbers, {EXAMPLES}{arithmetic}"
        )
    unit = (units or {}).get(names[0], "")
    numbers = [None if side is names[0] else _number(side, names[0], unit, text) for side in sides]
    return _checked(_bounded(text, names[0], numbers, signs))


def _number(side: str, name: str, unit: str, text: str) -> float:
    found = NUMBER.fullmatch(side)
    assert found is not None
    if found[2] and not unit:
        raise SoftalError(
            f"`{text}` has the unit {found[2]!r}, but the simulator does not say in what unit {name!r} is"
        )
    try:
        return float(found[1]) * (factor(found[2], unit) if found[2] else 1.0)
    except SoftalError as error:
        raise SoftalError(f"`{text}`: {error}") from None


def _bounded(text: str, name: str, numbers: list[float | None], signs: list[str]) -> Outcome:
    if signs == ["="]:
        raise SoftalError(f"`{text}` is no inequality; `==` is for marks that are 0 or 1: {EXAMPLES}")
    if signs == ["=="]:
        number = next(one for one in numbers if one is not None)
        if number not in (0, 1):
            raise SoftalError(
                f"`{text}` is given, but `==` is for marks that are 0 or 1; a number takes an inequality, {EXAMPLES}"
            )
        return Outcome(text, name, number, number)
    if len({sign[0] for sign in signs}) > 1 or any(sign not in ("<", "<=", ">", ">=") for sign in signs):
        raise SoftalError(f"`{text}` does not ascend or descend; allowed are <=, <, >= and >, {EXAMPLES}")
    if signs[0][0] == ">":  # read it from the right
        numbers, signs = numbers[::-1], [sign.replace(">", "<") for sign in signs[::-1]]
    low, high, above, below = -math.inf, math.inf, False, False
    for i, sign in enumerate(signs):
        left, right = numbers[i], numbers[i + 1]
        if left is not None:
            low, above = left, sign == "<"
        if right is not None:
            high, below = right, sign == "<"
    return Outcome(text, name, low, high, above, below)


def _checked(found: Outcome) -> Outcome:
    if not found.mark and not found.low < found.high:
        raise SoftalError(f"`{found.text}` can never hold: {found.low:g} is not below {found.high:g}")
    return found
