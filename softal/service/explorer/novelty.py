"""Whether a point lies outside of what was learned: in the learner's own terms, and by its distance from all trials.

    w = max over arrays of rms(standard deviation) / rms(spread of the predictions over the trials)

of a point is the part that the prediction's error has of all that the trials differ by: near 1, hardly more is known
than the mean of all trials. Of learners that predict no arrays the same is asked of their targets. Networks may be sure
where they know nothing; so a point is far, too, whose nearest trial is farther than trials are from one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from softal.numeric import Floats

WIDE = 0.5  # w from which on a prediction is said to know little
FAR = 1.5  # times the largest distance from any trial to its nearest neighbour
MOST = 200  # trials that it is measured by
Pair = tuple[Floats, Floats]  # mean and standard deviation, (n, k) each


@dataclass(frozen=True)
class Novelty:
    """What was learned, as far as it says what lies outside.

    Attributes:
        spread: name -> rms over the grid of the standard deviation of predictions over the trials.
        apart: the largest distance from a trial to its nearest neighbour in the unit cube.
    """

    spread: Mapping[str, float]
    apart: float

    @classmethod
    def of(cls, predictions: Mapping[str, Pair], places: Floats) -> Novelty:
        """Make it of predictions at the trials, and of the trials' unit points (n, d)."""
        spread = {name: _rms(mean.std(axis=0)) for name, (mean, _) in predictions.items()}
        apart = np.inf
        if len(places) > 2:
            away = np.sqrt(np.sum((places[:, None] - places) ** 2, axis=-1))
            np.fill_diagonal(away, np.inf)
            apart = float(away.min(axis=1).max())
        return cls(spread, apart)

    def warnings(self, prediction: Mapping[str, Pair], distance: float, nearest: int) -> list[str]:
        """Return in words why little is known at a point; empty where it is within what was learned.

        Args:
            prediction: name -> mean, standard deviation (1, k).
            distance: to the nearest trial in the unit cube.
            nearest: its number.
        """
        parts = {
            name: _rms(std[0]) / self.spread[name]
            for name, (_, std) in prediction.items()
            if self.spread.get(name, 0.0) > 0
        }
        found = []
        widest = max(parts, key=lambda name: parts[name], default=None)
        if widest is not None and parts[widest] > WIDE:
            found.append(
                f"Little is known here: the error of {widest} is {min(parts[widest], 9.99):.0%} of what it varies by "
                "over all trials"
            )
        if distance > FAR * self.apart:
            found.append(
                f"Far from all trials: the nearest ({nearest}) is {distance / self.apart:.1f} times as far as any "
                "trial is from its neighbour"
            )
        return found


def _rms(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(known**2))) if known.size else 0.0
