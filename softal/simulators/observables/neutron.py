"""The neutron interference function F(Q) of particles of several kinds, the Faber-Ziman weighted sum of the partials.

    F(Q) = sum_ab c_a c_b b_a b_b [S_ab(Q) - 1],
         = < |sum_j b_j exp(-i Q r_j)|^2 > / N - sum_a c_a b_a^2                    (from positions, Q <= Q_JOIN)
    S_ab(Q) - 1 = 4 pi rho int_0^R r^2 [g_ab(r) - 1] sin(Qr)/(Qr) w(r) dr              (from g_ab, Q > Q_JOIN)

F is in barn per steradian per atom; where S_ab(0) is small, F(0) is near -(sum_a c_a b_a)^2.

Which and why: a box of 375 atoms of silica has g(r) to 8.9 angstrom only. A transform of it smears the first sharp
diffraction peak (Lorch's window widens it by 0.6 1/angstrom, without a window it gets ripples), so up to Q_JOIN F
comes from every wave vector of the box, which needs no window. Beyond, wave vectors become many and F comes from
short distances: g_ab is transformed up to R with w = 1, falling as cos^2 to 0 over the last fifth of R, so that the cut
leaves no ripples and the bonds' oscillations keep their height.

Sources: T. E. Faber, J. M. Ziman, Philos. Mag. 11, 153 (1965); D. A. Keen, J. Appl. Crystallogr. 34, 172 (2001), eqs.
18 to 22; scattering lengths: V. F. Sears, Neutron News 3, 26 (1992).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.simulators.observables.partial_rdf import PartialDistributions
from softal.simulators.observables.structure_factor import StructureFactor

Q_JOIN = 6.0  # [1/angstrom]
Q_BIN = 0.05  # of the wave vectors [1/angstrom]
TAPER = 0.2  # of R
FEMTOMETRE2 = 0.01  # fm^2 in barn


class NeutronInterference:
    """F(Q) of one box; see the module.

    Args:
        types: kind of each particle, shape (N,), from 0.
        box_length: L [angstrom].
        scattering_lengths: b of each kind [fm].
        distributions: whose g_ab F is made of beyond Q_JOIN; bins of 0.01 angstrom or less are fine enough.
        Q_values: shape (q,), ascending, from 2 pi / L on [1/angstrom].
    """

    def __init__(
        self,
        types: NDArray[np.intp],
        box_length: float,
        scattering_lengths: Sequence[float],
        distributions: PartialDistributions,
        Q_values: Floats,
    ) -> None:
        self._lengths = np.asarray(scattering_lengths)[types] * np.sqrt(FEMTOMETRE2)
        self._box_length, self._Q = box_length, Q_values
        self._self_scattering = float(np.mean(self._lengths**2))
        self._waves = StructureFactor(box_length, min(Q_JOIN, float(Q_values[-1])) + 2 * Q_BIN, Q_BIN)
        self._transform = self._make_transform(types, distributions, np.asarray(scattering_lengths))

    def _make_transform(self, types: NDArray[np.intp], distributions: PartialDistributions, b: Floats) -> Floats:
        """Return what makes F(Q > Q_JOIN) of g_ab - 1, shape (q', pairs, b)."""
        Q, r, R = self._Q[self._Q > Q_JOIN], distributions.r_values, distributions.edges[-1]
        rho, c = len(types) / self._box_length**3, np.bincount(types) / len(types)
        beyond = np.clip((r - (1 - TAPER) * R) / (TAPER * R), 0, 1)
        window = np.cos(np.pi / 2 * beyond) ** 2
        kernel = rho * window * 4 / 3 * np.pi * np.diff(distributions.edges**3) * np.sinc(np.outer(Q, r) / np.pi)
        weights = [(1 if a == k else 2) * c[a] * c[k] * b[a] * b[k] * FEMTOMETRE2 for a, k in distributions.pairs]
        return np.asarray(kernel[:, None, :] * np.array(weights)[:, None])

    def compute(self, positions: Floats, g_ab: Floats) -> Floats:
        """Return F(Q), shape (q,) [barn per steradian per atom].

        Args:
            positions: shape (N, 3) [angstrom].
            g_ab: of the same instant, from `distributions`, shape (pairs, b).
        """
        far = np.einsum("qpr,pr->q", self._transform, g_ab - 1)
        S = self._waves.compute(positions, self._lengths) - self._self_scattering
        near = np.interp(self._Q[self._Q <= Q_JOIN], self._waves.k_values, S)
        return np.concatenate([near, far])
