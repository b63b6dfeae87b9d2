# ruff: noqa: D102 - the names of the tests say what they hold
"""The contract of every surrogate, as a test suite that a plug-in author runs against their own.

    # tests/test_mine.py
    import pytest
    from softal.testing.surrogates import Candidate, SurrogateContract

    class TestMine(SurrogateContract):
        @pytest.fixture
        def candidate(self):
            return Candidate("my_package.mine:Mine", {"a_setting": 3})

Targets are two smooth functions of numbers and a choice, with and without standard errors, and what real campaigns
bring with them: failed trials, missing values, duplicates, constants, values that blew up. `pressure` is also the
length of a curve's residual, for surrogates that learn curves: such a candidate takes the objective `MATCH`. Learners
of other arrays are tested by `softal.testing.learners`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.objective import Component, Objective
from softal.references import Reference
from softal.space import Space
from softal.surrogates import Surrogate, build, find, load
from softal.trial import Array, Observation, Point, Trial, TrialState

SPACE: dict[str, Any] = {
    "temperature": {"low": 0.1, "high": 10.0, "log": True},
    "density": {"low": 0.1, "high": 0.9},
    "particles": {"low": 2, "high": 9, "integer": True},
    "lattice": {"choices": ["fcc", "bcc", "hcp"]},
    "mass": {"value": 39.948},
}
TARGETS = ("pressure", "order")
NOISE = 0.02  # standard error of `pressure`, whose own standard deviation is about 0.5
PROFILE = Reference("profile", np.arange(8.0), np.full(8, 8**-0.5))
MATCH = Objective((Component("pressure", "minimize", (PROFILE,)),))


@dataclass(frozen=True)
class Candidate:
    """The surrogate under test.

    Attributes:
        kind: its name, or `module:Class`.
        settings: that it is tested with.
        objective: where it needs one.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    objective: Objective | None = None

    def make(self, space: Space, targets: Sequence[str] = TARGETS) -> Surrogate:
        """Return a new surrogate."""
        return build(self.kind, space, targets, self.settings, self.objective)


def pressure(point: Point) -> float:
    """Return a smooth function of numbers and the choice."""
    shift = {"fcc": 0.0, "bcc": 0.4, "hcp": -0.4}[str(point["lattice"])]
    return float(np.sin(3.0 * float(point["density"])) * np.log(float(point["temperature"])) / 3.0 + shift + 2.0)


def order(point: Point) -> float:
    """Return a smooth function of numbers alone, of size 1e-21, as energies in joule have."""
    return 1e-21 * (float(point["density"]) ** 2 + 0.05 * float(point["particles"]))


def trials(n: int, seed: int = 0) -> list[Trial]:
    """Return n trials: `pressure` is the objective and has a known error, `order` is a value without one."""
    rng = np.random.default_rng(seed)
    space = Space(SPACE)
    return [
        observed(Trial(i, point, state=TrialState.DONE), pressure(point) + NOISE * rng.standard_normal(), NOISE)
        for i, point in enumerate(space.from_unit(space.sample(n, rng)))
    ]


def observed(trial: Trial, value: float, error: float | None = None) -> Trial:
    """Return the trial with another pressure, and with the curve whose residual it is the length of."""
    curve = Array.of((1.0 + value) * PROFILE.values, None if error is None else np.full(8, error), PROFILE.grid)
    return replace(
        trial,
        objective={"pressure": value},
        objective_errors={} if error is None else {"pressure": error},
        observation=Observation(values={"order": order(trial.point)}, arrays={"profile": curve}),
    )


class SurrogateContract:
    """Subclass it in a test module, and give the fixture `candidate`."""

    @pytest.fixture
    def candidate(self) -> Candidate:
        raise NotImplementedError("give a fixture `candidate` that returns softal.testing.surrogates.Candidate")

    @pytest.fixture
    def space(self) -> Space:
        return Space(SPACE)

    @pytest.fixture
    def fitted(self, candidate: Candidate, space: Space) -> Surrogate:
        surrogate = candidate.make(space)
        surrogate.fit(trials(40))
        return surrogate

    @pytest.fixture
    def unseen(self, space: Space) -> Floats:
        return space.sample(200, np.random.default_rng(99))

    def test_kind_is_found_by_its_name(self, candidate: Candidate) -> None:
        assert issubclass(find(candidate.kind), Surrogate)

    def test_posterior_is_finite_and_has_its_shape(self, fitted: Surrogate, unseen: Floats) -> None:
        posterior = fitted.posterior(unseen)
        assert posterior.mean.shape == posterior.variance.shape == (200, 2)
        assert posterior.mean.dtype == posterior.variance.dtype == np.float64
        assert np.isfinite(posterior.mean).all()
        assert np.isfinite(posterior.variance).all()
        assert (posterior.variance >= 0).all()

    def test_posterior_at_no_points_is_empty(self, fitted: Surrogate, space: Space) -> None:
        assert fitted.posterior(np.empty((0, space.dimension))).mean.shape == (0, 2)

    def test_predicts_better_than_a_constant(self, fitted: Surrogate, space: Space, unseen: Floats) -> None:
        points = space.from_unit(unseen)
        for name, function in zip(TARGETS, (pressure, order), strict=True):
            truth = np.array([function(point) for point in points])
            mean, _ = fitted.predict(points)[name]
            assert np.sqrt(np.mean((mean - truth) ** 2)) < 0.6 * np.std(truth), name

    def test_predict_is_the_posterior_in_natural_units(self, fitted: Surrogate, space: Space, unseen: Floats) -> None:
        posterior, predicted = fitted.posterior(unseen), fitted.predict(space.from_unit(unseen))
        assert list(predicted) == list(TARGETS)
        for i, (mean, std) in enumerate(predicted.values()):
            np.testing.assert_allclose(mean, posterior.mean[:, i], rtol=1e-6)
            np.testing.assert_allclose(std, np.sqrt(posterior.variance[:, i]), rtol=1e-4)

    def test_same_trials_give_the_same_posterior(
        self, candidate: Candidate, space: Space, fitted: Surrogate, unseen: Floats
    ) -> None:
        again = candidate.make(space)
        np.random.seed(1)  # noqa: NPY002 - the global state must not matter
        again.fit(trials(40))
        np.testing.assert_array_equal(again.posterior(unseen).mean, fitted.posterior(unseen).mean)

    def test_fit_again_forgets_what_was_learned(
        self, candidate: Candidate, space: Space, fitted: Surrogate, unseen: Floats
    ) -> None:
        again = candidate.make(space)
        again.fit(trials(12, seed=5))
        again.fit(trials(40))
        np.testing.assert_array_equal(again.posterior(unseen).mean, fitted.posterior(unseen).mean)

    def test_global_random_state_is_not_touched(self, candidate: Candidate, space: Space, unseen: Floats) -> None:
        import torch

        before = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
        surrogate = candidate.make(space)
        surrogate.fit(trials(12))
        surrogate.posterior(unseen)
        surrogate.sample(unseen, 2, np.random.default_rng(0))
        after = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
        assert before[:2] == after[:2]
        assert torch.equal(before[2], after[2])

    def test_samples_have_their_shape_and_come_from_the_generator(self, fitted: Surrogate, unseen: Floats) -> None:
        drawn = [fitted.sample(unseen, 5, np.random.default_rng(seed)) for seed in (0, 0, 1)]
        assert drawn[0].shape == (5, 200, 2)
        np.testing.assert_array_equal(drawn[0], drawn[1])
        assert not np.array_equal(drawn[0], drawn[2])

    def test_diagnostics_are_of_each_target(self, fitted: Surrogate) -> None:
        found = fitted.diagnostics()
        assert found.n == 40
        assert found.method in ("leave-one-out", "held-out")
        for measure in (found.rmse, found.r2, found.coverage):
            assert list(measure) == list(TARGETS)
        assert all(value >= 0 for value in found.rmse.values())
        assert all(0 <= value <= 1 for value in found.coverage.values())

    def test_diagnostics_are_of_what_is_shown_of_unseen_trials(self, fitted: Surrogate, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        loaded = load(tmp_path, fitted.kind if ":" in fitted.kind else None)
        assert list(loaded.unseen()) == list(fitted.unseen())
        found = fitted.diagnostics()
        for name, unseen in loaded.unseen().items():
            shown = found.rmse[name], found.r2[name], found.coverage[name]
            np.testing.assert_allclose(unseen.score, shown, rtol=1e-9)

    def test_failed_and_unfinished_trials_are_left_out(
        self, candidate: Candidate, space: Space, fitted: Surrogate, unseen: Floats
    ) -> None:
        done = trials(40)
        others = [
            replace(done[0], id=40, state=TrialState.FAILED, objective={}, observation=None, reason="blew up"),
            replace(done[1], id=41, state=TrialState.RUNNING, objective={}, observation=None),
        ]
        surrogate = candidate.make(space)
        surrogate.fit([*done, *others])
        np.testing.assert_array_equal(surrogate.posterior(unseen).mean, fitted.posterior(unseen).mean)

    def test_missing_values_are_left_out(self, candidate: Candidate, space: Space, unseen: Floats) -> None:
        some = [replace(t, observation=Observation()) if t.id % 3 == 0 else t for t in trials(30)]
        surrogate = candidate.make(space)
        surrogate.fit(some)
        assert np.isfinite(surrogate.posterior(unseen).mean).all()

    @pytest.mark.parametrize("case", ["few", "constant", "duplicates", "blown up", "tiny errors", "zero errors"])
    def test_awkward_data_give_a_finite_posterior(
        self, candidate: Candidate, space: Space, unseen: Floats, case: str
    ) -> None:
        surrogate = candidate.make(space, ["pressure"])
        surrogate.fit(_awkward(case))
        posterior = surrogate.posterior(unseen)
        assert np.isfinite(posterior.mean).all()
        assert np.isfinite(posterior.variance).all()
        surrogate.diagnostics()

    def test_one_trial_gives_a_finite_posterior_or_is_refused(
        self, candidate: Candidate, space: Space, unseen: Floats
    ) -> None:
        surrogate = candidate.make(space)
        try:
            surrogate.fit(trials(1))
        except SurrogateError:
            return
        assert np.isfinite(surrogate.posterior(unseen).mean).all()

    def test_one_blown_up_value_does_not_hide_the_others(
        self, candidate: Candidate, space: Space, unseen: Floats
    ) -> None:
        some = trials(40)
        some[7] = observed(some[7], 1e9, NOISE)
        surrogate = candidate.make(space, ["pressure"])
        surrogate.fit(some)
        truth = np.array([pressure(point) for point in space.from_unit(unseen)])
        assert np.median(np.abs(surrogate.posterior(unseen).mean[:, 0] - truth)) < np.std(truth)

    def test_what_is_loaded_predicts_the_same(self, fitted: Surrogate, unseen: Floats, tmp_path: Path) -> None:
        fitted.save(tmp_path / "saved")
        kind = fitted.kind if ":" in fitted.kind else None
        loaded = load(tmp_path / "saved", kind)
        assert type(loaded) is type(fitted)
        assert (loaded.space, loaded.targets, loaded.settings) == (fitted.space, fitted.targets, fitted.settings)
        before, after = fitted.posterior(unseen), loaded.posterior(unseen)
        for was, became in ((before.mean, after.mean), (before.variance, after.variance)):
            assert np.all(np.abs(became - was) <= 1e-10 * np.max(np.abs(was), axis=0))
        assert repr(loaded.diagnostics()) == repr(fitted.diagnostics())
        rng = np.random.default_rng
        np.testing.assert_allclose(loaded.sample(unseen, 2, rng(0)), fitted.sample(unseen, 2, rng(0)), rtol=1e-6)

    def test_saved_files_are_json_and_safetensors(self, fitted: Surrogate, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        tables = {f"{name}.json" for name in fitted.tables()}
        assert {path.name for path in tmp_path.iterdir()} == {"model.json", "model.safetensors", *tables}
        assert json.loads((tmp_path / "model.json").read_text())["targets"] == list(TARGETS)

    @pytest.mark.parametrize("damage", ["missing", "tensors", "json", "format", "kind"])
    def test_a_damaged_file_is_refused(self, fitted: Surrogate, tmp_path: Path, damage: str) -> None:
        fitted.save(tmp_path)
        spoil(tmp_path, damage)
        with pytest.raises(SurrogateError):
            type(fitted).load(tmp_path)

    def test_use_before_fit_is_refused(self, candidate: Candidate, space: Space, tmp_path: Path) -> None:
        surrogate = candidate.make(space)
        for use in (
            lambda: surrogate.posterior(np.zeros((1, 4))),
            surrogate.diagnostics,
            lambda: surrogate.save(tmp_path),
        ):
            with pytest.raises(SurrogateError, match="not been fitted"):
                use()

    def test_nothing_to_learn_from_is_refused(self, candidate: Candidate, space: Space) -> None:
        with pytest.raises(SurrogateError, match="nothing to learn from"):
            candidate.make(space).fit([])
        with pytest.raises(SurrogateError, match=r"no trial has .*'entropy'.*order, pressure"):
            candidate.make(space, ["entropy"]).fit(trials(5))

    def test_a_wrong_shape_is_refused(self, fitted: Surrogate) -> None:
        with pytest.raises(SurrogateError, match=r"\(n, 4\)"):
            fitted.posterior(np.zeros((3, 7)))


def _awkward(case: str) -> list[Trial]:
    some = trials(4 if case == "few" else 16)
    if case == "constant":
        return [observed(t, 7.0) for t in some]
    if case == "duplicates":
        return [replace(t, point=some[t.id % 2].point) for t in some]
    if case == "blown up":
        return [observed(t, 1e12, NOISE) if t.id in (3, 9) else t for t in some]
    if case.endswith("errors"):
        error = 0.0 if case == "zero errors" else 1e-200
        return [observed(t, t.objective["pressure"], error) for t in some]
    return some


def spoil(folder: Path, damage: str) -> None:
    """Damage a saved model: a file is missing or cut, or the description says something else."""
    path = folder / ("model.safetensors" if damage == "tensors" else "model.json")
    if damage == "missing":
        path.unlink()
    elif damage in ("format", "kind"):
        description = json.loads(path.read_text())
        path.write_text(json.dumps({**description, damage: "another"}))
    else:
        path.write_bytes(path.read_bytes()[:20])
