"""Wigner's 3j symbols (l l l; m1 m2 m3) of w_l."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import factorial, prod, sqrt

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats


def symbol(degree: int, m1: int, m2: int) -> float:
    """Return (l l l; m1 m2 -m1-m2) of a degree l by Racah's formula, in whole numbers up to the last square root."""
    m3 = -m1 - m2
    if max(abs(m1), abs(m2), abs(m3)) > degree:
        return 0.0
    total = Fraction(0)
    for t in range(max(0, -m1, m2), min(degree, degree - m1, degree + m2) + 1):
        below = (t, t + m1, t - m2, degree - t, degree - t - m1, degree - t + m2)
        total += Fraction((-1) ** t, prod(factorial(one) for one in below))
    triangle = Fraction(factorial(degree) ** 3, factorial(3 * degree + 1))
    ends = prod(factorial(degree + m) * factorial(degree - m) for m in (m1, m2, m3))
    return float(total) * sqrt(triangle * ends) * (-1 if m3 % 2 else 1)


@cache
def terms(degree: int) -> tuple[NDArray[np.int64], Floats]:
    """Return all (m1, m2, m3) with m1 <= m2 <= m3 and sum 0, (k, 3), and their symbols times how often each occurs.

    For even degrees; a symbol of an odd one changes sign with the order of the m, and w_l is zero.
    """
    first = ((m1, m2) for m1 in range(-degree, degree + 1) for m2 in range(m1, degree + 1))
    found = [(m1, m2, -m1 - m2) for m1, m2 in first if m2 <= -m1 - m2 <= degree]
    often = [{1: 1, 2: 3, 3: 6}[len(set(one))] for one in found]
    return np.array(found), np.array([n * symbol(degree, m[0], m[1]) for n, m in zip(often, found, strict=True)])
