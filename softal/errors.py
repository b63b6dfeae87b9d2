"""Every error that softal raises on purpose.

SoftalError
├── CampaignFileError        the campaign file has mistakes (all of them at once)
├── CampaignStateError       the campaign's folder does not allow what was asked
├── JournalError             the campaign's journal cannot be read or written: damaged, locked
│   └── NoRoomForJournal     its disk is full
├── ExecutorGone             what runs simulations and agents is not there any more: Ray was killed, or its machine
├── SpaceError               a point, a parameter or an expression does not fit the space
├── SimulationError          one evaluation failed: the trial becomes `failed`, with this as its reason
│   ├── WalltimeExceeded     it ran longer than `workers.walltime`
│   └── InvalidObservation   it returned something that the objective or its declaration does not allow
│       └── NotReturned      it did not return what the objective needs: nor will any other
├── StrategyError            a strategy was asked or told something impossible
├── SurrogateError           a surrogate or learner was used before it was fitted, or with data that it cannot take
├── TrajectoryError          a file of configurations cannot be read, or has no box
├── TheoryError              an equation was given what it cannot be solved for, or has no solution
└── EngineUnavailable        a simulation engine is not installed here
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SoftalError(Exception):
    """Base of all errors of softal; its text is written for the user."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a campaign file: where it is, and what is wrong and allowed there."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class CampaignFileError(SoftalError):
    """The campaign file has mistakes; `problems` lists every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CampaignStateError(SoftalError):
    """The campaign's folder does not allow what was asked: it exists already, is in use, or differs."""


class JournalError(SoftalError):
    """The campaign's journal cannot be read or written; the text says what to do."""


class NoRoomForJournal(JournalError):
    """The disk of the campaign's journal is full; once there is room, the same can be written."""


class ExecutorGone(SoftalError):
    """What runs simulations and agents is not there any more; what they were doing can be done again elsewhere."""


class SpaceError(SoftalError):
    """A point, a parameter or an expression does not fit the space."""


class SimulationError(SoftalError):
    """One evaluation failed. Raise it in a simulator to give a failed trial its reason."""


class WalltimeExceeded(SimulationError):
    """The simulation ran longer than its walltime."""


class InvalidObservation(SimulationError):
    """The simulation returned something that its declaration or the objective does not allow."""


class NotReturned(InvalidObservation):
    """The simulation did not return what the objective needs: a mistake in the campaign, not in one simulation."""


class StrategyError(SoftalError):
    """A strategy was asked or told something impossible."""


class SurrogateError(SoftalError):
    """A surrogate or learner was used before it was fitted, or with data that it cannot take."""


class TheoryError(SoftalError):
    """An equation was given what it cannot be solved for (curve, spectrum, memory function), or has no solution."""


class TrajectoryError(SoftalError):
    """A file of configurations cannot be read: its text, its box, its particles."""


class EngineUnavailable(SoftalError):
    """A simulation engine is not installed here; the text says how to get it."""
