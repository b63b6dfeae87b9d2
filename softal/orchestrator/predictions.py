"""Predictions at points that the user names."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from softal.errors import SpaceError, SurrogateError
from softal.kinds.validation import unknown
from softal.numeric import Floats
from softal.trial import Value

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign
    from softal.surrogates import Learner


def predict_points(
    campaign: Campaign, points: Sequence[Mapping[str, Value]], *, curves: bool = True
) -> list[dict[str, Any]]:
    """Return `{point, prediction: {target: {mean, std}}}` for each point, by the campaign's latest surrogate.

    Where the learner or the surrogate predicts whole curves, there is `curves: {array: {grid, mean, std}}`, too.

    Args:
        campaign: whose surrogate and learner.
        points: complete ones.
        curves: whether they are wanted: they take longer than values.

    Raises:
        CampaignStateError: if there is no surrogate yet.
        SurrogateError: if it refuses a point, or the learner does, in one line for each.
    """
    surrogate, learner = campaign.surrogate, campaign.latest_learner
    if problems := [reason for point in points if (reason := refusal(point, surrogate, learner))]:
        raise SurrogateError("\n".join(problems))
    found, arrays = surrogate.predict(points), predict_arrays(points, learner, surrogate) if curves else {}
    rows: list[dict[str, Any]] = []
    for i, point in enumerate(points):
        values = {target: {"mean": float(mean[i]), "std": float(std[i])} for target, (mean, std) in found.items()}
        rows.append({"point": dict(point), "prediction": values})
        if arrays:
            rows[-1]["curves"] = {
                name: {"grid": grid.tolist(), "mean": _known(mean[i]), "std": _known(std[i])}
                for name, (grid, mean, std) in arrays.items()
            }
    return rows


def predicts_curves(campaign: Campaign) -> bool:
    """Whether the campaign has a learner or surrogate of a kind that predicts whole curves."""
    chosen = (campaign.spec.learner, campaign.spec.surrogate)
    return any(one is not None and one.found.predicts_arrays() for one in chosen)


def predict_arrays(
    points: Sequence[Mapping[str, Value]], *learners: Learner | None
) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return array -> (grid (k,), mean, standard deviation (n, k)) at points, each by the first that predicts it."""
    found: dict[str, tuple[Floats, Floats, Floats]] = {}
    for one in learners:
        if one is not None and one.untrained is None:
            for name, curve in one.predict_arrays(points).items():
                found.setdefault(name, curve)
    return found


def write_curves(path: Path, rows: Sequence[Mapping[str, Any]], arrays: Sequence[str] | None = None) -> None:
    """Write predicted curves as a table (CSV): point, array, place on its grid, mean, standard deviation.

    Args:
        path: of the table.
        rows: as `predict_points` returns them.
        arrays: which; None: all.

    Raises:
        SurrogateError: no curves are predicted, or not these.
        SpaceError: the table cannot be written.
    """
    known = rows[0].get("curves", {})
    if not known:
        raise SurrogateError("no curves are predicted: the campaign has no learner of curves, such as `profiles`")
    for name in arrays or ():
        if name not in known:
            raise SurrogateError(f"--arrays: {unknown(name, known, 'array that is predicted')}")
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow([*rows[0]["point"], "array", "place", "mean", "std"])
            for row in rows:
                for name in arrays or known:
                    one = row["curves"][name]
                    for numbers in zip(one["grid"], one["mean"], one["std"], strict=True):
                        writer.writerow([*row["point"].values(), name, *numbers])
    except OSError as error:
        raise SpaceError(f"{path} cannot be written: {error.strerror}") from error


def _known(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def refusal(point: Mapping[str, Value], *learners: Learner | None) -> str | None:
    """Return why nothing should be predicted at a point, by the first of a campaign's learners that says so."""
    return next((reason for one in learners if one is not None and (reason := one.refuses(point))), None)
