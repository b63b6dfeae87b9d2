"""What a card may ask of a campaign, and who makes cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from softal.answer import Answer
from softal.answer.optimum import Optimum
from softal.cards.card import Card
from softal.numeric import Floats
from softal.objective import Objective
from softal.outputs import Outputs
from softal.space import Space
from softal.trial import Array, Trial


@dataclass(frozen=True)
class Examples:
    """Trials that stand for what was found, such as one of each phase.

    Attributes:
        text: what they are, for a caption.
        trials: label and trial, in the order in which they are shown.
    """

    text: str
    trials: Sequence[tuple[str, Trial]]


@dataclass(frozen=True)
class Opinion:
    """What a surrogate says of a campaign; empty where it cannot be had.

    Attributes:
        optimum: where it expects the best point.
        curves: array -> grid, mean, standard deviation (k,) each, at the point that is shown.
        properties: value -> mean and standard deviation there.
        cards: its figures: slices, landscape, calibration, importance.
    """

    optimum: Optimum | None = None
    curves: Mapping[str, tuple[Floats, Floats, Floats]] = field(default_factory=dict)
    properties: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    cards: Sequence[Card] = ()


class View(Protocol):
    """A campaign as its cards see it; nothing in it can be changed. Trials come without arrays."""

    @property
    def space(self) -> Space:
        """Of the campaign."""

    @property
    def objective(self) -> Objective:
        """Of the campaign."""

    @property
    def outputs(self) -> Outputs:
        """What the simulator declares of its values and arrays; nothing where that is not known."""

    @property
    def finished(self) -> list[Trial]:
        """Finished trials in the order in which they finished."""

    @property
    def done(self) -> list[Trial]:
        """Trials that are done, in the order in which they finished."""

    @property
    def best(self) -> Trial | None:
        """The best trial; None where nothing is done, and for several objectives or `learn`."""

    @property
    def answer(self) -> Answer | None:
        """The best point by its repeats, by the surrogate, or the best trial; None where there is no best."""

    @property
    def shown(self) -> Trial | None:
        """The trial whose arrays are shown: of the answer, of the Pareto front, or the last one."""

    @property
    def label(self) -> str:
        """What is shown, for captions: `the answer`, `trial 17`."""

    @property
    def arrays(self) -> Mapping[str, Array]:
        """Arrays of what is shown, averaged over its runs."""

    @property
    def fractions(self) -> frozenset[str]:
        """Components of the objective whose values all lie in [0, 1], such as probabilities."""

    @property
    def examples(self) -> Examples:
        """Trials that stand for what was found: by the learner, by the strategy, or from first to last."""

    def with_arrays(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return those of the trials that are done, with the arrays of their observations, read from disk."""

    def table(self, name: str) -> Mapping[str, Any] | None:
        """Return a table of the latest learner or surrogate (`Learner.tables`); None where there is none.

        Raises:
            ValueError: if its file is damaged.
        """

    def text(self, name: str, value: float, error: float | None) -> str:
        """Return a component's value with its error as people read it."""

    def scored(self, trial: Trial, name: str) -> str:
        """Return a trial's value of a component with its error as people read it."""


class Advisor(Protocol):
    """A surrogate as pages ask it."""

    def answer(self, objective: Objective, space: Space, trials: Sequence[Trial]) -> Answer | None:
        """Return the best point by repeats, by the surrogate, or the best trial; None where there is no best."""

    def opinion(self, view: View) -> Opinion:
        """Return all that pages show of the surrogate."""


class Source(Protocol):
    """Who makes cards: simulators, strategies, surrogates, learners."""

    def cards(self, view: View) -> Sequence[Card]:
        """Return what it shows of a campaign."""

    def examples(self, view: View) -> Examples | None:
        """Return trials that stand for what it has found; None where it knows of none."""


def cards_of(view: View, sources: Sequence[Source]) -> list[Card]:
    """Return the cards of all sources, one of each title; a source that raises gets a card that says so."""
    found: dict[str, Card] = {}
    for source in sources:
        try:
            made = list(source.cards(view))
        except Exception as error:  # anybody's code: a card is not worth the page
            title = f"Cards of {getattr(source, 'kind', '') or type(source).__name__}"
            made = [Card(title, f"They could not be drawn: {type(error).__name__}: {error}")]
        for one in made:
            found.setdefault(one.title, one)
    return list(found.values())
