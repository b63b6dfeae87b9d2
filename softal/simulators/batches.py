"""Functions of many points at once: `@batched(64)` before a function that calculates with arrays.

    @batched(64)
    def simulate(epsilon, sigma=1.0): ...      each parameter is an array (P,), P from 1 to 64
    def simulate(points): ...                  or: the points as a list of dictionaries
    def simulate(epsilon, *, seed, contexts): ...  what is asked for of the contexts by name is a list

Under each name it returns what a function of one point returns, with one more axis in front:

    (P,)                               a value each; NaN fails the point
    ((P,), (P,))                       a value and its standard error each; also {"value": (P,), "error": (P,)}
    (P, n)                             an array each
    {"values": (P, n), "errors": (P, n), "grid": (n,) or (P, n), "unit": "..."}
                                       an array each, with its errors and the grid
    [...]                              P of whatever else may stand there for one point

Or a list of P results, each as a function of one point returns it, or the SimulationError for which there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from softal.errors import InvalidObservation
from softal.simulators.results import to_observation
from softal.trial import Observation

F = TypeVar("F", bound=Callable[..., Any])

SIZE = "softal_batch"  # attribute of a function that takes many points
SHARED = ("unit", "grid_unit")  # parts of an array that all points have in common


def batched(size: int) -> Callable[[F], F]:
    """Return a decorator for functions that evaluate up to `size` points at once.

    Raises:
        ValueError: if `size` is less than 1.
    """
    if size < 1:
        raise ValueError(f"batched({size}): allowed is a whole number, 1 or more")

    def mark(function: F) -> F:
        setattr(function, SIZE, size)
        return function

    return mark


def observations(results: Any, n: int) -> list[Observation | Exception]:
    """Return the observation of each of `n` points from what a batched function returned for all.

    Raises:
        InvalidObservation: naming what does not have one entry a point.
    """
    return [_observation(one) for one in _split(results, n)]


def _observation(result: Any) -> Observation | Exception:
    if isinstance(result, Exception):
        return result
    try:
        return to_observation(result)
    except InvalidObservation as error:
        return error


def _split(results: Any, n: int) -> Sequence[Any]:
    """Return n results, each in a form that a function of one point may return."""
    if not isinstance(results, Mapping):
        return _entries("what it returned", results, n)
    parts = {name: _parts(str(name), result, n) for name, result in results.items()}
    return [{name: entries[i] for name, entries in parts.items()} for i in range(n)]


def _parts(name: str, result: Any, n: int) -> Sequence[Any]:
    """Return what stands under a name for each of n points."""
    if isinstance(result, tuple) and len(result) == 2:
        return list(zip(*(_entries(name, part, n) for part in result), strict=True))
    if not isinstance(result, Mapping):
        return _entries(name, result, n)
    one = {key: part for key, part in result.items() if key in SHARED or part is None or _is_shared_grid(key, part)}
    each = {key: _entries(f"{name}.{key}", part, n) for key, part in result.items() if key not in one}
    return [one | {key: part[i] for key, part in each.items()} for i in range(n)]


def _is_shared_grid(key: str, part: Any) -> bool:
    return key == "grid" and np.ndim(part) == 1


def _entries(name: str, entries: Any, n: int) -> Sequence[Any]:
    length = len(entries) if hasattr(entries, "__len__") and np.ndim(entries) != 0 else None
    if length != n or isinstance(entries, (str, bytes, Mapping)):
        has = "no entries" if length is None else f"{length} entries"
        raise InvalidObservation(f"{name!r} has {has}; a batched function returns one for each of the {n} points")
    return entries  # type: ignore[no-any-return]
