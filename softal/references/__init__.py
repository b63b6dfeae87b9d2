"""References: measured, calculated or simulated curves that those of a simulation are compared with."""

from softal.references.load import load_reference
from softal.references.reference import MIN_COVERAGE, Reference

__all__ = ["MIN_COVERAGE", "Reference", "load_reference"]
