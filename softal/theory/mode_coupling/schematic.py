"""Schematic models: one correlator, F(0) = 1, with a polynomial for a memory function.

    m = v_1 F + v_2 F^2.

F1 is v_2 = 0, F2 is v_1 = 0, F12 has both. Closed results: f / (1 - f) = m(f); F1 becomes a glass continuously at
v_1 = 1, f = 1 - 1/v_1; F2 by a jump at v_2 = 4, f = 1/2 [1 + sqrt(1 - 4/v_2)]; F12 by jumps on the line
v_1 = 2 sqrt(v_2) - v_2, 1 <= v_2 <= 4, with f = 1 - 1/sqrt(v_2) and the exponent parameter 1/sqrt(v_2).

Source: W. Goetze, Complex Dynamics of Glass-Forming Liquids (2009), section 4.2 and 4.3; E. Leutheusser, Phys. Rev. A
29, 2765 (1984).
"""

from __future__ import annotations

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats


class Schematic:
    """The model F12: m = v_1 F + v_2 F^2, with a rate (overdamped) or squared frequency (Newtonian).

    Raises:
        TheoryError: where a coupling is negative or the rate not positive.
    """

    def __init__(self, v_1: float = 0.0, v_2: float = 0.0, rate: float = 1.0) -> None:
        for name, value in (("v_1", v_1), ("v_2", v_2)):
            if not value >= 0.0:
                raise TheoryError(f"{name}: {value:.6g} is not allowed, a coupling must be zero or positive")
        if not rate > 0.0:
            raise TheoryError(f"rate: {rate:.6g} is not allowed, it must be positive")
        self.v_1, self.v_2 = float(v_1), float(v_2)
        self.S = self.S_inverse = np.ones((1, 1, 1))
        self.rates: Floats = np.full((1, 1), float(rate))

    def memory(self, F: Floats) -> Floats:
        """Return m in the shape of F, (1, 1, 1)."""
        return (self.v_1 + self.v_2 * F) * F
