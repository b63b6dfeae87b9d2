"""Pages of cards: HTML that needs nothing but itself, in the look of the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from softal.cards.card import Card

if TYPE_CHECKING:
    from jinja2 import Template

HERE = files("softal.cards")


def write_page(cards: Sequence[Card], title: str, path: Path) -> Path:
    """Write cards as a page of their own, and return its path."""
    page = template(HERE / "page.html.j2").render(cards=cards, title=title, **assets())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path


def template(path: Traversable) -> Template:
    """Return a page's template; in it `card.html.j2` can be imported, which draws cards and tables."""
    from jinja2 import Environment, FunctionLoader

    loader = FunctionLoader(lambda name: (HERE / name).read_text(encoding="utf-8"))
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(path.read_text(encoding="utf-8"))


def assets() -> dict[str, str]:
    """Return what a page needs: style sheet, script, and Plotly."""
    from plotly.offline import get_plotlyjs

    return {
        "style": (HERE / "page.css").read_text(encoding="utf-8"),
        "script": (HERE / "page.js").read_text(encoding="utf-8"),
        "plotly": get_plotlyjs().replace("</script", "<\\/script"),
    }


def file_name(title: str) -> str:
    """Return the name of a card's page: `Memory function` is `memory_function.html`."""
    return (re.sub(r"\W+", "_", title.lower()).strip("_")[:80] or "card") + ".html"
