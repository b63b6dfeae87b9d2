"""Hybrid eigenvector following with the exact Hessian, and steepest descent; by Numba.

From x uphill along the lowest mode v, downhill across it, until the gradient vanishes:

    s = 2 (g.v) / (|lambda| (1 + (1 + 4 (g.v)^2 / lambda^2)^(1/2))) along v,   a few steps of L-BFGS across v.

v and lambda come from Lanczos' iteration, which starts from the last v. Translations and rotations are lifted out of
the way.

Source: L. J. Munro, D. J. Wales, Phys. Rev. B 59, 3969 (1999), eq. 5; D. J. Wales, J. Chem. Phys. 101, 3750 (1994).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.theory.clusters.kernels import dot, energy_gradient, hessian, minimise

CHECK = 100  # steps of a descent after which curvatures are looked at
LIFT = 300.0  # of translations and rotations [epsilon/sigma^2]
LANCZOS = 0.05  # what is left of the lowest mode's equation, of its curvature or 1 epsilon/sigma^2
KRYLOV = 24  # vectors of Lanczos' iteration, at most
ACROSS = (
    6,
    16,
)  # gradients of a minimisation across the mode, while its curvature is positive and where it is negative


@nb.njit(cache=True)
def rigid_motions(x):  # type: ignore[no-untyped-def]
    """Return orthonormal translations and rotations of x (N, d), (d (d + 1) / 2, N d)."""
    count, d = x.shape
    n = count * d
    modes = np.zeros((d * (d + 1) // 2, n))
    centre = np.zeros(d)
    for i in range(count):
        centre += x[i] / count
    for a in range(d):
        for i in range(count):
            modes[a, i * d + a] = 1.0
    k = d
    for a in range(d):
        for b in range(a):
            for i in range(count):
                modes[k, i * d + a] = x[i, b] - centre[b]
                modes[k, i * d + b] = centre[a] - x[i, a]
            k += 1
    for a in range(len(modes)):
        for b in range(a):
            modes[a] -= dot(modes[a], modes[b]) * modes[b]
        length = np.sqrt(dot(modes[a], modes[a]))
        if length > 1e-9:  # a line of atoms has one rotation less
            modes[a] /= length
    return modes


@nb.njit(cache=True)
def lifted_hessian(x, h):  # type: ignore[no-untyped-def]
    """Write the Hessian at x (N, d) to h (N d, N d), with `LIFT` on rigid motions."""
    hessian(x, h)
    modes = rigid_motions(x)
    h += LIFT * (modes.T @ modes)


@nb.njit(cache=True)
def lowest_mode(h, v, tolerance):  # type: ignore[no-untyped-def]
    """Return the lowest eigenvalue of h (n, n) by Lanczos' iteration from v (n,), which becomes its eigenvector."""
    n = len(v)
    basis = np.zeros((KRYLOV, n))
    small = np.zeros((KRYLOV, KRYLOV))
    basis[0] = v / np.sqrt(dot(v, v))
    value = 0.0
    for k in range(KRYLOV):
        w = h @ basis[k]
        small[k, k] = dot(w, basis[k])
        for _ in range(2):
            for m in range(k + 1):
                w -= dot(w, basis[m]) * basis[m]
        rest = np.sqrt(dot(w, w))
        last = k == KRYLOV - 1 or rest < 1e-10
        if last or k % 4 == 3:
            values, vectors = np.linalg.eigh(small[: k + 1, : k + 1])
            value = values[0]
            if last or rest * abs(vectors[k, 0]) < tolerance:
                v[:] = 0.0
                for m in range(k + 1):
                    v += vectors[m, 0] * basis[m]
                v /= np.sqrt(dot(v, v))
                return value
        basis[k + 1] = w / rest
        small[k, k + 1] = small[k + 1, k] = rest
    return value


@nb.njit(cache=True)
def follow_mode(x, v, tolerance, most, highest, longest):  # type: ignore[no-untyped-def]
    """Look for a saddle from x (N, d) along v (N d,), both in place.

    Args:
        tolerance: of the largest component of the gradient.
        most: steps at most.
        highest: energy at which the search is given up.
        longest: length of a step along the mode, at most [sigma].

    Returns:
        Whether a point with one negative curvature was found, its energy, the curvature, evaluations.
    """
    n = x.size
    flat = x.reshape(n)
    gradient = np.empty_like(x)
    h = np.empty((n, n))
    used = 0
    energy, value = 0.0, 0.0
    for _ in range(most):
        energy = energy_gradient(x, gradient)
        used += 2
        if not np.isfinite(energy) or energy > highest:
            return False, energy, value, used
        lifted_hessian(x, h)
        value = lowest_mode(h, v, LANCZOS * max(1.0, abs(value)))
        g = gradient.reshape(n)
        if np.max(np.abs(g)) < tolerance and value < 0.0:
            return True, energy, value, used
        along = dot(g, v)
        curvature = max(abs(value), 1e-3)
        step = 2.0 * along / (curvature * (1.0 + np.sqrt(1.0 + 4.0 * along * along / (curvature * curvature))))
        if value > 0.0:  # a step that leaves the minimum, however flat it is there
            step = np.sign(step) * max(abs(step), 0.5 * longest) if step != 0.0 else 0.5 * longest
        step = min(max(step, -longest), longest)
        flat += step * v
        _, _, evaluations = minimise(x, v, 0.3 * tolerance, ACROSS[1] if value < 0.0 else ACROSS[0], 0.1)
        used += evaluations
    return False, energy, value, used


@nb.njit(cache=True)
def descend(x, near, most, every, frames):  # type: ignore[no-untyped-def]
    """Follow the steepest descent from x (N, d), in place, in steps that the stiffest direction allows.

    It ends where all curvatures are positive and the minimum is not further than `near`.

    Args:
        near: |gradient| / lowest curvature [sigma].
        most: steps at most.
        every: arc length between frames [sigma].
        frames: (F, N, d) of the path, the first ones filled.

    Returns:
        Arc length, frames filled, evaluations.
    """
    n = x.size
    flat = x.reshape(n)
    gradient, old = np.empty_like(x), np.empty_like(x)
    h, v = np.empty((n, n)), np.empty(n)
    energy = energy_gradient(x, gradient)
    length, kept, since = 0.0, 0, 0.0
    stiffness = 2000.0
    used = 1
    for turn in range(most):
        g = gradient.reshape(n)
        size = np.sqrt(dot(g, g))
        if size < 1e-9:
            break
        if turn % CHECK == CHECK - 1:
            lifted_hessian(x, h)
            v[:] = g
            value = lowest_mode(h, v, 1e-2)
            used += 1
            if value > 0.0 and size < near * value:
                break
        step = min(1.0 / stiffness, 0.02 / size)
        old[:] = x
        for i in range(n):
            flat[i] -= step * g[i]
        new = energy_gradient(x, gradient)
        used += 1
        if new > energy + 1e-12 * abs(energy):
            x[:] = old
            energy_gradient(x, gradient)
            used += 1
            stiffness *= 2.0
            if stiffness > 1e9:
                break
            continue
        stiffness = max(0.99 * stiffness, 1000.0)
        energy = new
        length += step * size
        since += step * size
        if since >= every and kept < len(frames):
            frames[kept] = x
            kept += 1
            since = 0.0
    return length, kept, used
