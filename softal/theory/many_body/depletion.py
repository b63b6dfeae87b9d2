"""Colloids in ideal polymer, after Asakura, Oosawa and Vrij: what their depletion layers share.

Colloids of diameter sigma = 1 are hard; polymers of diameter q do not see each other, and no centre of theirs comes
nearer than R = (1 + q) / 2 to a colloid's. At the fugacity z_p [1/sigma^3], the density of polymers in a reservoir,
they are integrated out exactly: beta W = -z_p V_free, with V_free the volume that no sphere of radius R covers. With
V_n the volume that n of them cover, and v = 4 pi R^3 / 3,

    V_free = V - N v + sum over pairs of their lenses - sum_n (n - 1)(n - 2) / 2 V_n,

since a place that n spheres cover is taken n times from V and given back n (n - 1) / 2 times. So pairs attract, with
the energy -z_p lens(r), and where three and more layers meet they attract too much: the many-body term is z_p times a
volume that is never negative. Each place's part of it is shared equally by the n particles that cover it:

    w_i = sum_n (n - 1)(n - 2) / (2 n) V_n(i),    sum_i w_i = sum_n (n - 1)(n - 2) / 2 V_n.

As (n - 1)(n - 2) / 2 is the number of triples among n less that of quadruples, and so on, w_i is the sum over all sets
of k >= 3 spheres with a common volume, i among them, of (-1)^(k + 1) / k times that. Each has a closed form
(`intersections.py`), so that nothing here is approximate but rounding, whatever q is. No three layers meet up to q =
2 / 3^(1/2) - 1 = 0.1547, no four up to (3 / 2)^(1/2) - 1 = 0.2247, no five up to 2^(1/2) - 1 = 0.4142.

Source: chapter 8 of E. Boattini's thesis (Utrecht, 2021); a grid as there: M. Dijkstra, R. van Roij, R. Roth, A.
Fortini, Phys. Rev. E 73, 041404 (2006).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.many_body.intersections import common, lens, triple
from softal.theory.many_body.neighbours import neighbours

NOTHING = 1e-12  # of R^3: what rounding leaves of a volume that is none


def radius(q: float) -> float:
    """Return R [sigma], the radius of a depletion sphere."""
    return (1 + q) / 2


def fugacity(eta_p: float, q: float) -> float:
    """Return z_p [1/sigma^3] of polymers whose packing fraction in the reservoir is eta_p = z_p pi q^3 / 6."""
    return eta_p * 6 / (np.pi * q**3)


def particle_energies(positions: Floats, box: Floats, q: float) -> Floats:
    """Return each particle's share of the volume that three and more depletion layers have in common.

    Args:
        positions: centres, (N, 3) [sigma].
        box: its sides, (3,) [sigma], periodic.
        q: diameter of the polymers [sigma].

    Returns:
        w, (N,) [sigma^3]; beta times the many-body energy is z_p sum_i w_i.

    Raises:
        TheoryError: if a side is less than twice the range 1 + q, or shapes do not fit.
    """
    positions, box = checked(positions, box, q)
    return np.asarray(_shares(positions, box, radius(q)))


def free_volume(positions: Floats, box: Floats, q: float) -> float:
    """Return the volume [sigma^3] where a polymer's centre may be; arguments and errors as of `particle_energies`."""
    positions, box = checked(positions, box, q)
    return float(box.prod() - union(positions, box, radius(q)))


def checked(positions: Floats, box: Floats, q: float) -> tuple[Floats, Floats]:
    """Return both as kernels take them."""
    positions, box = np.ascontiguousarray(positions, dtype=float), np.ascontiguousarray(box, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 3 or box.shape != (3,):
        raise TheoryError(f"positions of shape {positions.shape} in a box of {box.shape}; allowed: (N, 3) and (3,)")
    if not (np.isfinite(q) and q > 0):
        raise TheoryError(f"q is {q}; allowed: above 0")
    if not box.min() >= 2 * (1 + q):
        sides = " x ".join(f"{side:g}" for side in box)
        raise TheoryError(f"a box of {sides} sigma is too small; allowed: {2 * (1 + q):g} sigma or more each way")
    return positions, box


@nb.njit(cache=True)
def pairs(positions, box, R):  # type: ignore[no-untyped-def]
    """Return the sum of the lenses of all pairs."""
    total = 0.0
    away = np.empty((len(positions), 3))
    for i in range(len(positions)):
        total += covered(away[: neighbours(positions[: i + 1], box, 2 * R, i, away)], R, False)
    return total


@nb.njit(cache=True)
def union(positions, box, R):  # type: ignore[no-untyped-def]
    """Return the volume of all depletion spheres, each adding what those before it leave."""
    total = 0.0
    away = np.empty((len(positions), 3))
    for i in range(len(positions)):
        count = neighbours(positions[: i + 1], box, 2 * R, i, away)
        total += 4 * np.pi * R**3 / 3 - covered(away[:count], R, True)
    return total


@nb.njit(cache=True)
def shared(positions, box, R):  # type: ignore[no-untyped-def]
    """Return the many-body volume, sum_i w_i, as what pairs say too much."""
    return union(positions, box, R) - len(positions) * 4 * np.pi * R**3 / 3 + pairs(positions, box, R)


@nb.njit(cache=True)
def covered(away, R, several):  # type: ignore[no-untyped-def]
    """Return how much of a particle's depletion sphere others cover, whose centres are `away` from it, (n, 3).

    It is minus the energy of all that it takes part in, in units of z_p; without `several` by the lenses of pairs
    alone, which may be more than all of the sphere.

    The sum over sets of spheres alternates. Where a later sphere has all that is common to a set, the sets that go on
    from there cancel, with that sphere and without it, and are left out; near spheres, which have most, come last.
    """
    n = len(away)
    if not several or n < 2:
        total = 0.0
        for j in range(n):
            total += lens(np.sqrt(away[j, 0] ** 2 + away[j, 1] ** 2 + away[j, 2] ** 2), R)
        return total
    away, own = _sorted(away)
    squares, chosen, centres = _squares(away), np.empty(n + 1, np.int64), np.zeros((n + 2, 3))
    volumes, sums = np.zeros((n + 1, n)), np.zeros(n + 2)  # with each next one, and of all that holds those chosen
    for j in range(n):
        volumes[0, j] = lens(np.sqrt(own[j]), R)
    depth, j = 0, 0
    while depth > 0 or j < n:
        if j == n:
            depth -= 1
            j = chosen[depth] + 1
            sums[depth] += sums[depth + 1]
            continue
        volume = volumes[depth, j]
        if volume > NOTHING * R**3:
            chosen[depth], centres[depth + 1] = j, away[j]
            most = _extend(chosen, depth + 1, own, away, squares, centres, R, volumes)
            if most < volume * (1 - NOTHING):
                depth += 1
                sums[depth] = volume if depth % 2 else -volume
        j += 1
    return sums[0]


@nb.njit(cache=True)
def _extend(chosen, depth, own, away, squares, centres, R, volumes):  # type: ignore[no-untyped-def]
    """Write what is common to those chosen and each that comes after them; return the most."""
    most = 0.0
    for j in range(chosen[depth - 1] + 1, len(away)):
        volumes[depth, j] = 0.0
        if volumes[depth - 1, j] > NOTHING * R**3 and squares[chosen[depth - 1], j] < 4 * R * R:
            if depth == 1:
                volumes[1, j] = triple(own[chosen[0]], own[j], squares[chosen[0], j], R)
            else:
                centres[depth + 1] = away[j]
                volumes[depth, j] = common(centres[: depth + 2], R)
            most = max(most, volumes[depth, j])
    return most


@nb.njit(cache=True)
def _sorted(away):  # type: ignore[no-untyped-def]
    """Return the rows of `away`, the longest first, and the squares of their lengths."""
    found, own = away.copy(), np.empty(len(away))
    for j in range(len(away)):
        square, k = away[j, 0] ** 2 + away[j, 1] ** 2 + away[j, 2] ** 2, j
        while k > 0 and own[k - 1] < square:
            own[k], found[k] = own[k - 1], found[k - 1]
            k -= 1
        own[k], found[k] = square, away[j]
    return found, own


@nb.njit(cache=True)
def _squares(away):  # type: ignore[no-untyped-def]
    n = len(away)
    found = np.zeros((n, n))
    for j in range(n):
        for k in range(j):
            x, y, z = away[j, 0] - away[k, 0], away[j, 1] - away[k, 1], away[j, 2] - away[k, 2]
            found[j, k] = found[k, j] = x * x + y * y + z * z
    return found


@nb.njit(cache=True)
def _shares(positions, box, R):  # type: ignore[no-untyped-def]
    n = len(positions)
    found = np.empty(n)
    away = np.empty((n, 3))
    for i in range(n):
        found[i] = _share(away[: neighbours(positions, box, 2 * R, i, away)], R)
    return found


@nb.njit(cache=True)
def _share(away, R):  # type: ignore[no-untyped-def]
    """Return the sum over three and more spheres, the one at 0 among them, of (-1)^(k + 1) / k times their volume."""
    n, share = len(away), 0.0
    away, own = _sorted(away)
    squares = _squares(away)
    chosen, centres, volumes = np.empty(n + 1, np.int64), np.zeros((n + 2, 3)), np.ones((n + 1, n))
    depth, j = 0, 0
    while depth > 0 or j < n:
        if j == n:
            depth -= 1
            j = chosen[depth] + 1
            continue
        if volumes[depth, j] > NOTHING * R**3:
            chosen[depth], centres[depth + 1] = j, away[j]
            if depth > 0:
                share += volumes[depth, j] / (depth + 2) * (1 if depth % 2 else -1)
            depth += 1
            _extend(chosen, depth, own, away, squares, centres, R, volumes)
        j += 1
    return max(share, 0.0)


# The same on a grid, as the thesis has it.


def on_grid(positions: Floats, box: Floats, q: float, points: int) -> tuple[Floats, float]:
    """Return w, (N,), and the free volume [sigma^3], counted on a grid over the whole box.

    Args:
        positions, box, q: as of `particle_energies`.
        points: about how many the grid has; the thesis takes 10^5.
    """
    positions, box = checked(positions, box, q)
    shape = np.maximum(np.rint(box * (points / box.prod()) ** (1 / 3)), 1).astype(np.int64)
    shares, free = _on_grid(positions, box, radius(q), shape)
    return np.asarray(shares), float(free)


@nb.njit(cache=True)
def _on_grid(positions, box, R, shape):  # type: ignore[no-untyped-def]
    cover = np.zeros((shape[0], shape[1], shape[2]), np.int64)
    shares = np.zeros(len(positions))
    cell = box / shape
    for i in range(len(positions)):
        _paint(positions[i], R, cell, cover, True)
    for i in range(len(positions)):
        shares[i] = _paint(positions[i], R, cell, cover, False)
    return shares * np.prod(cell), np.sum(cover == 0) * np.prod(cell)


@nb.njit(cache=True)
def _paint(centre, R, cell, cover, count):  # type: ignore[no-untyped-def]
    """Count a sphere at the grid's points within it, or return the sum of its shares there."""
    first = np.ceil((centre - R) / cell - 0.5).astype(np.int64)
    last = np.floor((centre + R) / cell - 0.5).astype(np.int64)
    total = 0.0
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            for k in range(first[2], last[2] + 1):
                x, y, z = (
                    (i + 0.5) * cell[0] - centre[0],
                    (j + 0.5) * cell[1] - centre[1],
                    (k + 0.5) * cell[2] - centre[2],
                )
                if x * x + y * y + z * z >= R * R:
                    continue
                at = (i % cover.shape[0], j % cover.shape[1], k % cover.shape[2])
                if count:
                    cover[at] += 1
                else:
                    n = cover[at]
                    total += (n - 1) * (n - 2) / (2 * n)
    return total
