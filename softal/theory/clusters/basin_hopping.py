"""The lowest minima of a cluster by basin hopping: SciPy's, on quenched configurations.

Source: D. J. Wales, J. P. K. Doye, J. Phys. Chem. A 101, 5111 (1997).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.stationary import Quench, energy, exact, quench

ROUGH = 1e-5  # gradient of a minimum on the way [epsilon/sigma]
LONGEST = 0.3  # step of its quench [sigma]


def basin_hopping(
    start: Floats, hops: int, seed: int, *, temperature: float = 0.8, step: float = 0.36, goal: float = -np.inf
) -> Quench:
    """Return the lowest minimum that was found.

    Args:
        start: where to begin, (N, d) [sigma].
        hops: at most.
        seed: of the moves.
        temperature: of their acceptance [epsilon].
        step: of each coordinate, at most [sigma].
        goal: energy at which it ends [epsilon].
    """
    from scipy.optimize import OptimizeResult, basinhopping

    shape, used = start.shape, 0

    def quenched(_: Any, x: Floats, args: Any = (), **__: Any) -> Any:
        nonlocal used
        found = quench(x.reshape(shape), ROUGH, LONGEST)
        used += found.evaluations
        result: Any = OptimizeResult()
        result.update(x=found.x.ravel(), fun=found.energy, success=True, nfev=found.evaluations)
        return result

    def value(x: Floats) -> float:
        return energy(x.reshape(shape))

    method: Any = {"method": quenched}

    best = basinhopping(
        value,
        start.ravel(),
        niter=hops,
        T=temperature,
        stepsize=step,
        minimizer_kwargs=method,
        rng=seed,
        callback=lambda _x, lowest, _accepted: bool(lowest <= goal),
    )
    point = exact(best.x.reshape(shape))
    return Quench(point.energy, point.x, used)


def random_start(atoms: int, dimension: int, seed: int) -> Floats:
    """Return atoms at random in a ball, or a disk, of about the cluster's size, (N, d) [sigma]."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(atoms, dimension))
    radius = 0.7 * atoms ** (1 / dimension) * rng.random((atoms, 1)) ** (1 / dimension)
    return np.asarray(direction / np.linalg.norm(direction, axis=1, keepdims=True) * radius)
