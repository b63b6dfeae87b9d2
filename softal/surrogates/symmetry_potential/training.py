"""A potential learned from runs: functions chosen, fit, errors, what is far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.symmetry_potential.data import Run, held_out, systems
from softal.surrogates.symmetry_potential.errors import Believed, Whitened
from softal.surrogates.symmetry_potential.fit import Linear, Triangle, chosen, fitted
from softal.surrogates.symmetry_potential.novelty import Novelty
from softal.surrogates.symmetry_potential.selection import LOOKED_AT
from softal.surrogates.symmetry_potential.settings import SymmetryPotentialSettings

FEWEST = 3  # points to learn from: one of them is held out
FOLDS = 5  # of what is learned from, each of which is left out once, for errors


@dataclass(frozen=True)
class Split:
    """Runs on two sides.

    Attributes:
        runs: all of them.
        held: of each, whether it only tests.
        train, unseen: triangles of both sides.
    """

    runs: Sequence[Run]
    held: Sequence[bool]
    train: Triangle
    unseen: Triangle

    @classmethod
    def of(cls, runs: Sequence[Run], settings: SymmetryPotentialSettings) -> Split:
        """Return the runs on two sides; SurrogateError where there are too few."""
        points = len(set(systems(runs)))
        if points < FEWEST:
            raise SurrogateError(f"a potential is learned from runs at {FEWEST} points at least; there are {points}")
        held = held_out(runs, settings.held_out, settings.seed)
        sides = [[run.found.triangle for run, out in zip(runs, held, strict=True) if out is side]
                 for side in (False, True)]  # fmt: skip
        return cls(runs, held, Triangle.joined(sides[0]), Triangle.joined(sides[1]))

    def side(self, held: bool) -> list[Run]:
        """Return the runs of one side."""
        return [run for run, out in zip(self.runs, self.held, strict=True) if out is held]


@dataclass(frozen=True)
class Trained:
    """What was learned.

    Attributes:
        order: of the functions as they were chosen, those beyond what the fit has included.
        fit: by the first of them, in the order of the pool.
        believed: errors as calibrated on runs that were left out.
        by_equations: errors as they would be without.
        novelty: what is far.
    """

    order: NDArray[np.int64]
    fit: Linear
    believed: Believed
    by_equations: Believed
    novelty: Novelty


def train(split: Split, settings: SymmetryPotentialSettings) -> Trained:
    """Learn from one side; nothing but the threshold of what is far depends on the other."""
    order = chosen(split.train, max(settings.functions, LOOKED_AT), settings.intercept)
    mine = np.sort(order[: settings.functions])
    fit = fitted(split.train, mine, settings.intercept)
    equations = Believed.of(split.train, fit, settings.intercept)
    wrong, h = left_out(split.side(held=False), mine, settings.intercept)
    known = equations.known if settings.intercept else Whitened.of(split.train, mine)
    novelty = Novelty.of(known, *(residuals(split.side(held), fit)[0] for held in (False, True)))
    return Trained(order, fit, equations.calibrated(h, wrong), equations, novelty)


def left_out(runs: Sequence[Run], order: NDArray[np.int64], intercept: bool) -> tuple[Floats, Floats]:
    """Return of all environments (n,) what a fit gets wrong, and h; it has not seen their runs."""
    points = np.array(systems(runs))
    fold = points % min(FOLDS, points.max() + 1)
    triangles, steps = [run.found.triangle.take(order) for run in runs], np.arange(len(order))
    found = []
    for part in range(fold.max() + 1):
        others = Triangle.joined([one for one, mine in zip(triangles, fold == part, strict=True) if not mine])
        fit = fitted(others, steps, intercept)
        Z = np.vstack([run.found.X[:, order] for run, mine in zip(runs, fold == part, strict=True) if mine])
        y = np.concatenate([run.found.y for run, mine in zip(runs, fold == part, strict=True) if mine])
        wrong = y - fit.intercept - Z @ fit.coefficients
        found.append((wrong, Believed.of(others, fit, intercept).h(Z)))
    wrong, h = (np.concatenate(part) for part in zip(*found, strict=True))
    return wrong, h


def residuals(runs: Sequence[Run], fit: Linear) -> tuple[Floats, Floats]:
    """Return chosen functions (n, m) of runs, and what the fit gets wrong of their energies (n,)."""
    Z = np.vstack([run.found.X[:, fit.order] for run in runs])
    return Z, np.concatenate([run.found.y for run in runs]) - fit.intercept - Z @ fit.coefficients
