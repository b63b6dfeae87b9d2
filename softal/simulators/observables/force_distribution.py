r"""Partial radial distribution functions g_ab(r) from counts of pairs and from the forces on them.

    histogram   g(b) = < pairs in bin b > / (pairs of an ideal gas in it)
    left        g(b) = beta V / (4 pi n) < sum_pairs f_ij u_b(r_ij) / r_ij^2 >,    f_ij = (F_j - F_i) . r_ij / (2 r_ij)
    anchored    left, and all bins shifted together so that in the outer half of r it is the histogram in the mean

n is the number of pairs of the two kinds, F_i the force on particle i, all forces on it, r_ij = r_j - r_i, and u_b(r)
the part of bin b's shell that lies outside of r: dg/dr = beta V < sum f_ij delta(r - r_ij) > / (4 pi n r^2),
integrated from r = 0, and averaged over the shell like the histogram. `left` is exactly zero where no pair has come;
its noise grows with r, that of `anchored` is small where the histogram's mean over the outer half holds it. (In an open
system it could be 1 minus the integral from infinity instead; a box ends at half its side, where g is not quite 1.)

The noise of forces does not depend on the bins' width, the histogram's grows as 1 / sqrt(width). `combination` makes
the best of the three, for each bin. All are unbiased if the forces are those of the distribution that is sampled (the
temperature is the thermostat's: a time step that makes forces too hot by a part shows in `left` as that part), and
`left` only where particles repel each other at contact: without a core, which is seen by pairs nearer than CORE, it is
left out.

Source: D. Borgis, R. Assaraf, B. Rotenberg, R. Vuilleumier, Mol. Phys. 111, 3486 (2013), eq. 11.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.observables.combination import Combined, combined, fewest_blocks
from softal.simulators.observables.partial_rdf import PartialDistributions
from softal.simulators.statistics import mean_and_error

HISTOGRAM, LEFT, ANCHORED = range(3)
OUTER = 0.5  # of r_max: from here on bins hold the anchor
CORE = 0.05  # of r_max: where there is a core, no pair comes nearer


class ForceDistributions:
    """Estimates of g_ab, configuration by configuration; see the module.

    Args:
        partial: kinds, box and bins.
        kT: temperature [energy].
    """

    def __init__(self, partial: PartialDistributions, kT: float) -> None:
        self._partial = partial
        self._ideal = np.where(partial.ideal > 0, partial.ideal, np.inf)  # of a kind of one particle there are no pairs
        shells = 4 / 3 * np.pi * np.diff(partial.edges**3)
        self._per_force = shells / (self._ideal * 4 * np.pi * kT)  # V / n is that of a shell over its ideal gas's pairs
        outer = partial.r_values >= OUTER * partial.r_values[-1]
        self._anchor = np.where(outer, shells, 0.0) / shells[outer].sum()
        self._inner = partial.edges[:-1] < CORE * partial.edges[-1]
        self._samples: list[Floats] = []

    def sample(self, positions: Floats, forces: Floats) -> None:
        """Take in one configuration: positions (N, 3) [length] and forces (N, 3) [energy/length] of its particles."""
        counts, sums = self._partial.counts_and_forces(positions, forces)
        histogram, left = counts / self._ideal, sums * self._per_force
        anchored = left + ((histogram - left) @ self._anchor)[:, None]
        self._samples.append(np.array([histogram, left, anchored]))

    def estimates(self) -> Floats:
        """Return histogram, left and anchored of each configuration, shape (3, configurations, pairs, b)."""
        if not self._samples:
            raise SimulationError("g(r) from forces needs at least one configuration")
        return np.moveaxis(np.array(self._samples), 1, 0)

    def best(self) -> list[Combined]:
        """Return the best of them for each pair of kinds, in the order of `PartialDistributions.pairs`."""
        return [best_of(self._usable(estimates)) for estimates in np.moveaxis(self.estimates(), 2, 0)]

    def _usable(self, estimates: Floats) -> Floats:
        """Return those of the estimates (3, configurations, b) that are of g."""
        without_core = bool(estimates[HISTOGRAM][:, self._inner].any())
        return estimates[[HISTOGRAM, ANCHORED]] if without_core else estimates


def best_of(estimates: Floats) -> Combined:
    """Return the best combination of estimates (m, configurations, b); of too few configurations, the first alone."""
    if estimates.shape[1] >= fewest_blocks(len(estimates)):
        return combined(estimates)
    mean, error = mean_and_error(estimates[0])
    weights = np.zeros((len(estimates), estimates.shape[-1]))
    weights[0] = 1.0
    return Combined(mean, error, weights, mean, error)


def distributions(
    partial: PartialDistributions, positions: Sequence[Floats], forces: Sequence[Floats | None], kT: float
) -> list[tuple[Floats, Floats]]:
    """Return mean and standard error of g_ab, each (b,), for each pair of kinds.

    Args:
        partial: kinds, box and bins.
        positions: of each configuration (N, 3) [length].
        forces: of each one (N, 3) [energy/length]; where one is None, pairs are counted only.
        kT: temperature [energy].
    """
    if any(one is None for one in forces):
        means, errors = mean_and_error(np.array([partial.compute(one) for one in positions]))
        return list(zip(means, errors, strict=True))
    found = ForceDistributions(partial, kT)
    for where, force in zip(positions, forces, strict=True):
        assert force is not None
        found.sample(where, force)
    return [(one.values, one.errors) for one in found.best()]
