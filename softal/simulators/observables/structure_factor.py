"""The static structure factor of particles in a periodic cube, from every wave vector that fits into the box.

    S(k) = < |sum_j exp(-i k . r_j)|^2 > / N

Convention: `k` is the wave vector's magnitude with the 2 pi in it, k = 2 pi / wavelength = (2 pi / L) |n|, n integer;
S -> 1 for k -> infinity. S(0) = N is left out: the grid begins with the first vector that the box resolves, 2 pi / L.
S of a bin is the mean over all wave vectors in it, and the bin's `k` is the mean of their magnitudes (not the bin's
middle), so that a slope of S within the bin does no harm.

The sum over particles is a product of matrices: exp(-i k . r) factorises into x, y and z, so that for each n_x all n_y
and n_z are one multiplication, (n_y x N) (N x n_z). For 864 particles and k up to 33 x 2 pi / L this takes 20 ms for
all of the 75,000 pairs of wave vectors k and -k. (freud.diffraction.StaticStructureFactorDirect, which a test compares
with, needs 1.7 s for the quarter of them that it takes, those with no negative component.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats


class StructureFactor:
    """S(k) of one box; see the module.

    Args:
        box_length: L [length].
        k_max: largest magnitude of a wave vector [1/length].
        bin_width: of the grid of k [1/length]; bins without a wave vector are left out.

    Attributes:
        k_values: grid, shape (b,) [1/length], ascending.
        counts: wave vectors in each bin, k and -k both counted, shape (b,).

    Raises:
        SimulationError: if no wave vector fits between 2 pi / L and k_max.
    """

    def __init__(self, box_length: float, k_max: float, bin_width: float) -> None:
        self._unit = 2 * np.pi / box_length
        self._reach2 = (k_max / self._unit) ** 2 * (1 + 1e-12)  # largest |n|^2
        self._n_max = int(np.sqrt(self._reach2))
        if self._n_max < 1:
            raise SimulationError(f"k_max = {k_max:g} lies below 2 pi / L = {self._unit:.4g}, the first of this box")
        n2 = np.concatenate([self._squares(n_x).ravel() for n_x in range(self._n_max + 1)])
        # k and -k have the same S: n_x > 0 stands for both, the plane n_x = 0 holds both.
        weight = np.concatenate([np.full(self._squares(n).size, 2.0 if n else 1.0) for n in range(self._n_max + 1)])
        k = self._unit * np.sqrt(n2)
        weight[(n2 == 0) | (n2 > self._reach2)] = 0.0
        fine = np.minimum((k / bin_width).astype(np.intp), int(k_max / bin_width) + 1)
        filled, self._bin = np.unique(np.where(weight > 0, fine, -1), return_inverse=True)
        self._empty = int(filled[0] == -1)  # n = 0 is always in it
        self._weight = weight
        self.counts = self._binned(np.ones_like(k))
        self.k_values = self._binned(k) / self.counts

    def _squares(self, n_x: int) -> NDArray[np.intp]:
        """Return |n|^2 of the plane n_x, shape (2 m + 1, 2 m + 1), m = sqrt((k_max L / 2 pi)^2 - n_x^2)."""
        m = self._rows(n_x)
        n = np.arange(-m, m + 1)
        return np.asarray(n_x**2 + n[:, None] ** 2 + n[None, :] ** 2)

    def _rows(self, n_x: int) -> int:
        return int(np.sqrt(self._reach2 - n_x**2))

    def _binned(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self._bin, weights=values * self._weight)[self._empty :], dtype=np.float64)

    def compute(self, positions: Floats, weights: Floats | None = None) -> Floats:
        """Return S(k), shape (b,), of positions, shape (N, 3) [length]; they need not be wrapped into the box.

        With `weights` w, shape (N,), such as scattering lengths, it is |sum_j w_j exp(-i k . r_j)|^2 / N.
        """
        n = np.arange(-self._n_max, self._n_max + 1)
        # Phases in double precision; single precision is enough for the sums, whose relative error is about 1e-6.
        phases = np.exp(-1j * self._unit * positions.T[:, None, :] * n[:, None]).astype(np.complex64)
        x, y, z = phases
        if weights is not None:
            z = z * weights.astype(np.float32)
        centre = self._n_max
        squares = []
        for n_x in range(self._n_max + 1):
            m = self._rows(n_x)
            plane = slice(centre - m, centre + m + 1)
            density = (x[centre + n_x] * y[plane]) @ z[plane].T
            squares.append((density.real**2 + density.imag**2).ravel())
        return self._binned(np.concatenate(squares).astype(np.float64)) / self.counts / len(positions)
