"""The radial distribution function g(r) of particles in a periodic cube, by freud.density.RDF.

    g(r) = V / (N (N - 1)) < sum_i sum_{j != i} delta(r - r_ij) > / (4 pi r^2)

Convention: normalised by N - 1, so that an ideal gas of any size has g = 1. `r` is the middle of a bin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError

Floats = NDArray[np.float64]


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
        import freud

        if not 0 < r_max <= box_length / 2:
            raise SimulationError(f"r_max = {r_max:g} is not allowed: g(r) reaches to half the box, {box_length / 2:g}")
        # freud refuses exactly half of a box, whose periodic images it would see twice.
        reach = min(r_max, box_length / 2 * (1 - 1e-6))
        self._rdf: Any = freud.density.RDF(round(r_max / bin_width), reach, normalization_mode="finite_size")
        self._box: Any = freud.box.Box.cube(box_length)
        self.r_values: Floats = np.asarray(self._rdf.bin_centers, dtype=np.float64)

    def compute(self, positions: Floats) -> Floats:
        """Return g(r), shape (b,), of positions, shape (N, 3) [length]; they need not be wrapped into the box."""
        self._rdf.compute((self._box, self._box.wrap(positions)))
        return np.array(self._rdf.rdf, dtype=np.float64)
