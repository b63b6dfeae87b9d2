"""The radial distribution function g(r) of particles in a periodic cube.

    g(r) = V / (N (N - 1)) < sum_i sum_{j != i} delta(r - r_ij) > / (4 pi r^2)

Convention: normalised by N - 1, so that an ideal gas of any size has g = 1. `r` is the middle of a bin.

Large systems go through freud.density.RDF. Up to `ALL_PAIRS` particles the distances of all pairs are faster, and need
no import of freud, which takes as long as a short simulation's analysis.
"""

from __future__ import annotations

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats

ALL_PAIRS = 1500


class RadialDistribution:
    """g(r) of one box; see the module.

    Args:
        box_length: L [length].
        r_max: at most L/2 [length].
        bin_width: of r, adjusted to divide r_max [length].

    Attributes:
        r_values: middle of each bin, shape (b,) [length].
    """

    def __init__(self, box_length: float, r_max: float, bin_width: float) -> None:
        if not 0 < r_max <= box_length / 2:
            raise SimulationError(f"r_max = {r_max:g} is not allowed: g(r) reaches to half the box, {box_length / 2:g}")
        self._box_length = box_length
        # freud refuses exactly half of a box, whose periodic images it would see twice.
        self._r_max = min(r_max, box_length / 2 * (1 - 1e-6))
        edges = np.linspace(0, self._r_max, max(1, round(r_max / bin_width)) + 1)
        self.r_values: Floats = (edges[1:] + edges[:-1]) / 2
        self._shells: Floats = 4 / 3 * np.pi * np.diff(edges**3)

    def compute(self, positions: Floats) -> Floats:
        """Return g(r), shape (b,), of positions, shape (N, 3) [length]; they need not be wrapped into the box."""
        if len(positions) > ALL_PAIRS:
            return self._by_freud(positions)
        first, second = np.triu_indices(len(positions), 1)
        squared = np.zeros(len(first))
        for x in positions.T / self._box_length:
            apart = x[first] - x[second]
            apart -= np.rint(apart)
            squared += apart**2
        bins = len(self.r_values)
        index = np.sqrt(squared) * (self._box_length / self._r_max * bins)
        counts = np.bincount(index[index < bins].astype(np.intp), minlength=bins)
        return np.asarray(counts / len(first) * self._box_length**3 / self._shells)

    def _by_freud(self, positions: Floats) -> Floats:
        import freud

        box = freud.box.Box.cube(self._box_length)
        rdf = freud.density.RDF(len(self.r_values), self._r_max, normalization_mode="finite_size")
        return np.array(rdf.compute((box, box.wrap(positions))).rdf, dtype=np.float64)
