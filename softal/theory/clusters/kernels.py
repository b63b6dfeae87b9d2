"""Energy, gradient and Hessian of free Lennard-Jones atoms, and minimisation by L-BFGS with bounded steps; by Numba.

Configurations x are (N, d), d = 2 or 3, in sigma; energies in epsilon: V = 4 sum_(i<j) (r_ij^-12 - r_ij^-6).

A quench takes some 200 gradients of some microseconds each, so that an optimiser called from Python would take ten
times as long as what it optimises.

Source of the minimiser: D. C. Liu, J. Nocedal, Math. Programming 45, 503 (1989); no line search but a longest step and
no energy that rises, as D. J. Wales' GMIN and OPTIM have it.
"""

from __future__ import annotations

import numba as nb
import numpy as np

SUMS = {"contract", "arcp", "nsz", "reassoc"}
MEMORY = 6  # pairs of L-BFGS
RISE = 1e-12  # of the energy that rounding makes, of the energy


@nb.njit(cache=True, fastmath=SUMS, error_model="numpy")
def energy_gradient(x, g):  # type: ignore[no-untyped-def]
    """Return V at x (N, d), and write its gradient to g (N, d)."""
    count, d = x.shape
    energy = 0.0
    g[:] = 0.0
    for i in range(count):
        if d == 3:
            a, b, c = x[i, 0], x[i, 1], x[i, 2]
            u, v, w = 0.0, 0.0, 0.0
            for j in range(i):
                e, f, h = a - x[j, 0], b - x[j, 1], c - x[j, 2]
                inverse = 1.0 / (e * e + f * f + h * h)
                cube = inverse * inverse * inverse
                energy += cube * (cube - 1.0)
                slope = cube * inverse * (1.0 - 2.0 * cube)
                e *= slope
                f *= slope
                h *= slope
                u += e
                v += f
                w += h
                g[j, 0] -= e
                g[j, 1] -= f
                g[j, 2] -= h
            g[i, 0] += u
            g[i, 1] += v
            g[i, 2] += w
        else:
            for j in range(i):
                e, f = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1]
                inverse = 1.0 / (e * e + f * f)
                cube = inverse * inverse * inverse
                energy += cube * (cube - 1.0)
                slope = cube * inverse * (1.0 - 2.0 * cube)
                g[i, 0] += slope * e
                g[i, 1] += slope * f
                g[j, 0] -= slope * e
                g[j, 1] -= slope * f
    g *= 24.0
    return 4.0 * energy


@nb.njit(cache=True, fastmath=SUMS, error_model="numpy")
def hessian(x, h):  # type: ignore[no-untyped-def]
    """Write the Hessian of V at x (N, d) to h (N d, N d)."""
    count, d = x.shape
    h[:] = 0.0
    apart = np.zeros(3)
    for i in range(count):
        for j in range(i):
            s = 0.0
            for a in range(d):
                apart[a] = x[i, a] - x[j, a]
                s += apart[a] * apart[a]
            inverse = 1.0 / s
            cube = inverse * inverse * inverse
            first = 24.0 * cube * inverse * (1.0 - 2.0 * cube)
            second = 96.0 * cube * inverse * inverse * (7.0 * cube - 2.0)
            for a in range(d):
                for b in range(d):
                    value = second * apart[a] * apart[b]
                    if a == b:
                        value += first
                    h[i * d + a, i * d + b] += value
                    h[j * d + a, j * d + b] += value
                    h[i * d + a, j * d + b] = -value
                    h[j * d + a, i * d + b] = -value


@nb.njit(cache=True)
def dot(a, b):  # type: ignore[no-untyped-def]
    """Return the scalar product of two arrays (n,)."""
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


@nb.njit(cache=True)
def lbfgs_direction(g, steps, changes, stored, newest, stiffness):  # type: ignore[no-untyped-def]
    """Return -H g (n,) by L-BFGS' two loops over steps, changes (MEMORY, n); H = 1 / stiffness without any."""
    q = -g
    alphas = np.zeros(MEMORY)
    for back in range(stored):
        k = (newest - back) % MEMORY
        alphas[k] = dot(steps[k], q) / dot(steps[k], changes[k])
        q -= alphas[k] * changes[k]
    if stored > 0:
        q *= dot(steps[newest], changes[newest]) / dot(changes[newest], changes[newest])
    else:
        q /= stiffness
    for back in range(stored - 1, -1, -1):
        k = (newest - back) % MEMORY
        q += steps[k] * (alphas[k] - dot(changes[k], q) / dot(steps[k], changes[k]))
    return q


@nb.njit(cache=True)
def minimise(x, fixed, tolerance, most, longest):  # type: ignore[no-untyped-def]
    """Minimise V from x (N, d), in place, across the direction `fixed` (N d,), a unit vector or nought.

    Args:
        tolerance: of the largest component of the gradient.
        most: evaluations at most.
        longest: length of a step, at most [sigma].

    Returns:
        Energy, largest component of the gradient left, evaluations.
    """
    n = x.size
    flat = x.reshape(n)
    gradient = np.empty_like(x)
    energy = energy_gradient(x, gradient)
    g = gradient.reshape(n).copy()
    g -= dot(g, fixed) * fixed
    steps, changes = np.zeros((MEMORY, n)), np.zeros((MEMORY, n))
    stored, newest, used = 0, -1, 1
    before = flat.copy()
    while np.max(np.abs(g)) > tolerance and used < most:
        step = lbfgs_direction(g, steps, changes, stored, newest, max(100.0, np.sqrt(dot(g, g)) / 0.1))
        if dot(step, g) > 0.0:
            step = -step
        step -= dot(step, fixed) * fixed
        length = np.sqrt(dot(step, step))
        if length > longest:
            step *= longest / length
        before[:] = flat
        good = False
        for _ in range(12):
            flat[:] = before + step
            new = energy_gradient(x, gradient)
            used += 1
            if new <= energy + RISE * abs(energy):
                good = True
                break
            step *= 0.2
        if not good:
            flat[:] = before
            if stored == 0:
                break
            stored, newest = 0, -1
            continue
        fresh = gradient.reshape(n).copy()
        fresh -= dot(fresh, fixed) * fixed
        change = fresh - g
        if dot(step, change) > 1e-14 * dot(change, change):
            newest = (newest + 1) % MEMORY
            steps[newest], changes[newest] = step, change
            stored = min(stored + 1, MEMORY)
        energy, g = new, fresh
    return energy, np.max(np.abs(g)), used
