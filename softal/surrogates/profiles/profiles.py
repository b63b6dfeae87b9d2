"""The learner of profiles: whole curves over a point of the space, with uncertainty, of any simulator's arrays.

What is known of an array without a simulation comes from the simulator's `Outputs.known`, by way of the objective, and
from the setting `known`. How curves are made of it is in `forms` and `places`, the networks in `ensemble`, `paper` and
`gaussian`, how good it all is on trials that were not learned from in `report`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from softal.errors import SurrogateError
from softal.kinds.validation import unknown
from softal.numeric import Floats
from softal.outputs import Known
from softal.space import Space
from softal.space.expressions import Expression
from softal.surrogates.learner import Learner, part_of
from softal.surrogates.profiles.calibration import AsItIs, Calibration
from softal.surrogates.profiles.data import ProfileData
from softal.surrogates.profiles.forms import Form
from softal.surrogates.profiles.inputs import Inputs
from softal.surrogates.profiles.members import committee
from softal.surrogates.profiles.report import calibrations, evaluate, metrics, untrained
from softal.surrogates.profiles.settings import ProfilesSettings
from softal.surrogates.profiles.training import Model, Problem, Trained
from softal.trial import Trial, Value

if TYPE_CHECKING:
    from softal.cards import Card, View

SHOWN = "profiles"  # name of the table with all that is to be shown
FEWEST = 6  # points to learn from


class Profiles(Learner):
    """Whole curves point -> arrays, with uncertainty: density profiles, S(k), g(r), F_s(t)."""

    kind = "profiles"
    Settings = ProfilesSettings
    _calibrations: list[Calibration]

    @classmethod
    def suits(cls, settings: BaseModel, space: Space, arrays: frozenset[str] | None) -> str | None:
        """Return that the simulator returns no such array, or that a formula names what is no parameter."""
        assert isinstance(settings, ProfilesSettings)
        if arrays is not None and not arrays:
            return "the simulator returns no arrays, only values"
        for name in dict.fromkeys((*(settings.arrays or ()), *settings.known)):
            if arrays is not None and name not in arrays:
                return unknown(name, arrays, "array of the simulator")
        for array, known in settings.known.items():
            for fact, text in known.formulas.items():
                if wrong := sorted(Expression(text).names - set(space.all_names)):
                    return f"known.{array}.{fact}: {unknown(wrong[0], space.all_names, 'parameter of the space')}"
        return None

    def _learn(self, done: Sequence[Trial]) -> None:
        began = time.perf_counter()
        try:
            problem = self._problem(done)
            trained = _train(problem, self.settings, self.settings.seed)
        except SurrogateError as error:
            self.untrained = str(error)
            self._shown = untrained(self.untrained)
            return
        self._model, self._inputs = trained.model, problem.inputs
        self._calibrations = calibrations(problem, trained)
        self._shown = evaluate(problem, trained, self.settings.network)
        self._shown["seconds"] = time.perf_counter() - began

    def committee(self, trials: Sequence[Trial], seed: int = 0) -> Callable[[Floats], Floats]:
        """Learn without folds, and return the members' curves; see the base class."""
        return committee(self._problem(trials), self.settings, seed)

    def _problem(self, trials: Sequence[Trial]) -> Problem:
        known = dict(self.objective.known) if self.objective is not None else {}
        known |= {name: own.over(known.get(name, Known())) for name, own in self.settings.known.items()}
        good = self.objective.lessons(trials) if self.objective is not None else list(trials)
        systems = len(np.unique(self.space.to_unit([trial.point for trial in good]).round(9), axis=0))
        if systems < FEWEST:
            raise SurrogateError(f"profiles are learned from {FEWEST} different points at least; there are {systems}")
        return Problem.of(ProfileData.of(good, self.space, self.settings.arrays), self.space, known)

    # Curves.

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays that were learned; SurrogateError where there are none."""
        self._require_model()
        return tuple(form.name for form in self._inputs.forms)

    def curves(self, points: Sequence[Mapping[str, Value]]) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Return array -> (grid (K,), mean (n, K), standard deviation (n, K)) at points, in natural units.

        What is returned is the array without noise; NaN in bins that no simulation has measured.

        Raises:
            SurrogateError: nothing was learned, or what is known has no value at a point.
        """
        self._require_model()
        X, frames = self.space.to_unit(points), self._inputs.frames(points)
        raw = self._model.raw(X, frames)
        found = {}
        for form, frame, own, calibration in zip(self._inputs.forms, frames, raw, self._calibrations, strict=True):
            std = calibration.std(own, form, frame)
            pair = form.unfolded(own.mean), form.unfolded(std)
            if form.unmeasured.any():
                pair = tuple(np.where(form.unmeasured, np.nan, part) for part in pair)  # type: ignore[assignment]
            found[form.name] = (form.grid, *pair)
        return found

    # What is shown.

    def metrics(self) -> dict[str, float]:
        """Return success rate, RMSE, mean error and coverage of each array on trials left out; empty without one.

        They are called `success_<array>`, `rmse_<array>` and so on.
        """
        return metrics(self._shown)

    def cards(self, view: View) -> Sequence[Card]:
        """Return profiles of some trials beside predictions by what has not seen them, and how good these are."""
        from softal.surrogates.profiles.cards import cards

        return cards(view)

    def tables(self) -> dict[str, Any]:
        """Return `profiles`: all that is to be shown, or why nothing was learned."""
        return {SHOWN: self._shown}

    # What is kept.

    def _require_model(self) -> None:
        self._require_fit()
        if self.untrained:
            raise SurrogateError(f"the profiles are not learned: {self.untrained}")

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        state: dict[str, Any] = {"untrained": self.untrained, SHOWN: self._shown}
        if self.untrained is not None:
            return {}, state
        forms, tensors = self._inputs.forms, {f"model.{k}": v for k, v in self._model.to_tensors().items()}
        tensors |= {f"inputs.{name}": values for name, values in self._inputs.to_tensors().items()}
        for i, (form, calibration) in enumerate(zip(forms, self._calibrations, strict=True)):
            own = {"grid": form.grid, "unmeasured": form.unmeasured, **calibration.to_tensors()}
            tensors |= {f"array.{i}.{name}": values for name, values in own.items()}
        named = ("name", "constant", "unit", "grid_unit")
        state["arrays"] = [
            {
                **{name: getattr(form, name) for name in named},
                "known": {**vars(form.known), "defaults": {**form.known.defaults}},
            }
            for form in forms
        ]
        return tensors, state | {"model": self._model.plain()}

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._shown, self.untrained = dict(state[SHOWN]), state["untrained"]
        if self.untrained is not None:
            return
        own = [part_of(f"array.{i}", tensors) for i in range(len(state["arrays"]))]
        forms = tuple(
            Form(**{**said, "known": Known(**said["known"])}, grid=one["grid"], unmeasured=one["unmeasured"])
            for said, one in zip(state["arrays"], own, strict=True)
        )
        made = AsItIs if self.settings.network == "paper" else Calibration
        self._calibrations = [made.from_tensors(one) for one in own]
        self._inputs = Inputs(self.space, forms, **part_of("inputs", tensors))
        self._model = self._restored(part_of("model", tensors), state["model"])

    def _restored(self, tensors: Mapping[str, NDArray[Any]], plain: Mapping[str, Any]) -> Model:
        forms = self._inputs.forms
        if self.settings.network == "ensemble":
            from softal.surrogates.profiles.ensemble import Ensemble

            return Ensemble.from_tensors(tensors, forms, self._inputs)
        if self.settings.network == "paper":
            from softal.surrogates.profiles.paper import Paper

            return Paper.from_tensors(tensors, forms)
        from softal.surrogates.profiles.gaussian import Gaussian

        return Gaussian.from_tensors(tensors, plain, forms, self.space.categorical)


def _train(problem: Problem, settings: ProfilesSettings, seed: int) -> Trained:
    """Return what the settings ask for, trained; PyTorch is imported where networks need it."""
    if settings.network == "ensemble":
        from softal.surrogates.profiles.ensemble import train_ensemble

        return train_ensemble(problem, settings, seed)
    if settings.network == "paper":
        from softal.surrogates.profiles.paper import train_paper

        return train_paper(problem, settings, seed)
    from softal.surrogates.profiles.gaussian import train_gaussian

    return train_gaussian(problem, settings, seed)
