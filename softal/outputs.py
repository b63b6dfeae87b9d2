"""What a simulator declares of its values and arrays, for whoever has to know them without knowing the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

LogAxes = Literal["none", "grid", "both"]


@dataclass(frozen=True)
class Flaws:
    """Which runs, though they ended well, are no results to learn from, by their values.

    Attributes:
        marks: values that are 0 or 1, each with the number that says so.
        elsewhere: those of them that say that the system became something else, such as a crystal: nothing is known
            of states that are closer to such a run than to any good one.
    """

    marks: Mapping[str, float] = field(default_factory=dict, hash=False)
    elsewhere: frozenset[str] = frozenset()

    def of(self, values: Mapping[str, float]) -> str | None:
        """Return the first mark that the values of a run have; None for a good run."""
        return next((name for name, number in self.marks.items() if values.get(name) == number), None)

    def word(self, mark: str) -> str:
        """Return what a run with a mark is, in words: `crystallized` for 1, `not equilibrated` for 0."""
        return mark if self.marks[mark] else f"not {mark}"


@dataclass(frozen=True)
class Known:
    """What is known of a curve without any simulation; the texts are expressions of the parameters.

    Distances are measured from the middle of the array's grid, in its unit.

    Attributes:
        positive: whether it is nowhere negative.
        symmetric: whether it reads the same backwards, such as a density between two equal walls.
        support: distance beyond which it is zero, such as `(h - 0.8*d) / (2*h)` in the walls' core.
        contact: distance from which on it falls to zero, such as `(h - d) / (2*h)` where ions touch a wall.
        integral: its integral over the grid, such as the number of ions; charges that add up are neutral.
        defaults: values of parameters that a point may lack, as the simulator has them.
    """

    positive: bool = False
    symmetric: bool = False
    support: str | None = None
    contact: str | None = None
    integral: str | None = None
    defaults: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Outputs:
    """Names of the values and arrays that a simulator declares to return.

    Attributes:
        values, arrays: their names.
        grid_units: units of the arrays' grids, into which references are converted; may leave some out.
        array_units: units of the arrays' values, likewise.
        symbols: of the arrays' grids, as axes are labelled: r, k, t; may leave some out.
        log_axes: array -> which axes are logarithmic where it is drawn; where nothing is said, the grid's spacing does.
        known: array -> what is known of it without a simulation, for learners of curves.
        pictured: arrays that only pictures show: they are never drawn as curves.
        words: array of whole numbers -> what 0, 1, ... of them mean, for learners of labels; may leave some out.
        value_units: units of the values, into which targets are converted; may leave some out.
        ranges: the lowest and highest number that a value can be, by its nature; may leave some out.
        marks: names of values that are 0 or 1.
        flaws: those of them by which a run is no result to learn from.
        optional: names of values and arrays that are returned only where there are any; objectives cannot use them.
    """

    values: frozenset[str] = field(default_factory=frozenset)
    arrays: frozenset[str] = field(default_factory=frozenset)
    grid_units: Mapping[str, str] = field(default_factory=dict)
    array_units: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    log_axes: Mapping[str, LogAxes] = field(default_factory=dict)
    known: Mapping[str, Known] = field(default_factory=dict)
    pictured: frozenset[str] = frozenset()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    value_units: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    flaws: Flaws = field(default_factory=Flaws)
    optional: frozenset[str] = field(default_factory=frozenset)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, from which `from_json` makes the same."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outputs:
        """Return what `to_json` said; ValueError, TypeError or the like where that is damaged."""
        flaws = data["flaws"]
        named: dict[str, Any] = {
            name: frozenset(map(str, data[name])) for name in ("values", "arrays", "pictured", "marks", "optional")
        }
        for name in ("grid_units", "array_units", "symbols", "log_axes", "value_units"):
            named[name] = {str(key): str(text) for key, text in data[name].items()}
        return cls(
            **named,
            ranges={str(name): (float(low), float(high)) for name, (low, high) in data["ranges"].items()},
            known={str(name): Known(**one) for name, one in data["known"].items()},
            # Older journals have none.
            words={str(name): tuple(map(str, words)) for name, words in data.get("words", {}).items()},
            flaws=Flaws(
                {str(name): float(number) for name, number in flaws["marks"].items()},
                frozenset(map(str, flaws["elsewhere"])),
            ),
        )


def _plain(value: Any) -> Any:
    """Return mappings, sets and tuples as JSON has them; numbers of numpy as Python's."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, frozenset | set | tuple | list):
        return [_plain(one) for one in (sorted(value) if isinstance(value, frozenset | set) else value)]
    return value if value is None or isinstance(value, str | bool | int) else float(value)
