"""The way between two minima made lower: searches for saddles under a lid, from both ends.

The lid is the highest saddle of the best way so far: nothing above it can belong to a better one. Minima that an end is
connected with below the lid are searched for further saddles below it, those before others that need less climbing
from the end, and that were searched less: both ends are flooded slowly until the two floods meet.

Each time a way is found, flooding begins anew below it, from the ends alone. Of all minima known by then most were
found under a higher lid and lead nowhere; going on with them took two to three times as many searches for 38 atoms.
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.chain import Chain, Leg, Piece, build
from softal.theory.clusters.landscape import Landscape

SCALE = 0.8  # of heights of minima that are chosen [epsilon]
NOTHING = 1e-6  # by which a saddle must be below the lid [epsilon]
REFRESH = 20  # searches after which heights are looked up again
ROUND = 2500  # searches after which a flood that has not met the other begins anew


def flood(
    landscape: Landscape, start: int, end: int, searches: int, rng: np.random.Generator, below: float = np.inf
) -> float | None:
    """Search until two minima are connected below `below`, or `searches` were made.

    Returns:
        The energy of the highest saddle then; None where they are not connected.
    """
    floods: list[tuple[list[int], Floats]] = []
    for k in range(searches + 1):
        if k % REFRESH == 0 or k == searches:
            heights = landscape.heights(start, below)
            if end in heights:
                return heights[end]
            floods = [_flood(heights), _flood(landscape.heights(end, below))]
        if k < searches:
            landscape.search(_chosen(landscape, *floods[k % 2], rng), rng, below)
    return None


def lowered(
    landscape: Landscape, legs: tuple[Leg, Leg], ids: tuple[int, int], searches: int, rng: np.random.Generator
) -> tuple[Chain | None, list[tuple[int, float]]]:
    """Search for a way, and for lower ones, until `searches` were made.

    Args:
        landscape: which everything found is added to.
        legs: descents from both end points.
        ids: of the minima below them.
        searches: in all.
        rng: of the searches.

    Returns:
        The best path, None where there is none; (searches of the landscape, its highest saddle) after each flood.
    """
    pieces: dict[int, Piece] = {}
    last = landscape.searches + searches
    chain = build(landscape, *legs, ids, pieces)
    record = [] if chain is None else [(landscape.searches, chain.top)]
    while landscape.searches < last and ids[0] != ids[1]:
        share = min(last - landscape.searches, ROUND)
        if chain is None:
            flood(landscape, *ids, share, rng)
        else:
            anew = Landscape(landscape.groups)
            ends = [anew.add(landscape.minima[k].energy, landscape.minima[k].x) for k in ids]
            flood(anew, ends[0], ends[1], share, rng, chain.top - NOTHING)
            landscape.absorb(anew)
        chain = build(landscape, *legs, ids, pieces)
        if chain is not None:
            record.append((landscape.searches, chain.top))
    return chain, record


def _flood(heights: dict[int, float]) -> tuple[list[int], Floats]:
    above = np.array(list(heights.values()))
    return list(heights), np.exp(-(above - above.min()) / SCALE)


def _chosen(landscape: Landscape, numbers: list[int], weights: Floats, rng: np.random.Generator) -> int:
    searched = np.array([landscape.minima[k].searches for k in numbers])
    total = np.cumsum(weights / (1.0 + searched) ** 2)
    return numbers[min(int(np.searchsorted(total, rng.random() * total[-1])), len(numbers) - 1)]
