"""What a simulator declares of its values and arrays, for whoever has to know them without knowing the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outputs:
    """Names of the values and arrays that a simulator declares to return.

    Attributes:
        values, arrays: their names.
        grid_units: units of the arrays' grids, into which references are converted; may leave some out.
        array_units: units of the arrays' values, likewise.
        value_units: units of the values, into which targets are converted; may leave some out.
        ranges: the lowest and highest number that a value can be, by its nature; may leave some out.
        marks: names of values that are 0 or 1.
        optional: names of values and arrays that are returned only where there are any; objectives cannot use them.
    """

    values: frozenset[str] = field(default_factory=frozenset)
    arrays: frozenset[str] = field(default_factory=frozenset)
    grid_units: Mapping[str, str] = field(default_factory=dict)
    array_units: Mapping[str, str] = field(default_factory=dict)
    value_units: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    optional: frozenset[str] = field(default_factory=frozenset)
