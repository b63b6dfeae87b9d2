"""Poisson and Boltzmann's theory of given numbers of ions between charged planes: exact where they are weak."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POINTS, MIXING, ROUNDS, CLOSE = 3001, 0.05, 20_000, 1e-9


def densities(
    h: float, numbers: Sequence[float], valencies: Sequence[int], walls: Sequence[np.ndarray], bjerrum: float
) -> np.ndarray:
    """Return densities (kinds, POINTS) [1/nm^3] on z from 0 to h, by iteration with the potential mixed in slowly.

    psi'' = -4 pi l_B sum z_i n_i, n_i = N_i exp(-U_i - z_i psi) / integral, psi'(h/2) = 0.

    Args:
        h: distance of the planes [nm].
        numbers: of ions of each kind over the area [1/nm^2], neutral together with the planes.
        valencies: of each kind.
        walls: energy of each kind with the walls (POINTS,) [kT].
        bjerrum: [nm].
    """
    z = np.linspace(0, h, POINTS)
    step = z[1] - z[0]
    z_i = np.array(valencies)[:, None]
    psi = np.zeros(POINTS)
    for _ in range(ROUNDS):
        n = np.exp(-np.array(walls) - z_i * psi)
        n *= np.array(numbers)[:, None] / np.trapezoid(n, z, axis=1)[:, None]
        charge = (z_i * n).sum(axis=0)
        # The field of charges and planes: minus half of all charges below, and as much above.
        below = np.concatenate([[0.0], np.cumsum((charge[1:] + charge[:-1]) / 2) * step])
        slope = -4 * np.pi * bjerrum * (below - below[-1] / 2)
        new = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2) * step])
        new -= new[POINTS // 2]
        change = np.abs(new - psi).max()
        psi += MIXING * (new - psi)
        if change < CLOSE:
            break
    return n
