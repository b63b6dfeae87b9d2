r"""Mean and variance of the length of a Gaussian vector: what a posterior of scores says of the loss.

For independent s_j ~ N(m_j, v_j) and a constant t, the square q = sum_j s_j^2 + t has

    E q = sum (m_j^2 + v_j) + t,    Var q = sum (2 v_j^2 + 4 m_j^2 v_j)

It is taken as Gamma distributed with these moments (Satterthwaite's approximation of a generalised chi-squared
distribution: exact for a single s_j with m_j = t = 0, and for Var q -> 0), shape k = (E q)^2 / Var q, so that

    E sqrt(q) = sqrt(E q (1 - u / k)),    Var sqrt(q) = u E q / k,    u(k) = k - (Gamma(k + 1/2) / Gamma(k))^2

u comes from its series at k + 6 by u(k) = [k/4 + k^2 u(k+1)] / (k + 1/2)^2, where nothing cancels. All of it is
arithmetic, so it serves numpy arrays and torch tensors, with gradients. The loss of a composite objective was treated
like this by Uhrenholt & Jensen, "Efficient Bayesian Optimization for Target Vector Estimation", AISTATS 2019.
"""

from __future__ import annotations

from typing import Any

STEPS = 6
SMALLEST = 1e-30  # of Var q / (E q)^2
TINY = 1e-150  # of E q: its square must not be zero


def length(mean: Any, variance: Any, rest: float = 0.0) -> tuple[Any, Any]:
    """Return mean (...) and variance (...) of sqrt(q) for m, v (..., J): both numpy arrays, or both tensors."""
    squares = mean**2
    expected = (squares + variance).sum(-1) + rest + TINY
    spread = (2.0 * variance**2 + 4.0 * squares * variance).sum(-1)
    inverse_shape = spread / expected**2 + SMALLEST
    relative = _u(1.0 / inverse_shape) * inverse_shape
    return (expected * (1.0 - relative)) ** 0.5, expected * relative


def _u(k: Any) -> Any:
    top = k + STEPS
    u = 0.25 - 1.0 / (32.0 * top) - 1.0 / (128.0 * top**2) + 5.0 / (2048.0 * top**3)
    for step in reversed(range(STEPS)):
        at = k + step
        u = (0.25 / at + u) / (1.0 + 0.5 / at) ** 2
    return u
