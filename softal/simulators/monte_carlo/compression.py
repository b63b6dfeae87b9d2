"""Pressure of a configuration at fixed volume, by virtual compression.

Let all positions and the box shrink by 1 - xi. To first order in xi, pairs contribute on their own, so that

    beta P = rho + W'(0) / (d V),    W(xi) = < sum_{i<j} 1 - exp(-beta (u_ij(xi) - u_ij(0))) >,

also where u has steps: compression alone counts what comes nearer, cores as well as shoulders, with the weight that
both their sides have (R. Eppenga and D. Frenkel, Mol. Phys. 52, 1303 (1984); E. de Miguel and G. Jackson, Mol. Phys.
104, 3717 (2006), whose product over all pairs this is, linearized). W' is a parabola fitted to the increments of W over
a few steps of xi, extrapolated to 0; a single configuration's value is noisy, but its average over many is not biased
by more than the parabola: 1e-3 of the excess where W' falls as exp(-40 xi), as in a dense fluid of hard disks.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.numeric import Floats
from softal.simulators.monte_carlo.disks import OVERLAP, pair_energy

SHRINKAGE = np.linspace(0.0, 0.02, 9)  # values of xi, the first of them 0


@nb.njit(inline="always")
def separation2(x, i, j, box):  # type: ignore[no-untyped-def]
    """Return the squared distance of nearest images of i and j."""
    r2 = 0.0
    for axis in range(x.shape[1]):
        apart = abs(x[i, axis] - x[j, axis])
        apart = min(apart, abs(box[axis] - apart))
        r2 += apart * apart
    return r2


@nb.njit(cache=True)
def pairs_energy(x, box, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return the energy of all pairs [kT], for positions (N, d); infinite where cores overlap."""
    energy = 0.0
    for i in range(len(x)):
        for j in range(i):
            energy += pair_energy(separation2(x, i, j, box), core2, cutoff2, table, per_r2)
    return energy


@nb.njit(cache=True)
def crossings(x, box, shrinkage, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return the sum over pairs of 1 - exp(-(u(xi) - u(0))), shape (m,), for positions (N, d) and xi (m,)."""
    found = np.zeros(len(shrinkage))
    reach2 = cutoff2 / (1.0 - shrinkage[-1]) ** 2
    for i in range(len(x)):
        for j in range(i):
            r2 = separation2(x, i, j, box)
            if r2 >= reach2:
                continue
            before = pair_energy(r2, core2, cutoff2, table, per_r2)
            for k in range(len(shrinkage)):
                after = pair_energy(r2 * (1.0 - shrinkage[k]) ** 2, core2, cutoff2, table, per_r2)
                found[k] += 1.0 if after == OVERLAP else 1.0 - np.exp(before - after)
    return found


def slope(crossed: Floats, xi: Floats = SHRINKAGE) -> float:
    """Return W'(0) from W (m,) at xi (m,): least squares of a parabola for W' to the increments of W."""
    powers = np.stack([np.diff(xi ** (k + 1)) / (k + 1) for k in range(3)], axis=1)
    return float(np.linalg.lstsq(powers, np.diff(crossed), rcond=None)[0][0])
