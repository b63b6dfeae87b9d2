"""Ions between charged planes: softal's density profiles beside the authors', bin by bin in units of the joint error.

    python benchmarks/confined_ions_reference.py runs/ions_reference --sampling 500 --docs docs/confined_ions.md

Each of the 24 systems in tests/validation/data/confined_ions_charged_walls.csv is simulated with the authors' numbers
of ions (`composition: paper`) and kept as one .npz in the folder, so that a run that was stopped goes on with the
next system, and one with a longer sampling begins anew. Profiles with fine bins are averaged over the authors' bins.
`--show` compares what is there. Errors are joined in quadrature; neighbouring bins are correlated, in both.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from softal.simulators.base import Context
from softal.simulators.confined_ions.confined_ions import ConfinedIons
from softal.trial import Observation

Floats = NDArray[np.float64]

TABLE = Path(__file__).parents[1] / "tests/validation/data/confined_ions_charged_walls.csv"
DIAMETER, WIDTH = 0.415, 0.02075  # of the ions, of the authors' bins [nm]
BINS = 1000  # of the slab
KINDS = ("p", "n")
MARKS = "<!-- reference: begin -->", "<!-- reference: end -->"


@dataclass(frozen=True)
class Reference:
    """A system of the authors': its point, middle of the bins z < 0 (b,) [nm], density and error [mol/l] by kind."""

    number: int
    point: Mapping[str, float]
    z: Floats
    density: Mapping[str, Floats]
    error: Mapping[str, Floats]


def references(table: Path = TABLE) -> list[Reference]:
    """Return the systems in the order of their ions, fewest first, which are the quickest."""
    lines = [line for line in table.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows: dict[int, list[dict[str, str]]] = {}
    for row in csv.DictReader(lines):
        rows.setdefault(int(row["system"]), []).append(row)
    found = [_reference(number, some) for number, some in rows.items()]
    return sorted(found, key=lambda one: one.point["c"] * one.point["h"] * (2.25 if one.point["c"] <= 0.5 else 1.0))


def _reference(number: int, rows: Sequence[Mapping[str, str]]) -> Reference:
    def column(name: str) -> Floats:
        return np.array([float(row[name]) for row in rows])

    point = {name: float(rows[0][name]) for name in ("h", "c", "surface_charge")}
    return Reference(
        number,
        {**point, "d": DIAMETER},
        column("z"),
        {kind: column(f"density_{kind}") for kind in KINDS},
        {kind: column(f"error_{kind}") for kind in KINDS},
    )


def simulate(reference: Reference, sampling: float, seed: int) -> Observation:
    """Return the simulation of a system, `sampling` in ps."""
    settings = {"composition": "paper", "bins": BINS, "sampling": sampling}
    return ConfinedIons(settings).run(dict(reference.point), Context(Path(), seed))


def averaged(values: Floats, h: float, z: Floats, width: float = WIDTH) -> Floats:
    """Return a folded profile (n,) on z/h from -1/2 to 0 averaged over bins of a width around z (b,) [nm]."""
    edges = np.linspace(-h / 2, 0, len(values) + 1)
    below = np.concatenate([[0.0], np.cumsum(values)]) * h / 2 / len(values)
    return np.asarray((np.interp(z + width / 2, edges, below) - np.interp(z - width / 2, edges, below)) / width)


@dataclass(frozen=True)
class Comparison:
    """One system: scores (b,) of each kind, where either has ions; relative L2 distance; mean errors [mol/l]."""

    reference: Reference
    scores: Mapping[str, Floats]
    distance: Mapping[str, float]
    errors: tuple[float, float]
    sampling: float
    gain: float


def compare(reference: Reference, run: Mapping[str, Floats]) -> Comparison:
    """Return how far a run's profiles are from the authors'."""
    scores, distance, ours, theirs = {}, {}, [], []
    for kind in KINDS:
        h, z = float(reference.point["h"]), reference.z
        mine, error = (averaged(run[f"{what}_{kind}"], h, z) for what in ("density", "error"))
        there = (mine > 0.02 * mine.max()) & (reference.density[kind] > 0.02 * mine.max())
        joint = np.hypot(error, reference.error[kind])[there]
        difference = (mine - reference.density[kind])[there]
        scores[kind] = difference / joint
        distance[kind] = float(np.linalg.norm(difference) / np.linalg.norm(reference.density[kind][there]))
        ours.append(error[there].mean())
        theirs.append(reference.error[kind][there].mean())
    mean_errors = float(np.mean(ours)), float(np.mean(theirs))
    return Comparison(reference, scores, distance, mean_errors, float(run["sampling"]), float(run["gain"]))


def kept(observation: Observation, seconds: float, sampling: float) -> dict[str, Floats]:
    """Return what is kept of a run, as arrays."""
    arrays: dict[str, Floats] = {}
    for kind in KINDS:
        folded = observation.arrays[f"density_{kind}_folded"]
        assert folded.errors is not None
        arrays |= {f"density_{kind}": folded.values, f"error_{kind}": folded.errors}
    numbers = {"seconds": seconds, "sampling": sampling, **observation.values}
    return arrays | {name: np.array(value) for name, value in numbers.items()}


def table(comparisons: Sequence[Comparison]) -> str:
    """Return the comparison as Markdown."""
    columns = (
        "h [nm]", "c [mol/l]", "C/m^2", "bins within 1, 2 joint errors", "root mean square score (+, -)",
        "relative distance (+, -)", "mean error, ours / theirs [mol/l]", "gain", "sampling [ps]",
    )  # fmt: skip
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    rows = [head]
    for one in comparisons:
        point, every = one.reference.point, np.abs(np.concatenate(list(one.scores.values())))
        rms = ", ".join(f"{np.sqrt(np.mean(one.scores[kind] ** 2)):.2f}" for kind in KINDS)
        far = ", ".join(f"{one.distance[kind]:.2%}" for kind in KINDS)
        rows.append(
            f"| {point['h']:g} | {point['c']:g} | {point['surface_charge']:g} | {np.mean(every < 1):.0%}, "
            f"{np.mean(every < 2):.0%} | {rms} | {far} | {one.errors[0]:.4f} / {one.errors[1]:.4f} | "
            f"{one.gain:.1f} | {one.sampling:.0f} |"
        )
    every = np.abs(np.concatenate([one.scores[kind] for one in comparisons for kind in KINDS]))
    rows.append(
        f"\n{len(comparisons)} systems, {len(every)} bins: {np.mean(every < 1):.1%} within one, "
        f"{np.mean(every < 2):.1%} within two joint standard errors, root mean square {np.sqrt(np.mean(every**2)):.2f}."
    )
    return "\n".join(rows)


def main() -> None:
    """Simulate what is not there yet, print the table, and write it into the docs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sampling", type=float, default=500.0, help="[ps]")
    parser.add_argument("--systems", type=int, default=24, help="so many, those with the fewest ions first")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of the systems")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="simulate nothing")
    parser.add_argument("--docs", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    done = []
    for reference in references()[: arguments.systems]:
        path = arguments.folder / f"{reference.number:03d}_{arguments.sampling:g}ps_{arguments.seed}.npz"
        wanted = not arguments.show and (arguments.only is None or reference.number in arguments.only)
        if wanted and not path.exists():
            begun = time.perf_counter()
            observation = simulate(reference, arguments.sampling, arguments.seed)
            np.savez(path, **kept(observation, time.perf_counter() - begun, arguments.sampling))
        if runs := [dict(np.load(one)) for one in arguments.folder.glob(f"{reference.number:03d}_*.npz")]:
            done.append(compare(reference, max(runs, key=lambda run: float(run["sampling"]))))
            print(table(done[-1:]).splitlines()[2], flush=True)
    if done:
        text = table(done)
        print(text)
        if arguments.docs:
            page, (begin, end) = arguments.docs.read_text(encoding="utf-8"), MARKS
            new = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)
            arguments.docs.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
