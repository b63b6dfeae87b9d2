"""The learner of particles' phases: which crystal, or fluid, each particle is in, by the bond order around it.

It learns from configurations whose particles' environments are known, as crystals that do not diffuse have them
(`data`): one softmax layer on 24 averaged bond order parameters, or one hidden layer more (`network`). Runs that were
held out say how often it is right, at the packing fractions that it was learned from and at others (`split`, `report`),
and an environment that is far from all of them is unknown (`novelty`). It is trained when its campaign ends.

Source: E. Boattini, M. Ram, F. Smallenburg, L. Filion, Mol. Phys. 116, 3066 (2018); chapter 3 of E. Boattini's thesis
(Utrecht, 2021).
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
from softal.surrogates.learner import Learner, part_of
from softal.surrogates.particle_phases.data import LABELS, NEEDED, runs_of
from softal.surrogates.particle_phases.network import Network
from softal.surrogates.particle_phases.novelty import Novelty
from softal.surrogates.particle_phases.settings import ParticlePhasesSettings
from softal.surrogates.particles import NAMES as KNOWN
from softal.surrogates.particles import Particles
from softal.theory.local_structure.descriptors import NAMES, OWN, inputs
from softal.trial import Trial

if TYPE_CHECKING:
    from softal.cards import Card, View

SHOWN = "particle_phases"  # name of the table with all that is to be shown


class ParticlePhases(Learner):
    """A network that tells phases of particles by their bond order; it is trained when its campaign ends."""

    kind = "particle_phases"
    Settings = ParticlePhasesSettings
    trained: ClassVar[Literal["continuously", "at_end"]] = "at_end"
    _labels: tuple[str, ...]
    _network: Network
    _novelty: Novelty

    @classmethod
    def suits(cls, settings: BaseModel, space: Space, arrays: frozenset[str] | None) -> str | None:
        """Return that the simulator lacks an array, or the space a parameter, that it needs."""
        assert isinstance(settings, ParticlePhasesSettings)
        for point in settings.learned_from or ():
            if other := [name for name in point if name not in space.names]:
                return f"learned_from: {other[0]} is no parameter of the space; allowed: {', '.join(space.names)}"
        missing = [] if arrays is None else [name for name in NEEDED if name not in arrays]
        if not missing:
            return None
        return f"the simulator returns no array {missing[0]!r}, only {', '.join(sorted(arrays or ())) or 'none'}"

    def _learn(self, done: Sequence[Trial]) -> None:
        from softal.surrogates.particle_phases.report import evaluate, untrained
        from softal.surrogates.particle_phases.training import train

        good = self.objective.lessons(done) if self.objective is not None else list(done)
        try:
            trained = train(runs_of(good, self.settings), self.settings)
        except SurrogateError as error:
            self.untrained = str(error)
            self._shown = untrained(self.untrained)
            return
        self._labels = tuple(self._name(number) for number in trained.numbers)
        self._network, self._novelty = trained.fit.network, trained.novelty
        self._shown = evaluate(trained, self._labels, NAMES if self.species > 1 else OWN)

    def _name(self, number: int) -> str:
        """Return what the simulator calls a label."""
        words = self.objective.words.get(LABELS, ()) if self.objective is not None else ()
        return words[number] if number < len(words) else f"label {number}"

    # Particles.

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of probabilities; SurrogateError where nothing was learned."""
        self._require_network()
        return self._labels

    @property
    def species(self) -> int:
        """How many species the configurations have that it learned from: 1, or 2 for two and more."""
        return 2 if len(self._network.centre) == len(NAMES) else 1

    def classify(self, positions: Floats, box: Floats, types: ArrayLike | None = None) -> Particles:
        """Return what each particle in a periodic box is in.

        Args:
            positions: (N, 3), in any unit for neighbours without cutoffs, else [sigma].
            box: its sides, (3,).
            types: species, (N,), whole numbers from 0; None where all are one.

        Raises:
            SurrogateError: nothing was learned, or the configuration cannot be.
        """
        self._require_network()
        if self.species == 1 and types is not None and np.any(types):
            raise SurrogateError("types of two species are given to a classifier that has learned from one")
        given = None if self.species == 1 else np.zeros(len(positions)) if types is None else types
        try:
            X = inputs(positions, box, given, self.settings.neighbours.neighbourhood())
        except TheoryError as error:
            raise SurrogateError(str(error)) from None
        distance = self._novelty.distance(self._network.standardised(X))
        return Particles(self._labels, self._network.probabilities(X), distance > 1)

    # What is shown.

    def metrics(self) -> dict[str, float]:
        """Return accuracies on held-out runs, at points that were learned from and at others, and false alarms."""
        from softal.surrogates.particle_phases.report import metrics

        return metrics(self._shown)

    def cards(self, view: View) -> Sequence[Card]:
        """Return how well labels are told apart."""
        from softal.surrogates.particle_phases.cards import cards

        return cards(view)

    def tables(self) -> dict[str, Any]:
        """Return `particle_phases`: all that is to be shown, or why nothing was learned."""
        return {SHOWN: self._shown}

    # What is kept.

    def _require_network(self) -> None:
        self._require_fit()
        if self.untrained:
            raise SurrogateError(f"the classifier is not trained: {self.untrained}")

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        state: dict[str, Any] = {"untrained": self.untrained, SHOWN: self._shown}
        if self.untrained is not None:
            return {}, state
        parts = {"network": self._network.to_tensors(), "novelty": vars(self._novelty)}
        tensors = {f"{part}.{name}": values for part, found in parts.items() for name, values in found.items()}
        return tensors, state | {KNOWN: list(self._labels), "species": self.species}

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._shown, self.untrained = dict(state[SHOWN]), state["untrained"]
        if self.untrained is not None:
            return
        self._labels = tuple(map(str, state[KNOWN]))
        self._network = Network.from_tensors(part_of("network", tensors), len(self._labels))
        width = len(self._network.centre)
        if width != len(NAMES if state["species"] == 2 else OWN):
            raise ValueError(f"its network has {width} inputs; {len(OWN)} or {len(NAMES)} are needed")
        self._novelty = Novelty.from_tensors(part_of("novelty", tensors), len(self._labels), width)
