"""What the page asks for: the campaign, a prediction at a point, and slices through it. Plain data, ready for JSON."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from softal.about import LEARNER, SURROGATE
from softal.errors import SoftalError, SpaceError, SurrogateError
from softal.kinds.validation import unknown
from softal.numeric import NORMAL_95, Floats
from softal.orchestrator.points import complete_point
from softal.orchestrator.predictions import predict_arrays, refusal
from softal.outputs import Outputs
from softal.service.explorer.axes import described_parameter, moved_along, places_along
from softal.service.explorer.curves import along, compared, described, family, shown, table
from softal.service.explorer.novelty import Novelty
from softal.service.explorer.trials import Trials
from softal.space import Space
from softal.surrogates.folders import latest_of
from softal.surrogates.learner import DESCRIPTION
from softal.tracking.database import DATABASE
from softal.tracking.report.data import question
from softal.trial import Point, Trial, TrialState

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign
    from softal.surrogates import Learner, Surrogate

MOST = 200  # trials at which axes and what was learned are measured
SHOWN_TRIALS = 400  # shown as dots, the latest ones
SAMPLES = 256  # points of the space from which the range of the axes is taken


class Explorer:
    """A campaign with the latest versions of surrogate and learner, which are read again when new ones are published.

    Attributes:
        version: how often surrogate or learner were read; 0 before the first one.
        trials: of the campaign.
    """

    def __init__(self, campaign: Campaign) -> None:
        self.campaign, self.space = campaign, campaign.spec.space
        self.version = 0
        self.trials = Trials(campaign.folder, self.space)
        self._constraints = [(text, Space(self.space.parameters, [text])) for text in self.space.constraints]
        self._surrogate: Surrogate | None = None
        self._learner: Learner | None = None  # which may predict curves, and know where nothing is to be predicted
        self._stamp: list[tuple[int, int]] = []
        self._novelty: tuple[int, Novelty] | None = None
        self._reading, self._reporting = threading.RLock(), threading.Lock()
        self.refresh()

    def refresh(self) -> Surrogate | None:
        """Return the latest surrogate, read again if it is a new one; None where there is none yet."""
        with self._reading:
            try:
                if (stamp := self._published()) != self._stamp:
                    self._surrogate = self.campaign.latest_surrogate
                    self._learner = self.campaign.latest_learner
                    self._stamp = stamp
                    self.version += 1
            except (OSError, SoftalError):  # about to be replaced: the next question finds it
                pass
            return self._surrogate

    def _published(self) -> list[tuple[int, int]]:
        """Return what tells the latest surrogate and learner from others; nothing where there is none."""
        files = [latest_of(self.campaign.folder, what) / DESCRIPTION for what in (SURROGATE, LEARNER)]
        found = [file.stat() for file in files if file.exists()]
        return [(one.st_mtime_ns, one.st_ino) for one in found]

    def describe(self) -> dict[str, Any]:
        """Return name, question, parameters, targets, trials and how good the surrogate is."""
        surrogate = self.refresh()
        spec = self.campaign.spec
        with self.campaign.scored() as (journal, scores):
            done, latest = journal.counts()[TrialState.DONE], journal.latest(TrialState.DONE, SHOWN_TRIALS)
            best = None if scores.best is None else journal.trial(int(scores.ids[scores.best]))
        targets = surrogate.targets if surrogate else ()
        arrays: list[dict[str, Any]] = []
        with contextlib.suppress(SurrogateError):  # of a learner that cannot say anything at some trial
            arrays = self._arrays()
            self._known()  # which the first prediction would have to wait for
        return {
            "name": spec.name,
            "folder": str(self.campaign.folder),
            "question": question(self.space, spec.objective),
            "version": self.version,
            "parameters": [described_parameter(name, self.space.parameters[name]) for name in self.space.names],
            "others": [name for name in self.space.all_names if name not in self.space.names],
            "units": self.space.units,
            "value_units": dict(self.outputs.value_units),
            "constraints": list(self.space.constraints),
            "targets": [
                {"name": name, **self._quality(name), "range": self._range(i)} for i, name in enumerate(targets)
            ],
            "trials": [self._dot(trial, targets) for trial in latest],
            "arrays": arrays,
            "done": done,
            "best": self._best(best),
        }

    def predict(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the prediction at a point given by texts.

        Raises:
            SoftalError: where the point is wrong, the surrogate refuses it, or nothing is learned yet.
        """
        self._require()
        found = self._predict(complete_point(self.space, entry))
        if found["refused"]:
            raise SurrogateError(found["refused"])
        return found

    def curves(self, entry: Mapping[str, Any], sweep: str | None = None) -> dict[str, Any]:
        """Return what moves with the sliders: values and curves at a point, what lies near, and what speaks against it.

        Args:
            entry: the point, given by texts.
            sweep: a free parameter, along which curves are predicted, too.
        """
        self._learned()
        if not len(self.trials):
            self.trials.follow()
        point = complete_point(self.space, entry)
        found = self._predict(point)
        curves = {} if found["refused"] else self.predict_arrays([point])
        [u] = self.space.to_unit([point])
        found["properties"] = {} if found["refused"] else self._properties(point)
        found |= {"curves": shown(curves), "near": self.trials.nearest(u), "family": None}
        found["warnings"] = [] if found["refused"] else self._warnings(point, u, curves)
        found["violated"] = [text for text, own in self._constraints if not own.feasible([u])[0]]
        found["unsimulated"] = self.campaign.spec.built.refuses(point)
        if sweep is not None and curves:
            points = self._along(point, sweep)
            found["family"] = {
                "name": sweep, "values": [one[sweep] for one in points], "curves": family(self.predict_arrays(points))
            }  # fmt: skip
        return found

    def beside(self, trial: Trial) -> dict[str, Any]:
        """Return a simulation beside what is predicted at its point by the latest version."""
        self.refresh()
        found = self._predict(trial.point)
        values = found["prediction"] | ({} if found["refused"] else self._properties(trial.point))
        curves = {} if found["refused"] else self.predict_arrays([trial.point])
        return compared(trial, curves, {name: (one["mean"], one["std"]) for name, one in values.items()}) | {
            "version": self.version
        }

    def table(self, entry: Mapping[str, Any], array: str, sweep: str | None = None) -> str:
        """Return a table (CSV) of one array at a point, and along a parameter."""
        point = complete_point(self.space, entry)
        curves = self.predict_arrays([point])
        if array not in curves:
            raise SpaceError(f"array: {unknown(array, curves, 'array that is predicted')}")
        swept = None
        if sweep is not None:
            points = self._along(point, sweep)
            swept = sweep, points, self.predict_arrays(points)
        return table(array, curves, self.outputs.grid_units.get(array, ""), swept)

    def predict_arrays(self, points: Sequence[Point]) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Return array -> (grid, mean, standard deviation) at points, by the learner, or else by the surrogate."""
        return predict_arrays(points, self._learner, self._surrogate)

    @property
    def outputs(self) -> Outputs:
        """What the simulator declares."""
        return self.campaign.spec.built.outputs or Outputs()

    def _along(self, point: Point, name: str) -> list[Point]:
        if name not in self.space.names:
            raise SpaceError(f"along: {unknown(name, self.space.names, 'free parameter')}")
        return along(self.space, point, name)

    def _arrays(self) -> list[dict[str, Any]]:
        """Return what is to be known of the arrays that are predicted; empty where there are none."""
        [here] = self.space.from_unit(self.space.sample(1, np.random.default_rng(0)))
        curves = self.predict_arrays([here])
        if not curves:
            return []
        points = [p for p in self._some_points() if not self._refused(p)]
        over = self.predict_arrays(points or [here])
        likely = {name: _bounds(mean) for name, (_, mean, _) in over.items()}
        return described(curves, self.outputs, likely)

    def _some_points(self) -> list[Point]:
        """Return points of trials, at most so many, or else of the space."""
        self.trials.follow()
        places = self.trials.places
        if not len(places):
            places = self.space.sample(MOST // 4, np.random.default_rng(0))
        return self.space.from_unit(places[:: -(-len(places) // MOST)])

    def _warnings(self, point: Point, u: Floats, curves: Mapping[str, Any]) -> list[str]:
        distances = self.trials.distances(u)
        if not len(distances):
            return []
        [nearest] = self.trials.nearest(u, 1)
        pairs = {name: (mean, std) for name, (_, mean, std) in curves.items()} or self._targets([point])
        return self._known().warnings(pairs, float(distances.min()), nearest)

    def _known(self) -> Novelty:
        """Return what was learned as far as it says what lies outside, found once for each version."""
        with self._reading:
            if self._novelty is None or self._novelty[0] != self.version:
                points = [p for p in self._some_points() if not self._refused(p)]
                curves = self.predict_arrays(points) if points else {}
                pairs = {name: (mean, std) for name, (_, mean, std) in curves.items()} or self._targets(points)
                self._novelty = self.version, Novelty.of(pairs, self.space.to_unit(self._some_points()))
            return self._novelty[1]

    def _targets(self, points: Sequence[Point]) -> dict[str, tuple[Floats, Floats]]:
        """Return target -> mean and standard deviation (n, 1), as of curves of one place."""
        if self._surrogate is None or not points:
            return {}
        return {name: (m[:, None], s[:, None]) for name, (m, s) in self._surrogate.predict(points).items()}

    def slices(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the prediction at a point, and for each free parameter those along it through the point.

        A slice has `u`, the places on the parameter's axis from 0 to 1, its values, whether they satisfy the
        constraints and the surrogate does not refuse them, and mean and std of each target.
        """
        point = complete_point(self.space, entry)
        [here] = self.space.to_unit([point])
        grids = [places_along(self.space, column) for column in range(self.space.dimension)]
        U = np.concatenate([moved_along(here, column, grid) for column, grid in enumerate(grids)])
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

    def _learned(self) -> None:
        """Raise SoftalError where neither surrogate nor learner has learned anything yet."""
        if self.refresh() is None and self._learner is None:
            raise SoftalError("nothing is learned yet: surrogate and learner are fitted once a few trials are done")

    def _predict(self, point: Point) -> dict[str, Any]:
        found = self._surrogate.predict([point]) if self._surrogate is not None else {}
        prediction = {name: _interval(mean[0], std[0]) for name, (mean, std) in found.items()}
        inside = bool(self.space.feasible(self.space.to_unit([point]))[0])
        refused = self._refused(point)
        return {
            "point": point, "prediction": prediction, "feasible": inside, "refused": refused, "version": self.version
        }  # fmt: skip

    def _properties(self, point: Point) -> dict[str, dict[str, float]]:
        """Return what is predicted of values with targets of their own."""
        predict = getattr(self._surrogate, "properties", None)
        if predict is None:
            return {}
        return {name: _interval(mean[0], std[0]) for name, (mean, std) in predict([point]).items()}

    def _refused(self, point: Point) -> str | None:
        return refusal(point, self._surrogate, self._learner)

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


def _interval(mean: float, std: float) -> dict[str, float]:
    half = NORMAL_95 * std
    return {"mean": float(mean), "std": float(std), "low": float(mean - half), "high": float(mean + half)}


def _bounds(mean: Floats) -> tuple[float, float]:
    known = mean[np.isfinite(mean)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
