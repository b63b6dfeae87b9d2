r"""Which points a committee is asked about: the largest gain per cost, one point after the other.

Notation: N members, p points known or pending, c candidates, q quantities that each member predicts.

    C(x, z) = 1/q sum_j cov_members [f_j(x), f_j(z)]
    after a simulation at y:  C(x, z) <- C(x, z) - C(x, y) C(z, y) / (C(y, y) + v)
    G(x) = mean_z C(x, z)^2 / (C(x, x) + v)    (`variance`)    or    C(x, x)    (`disagreement`)

that is, the members are taken as draws of a Gaussian process, of which a simulation at y leaves what it does not tell
about x. So of two neighbours over which the members disagree alike, the second is worth little after the first. The
variance averaged over the candidates z, each weighted by the probability that simulations succeed there, falls by G
(D. Cohn, Z. Ghahramani, M. Jordan, J. Artif. Intell. Res. 4, 129 (1996)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softal.strategies.bayesian.variance import conditioned

if TYPE_CHECKING:
    from softal.strategies.committee_settings import CommitteeSettings

Floats = NDArray[np.float64]

NOISE = 0.02  # v over the mean of C(x, x): members that saw a simulation still differ there


@dataclass(frozen=True)
class Choice:
    """Points to simulate.

    Attributes:
        U: (n, d) unit points.
        gain: (n,) G, given those before.
        cost: (n,) predicted.
    """

    U: Floats
    gain: Floats
    cost: Floats


def covariance(predictions: Floats) -> Floats:
    """Return C (n, n) of predictions (N, n, q)."""
    members, n, q = predictions.shape
    away = (predictions - predictions.mean(axis=0)).transpose(1, 0, 2).reshape(n, members * q)
    return np.asarray(away @ away.T / ((members - 1) * q))


def choose(C: Floats, candidates: Floats, cost: Floats, success: Floats, n: int, settings: CommitteeSettings) -> Choice:
    """Return up to n of the candidates, each the best given those before it.

    Args:
        C: (p + c, p + c) of the known and pending points, then the candidates.
        candidates: (c, d) unit points.
        cost: (c,) predicted.
        success: (c,) probability that a simulation succeeds.
        n: number of points.
        settings: of the strategy.
    """
    p = len(C) - len(candidates)
    noise = NOISE * float(np.mean(np.diag(C))) + 1e-300
    for known in range(p):
        C = conditioned(C, noise, known)
    C = C[p:, p:]
    chosen: list[int] = []
    worth: list[float] = []
    for _ in range(n):
        gain = gains(C, noise, success, settings.criterion)
        score = gain * success / cost
        score[chosen] = -1.0 if len(chosen) < len(candidates) else score[chosen]
        best = int(np.argmax(score))
        chosen.append(best)
        worth.append(float(gain[best]))
        C = conditioned(C, noise, best)
    return Choice(candidates[chosen], np.array(worth), cost[chosen])


def gains(C: Floats, noise: float, success: Floats, criterion: str) -> Floats:
    """Return G of the candidates (c,)."""
    disagreement = np.maximum(np.diag(C), 0.0)
    if criterion == "disagreement":
        return disagreement
    weight = success / max(float(success.sum()), 1e-300)
    return np.asarray((C**2 @ weight) / (disagreement + noise))
