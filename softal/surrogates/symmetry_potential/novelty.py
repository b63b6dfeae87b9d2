"""Which environments are far from all that were learned from, so that nothing is known of their energy.

An environment is as far as the Mahalanobis distance of its chosen functions from their mean; unknown where that is more
than what 999 of 1000 environments stay within: of those learned from, and of runs that were held out. Hundreds of
environments for each function leave the former hardly too near. Runs that are left out in turn would say too much: an
extreme one is far by the scatter of the others, and would have all known that is nearer than that. The error of a fit
grows with this distance, within and beyond (`errors.Believed`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.symmetry_potential.errors import Whitened

KNOWN = 0.999  # part of the environments that are not far


@dataclass(frozen=True)
class Novelty:
    """The environments that are known.

    Attributes:
        known: their distances.
        threshold: the distance beyond which one is far.
    """

    known: Whitened
    threshold: float

    @classmethod
    def of(cls, known: Whitened, learned: Floats, held_out: Floats) -> Novelty:
        """Return it of functions (n, m) of environments that were learned from, and of runs that were held out."""
        return cls(known, float(max(np.quantile(known.distance(Z), KNOWN) for Z in (learned, held_out))))

    def far(self, Z: Floats) -> NDArray[np.bool_]:
        """Return of functions (n, m) whether they are far from all that is known."""
        return np.asarray(self.known.distance(Z) > self.threshold)
