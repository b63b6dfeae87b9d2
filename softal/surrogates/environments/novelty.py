r"""Which environments are far from all that were learned from.

Of descriptors Q the mixture sees what the autoencoder keeps, the coordinates Y; a structure that nobody has seen may
differ in what it drops, the residual r = (Q - Q') / scale. So each of the mixture's Gaussians has a second one, of r:

    p(Q) = sum_j pi_j N(Y; mu_j, C_j) N(r; m_j, R_j)

with mean and covariance of the residuals weighted by p_ij. A particle is far where p(Q) is less than that of all but
one of a thousand particles which were held out, of the same runs, from the training of autoencoder and mixture. So of
what is known a thousandth is called far; `novelty`, the part of particles that are far, is to be read beside that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from softal.numeric import Floats
from softal.surrogates.environments.autoencoder import Autoencoder
from softal.surrogates.environments.mixture import Mixture, gaussians

KNOWN = 0.999  # part of the particles held out that are not far
FLOOR = 0.01  # of the mean variance of residuals, added to each: few particles say too little of the smallest


@dataclass(frozen=True)
class Novelty:
    """What is known.

    Attributes:
        means: m, (k, d).
        covariances: R, (k, d, d).
        threshold: ln p(Q) below which a particle is far.
    """

    means: Floats
    covariances: Floats
    threshold: float

    @classmethod
    def of(cls, network: Autoencoder, mixture: Mixture, learned: Floats, held_out: Floats) -> Self:
        """Return what is known by descriptors (n, d) that were learned from, and (m, d) that were held out."""
        r, P = _residuals(network, learned), mixture.memberships(network.encode(learned))
        share = P / P.sum(axis=0)
        means = share.T @ r
        floor = FLOOR * max(float(np.mean(np.var(r, axis=0))), 1e-12) * np.eye(r.shape[1])
        covariances = np.stack([(part[:, None] * (r - m)).T @ (r - m) for part, m in zip(share.T, means, strict=True)])
        free = cls(means, covariances + floor, -np.inf)
        return cls(
            means, covariances + floor, float(np.quantile(free.log_likelihood(network, mixture, held_out), 1 - KNOWN))
        )

    def log_likelihood(self, network: Autoencoder, mixture: Mixture, Q: Floats) -> Floats:
        """Return ln p(Q) (n,) of descriptors (n, d)."""
        r = _residuals(network, Q)
        parts = mixture.parts(network.encode(Q)) + gaussians(r[:, None] - self.means, self.covariances)
        return np.asarray(logsumexp(parts, axis=1))

    def far(self, network: Autoencoder, mixture: Mixture, Q: Floats) -> NDArray[np.bool_]:
        """Return of descriptors (n, d) whether they are far from all that is known, (n,)."""
        return np.asarray(self.log_likelihood(network, mixture, Q) < self.threshold)


def _residuals(network: Autoencoder, Q: Floats) -> Floats:
    return (Q - network.decode(network.encode(Q))) / network.scale
