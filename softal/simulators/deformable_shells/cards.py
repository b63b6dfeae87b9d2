"""Cards of deformable shells."""

from __future__ import annotations

from collections.abc import Sequence

from softal.cards import Card, View


def cards(view: View, snapshots: Sequence[Card]) -> list[Card]:
    """Return them."""
    return list(snapshots)
