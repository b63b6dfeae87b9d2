"""Cards: what simulators, strategies and learners show of a campaign, in the report, in MLflow, wherever people look.

`cards(view)` of a kind returns them. A card has a title, words, figures (Plotly's, in the look of `theme`), keys to
colours, pictures and tables; `view` is all that it may ask of the campaign.
"""

from __future__ import annotations

from softal.cards.card import Card, Frame, Key, Panel, Picture, Table, card, panel
from softal.cards.view import Advisor, Examples, Opinion, Source, View

__all__ = [
    "Advisor",
    "Card",
    "Examples",
    "Frame",
    "Key",
    "Opinion",
    "Panel",
    "Picture",
    "Source",
    "Table",
    "View",
    "card",
    "panel",
]
