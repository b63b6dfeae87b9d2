"""What `softal classify` prints: the part of the particles in each structure, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from softal.cards.text import percent
from softal.orchestrator.classified import Classified, colours
from softal.terminal.columns import Column, show_columns
from softal.terminal.output import Terminal, plain

MOST = 20  # frames that are printed


def show_classified(console: Terminal, found: Classified) -> None:
    """Print a table of fractions, its last frames, and where the labelled file is."""
    shown = range(max(0, len(found.steps) - MOST), len(found.steps))
    frames = "1 frame" if len(found.steps) == 1 else f"{len(found.steps)} frames"
    console.say((f"{plain(found.file)}", "bold"), f"  {frames}, {found.particles} particles")
    several = len(shown) > 1
    columns = [
        Column("frame", [*(str(i) for i in shown), *["mean"] * several]),
        Column("step", [*(str(found.steps[i]) for i in shown), *[""] * several]),
    ]
    for name in found.names:
        mean = percent(float(np.mean([one[name] for one in found.fractions])))
        columns.append(Column(plain(name), [*(percent(found.fractions[i][name]) for i in shown), *[mean] * several]))
    show_columns(console, columns)
    console.say(f"Written  {plain(found.written)}  (properties `label` and `probability` of each particle)")


def show_picture(console: Terminal, path: Path, names: Sequence[str]) -> None:
    """Print where the picture is, and which colour is which structure's."""
    shades = zip(names, colours(names), strict=True)
    swatches = [part for name, colour in shades for part in (("  \u25cf ", colour), f"{plain(name)} {colour}")]
    console.say(f"Picture  {plain(path)}", *swatches)
