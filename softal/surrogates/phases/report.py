"""All that is to be shown of a phase classifier, as plain data: what `classification.json` holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from softal.surrogates.phases.classification import calibration_error, confusion, reliability
from softal.surrogates.phases.data import PARTS, Examples, Labelled
from softal.surrogates.phases.network import Network
from softal.surrogates.phases.novelty import Novelty
from softal.surrogates.phases.training import Curves

FORMAT = 1
METRICS = ("accuracy", "accuracy_state_points", "ece", "unknown")


def evaluate(
    network: Network, novelty: Novelty, data: Labelled, parts: tuple[Examples, ...], curves: Curves
) -> dict[str, Any]:
    """Return what the classifier is worth on state points that it was not trained with.

    Args:
        network: calibrated.
        novelty: that belongs to it.
        data: all examples.
        parts: those for training, validation and test.
        curves: of training.
    """
    points = [
        _point(network, novelty, data, examples, part)
        for part, some in zip(PARTS, parts, strict=True)
        for examples in some.by_point().values()
    ]
    test = parts[PARTS.index("test")]
    probabilities = network.probabilities(network.hidden(test.images))
    bins = reliability(test.labels, probabilities)
    tested = [point for point in points if point["part"] == "test"]
    right = [data.phases[int(np.argmax(point["probability"]))] == point["phase"] for point in tested]
    return {
        "format": FORMAT,
        "untrained": None,
        "dimension": network.dimension,
        "phases": list(data.phases),
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == test.labels)),
        "accuracy_state_points": float(np.mean(right)),
        "ece": calibration_error(test.labels, probabilities),
        "unknown": float(np.mean(novelty.distance(test.images) > 1)),
        "temperature": network.temperature,
        "images": {part: len(some) for part, some in zip(PARTS, parts, strict=True)},
        "confusion": confusion(test.labels, probabilities.argmax(axis=1), len(data.phases)).tolist(),
        "reliability": [{"confidence": c, "accuracy": a, "images": n} for c, a, n in bins],
        "curves": {
            "loss": curves.loss,
            "validation_loss": curves.validation_loss,
            "validation_accuracy": curves.validation_accuracy,
            "best": curves.best,
        },
        "state_points": points,
    }


def untrained(reason: str) -> dict[str, Any]:
    """Return what there is to be shown where there is no network."""
    return {"format": FORMAT, "untrained": reason}


def _point(network: Network, novelty: Novelty, data: Labelled, examples: Examples, part: str) -> dict[str, Any]:
    probabilities = network.probabilities(network.hidden(examples.images))
    return {
        "point": data.points[int(examples.points[0])],
        "phase": data.phases[int(examples.labels[0])],
        "part": part,
        "images": len(examples),
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == examples.labels)),
        "unknown": float(np.mean(novelty.distance(examples.images) > 1)),
        "probability": probabilities.mean(axis=0).tolist(),
    }
