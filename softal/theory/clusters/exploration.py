"""The way between two minima made lower: a database of minima and saddles that grows below a ceiling.

The ceiling is the highest saddle of the best way so far: nothing above it can belong to a better one. Below it, minima
fall into those that the start is connected with, those that the end is, and the rest, which searches far from any known
minimum have led to. Half of the searches begin in the smaller one of the first two, as each way between them leaves
it over a saddle beside one of its minima; and everywhere at minima that few searches began from before others.

Source: D. J. Wales, Mol. Phys. 100, 3285 (2002).
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.landscape import Landscape

NOTHING = 1e-6  # by which a saddle must be below the ceiling [epsilon]
ROUND = 60  # searches after which regions are looked up again


def lowered(
    landscape: Landscape, ids: tuple[int, int], searches: int, rng: np.random.Generator, ceiling: float = np.inf
) -> list[tuple[int, float]]:
    """Search for a way between two minima below a ceiling, and for ever lower ones.

    Args:
        landscape: which everything found is added to.
        ids: the two minima.
        searches: how many.
        rng: of the searches.
        ceiling: energy that saddles must be below [epsilon].

    Returns:
        (searches of the landscape, highest saddle) before the first search, where there is a way, whenever a lower way
        was found, and at last; empty without any.
    """
    start, end = ids
    record: list[tuple[int, float]] = []
    last = landscape.searches + (0 if start == end else searches)
    while True:
        while start != end and (height := landscape.heights(start, ceiling).get(end)) is not None:
            record.append((landscape.searches, height))
            ceiling = height - NOTHING
        if landscape.searches >= last:
            return [*record, (last, record[-1][1])] if record else []
        start_side, end_side, rest = landscape.regions(ids, ceiling)
        small, large = sorted((start_side, end_side), key=len)
        turns = (small, large, small, rest or large)
        for k in range(min(ROUND, last - landscape.searches)):
            landscape.search(_chosen(landscape, turns[k % len(turns)], rng), rng, ceiling)


def _chosen(landscape: Landscape, numbers: list[int], rng: np.random.Generator) -> int:
    weights: Floats = (1.0 + np.array([landscape.minima[k].searches for k in numbers])) ** -2.0
    total = np.cumsum(weights)
    return numbers[min(int(np.searchsorted(total, rng.random() * total[-1])), len(numbers) - 1)]
