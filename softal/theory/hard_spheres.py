"""Hard spheres in the Percus-Yevick approximation: direct correlation c(k) and structure factor S(k).

With the packing fraction phi = pi rho sigma^3 / 6 and x = r/sigma < 1,

    -c(x) = l_1 - 6 phi l_2 x + phi l_1 x^3 / 2,
    l_1 = (1 + 2 phi)^2 / (1 - phi)^4,  l_2 = (1 + phi/2)^2 / (1 - phi)^4,

c(x) = 0 beyond, S = 1 / (1 - rho c), S(0) = (1 - phi)^4 / (1 + 2 phi)^2. Length: the diameter sigma.

Source: M. S. Wertheim, Phys. Rev. Lett. 10, 321 (1963); J.-P. Hansen, I. R. McDonald, Theory of Simple Liquids (2013),
section 4.4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.mode_coupling.liquid import Liquid, wave_numbers

SMALL = 0.5  # k sigma below which a series takes the place of the closed form, whose terms cancel there


def density(packing_fraction: float) -> float:
    """Return rho [1/sigma^3] of a packing fraction.

    Raises:
        TheoryError: where it is not between 0 and 1.
    """
    if not 0.0 < packing_fraction < 1.0:
        raise TheoryError(f"packing fraction: {packing_fraction:.6g} is not allowed, it must be above 0 and below 1")
    return 6.0 * packing_fraction / math.pi


def direct_correlation(k: ArrayLike, packing_fraction: float) -> Floats:
    """Return c(k) [sigma^3] in the shape of k [1/sigma].

    Raises:
        TheoryError: where the packing fraction is not between 0 and 1.
    """
    density(packing_fraction)
    k = np.asarray(k, float)
    phi = packing_fraction
    l_1, l_2 = (1 + 2 * phi) ** 2 / (1 - phi) ** 4, (1 + phi / 2) ** 2 / (1 - phi) ** 4
    i_1, i_2, i_4 = (_sine_integral(k, power) for power in (1, 2, 4))
    return np.asarray(-4 * np.pi * (l_1 * i_1 - 6 * phi * l_2 * i_2 + phi * l_1 / 2 * i_4))


def structure_factor(k: ArrayLike, packing_fraction: float) -> Floats:
    """Return S(k) = 1 / (1 - rho c(k)) in the shape of k [1/sigma].

    Raises:
        TheoryError: where the packing fraction is not between 0 and 1.
    """
    return np.asarray(1.0 / (1.0 - density(packing_fraction) * direct_correlation(k, packing_fraction)))


def liquid(packing_fraction: float, *, n: int = 100, dk: float = 0.4) -> Liquid:
    """Return hard spheres for mode-coupling theory, on n wave numbers (i - 1/2) dk [1/sigma], kT = 1, mass 1.

    Raises:
        TheoryError: where the packing fraction is not between 0 and 1.
    """
    k = wave_numbers(n, dk)
    return Liquid(k, structure_factor(k, packing_fraction), density(packing_fraction))


def _sine_integral(k: Floats, power: int) -> Floats:
    """Return int_0^1 x^power sin(k x) / k dx for power 1, 2 or 4."""
    k_safe = np.where(k < SMALL, 1.0, k)
    sin, cos = np.sin(k_safe), np.cos(k_safe)
    closed = {
        1: (sin - k_safe * cos) / k_safe**3,
        2: (2 * k_safe * sin + (2 - k_safe**2) * cos - 2) / k_safe**4,
        4: ((4 * k_safe**3 - 24 * k_safe) * sin - (k_safe**4 - 12 * k_safe**2 + 24) * cos + 24) / k_safe**6,
    }[power]
    terms = ((-(k**2)) ** m / math.factorial(2 * m + 1) / (power + 2 * m + 2) for m in range(8))
    return np.asarray(np.where(k < SMALL, sum(terms), closed))
