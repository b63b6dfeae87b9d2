"""What people have changed of a campaign since it was launched: settings, ranges, trials that are dropped.

Changes are a fact about the campaign in its journal, `changes`, in their order; each says at which trial it was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from softal.errors import JournalError
from softal.kinds.validation import show
from softal.reading import boundary

CHANGES = "changes"  # the fact's name


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        at: when [s since 1970].
        trial: number that the next trial had then.
        what: a place in the campaign file, or `trial 17`.
        before, after: what stood there, as JSON has it; None is nothing.
        why: what the user said of it.
        anew: whether a new strategy began with it, which knows all results.
    """

    at: float
    trial: int
    what: str
    before: Any
    after: Any
    why: str = ""
    anew: bool = False

    @property
    def values(self) -> str:
        """What stood there and what stands there now, such as `1 -> 2`."""
        return " -> ".join("nothing" if value is None else _text(value) for value in (self.before, self.after))

    @property
    def words(self) -> str:
        """Return it in words, such as `space.x.high 1 -> 2`."""
        return f"{self.what} {self.values}" + (f" ({self.why})" if self.why else "")

    @property
    def sentence(self) -> str:
        """Return it with its place, such as `changed at trial 31: space.x.high 1 -> 2`."""
        return f"changed at trial {self.trial}: {self.words}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data, of which `changes_in` makes the same."""
        return asdict(self)


def changes_in(info: Mapping[str, Any]) -> list[Change]:
    """Return the changes that the facts of a journal hold; JournalError where they are damaged."""
    with boundary(JournalError, f"the journal is damaged: its {CHANGES}"):
        return [_read(record) for record in info.get(CHANGES, [])]


def with_more(info: Mapping[str, Any], more: Sequence[Change]) -> list[dict[str, Any]]:
    """Return the fact with further changes."""
    return [change.to_json() for change in [*changes_in(info), *more]]


def began(info: Mapping[str, Any]) -> tuple[int, int]:
    """Return the number of the present strategy's first trial, and how many strategies there were before."""
    trials = sorted({change.trial for change in changes_in(info) if change.anew})
    times = {change.at for change in changes_in(info) if change.anew}
    return (trials[-1] if trials else 0), len(times)


def _read(record: Mapping[str, Any]) -> Change:
    change = Change(**record)
    numbers, texts = (change.at, change.trial), (change.what, change.why)
    if not all(type(one) in (int, float) for one in numbers) or not all(isinstance(one, str) for one in texts):
        raise TypeError(f"one of them is {show(record)}")
    return change


def _text(value: Any) -> str:
    return value if isinstance(value, str) else show(value)
