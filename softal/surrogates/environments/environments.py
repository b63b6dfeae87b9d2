"""The learner of environments: which local structures there are, without labels.

It learns from configurations that trials return (`data`). An autoencoder maps the bond order around each particle to a
few coordinates (`training`, `autoencoder`), a mixture of Gaussians is fitted to these (`mixture`), components that
overlap are merged to clusters (`merging`), and what is far from all that was seen is known (`novelty`): `finding` is
all of it. It is evaluated by NumPy.

Source: E. Boattini, M. Dijkstra, L. Filion, J. Chem. Phys. 151, 154901 (2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel

from softal.errors import SurrogateError, TheoryError
from softal.numeric import Floats
from softal.space import Space
from softal.surrogates.environments.autoencoder import Autoencoder
from softal.surrogates.environments.data import NEEDED, Run, descriptors, names, runs_of
from softal.surrogates.environments.finding import Found, find
from softal.surrogates.environments.mixture import Mixture
from softal.surrogates.environments.novelty import Novelty
from softal.surrogates.environments.settings import EnvironmentsSettings
from softal.surrogates.learner import Learner, part_of
from softal.surrogates.particles import NAMES as KNOWN
from softal.surrogates.particles import Particles
from softal.trial import Trial

if TYPE_CHECKING:
    from softal.cards import Card, View
    from softal.surrogates.environments.report import Sides

SHOWN = "environments"  # name of the table with all that is to be shown


class Environments(Learner):
    """Clusters of particles' environments; they are found when the campaign ends."""

    kind = "environments"
    Settings = EnvironmentsSettings
    trained: ClassVar[Literal["continuously", "at_end"]] = "at_end"
    _found: Found
    _two: bool

    @classmethod
    def suits(cls, settings: BaseModel, space: Space, arrays: frozenset[str] | None) -> str | None:
        """Return that the simulator lacks an array that it learns from."""
        missing = [] if arrays is None else [name for name in NEEDED if name not in arrays]
        if not missing:
            return None
        return f"the simulator returns no array {missing[0]!r}, only {', '.join(sorted(arrays or ())) or 'none'}"

    def _learn(self, done: Sequence[Trial]) -> None:
        from softal.surrogates.environments.report import evaluate, untrained
        from softal.surrogates.environments.stability import agreement, refitted

        settings = self.settings
        try:
            runs, two = self._runs(done)
            sides = split(runs, settings)
            found, course = find(sides.learned, sides.held_out, settings)
        except (SurrogateError, TheoryError) as error:
            self.untrained = str(error)
            self._shown = untrained(self.untrained)
            return
        self._found, self._two = found, two
        others = refitted(sides.learned, sides.held_out, settings)
        table = agreement([found, *others], sides.learned) if others else None
        self._shown = evaluate(found, course, sides, runs, two, table, settings.seed)

    def _runs(self, trials: Sequence[Trial]) -> tuple[list[Run], bool]:
        good = self.objective.lessons(trials) if self.objective is not None else list(trials)
        if not good:
            raise SurrogateError("no trial is without a flaw")
        return runs_of(good, self.settings)

    # Environments.

    @property
    def found(self) -> Found:
        """What was learned; SurrogateError where nothing was."""
        self._require_clusters()
        return self._found

    @property
    def clusters(self) -> tuple[str, ...]:
        """Their names, `cluster 1` and so on, the largest first; SurrogateError where nothing was learned."""
        return tuple(f"cluster {i}" for i in range(1, len(self.found.groups) + 1))

    def classify(self, positions: Floats, box: Floats, types: ArrayLike | None = None) -> Particles:
        """Return the clusters of the particles in a periodic box.

        Args:
            positions: (N, 3), in any unit for neighbours without cutoffs, else [sigma].
            box: its sides, (3,).
            types: species, (N,), whole numbers from 0; None where all are one.

        Raises:
            SurrogateError: nothing was learned, or the configuration cannot be.
        """
        self._require_clusters()
        if not self._two and types is not None and np.any(types):
            raise SurrogateError("types of two species are given to a learner of environments of one")
        given = None if not self._two else np.zeros(len(positions)) if types is None else types
        try:
            Q = descriptors(positions, box, given, self.settings.neighbours.neighbourhood())
        except TheoryError as error:
            raise SurrogateError(str(error)) from None
        return self.of_descriptors(Q)

    def of_descriptors(self, Q: Floats) -> Particles:
        """Return the clusters of particles with descriptors (n, d), which are as `data.names` says.

        Raises:
            SurrogateError: nothing was learned, or d is another one.
        """
        found, given = self.found, np.asarray(Q, dtype=np.float64)
        d = found.network.inputs
        if given.ndim != 2 or given.shape[1] != d:
            raise SurrogateError(
                f"descriptors of shape {given.shape}; allowed: (n, {d}), {', '.join(names(self._two))}"
            )
        return Particles(self.clusters, found.memberships(given), found.far(given))

    # What is shown.

    def metrics(self) -> dict[str, float]:
        """Return numbers of clusters, components and coordinates, variance explained, and how decided particles are."""
        from softal.surrogates.environments.report import metrics

        return metrics(self._shown)

    def cards(self, view: View) -> Sequence[Card]:
        """Return the clusters, what they are made of, and how their number was found."""
        from softal.surrogates.environments.cards import cards

        return cards(view)

    def tables(self) -> dict[str, Any]:
        """Return `environments`: all that is to be shown, or why nothing was learned."""
        return {SHOWN: self._shown}

    # What is kept.

    def _require_clusters(self) -> None:
        self._require_fit()
        if self.untrained:
            raise SurrogateError(f"there are no clusters of environments: {self.untrained}")

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        state: dict[str, Any] = {"untrained": self.untrained, SHOWN: self._shown}
        if self.untrained is not None:
            return {}, state
        network, mixture, novelty = self._found.network, self._found.mixture, self._found.novelty
        tensors: dict[str, NDArray[Any]] = {f"network.{name}": values for name, values in network.weights.items()}
        tensors |= {f"mixture.{name}": values for name, values in vars(mixture).items()}
        tensors |= {
            "offset": network.offset,
            "novelty.means": novelty.means,
            "novelty.covariances": novelty.covariances,
        }
        state |= {"scale": network.scale, "threshold": novelty.threshold, "two_species": self._two}
        state |= {"groups": [list(group) for group in self._found.groups], KNOWN: list(self.clusters)}
        return tensors, state

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._shown, self.untrained = dict(state[SHOWN]), state["untrained"]
        if self.untrained is not None:
            return
        network = Autoencoder.checked(part_of("network", tensors), tensors["offset"], float(state["scale"]))
        mixture = Mixture(**part_of("mixture", tensors))
        novelty = Novelty(**part_of("novelty", tensors), threshold=float(state["threshold"]))
        groups = tuple(tuple(int(j) for j in group) for group in state["groups"])
        k, c, d = len(mixture.weights), network.bottleneck, network.inputs
        shapes = [mixture.means.shape, mixture.covariances.shape, novelty.means.shape, novelty.covariances.shape]
        if shapes != [(k, c), (k, c, c), (k, d), (k, d, d)] or sorted(j for group in groups for j in group) != [
            *range(k)
        ]:
            raise ValueError("its Gaussians do not fit its autoencoder")
        self._found, self._two = Found(network, mixture, groups, novelty), bool(state["two_species"])

    def _prove(self) -> None:
        super()._prove()
        if self.untrained is None:
            with np.errstate(all="ignore"):
                said = self.of_descriptors(self._found.network.offset[None])
            if not np.isfinite(said.memberships).all():
                raise ValueError("its memberships are not finite")


def split(runs: Sequence[Run], settings: EnvironmentsSettings) -> Sides:
    """Return descriptors to learn from, as many of each run at most, and those that are held out."""
    from softal.surrogates.environments.report import Sides

    rng = np.random.default_rng([settings.seed, 1])
    each = max(1, settings.most // len(runs))
    drawn = np.vstack([run.Q[rng.permutation(len(run.Q))[:each]] for run in runs])
    drawn = drawn[rng.permutation(len(drawn))]
    held = round(settings.held_out * len(drawn))
    return Sides(drawn[held:], drawn[:held])
