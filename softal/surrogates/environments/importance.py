r"""Which inputs an autoencoder finds important, by both of the thesis' methods.

    RI_k = dE_k / sum_j dE_j

where dE_k is by how much the error of the reconstruction grows when input k is changed and the others are not: when
white noise of 10 or 50 % of each value is added to it, or when it is replaced by its mean (improved stepwise).

Sources: E. Boattini's thesis (Utrecht, 2021), eq. 4.8; M. Gevrey, I. Dimopoulos, S. Lek, Ecol. Model. 160, 249 (2003).
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.surrogates.environments.autoencoder import Autoencoder

NOISES = (0.1, 0.5)  # of each value
MEAN = "mean"  # name of the improved stepwise method
MOST = 5000  # particles that are looked at


def names() -> tuple[str, ...]:
    """Return the methods' names: `noise 10 %`, `noise 50 %`, `mean`."""
    return (*(f"noise {noise:.0%}".replace("%", " %") for noise in NOISES), MEAN)


def importance(network: Autoencoder, Q: Floats, seed: int = 0) -> dict[str, Floats]:
    """Return method -> relative importance (d,) of the inputs, which sums to 1, on descriptors (n, d)."""
    rng = np.random.default_rng(seed)
    some = Q[rng.choice(len(Q), MOST, replace=False)] if len(Q) > MOST else Q
    noise = rng.standard_normal(some.shape)
    changed = [*((1 + part * noise) * some for part in NOISES), np.broadcast_to(Q.mean(axis=0), some.shape)]
    return {name: _relative(network, some, others) for name, others in zip(names(), changed, strict=True)}


def _relative(network: Autoencoder, Q: Floats, others: Floats) -> Floats:
    """Return RI of replacing the columns of Q, in turn, by those of the others."""
    plain, grown = network.error(Q), np.empty(Q.shape[1])
    for k in range(Q.shape[1]):
        given = Q.copy()
        given[:, k] = others[:, k]
        grown[k] = max(network.error(Q, given) - plain, 0.0)
    total = float(grown.sum())
    return grown / total if total > 0 else np.full(len(grown), 1 / len(grown))
