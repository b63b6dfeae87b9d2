"""Whether other seeds find the same clusters: the adjusted Rand index of fits, two by two.

It is 1 where two fits part particles in the same way, and 0 in the mean where they do so independently of each other.

Source: L. Hubert, P. Arabie, J. Classif. 2, 193 (1985), eq. 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.environments.finding import Found, find

if TYPE_CHECKING:
    from softal.surrogates.environments.settings import EnvironmentsSettings

APART = 1000  # between seeds of refits: campaigns of neighbouring seeds share none


def adjusted_rand(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    """Return the adjusted Rand index of two lists of clusters, (n,) each."""
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(table, (one, other), 1)
    both, ours, theirs, every = (
        float(np.sum(counts * (counts - 1) / 2))
        for counts in (table, table.sum(axis=1), table.sum(axis=0), np.array(len(one)))
    )
    expected = ours * theirs / max(every, 1.0)
    most = (ours + theirs) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def refitted(learned: Floats, held_out: Floats, settings: EnvironmentsSettings) -> list[Found]:
    """Return what the settings' number of refits find of the same descriptors (n, d) by other seeds."""
    seeds = [settings.seed + APART * (i + 1) for i in range(settings.refits)]
    return [find(learned, held_out, settings.model_copy(update={"seed": seed}))[0] for seed in seeds]


def agreement(found: Sequence[Found], Q: Floats) -> Floats:
    """Return the adjusted Rand index (m, m) of m fits, two by two, on descriptors (n, d)."""
    labels = [one.clusters(Q) for one in found]
    return np.array([[adjusted_rand(one, other) for other in labels] for one in labels])
