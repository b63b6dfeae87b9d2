# ruff: noqa: D102 - the names of the tests say what they hold
"""The contract of every learner that is no surrogate, as a test suite that a plug-in author runs against their own.

    # tests/test_mine.py
    import pytest
    from softal.testing.learners import Candidate, LearnerContract

    class TestMine(LearnerContract):
        @pytest.fixture
        def candidate(self):
            return Candidate("my_package.mine:Mine", SPACE, trials, {"a_setting": 3})

`trials` is a function of the author's module: n -> n trials that are done, with the arrays that are learned from, the
same each time. What surrogates keep is in `softal.testing.surrogates`.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.objective import Objective
from softal.space import Space
from softal.surrogates import Learner, Surrogate, build_learner, find_learner, load_learner
from softal.testing.surrogates import spoil
from softal.trial import Trial, TrialState


@dataclass(frozen=True)
class Candidate:
    """The learner under test.

    Attributes:
        kind: its name, or `module:Class`.
        space: of the trials.
        trials: n -> so many trials; a function that another process can import.
        settings: that it is tested with.
        objective: where it needs one.
        enough: number of trials that it learns from.
    """

    kind: str
    space: Mapping[str, Any]
    trials: Callable[[int], list[Trial]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    objective: Objective | None = None
    enough: int = 18

    def make(self) -> Learner:
        """Return a new learner."""
        return build_learner(self.kind, Space(self.space), self.settings, self.objective)

    def fitted(self) -> Learner:
        """Return one that has learned from enough trials."""
        learner = self.make()
        learner.fit(self.trials(self.enough))
        return learner


Learned = tuple[dict[str, Floats], dict[str, float]]


def learned(learner: Learner) -> Learned:
    """Return what a learner keeps: arrays by name, and metrics."""
    from safetensors.numpy import load_file

    with tempfile.TemporaryDirectory() as folder:
        learner.save(folder)
        return load_file(Path(folder) / "model.safetensors"), learner.metrics()


def learned_anew(candidate: Candidate) -> Learned:
    """Return what a new learner keeps of enough trials."""
    return learned(candidate.fitted())


def assert_same(one: Learned, other: Learned) -> None:
    """Assert that two learners keep the same, to the last bit."""
    assert list(one[0]) == list(other[0])
    for name, values in one[0].items():
        np.testing.assert_array_equal(values, other[0][name], name)
    assert one[1] == other[1]


class LearnerContract:
    """Subclass it in a test module, and give the fixture `candidate`."""

    @pytest.fixture
    def candidate(self) -> Candidate:
        raise NotImplementedError("give a fixture `candidate` that returns softal.testing.learners.Candidate")

    @pytest.fixture
    def fitted(self, candidate: Candidate) -> Learner:
        return candidate.fitted()

    def test_kind_is_found_by_its_name_and_is_no_surrogate(self, candidate: Candidate) -> None:
        found = find_learner(candidate.kind)
        assert issubclass(found, Learner)
        assert not issubclass(found, Surrogate)
        assert found.trained in ("continuously", "at_end")

    def test_it_learns_from_enough_trials(self, fitted: Learner) -> None:
        assert fitted.fitted
        assert fitted.untrained is None

    def test_same_trials_teach_the_same_and_the_global_random_state_is_not_touched(
        self, candidate: Candidate, fitted: Learner
    ) -> None:
        import torch

        np.random.seed(1)  # noqa: NPY002 - the global state must not matter
        before = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
        again = learned_anew(candidate)
        after = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
        assert before[:2] == after[:2]
        assert torch.equal(before[2], after[2])
        assert_same(again, learned(fitted))

    def test_same_trials_teach_the_same_in_a_spawned_process(self, candidate: Candidate, fitted: Learner) -> None:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            elsewhere = pool.apply(learned_anew, (candidate,))
        assert_same(elsewhere, learned(fitted))

    def test_fit_again_forgets_what_was_learned(self, candidate: Candidate, fitted: Learner) -> None:
        again = candidate.make()
        again.fit(candidate.trials(candidate.enough)[1:])
        again.fit(candidate.trials(candidate.enough))
        assert_same(learned(again), learned(fitted))

    def test_failed_and_unfinished_trials_are_left_out(self, candidate: Candidate, fitted: Learner) -> None:
        done = candidate.trials(candidate.enough)
        others = [
            replace(done[0], id=10_000, state=TrialState.FAILED, objective={}, observation=None, reason="blew up"),
            replace(done[1], id=10_001, state=TrialState.RUNNING, objective={}, observation=None),
        ]
        again = candidate.make()
        again.fit([*done, *others])
        assert_same(learned(again), learned(fitted))

    @pytest.mark.parametrize("n", [1, 2])
    def test_a_few_trials_are_learned_or_it_is_said_why_not(self, candidate: Candidate, n: int, tmp_path: Path) -> None:
        learner = candidate.make()
        try:
            learner.fit(candidate.trials(n))
        except SurrogateError:
            return
        if learner.untrained is not None:
            assert learner.metrics() == {}
            assert "\n" not in learner.untrained
        learner.save(tmp_path)
        assert type(learner).load(tmp_path).untrained == learner.untrained

    def test_trials_without_arrays_teach_nothing(self, candidate: Candidate) -> None:
        learner = candidate.make()
        if not learner.wants_arrays:
            pytest.skip("it learns from values")
        without = [
            replace(trial, observation=replace(trial.observation, arrays={}))
            for trial in candidate.trials(candidate.enough)
            if trial.observation is not None
        ]
        try:
            learner.fit(without)
        except SurrogateError:
            return
        assert learner.untrained

    def test_nothing_to_learn_from_is_refused(self, candidate: Candidate) -> None:
        with pytest.raises(SurrogateError, match="nothing to learn from"):
            candidate.make().fit([])

    def test_use_before_fit_is_refused(self, candidate: Candidate, tmp_path: Path) -> None:
        with pytest.raises(SurrogateError, match="not been fitted"):
            candidate.make().save(tmp_path)

    def test_what_is_shown_is_plain_data(self, fitted: Learner) -> None:
        tables = fitted.tables()
        assert json.loads(json.dumps(tables, allow_nan=False)) == tables
        assert all(isinstance(value, float) and math.isfinite(value) for value in fitted.metrics().values())

    def test_what_is_loaded_is_the_same(self, fitted: Learner, tmp_path: Path) -> None:
        fitted.provenance = {"campaign": "one"}
        fitted.save(tmp_path)
        loaded = load_learner(tmp_path, fitted.kind if ":" in fitted.kind else None)
        assert type(loaded) is type(fitted)
        assert (loaded.space, loaded.settings, loaded.provenance) == (fitted.space, fitted.settings, fitted.provenance)
        assert loaded.tables() == fitted.tables()
        assert_same(learned(loaded), learned(fitted))

    def test_saved_files_are_json_and_safetensors(self, fitted: Learner, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        tables = {f"{name}.json" for name in fitted.tables()}
        assert {path.name for path in tmp_path.iterdir()} == {"model.json", "model.safetensors", *tables}

    @pytest.mark.parametrize("damage", ["missing", "tensors", "json", "format", "kind"])
    def test_a_damaged_file_is_refused(self, fitted: Learner, tmp_path: Path, damage: str) -> None:
        fitted.save(tmp_path)
        spoil(tmp_path, damage)
        with pytest.raises(SurrogateError):
            type(fitted).load(tmp_path)
