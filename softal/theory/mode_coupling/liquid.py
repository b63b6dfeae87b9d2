"""The static structure of a liquid as mode-coupling theory takes it, and the memory functions that follow from it.

Partial structure factors S_ab(k) = < rho_a(k) rho_b(-k) > / N -> x_a delta_ab for large k, direct correlations c from
S^-1_ab = delta_ab / x_a - rho c_ab, and correlators F_ab(k, t) with F(k, 0) = S. With J_a = k^2 kT x_a / m_a the
equations of the theory are (`dynamics`)

    J^-1 F'' + S^-1 F + int_0^t N(t - t') F'(t') dt' = 0   (Newtonian; overdamped: F' instead of F''),

where N is symmetric and J S^-1 and J N are the Omega^2 and K of other texts:

    N_ab(k, t) = rho / (2 k^2 x_a x_b (2 pi)^3) int dq sum_{m'n'mn} V_{m'n'a} F_mm'(q, t) F_nn'(p, t) V_mnb,
    V_mna = (k.q) c_am(q) delta_an / k + (k.p) c_an(p) delta_am / k,    p = k - q,

and for one particle of species a in this liquid, with F_s(k, 0) = 1,

    N_s(k, t) = rho / (k^2 (2 pi)^3) int dq (k.q / k)^2 sum_gh c_ag(q) F_gh(q, t) c_ha(q) F_s(p, t).

Sources: W. Goetze, Complex Dynamics of Glass-Forming Liquids (2009); M. Nauroth, W. Kob, Phys. Rev. E 55, 657 (1997);
W. Goetze, Th. Voigtmann, Phys. Rev. E 67, 021502 (2003).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.mode_coupling import kernels

SPACING_TOLERANCE = 1e-6  # of a grid's wave numbers, relative to dk


def wave_numbers(n: int = 100, dk: float = 0.4) -> Floats:
    """Return the grid k_i = (i - 1/2) dk, i = 1..n, shape (n,), in the unit of dk."""
    return np.asarray((np.arange(n) + 0.5) * dk)


class Liquid:
    """A liquid of s species in equilibrium: S(k), rho, T and what mode-coupling theory makes of them.

    Args:
        k: (n,) wave numbers (i - 1/2) dk [1/sigma].
        S: (s, s, n) partial structure factors, S_aa -> x_a for large k; (n,) for a single species.
        rho: particles of all species per volume [1/sigma^3].
        T: kT [epsilon].
        composition: (s,) number fractions x.
        masses: (s,) [m]; all 1 if not given.

    Raises:
        TheoryError: where k is not such a grid, S is not positive definite at some k, or a number not positive.
    """

    def __init__(
        self,
        k: ArrayLike,
        S: ArrayLike,
        rho: float,
        T: float = 1.0,
        *,
        composition: Sequence[float] = (1.0,),
        masses: Sequence[float] | None = None,
    ) -> None:
        self.k = _grid(k)
        self.dk = float(self.k[1] - self.k[0])
        self.x = _positive("composition", composition)
        if abs(self.x.sum() - 1.0) > 1e-9:
            raise TheoryError(f"composition: the fractions {_listed(self.x)} add to {self.x.sum():.6g}, not to 1")
        self.rho, self.T = float(_positive("rho", [rho])[0]), float(_positive("T", [T])[0])
        self.masses = np.ones(len(self.x)) if masses is None else _positive("masses", masses)
        self.S = _spectrum(np.asarray(S, float), self.k, len(self.x))
        self.S_inverse = inverse(self.S)
        ideal = np.diag(1.0 / self.x)[:, :, None]
        self.c = (ideal - self.S_inverse) / self.rho
        self.rates: Floats = self.k**2 * self.T * (self.x / self.masses)[:, None]
        self.tagged_rates: Floats = self.k**2 * self.T / self.masses[:, None]
        steps = np.arange(len(self.k)) + 0.5  # k in units of dk
        self._tagged_prefactor = self.rho * self.dk**3 / (16 * np.pi**2 * steps**5)
        self._prefactor = self._tagged_prefactor / np.multiply.outer(self.x, self.x)[:, :, None]

    def memory(self, F: Floats) -> Floats:
        """Return N (s, s, n) for correlators F (s, s, n)."""
        return np.asarray(kernels.coherent_memory(self.c, F, self._prefactor))

    def tagged_memory(self, F: Floats, F_s: Floats) -> Floats:
        """Return N_s (s, n) of a particle of each species for F (s, s, n) and F_s (s, n)."""
        return np.asarray(kernels.tagged_memory(self.c, F, F_s, self._tagged_prefactor))


def inverse(A: Floats) -> Floats:
    """Return the inverses of the matrices A (s, s, n) at each of the n."""
    if len(A) == 1:
        return 1.0 / A
    return np.ascontiguousarray(np.linalg.inv(A.transpose(2, 0, 1)).transpose(1, 2, 0))


def _grid(k: ArrayLike) -> Floats:
    k = np.asarray(k, float)
    if k.ndim != 1 or len(k) < 2 or not np.all(np.isfinite(k)):
        raise TheoryError(f"k: an array of shape {k.shape}, but two or more finite wave numbers in one row are needed")
    expected = wave_numbers(len(k), float(k[1] - k[0]))
    wrong = np.flatnonzero(~(np.abs(k - expected) <= SPACING_TOLERANCE * abs(expected[0]) * len(k)))
    if len(wrong) or expected[0] <= 0:
        i = wrong[0] if len(wrong) else 0
        raise TheoryError(
            f"k: wave number {i + 1} is {k[i]:.6g}, but the grid must be (i - 1/2) dk, i = 1, 2, ..., "
            f"{expected[i]:.6g} there"
        )
    return k


def _positive(name: str, values: Sequence[float]) -> Floats:
    numbers = np.asarray(values, float)
    if not np.all(numbers > 0) or not np.all(np.isfinite(numbers)):
        raise TheoryError(f"{name}: {_listed(numbers)} is not allowed, it must be positive")
    return numbers


def _listed(numbers: Floats) -> str:
    return ", ".join(f"{number:.6g}" for number in numbers)


def _spectrum(S: Floats, k: Floats, s: int) -> Floats:
    if s == 1 and S.ndim == 1:
        S = S[None, None]
    if S.shape != (s, s, len(k)):
        raise TheoryError(f"S(k): shape {S.shape}, but {s} species on {len(k)} wave numbers need {(s, s, len(k))}")
    if not np.all(np.isfinite(S)):
        raise TheoryError(f"S(k): not finite at k = {k[~np.isfinite(S).all(axis=(0, 1))][0]:.6g}")
    S = np.ascontiguousarray((S + S.transpose(1, 0, 2)) / 2)
    smallest = np.linalg.eigvalsh(S.transpose(2, 0, 1))[:, 0]
    if np.any(smallest <= 0):
        i = int(np.flatnonzero(smallest <= 0)[0])
        raise TheoryError(
            f"S(k): not positive at k = {k[i]:.6g}, where its smallest eigenvalue is {smallest[i]:.4g}; "
            "a structure factor is positive (noise, or a wave number without vectors?)"
        )
    return S
