"""Configurations over the campaign: snapshots on their Voronoi tilings, and diffraction patterns."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from softal.numeric import number
from softal.tracking import snapshots
from softal.tracking.report import phases
from softal.tracking.report.data import CampaignData
from softal.tracking.report.generations import generations
from softal.tracking.report.parts import Card, Key, Picture, Section
from softal.tracking.report.statistics import thin
from softal.tracking.snapshots import Snapshot
from softal.trial import Trial

MAX_CARDS = 8
MAX_PARAMETERS = 6


def section(data: CampaignData) -> Section | None:
    """Return the section; None where no trial has a snapshot."""
    by_phase, by_generation = phases.examples(data)[:MAX_CARDS], _of_generations(data)
    chosen = by_phase or by_generation or _of_quarters(data)
    trials = data.with_arrays([trial for _, trial in chosen])
    cards = [card for (label, _), trial in zip(chosen, trials, strict=True) if (card := _card(data, label, trial))]
    if not cards:
        return None
    what = "The best trial of each generation shown" if by_generation else "Trials from first to last"
    what = "For each phase the trial that is most probably of it" if by_phase else what
    return Section(
        "Snapshots",
        f"{what}: the last configuration, as hard cores on their Voronoi cells, coloured by number of sides "
        "(short ones are not counted), and the diffraction pattern S(k), averaged over the trial's snapshots.",
        keys=_keys(),
        cards=cards,
    )


def _of_generations(data: CampaignData) -> list[tuple[str, Trial]]:
    """Return label and best trial of generations that are evenly spread, the last and the best one included."""
    if not data.objective.single or data.objective.learning:
        return []
    found = [(one.name, best) for one in generations(data) if (best := data.objective.best(list(one.trials)))]
    spread = [found[i] for i in thin(len(found), MAX_CARDS)]
    missing = [pair for pair in found if data.best is not None and pair[1].id == data.best.id and pair not in spread]
    if missing and len(spread) == MAX_CARDS:
        spread.pop(min(range(1, MAX_CARDS - 1), key=lambda i: abs(found.index(spread[i]) - found.index(missing[0]))))
    return sorted([*spread, *missing], key=found.index)


def _of_quarters(data: CampaignData) -> list[tuple[str, Trial]]:
    """Return label and trial: the first, those at the quarters, the best and the last."""
    done = data.done
    labels: dict[int, str] = {}
    for label, part in (("first", 0.0), ("a quarter", 0.25), ("half", 0.5), ("three quarters", 0.75), ("last", 1.0)):
        if done:
            labels.setdefault(round(part * (len(done) - 1)), label)
    if data.best is not None:
        place = next(i for i, trial in enumerate(done) if trial.id == data.best.id)
        labels[place] = "best"
    return [(label, done[place]) for place, label in sorted(labels.items())]


def _card(data: CampaignData, label: str, trial: Trial) -> Card | None:
    snapshot = Snapshot.of(trial.observation.arrays) if trial.observation else None
    if snapshot is None:
        return None
    what = f"trial {trial.id}"
    pictures = [Picture(_address(snapshots.configuration_png(snapshot)), f"{what}: configuration and Voronoi cells")]
    if pattern := snapshots.pattern_png(snapshot):
        pictures.append(Picture(_address(pattern), f"{what}: diffraction pattern"))
    return Card(f"{label} · {what}", _lines(data, trial, snapshot), pictures)


def _lines(data: CampaignData, trial: Trial, snapshot: Snapshot) -> Sequence[str]:
    scores = [f"{name.replace('_', ' ')} = {data.scored(trial, name)}" for name in data.objective.names]
    names = [name for name in data.space.names if name in trial.point][:MAX_PARAMETERS]
    point = ", ".join(f"{name.replace('_', ' ')} = {number(trial.point[name], 3)}" for name in names)
    return [*scores, point, *[snapshot.view] * bool(snapshot.view)]


def _address(png: bytes) -> str:
    return "data:image/png;base64," + b64encode(png).decode()


def _keys() -> list[Key]:
    fewest = min(snapshots.SIDES)
    names = {n: f"{n} sides" + " or fewer" * (n == fewest) for n in snapshots.SIDES}
    keys = [Key(names[n], [colour]) for n, colour in snapshots.SIDES.items()]
    return [*keys, Key("more", [snapshots.OTHER_SIDES]), Key("S(k)", snapshots.PATTERN_COLOURS, "0", "high")]
