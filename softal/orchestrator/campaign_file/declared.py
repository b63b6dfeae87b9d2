"""What the author's own simulator says of itself, kept in the journal: who looks at a campaign does not import it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from softal.errors import JournalError
from softal.outputs import Outputs
from softal.reading import boundary

if TYPE_CHECKING:
    from softal.cards import Card, Examples, View


@dataclass(frozen=True)
class Declared:
    """What a simulator declares.

    Attributes:
        outputs: of its values and arrays; None where it says nothing.
        targets: place in the campaign file -> the value that its own target there means.
        drawn: the author's own kinds, be they simulator, strategy or learner, that have cards of their own.
    """

    outputs: Outputs | None = None
    targets: Mapping[str, str] = field(default_factory=dict)
    drawn: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data, from which `from_json` makes the same."""
        outputs = None if self.outputs is None else self.outputs.to_json()
        return {"outputs": outputs, "targets": dict(self.targets), "drawn": list(self.drawn)}

    @classmethod
    def from_json(cls, data: Any, where: str) -> Declared:
        """Return what `to_json` said; JournalError where that is damaged, naming where it stood."""
        with boundary(JournalError, f"{where} is damaged: what the simulator declares"):
            outputs = data["outputs"]
            targets = {str(place): str(value) for place, value in data["targets"].items()}
            return cls(None if outputs is None else Outputs.from_json(outputs), targets, list(map(str, data["drawn"])))


class NotDrawn:
    """Stands for cards that only the campaign's own code draws, where that is not run."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def cards(self, view: View) -> Sequence[Card]:
        """Return a card that says how to have them."""
        from softal.cards import Card

        said = "They are drawn by code of the campaign's author, which looking at a campaign does not run."
        return [Card(f"Cards of {self.kind}", f"{said} `softal report DIR --own-code` runs it.")]

    def examples(self, view: View) -> Examples | None:
        """Return None: it knows of none."""
        return None
