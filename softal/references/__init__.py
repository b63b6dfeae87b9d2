"""References: measured, calculated or simulated curves and numbers that those of a simulation are compared with."""

from softal.references.load import load_reference
from softal.references.reference import MIN_COVERAGE, Reference
from softal.references.target import Target

__all__ = ["MIN_COVERAGE", "Reference", "Target", "load_reference"]
