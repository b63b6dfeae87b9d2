"""How many simulations of ions a choice of points can save at best, whoever chooses: a bound for `confined_ions.py`.

    .venv/bin/python benchmarks/confined_ions_bound.py --library runs/ions_library --docs docs/confined_ions.md

Profiles of the whole library are reduced to principal components, and a Gaussian process is fitted to each with the
simulations' errors. With these hyperparameters, the variance that is left on average over the space after n
simulations depends on where they are alone (C. Rasmussen, C. Williams, "Gaussian Processes for Machine Learning", 2006,
eq. 2.26). It is compared for Sobol sequences, random points, and the order that lowers it most, one simulation after
the other (D. Cohn, Z. Ghahramani, M. Jordan, J. Artif. Intell. Res. 4, 129 (1996)): what a strategy could do that knew
from the first simulation on how profiles vary. Nothing is simulated or learned here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import overhead
from confined_ions import LIBRARY
from confined_ions_library import Library
from confined_ions_replay import ARRAYS
from numpy.typing import NDArray

from softal.space import Space
from softal.strategies.bayesian.variance import conditioned
from softal.strategies.sobol import SobolSequence
from softal.surrogates.gaussian_processes.gp import train

Floats = NDArray[np.float64]

COMPONENTS = 10
NUMBERS = (27, 40, 60, 90, 135)
SEEDS = 5
PLACES = 200  # of the space, over which variance is averaged
BEGIN, END = "<!-- bound: begin -->", "<!-- bound: end -->"


@dataclass(frozen=True)
class Component:
    """A Gaussian process of one principal component of the profiles.

    Attributes:
        lengthscales: (d,) [unit cube].
        scale: its variance before anything is known [(mol/l)^2].
        noise: variance of one simulation [(mol/l)^2].
    """

    lengthscales: Floats
    scale: float
    noise: float

    def covariance(self, U: Floats, V: Floats) -> Floats:
        """Return the covariance (n, m) between unit points (n, d) and (m, d)."""
        away = (U[:, None] - V[None]) / self.lengthscales
        return np.asarray(self.scale * np.exp(-0.5 * np.sum(away**2, axis=-1)))

    def left(self, U: Floats, V: Floats) -> float:
        """Return the variance that is left on average at V (m, d) after simulations at U (n, d)."""
        K = self.covariance(U, U) + self.noise * np.eye(len(U))
        k = self.covariance(U, V)
        return float(np.mean(self.scale - np.sum(k * np.linalg.solve(K, k), axis=0)))


def components(library: Library, U: Floats) -> tuple[list[Component], int]:
    """Return the processes of the pool's profiles at unit points U (n, d), and the number of densities of a trial."""
    observations = [trial.observation for trial in library.pool if trial.observation]
    Y, E = (
        np.array([np.concatenate([np.asarray(getattr(o.arrays[name], what)) for name in ARRAYS]) for o in observations])
        for what in ("values", "errors")
    )
    variance = np.nan_to_num(E) ** 2
    _, _, axes = np.linalg.svd(Y - Y.mean(axis=0), full_matrices=False)
    found = []
    for axis in axes[:COMPONENTS]:
        of_error = variance @ axis**2
        gp, scaling = train(U, (Y - Y.mean(axis=0)) @ axis, np.sqrt(of_error), ())
        known, square = gp.hyperparameters, float(scaling.scale) ** 2
        noise = float(of_error.mean()) + known.extra * square
        found.append(Component(np.array(known.lengthscales), known.outputscale * square, noise))
    return found, Y.shape[1]


def best_order(processes: Sequence[Component], candidates: Floats, V: Floats, n: int) -> list[int]:
    """Return n of the candidates (c, d), each the one that lowers the variance at V (m, d) most, given those before."""
    points, c = np.vstack([candidates, V]), len(candidates)
    left = [one.covariance(points, points) for one in processes]
    order: list[int] = []
    for _ in range(n):
        gain = np.zeros(c)
        for one, C in zip(processes, left, strict=True):
            gain += np.mean(C[:c, c:] ** 2, axis=1) / (np.diag(C)[:c] + one.noise)
        gain[order] = -1.0
        order.append(int(np.argmax(gain)))
        left = [conditioned(C, one.noise, order[-1]) for one, C in zip(processes, left, strict=True)]
    return order


def sobol(space: Space, seed: int) -> Floats:
    """Return the first points of a Sobol sequence."""
    return space.snap(SobolSequence(space, seed).take(0, max(NUMBERS)))


def anywhere(space: Space, n: int, seed: int) -> Floats:
    """Return n random unit points that are points of the space."""
    return space.snap(np.random.default_rng(seed).random((n, space.dimension)))


def grid(space: Space) -> Floats:
    """Return corners, middles of edges, and so on: three values of each parameter."""
    axes = np.meshgrid(*[(0.0, 0.5, 1.0)] * space.dimension, indexing="ij")
    return space.snap(np.array(axes).reshape(space.dimension, -1).T)


def markdown(library: Library) -> str:
    """Return the figures as Markdown."""
    space = library.space
    pool = space.to_unit([trial.point for trial in library.pool])
    processes, densities = components(library, pool)
    V = anywhere(space, PLACES, 99)

    def rms(U: Floats) -> list[float]:
        return [float(np.sqrt(sum(one.left(U[:n], V) for one in processes) / densities)) for n in NUMBERS]

    spread = np.vstack([grid(space), anywhere(space, 300, 98)])
    rows = {
        f"Sobol sequences ({SEEDS})": np.median([rms(sobol(space, seed)) for seed in range(SEEDS)], axis=0),
        f"random ({SEEDS})": np.median([rms(anywhere(space, max(NUMBERS), seed)) for seed in range(SEEDS)], axis=0),
        "best order of the pool": np.array(rms(pool[best_order(processes, pool, V, max(NUMBERS))])),
        "best order of corners, edges, and 300 others": np.array(
            rms(spread[best_order(processes, spread, V, max(NUMBERS))])
        ),
    }
    base = next(iter(rows.values()))
    lines = [
        f"| error that is left [mol/l], after | {' | '.join(map(str, NUMBERS))} | of Sobol's simulations |",
        "|---" * (len(NUMBERS) + 2) + "|",
    ]
    for name, found in rows.items():
        # How many simulations of Sobol's sequence leave as much, where its error is known.
        equal = np.interp(-np.log(found), -np.log(base), np.log(NUMBERS), right=np.nan)
        part = np.exp(np.log(NUMBERS) - equal)
        part = part[(found <= base[0]) & np.isfinite(part)]
        cells = [f"{value:.4f}" for value in found]
        lines.append(f"| {name} | {' | '.join(cells)} | {part.min():.2f} to {part.max():.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=LIBRARY)
    parser.add_argument("--docs", type=Path, help="Markdown file whose section is replaced")
    options = parser.parse_args()
    text = markdown(Library.load(options.library))
    print(text)
    if options.docs:
        overhead.put_into(options.docs, f"{text}\n", BEGIN, END)


if __name__ == "__main__":
    main()
