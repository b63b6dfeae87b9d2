"""A target: a measured or published number that a value of a simulation is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from softal.errors import SoftalError
from softal.references.units import factor


@dataclass(frozen=True)
class Target:
    """What a value shall be, and how far from it counts as one.

    Attributes:
        value: name of the observation's value.
        target: what it shall be [`unit`].
        tolerance: the deviation that counts as one, such as the measurement's error [`unit`]; above 0.
        weight: of this value among the parts of one match.
        unit: of target and tolerance; empty where it is not known.

    Raises:
        SoftalError: the target is not finite, or tolerance or weight are not above 0.
    """

    value: str
    target: float
    tolerance: float
    weight: float = 1.0
    unit: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.target):
            raise SoftalError(f"the target of {self.value!r} is {self.target}; a finite number is allowed")
        for name, given in (("tolerance", self.tolerance), ("weight", self.weight)):
            if not 0 < given < math.inf:
                raise SoftalError(f"the {name} of {self.value!r} is {given}; a finite number above 0 is allowed")

    def converted(self, unit: str) -> Target:
        """Return the target in another unit; where a unit is not known, or empty, the numbers stay as they are.

        Raises:
            SoftalError: if the unit cannot be converted.
        """
        size = factor(self.unit, unit) if self.unit and unit else 1.0
        return replace(self, target=self.target * size, tolerance=self.tolerance * size, unit=unit or self.unit)

    def deviation(self, value: float, error: float = math.nan) -> tuple[float, float]:
        """Return x = (value - target) / tolerance and its standard error, without unit."""
        return (value - self.target) / self.tolerance, error / self.tolerance
