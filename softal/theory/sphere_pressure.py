"""Pressure of hard spheres: Z = beta P / rho of fluids of one and two kinds, and of the fcc crystal.

With x_m = pi/6 sum_i rho_i sigma_i^m, the fluid's equation of Boublik, Mansoori, Carnahan, Starling and Leland is

    Z = 1/(1 - x_3) + 3 x_1 x_2 / (x_0 (1 - x_3)^2) + x_2^3 (3 - x_3) / (x_0 (1 - x_3)^3),

that of Carnahan and Starling for one kind. Of fcc, with z the density over that of close packing, R. J. Speedy has

    Z = 3/(1 - z) - a (z - b)/(z - c).

Sources: G. A. Mansoori, N. F. Carnahan, K. E. Starling, T. W. Leland, J. Chem. Phys. 54, 1523 (1971), equation (7);
R. J. Speedy, J. Phys.: Condens. Matter 10, 4387 (1998), equation (2) and table 1.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from softal.errors import TheoryError

SPEEDY = {"fcc": (0.5921, 0.7072, 0.601), "hcp": (0.5935, 0.7080, 0.601)}  # a, b, c
CLOSE_PACKED = math.pi / math.sqrt(18)


def fluid(packing_fraction: float, size_ratio: float = 1.0, small_fraction: float = 0.0) -> float:
    """Return Z of a fluid of large spheres and small ones.

    Args:
        packing_fraction: of all spheres.
        size_ratio: small over large.
        small_fraction: the part of the spheres that are small.

    Raises:
        TheoryError: where the packing fraction is not between 0 and 1.
    """
    if not 0.0 < packing_fraction < 1.0:
        raise TheoryError(f"packing fraction: {packing_fraction:.6g} is given; allowed: above 0 and below 1")
    parts, d = np.array([1 - small_fraction, small_fraction]), np.array([1.0, size_ratio])
    x = [float((parts * d**m).sum() * packing_fraction / (parts * d**3).sum()) for m in range(4)]
    empty = 1 - x[3]
    return 1 / empty + 3 * x[1] * x[2] / (x[0] * empty**2) + x[2] ** 3 * (3 - x[3]) / (x[0] * empty**3)


def solid(packing_fraction: float, structure: str = "fcc") -> float:
    """Return Z of the crystal, by Speedy's fit to simulations.

    Raises:
        TheoryError: where it is of no use: below the melting density, at close packing, and for others than fcc, hcp.
    """
    if structure not in SPEEDY or not 0.5 <= packing_fraction < CLOSE_PACKED:
        raise TheoryError(
            f"{structure} at packing fraction {packing_fraction:.6g} is given; allowed: {', '.join(SPEEDY)}, from 0.5 "
            f"to below {CLOSE_PACKED:.5f}"
        )
    a, b, c = SPEEDY[structure]
    z = packing_fraction / CLOSE_PACKED
    return 3 / (1 - z) - a * (z - b) / (z - c)


def cage(packing_fraction: float, densest: float) -> float:
    """Return Z of any crystal by the free volume of a cage, 1 / (1 - (phi / densest)^(1/3)): an estimate."""
    return float(1 / (1 - (packing_fraction / densest) ** (1 / 3)))


def fluid_at(pressure: float, size_ratio: float = 1.0, small_fraction: float = 0.0) -> float:
    """Return the packing fraction of a fluid at beta P sigma^3."""
    per = volume_of(size_ratio, small_fraction)
    return float(brentq(lambda phi: phi * fluid(phi, size_ratio, small_fraction) - pressure * per, 1e-9, 0.99))


def crystal_at(pressure: float, densest: float, volume: float) -> float:
    """Return the packing fraction of a crystal at beta P sigma^3 by `cage`; volume is a sphere's mean one [sigma^3]."""
    return float(brentq(lambda phi: phi * cage(phi, densest) - pressure * volume, 1e-9, densest * (1 - 1e-9)))


def volume_of(size_ratio: float, small_fraction: float) -> float:
    """Return the mean volume of a sphere [sigma^3]."""
    return math.pi / 6 * (1 - small_fraction + small_fraction * size_ratio**3)
