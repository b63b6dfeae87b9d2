"""Partial static structure factors of a binary mixture in a periodic cube, on a given grid of wave numbers.

    S_ab(k) = < Re rho_a(k) rho_b(k)^* > / N,    rho_a(k) = sum_{j in a} exp(-i k . r_j)

Convention: the sum is over N, the number of all particles, so that S_aa -> x_a and S_AB -> 0 for k -> infinity, and S =
S_AA + 2 S_AB + S_BB. `k` has the 2 pi in it; the box has the wave vectors (2 pi / L) n.

A bin is centred on a wave number of the grid and is the mean over wave vectors in it: over all of them where they are
few, over VECTORS random ones, others for each configuration, where they are many. The matrix of each bin is a mean of
matrices rho_a rho_b^* and so never negative. Bins without a wave vector would not be: those below 2 pi / L get the mean
of the FIRST shortest lengths of wave vectors, a liquid's S(k) being flat there; others are interpolated linearly
between their neighbours. Means of positive matrices are positive, so mode-coupling theory can take all of them.

exp(-i k . r) is a product of three factors which are tabulated for all n_x, n_y, n_z: a wave vector costs 1 us for
1200 particles.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats

Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
VECTORS = 200  # wave vectors of a bin in one configuration; k and -k are one
FIRST = 2  # lengths of wave vectors whose S goes on to k = 0: 9 vectors, (1, 0, 0) and (1, 1, 0)


class PartialStructureFactors:
    """S_AA, S_AB, S_BB of one box; see the module.

    Args:
        types: kind of each particle, 0 or 1, shape (N,).
        box_length: L [length].
        k_values: middles of the bins, equally spaced from half a bin's width on, shape (b,) [1/length].
        rng: chooses the wave vectors.

    Raises:
        SimulationError: if the grid ends before the FIRST shortest wave vectors of the box.
    """

    def __init__(self, types: NDArray[np.intp], box_length: float, k_values: Floats, rng: np.random.Generator) -> None:
        self._order, self._first = np.argsort(types, kind="stable"), int(np.sum(types == 0))
        self._unit, self._rng = 2 * np.pi / box_length, rng
        self._edges = np.append(k_values - k_values[0], k_values[-1] + k_values[0]) / self._unit
        self._n_max = int(self._edges[-1])
        if self._edges[-1] ** 2 <= FIRST:
            raise SimulationError(f"k up to {k_values[-1]:g} lies below the wave vectors of a box of {box_length:g}")
        self._all, self._all_bins = self._few()
        counts = np.bincount(self._all_bins, minlength=len(k_values))
        self._many = np.flatnonzero(self._expected() > VECTORS)
        self.filled = counts > 0
        self.filled[self._many] = True
        self._shortest = np.sum(self._all**2, axis=1) <= FIRST  # all of them, where the first bins are empty

    def _expected(self) -> Floats:
        """Return about how many wave vectors, k and -k as one, each bin has: half the volume of its shell."""
        return np.asarray(2 / 3 * np.pi * np.diff(self._edges**3))

    def _few(self) -> tuple[Integers, Integers]:
        """Return all wave vectors, (m, 3), of bins that have no more than VECTORS, and their bins, (m,)."""
        few = np.flatnonzero(self._expected() <= VECTORS)
        reach = int(self._edges[few[-1] + 1]) if len(few) else 0
        span = np.arange(-reach, reach + 1)
        n = np.array(list(product(np.arange(reach + 1), span, span)), dtype=np.int64)
        n = n[_upper_half(n)]
        bins = np.searchsorted(self._edges, np.sqrt(np.sum(n**2, axis=1)), side="right") - 1
        return n[np.isin(bins, few)], bins[np.isin(bins, few)]

    def _vectors(self) -> tuple[Integers, Integers]:
        """Return the wave vectors of one configuration, (m, 3), and the bins that they are in, (m,)."""
        bins = np.repeat(self._many, VECTORS)
        low, high = self._edges[bins] ** 3, self._edges[bins + 1] ** 3
        length = np.cbrt(low + (high - low) * self._rng.random(len(bins)))
        direction = self._rng.normal(size=(len(bins), 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        n = np.rint(length[:, None] * direction).astype(np.int64)
        # Rounding moves some of them into the next bin, where they are as good.
        bins = np.searchsorted(self._edges, np.sqrt(np.sum(n**2, axis=1)), side="right") - 1
        good = np.isin(bins, self._many) & (np.abs(n).max(axis=1) <= self._n_max)
        return np.concatenate([self._all, n[good]]), np.concatenate([self._all_bins, bins[good]])

    def compute(self, positions: Floats) -> Floats:
        """Return S_AA, S_AB, S_BB of positions, shape (N, 3) [length], as an array (3, b)."""
        n, bins = self._vectors()
        n_max = max(self._n_max, 1)
        # Phases in double precision; single precision is enough for the sums, whose relative error is about 1e-6.
        wave = np.exp(1j * self._unit * positions[self._order].T)
        waves = np.ones((3, n_max + 1, len(positions)), dtype=np.complex128)
        for i in range(n_max):
            waves[:, i + 1] = waves[:, i] * wave
        products = _products(waves.real.astype(np.float32), waves.imag.astype(np.float32), n, self._first)
        products /= len(positions)
        counts = np.bincount(bins, minlength=len(self.filled))
        sums = np.array([np.bincount(bins, weights=one, minlength=len(self.filled)) for one in products])
        return self._filled_up(sums / np.maximum(counts, 1), products[:, : len(self._all)][:, self._shortest])

    def _filled_up(self, S: Floats, first: Floats) -> Floats:
        """Return S, (3, b), with the bins that have no wave vector after the module's rule.

        first: S of the shortest wave vectors, (3, m).
        """
        known, b = np.flatnonzero(self.filled), np.arange(len(self.filled))
        left = S[:, 0] if self.filled[0] else first.mean(axis=1)
        return np.array([np.interp(b, known, one[known], left=low) for one, low in zip(S, left, strict=True)])


def _upper_half(n: Integers) -> NDArray[np.bool_]:
    """Say which of the vectors n, (m, 3), stand for themselves and -n: the first component that is not 0 is > 0."""
    x, y, z = n.T
    return np.asarray((x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0)))))


@njit(cache=True, fastmath=True)
def _products(cosines: Singles, sines: Singles, n: Integers, first: int) -> Floats:
    """Return |rho_A|^2, Re rho_A rho_B^* and |rho_B|^2 of wave vectors n (m, 3), shape (3, m).

    cosines, sines: of 2 pi n x / L, shape (3, n_max + 1, N), A's particles, `first` of them, before B's.
    """
    result = np.empty((3, len(n)))
    for m in range(len(n)):
        x, y, z = abs(n[m, 0]), abs(n[m, 1]), abs(n[m, 2])
        up = np.float32(np.sign(n[m, 0])), np.float32(np.sign(n[m, 1])), np.float32(np.sign(n[m, 2]))
        A, a = _sum(cosines[0, x, :first], sines[0, x, :first], cosines[1, y, :first], sines[1, y, :first],
                    cosines[2, z, :first], sines[2, z, :first], up)  # fmt: skip
        B, b = _sum(cosines[0, x, first:], sines[0, x, first:], cosines[1, y, first:], sines[1, y, first:],
                    cosines[2, z, first:], sines[2, z, first:], up)  # fmt: skip
        result[0, m], result[1, m], result[2, m] = A * A + a * a, A * B + a * b, B * B + b * b
    return result


@njit(cache=True, fastmath=True)
def _sum(
    cos_x: Singles, sin_x: Singles, cos_y: Singles, sin_y: Singles, cos_z: Singles, sin_z: Singles, up: tuple[Any, ...]
) -> tuple[Any, Any]:
    """Return real and imaginary part of the sum over particles of the product of three waves."""
    up_x, up_y, up_z = up
    real = imaginary = np.float32(0.0)
    for j in range(len(cos_x)):
        x, y, z = up_x * sin_x[j], up_y * sin_y[j], up_z * sin_z[j]
        p, q = cos_x[j] * cos_y[j] - x * y, cos_x[j] * y + x * cos_y[j]
        real += p * cos_z[j] - q * z
        imaginary += p * z + q * cos_z[j]
    return real, imaginary
