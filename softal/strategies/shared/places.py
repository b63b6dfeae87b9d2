"""Where trials lie in the unit cube, or outside of it where the ranges have been narrowed since they ran."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softal.numeric import Floats
from softal.space import Space
from softal.trial import Trial


def unit_points(space: Space, trials: Sequence[Trial]) -> Floats:
    """Return the unit points (n, d) of trials.

    Those within the ranges are clipped, since rounding may take them out; those outside are where they are, so that
    models do not take their results for those of the edge.
    """
    U = space.to_unit([trial.point for trial in trials])
    outside = np.array([trial.outside for trial in trials], dtype=bool)[:, None]
    return np.asarray(np.where(outside, U, np.clip(U, 0.0, 1.0)))
