"""How well particles of runs that were not learned from are told apart, as plain data for tables, metrics and cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from softal.surrogates.particle_phases.data import Run
from softal.surrogates.particle_phases.split import Side
from softal.surrogates.particle_phases.training import Trained

FORMAT = 1
TESTS: tuple[Side, ...] = ("same", "other")
METRICS = {"accuracy": "overall", "worst_label": "worst", "unknown": "unknown"}


def untrained(reason: str) -> dict[str, Any]:
    """Return what there is to be shown where nothing was learned."""
    return {"format": FORMAT, "untrained": reason}


def evaluate(trained: Trained, labels: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Return all that is to be shown; names are the inputs'."""
    fit = trained.fit
    return {
        "format": FORMAT,
        "untrained": None,
        "labels": list(labels),
        "inputs": list(names),
        "trials": {side: trained.sides.count(side) for side in ("learned", *TESTS)},
        "environments": {side: len(trained.side(side)[1]) for side in ("learned", *TESTS)},
        "fit": {"iterations": fit.iterations, "loss": fit.loss, "converged": fit.converged},
        "tests": {side: scores(trained, side) for side in TESTS if side in trained.sides},
        "runs": [_run(trained, run, side) for run, side in zip(trained.runs, trained.sides, strict=True)],
    }


def metrics(shown: dict[str, Any]) -> dict[str, float]:
    """Return accuracies, and false alarms, on held-out runs at points that were learned from and at others."""
    if shown["untrained"]:
        return {}
    found = {"environments": float(shown["environments"]["learned"])}
    for side, suffix in zip(TESTS, ("", "_other"), strict=True):
        for name, key in METRICS.items():
            if side in shown["tests"]:
                found[f"{name}{suffix}"] = float(shown["tests"][side][key])
    return found


def scores(trained: Trained, side: Side) -> dict[str, Any]:
    """Return accuracies on the runs of one side: overall, of the worst label, of each; the confusion; false alarms."""
    X, y = trained.side(side)
    p = len(trained.numbers)
    predicted, unknown = _judged(trained, X)
    counts = np.bincount(y * p + predicted, minlength=p * p).reshape(p, p)
    of_label = counts.sum(axis=1)
    accuracy = [float(counts[i, i] / n) if n else None for i, n in enumerate(of_label)]
    return {
        "overall": float(np.trace(counts) / len(y)),
        "worst": min(one for one in accuracy if one is not None),
        "accuracy": accuracy,
        "particles": of_label.tolist(),
        "confusion": counts.tolist(),
        "unknown": float(np.mean(unknown)),
        "unknown_by_label": [float(np.mean(unknown[y == i])) if n else None for i, n in enumerate(of_label)],
    }


def _judged(trained: Trained, X: Any) -> tuple[Any, Any]:
    network = trained.fit.network
    return network.probabilities(X).argmax(axis=1), trained.novelty.distance(network.standardised(X)) > 1


def _run(trained: Trained, run: Run, side: Side) -> dict[str, Any]:
    """Return how a run did, and of each label the part that is right; without labelled particles, nothing of these."""
    shown: dict[str, Any] = {"trial": run.trial, "side": side, "point": run.point, "density": run.density}
    if not len(run.y):
        return {**shown, "accuracy": {}, "unknown": None}
    predicted, unknown = _judged(trained, run.X)
    of_label = {str(i): float(np.mean(predicted[run.y == i] == i)) for i in np.unique(run.y)}
    return {**shown, "accuracy": of_label, "unknown": float(np.mean(unknown))}
