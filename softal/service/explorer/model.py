"""What the page asks for: the campaign, a prediction at a point, and slices through it. Plain data, ready for JSON."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from softal.about import LEARNER, SURROGATE
from softal.errors import SoftalError, SurrogateError
from softal.numeric import NORMAL_95
from softal.orchestrator.predictions import complete_point, refusal
from softal.space.parameters import Choice, Integer, Parameter, Real
from softal.surrogates.folders import latest_of
from softal.surrogates.learner import DESCRIPTION
from softal.tracking.journal import DATABASE
from softal.tracking.report.data import question
from softal.trial import Point, Trial, TrialState

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign
    from softal.surrogates import Learner, Surrogate

RESOLUTION = 81  # points of a slice along a real parameter
TRIALS = 400  # shown as dots, the latest ones
SAMPLES = 256  # points of the space from which the range of the axes is taken


class Explorer:
    """A campaign with the latest versions of surrogate and learner, which are read again when new ones are published.

    Attributes:
        version: how often a surrogate was read; 0 before the first one.
    """

    def __init__(self, campaign: Campaign) -> None:
        self.campaign, self.space = campaign, campaign.spec.space
        self.version = 0
        self._surrogate: Surrogate | None = None
        self._learner: Learner | None = None  # which knows where nothing is to be predicted
        self._stamp: list[tuple[int, int]] = []
        self._reading, self._reporting = threading.Lock(), threading.Lock()
        self.refresh()

    def refresh(self) -> Surrogate | None:
        """Return the latest surrogate, read again if it is a new one; None where there is none yet."""
        with self._reading:
            try:
                if (stamp := self._published()) != self._stamp:
                    self._surrogate, self._learner = self.campaign.surrogate, self.campaign.latest_learner
                    self._stamp = stamp
                    self.version += 1
            except (OSError, SoftalError):  # about to be replaced, or there is none: the next question finds it
                pass
            return self._surrogate

    def _published(self) -> list[tuple[int, int]]:
        """Return what tells the latest surrogate and learner from others; OSError where there is no surrogate."""
        files = [latest_of(self.campaign.folder, what) / DESCRIPTION for what in (SURROGATE, LEARNER)]
        found = [file.stat() for file in (files[0], *(file for file in files[1:] if file.exists()))]
        return [(one.st_mtime_ns, one.st_ino) for one in found]

    def describe(self) -> dict[str, Any]:
        """Return name, question, parameters, targets, trials and how good the surrogate is."""
        surrogate = self.refresh()
        spec = self.campaign.spec
        with self.campaign.scored() as (journal, scores):
            done, latest = journal.counts()[TrialState.DONE], journal.latest(TrialState.DONE, TRIALS)
            best = None if scores.best is None else journal.trial(int(scores.ids[scores.best]))
        targets = surrogate.targets if surrogate else ()
        return {
            "name": spec.name,
            "question": question(self.space, spec.objective),
            "version": self.version,
            "parameters": [_parameter(name, self.space.parameters[name]) for name in self.space.names],
            "others": [name for name in self.space.all_names if name not in self.space.names],
            "units": self.space.units,
            "constraints": list(self.space.constraints),
            "targets": [
                {"name": name, **self._quality(name), "range": self._range(i)} for i, name in enumerate(targets)
            ],
            "trials": [self._dot(trial, targets) for trial in latest],
            "done": done,
            "best": self._best(best),
        }

    def predict(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the prediction at a point given by texts.

        Raises:
            SoftalError: where the point is wrong, the surrogate refuses it, or nothing is learned yet.
        """
        found = self._predict(complete_point(self.space, entry))
        if found["refused"]:
            raise SurrogateError(found["refused"])
        return found

    def slices(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the prediction at a point, and for each free parameter those along it through the point.

        A slice has `u`, the places on the parameter's axis from 0 to 1, its values, whether they satisfy the
        constraints and the surrogate does not refuse them, and mean and std of each target.
        """
        point = complete_point(self.space, entry)
        [here] = self.space.to_unit([point])
        grids = [self._grid(column) for column in range(self.space.dimension)]
        U = np.concatenate([_along(here, column, grid) for column, grid in enumerate(grids)])
        surrogate = self._require()
        posterior = surrogate.posterior(U)
        feasible, ends = self.space.feasible(U), np.cumsum([len(grid) for grid in grids])[:-1]
        parts = zip(*(np.split(part, ends) for part in (U, posterior.mean, posterior.std, feasible)), strict=True)
        slices = {}
        for column, (name, (places, mean, std, allowed)) in enumerate(zip(self.space.names, parts, strict=True)):
            rows = self.space.from_unit(places)
            slices[name] = {
                "u": places[:, column].tolist(),
                "values": [row[name] for row in rows],
                "feasible": [bool(fits) and not self._refused(r) for fits, r in zip(allowed, rows, strict=True)],
                "mean": mean.T.tolist(),
                "std": std.T.tolist(),
            }
        return self._predict(point) | {"slices": slices}

    def report(self) -> Path:
        """Return the report, written again where the campaign has gone on since."""
        with self._reporting:
            page = self.campaign.folder / "report.html"
            journal = [self.campaign.folder / name for name in (DATABASE, f"{DATABASE}-wal")]
            changed = max(path.stat().st_mtime for path in journal if path.exists())
            return page if page.exists() and page.stat().st_mtime > changed else self.campaign.report()

    def _require(self) -> Surrogate:
        surrogate = self.refresh()
        if surrogate is None:
            raise SoftalError("there is no surrogate yet: it is fitted once a few trials are done")
        return surrogate

    def _predict(self, point: Point) -> dict[str, Any]:
        surrogate = self._require()
        found = surrogate.predict([point])
        prediction = {}
        for name, (means, stds) in found.items():
            mean, std = float(means[0]), float(stds[0])
            prediction[name] = {"mean": mean, "std": std, "low": mean - NORMAL_95 * std, "high": mean + NORMAL_95 * std}
        inside = bool(self.space.feasible(self.space.to_unit([point]))[0])
        refused = self._refused(point)
        return {
            "point": point, "prediction": prediction, "feasible": inside, "refused": refused, "version": self.version
        }  # fmt: skip

    def _refused(self, point: Point) -> str | None:
        return refusal(point, self._surrogate, self._learner)

    def _grid(self, column: int) -> Any:
        cells = int(self.space.cells[column])
        if cells == 0 or cells > RESOLUTION:
            unit = np.full((RESOLUTION, self.space.dimension), 0.5)
            unit[:, column] = np.linspace(0, 1, RESOLUTION)
            return np.unique(self.space.snap(unit)[:, column])
        name, parameter = self.space.names[column], self.space.parameters[self.space.names[column]]
        values = parameter.choices if isinstance(parameter, Choice) else range(parameter.low, parameter.high + 1)  # type: ignore[union-attr,arg-type]
        [middle] = self.space.from_unit([[0.5] * self.space.dimension])
        return self.space.to_unit([{**middle, name: value} for value in values])[:, column]

    def _range(self, target: int) -> list[float]:
        """Return the range of a target's means over the space, for axes that stand still."""
        U = self.space.sample(SAMPLES, np.random.default_rng(0))
        mean = self._require().posterior(U).mean[:, target]
        return [float(bound) for bound in np.quantile(mean, (0.01, 0.99))]

    def _quality(self, target: str) -> dict[str, float | None]:
        versions = self.campaign.versions
        found = {
            what: versions[-1].get(what, {}).get(target) if versions else None for what in ("rmse", "r2", "coverage")
        }
        return {what: value if value is not None and math.isfinite(value) else None for what, value in found.items()}

    def _dot(self, trial: Trial, targets: tuple[str, ...]) -> dict[str, Any]:
        known = {**(trial.observation.values if trial.observation else {}), **trial.objective}
        [u] = self.space.to_unit([trial.point])
        return {"id": trial.id, "u": u.tolist(), "y": [known.get(name) for name in targets]}

    def _best(self, trial: Trial | None) -> dict[str, Any] | None:
        return None if trial is None else {"id": trial.id, "point": trial.point, "objective": trial.objective}


def _along(here: Any, column: int, grid: Any) -> Any:
    rows = np.tile(here, (len(grid), 1))
    rows[:, column] = grid
    return rows


def _parameter(name: str, parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {"name": name, "unit": parameter.unit}
    if isinstance(parameter, Choice):
        return described | {"kind": "choice", "choices": list(parameter.choices)}
    assert isinstance(parameter, Real | Integer)
    kind = "integer" if isinstance(parameter, Integer) else "real"
    return described | {"kind": kind, "low": parameter.low, "high": parameter.high, "log": parameter.log}


def to_json(content: Any) -> bytes:
    """Return JSON, in which numbers that are not finite are null."""
    return json.dumps(_finite(content), allow_nan=False).encode()


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
