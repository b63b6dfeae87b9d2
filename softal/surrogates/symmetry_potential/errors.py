r"""How far energies are to be believed, and how far an environment is from those that were learned from.

    variance of an energy = s^2 (a + b h),    h = n z^T (Z^T Z)^-1 z,    s^2 = |y - u|^2 / (n - p)

of a fit u to n environments by p coefficients. After a flat prior their covariance is s^2 (Z^T Z)^-1, so that a = 1 and
b = 1/n where what the fit leaves are independent errors (C. M. Bishop, "Pattern Recognition and Machine Learning"
(2006), eq. 3.59). Here it is what the functions cannot say: it grows away from what was learned from, and environments
of a run are alike. So a and b maximise the likelihood of runs that were left out, in turn, of those learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.symmetry_potential.fit import Linear, Triangle
from softal.surrogates.threads import single_threaded

FACTORS = (1e-4, 1e8)  # of a, and of b times the mean h: the lowest and highest
FLAT = 1e-6  # of the widest direction: nothing was seen to vary


@dataclass(frozen=True)
class Whitened:
    """How far functions (n, m) are from a centre, in units of their standard deviations: |(z - centre) W|.

    Attributes:
        centre: (m,).
        W: (m, m), n (Z^T Z)^-1 = W W^T.
    """

    centre: Floats
    W: Floats

    @classmethod
    @single_threaded
    def of(cls, triangle: Triangle, order: NDArray[np.int64], centred: bool = True) -> Whitened:
        """Return it of the environments of a triangle, about their mean or about 0."""
        A, _ = triangle.system(centred)
        A = A[:, order]
        scales = np.maximum(np.linalg.norm(A, axis=0), 1e-300)
        _, widths, V = np.linalg.svd(A / scales, full_matrices=False)
        W = V.T / np.maximum(widths, FLAT * widths[0]) / scales[:, None] * np.sqrt(triangle.n)
        return cls(triangle.means[order] if centred else np.zeros(len(order)), W)

    def distance(self, Z: Floats) -> Floats:
        """Return the distances (n,)."""
        return np.asarray(np.linalg.norm((Z - self.centre) @ self.W, axis=1))


@dataclass(frozen=True)
class Believed:
    """The errors of energies: standard deviation s sqrt(a + b h).

    Attributes:
        known: says h, of which 1 is the intercept's where there is one.
        s: what is left by the fit, as a standard deviation.
        a, b: as above.
        intercept: whether there is one.
    """

    known: Whitened
    s: float
    a: float
    b: float
    intercept: bool

    @classmethod
    def of(cls, triangle: Triangle, fit: Linear, intercept: bool) -> Believed:
        """Return them by the equations alone: a = 1, b = 1/n."""
        free = max(1.0, triangle.n - len(fit.order) - intercept)
        size = np.linalg.norm(triangle.R[:, -1]) / np.sqrt(triangle.n)
        s = max(float(np.sqrt(triangle.squared_error(fit) * triangle.n / free)), 1e-15 * float(size))
        return cls(Whitened.of(triangle, fit.order, intercept), s, 1.0, 1.0 / triangle.n, intercept)

    def h(self, Z: Floats) -> Floats:
        """Return h (n,) of the chosen functions (n, m)."""
        return self.intercept + self.known.distance(Z) ** 2

    def sd(self, Z: Floats) -> Floats:
        """Return standard deviations (n,) of energies with functions (n, m)."""
        return np.asarray(self.s * np.sqrt(self.a + self.b * self.h(Z)))

    @single_threaded
    def calibrated(self, h: Floats, wrong: Floats) -> Believed:
        """Return them with the a and b of the largest likelihood of residuals (n,) at h (n,), unseen."""
        from scipy.optimize import minimize  # simulations that load a potential do without it

        squares = (wrong / self.s) ** 2
        size = max(float(np.mean(h)), 1e-300)

        def unlikely(logarithms: Floats) -> tuple[float, Floats]:
            a, b = np.exp(logarithms)
            variance = a + b * h / size
            slope = (1 - squares / variance) / variance
            slopes = np.array([a * np.mean(slope), b * np.mean(slope * h / size)])
            return float(np.mean(np.log(variance) + squares / variance)), slopes

        bounds: Any = np.log([FACTORS, FACTORS])
        start = np.full(2, np.log(np.clip(np.mean(squares) / 2, *FACTORS)))
        a, b = np.exp(minimize(unlikely, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
        return replace(self, a=float(a), b=float(b / size))
