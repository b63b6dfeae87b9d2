"""From descriptors to clusters: autoencoder, mixture, merging, what is far; and how far each choice was clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.environments.autoencoder import Autoencoder
from softal.surrogates.environments.elbow import elbow
from softal.surrogates.environments.merging import Groups, Merging, merge, merged
from softal.surrogates.environments.mixture import Mixture, fits
from softal.surrogates.environments.novelty import Novelty

if TYPE_CHECKING:
    from softal.surrogates.environments.settings import EnvironmentsSettings

FEWEST = 100  # particles
VARIES = 1e-8  # standard deviation of a descriptor, below which it is one number


@dataclass(frozen=True)
class Found:
    """Clusters of environments.

    Attributes:
        network: descriptors to coordinates.
        mixture: of coordinates.
        groups: components of each cluster; the largest cluster comes first.
        novelty: what is far from all that was learned from.
    """

    network: Autoencoder
    mixture: Mixture
    groups: Groups
    novelty: Novelty

    def memberships(self, Q: Floats) -> Floats:
        """Return the probability (n, K) of each cluster, of descriptors (n, d); rows sum to 1."""
        return merged(self.mixture.memberships(self.network.encode(Q)), self.groups)

    def clusters(self, Q: Floats) -> NDArray[np.intp]:
        """Return the most probable cluster (n,) of descriptors (n, d), from 0."""
        return np.asarray(np.argmax(self.memberships(Q), axis=1))

    def far(self, Q: Floats) -> NDArray[np.bool_]:
        """Return of descriptors (n, d) whether they are far from all that was learned from."""
        return self.novelty.far(self.network, self.mixture, Q)


@dataclass(frozen=True)
class Course:
    """How clusters were found.

    Attributes:
        explained: fraction of variance explained by 1, 2, ... coordinates, (b,).
        bic: of 1, 2, ... components, or of the one number that was asked for.
        components: the numbers of components that were fitted.
        merging: of the chosen mixture.
    """

    explained: Floats
    bic: Floats
    components: tuple[int, ...]
    merging: Merging


def find(learned: Floats, held_out: Floats, settings: EnvironmentsSettings) -> tuple[Found, Course]:
    """Return the clusters of descriptors (n, d), with those held out (m, d) to say what is far, and the way there.

    Raises:
        SurrogateError: there are too few descriptors, or they do not vary.
    """
    if len(learned) < FEWEST:
        raise SurrogateError(f"clusters are made of {FEWEST} particles at least; there are {len(learned)}")
    if float(np.std(learned, axis=0).max()) < VARIES:
        raise SurrogateError(f"all {len(learned)} particles have the same surroundings, of which there are no clusters")
    network, explained = _encoder(learned, settings)
    Y = network.encode(learned)
    numbers = _numbers(settings, len(learned))
    mixtures = fits(Y, numbers, settings.restarts, settings.seed)
    bic = np.array([mixture.bic(Y) for mixture in mixtures])
    mixture = mixtures[int(np.argmin(bic))]
    P = mixture.memberships(Y)
    merging = merge(P)
    groups = merging.groups[_clusters(merging, settings) - 1]
    order = np.argsort(-merged(P, groups).mean(axis=0), kind="stable")
    novelty = Novelty.of(network, mixture, learned, held_out)
    found = Found(network, mixture, tuple(groups[i] for i in order), novelty)
    return found, Course(explained, bic, numbers, merging)


def _encoder(Q: Floats, settings: EnvironmentsSettings) -> tuple[Autoencoder, Floats]:
    """Return the autoencoder and the fraction of variance explained by 1, 2, ... coordinates."""
    from softal.surrogates.environments.training import Schedule, train  # PyTorch, needless to classify

    names = ("steps", "batch", "learning_rate", "weight_decay", "seed")
    most = min(max(settings.bottlenecks, settings.bottleneck or 1), Q.shape[1])
    networks = train(Q, most, Schedule(**{name: getattr(settings, name) for name in names}))
    explained = np.array([network.explained(Q) for network in networks])
    c = settings.bottleneck or _coordinates(explained, settings.enough)
    return networks[min(c, most) - 1], explained


def _coordinates(explained: Floats, enough: float) -> int:
    """Return the elbow of the variance explained, or the first number from two on that explains enough, if less."""
    reached = [c for c, part in enumerate(explained.tolist(), start=1) if c > 1 and part >= enough]
    return min([*reached, elbow(explained.tolist()) or len(explained)])


def _numbers(settings: EnvironmentsSettings, n: int) -> tuple[int, ...]:
    """Return the numbers of components that are fitted."""
    if settings.components is not None:
        return (min(settings.components, n),)
    return tuple(range(1, min(settings.most_components, n) + 1))


def _clusters(merging: Merging, settings: EnvironmentsSettings) -> int:
    """Return the number of clusters."""
    if settings.clusters is not None:
        return min(settings.clusters, len(merging.groups))
    rule = merging.by_elbow if settings.merge == "elbow" else merging.by_overlap
    return rule(settings.overlap)
