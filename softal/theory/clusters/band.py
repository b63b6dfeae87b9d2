"""Elastic bands between two configurations, and atoms on top of each other pushed apart.

A nudged elastic band: images feel the force of V across the path and springs along it, with the tangent towards the
higher neighbour; relaxed by FIRE.

Sources: G. Henkelman, H. Jonsson, J. Chem. Phys. 113, 9978 (2000); E. Bitzek et al., Phys. Rev. Lett. 97,
170201 (2006).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.kernels import dot, energy_gradient

SPRING = 30.0  # [epsilon/sigma^2]
TOUCHING = 0.9  # atoms closer than that are pushed apart [sigma]
STRIDE = 0.12  # of an image in a step of FIRE [sigma], at most


@nb.njit(cache=True)
def tangent(images, energies, k, out):  # type: ignore[no-untyped-def]
    """Write the unit tangent at image k to out (n,); images (P, n), energies (P,)."""
    ahead, behind = images[k + 1] - images[k], images[k] - images[k - 1]
    up, down = energies[k + 1] - energies[k], energies[k - 1] - energies[k]
    if up > 0.0 and down < 0.0:
        out[:] = ahead
    elif up < 0.0 and down > 0.0:
        out[:] = behind
    else:
        most, least = max(abs(up), abs(down)), min(abs(up), abs(down))
        if energies[k + 1] > energies[k - 1]:
            out[:] = most * ahead + least * behind
        else:
            out[:] = least * ahead + most * behind
    length = np.sqrt(dot(out, out))
    if length == 0.0:
        out[:] = ahead
        length = max(np.sqrt(dot(out, out)), 1e-300)
    out /= length


@nb.njit(cache=True)
def relax(band, steps, tolerance, spring):  # type: ignore[no-untyped-def]
    """Relax the images of a band (P, N, d) between its ends, in place.

    Args:
        steps: at most; each takes a gradient of all images.
        tolerance: of the largest component of the force across the band.
        spring: constant of the springs.

    Returns:
        Energies (P,), largest component of the force across the band, gradients of one image.
    """
    count, n = len(band), band[0].size
    images = band.reshape(count, n)
    energies, forces = np.zeros(count), np.zeros((count, n))
    velocity = np.zeros((count, n))
    g, t = np.empty_like(band[0]), np.empty(n)
    gradients = np.zeros((count, n))
    energies[0], energies[-1] = energy_gradient(band[0], g), energy_gradient(band[-1], g)
    dt, mixing, positive, used, worst = 0.01, 0.1, 0, 2, 0.0
    for _ in range(steps):
        for k in range(1, count - 1):
            energies[k] = energy_gradient(band[k], g)
            gradients[k] = g.reshape(n)
        used += count - 2
        worst = 0.0
        for k in range(1, count - 1):
            tangent(images, energies, k, t)
            across = gradients[k] - dot(gradients[k], t) * t
            worst = max(worst, np.max(np.abs(across)))
            ahead, behind = images[k + 1] - images[k], images[k] - images[k - 1]
            stretch = np.sqrt(dot(ahead, ahead)) - np.sqrt(dot(behind, behind))
            forces[k] = spring * stretch * t - across
        if worst < tolerance:
            break
        power, speed, force = 0.0, 0.0, 0.0
        for k in range(1, count - 1):
            power += dot(forces[k], velocity[k])
            speed += dot(velocity[k], velocity[k])
            force += dot(forces[k], forces[k])
        if power > 0.0:
            velocity = (1.0 - mixing) * velocity + mixing * np.sqrt(speed / max(force, 1e-300)) * forces
            positive += 1
            if positive > 5:
                dt, mixing = min(1.1 * dt, 0.06), 0.99 * mixing
        else:
            velocity[:] = 0.0
            dt, mixing, positive = 0.5 * dt, 0.1, 0
        velocity += dt * forces
        for k in range(1, count - 1):
            length = dt * np.sqrt(dot(velocity[k], velocity[k]))
            scale = min(1.0, STRIDE / max(length, 1e-300))
            images[k] += scale * dt * velocity[k]
    return energies, worst, used


@nb.njit(cache=True)
def _push_apart(x, touching, turns):  # type: ignore[no-untyped-def]
    count, d = x.shape
    for _ in range(turns):
        worst = touching
        for i in range(count):
            for j in range(i):
                s = 0.0
                for a in range(d):
                    s += (x[i, a] - x[j, a]) ** 2
                r = np.sqrt(s)
                if r < touching:
                    worst = min(worst, r)
                    push = 0.5 * (touching - r) / max(r, 1e-12)
                    for a in range(d):
                        move = push * (x[i, a] - x[j, a])
                        x[i, a] += move
                        x[j, a] -= move
        if worst > 0.98 * touching:
            break


def straight(start: Floats, end: Floats, count: int, rng: np.random.Generator, bend: float = 0.0) -> Floats:
    """Return the straight line between two configurations (N, d) as `count` images, overlapping atoms pushed apart.

    Args:
        start, end: (N, d) [sigma].
        count: of images, ends included.
        rng: of the bend.
        bend: how far atoms leave the line at random, without which those that meet head on never pass [sigma].
    """
    s = np.linspace(0, 1, count)[:, None, None]
    line = start + s * (end - start)
    for k in (1, 2):
        line = line + bend / k * np.sin(np.pi * k * s) * rng.normal(size=start.shape)
    line = np.ascontiguousarray(line)
    for image in line[1:-1]:
        _push_apart(image, TOUCHING, 200)
    return line
