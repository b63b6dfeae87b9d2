"""What was found of environments, as plain data for tables, metrics and cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.environments.data import Run, names
from softal.surrogates.environments.finding import Course, Found
from softal.surrogates.environments.importance import importance

FORMAT = 1
METRICS = ("clusters", "components", "bottleneck", "explained", "undecided", "far_held_out", "particles")
AGREEMENT = "adjusted_rand"  # metric that is there where there were refits
SURE = 0.9  # membership from which a particle is decided
SHOWN = 1500  # particles of the map
DIGITS = 5


@dataclass(frozen=True)
class Sides:
    """Descriptors of all trials.

    Attributes:
        learned, held_out: (n, d), (m, d).
    """

    learned: Floats
    held_out: Floats


def untrained(reason: str) -> dict[str, Any]:
    """Return what there is to be shown where nothing was learned."""
    return {"format": FORMAT, "untrained": reason}


def evaluate(
    found: Found, course: Course, sides: Sides, runs: Sequence[Run], two: bool, agreement: Floats | None, seed: int
) -> dict[str, Any]:
    """Return all that is to be shown."""
    Q = sides.learned
    P = found.memberships(Q)
    centres = (P.T @ Q) / np.maximum(P.sum(axis=0), 1e-300)[:, None]
    c = found.network.bottleneck
    return {
        "format": FORMAT,
        "untrained": None,
        "trials": len(runs),
        "particles": len(Q),
        "held_out": len(sides.held_out),
        "inputs": list(names(two)),
        "two_species": two,
        "bottleneck": c,
        "explained": float(course.explained[c - 1]),
        "explained_by": numbers(course.explained),
        "components": len(found.mixture.weights),
        "tried": list(course.components),
        "bic": numbers(course.bic, 8),
        "clusters": len(found.groups),
        "groups": [list(group) for group in found.groups],
        "entropies": numbers(course.merging.entropies),
        "overlaps": numbers(course.merging.overlaps),
        "weights": numbers(P.mean(axis=0)),
        "centres": [numbers(centre) for centre in centres],
        "undecided": float(np.mean(P.max(axis=1) < SURE)),
        "far_held_out": float(np.mean(found.far(sides.held_out))),
        "importance": {name: numbers(values) for name, values in importance(found.network, Q, seed).items()},
        "agreement": None if agreement is None else [numbers(row) for row in agreement],
        "map": sample(found, runs, seed),
        "runs": [of_run(found, run) for run in runs],
    }


def metrics(shown: dict[str, Any]) -> dict[str, float]:
    """Return the metrics by name; empty where nothing was learned."""
    if shown["untrained"]:
        return {}
    named = {name: float(shown[name]) for name in METRICS}
    return named if shown["agreement"] is None else named | {AGREEMENT: mean_of_pairs(shown["agreement"])}


def mean_of_pairs(agreement: Sequence[Sequence[float]]) -> float:
    """Return the mean adjusted Rand index of two different fits."""
    table = np.array(agreement)
    return float(table[~np.eye(len(table), dtype=bool)].mean())


def sample(found: Found, runs: Sequence[Run], seed: int) -> dict[str, list[Any]]:
    """Return coordinates of some particles of all trials, with their clusters; the second is 0 where there is one."""
    Q, trial = np.vstack([run.Q for run in runs]), np.repeat([run.trial for run in runs], [len(run.Q) for run in runs])
    some = np.random.default_rng([seed, 2]).permutation(len(Q))[:SHOWN]
    Y, P = found.network.encode(Q[some]), found.memberships(Q[some])
    second = Y[:, 1] if Y.shape[1] > 1 else np.zeros(len(Y))
    return {
        "first": numbers(Y[:, 0]),
        "second": numbers(second),
        "cluster": P.argmax(axis=1).tolist(),
        "membership": numbers(P.max(axis=1), 3),
        "trial": trial[some].tolist(),
    }


def of_run(found: Found, run: Run) -> dict[str, Any]:
    """Return how much of a trial is in each cluster, and far from all that was learned from."""
    return {
        "trial": run.trial,
        "density": float(f"{run.density:.{DIGITS}g}"),
        "particles": len(run.Q),
        "fractions": numbers(found.memberships(run.Q).mean(axis=0)),
        "novelty": float(np.mean(found.far(run.Q))),
    }


def numbers(values: NDArray[np.float64], digits: int = DIGITS) -> list[float]:
    """Return numbers with so many significant digits."""
    return [float(f"{value:.{digits}g}") for value in values]
