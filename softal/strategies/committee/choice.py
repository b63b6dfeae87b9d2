r"""Which points a committee is asked about: the largest gain per cost, one point after the other.

Notation: N members, p points known or pending, c candidates, q quantities that each member predicts.

    C(x, z) = 1/q sum_j cov_members [f_j(x), f_j(z)]
    after a simulation at y:  C(x, z) <- C(x, z) - C(x, y) C(z, y) / (C(y, y) + v)
    G(x) = mean_z C(x, z)^2 / (C(x, x) + v)                       `variance`
           C(x, x)                                                `disagreement`
           C(x, x) + 1/q sum_j (m_j(x) - m_j(x*))^2               `change`

that is, the members are taken as draws of a Gaussian process, of which a simulation at y leaves what it does not tell
about x. So of two neighbours over which the members disagree alike, the second is worth little after the first. The
variance averaged over the candidates z, each weighted by the probability that simulations succeed there, falls by G
(D. Cohn, Z. Ghahramani, M. Jordan, J. Artif. Intell. Res. 4, 129 (1996)). m is the members' mean and x* the nearest
point that is known, pending or chosen, so that `change` stays where predictions change from point to point: the
expected improvement for global fit (C. Q. Lam, thesis, Ohio State University (2008)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from softal.numeric import Floats
from softal.strategies.bayesian.variance import conditioned
from softal.strategies.committee.design import squared_distance

if TYPE_CHECKING:
    from softal.strategies.committee.settings import CommitteeSettings


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


class Change:
    """How much predictions change from the nearest known point on: 1/q sum_j (m_j(x) - m_j(x*))^2, (c,) `squares`.

    Args:
        known: (k, d) unit points.
        known_means: (k, q) predicted there.
        candidates: (c, d) unit points.
        means: (c, q) predicted there.
        categorical: columns of choices.
    """

    def __init__(
        self, known: Floats, known_means: Floats, candidates: Floats, means: Floats, categorical: tuple[int, ...]
    ) -> None:
        self._candidates, self._means, self._categorical = candidates, means, categorical
        self._distance = np.full(len(candidates), np.inf)
        self.squares = np.zeros(len(candidates))
        for point, mean in zip(known, known_means, strict=True):
            self._learn(point, mean)

    def choose(self, number: int) -> None:
        """Take a candidate as known from now on."""
        self._learn(self._candidates[number], self._means[number])

    def _learn(self, point: Floats, mean: Floats) -> None:
        distance = squared_distance(self._candidates, point, self._categorical)
        nearer = distance < self._distance
        self._distance[nearer] = distance[nearer]
        self.squares[nearer] = np.mean((self._means[nearer] - mean) ** 2, axis=1)


def choose(
    C: Floats,
    candidates: Floats,
    cost: Floats,
    success: Floats,
    n: int,
    settings: CommitteeSettings,
    change: Change | None = None,
) -> Choice:
    """Return up to n of the candidates, each the best given those before it.

    Args:
        C: (p + c, p + c) of the known and pending points, then the candidates.
        candidates: (c, d) unit points.
        cost: (c,) predicted.
        success: (c,) probability that a simulation succeeds.
        n: number of points.
        settings: of the strategy.
        change: for the criterion of that name.
    """
    p = len(C) - len(candidates)
    noise = NOISE * float(np.mean(np.diag(C))) + 1e-300
    for known in range(p):
        C = conditioned(C, noise, known)
    C = C[p:, p:]
    chosen: list[int] = []
    worth: list[float] = []
    for _ in range(n):
        gain = gains(C, noise, success, settings.criterion) + (change.squares if change else 0.0)
        score = gain * success / cost
        score[chosen] = -1.0 if len(chosen) < len(candidates) else score[chosen]
        best = int(np.argmax(score))
        chosen.append(best)
        worth.append(float(gain[best]))
        C = conditioned(C, noise, best)
        if change:
            change.choose(best)
    return Choice(candidates[chosen], np.array(worth), cost[chosen])


def gains(C: Floats, noise: float, success: Floats, criterion: str) -> Floats:
    """Return G of the candidates (c,); for `change` the part that is the members' disagreement."""
    disagreement = np.maximum(np.diag(C), 0.0)
    if criterion != "variance":
        return disagreement
    weight = success / max(float(success.sum()), 1e-300)
    return np.asarray((C**2 @ weight) / (disagreement + noise))
