"""Where mode-coupling theory has its glass transition: nonergodicity parameters, critical points, exponents.

For long times the correlators F of a liquid or a schematic model go to the largest solution of

    F = S - (S^-1 + N[F])^-1,

zero in the liquid. It is what the iteration from F = S comes down to. With G = (S^-1 + N)^-1 = S - F and N bilinear,
N[F + d] = N[F] + 2 B[F, d] + B[d, d] + ..., the map has at the critical point the eigenvector e, G 2 B[F, e] G = e, and
its left partner e^. From the next order in d follows the exponent parameter

    lambda = <e^, G B[e, e] G> / <e^, e G^-1 e>,

and Gamma(1 - a)^2 / Gamma(1 - 2a) = lambda = Gamma(1 + b)^2 / Gamma(1 + 2b) are the exponents of t^-a and t^b.

Sources: W. Goetze, Complex Dynamics of Glass-Forming Liquids (2009), chapters 4 and 6; for matrices Th. Voigtmann,
thesis, TU Muenchen (2003).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import brentq

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.mode_coupling.kernels import product
from softal.theory.mode_coupling.liquid import Liquid, inverse

GLASS = 1e-3  # largest F_aa / S_aa below which a state is a liquid: the jump is hundreds of times higher
TOLERANCE = 1e-10  # change of F in an iteration, relative to S, at which it has converged
ITERATIONS = 200_000
STEP = 1e-4  # of the numerical derivatives, relative to S: the errors of a polynomial's are rounding alone


class Model(Protocol):
    """What has correlators F (s, s, n): a liquid or a schematic model."""

    S: Floats
    S_inverse: Floats
    rates: Floats

    def memory(self, F: Floats) -> Floats:
        """Return N for F, both (s, s, n)."""


def nonergodicity(model: Model) -> Floats:
    """Return F (s, s, n) for long times; zeros in the liquid.

    Raises:
        TheoryError: where the iteration does not converge.
    """

    def follows(F: Floats) -> Floats:
        return np.asarray(model.S - inverse(model.S_inverse + model.memory(F)))

    return _largest_solution(follows, model.S, scales(model.S))


def tagged_nonergodicity(liquid: Liquid, F: Floats) -> Floats:
    """Return F_s (s, n) for long times, for the long-time F (s, s, n) of the liquid: F_s = 1 - 1 / (1 + N_s).

    Raises:
        TheoryError: where the iteration does not converge.
    """
    one = np.ones_like(liquid.tagged_rates)
    return _largest_solution(lambda F_s: np.asarray(1.0 - 1.0 / (1.0 + liquid.tagged_memory(F, F_s))), one, one)


def _largest_solution(follows: Callable[[Floats], Floats], start: Floats, scale: Floats) -> Floats:
    """Iterate from `start` down to the largest solution of F = follows(F), and to zeros below GLASS.

    Nothing hurries the iteration: just above a critical point the solution is easily jumped over.
    """
    F = start
    for _ in range(ITERATIONS):
        new = follows(F)
        if np.max(new / scale) < GLASS:
            return np.zeros_like(F)
        if np.max(np.abs(new - F) / scale) < TOLERANCE:
            return new
        F = new
    raise TheoryError(f"nonergodicity parameters: not found in {ITERATIONS} iterations, too near a critical point")


def is_glass(model: Model) -> bool:
    """Return whether correlators of the model stay above zero for long times."""
    return bool(np.any(nonergodicity(model)))


def critical_point(
    model_at: Callable[[float], Model], liquid: float, glass: float, *, tolerance: float = 1e-6
) -> float:
    """Return the parameter at which a family of models becomes a glass, by bisection, on the glass's side.

    Args:
        model_at: the model for a value of the parameter.
        liquid: a value at which it is a liquid.
        glass: a value at which it is a glass.
        tolerance: relative width of the last bracket.

    Raises:
        TheoryError: where `liquid` is a glass or `glass` a liquid.
    """
    for name, value, expected in (("liquid", liquid, False), ("glass", glass, True)):
        if is_glass(model_at(value)) is not expected:
            raise TheoryError(f"critical point: at {value:.6g} there is no {name}; begin with a wider bracket")
    while abs(glass - liquid) > tolerance * max(abs(glass), abs(liquid)):
        middle = (liquid + glass) / 2
        if is_glass(model_at(middle)):
            glass = middle
        else:
            liquid = middle
    return glass


def scales(S: Floats) -> Floats:
    """Return sqrt(S_aa S_bb), the shape of S (s, s, n)."""
    diagonal = np.sqrt(np.einsum("aak->ak", S))
    return np.asarray(diagonal[:, None] * diagonal[None, :])


@dataclass(frozen=True)
class Exponents:
    """The exponent parameter lambda and what follows from it, and the largest eigenvalue, 1 at the critical point."""

    parameter: float  # lambda
    a: float  # of the approach to the plateau, t^-a
    b: float  # of the departure from it, -t^b
    eigenvalue: float

    @property
    def gamma(self) -> float:
        """The exponent of the relaxation time, |distance|^-gamma."""
        return 1 / (2 * self.a) + 1 / (2 * self.b)


def exponents(model: Model) -> Exponents:
    """Return the exponents of a model that is a glass at, or just beyond, its critical point.

    lambda is off by about the square root of the relative distance from that point.

    Raises:
        TheoryError: where the model is a liquid.
    """
    F = nonergodicity(model)
    if not np.any(F):
        raise TheoryError("exponents: the model is a liquid here, they belong to the glass at the critical point")
    G = model.S - F
    rows, columns = np.triu_indices(len(F))
    value, right, left = _critical_directions(model, F, G)
    e = np.zeros_like(F)
    e[rows, columns] = e[columns, rows] = right
    curved = product(product(G, _second(model, F, e)), G)[rows, columns]
    convolved = product(product(e, inverse(G)), e)[rows, columns]
    parameter = float(np.sum(left * curved) / np.sum(left * convolved))
    return Exponents(parameter, *_exponents(parameter), value)


def _critical_directions(model: Model, F: Floats, G: Floats) -> tuple[float, Floats, Floats]:
    """Return the largest eigenvalue of d -> G 2 B[F, d] G and its right and left eigenvectors (pairs, n)."""
    rows, columns = np.triu_indices(len(F))
    shape = (len(rows), F.shape[2])
    M = np.empty((*shape, *shape))
    scale = scales(model.S)
    for index in np.ndindex(*shape):
        a, b, k = rows[index[0]], columns[index[0]], index[1]
        step = np.zeros_like(F)
        step[a, b, k] = step[b, a, k] = STEP * scale[a, b, k]
        slope = (model.memory(F + step) - model.memory(F - step)) / (2 * step[a, b, k])
        M[(..., *index)] = product(product(G, slope), G)[rows, columns]
    size = shape[0] * shape[1]
    value, right = _largest(M.reshape(size, size))
    _, left = _largest(M.reshape(size, size).T)
    return value, right.reshape(shape), left.reshape(shape)


def _largest(M: Floats) -> tuple[float, Floats]:
    values, vectors = np.linalg.eig(M)
    i = int(np.argmax(values.real))
    return float(values[i].real), np.asarray(vectors[:, i].real)


def _second(model: Model, F: Floats, e: Floats) -> Floats:
    """Return B[e, e], half the second derivative of the memory along e (exact for a quadratic one)."""
    return np.asarray((model.memory(F + e) + model.memory(F - e)) / 2 - model.memory(F))


def _exponents(parameter: float) -> tuple[float, float]:
    """Return a and b; not a number for lambda = 1 and above, and where it has no meaning, far below 1/2."""
    if not 0.4 < parameter < 1.0:
        return math.nan, math.nan

    def of_b(b: float) -> float:
        return math.exp(2 * math.lgamma(1 + b) - math.lgamma(1 + 2 * b)) - parameter

    def of_a(a: float) -> float:
        return math.gamma(1 - a) ** 2 / math.gamma(1 - 2 * a) - parameter

    a = brentq(of_a, 1e-9, 0.4999)
    return float(a), float(brentq(of_b, 1e-9, 2.0))
