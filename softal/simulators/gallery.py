"""The card of configurations over the campaign: snapshots on their Voronoi tilings, and in space."""

from __future__ import annotations

from collections.abc import Sequence

from softal.cards.card import Card, Frame, Key
from softal.cards.view import View
from softal.numeric import number
from softal.simulators import in_space, snapshots
from softal.simulators.snapshots import Snapshot
from softal.trial import Trial

MAX_FRAMES = 8
MAX_PARAMETERS = 6


def cards(view: View) -> list[Card]:
    """Return the card; none where no trial has a snapshot, or a configuration in space."""
    shown = view.examples
    chosen = shown.trials[:MAX_FRAMES]
    trials = view.with_arrays([trial for _, trial in chosen])
    frames = [one for (label, _), trial in zip(chosen, trials, strict=True) if (one := _frame(view, label, trial))]
    if not frames:
        return _cards_in_space(view, [label for label, _ in chosen], trials)
    text = (
        f"{shown.text}: the last configuration, as hard cores on their Voronoi cells, coloured by number of sides "
        "(short ones are not counted), and the diffraction pattern S(k), averaged over the trial's snapshots."
    )
    return [Card("Snapshots", text, keys=_keys(), frames=frames, arrays=frozenset(snapshots.NAMES))]


def _cards_in_space(view: View, labels: Sequence[str], trials: Sequence[Trial]) -> list[Card]:
    frames, seen = [], set()
    for label, trial in zip(labels, trials, strict=True):
        found = in_space.picture(trial.observation.arrays, f"trial {trial.id}") if trial.observation else None
        if found is not None and trial.observation:
            frames.append(Frame(f"{label} · trial {trial.id}", _lines(view, trial), [found]))
            seen |= set(in_space.labels_of(trial.observation.arrays))
    words, colours = view.objective.words.get(in_space.COLOURS[0], ()), in_space.PALETTE
    keys = [Key(words[k], [colours[k % len(colours)]]) for k in sorted(seen) if k < len(words)]
    text = f"{view.examples.text}: the last configuration in its periodic box."
    return [Card("Configurations", text, keys=keys, frames=frames, arrays=frozenset(in_space.NAMES))] if frames else []


def _frame(view: View, label: str, trial: Trial) -> Frame | None:
    snapshot = Snapshot.of(trial.observation.arrays) if trial.observation else None
    if snapshot is None:
        return None
    return Frame(
        f"{label} · trial {trial.id}",
        _lines(view, trial, snapshot.view),
        snapshots.pictures(snapshot, f"trial {trial.id}"),
    )


def _lines(view: View, trial: Trial, seen: str = "") -> Sequence[str]:
    scores = [f"{name.replace('_', ' ')} = {view.scored(trial, name)}" for name in view.objective.names]
    names = [name for name in view.space.names if name in trial.point][:MAX_PARAMETERS]
    point = ", ".join(f"{name.replace('_', ' ')} = {number(trial.point[name], 3)}" for name in names)
    return [*scores, point, *[seen] * bool(seen)]


def _keys() -> list[Key]:
    fewest = min(snapshots.SIDES)
    names = {n: f"{n} sides" + " or fewer" * (n == fewest) for n in snapshots.SIDES}
    keys = [Key(names[n], [colour]) for n, colour in snapshots.SIDES.items()]
    return [*keys, Key("more", [snapshots.OTHER_SIDES]), Key("S(k)", snapshots.PATTERN_COLOURS, "0", "high")]
