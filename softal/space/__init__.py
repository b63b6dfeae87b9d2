"""The space of points: parameters with their ranges, constraints between them, unit coordinates."""

from softal.space.parameters import Choice, Derived, Fixed, Integer, Real
from softal.space.space import InvalidSpace, Space

__all__ = ["Choice", "Derived", "Fixed", "Integer", "InvalidSpace", "Real", "Space"]
