"""What a fitted surrogate says about the space: importance of parameters, slices, and where the optimum lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.space import Choice, Integer, Space
from softal.surrogates.base import Surrogate
from softal.trial import Value

ANCHORS = 256  # of sampled functions, over the space; as many more where the minima are
CANDIDATES = 1024  # over the space, among which the descent of each function starts
TRIES = 12  # of a step of the descent, for each function
STEPS = (5, 12)  # of the descents, first to learn where minima are, then for good
SHRINK = 0.6  # of the step size after each step


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

    Their spread is how well the data determine the optimum's location; `summary` puts it into natural units. Functions
    are drawn twice: first to learn where minima are, then with anchors there as well (see `Surrogate.paths`). All
    points are snapped and satisfy the constraints.

    Args:
        surrogate: fitted.
        sign: +1 where the target is minimised, -1 where it is maximised.
        samples: number of functions.
        rng: random numbers; a fixed seed unless it is given.
        target: the first one unless it is named.
    """
    return minima(surrogate, sign, samples, rng, target)[0]


def minima(
    surrogate: Surrogate,
    sign: float = 1.0,
    samples: int = 64,
    rng: np.random.Generator | None = None,
    target: str | None = None,
) -> tuple[Floats, Floats]:
    """Return what `optimum` does, and how low each function is there: losses (samples,)."""
    rng = rng or np.random.default_rng(0)
    space, column = surrogate.space, surrogate.index(target)
    found, spread = np.empty((0, space.dimension)), np.zeros(space.dimension)
    lowest = np.empty(0)
    for steps in STEPS:
        near = _around(space, np.resize(found, (ANCHORS if len(found) else 0, space.dimension)), spread, rng)
        anchors = np.unique(np.vstack([space.sample(ANCHORS, rng), found, near[space.feasible(near)]]), axis=0)
        paths = surrogate.paths(samples, rng, anchors)

        def losses(X: Floats, paths: Callable[[Floats], Floats] = paths) -> Floats:
            return np.asarray(sign * paths(X)[:, :, column])

        candidates = np.vstack([space.sample(CANDIDATES, rng), anchors])
        starts = candidates[np.argmin(losses(candidates), axis=1)]
        found, lowest = _descend(space, losses, starts, steps, rng)
        spread = np.std(found, axis=0)
    return found, lowest


def _descend(
    space: Space, losses: Callable[[Floats], Floats], X: Floats, steps: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return a lower point of each function, from its point in X (samples, d), and its loss there (samples,).

    `steps` random steps of shrinking size, and differences between the points of two other functions, which have the
    size and the direction of the valley (Storn & Price, J. Global Optim. 11 (1997) 341).
    """
    samples, own = len(X), np.arange(len(X))
    best = losses(X)[own, own]
    size = np.full(space.dimension, 0.5 * CANDIDATES ** (-1.0 / max(space.dimension, 1)))
    for _ in range(steps):
        centres = np.repeat(X, TRIES, axis=0)
        pairs = rng.integers(0, samples, (2, len(centres)))
        differences = 0.7 * (X[pairs[0]] - X[pairs[1]]) * (rng.random((len(centres), 1)) < 0.5)
        tries = _around(space, centres + differences, size, rng)
        values = losses(tries).reshape(samples, samples, TRIES)[own, own]
        values[~space.feasible(tries).reshape(samples, TRIES)] = np.inf
        lowest = np.argmin(values, axis=1)
        better = values[own, lowest] < best
        X = np.where(better[:, None], tries.reshape(samples, TRIES, -1)[own, lowest], X)
        best = np.where(better, values[own, lowest], best)
        size = SHRINK * size
    return X, best


def _around(space: Space, centres: Floats, size: Floats, rng: np.random.Generator) -> Floats:
    """Return a snapped point near each centre; now and then with another choice, or another whole number."""
    around = centres + size * rng.standard_normal(centres.shape)
    cells = [*space.categorical, *space.integer]
    change = rng.random((len(around), len(cells))) < 0.5 / max(len(cells), 1)
    around[:, cells] = np.where(change, rng.random(change.shape), around[:, cells])
    return space.snap(np.clip(around, 0.0, 1.0))


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
