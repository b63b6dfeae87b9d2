"""Ewald's sum of charges that are periodic along x and y alone, of any total charge, written out.

Source: D. E. Parry, Surf. Sci. 49, 433 (1975). The part that is uniform along x and y is -2 pi q q' |z - z'| / A.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf, erfc

IMAGES, WAVES = 3, 14  # real-space images and waves to each side: right within 1e-9 for ALPHA
ALPHA = 4.5  # splitting [1 / side]


def forces_2d(x: np.ndarray, q: np.ndarray, others: np.ndarray, q_others: np.ndarray, side: float) -> np.ndarray:
    """Forces (n, 3) on charges q at x (n, 3) by others (m, 3) and all their images; a charge is no force on itself."""
    a, area, forces = ALPHA / side, side**2, np.zeros_like(x)
    weight = q[:, None] * q_others[None]
    for shift in np.stack(np.meshgrid(*[np.arange(-IMAGES, IMAGES + 1)] * 2), axis=-1).reshape(-1, 2) * side:
        d = x[:, None] - others[None] - np.append(shift, 0.0)
        r = np.linalg.norm(d, axis=-1)
        there = r > 1e-12
        r = np.where(there, r, 1.0)
        f = (erfc(a * r) / r + 2 * a / np.sqrt(np.pi) * np.exp(-((a * r) ** 2))) / r**2
        forces += np.einsum("ij,ijk->ik", weight * f * there, d)
    z = x[:, 2][:, None] - others[:, 2][None]
    forces[:, 2] += 2 * np.pi / area * np.sum(weight * erf(a * z), axis=1)
    for k, size in _waves(side):
        phase = (x[:, None, :2] - others[None, :, :2]) @ k
        up, down = _ups(size, a, z), _ups(size, a, -z)
        forces[:, :2] += np.pi / area * np.sum(weight * np.sin(phase) * (up + down), axis=1)[:, None] * k / size
        forces[:, 2] -= np.pi / area * np.sum(weight * np.cos(phase) * (up - down), axis=1)
    return forces


def energy_2d(x: np.ndarray, q: np.ndarray, side: float) -> float:
    """Energy of charges q at x (n, 3) with each other, and all their images."""
    a, area, weight = ALPHA / side, side**2, 0.5 * q[:, None] * q[None]
    total = -a / np.sqrt(np.pi) * np.sum(q**2)
    for shift in np.stack(np.meshgrid(*[np.arange(-IMAGES, IMAGES + 1)] * 2), axis=-1).reshape(-1, 2) * side:
        r = np.linalg.norm(x[:, None] - x[None] - np.append(shift, 0.0), axis=-1)
        there = r > 1e-12
        total += np.sum(weight * np.where(there, erfc(a * r) / np.where(there, r, 1.0), 0.0))
    z = x[:, 2][:, None] - x[:, 2][None]
    total -= 2 * np.pi / area * np.sum(weight * (z * erf(a * z) + np.exp(-((a * z) ** 2)) / (a * np.sqrt(np.pi))))
    for k, size in _waves(side):
        phase = (x[:, None, :2] - x[None, :, :2]) @ k
        total += np.pi / area * np.sum(weight * np.cos(phase) * (_ups(size, a, z) + _ups(size, a, -z))) / size
    return float(total)


def _ups(size: float, a: float, z: np.ndarray) -> np.ndarray:
    return np.exp(size * z) * erfc(size / (2 * a) + a * z)


def _waves(side: float) -> list[tuple[np.ndarray, float]]:
    every = np.stack(np.meshgrid(*[np.arange(-WAVES, WAVES + 1)] * 2), axis=-1).reshape(-1, 2) * 2 * np.pi / side
    sizes = np.linalg.norm(every, axis=1)
    return [(k, size) for k, size in zip(every, sizes, strict=True) if 0 < size < 12 * ALPHA / side]
