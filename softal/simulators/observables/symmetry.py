"""The rotational symmetry of a two-dimensional diffraction pattern, from its brightest ring of Bragg peaks.

    c_m = |sum_k w(k) S(k) exp(i m theta_k)| / sum_k w(k) S(k),    symmetry_m = c_m - max_{d | m, d < m} c_d

theta_k is the direction of k, w a Gaussian of one pixel's width around the ring. A ring of m even peaks has c_m = 1,
but so has one of m / 2 or m / 3: a square crystal has c_4 = c_8 = c_12 = 1. What a divisor of m explains is therefore
subtracted, and what is left is 1 for one m only: 4 in a square crystal, 6 in a hexagonal one, 12, 10 or 18 in the
quasicrystals. (Only even m occur, since S(-k) = S(k).) In a fluid it is about 0.1 to 0.2 for whatever m is largest.

Which ring: not where S is largest, since the first ring of a quasicrystal is as bright as a fluid's, and as even. In a
fluid the amplitudes are random, S is distributed exponentially and <S^2> = 2 <S>^2 on a ring; peaks exceed this. Rings
of peaks are maxima of

    (<S^2> - 2 <S>^2) / sqrt(k)

where the root prefers the first of the rings of a perfect crystal, whose peaks are all equally bright. Of those with at
least half of the highest maximum, the ring with the largest symmetry is taken. The search begins at 0.7 times
2 pi sqrt(density), beyond what surrounds k = 0, and ends where the pattern does.

Nothing here knows of labels, pressures or a trained network: a check of those that is independent of them.
"""

from __future__ import annotations

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.observables.diffraction import wave_vectors

FOLDS = (4, 6, 8, 10, 12, 14, 18)
WIDTH = 1.0  # of the ring's Gaussian, in pixels
STEP = 0.25  # of the rings that are tried, in pixels
INNER = 0.7  # [2 pi sqrt(density)]
BRIGHT = 0.5  # of the highest maximum: rings to choose from


def symmetry(pattern: Floats, m: int, box: Floats | None = None) -> float:
    """Return symmetry_m of a pattern, at most 1; see the module.

    Args:
        pattern: S(k) of a plane from `diffraction_pattern`, shape (2 n + 1, 2 n + 1), its middle N; a mean over several
            configurations if their orientation is the same.
        m: even, at least 4.
        box: edges of the configuration's box, shape (2,) [any unit]; None for a square.

    Raises:
        SimulationError: if `m` is odd or less than 4, or the pattern ends before its first ring.
    """
    return symmetries(pattern, box, (m,))[m]


def symmetries(pattern: Floats, box: Floats | None = None, folds: tuple[int, ...] = FOLDS) -> dict[int, float]:
    """Return symmetry_m for each m of `folds`; arguments and errors as in `symmetry`."""
    for m in folds:
        if m < 4 or m % 2:
            raise SimulationError(f"m = {m}: a diffraction pattern has even symmetries, 4, 6, 8 ...")
    weights, theta = _near(pattern, box, brightest_ring(pattern, box))
    return {m: _symmetry(weights, theta, m) for m in folds}


def brightest_ring(pattern: Floats, box: Floats | None = None) -> float:
    """Return |k| of the ring that symmetry is taken from [2 pi / sqrt(area of the box)]; arguments as in `symmetry`."""

    def order(ring: float) -> float:
        weights, theta = _near(pattern, box, ring)
        return max(_symmetry(weights, theta, m) for m in FOLDS)

    return max(_rings_of_peaks(pattern, box), key=order)


def _symmetry(weights: Floats, theta: Floats, m: int) -> float:
    divisors = [d for d in range(2, m) if m % d == 0]
    return _component(weights, theta, m) - max(_component(weights, theta, d) for d in divisors)


def _component(weights: Floats, theta: Floats, m: int) -> float:
    return float(np.abs(np.sum(weights * np.exp(1j * m * theta))) / np.sum(weights))


def _near(pattern: Floats, box: Floats | None, ring: float) -> tuple[Floats, Floats]:
    """Return w S and theta of the pixels near a ring, each of shape (pixels,)."""
    radius, theta, _ = _polar(pattern, box)
    apart = (radius - ring) / WIDTH
    near = np.abs(apart) < 4
    return pattern[near] * np.exp(-(apart[near] ** 2) / 2), theta[near]


def _polar(pattern: Floats, box: Floats | None) -> tuple[Floats, Floats, float]:
    """Return |k| and theta of each pixel, and the largest |k| of a full circle, in units of 2 pi / sqrt(area)."""
    edges = np.ones(2) if box is None else np.asarray(box)
    k_x, k_y = wave_vectors(pattern.shape, edges)
    unit = 2 * np.pi / np.sqrt(np.prod(edges))
    return np.hypot(k_x, k_y) / unit, np.arctan2(k_y, k_x), float(min(k_x.max(), k_y.max())) / unit


def _rings_of_peaks(pattern: Floats, box: Floats | None) -> list[float]:
    """Return |k| of the rings to choose from, those of the highest maxima of the excess over random amplitudes."""
    radius, _, reach = _polar(pattern, box)
    first, last = INNER * np.sqrt(pattern[pattern.shape[0] // 2, pattern.shape[1] // 2]), reach - 1.5 * WIDTH
    if last <= first:
        raise SimulationError(
            f"a pattern that ends at {reach:.3g} times 2 pi / sqrt(area): its first ring is near {first / INNER:.3g}"
        )
    ring = np.arange(1, int(reach / STEP) + 1) * STEP
    mean, square = _ring_means(pattern, radius, len(ring))
    excess = np.where((ring > first) & (ring < last), (square - 2 * mean**2) / np.sqrt(ring), -np.inf)
    highest = np.append(excess[:-1] > excess[1:], True) & np.append(True, excess[1:] >= excess[:-1])
    # In a fluid the excess may be negative everywhere: its maximum stands alone.
    bright = excess >= max(BRIGHT * excess.max(), 0.0)
    return [float(k) for k in ring[highest & bright]] or [float(ring[np.argmax(excess)])]


def _ring_means(pattern: Floats, radius: Floats, rings: int) -> tuple[Floats, Floats]:
    """Return <S> and <S^2> around the radii STEP, 2 STEP ..., each of shape (rings,)."""
    offsets = np.arange(-4 * WIDTH, 4 * WIDTH + STEP, STEP)
    window = np.exp(-((offsets / WIDTH) ** 2) / 2)
    bins, S = np.rint(radius / STEP).astype(np.intp).ravel(), pattern.ravel()
    sums = (np.bincount(bins, weights=weight, minlength=rings + 1)[: rings + 1] for weight in (S**0, S, S**2))
    pixels, first, second = (np.convolve(values, window, "same")[1:] for values in sums)
    return first / pixels, second / pixels
