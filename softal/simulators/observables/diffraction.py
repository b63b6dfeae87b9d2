"""The diffraction pattern: S(k) at every wave vector of a grid, in two or three dimensions, any rectangular box.

    S(k) = |rho_k|^2 / N,    rho_k = sum_j exp(-i k . r_j),    k = 2 pi (n_1 / L_1, ..., n_d / L_d),   |n_i| <= n_max

Convention: the pattern's axes are n_1 ... n_d, from -n_max to n_max; its middle is k = 0, where S = N. S is 1 on
average in a gas without structure, and N in the Bragg peaks of a perfect crystal that fits into the box.

What a network sees is the amplitude |rho_k| / N = sqrt(S / N), from 0 to 1, its maximum in each block of 4 pixels along
every axis, with the pixel k = 0, which is 1 in every phase, set to 0 before: `phase_input`.

The sum over particles is a product of matrices, since exp(-i k . r) factorises; half of it is S(-k) = S(k). On one core
the 129 x 129 pixels of 256 particles take 1 ms, the 65 x 65 x 65 of 432 particles 9 ms.

Source: G. M. Coli, E. Boattini, L. Filion, M. Dijkstra, Sci. Adv. 8, eabj6731 (2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.observables.rotation import rotated

N_MAX = {2: 64, 3: 32}  # of the patterns that networks see, by dimension
POOL = 4  # pixels of them that become one, along each axis
CHUNK = 2048  # particles at once, which bounds memory: 70 MB in three dimensions


def diffraction_pattern(positions: Floats, box: Floats, n_max: int) -> Floats:
    """Return S(k), shape (2 n_max + 1,) * d; its index [n_max, ..., n_max] is k = 0, kept as computed: N.

    Args:
        positions: shape (N, d), d = 2 or 3 [length]; they need not be in the box.
        box: edges, shape (d,) [length].
        n_max: largest component of n.

    Raises:
        SimulationError: if there are no particles, or the shapes do not fit.
    """
    _check(positions, box)
    half = sum(_half_density(part / box, n_max) for part in np.split(positions, range(CHUNK, len(positions), CHUNK)))
    squared = (half.real**2 + half.imag**2) / len(positions)
    # n_1 >= 0 was computed; the rest is its reflection through k = 0.
    return np.concatenate([np.flip(squared)[:-1], squared])


def _check(positions: Floats, box: Floats) -> None:
    if np.ndim(positions) != 2 or len(positions) == 0 or np.shape(box) != (np.shape(positions)[1],) or len(box) < 2:
        raise SimulationError(
            f"positions of shape {np.shape(positions)} in a box of shape {np.shape(box)}: a diffraction pattern needs "
            "positions (N, d), N > 0, and a box (d,), d = 2 or 3"
        )


def _half_density(reduced: Floats, n_max: int) -> NDArray[np.complex128]:
    """Return rho_k for n_1 >= 0, shape (n_max + 1, 2 n_max + 1, ...), of positions in units of the box."""
    # All in double precision: where particles scatter in phase, single precision loses 1e-8 N with each of them.
    waves = [_powers(np.exp(-2j * np.pi * x), n_max) for x in reduced.T]
    full = [np.concatenate([np.conj(wave[:0:-1]), wave]) for wave in waves[1:]]
    left = waves[0]
    for wave in full[:-1]:
        left = (left[:, None, :] * wave[None, :, :]).reshape(-1, len(reduced))
    density = left @ full[-1].T
    return np.asarray(density.reshape(n_max + 1, *[2 * n_max + 1] * len(full)))


def _powers(base: NDArray[np.complex128], n_max: int) -> NDArray[np.complex128]:
    """Return base^n, n = 0 ... n_max, shape (n_max + 1, N), doubling: as accurate as exp, and ten times as fast."""
    powers = np.ones((n_max + 1, len(base)), dtype=np.complex128)
    powers[1:2] = base
    known = 2
    while known <= n_max:
        new = min(known - 1, n_max + 1 - known)
        powers[known : known + new] = powers[1 : new + 1] * powers[known - 1]
        known += new
    return powers


def pooled(pattern: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """Return the maximum of each block of `size` pixels along every axis, shape (ceil(n / size),) * d.

    Blocks start at index 0; the last ones may be smaller: what a pooling layer of networks does, rounding up (PyTorch's
    MaxPool with ceil_mode).
    """
    padding = [(0, -n % size) for n in pattern.shape]
    blocks = np.pad(pattern, padding, constant_values=-np.inf)
    for axis in range(pattern.ndim):
        shape = blocks.shape
        blocks = blocks.reshape(*shape[:axis], -1, size, *shape[axis + 1 :]).max(axis=axis + 1)
    return blocks


def phase_input(
    positions: Floats, box: Floats, dimension: int, angle: float | ArrayLike | None = None
) -> NDArray[np.float32]:
    """Return what a network classifies a phase by: the pooled amplitude |rho_k| / N, in [0, 1], without k = 0.

    Args:
        positions: shape (N, d) [length].
        box: edges, shape (d,) [length].
        dimension: d, 2 or 3.
        angle: turn the configuration first: angle [radian] (in 3D about z) or rotation matrix; see `rotated`.

    Returns:
        Shape (33, 33) or (17, 17, 17).

    Raises:
        SimulationError: if `dimension` is not that of the positions.
    """
    if dimension not in N_MAX or np.shape(positions)[1:] != (dimension,):
        raise SimulationError(
            f"dimension = {dimension} with positions of shape {np.shape(positions)}: 2 or 3, as (N, d)"
        )
    if angle is not None:
        positions = rotated(positions, box, angle)
    n_max = N_MAX[dimension]
    amplitude = np.sqrt(diffraction_pattern(positions, box, n_max) / max(len(positions), 1)).astype(np.float32)
    amplitude[(n_max,) * dimension] = 0
    # Rounding in single precision may exceed 1 by 1e-7.
    return np.asarray(np.minimum(pooled(amplitude, POOL), 1), dtype=np.float32)


def wave_vectors(shape: tuple[int, ...], box: Floats) -> list[Floats]:
    """Return the components of k of every pixel of a pattern of that shape, d arrays of that shape [1/length]."""
    axes = [2 * np.pi / length * np.arange(-(n // 2), n // 2 + 1) for n, length in zip(shape, box, strict=True)]
    return list(np.meshgrid(*axes, indexing="ij"))


def wave_numbers(shape: tuple[int, ...], box: Floats) -> Floats:
    """Return |k| of every pixel of a pattern of that shape [1/length]."""
    return np.asarray(np.linalg.norm(wave_vectors(shape, box), axis=0))


def radial_structure_factor(pattern: Floats, box: Floats, bin_width: float | None = None) -> tuple[Floats, Floats]:
    """Return |k| [1/length] and S(k), the mean over each shell of wave vectors, each of shape (b,).

    `k` is the mean of the magnitudes in the shell; k = 0 is left out, and what lies beyond the largest sphere that the
    pattern holds in full.

    Args:
        pattern: from `diffraction_pattern`.
        box: its box, shape (d,) [length].
        bin_width: of the shells [1/length]; by default 2 pi / the longest edge, the first wave vector.
    """
    k = wave_numbers(pattern.shape, box)
    first = 2 * np.pi / np.max(box)
    width = first if bin_width is None else bin_width
    reach = min((n // 2) * 2 * np.pi / length for n, length in zip(pattern.shape, box, strict=True))
    inside = (k > first / 2) & (k <= reach * (1 + 1e-12))
    # Half a bin's shift puts the first vectors of the box into the middle of a shell.
    shell = np.rint(k[inside] / width).astype(np.intp)
    counts = np.bincount(shell)
    filled = counts > 0
    return (
        np.bincount(shell, weights=k[inside])[filled] / counts[filled],
        np.bincount(shell, weights=pattern[inside])[filled] / counts[filled],
    )
