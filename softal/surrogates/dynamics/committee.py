"""Networks of dynamics as a committee: quick ones, without the folds that tell how good they are.

Members predict F_s(k_p, t) of A and B at points that need not have been simulated, on times that are even in log t.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.outputs import Flaws
from softal.space import Space
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.ensemble import train
from softal.surrogates.dynamics.training import FEWEST, QUICK, TrainingSettings
from softal.trial import Trial

TIMES = 40  # even in log t


def committee(
    trials: Sequence[Trial], space: Space, settings: TrainingSettings, seed: int, flaws: Flaws
) -> Callable[[Floats], Floats]:
    """Train networks on the trials that are not marked, and return a function X (n, d) -> F_s (M, n, 2 TIMES).

    Args:
        trials: with arrays.
        space: of their points, in whose unit cube X lies.
        settings: of training; there are no folds, and no more steps than quick networks take.
        seed: of the networks.
        flaws: that mark trials.

    Raises:
        SurrogateError: there are too few trials that are not marked, or a single member.
    """
    if settings.members < 2:
        raise SurrogateError(f"members: {settings.members} is given; a committee that disagrees has 2 or more")
    data = DynamicsData.of(trials, flaws)
    data = data.rows(data.good)
    if len(data) < FEWEST:
        raise SurrogateError(f"a committee learns from {FEWEST} trials that are not marked; there are {len(data)}")
    quick = settings.model_copy(update={"folds": 0, "steps": min(settings.steps, QUICK.steps)})
    networks = train(data, quick, seed)
    log_t = np.linspace(np.log10(np.nanmin(data.t)), np.log10(np.nanmax(data.t)), TIMES)

    def predictions(X: Floats) -> Floats:
        F = networks.predict(networks.features(space.from_unit(X)), log_t)
        return F.reshape(*F.shape[:2], -1)

    return predictions
