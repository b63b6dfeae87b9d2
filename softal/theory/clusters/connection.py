"""Minima connected by saddles: elastic bands between two, and which two to try.

Each band's maxima are followed to saddles, and these down to minima, which need not be the two: what is then missing is
looked for along the shortest way of known connections, which cost nothing, and missing ones, which cost the square of
their distance (Dijkstra), until the ends are connected or so many bands were made.

Source: J. M. Carr, S. A. Trygubenko, D. J. Wales, J. Chem. Phys. 122, 234903 (2005).
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.alignment import alignments
from softal.theory.clusters.band import SPRING, relax, straight, tangent
from softal.theory.clusters.landscape import Landscape

STARTS = 12  # rotations from which two minima are aligned
IMAGES = (8, 24)  # of a band, least and most
DENSITY = 6.0  # images for each unit of distance [1/sigma]
STEPS = 150  # of a band
BEND = 0.03  # [sigma]
KNOWN = 1e-9  # cost of a connection that is there
NEAR = 150  # minima nearest to the ends that are thought of


def link(landscape: Landscape, start: Floats, end: Floats, rng: np.random.Generator) -> int:
    """Relax a band between two configurations (N, d), as they lie, and follow its maxima to saddles.

    Returns:
        How many saddles were new.
    """
    distance = float(np.linalg.norm(end - start))
    count = int(np.clip(DENSITY * distance, *IMAGES)) + 2
    band = straight(start, end, count, rng, BEND)
    energies, _, used = relax(band, STEPS, 0.05, SPRING)
    landscape.evaluations += int(used)
    return follow_maxima(landscape, band, energies)


def follow_maxima(landscape: Landscape, band: Floats, energies: Floats) -> int:
    """Follow each maximum along a band (P, N, d) with energies (P,) to a saddle; return how many were new."""
    images, along, found = band.reshape(len(band), -1), np.empty(band[0].size), 0
    for k in range(1, len(band) - 1):
        if energies[k] >= max(energies[k - 1], energies[k + 1]):
            tangent(images, energies, k, along)
            found += landscape.saddle_near(band[k], along.reshape(band[k].shape)) is not None
    return found


def connect(landscape: Landscape, start: int, end: int, bands: int, rng: np.random.Generator) -> int:
    """Make bands where connections are missing until two minima are connected, `bands` at most.

    Returns:
        How many bands were made.
    """
    tried: set[tuple[int, int]] = set()
    made = 0
    while end not in landscape.heights(start):
        gaps = [pair for pair in _missing(landscape, start, end, tried) if pair not in tried]
        if not gaps:
            break
        for i, j in gaps:
            if made >= bands:
                return made
            tried.add((i, j))
            x, y = landscape.minima[i].x, landscape.minima[j].x
            best = alignments(y, x, STARTS, int(rng.integers(2**31)), groups=landscape.groups)[0]
            link(landscape, x, best.apply(y), rng)
            made += 1
    return made


def _missing(landscape: Landscape, start: int, end: int, tried: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return pairs of minima, without a connection, on the cheapest way from start to end."""
    from scipy.sparse.csgraph import dijkstra

    prints = np.array([minimum.fingerprint for minimum in landscape.minima])
    # What lies far from both ends is not thought of: the matrix has all pairs.
    far = np.minimum(*(np.linalg.norm(prints - prints[k], axis=1) for k in (start, end)))
    chosen = np.argsort(far, kind="stable")[:NEAR].tolist()
    place = {k: n for n, k in enumerate(chosen)}
    size = len(landscape.minima[start].x)
    # Sorted distances differ by about as much as atoms are moved, (N - 1)^(1/2) times.
    cost = np.sum((prints[chosen][:, None] - prints[chosen][None]) ** 2, axis=2) / size + 1e-6
    for i, j in tried:
        if i in place and j in place:
            cost[place[i], place[j]] = cost[place[j], place[i]] = 0.0  # no edge
    for saddle in landscape.saddles:
        i, j = saddle.sides
        if i in place and j in place:
            cost[place[i], place[j]] = cost[place[j], place[i]] = KNOWN
    before = np.asarray(dijkstra(cost, return_predecessors=True, indices=[place[start]])[1])[0]
    pairs, at = [], place[end]
    while at != place[start]:
        previous = int(before[at])
        if previous < 0:
            return []
        if cost[previous, at] > KNOWN:
            pairs.append((chosen[previous], chosen[at]))
        at = previous
    return pairs[::-1]
