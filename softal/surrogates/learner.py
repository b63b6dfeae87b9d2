"""What every learner offers: `fit(trials)`, what it shows of what it has learned, `save(folder)`, `load(folder)`.

A learner learns from a campaign's trials and their arrays: phases from diffraction patterns, dynamics from structure.
A surrogate is a learner, too: one of the objective, with a posterior (`softal.surrogates.base`).

Rules that every learner keeps, and that `softal.testing.learners` checks:

- The same trials and settings teach the same, in any process; the global random state is not touched.
- What was learned before is forgotten by `fit`. Trials that are not done teach nothing.
- Where there are too few trials, `fit` raises SurrogateError, or `untrained` says why nothing can be asked.
- What `load` returns is what was saved.
"""

from __future__ import annotations

import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from softal.errors import SoftalError, SurrogateError
from softal.kinds.settings import Settings, filled
from softal.numeric import Floats
from softal.objective import Objective
from softal.reading import boundary, read_json, read_text
from softal.space import Space
from softal.trial import Trial, TrialState, Value

if TYPE_CHECKING:
    from softal.cards import Card, Examples, View

CAMPAIGN_ID = "campaign_id"  # key of the provenance; models of older versions, and made by hand, have none
FORMAT = 1  # of model.json and model.safetensors; another one is refused
DESCRIPTION, TENSORS = "model.json", "model.safetensors"
CHECKSUM = "checksum"  # key of the description; models of the first version have none
MAX_DESCRIPTION = 100_000_000  # bytes


class Learner(ABC):
    """Learns from trials. Subclasses give `kind`, `Settings` and the methods that start with an underscore.

    Args:
        space: of the trials' points.
        settings: of this kind; None takes the defaults.
        objective: of the campaign, which says which runs are no results to learn from (`flaws`).

    Attributes:
        wants_arrays: whether `fit` is to be given trials with the arrays of their observations.
        trained: in a campaign, as its results come in, or once, when it ends: for what takes long, and is of no use to
            anybody before.
        untrained: why nothing can be asked although it was fitted; None where it can.
        provenance: where the trials come from, plain data that is saved with the model.
    """

    kind: ClassVar[str] = ""
    Settings: ClassVar[type[BaseModel]] = Settings
    wants_arrays: ClassVar[bool] = True
    trained: ClassVar[Literal["continuously", "at_end"]] = "continuously"
    untrained: str | None = None

    def __init__(
        self,
        space: Space,
        settings: Mapping[str, Any] | BaseModel | None = None,
        objective: Objective | None = None,
    ) -> None:
        self.space, self.objective = space, objective
        self.settings: Any = filled(self.Settings, settings, self.kind, SurrogateError)
        self.fitted = False
        self.provenance: dict[str, Any] = {}

    @classmethod
    def supports(cls, objective: Objective) -> str | None:
        """Return why it cannot serve `objective`; None where it can."""
        return None

    @classmethod
    def suits(cls, settings: BaseModel, space: Space, arrays: frozenset[str] | None) -> str | None:
        """Return why it cannot learn, with these settings, from a campaign's trials; None where it can.

        Args:
            settings: of this kind.
            space: of the campaign.
            arrays: that the simulator returns; None where it does not say.
        """
        return None

    def fit(self, trials: Sequence[Trial]) -> None:
        """Learn from the trials that are done; what was learned before is forgotten.

        Raises:
            SurrogateError: there are too few trials, or they lack what is learned.
        """
        done = [trial for trial in trials if trial.state is TrialState.DONE]
        if not done:
            raise SurrogateError(f"none of {len(trials)} trials is done: there is nothing to learn from")
        self.untrained = None
        self._learn(done)
        self.fitted = True

    def committee(self, trials: Sequence[Trial], seed: int = 0) -> Callable[[Floats], Floats]:
        """Learn from the trials that are done, and return members who disagree where little is known.

        A kind that has members, or can draw some, overrides it, and need not learn what only its figures need.

        Args:
            trials: with their arrays where the kind wants them.
            seed: of the members.

        Returns:
            A function X (n, d) -> predictions (N, n, q) of N members, in units in which all q quantities count alike.

        Raises:
            SurrogateError: there are too few trials, or the kind has no members.
        """
        raise SurrogateError(f"{self.kind!r} has no members who disagree")

    def learned_in(self, campaign: str | None) -> bool:
        """Return whether it has learned from the campaign with this id, as far as it and we know."""
        return campaign is None or self.provenance.get(CAMPAIGN_ID, campaign) == campaign

    def refuses(self, point: Mapping[str, Value]) -> str | None:
        """Return why nothing should be predicted at a point: place, value and what is allowed; None where it may be.

        Unlike a large standard deviation, it says that there is nothing to be predicted, such as no liquid.
        """
        return None

    def predict_arrays(self, points: Sequence[Mapping[str, Value]]) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Return array -> (grid (k,), mean (n, k), standard deviation (n, k)) at points, in natural units.

        By default what the kind's `curves(points)` says, where it has one; else nothing.

        Raises:
            SurrogateError: there is nothing that could predict.
        """
        predict = getattr(self, "curves", None)
        return {} if predict is None else dict(predict(points))

    @classmethod
    def predicts_arrays(cls) -> bool:
        """Whether there is anything that `predict_arrays` predicts."""
        return hasattr(cls, "curves") or cls.predict_arrays is not Learner.predict_arrays

    # What is shown.

    def metrics(self) -> dict[str, float]:
        """Return how good it is in numbers of its own kind: by default none."""
        return {}

    def tables(self) -> dict[str, Any]:
        """Return name -> plain data to be shown to people, saved as `<name>.json` beside the model: by default none."""
        return {}

    def cards(self, view: View) -> Sequence[Card]:
        """Return what the report, and MLflow, show of what was learned, from its `tables`: by default nothing."""
        return ()

    def examples(self, view: View) -> Examples | None:
        """Return trials that stand for what was found, such as one of each class; None without any."""
        return None

    # What is kept.

    def save(self, folder: str | Path) -> None:
        """Write `model.json`, `model.safetensors` and the tables into the folder, which is made if need be."""
        from safetensors.numpy import save_file

        self._require_fit()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors, extra = self._state()
        description = {
            "format": FORMAT,
            "kind": self.kind,
            "space": self.space.to_dict(),
            **self._described(),
            "settings": self.settings.model_dump(mode="json"),
            "provenance": self.provenance,
            "state": extra,
        }
        save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, folder / TENSORS)
        description[CHECKSUM] = _checksum(description, (folder / TENSORS).read_bytes())
        for name, data in {**self.tables(), Path(DESCRIPTION).stem: description}.items():
            (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Return what was saved in the folder.

        Raises:
            SurrogateError: the files are not there, not readable, or of another kind or format.
        """
        from safetensors.numpy import load

        description = read_description(folder)
        with boundary(SurrogateError, f"{folder} cannot be loaded"):
            content = (Path(folder) / TENSORS).read_bytes()
            found, tensors = cls._own(description, load(content))
            if found.get("kind") == cls.kind:
                learner = cls._made_of(Space.from_dict(found["space"]), found)
                learner._restore(tensors, found["state"])
                learner.provenance = dict(found.get("provenance", {}))
                learner.fitted = True
                if CHECKSUM not in description:
                    learner._prove()
                elif description[CHECKSUM] != _checksum(description, content):
                    raise ValueError(f"{DESCRIPTION} or {TENSORS} is damaged, or not what was saved with the other")
                return learner
        raise SurrogateError(f"{folder} holds a model of kind {description.get('kind')!r}, not {cls.kind!r}")

    def _prove(self) -> None:
        """Ask once what will be asked later, of a model without a checksum: tensors that do not fit raise an error."""
        self.metrics()
        self.tables()
        with suppress(SoftalError):  # there may be nothing to predict at these points
            points = self.space.from_unit(self.space.sample(2, np.random.default_rng(0)))
            if self.untrained is None and not any(self.refuses(point) for point in points):
                for name, (grid, mean, std) in self.predict_arrays(points).items():
                    if not mean.shape == std.shape == (len(points), len(grid)):
                        raise ValueError(f"its curve {name!r} has the shape {mean.shape}, its grid {grid.shape}")

    @classmethod
    def _own(
        cls, description: dict[str, Any], tensors: dict[str, NDArray[Any]]
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the part of a saved model that is of this kind: by default all of it."""
        return description, tensors

    def _described(self) -> dict[str, Any]:
        """Return what the description has beside space and settings, of which `_made_of` makes the same learner."""
        return {}

    @classmethod
    def _made_of(cls, space: Space, description: Mapping[str, Any]) -> Self:
        """Return a learner as described, which has learned nothing yet."""
        return cls(space, description["settings"])

    def _require_fit(self) -> None:
        if not self.fitted:
            raise SurrogateError(f"{self.kind} has not been fitted")

    @abstractmethod
    def _learn(self, done: Sequence[Trial]) -> None:
        """Learn from trials, all of them done, at least one."""

    @abstractmethod
    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned: arrays by name, and plain data."""

    @abstractmethod
    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        """Take over what `_state` returned."""


def _checksum(description: Mapping[str, Any], tensors: bytes) -> int:
    """Return one number for all that was saved; floats come out of JSON as they went in."""
    rest = {name: value for name, value in description.items() if name != CHECKSUM}
    return zlib.crc32(json.dumps(rest, sort_keys=True).encode(), zlib.crc32(tensors))


def part_of(part: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the tensors called `<part>.<name>`, by name."""
    return {name.removeprefix(f"{part}."): v for name, v in tensors.items() if name.startswith(f"{part}.")}


def read_description(folder: str | Path) -> dict[str, Any]:
    """Return what `model.json` in the folder says; SurrogateError where there is none, or of another format."""
    path = Path(folder) / DESCRIPTION
    with boundary(SurrogateError, f"{path} cannot be read as a model"):
        description: dict[str, Any] = read_json(read_text(path, MAX_DESCRIPTION))
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise SurrogateError(f"{path} is not of format {FORMAT}, which this version of softal reads")
    return description
