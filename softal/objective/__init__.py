"""The objective: what is made of observations, what is best, and what else must hold."""

from softal.objective.component import MISMATCH, Component
from softal.objective.objective import Objective, Part, learn, match, maximize, minimize, several
from softal.references import Reference, Target, load_reference

__all__ = [
    "MISMATCH", "Component", "Objective", "Part", "Reference", "Target", "learn", "load_reference", "match", "maximize",
    "minimize", "several",
]  # fmt: skip
