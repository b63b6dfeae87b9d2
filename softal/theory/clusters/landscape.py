"""Minima and saddles that are known of a cluster, and the lowest way between two minima.

Copies of a structure, whether turned, mirrored or with atoms exchanged, are one minimum here: a saddle joins two
minima, and each copy of the one is joined with some copy of the other. So a chain of saddles in this graph is a
path of configurations, once each saddle is moved onto the end of the one before (`chain`).

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
from softal.theory.clusters.stationary import quench

SAME_ENERGY = 1e-5  # of copies of one structure [epsilon]
SAME_SHAPE = 2e-3  # of their sorted distances [sigma]
LOOSE = 1e-4  # gradient of a saddle that is looked for [epsilon/sigma]
STEPS = 60  # of a search for a saddle
LONGEST = 0.2  # of them along the mode [sigma]
ASIDE = 0.04  # from a saddle to either side [sigma]
SHORT = 0.04  # step of a quench from a saddle, which has to stay in the valley [sigma]
UNBOUND = 1e9  # energy at which a search is given up [epsilon]


@dataclass
class Minimum:
    """A minimum, up to copies: energy [epsilon], x (N, d) of one copy, searches that began there."""

    energy: float
    x: Floats
    fingerprint: Floats
    searches: int = 0


@dataclass
class Saddle:
    """A saddle: energy [epsilon], x (N, d), its mode (N, d), the minima on both sides, (left, right)."""

    energy: float
    x: Floats
    mode: Floats
    sides: tuple[int, int]


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
    _near: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _known: set[tuple[int, int, int]] = field(default_factory=set)

    def add(self, energy: float, x: Floats) -> int:
        """Return the number of a minimum; it is new where no copy is known."""
        cell, shape = int(np.floor(energy / 1e-4)), fingerprint(x, self.groups)
        for k in (cell - 1, cell, cell + 1):
            for number in self._near[k]:
                known = self.minima[number]
                if abs(known.energy - energy) < SAME_ENERGY and np.max(np.abs(known.fingerprint - shape)) < SAME_SHAPE:
                    return number
        self.minima.append(Minimum(energy, x, shape))
        self._near[cell].append(len(self.minima) - 1)
        return len(self.minima) - 1

    def quenched(self, x: Floats) -> int:
        """Return the number of the minimum below x (N, d)."""
        found = quench(x, longest=SHORT)
        self.evaluations += found.evaluations
        return self.add(found.energy, found.x)

    def saddle_near(self, x: Floats, mode: Floats, below: float = UNBOUND) -> Saddle | None:
        """Follow a mode (N, d) from x (N, d) to a saddle, and from it down to both sides.

        Returns:
            The saddle, if it is new and lower than `below`; else None.
        """
        x, v = np.array(x, order="C"), np.array(mode, dtype=np.float64).ravel()
        self.searches += 1
        good, energy, _, used = saddle_kernels.follow_mode(x, v, LOOSE, STEPS, UNBOUND, LONGEST)
        self.evaluations += int(used)
        if not good or energy >= below:
            return None
        aside = ASIDE * v.reshape(x.shape)
        left, right = self.quenched(x - aside), self.quenched(x + aside)
        return self._joined(Saddle(float(energy), x, v.reshape(x.shape), (left, right)))

    def _joined(self, saddle: Saddle) -> Saddle | None:
        """Add a saddle, and return it; None where it is known, or leads from a minimum to a copy of it."""
        left, right = sorted(saddle.sides)
        level = round(saddle.energy * 1e4)
        if left == right or any((level + k, left, right) in self._known for k in (-1, 0, 1)):
            return None
        self._known.add((level, left, right))
        self.saddles.append(saddle)
        return saddle

    def absorb(self, other: Landscape) -> None:
        """Add what another landscape has."""
        numbers = [self.add(minimum.energy, minimum.x) for minimum in other.minima]
        for saddle in other.saddles:
            left, right = (numbers[k] for k in saddle.sides)
            self._joined(Saddle(saddle.energy, saddle.x, saddle.mode, (left, right)))
        for number, minimum in zip(numbers, other.minima, strict=True):
            self.minima[number].searches += minimum.searches
        self.evaluations += other.evaluations
        self.searches += other.searches

    def search(self, number: int, rng: np.random.Generator, below: float = UNBOUND) -> Saddle | None:
        """Look for a saddle from a minimum: all atoms are moved at random, or one with those around it."""
        minimum = self.minima[number]
        minimum.searches += 1
        x = minimum.x
        if rng.random() < 0.5:
            return self.saddle_near(x + 0.08 * rng.normal(size=x.shape), rng.normal(size=x.shape), below)
        apart = np.linalg.norm(x - x[rng.integers(len(x))], axis=1)
        push = rng.normal(size=x.shape) * np.exp(-((apart[:, None] / 0.8) ** 2))
        push /= np.linalg.norm(push)
        return self.saddle_near(x + 0.5 * push, push, below)

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
        beside = self._beside(below)
        heap = [(self.minima[start].energy, start)]
        while heap:
            height, at = heapq.heappop(heap)
            if at in heights:
                continue
            heights[at] = height
            for energy, _, other in beside[at]:
                if other not in heights:
                    heapq.heappush(heap, (max(height, energy), other))
        return heights

    def _beside(self, below: float) -> defaultdict[int, list[tuple[float, int, int]]]:
        beside: defaultdict[int, list[tuple[float, int, int]]] = defaultdict(list)
        for k, saddle in enumerate(self.saddles):
            if saddle.energy < below:
                left, right = saddle.sides
                beside[left].append((saddle.energy, k, right))
                beside[right].append((saddle.energy, k, left))
        return beside

    def _shortest(self, start: int, end: int, lid: float) -> list[tuple[int, int]]:
        from_ = {start: (-1, -1)}
        beside, edge = self._beside(np.nextafter(lid, np.inf)), [start]
        while end not in from_:
            edge, last = [], edge
            for minimum in last:
                for _, k, other in sorted(beside[minimum]):
                    if other not in from_:
                        from_[other] = (k, minimum)
                        edge.append(other)
        steps, at = [], end
        while at != start:
            k, before = from_[at]
            steps.append((k, at))
            at = before
        return steps[::-1]
