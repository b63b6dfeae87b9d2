"""The way between two minima made lower: searches for saddles under a lid, from both ends.

The lid is the highest saddle of the best way so far: nothing above it can belong to a better one. Minima that an end is
connected with below the lid are searched for further saddles below it, those before others that need less climbing
from the end, and that were searched less: both ends are flooded slowly until the two floods meet.

After a part of the searches flooding begins anew below the lid, from the ends alone: of the minima known by then most
were found under a higher lid and lead nowhere.
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.chain import Chain, Leg, Piece, build, checked_way
from softal.theory.clusters.landscape import Landscape

SCALE = 0.8  # of heights of minima that are chosen [epsilon]
NOTHING = 1e-6  # by which a saddle must be below the lid [epsilon]
REFRESH = 20  # searches after which heights are looked up again
FIRST = 0.5  # part of the searches before flooding begins anew


def flood(
    landscape: Landscape,
    ids: tuple[int, int],
    searches: int,
    rng: np.random.Generator,
    below: float = np.inf,
    pieces: dict[int, Piece] | None = None,
) -> list[tuple[int, float]]:
    """Search for ways between two minima that stay below `below`, and for ever lower ones.

    Each way is checked as soon as it is found: the lid of a wrong one would keep out what is right.

    Returns:
        (searches of the landscape, highest saddle) whenever a lower way was found; empty without any.
    """
    start, end = ids
    pieces = {} if pieces is None else pieces
    lids: list[tuple[int, float]] = []
    floods: list[tuple[list[int], Floats]] = []
    for k in range(searches + 1):
        if k % REFRESH == 0 or k == searches:
            while end in (heights := landscape.heights(start, below)):
                checked_way(landscape, ids, pieces)
                lid = landscape.heights(start, below).get(end)
                if lid is not None:
                    lids.append((landscape.searches, lid))
                    below = lid - NOTHING
            floods = [_flood(heights), _flood(landscape.heights(end, below))]
        if k < searches:
            landscape.search(_chosen(landscape, *floods[k % 2], rng), rng, below)
    return lids


def lowered(
    landscape: Landscape, legs: tuple[Leg, Leg], ids: tuple[int, int], searches: int, rng: np.random.Generator
) -> tuple[Chain | None, list[tuple[int, float]]]:
    """Search for a way, and for lower ones.

    Args:
        landscape: which everything found is added to.
        legs: descents from both end points.
        ids: of the minima below them.
        searches: how many.
        rng: of the searches.

    Returns:
        The best path, None where there is none; (searches of the landscape, highest saddle) before the first search,
        where there is a way, whenever a lower way was found, and at last.
    """
    pieces: dict[int, Piece] = {}
    chain = build(landscape, *legs, ids, pieces)
    record = [] if chain is None else [(landscape.searches, chain.top)]
    if ids[0] != ids[1]:
        first = round(FIRST * searches)
        below = np.inf if chain is None else chain.top - NOTHING
        record += flood(landscape, ids, first, rng, below, pieces)
        below = record[-1][1] - NOTHING if record else np.inf
        anew, done = Landscape(landscape.groups), landscape.searches
        start, end = (anew.add(landscape.minima[k].energy, landscape.minima[k].x) for k in ids)
        record += [(done + k, lid) for k, lid in flood(anew, (start, end), searches - first, rng, below)]
        landscape.absorb(anew)
        chain = build(landscape, *legs, ids, pieces)
    return chain, record if chain is None else [*record, (landscape.searches, chain.top)]


def _flood(heights: dict[int, float]) -> tuple[list[int], Floats]:
    above = np.array(list(heights.values()))
    return list(heights), np.exp(-(above - above.min()) / SCALE)


def _chosen(landscape: Landscape, numbers: list[int], weights: Floats, rng: np.random.Generator) -> int:
    searched = np.array([landscape.minima[k].searches for k in numbers])
    total = np.cumsum(weights / (1.0 + searched) ** 2)
    return numbers[min(int(np.searchsorted(total, rng.random() * total[-1])), len(numbers) - 1)]
