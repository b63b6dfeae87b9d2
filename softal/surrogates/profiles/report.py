r"""How good predictions are on trials that were not learned from; all that is to be shown of them: `profiles.json`.

    success rate = part of the densities with |prediction - simulation| < the simulation's error

of all bins with an error, and of three features of each curve: contact (the bin nearest to `contact`; without one, the
first), mid (the bin in the middle), peak (the largest value). It is the paper's score (its eq. 1, 2), which noise
inflates: with an error as large as the signal, everything is right. So RMSE, the mean error and the coverage of the
95 % intervals, the simulation's errors included, stand beside it. Intervals that are counted here are calibrated on the
other folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import NORMAL_95, Floats
from softal.surrogates.profiles.calibration import Calibration, as_it_is
from softal.surrogates.profiles.model import Raw
from softal.surrogates.profiles.observed import Observed
from softal.surrogates.profiles.training import Problem, Trained, frame_of, some_of

FORMAT = 1
MEASURES = ("success", "rmse", "error", "coverage")
FEATURES = ("contact", "mid", "peak")
MOST_SHOWN = 6  # trials whose curves are drawn
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # of intervals, whose coverage is drawn
METHODS = {
    "ensemble": "systems left out, by folds",
    "paper": "systems that were kept to test it",
    "gaussian_process": "each given all others",
}


@dataclass(frozen=True)
class Score:
    """What predictions of half curves (n, size) are worth; NaN where nothing counts.

    Attributes:
        success: part within the simulation's error; NaN where no error is known.
        rmse: root mean square difference [unit].
        error: mean standard error of the simulations [unit].
        coverage: part within the 95 % interval.
        by_trial: (n,) success rate of each trial.
        features: success, rmse, error of contact, mid and peak.
    """

    success: float
    rmse: float
    error: float
    coverage: float
    by_trial: Floats
    features: dict[str, dict[str, float]]


def score(observed: Observed, mean: Floats, std: Floats) -> Score:
    """Return the score of predictions (n, size), NaN where there are none."""
    apart = np.abs(mean - observed.values)
    counts = counted(observed) & np.isfinite(mean)
    known = counts & (observed.errors > 0)
    right = apart < observed.errors
    wide = NORMAL_95 * np.hypot(std, np.nan_to_num(observed.errors))
    return Score(
        success=_mean(right, known),
        rmse=float(np.sqrt(_mean(apart**2, counts))),
        error=_mean(observed.errors, known),
        coverage=_mean(apart <= wide, counts),
        by_trial=np.array([_mean(one, rows) for one, rows in zip(right, known, strict=True)]),
        features=_features(observed, mean),
    )


def counted(observed: Observed) -> NDArray[np.bool_]:
    """Return which bins (n, size) count: those that were measured, with something in them where a support is known."""
    if observed.frame.places is None:
        return observed.there
    return np.asarray(observed.there & observed.frame.places.inside & (observed.values != 0), dtype=np.bool_)


def calibrations(problem: Problem, trained: Trained) -> list[Calibration]:
    """Return the calibration of each array, by all trials that were left out."""
    if not trained.model.members_spread:
        return [as_it_is() for _ in problem.observed]
    found = []
    for one, raw in zip(problem.observed, trained.held, strict=True):
        held = predicted(raw)
        found.append(Calibration.of(some_of(one, held), raw.rows(held)))
    return found


def evaluate(problem: Problem, trained: Trained, network: str) -> dict[str, Any]:
    """Return what a model is worth on trials that it has not seen."""
    stds = [
        unseen_std(one, raw, trained.fold) if trained.model.members_spread else raw.spread
        for one, raw in zip(problem.observed, trained.held, strict=True)
    ]
    every = zip(problem.observed, trained.held, stds, strict=True)
    scores = [score(one, raw.mean, std) for one, raw, std in every]
    shown = _shown(np.flatnonzero(predicted(trained.held[0])), problem)
    return {
        "format": FORMAT,
        "untrained": None,
        "network": network,
        "method": METHODS[network],
        "trials": len(problem.data),
        "arrays": {
            one.form.name: _array(problem, one, raw, std, found, shown)
            for one, raw, std, found in zip(problem.observed, trained.held, stds, scores, strict=True)
        },
    }


def untrained(reason: str) -> dict[str, Any]:
    """Return what there is to be shown where nothing was learned."""
    return {"format": FORMAT, "untrained": reason}


def predicted(raw: Raw) -> NDArray[np.bool_]:
    """Return which trials (n,) have predictions."""
    return np.asarray(np.isfinite(raw.mean).all(axis=1), dtype=np.bool_)


def unseen_std(observed: Observed, raw: Raw, fold: NDArray[np.intp]) -> Floats:
    """Return standard deviations (n, size) of trials that neither the model nor the calibration has seen."""
    std = np.full(raw.mean.shape, np.nan)
    for part in range(fold.max() + 1):
        mine = fold == part
        others = ~mine if (~mine).any() else mine  # a single system
        found = Calibration.of(some_of(observed, others), raw.rows(others))
        std[mine] = found.std(raw.rows(mine), observed.form, frame_of(observed.frame, mine))
    return std


def metrics(shown: dict[str, Any]) -> dict[str, float]:
    """Return success rate, RMSE, mean error and coverage of each array, as far as they are known."""
    found = {
        f"{measure}_{name}": array[measure]
        for name, array in (shown.get("arrays") or {}).items()
        for measure in MEASURES
    }
    return {name: value for name, value in found.items() if value is not None}


def _features(observed: Observed, mean: Floats) -> dict[str, dict[str, float]]:
    frame, form, rows = observed.frame, observed.form, np.arange(len(mean))
    far = np.abs(form.distance)
    contact = np.zeros(len(mean), dtype=np.intp)
    if frame.contact is not None:
        contact = np.argmin(np.abs(far - frame.contact[:, None]), axis=1)
    peak = np.argmax(np.where(observed.there, observed.values, -np.inf), axis=1)
    mid = np.full(len(mean), int(np.argmin(far)))
    found = {}
    for name, bins in zip(FEATURES, (contact, mid, peak), strict=True):
        predicted = mean[rows, bins] if name != "peak" else mean.max(axis=1)
        apart, error = np.abs(predicted - observed.values[rows, bins]), observed.errors[rows, bins]
        there, known = np.isfinite(apart), np.isfinite(apart) & (error > 0)
        found[name] = {
            "success": _mean(apart < error, known),
            "rmse": float(np.sqrt(_mean(apart**2, there))),
            "error": _mean(error, known),
        }
    return found


def _shown(held: NDArray[np.intp], problem: Problem) -> list[int]:
    """Return the numbers of trials that are spread over the values of their first array."""
    size = problem.observed[0].values[held].mean(axis=1)
    order = held[np.argsort(size, kind="stable")]
    at = np.linspace(0, len(order) - 1, min(MOST_SHOWN, len(order))).round().astype(int)
    return [int(i) for i in order[at]]


def _array(
    problem: Problem, one: Observed, raw: Raw, std: Floats, found: Score, shown: Sequence[int]
) -> dict[str, Any]:
    form = one.form
    counts = counted(one) & np.isfinite(raw.mean)
    wide = np.hypot(std, np.nan_to_num(one.errors))[counts]
    away = (raw.mean - one.values)[counts] / np.maximum(wide, 1e-300)
    return {
        **{name: _plain(getattr(found, name)) for name in MEASURES},
        "features": {
            name: {measure: _plain(value) for measure, value in own.items()} for name, own in found.features.items()
        },
        "by_trial": {
            str(problem.data.trials[i]): _plain(rate)
            for i, rate in enumerate(found.by_trial)
            if np.isfinite(raw.mean[i]).any()
        },
        "calibration": [[level, float(np.mean(np.abs(away) <= _quantile(level)))] for level in LEVELS],
        "unit": form.unit,
        "grid_unit": form.grid_unit,
        "grid": form.grid.tolist(),
        "systems": [
            {
                "trial": int(problem.data.trials[i]),
                "point": problem.data.points[i],
                "values": _numbers(form.unfolded(np.where(one.there, one.values, np.nan)[i])),
                "errors": _numbers(form.unfolded(one.errors[i])),
                "mean": _numbers(form.unfolded(raw.mean[i])),
                "std": _numbers(form.unfolded(std[i])),
                "success": _plain(float(found.by_trial[i])),
            }
            for i in shown
        ],
    }


def _quantile(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + level / 2))


def _mean(values: NDArray[Any], rows: NDArray[np.bool_]) -> float:
    return float(np.mean(values[rows])) if rows.any() else float("nan")


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _numbers(values: Floats) -> list[float | None]:
    return [_plain(float(f"{value:.6g}")) for value in values]
