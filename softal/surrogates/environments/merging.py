r"""Components of a mixture that make up one cluster, merged by their overlap.

A cluster that is no Gaussian takes several components, between which its particles are undecided:

    S_K = -1/n sum_i sum_{j <= K} p_ij ln p_ij

From K = N_G on, two clusters a and b are merged, one pair after the other: those with the largest overlap

    o = (S_K - S_K-1) / (pi_a ln((pi_a + pi_b) / pi_a) + pi_b ln((pi_a + pi_b) / pi_b)),    pi_a = <p_ia>

which is 1 where nothing tells a from b, and 0 where each particle is surely of one of them. Baudry et al. merge those
that lower S_K most, which grows with the clusters, too: of two crystals and a fluid side by side the crystals, joined
by few particles at their borders, were merged before the components of a border were merged with a phase.

How many are left is said by a limit of the overlap; or by the elbow of S_K, which lies on both lines here, since there
may be no more than four points. An elbow is neither at 1 nor at N_G: there is one cluster where all pairs overlap by
more than the limit, and N_G where all are distinct.

Sources: J.-P. Baudry, A. E. Raftery, G. Celeux, K. Lo, R. Gottardo, J. Comput. Graph. Stat. 19, 332 (2010), sections
3 and 4; E. Boattini's thesis (Utrecht, 2021), eq. 4.9.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from softal.numeric import Floats
from softal.surrogates.environments.elbow import elbow

FEWEST = 4  # components that have an elbow
DISTINCT = 0.1  # overlap of two Gaussians of one weight that are nearly four standard deviations apart

Groups = tuple[tuple[int, ...], ...]  # of each cluster, its components


@dataclass(frozen=True)
class Merging:
    """All clusterings, of one cluster to as many as there are components.

    Attributes:
        entropies: S_1 ... S_N_G, (N_G,).
        overlaps: of the pair that was merged to come to 1, ... N_G - 1 clusters, (N_G - 1,).
        groups: components of the clusters, for each.
    """

    entropies: Floats
    overlaps: Floats
    groups: tuple[Groups, ...]

    def by_overlap(self, most: float) -> int:
        """Return how many clusters are left if pairs are merged as long as their overlap is more than `most`."""
        distinct = np.flatnonzero(self.overlaps <= most)
        return int(distinct[-1]) + 2 if len(distinct) else 1

    def by_elbow(self, most: float) -> int:
        """Return the elbow of the entropy; 1 where all pairs overlap by more than `most`, N_G where all are distinct.

        Of two or three components an elbow says nothing: there it is by overlap.
        """
        if len(self.groups) < FEWEST or (self.overlaps > most).all():
            return self.by_overlap(most)
        if (self.overlaps <= DISTINCT).all():
            return len(self.groups)
        return elbow(self.entropies.tolist(), shared=True) or 1


def merge(P: Floats) -> Merging:
    """Return the clusterings of components with probabilities (n, N_G)."""
    parts = list(P.T)
    groups: list[tuple[int, ...]] = [(j,) for j in range(P.shape[1])]
    entropies: list[float] = []
    overlaps: list[float] = []
    found = [tuple(groups)]
    while True:
        own = [float(np.mean(entr(part))) for part in parts]
        entropies.append(sum(own))
        if len(parts) == 1:
            return Merging(np.array(entropies[::-1]), np.array(overlaps[::-1]), tuple(found[::-1]))
        pairs = {
            (i, j): (own[i] + own[j] - float(np.mean(entr(parts[i] + parts[j])))) / _undecided(parts[i], parts[j])
            for i, j in itertools.combinations(range(len(parts)), 2)
        }
        i, j = max(pairs, key=pairs.__getitem__)
        overlaps.append(pairs[i, j])
        parts[i], groups[i] = parts[i] + parts[j], tuple(sorted(groups[i] + groups[j]))
        del parts[j], groups[j]
        found.append(tuple(groups))


def merged(P: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """Return probabilities (n, K) of clusters of components with probabilities (n, N_G)."""
    return np.column_stack([P[:, list(group)].sum(axis=1) for group in groups])


def _undecided(a: Floats, b: Floats) -> float:
    """Return the entropy of two clusters of these mean weights that nothing tells apart."""
    weights = float(a.mean()), float(b.mean())
    return max(float(entr(weights).sum() - entr(sum(weights))), 1e-300)
