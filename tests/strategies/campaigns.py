"""Test functions on the unit cube, and campaigns on them."""

from dataclasses import replace

import numpy as np

from softal.space import Space
from softal.strategies import build
from softal.trial import Trial, TrialState

HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def branin(u):
    """Regret: three minima; Dixon and Szego (1978)."""
    x, y = -5 + 15 * u[0], 15 * u[1]
    parabola = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return parabola + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10 - 0.397887


def hartmann6(u):
    """Regret in six dimensions; Dixon and Szego (1978)."""
    return 3.32237 - HARTMANN_ALPHA @ np.exp(-np.sum(HARTMANN_A * (u - HARTMANN_P) ** 2, axis=1))


def ridge(u):
    """Height: 1 on a ridge of 0.05 by 0.25 half widths, falling off to a plain of 0 that is all the rest."""
    away = np.asarray(u) - [0.68, 0.62]
    along, across = away @ [np.cos(0.9), np.sin(0.9)], away @ [-np.sin(0.9), np.cos(0.9)]
    return float(np.clip(2 * (1 - max(abs(across) / 0.05, abs(along) / 0.25)), 0, 1))


def cube(d):
    """The unit cube."""
    return Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(d)})


def run(strategy, f, n, q=1, noise=0.0, seed=0):
    """Return n trials, asked q at a time; `f` of the unit point returns one value a component, or None: it failed."""
    rng, names = np.random.default_rng([99, seed]), strategy.objective.names
    trials = []
    while len(trials) < n:
        proposals = strategy.ask(min(q, n - len(trials)))
        for proposal in proposals:
            trial = Trial(len(trials), proposal.point, notes=proposal.notes, proposed_by=proposal.proposed_by)
            values = f(strategy.space.to_unit([trial.point])[0])
            if values is None:
                trials.append(replace(trial, state=TrialState.FAILED))
                continue
            values = np.atleast_1d(values) + noise * rng.standard_normal(len(names))
            errors = dict.fromkeys(names, noise) if noise else {}
            done = dict(zip(names, values.tolist(), strict=True))
            trials.append(replace(trial, state=TrialState.DONE, objective=done, objective_errors=errors))
        strategy.tell(trials[-len(proposals) :])
    return trials


def regret(kind, objective, f, d, n, seed, q=1, noise=0.0, settings=None):
    """Return the lowest noise-free value among n trials."""
    strategy = build(kind, cube(d), objective, seed, settings)
    trials = run(strategy, f, n, q, noise, seed)
    return min(f(strategy.space.to_unit([trial.point])[0]) for trial in trials)
