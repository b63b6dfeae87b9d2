"""Minima and saddles that are known of a cluster, and the lowest way between two minima.

Copies of a structure, whether turned, mirrored or with atoms exchanged, are one minimum here: a saddle joins two
minima, and each copy of the one is joined with some copy of the other. So a chain of saddles in this graph is a
path of configurations, once each saddle is moved onto the end of the one before (`chain`).

A saddle is taken in when its gradient vanishes, one curvature is negative, and steepest descent from both of its sides
has said which minima it joins.

Source: D. J. Wales, Energy Landscapes, Cambridge (2003), ch. 6 and 7.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters import saddle_kernels
from softal.theory.clusters.alignment import Groups, fingerprint
from softal.theory.clusters.descent import Leg, from_saddle
from softal.theory.clusters.moves import moved
from softal.theory.clusters.stationary import VANISHING, Stationary, exact

SAME_ENERGY = 1e-6  # of copies of one structure [epsilon]
SAME_SHAPE = 2e-3  # of their sorted distances [sigma]
LOOSE = 1e-4  # gradient of a saddle that is looked for [epsilon/sigma]
STEPS = 60  # of a search for a saddle
LONGEST = 0.2  # of them along the mode [sigma]
UNBOUND = 1e9  # energy at which a search is given up [epsilon]


@dataclass
class Minimum:
    """A minimum, up to copies: energy [epsilon], x (N, d) of one copy, searches that began there."""

    energy: float
    x: Floats
    fingerprint: Floats
    searches: int = 0


@dataclass(frozen=True)
class Saddle:
    """A saddle, and the minima below it, (against its mode, along it)."""

    point: Stationary
    sides: tuple[int, int]

    @property
    def energy(self) -> float:
        """[epsilon]."""
        return self.point.energy


class Shapes:
    """Structures by energy and sorted distances, numbered as they came."""

    def __init__(self) -> None:
        self._cells: defaultdict[int, list[int]] = defaultdict(list)
        self._all: list[tuple[float, Floats]] = []

    def __len__(self) -> int:
        return len(self._all)

    def number(self, energy: float, shape: Floats) -> int | None:
        """Return the number of a structure; None where no copy is known."""
        cell = round(energy / SAME_ENERGY)
        for number in (n for k in (cell - 1, cell, cell + 1) for n in self._cells[k]):
            known, like = self._all[number]
            if abs(known - energy) < SAME_ENERGY and np.max(np.abs(like - shape)) < SAME_SHAPE:
                return number
        return None

    def add(self, energy: float, shape: Floats) -> int:
        """Return the number of a structure, which is new where no copy is known."""
        known = self.number(energy, shape)
        if known is None:
            known = len(self._all)
            self._all.append((energy, shape))
            self._cells[round(energy / SAME_ENERGY)].append(known)
        return known


@dataclass
class Landscape:
    """A growing graph of minima and saddles.

    Attributes:
        groups: of atoms that may be exchanged.
        minima, saddles: as they were found.
        evaluations: gradients and Hessians so far.
        searches: for saddles, so far.
    """

    groups: Groups | None = None
    minima: list[Minimum] = field(default_factory=list)
    saddles: list[Saddle] = field(default_factory=list)
    evaluations: int = 0
    searches: int = 0
    _bottoms: Shapes = field(default_factory=Shapes)
    _tops: Shapes = field(default_factory=Shapes)
    _beside: defaultdict[int, list[tuple[float, int, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, energy: float, x: Floats) -> int:
        """Return the number of a minimum; it is new where no copy is known."""
        shape = fingerprint(x, self.groups)
        number = self._bottoms.add(energy, shape)
        if number == len(self.minima):
            self.minima.append(Minimum(energy, x, shape))
        return number

    def below(self, leg: Leg) -> int:
        """Return the number of the minimum that a descent ends in."""
        self.evaluations += leg.evaluations
        return self.add(leg.energy, leg.end)

    def saddle_near(self, x: Floats, mode: Floats, below: float = UNBOUND) -> Saddle | None:
        """Follow a mode (N, d) from x (N, d) to a saddle, and from it down to both sides.

        Returns:
            The saddle, if it is new, lower than `below`, and joins two minima; else None.
        """
        x, v = np.array(x, order="C"), np.array(mode, dtype=np.float64).ravel()
        self.searches += 1
        good, energy, _, used = saddle_kernels.follow_mode(x, v, LOOSE, STEPS, UNBOUND, LONGEST)
        self.evaluations += int(used)
        if not good or energy >= below or self._tops.number(energy, fingerprint(x, self.groups)) is not None:
            return None
        return self.take(exact(x), below)

    def take(self, point: Stationary, below: float = UNBOUND) -> Saddle | None:
        """Take a stationary point in, where it is a new saddle below an energy that joins two minima; else None."""
        known = len(self._tops)
        if (
            point.gradient > VANISHING
            or point.index != 1
            or point.energy >= below
            or self._tops.add(point.energy, fingerprint(point.x, self.groups)) < known
        ):
            return None
        left, right = (self.below(from_saddle(point, sign)) for sign in (-1, 1))
        if left == right:  # from a minimum to a copy of it
            return None
        saddle, number = Saddle(point, (left, right)), len(self.saddles)
        self.saddles.append(saddle)
        self._beside[left].append((point.energy, number, right))
        self._beside[right].append((point.energy, number, left))
        return saddle

    def search(self, number: int, rng: np.random.Generator, below: float = UNBOUND) -> Saddle | None:
        """Look for a saddle from a minimum, moved at random."""
        minimum = self.minima[number]
        minimum.searches += 1
        return self.saddle_near(*moved(minimum.x, rng), below)

    def way(self, start: int, end: int) -> list[tuple[int, int]] | None:
        """Return the way from one minimum to another with the lowest highest saddle, by few saddles.

        Returns:
            (saddle, minimum that it leads to), one after another; None where the two are not connected.
        """
        lid = self.heights(start).get(end)
        return None if lid is None else self._shortest(start, end, lid)

    def heights(self, start: int, below: float = np.inf) -> dict[int, float]:
        """Return the least energy that a way from `start` has to go up to, for all minima that it is connected with.

        below: energy of saddles that count.
        """
        heights: dict[int, float] = {}
        heap = [(self.minima[start].energy, start)]
        while heap:
            height, at = heapq.heappop(heap)
            if at in heights:
                continue
            heights[at] = height
            for energy, _, other in self._beside.get(at, ()):
                if energy < below and other not in heights:
                    heapq.heappush(heap, (max(height, energy), other))
        return heights

    def regions(self, ids: tuple[int, int], below: float) -> tuple[list[int], list[int], list[int]]:
        """Return the minima that two are connected with by saddles below an energy, and others beside such saddles."""
        start, end = (list(self.heights(k, below)) for k in ids)
        inside = {*start, *end}
        rest = [k for k in self._beside if k not in inside and any(e < below for e, _, _ in self._beside[k])]
        return start, end, rest

    def _shortest(self, start: int, end: int, lid: float) -> list[tuple[int, int]]:
        from_ = {start: (-1, -1)}
        edge = [start]
        while end not in from_:
            edge, last = [], edge
            for minimum in last:
                for energy, k, other in sorted(self._beside[minimum]):
                    if energy <= lid and other not in from_:
                        from_[other] = (k, minimum)
                        edge.append(other)
        steps, at = [], end
        while at != start:
            k, before = from_[at]
            steps.append((k, at))
            at = before
        return steps[::-1]
