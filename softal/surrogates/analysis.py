"""What a fitted surrogate says about the space: importance of parameters, slices, and where the optimum lies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from softal.errors import SurrogateError
from softal.space import Choice, Integer, Space
from softal.surrogates.base import Surrogate
from softal.trial import Value

Floats = NDArray[np.float64]

CANDIDATES = 768  # points at which functions are sampled jointly: a factorisation of so many takes about 20 ms
EXPLORERS = 256  # of them stay spread over the space in every round, so that no other basin is lost
ROUNDS = 5  # each about halves the distance between the candidates


def importance(
    surrogate: Surrogate, target: str | None = None, order: Literal["total", "first"] = "total", n: int = 512
) -> dict[str, float]:
    """Return parameter -> part of the variance of the posterior mean over the unit cube that it accounts for.

    first order: V[E[f | x_i]] / V[f]                what x_i explains alone: the sum over parameters is at most 1
    total effect: E[V[f | all but x_i]] / V[f]       with its interactions: the sum is at least 1

    Points are a scrambled Sobol sequence with a fixed seed; linear constraints of the space are not looked at. The
    estimators are those of Saltelli et al., Comput. Phys. Commun. 181 (2010) 259, table 2 (b) and (f). A constant
    function gives zeros.

    Args:
        surrogate: fitted.
        target: the first one unless it is named.
        order: which of the two.
        n: sample size, a power of 2; the surrogate is evaluated n (d + 2) times.
    """
    space, column = surrogate.space, surrogate.index(target)
    d = space.dimension
    base = qmc.Sobol(2 * d, rng=np.random.default_rng(0)).random(n)
    A, B = base[:, :d], base[:, d:]
    mixed = np.repeat(A[None], d, axis=0)
    for i in range(d):
        mixed[i, :, i] = B[:, i]
    points = space.snap(np.vstack([A, B, mixed.reshape(-1, d)]))
    f_A, f_B, *rest = surrogate.posterior(points).mean[:, column].reshape(d + 2, n)
    variance = float(np.var(np.concatenate([f_A, f_B])))
    if not variance > 1e-20 * float(np.max(np.abs(f_A))) ** 2:
        return dict.fromkeys(space.names, 0.0)
    centre = float(np.mean(f_A))  # the estimator of first order is much less noisy for a centred function
    if order == "first":
        parts = [np.mean((f_B - centre) * (f - f_A)) / variance for f in rest]
    else:
        parts = [np.mean((f_A - f) ** 2) / (2.0 * variance) for f in rest]
    return {name: float(np.clip(part, 0.0, 1.0)) for name, part in zip(space.names, parts, strict=True)}


@dataclass(frozen=True)
class Slice:
    """Posterior along one parameter, the others held.

    Attributes:
        values: (k,) of the parameter, natural units.
        mean: (k, m).
        std: (k, m) of the noise-free function.
        feasible: (k,) whether the constraints hold.
    """

    values: list[Value]
    mean: Floats
    std: Floats
    feasible: NDArray[np.bool_]


def slices(
    surrogate: Surrogate, point: Mapping[str, Value], names: Sequence[str] | None = None, n: int = 101
) -> dict[str, Slice]:
    """Return parameter -> slice of the posterior through a point.

    Args:
        surrogate: fitted.
        point: in natural units; fixed and derived parameters may be missing.
        names: free parameters; None is all.
        n: number of values of a real parameter; integers and choices take each of theirs once, at most n.
    """
    space = surrogate.space
    found = {}
    for name in space.names if names is None else names:
        if name not in space.names:
            raise SurrogateError(f"{name!r} is not a free parameter; they are {', '.join(space.names)}")
        column = space.names.index(name)
        U = np.repeat(space.to_unit([point]), n, axis=0)
        U[:, column] = np.linspace(0.0, 1.0, n)
        if isinstance(space.parameters[name], Integer | Choice):
            coordinates = _distinct(space.snap(U)[:, column], int(space.cells[column]), n)
            U = U[: len(coordinates)]
            U[:, column] = coordinates
        posterior = surrogate.posterior(U)
        values = [p[name] for p in space.from_unit(U)]
        found[name] = Slice(values, posterior.mean, posterior.std, space.feasible(U))
    return found


def _distinct(coordinates: Floats, cells: int, n: int) -> Floats:
    """Return the coordinates of all cells where they are at most n and evenly spaced, else those that were hit."""
    if cells <= n and np.allclose(np.diff(np.unique(coordinates)) * cells, 1.0, atol=1e-6):
        return (np.arange(cells) + 0.5) / cells
    return np.unique(coordinates)


def optimum(
    surrogate: Surrogate,
    sign: float = 1.0,
    samples: int = 64,
    rng: np.random.Generator | None = None,
    target: str | None = None,
) -> Floats:
    """Return where functions drawn from the posterior have their minimum: points (samples, d) of the unit cube.

    Their spread is how well the data determine the optimum's location; `summary` puts it into natural units.
    Functions are sampled jointly, and exactly, at candidate points, which gather round by round where minima were
    found, while some stay spread over the space. All candidates are snapped and satisfy the constraints.

    Args:
        surrogate: fitted.
        sign: +1 where the target is minimised, -1 where it is maximised.
        samples: number of functions.
        rng: random numbers; a fixed seed unless it is given.
        target: the first one unless it is named.
    """
    rng = rng or np.random.default_rng(0)
    space, column = surrogate.space, surrogate.index(target)
    candidates = space.sample(CANDIDATES, rng)
    candidates = np.vstack([candidates, candidates[[_argmin(surrogate, candidates, sign, column)]]])
    width = 0.5 * CANDIDATES ** (-1.0 / max(space.dimension, 1))
    minima = _minima(surrogate, candidates, sign, column, samples, rng)
    for _ in range(ROUNDS):
        spread = np.std(minima, axis=0)
        steps = np.minimum(np.maximum(spread, 0.02 * width), width)
        candidates = _cloud(space, minima, steps, rng)
        minima = _minima(surrogate, candidates, sign, column, samples, rng)
        width = max(0.5 * width, 1e-4)
    return minima


def _argmin(surrogate: Surrogate, X: Floats, sign: float, column: int) -> int:
    return int(np.argmin(sign * surrogate.posterior(X).mean[:, column]))


def _minima(
    surrogate: Surrogate, X: Floats, sign: float, column: int, samples: int, rng: np.random.Generator
) -> Floats:
    X = np.unique(X, axis=0)
    return np.asarray(X[np.argmin(sign * surrogate.sample(X, samples, rng)[:, :, column], axis=1)])


def _cloud(space: Space, centres: Floats, steps: Floats, rng: np.random.Generator) -> Floats:
    """Return the centres, feasible points around them, and some all over the space."""
    around = np.resize(centres, (CANDIDATES - EXPLORERS, space.dimension))
    shrink = 0.5 ** rng.integers(0, 4, size=(len(around), 1))  # near and far at once
    around = np.clip(around + shrink * steps * rng.standard_normal(around.shape), 0.0, 1.0)
    categorical = list(space.categorical)
    change = rng.random((len(around), len(categorical))) < 0.1
    around[:, categorical] = np.where(change, rng.random(change.shape), around[:, categorical])
    around = space.snap(around)
    return np.vstack([centres, around[space.feasible(around)], space.sample(EXPLORERS, rng)])


def summary(space: Space, U: Floats) -> dict[str, tuple[Any, float]]:
    """Return parameter -> (centre, spread) of points U (n, d) in natural units, derived parameters included.

    Numbers: median, and half of the interval that holds the central 68.3 % (the standard deviation of a normal
    distribution, but not upset by a few points in another basin). Choices: the most frequent one, and the part of the
    points that has another.
    """
    points = space.from_unit(U)
    found: dict[str, tuple[Any, float]] = {}
    for name in space.all_names:
        column = [point[name] for point in points]
        if isinstance(space.parameters[name], Choice) or any(isinstance(value, str | bool) for value in column):
            mode = max(dict.fromkeys(column), key=column.count)
            found[name] = (mode, 1.0 - column.count(mode) / len(column))
        else:
            numbers = np.array(column, dtype=np.float64)
            low, high = np.quantile(numbers, [0.5 - 0.5 * math.erf(0.5**0.5), 0.5 + 0.5 * math.erf(0.5**0.5)])
            found[name] = (float(np.median(numbers)), float(0.5 * (high - low)))
    return found
