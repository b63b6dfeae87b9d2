"""Spheres of one or two kinds to start from: crystals, mixtures without order, two phases side by side in one box.

Lengths are in units of the large spheres' diameter sigma; a packing fraction is pi / 6 sum d^3 / V.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from softal.errors import SimulationError, TheoryError
from softal.numeric import Floats
from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.system import Configuration
from softal.theory import crystals
from softal.theory.crystals import Cell, Ints

ATTEMPTS = 5
LOOSEST = 0.58  # packing fraction of mixtures that are pushed apart; random packings are jammed a little above
NEAR = 0.05  # by how much the number of a crystal's particles may differ from the wanted one, over it
STRAIN = 0.05  # of the second one of two phases, at most
FLUID = crystals.ENVIRONMENTS.index("fluid")


@dataclass(frozen=True)
class Start:
    """A configuration with the environment of each particle, labels (N,) that count `crystals.ENVIRONMENTS`."""

    configuration: Configuration
    labels: Ints


def crystal(structure: str, n: int, packing: float, size_ratio: float = 1.0, *, shortest: float = 2.0) -> Start:
    """Return a crystal of whole cells, as near to n particles and to a cube as can be.

    Args:
        structure: one of `crystals.STRUCTURES`.
        n: number of particles that is wanted; it may be 5 % off.
        packing: packing fraction.
        size_ratio: small over large; of structures of one kind it counts for nothing.
        shortest: that an edge may be [sigma].

    Raises:
        SimulationError: in one line, that the structure is unknown, or does not fit the number, the packing fraction
            or the size ratio.
    """
    found = _fitting(structure, packing, size_ratio)
    scale = _scale(found, packing, size_ratio)
    repeats = _repeats(structure, found, n, scale, shortest)
    return _repeated(found, repeats, scale, size_ratio)


def mixture(
    n: int, packing: float, size_ratio: float = 1.0, small_fraction: float = 0.0, *, seed: int = 0,
) -> Start:  # fmt: skip
    """Return spheres without order that do not overlap; it is no equilibrium.

    Args:
        n: number of particles.
        packing: packing fraction, up to 0.58.
        size_ratio: small over large.
        small_fraction: the part of the particles that are small.
        seed: of the random numbers.

    Raises:
        SimulationError: if the particles do not fit.
    """
    rng = np.random.default_rng(seed)
    d = np.ones(n)
    d[n - round(small_fraction * n) :] = size_ratio
    volume = math.pi / 6 * float((d**3).sum()) / packing
    box = np.full(3, math.cbrt(volume))
    for _ in range(ATTEMPTS if packing <= LOOSEST and box.min() >= 2 else 0):
        x = starts.pushed_apart(rng.random((n, 3)) * box, box, d)
        if starts.apart(x, box, d) >= 1:
            return Start(Configuration(x, box, diameters=d), np.full(n, FLUID))
    raise SimulationError(_no_fluid(n, packing, box))


def beside_fluid(
    first: Start, n: int, packing: float, size_ratio: float, small_fraction: float, seed: int = 0
) -> Start:
    """Return a phase and a fluid of n particles behind it along z, in a box that has room for both and no more.

    The fluid is made in the room that is left, so that there is no gap; where both meet spheres are pushed a little.

    Args:
        first: the phase.
        n, packing, size_ratio, small_fraction, seed: of the fluid, as of `mixture`.

    Raises:
        SimulationError: if the particles do not fit.
    """
    rng = np.random.default_rng(seed)
    own, d = first.configuration, np.ones(n)
    assert own.diameters is not None
    d[n - round(small_fraction * n) :] = size_ratio
    deep = math.pi / 6 * float((d**3).sum()) / packing / float(own.box[0] * own.box[1])
    box = own.box + np.array([0.0, 0.0, deep])
    widths = np.concatenate([own.diameters, d])
    for _ in range(ATTEMPTS if packing <= LOOSEST and deep >= 2 else 0):
        fluid = rng.random((n, 3)) * [box[0], box[1], deep] + [0.0, 0.0, own.box[2]]
        x = starts.pushed_apart(np.concatenate([own.positions, fluid]), box, widths)
        if starts.apart(x, box, widths) >= 1:
            return Start(Configuration(x, box, diameters=widths), np.append(first.labels, np.full(n, FLUID)))
    raise SimulationError(_no_fluid(n, packing, np.append(own.box[:2], deep)))


def too_dense(n: int, packing: float, size_ratio: float, small_fraction: float) -> str | None:
    """Return in one line that `mixture` need not be tried in a cube; None where it may."""
    small = round(small_fraction * n)
    box = np.full(3, math.cbrt(math.pi / 6 * (n - small + small * size_ratio**3) / packing))
    return None if packing <= LOOSEST and box.min() >= 2 else _no_fluid(n, packing, box)


def _no_fluid(n: int, packing: float, box: Floats) -> str:
    edges = " x ".join(f"{edge:.3g}" for edge in box)
    return (
        f"{n} particles do not fit as a fluid of packing fraction {packing:g} into a box of {edges} sigma; allowed: "
        f"edges of 2 sigma or more, and packing fractions up to {LOOSEST:g}"
    )


def side_by_side(first: Start, second: Start) -> Start:
    """Return two phases in one box, one behind the other along z, a diameter apart; x and y are the first one's.

    The second one is strained to their sides, at its density. A fluid is made to fit by `beside_fluid`.

    Raises:
        SimulationError: if it would have to be strained by more than 5 %, or its spheres would overlap then.
    """
    a, b = first.configuration, second.configuration
    assert a.diameters is not None
    assert b.diameters is not None
    factors = np.append(a.box[:2] / b.box[:2], b.box[0] * b.box[1] / (a.box[0] * a.box[1]))
    if (strain := float(np.abs(np.log(factors[:2])).max())) > STRAIN:
        sides = [" x ".join(f"{edge:.3g}" for edge in one.box[:2]) for one in (a, b)]
        raise SimulationError(
            f"two phases of {sides[0]} and {sides[1]} sigma side by side: a strain of {strain:.0%}; allowed: up to "
            f"{STRAIN:.0%}. Take other numbers of particles"
        )
    x, y = a.positions.copy(), b.positions * factors
    if starts.apart(y, b.box * factors, b.diameters) < 1:
        raise SimulationError(
            f"the second phase's spheres overlap where it is strained by {strain:.1%} to fit the first"
        )
    widest = max(float(a.diameters.max()), float(b.diameters.max()))
    x[:, 2] -= x[:, 2].min()
    y[:, 2] += x[:, 2].max() - y[:, 2].min() + widest
    box = np.append(a.box[:2], y[:, 2].max() + widest)
    d = np.concatenate([a.diameters, b.diameters])
    return Start(Configuration(np.concatenate([x, y]), box, diameters=d), np.concatenate([first.labels, second.labels]))


def layered(first: tuple[str, float], second: tuple[str, float], n: int, size_ratio: float) -> Start:
    """Return two crystals side by side, each of about half of n particles; their sides are those that fit best.

    Args:
        first, second: their structures and packing fractions.
        n: number of particles of both.
        size_ratio: small over large.

    Raises:
        SimulationError: as of `crystal` and `side_by_side`.
    """
    cells = [_fitting(structure, packing, size_ratio) for structure, packing in (first, second)]
    edges = [found.edges * _scale(found, one[1], size_ratio) for found, one in zip(cells, (first, second), strict=True)]
    wide = [math.cbrt(n / 2 * float(e.prod()) / len(c.types)) for e, c in zip(edges, cells, strict=True)]
    target = (wide[0] + wide[1]) / 2
    along = [range(max(1, round(0.7 * target / e)), max(1, round(1.3 * target / e)) + 1) for e in edges[0][:2]]

    def strain(c: tuple[int, int]) -> tuple[float, float]:
        sides = np.array(c) * edges[0][:2]
        other = np.maximum(1, np.rint(sides / edges[1][:2])) * edges[1][:2]
        return round(float(np.abs(np.log(sides / other)).max()), 3), float(abs(np.log(sides[0] / sides[1])))

    across = min(itertools.product(along[0], along[1]), key=strain)
    sides = np.array(across) * edges[0][:2]
    made = []
    for found, own, one in zip(cells, edges, (first, second), strict=True):
        a, b = (max(1, round(float(side / e))) for side, e in zip(sides, own[:2], strict=True))
        deep = max(1, round(n / 2 / (len(found.types) * a * b)))
        made.append(_repeated(found, (a, b, deep), _scale(found, one[1], size_ratio), size_ratio))
    return side_by_side(*made)


def _fitting(structure: str, packing: float, size_ratio: float) -> Cell:
    """Return a structure's cell, if spheres do not overlap at the packing fraction."""
    try:
        found = crystals.cell(structure, size_ratio)
    except TheoryError as error:
        raise SimulationError(str(error)) from None
    if packing >= (most := crystals.densest(structure, size_ratio)):
        raise SimulationError(
            f"{structure} of size ratio {size_ratio:g} at packing fraction {packing:g}: spheres would overlap; "
            f"allowed: below {most:.4f}"
        )
    return found


def _scale(found: Cell, packing: float, size_ratio: float) -> float:
    """Return the length of a cell's first edge [sigma]."""
    d = np.where(found.types == 1, size_ratio, 1.0)
    return math.cbrt(math.pi / 6 * float((d**3).sum()) / (packing * float(found.edges.prod())))


def _repeats(structure: str, found: Cell, n: int, scale: float, shortest: float) -> tuple[int, int, int]:
    """Return how many cells a crystal has along each axis: as near to a cube as can be, then as near to n."""
    own, edges = len(found.types), found.edges * scale
    side = max(math.cbrt(n / own * float(edges.prod())), shortest)
    counts = np.stack(np.meshgrid(*(np.arange(1, math.ceil(2 * side / e) + 1) for e in edges), indexing="ij"), axis=-1)
    counts = counts.reshape(-1, 3)
    counts = counts[(counts * edges).min(axis=1) >= shortest]
    off = np.abs(own * counts.prod(axis=1) - n)
    if off.min() > NEAR * n:
        nearest = own * int(counts[off.argmin()].prod())
        raise SimulationError(f"{n} particles are no whole cells of {structure}; {nearest} are the nearest")
    counts, off = counts[off <= NEAR * n], off[off <= NEAR * n]
    aspect = ((counts * edges).max(axis=1) / (counts * edges).min(axis=1)).round(6)
    i, j, k = counts[np.lexsort((off, aspect))[0]]
    return int(i), int(j), int(k)


def _repeated(found: Cell, repeats: tuple[int, int, int], scale: float, size_ratio: float) -> Start:
    shifts = np.array(list(itertools.product(*(range(count) for count in repeats))), np.float64)
    edges = found.edges * scale
    x = ((shifts[:, None] + found.places) * edges).reshape(-1, 3)
    d = np.tile(np.where(found.types == 1, size_ratio, 1.0), len(shifts))
    box: Floats = np.array(repeats) * edges
    return Start(Configuration(x % box, box, diameters=d), np.tile(found.labels, len(shifts)))
