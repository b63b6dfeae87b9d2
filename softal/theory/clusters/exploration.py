"""The way between two minima made lower: searches for saddles under a lid, from both ends.

The lid is the highest saddle of the best way so far: nothing above it can belong to a better one. Minima that an end is
connected with below the lid are searched for further saddles below it, those before others that need less climbing
from the end, and that were searched less: both ends are flooded slowly until the two floods meet.
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.landscape import Landscape

SCALE = 0.8  # of heights of minima that are chosen [epsilon]
NOTHING = 1e-7  # by which a saddle must be below the lid [epsilon]
REFRESH = 20  # searches after which heights are looked up again


def explore(
    landscape: Landscape, start: int, end: int, searches: int, rng: np.random.Generator, goal: float = -np.inf
) -> list[tuple[int, float]]:
    """Search until `searches` were made, or the highest saddle is at `goal` or below.

    Returns:
        (searches of the landscape, highest saddle of the best way) whenever it has become better; empty without a way.
    """
    lids: list[tuple[int, float]] = []
    below, floods = np.inf, []
    for k in range(searches + 1):
        if k % REFRESH == 0 or k == searches:
            heights = landscape.heights(start, below)
            if end in heights:
                lids.append((landscape.searches, heights[end]))
                below = heights[end] - NOTHING
                heights = landscape.heights(start, below)
            floods = [_flood(heights), _flood(landscape.heights(end, below))]
        if k == searches or start == end or (lids and lids[-1][1] <= goal):
            break
        landscape.search(_chosen(landscape, *floods[k % 2], rng), rng, below)
    return lids


def _flood(heights: dict[int, float]) -> tuple[list[int], Floats]:
    above = np.array(list(heights.values()))
    return list(heights), np.exp(-(above - above.min()) / SCALE)


def _chosen(landscape: Landscape, numbers: list[int], weights: Floats, rng: np.random.Generator) -> int:
    searched = np.array([landscape.minima[k].searches for k in numbers])
    total = np.cumsum(weights / (1.0 + searched) ** 2)
    return numbers[min(int(np.searchsorted(total, rng.random() * total[-1])), len(numbers) - 1)]
