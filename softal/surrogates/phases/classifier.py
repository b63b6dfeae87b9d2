"""The phase classifier: a network that says from a diffraction pattern which phase a configuration is in.

A campaign of state points with known phases trains it, in another one it is the objective: the mean probability of a
target phase over a simulation's snapshots. Three things make the figures that it reports, and what it says elsewhere,
worth believing:

- State points are split into those for training, for stopping and calibration, and for testing, each phase in the same
  proportions. Snapshots of one state point are never on two sides.
- Probabilities are calibrated by a temperature (`softal.surrogates.phases.classification`).
- A pattern far from all that was trained on is unknown (`softal.surrogates.phases.novelty`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from softal.errors import SurrogateError
from softal.kinds.settings import Settings
from softal.numeric import Floats
from softal.space import Space
from softal.surrogates.folders import Sought, trained_folder
from softal.surrogates.learner import Learner, part_of
from softal.surrogates.phases.classification import temperature
from softal.surrogates.phases.data import Labelled, as_images, labelled
from softal.surrogates.phases.labels import Table
from softal.surrogates.phases.network import IMAGES, Network
from softal.surrogates.phases.novelty import Novelty
from softal.surrogates.phases.report import METRICS, evaluate, untrained
from softal.trial import Trial

if TYPE_CHECKING:
    from softal.cards import Card, Examples, View

SHOWN = "classification"  # name of the table with all that is to be shown
SOUGHT = Sought("phase_classifier", "classifier", "which knows no phases", ("phases", "dimension"))
INPUT = "|rho_k| / N without k = 0, maximum of blocks of 4 pixels, k = 2 pi n / L, |n| <= 64 (2D) or 32 (3D)"


@dataclass(frozen=True)
class Classification:
    """What the classifier says of n images.

    Attributes:
        phases: p names.
        probabilities: (n, p), calibrated.
        unknown: (n,) whether the image is far from all that was trained on; its probabilities mean nothing then.
        distance: (n,) how far, in units of what is unknown.
    """

    phases: tuple[str, ...]
    probabilities: Floats
    unknown: NDArray[np.bool_]
    distance: Floats


class PhaseClassifierSettings(Settings):
    """Settings of the phase classifier."""

    column: str = Field("phase", min_length=1, description="column of the table `labels` that names the phase")
    labels: Path = Field(
        description="CSV with a row for each state point: columns of the space, and the phase that is stable there; "
        "relative to the campaign file"
    )
    array: str = Field("phase_input", min_length=1, description="array of the simulator with the images (n, ...)")
    held_out: float = Field(0.25, gt=0, le=0.5, description="part of each phase's state points that only test")
    validation: float = Field(0.2, gt=0, le=0.5, description="part of the others that say when to stop, and calibrate")
    epochs: int = Field(40, ge=1, le=10_000, description="rounds of training at most")
    patience: int = Field(8, ge=1, description="rounds without a better loss on the validation part that end it")
    images: int = Field(6000, ge=2, description="images of one round at most; each phase is shown equally often")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="of Adam; the paper's 1e-4 needs ten times the rounds")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="of Adam: the weights' squares in its loss")
    batch: int = Field(32, ge=1, description="images of one step")
    seed: int = Field(0, ge=0, description="of first weights, order of images, and choice of state points")

    @field_validator("labels")
    @classmethod
    def _a_table(cls, labels: Path, info: ValidationInfo) -> Path:
        """Resolve the path and read the table where a campaign file names it; a saved model does without it."""
        folder = (info.context or {}).get("folder")
        if folder is None:
            return labels
        path = (Path(folder) / labels).resolve()
        try:
            Table.read(path, info.data.get("column", "phase"))
        except SurrogateError as error:
            raise ValueError(str(error)) from error
        return path


class PhaseClassifier(Learner):
    """A convolutional network that tells phases by diffraction patterns; it is trained when its campaign ends."""

    kind = SOUGHT.kind
    Settings = PhaseClassifierSettings
    trained: ClassVar[Literal["continuously", "at_end"]] = "at_end"

    @classmethod
    def suits(cls, settings: BaseModel, space: Space, arrays: frozenset[str] | None) -> str | None:
        """Return that the table lacks a parameter of the space, or the simulator the images: phases need both."""
        assert isinstance(settings, PhaseClassifierSettings)
        try:
            Table.read(settings.labels, settings.column).require(space.names)
        except SurrogateError as error:
            return str(error)
        if arrays is None or settings.array in arrays:
            return None
        return f"the simulator returns no array {settings.array!r}, only {', '.join(sorted(arrays)) or 'none'}"

    def _learn(self, done: Sequence[Trial]) -> None:
        settings = self.settings
        try:
            table = Table.read(settings.labels, settings.column)
            self._train(labelled(done, table, self.space.names, settings.array))
        except SurrogateError as error:
            self.untrained = str(error)
            self._shown = untrained(self.untrained)

    def _train(self, data: Labelled) -> None:
        from softal.surrogates.phases.training import Schedule, train  # PyTorch is not needed to classify

        settings = self.settings
        training, validation, _ = parts = data.split(settings.held_out, settings.validation, settings.seed)
        names = ("epochs", "patience", "learning_rate", "weight_decay", "batch", "images", "seed")
        schedule = Schedule(**{name: getattr(settings, name) for name in names})
        network, curves = train(training, validation, len(data.phases), schedule)
        logits = network.logits(network.hidden(validation.images)).astype(np.float64)
        unseen = [examples.images for examples in validation.by_point().values()]
        self._network = replace(network, temperature=temperature(logits, validation.labels, len(unseen)))
        self._novelty = Novelty.of(training.images, training.labels, unseen)
        self._shown = evaluate(self._network, self._novelty, data, parts, curves)
        self._shown["data"] = data.examples.digest

    # Phases.

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the phases, in the order of probabilities; SurrogateError where there is no network."""
        self._require_network()
        return tuple(self._shown["phases"])

    @property
    def dimension(self) -> int:
        """Of the images: 2 or 3; SurrogateError where there is no network."""
        self._require_network()
        return self._network.dimension

    def classify(self, images: ArrayLike) -> Classification:
        """Return the phases of images: pooled amplitudes |rho_k| / N without k = 0, in [0, 1].

        Args:
            images: (n, 33, 33), or (n, 17, 17, 17) for a classifier of three dimensions.

        Raises:
            SurrogateError: images of another shape, or there is no network.
        """
        self._require_network()
        checked = as_images(np.asarray(images), "images")
        if checked.shape[1:] != IMAGES[self.dimension]:
            raise SurrogateError(
                f"images of {checked.ndim - 1} dimensions are given to a classifier of {self.dimension} dimensions"
            )
        probabilities = self._network.probabilities(self._network.hidden(checked))
        distance = self._novelty.distance(checked)
        return Classification(self.phases, probabilities, distance > 1, distance)

    def metrics(self) -> dict[str, float]:
        """Return accuracy, calibration error and false alarms on held-out state points; empty without a network."""
        return {} if self.untrained else {name: self._shown[name] for name in METRICS}

    def cards(self, view: View) -> Sequence[Card]:
        """Return how well the phases are told apart."""
        from softal.surrogates.phases.cards import cards

        return cards(view)

    def examples(self, view: View) -> Examples | None:
        """Return for each phase the trial that is most probably of it."""
        from softal.surrogates.phases.cards import examples

        return examples(view)

    def tables(self) -> dict[str, Any]:
        """Return `classification`: all that is to be shown of the network, or why there is none."""
        return {SHOWN: self._shown}

    def _require_network(self) -> None:
        self._require_fit()
        if self.untrained:
            raise SurrogateError(f"the classifier is not trained: {self.untrained}")

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {}
        state: dict[str, Any] = {"untrained": self.untrained, "classification": self._shown}
        if self.untrained is None:
            tensors |= {f"network.{name}": values for name, values in self._network.weights.items()}
            tensors |= {f"novelty.{name}": values for name, values in self._novelty.to_tensors().items()}
            network = self._network
            state |= {"phases": list(self.phases), "dimension": network.dimension, "input": INPUT}
            state["network"] = {name: getattr(network, name) for name in ("offset", "scale", "temperature")}
        return tensors, state

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._shown = dict(state["classification"])
        self.untrained = state["untrained"]
        if self.untrained is None:
            self._network = Network.checked(part_of("network", tensors), len(self._shown["phases"]), **state["network"])
            self._novelty = Novelty.from_tensors(part_of("novelty", tensors))


def load_classifier(path: str | Path) -> PhaseClassifier:
    """Return the classifier in a learner's folder, or the latest one in a campaign's folder.

    Raises:
        SurrogateError: in one line, what is missing there.
    """
    return PhaseClassifier.load(classifier_folder(path))


def classifier_folder(path: str | Path, called: str | None = None) -> Path:
    """Return the folder of the trained classifier that `load_classifier` loads; reads no more than `model.json`.

    In its `state`, `phases` and `dimension` are the classifier's. Campaigns of the first version of softal have it in
    the surrogate's folder.

    Args:
        path: of a learner's or a campaign's folder.
        called: what a message calls that; the path where None.

    Raises:
        SurrogateError: in one line, what is missing there.
    """
    return trained_folder(path, SOUGHT, called)
