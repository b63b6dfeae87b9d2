"""What a potential is worth on runs that it has not seen, as plain data for tables, metrics and cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from softal.numeric import Floats
from softal.surrogates.symmetry_potential.data import Run
from softal.surrogates.symmetry_potential.errors import Believed
from softal.surrogates.symmetry_potential.fit import Linear, Triangle
from softal.surrogates.symmetry_potential.selection import curve, knees
from softal.surrogates.symmetry_potential.training import Split, Trained, residuals
from softal.theory.many_body.symmetry_functions import SymmetryFunctions

FORMAT = 1
METRICS = ("rmse", "rmse_held_out", "r2", "r2_held_out", "coverage", "functions", "environments")
OUTER = 0.1  # part of the held-out environments that are farthest from what was learned
LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.99)
SHOWN = 600  # environments of the parity plot
DIGITS = 6


def untrained(reason: str) -> dict[str, Any]:
    """Return what there is to be shown where nothing was learned."""
    return {"format": FORMAT, "untrained": reason}


def evaluate(split: Split, trained: Trained, candidates: SymmetryFunctions, intercept: bool) -> dict[str, Any]:
    """Return all that is to be shown."""
    learned, unseen = curve(split.train, split.unseen, trained.order, intercept)
    runs, fit = split.side(held=True), trained.fit
    Z, wrong = residuals(runs, fit)
    both = trained.by_equations.sd(Z), trained.believed.sd(Z)
    raw, calibrated = (coverage(wrong, sd) for sd in both)
    h = trained.believed.h(Z)
    outer = h >= np.quantile(h, 1 - OUTER)
    return {
        "format": FORMAT,
        "untrained": None,
        "unit": split.runs[0].unit,
        "trials": len(split.runs),
        "held_out": [run.trial for run in runs],
        "environments": int(split.train.n),
        "environments_held_out": int(split.unseen.n),
        "dimension": split.runs[0].found.dimension,
        "cutoff": candidates.cutoff,
        "pool": len(candidates),
        "functions": len(fit.order),
        "intercept": fit.intercept if intercept else None,
        **scores(split, fit),
        "curve": {"rmse": learned.tolist(), "rmse_held_out": unseen.tolist()},
        "knees": knees_of(unseen),
        "coverage": calibrated[LEVELS.index(0.95)],
        "coverages": [list(one) for one in zip(LEVELS, raw, calibrated, strict=True)],
        "coverage_outer": [coverage(wrong[outer], sd[outer])[LEVELS.index(0.95)] for sd in both],
        "far_held_out": float(np.mean(trained.novelty.far(Z))),
        "chosen": [described(n, candidates, fit, split.train) for n in trained.order[: len(fit.order)]],
        "parity": parity(runs, fit, trained.believed),
        "runs": [_run(run, out, fit) for run, out in zip(split.runs, split.held, strict=True)],
    }


def metrics(shown: dict[str, Any]) -> dict[str, float]:
    """Return the metrics by name; empty where nothing was learned."""
    return {} if shown["untrained"] else {name: float(shown[name]) for name in METRICS}


def scores(split: Split, fit: Linear) -> dict[str, float]:
    """Return RMSE [energy] and R^2 on what was learned from, and on the runs held out."""
    found = {}
    for name, side in (("", split.train), ("_held_out", split.unseen)):
        error = side.squared_error(fit)
        found[f"rmse{name}"] = float(np.sqrt(error))
        found[f"r2{name}"] = float(1 - error / max(side.variance, 1e-300))
    return found


def knees_of(rmse: Floats) -> list[int] | None:
    """Return the two knees as JSON has them."""
    found = knees(rmse.tolist())
    return None if found is None else list(found)


def coverage(wrong: Floats, sd: Floats) -> list[float]:
    """Return for each of the levels which part of the energies lies within its interval."""
    away = np.abs(wrong) / sd
    return [float(np.mean(away <= norm.ppf(0.5 + level / 2))) for level in LEVELS]


def described(number: np.int64, candidates: SymmetryFunctions, fit: Linear, train: Triangle) -> dict[str, Any]:
    """Return a function's parameters [sigma], its coefficient, and by how much it makes energies differ."""
    a, i = len(candidates.radial), int(number)
    coefficient = float(fit.coefficients[np.searchsorted(fit.order, number)])
    spread = np.linalg.norm(train.R[1:, 1 + i]) / np.sqrt(train.n)
    if i < a:
        eta, place = candidates.radial[i].tolist()
        named = {"kind": "radial", "eta": eta, "R_s": place}
    else:
        eta, xi, sign = candidates.angular[i - a].tolist()
        named = {"kind": "angular", "eta": eta, "xi": int(xi), "lambda": int(sign)}
    return {"number": i, **named, "coefficient": coefficient, "spread": float(abs(coefficient) * spread)}


def parity(runs: Sequence[Run], fit: Linear, believed: Believed) -> dict[str, list[float]]:
    """Return energies of held-out environments beside what is predicted of them, spread over all energies."""
    Z, wrong = residuals(runs, fit)
    energy = np.concatenate([run.found.y for run in runs])
    trial = np.repeat([run.trial for run in runs], [len(run.found.y) for run in runs])
    order = np.argsort(energy, kind="stable")
    some = order[np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int))]
    named = {"energy": energy, "predicted": energy - wrong, "sd": believed.sd(Z)}
    return {name: _numbers(values[some]) for name, values in named.items()} | {"trial": trial[some].tolist()}


def _run(run: Run, held: bool, fit: Linear) -> dict[str, Any]:
    _, wrong = residuals([run], fit)
    rmse, bias = float(np.sqrt(np.mean(wrong**2))), float(-np.mean(wrong))
    return {"trial": run.trial, "held_out": held, "density": run.found.density, "rmse": rmse, "bias": bias}


def _numbers(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
