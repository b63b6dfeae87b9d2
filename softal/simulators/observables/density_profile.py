r"""Density profiles between planes, from counts in bins and from forces.

    histogram   rho(b) = < N_b > / (A w)
    left        rho(b) = (beta / A) < sum_i F_i u_b(z_i) >
    right       rho(b) = -(beta / A) < sum_i F_i (1 - u_b(z_i)) >

N_b is the number of particles in bin b of width w, A the area, F_i the force on particle i along z, all forces on it
with those of walls, fields and charges, and u_b(z) the part of bin b that lies above z: 1 for z below the bin, 0
above it. They are d rho/dz = beta < sum_i F_i delta(z - z_i) > / A, integrated from below the lowest and from above
the highest particle, and averaged over the bin like the histogram: the bins' width makes no bias. left - right is the
total force, zero in the mean. Forces' noise does not depend on the width, the histogram's grows as 1 / sqrt(w).

Which and why: all three are kept for each block, and `combination` makes the best of them, and of the number of
particles, which is known (`with_total`). Of ions between planes, that halves the variance of what the three make by
themselves.

Source: D. Borgis, R. Assaraf, B. Rotenberg, R. Vuilleumier, Mol. Phys. 111, 3486 (2013), section 3.
"""

from __future__ import annotations

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats

HISTOGRAM, LEFT, RIGHT = range(3)


class DensityProfile:
    """Profile of particles of one kind along z, block by block; see the module.

    Args:
        low, high: ends of the profile, between which all particles are [length].
        bins: number of bins.
        area: of the planes [length^2].
        kT: temperature [energy].

    Attributes:
        grid: middle of each bin, shape (b,) [length].
    """

    def __init__(self, low: float, high: float, bins: int, area: float, kT: float) -> None:
        if not (high > low and bins >= 1 and area > 0 and kT > 0):
            raise SimulationError("a density profile needs high > low, at least one bin, an area and a temperature")
        self._low, self._width, self._bins = low, (high - low) / bins, bins
        self._area, self._kT = area, kT
        self.grid: Floats = np.asarray(low + (np.arange(bins) + 0.5) * self._width)
        self._blocks: list[Floats] = []
        self._clear()

    def _clear(self) -> None:
        self._samples = 0
        self._sums = np.zeros((3, self._bins))  # counts; forces; forces times the bin's part above the particle

    def sample(self, z: Floats, force: Floats) -> None:
        """Take in one instant: places z (N,) [length] and forces along z (N,) [energy/length] of the particles.

        Raises:
            SimulationError: a particle is not between the ends.
        """
        place = (z - self._low) / self._width
        index = np.floor(place).astype(np.intp)
        if len(z) and (index.min() < 0 or index.max() >= self._bins):
            raise SimulationError(f"a particle at z = {z[np.argmax(np.abs(place - self._bins / 2))]:.4g} has escaped")
        above = force * (index + 1 - place)
        self._sums[0] += np.bincount(index, minlength=self._bins)
        self._sums[1] += np.bincount(index, force, minlength=self._bins)
        self._sums[2] += np.bincount(index, above, minlength=self._bins)
        self._samples += 1

    def end_block(self) -> None:
        """End a block; the next sample begins another."""
        if self._samples:
            self._blocks.append(self._sums / self._samples)
        self._clear()

    def estimates(self) -> Floats:
        """Return histogram, left and right of each ended block, shape (3, blocks, b) [1/length^3]."""
        counts, forces, above = np.moveaxis(np.array(self._blocks).reshape(-1, 3, self._bins), 1, 0)
        # Each summed from its own side: exactly zero where no particle has come, not but for rounding.
        left = _before(forces) + above
        right = -_before(forces[:, ::-1])[:, ::-1] - (forces - above)
        per_force = 1 / (self._kT * self._area)
        return np.array([counts / (self._area * self._width), left * per_force, right * per_force])


def _before(forces: Floats) -> Floats:
    """Return the sum over the bins before each one, shape (blocks, b)."""
    sums = np.zeros_like(forces)
    np.cumsum(forces[:, :-1], axis=1, out=sums[:, 1:])
    return sums


def with_total(estimates: Floats) -> Floats:
    """Return estimates (3, blocks, b) with a fourth, the histogram with the error of the forces' total: (4, blocks, b).

    How many particles there are is known, so that what integrals of forces say of it beyond that is their noise alone.
    It is the noise of all bins at once, which the best combination then takes away from each.
    """
    integrals = estimates[[LEFT, RIGHT]].mean(axis=(0, 2))
    off = integrals - estimates[HISTOGRAM].mean(axis=1)
    return np.concatenate([estimates, estimates[:1] + off[:, None]])


def folded(estimates: Floats) -> Floats:
    """Return estimates (3, blocks, 2 b) of a symmetric profile averaged over its halves, the lower one: (3, blocks, b).

    What a mirror makes of the integral from below is that from above, so that `left` is the one from the nearer wall.
    """
    bins = estimates.shape[-1]
    if bins % 2:
        raise SimulationError(f"a profile of {bins} bins has no middle to be folded about: an even number is needed")
    mirrored = estimates[[HISTOGRAM, RIGHT, LEFT], :, ::-1]
    return 0.5 * (estimates + mirrored)[..., : bins // 2]
