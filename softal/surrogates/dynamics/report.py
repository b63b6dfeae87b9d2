r"""How good a network of dynamics is on states that it has not seen; all that is to be shown of it: `dynamics.json`.

    R2 = 1 - sum_t (prediction - observation)^2 / sum_t (observation - its mean)^2

of one state and species, the paper's eq. 2 with the observations' mean (its eq. 4 has the predictions'). Intervals:

    variance = c^2 * variance of the networks + v g^2,    g^2 = 4 F (1 - F) + `EDGE`

c and v maximise the likelihood of the curves that were left out; g is where an error of the relaxation time shows. The
intervals that are shown of a state that was left out, and their coverage, are by the c and v of the other folds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import NORMAL_95, Floats
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.training import HeldOut
from softal.surrogates.ensembles.calibration import calibration
from softal.theory.kob_andersen import SPECIES

FORMAT = 1
METRICS = ("r2_A", "r2_B", "r2_pooled", "r2_lowest", "coverage_curves")
EDGE = 0.02  # of g^2, where F is 0 or 1
METHOD = "states left out, by folds"
BINS = (0.0, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, np.inf)  # edges of T / T_mct


@dataclass(frozen=True)
class Calibration:
    """What makes intervals of the networks' variance.

    Attributes:
        factor: (2,) c of A and B.
        noise: (2,) v.
    """

    factor: Floats
    noise: Floats

    @classmethod
    def of(cls, data: DynamicsData, held_out: HeldOut) -> Calibration:
        """Learn c and v from curves that were left out."""
        found = []
        for a in range(len(SPECIES)):
            F, mean, variance = data.F[:, a], held_out.mean[:, a], held_out.variance[:, a]
            there = np.isfinite(F) & np.isfinite(mean)
            g = _width(mean[there])
            error, known = (F - mean)[there] / g, data.F_error[:, a][there] ** 2 / g**2
            found.append(calibration(error, variance[there] / g**2, known))
        factor, noise = np.array(found).T
        return cls(factor, noise)

    def variance(self, mean: Floats, variance: Floats) -> Floats:
        """Return the calibrated variance (..., 2, n_t) of predictions of that mean and variance."""
        return np.asarray(self.factor[:, None] ** 2 * variance + self.noise[:, None] * _width(mean) ** 2)


def unseen_variance(data: DynamicsData, held_out: HeldOut, calibrated: Calibration) -> Floats:
    """Return the variance (n, 2, n_t) of predictions of trials that neither networks nor calibration have seen.

    Args:
        data: all trials.
        held_out: of all of them.
        calibrated: by all folds; of trials that are in none.
    """
    variance = calibrated.variance(held_out.mean, held_out.variance)
    for fold in range(held_out.fold.max() + 1):
        mine, others = held_out.fold == fold, (held_out.fold != fold) & (held_out.fold >= 0)
        seen = HeldOut(held_out.fold[others], held_out.mean[others], held_out.variance[others])
        calibrated = Calibration.of(data.rows(others), seen)
        variance[mine] = calibrated.variance(held_out.mean[mine], held_out.variance[mine])
    return variance


def r2(F: Floats, predicted: Floats, axis: int | tuple[int, ...] = -1) -> Floats:
    """Return R2 along an axis of observations F and predictions; where one of them is NaN does not count."""
    there = np.isfinite(F) & np.isfinite(predicted)
    truth, error = np.where(there, F, 0.0), np.where(there, F - predicted, 0.0)
    count = np.maximum(there.sum(axis=axis, keepdims=True), 1)
    around = np.where(there, truth - truth.sum(axis=axis, keepdims=True) / count, 0.0)
    total = np.sum(around**2, axis=axis)
    return np.asarray(1.0 - np.sum(error**2, axis=axis) / np.where(total > 0, total, np.nan))


def rmse(F: Floats, predicted: Floats) -> Floats:
    """Return the root mean square error along the last axis, without NaN."""
    there = np.isfinite(F) & np.isfinite(predicted)
    squared = np.where(there, F - predicted, 0.0) ** 2
    return np.asarray(np.sqrt(squared.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)))


def evaluate(
    data: DynamicsData, learned: NDArray[np.bool_], held_out: HeldOut, calibrated: Calibration, seconds: float
) -> dict[str, Any]:
    """Return what the networks are worth on states that they have not seen.

    Args:
        data: all trials.
        learned: (n,) whether a trial was learned from; the others are shown, and do not count.
        held_out: of all of them.
        calibrated: their intervals.
        seconds: that training took.
    """
    scores = r2(data.F, held_out.mean)
    std = np.sqrt(unseen_variance(data, held_out, calibrated))
    there = learned[:, None, None] & np.isfinite(data.F) & np.isfinite(held_out.mean)
    # An observation's own noise belongs to what it is compared with.
    wide = NORMAL_95 * np.hypot(std, np.nan_to_num(data.F_error))
    inside = np.abs(data.F - held_out.mean)[there] <= wide[there]
    pooled = r2(data.F[learned].reshape(1, -1), held_out.mean[learned].reshape(1, -1))
    good = scores[learned]
    return {
        "format": FORMAT,
        "untrained": None,
        "method": METHOD,
        "trials": int(learned.sum()),
        "seconds": seconds,
        "simulated_time": float(np.nansum(data.simulated_time)),
        "r2_A": float(np.nanmean(good[:, 0])),
        "r2_B": float(np.nanmean(good[:, 1])),
        "r2_lowest": float(np.nanmin(good)),
        "r2_pooled": float(pooled[0]),
        "coverage_curves": float(inside.mean()),
        "r2_by_temperature": by_temperature(data.reduced[learned], good),
        "states": [_state(data, i, bool(learned[i]), held_out, std, scores) for i in range(len(data))],
    }


def by_temperature(reduced: Floats, scores: Floats) -> list[dict[str, Any]]:
    """Return the mean and the lowest R2 of A and B (n, 2) in bins of T / T_mct (n,), without empty bins."""
    bins = np.digitize(reduced, BINS)
    return [
        {
            "T_over_Tmct": float(reduced[bins == i].mean()),
            "states": int((bins == i).sum()),
            "r2": scores[bins == i].mean(axis=0).tolist(),
            "lowest": scores[bins == i].min(axis=0).tolist(),
        }
        for i in np.unique(bins)
    ]


def untrained(reason: str) -> dict[str, Any]:
    """Return what there is to be shown where there is no network."""
    return {"format": FORMAT, "untrained": reason}


def metrics(shown: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of what `evaluate` returned; none where there is no network."""
    return {} if shown["untrained"] else {name: float(shown[name]) for name in METRICS}


def _state(data: DynamicsData, i: int, learned: bool, held_out: HeldOut, std: Floats, scores: Floats) -> dict[str, Any]:
    there = np.isfinite(data.t[i])
    mct = data.mct[i][:, there]
    return {
        "trial": int(data.trials[i]),
        "point": data.points[i],
        "T_over_Tmct": float(data.reduced[i]),
        "marked": data.marks[i],
        "part": f"fold {held_out.fold[i] + 1}" if learned else "left out",
        "r2": _plain(scores[i]),
        "rmse": _plain(rmse(data.F[i], held_out.mean[i])),
        "t": _plain(data.t[i][there]),
        "F": _plain(data.F[i][:, there]),
        "F_error": _plain(data.F_error[i][:, there]),
        "predicted": _plain(held_out.mean[i][:, there]),
        "std": _plain(std[i][:, there]),
        "mct": None if np.isnan(mct).all() else _plain(mct),
        "k": _plain(data.k),
        "S": _plain(data.S[i]),
    }


def _width(F: Floats) -> Floats:
    """Return g (...)."""
    return np.asarray(np.sqrt(4.0 * np.clip(F, 0.0, 1.0) * np.clip(1.0 - F, 0.0, 1.0) + EDGE))


def _plain(values: Floats) -> list[Any]:
    """Return values as JSON has them, to six digits: null where they are not finite."""
    if values.ndim > 1:
        return [_plain(row) for row in values]
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
