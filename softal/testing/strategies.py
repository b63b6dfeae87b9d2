# ruff: noqa: D102 - the names of the tests say what they hold
"""The contract of every strategy, as a test suite that a plug-in author runs against their own.

    # tests/test_mine.py
    import pytest
    from softal.testing.strategies import Candidate, StrategyContract

    class TestMine(StrategyContract):
        @pytest.fixture
        def candidate(self):
            return Candidate("my_package.mine:Mine", {"a_setting": 3})

The suite plays the campaign: it asks, evaluates a smooth function with a standard error, lets every fifth trial fail,
finishes trials out of order, and passes notes through JSON, as the journal does.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.pool import Pool
from typing import Any

import numpy as np
import pytest

from softal.errors import StrategyError
from softal.objective import Objective, minimize
from softal.space import Space
from softal.strategies import Strategy, build
from softal.trial import Array, Observation, Point, Proposal, Trial, TrialState

SPACES: dict[str, dict[str, Any]] = {
    "real": {"parameters": {"x": {"low": -5.0, "high": 10.0}, "y": {"low": 0.0, "high": 15.0}}},
    "mixed": {
        "parameters": {
            "temperature": {"low": 0.01, "high": 10.0, "log": True},
            "particles": {"low": 2, "high": 9, "integer": True},
            "lattice": {"choices": ["fcc", "bcc", "hcp"]},
            "mass": {"value": 39.948},
            "half": {"derived": "particles / 2"},
        }
    },
    "constrained": {
        "parameters": {
            "a": {"low": 0.0, "high": 1.0},
            "b": {"low": 0.0, "high": 1.0},
            "k": {"low": 0, "high": 4, "integer": True},
        },
        "constraints": ["a + b <= 1", "k <= 4 * a + 2"],
    },
}
NARROW = {"parameters": {"x": {"low": -2.0, "high": 4.0}, "y": {"low": 4.0, "high": 15.0}}}  # a part of "real"
STEPS: tuple[tuple[int, tuple[int, ...]], ...] = ((3, (1, 0)), (2, (4, 2, 3)), (1, (5,)), (4, (8, 6)), (1, (7, 10)))
"""One campaign: ask so many, then finish these trials in this order; 9 stays pending."""


@dataclass(frozen=True)
class Candidate:
    """The strategy that is tested.

    Attributes:
        kind: name of a built-in or installed strategy, or `module:Class`.
        settings: as in the campaign file.
        seeded: whether another seed gives other points.
        objective: what it is asked to do.
        tolerance: by how much real parameters may differ where points shall be the same (0: bit by bit).
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    objective: Objective = field(default_factory=lambda: minimize("energy"))
    tolerance: float = 0.0

    def make(self, space: Space, seed: int = 1) -> Strategy:
        """Make a new strategy."""
        return build(self.kind, space, self.objective, seed, self.settings)


class Bench:
    """Plays the campaign's part with one strategy; `trials` is the journal."""

    def __init__(self, strategy: Strategy, fail_every: int = 5) -> None:
        self.strategy, self.fail_every = strategy, fail_every
        self.trials: list[Trial] = []
        self.clock = 0

    @property
    def pending(self) -> list[Trial]:
        """Trials without a result."""
        return [trial for trial in self.trials if trial.state.open]

    def ask(self, n: int) -> list[Proposal]:
        """Ask for `n` points and write them down."""
        proposals = self.strategy.ask(n, self.pending)
        for proposal in proposals:
            notes = json.loads(json.dumps(dict(proposal.notes)))
            self.trials.append(
                Trial(
                    len(self.trials),
                    proposal.point,
                    notes=notes,
                    proposed_by=proposal.proposed_by,
                    asked_after=self.clock,
                )
            )
        return proposals

    def finish(self, *ids: int) -> None:
        """Evaluate trials, write the results down, and tell them one by one."""
        for number in ids:
            if number < len(self.trials):
                self.clock += 1
                self.trials[number] = replace(self._evaluated(self.trials[number]), told=self.clock)
                self.strategy.tell([self.trials[number]])

    def _evaluated(self, trial: Trial) -> Trial:
        if self.fail_every and trial.id % self.fail_every == self.fail_every - 1:
            return replace(trial, state=TrialState.FAILED, reason="it blew up")
        return evaluated(trial, self.strategy.space, self.strategy.objective)


def evaluated(trial: Trial, space: Space, objective: Objective) -> Trial:
    """Return the trial as done.

    Component k is the squared distance to (0.3 + 0.1 k, ...) in the unit cube, or a match of arrays that are their
    references there, and differ from them by a cosine for each parameter elsewhere; values are their targets there.
    """
    u = space.to_unit([trial.point])[0]
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    arrays: dict[str, Array] = {}
    aimed: dict[str, float] = {}
    for k, component in enumerate(objective.components):
        away = u - 0.3 - 0.1 * k
        for reference in component.references:
            phase = np.linspace(0.0, np.pi, len(reference.grid))
            simulated = reference.values + np.cos(np.outer(phase, 1 + np.arange(len(u)))) @ away
            arrays[reference.array] = Array.of(simulated, np.full(len(phase), 0.01), reference.grid)
        for j, target in enumerate(component.targets):
            aimed[target.value] = target.target + 10.0 * target.tolerance * float(away[j % len(away)])
        observation = Observation(aimed, dict.fromkeys(aimed, 1e-3), arrays)
        if component.matching:
            values[component.name], errors[component.name] = component.evaluate(observation)
        else:
            values[component.name], errors[component.name] = float(np.sum(away**2)), 0.01
    return replace(
        trial,
        state=TrialState.DONE,
        objective=values,
        objective_errors=errors,
        observation=observation if arrays or aimed else trial.observation,
    )


def campaign(candidate: Candidate, space: str, seed: int = 1, steps: int = len(STEPS)) -> Bench:
    """Run the first `steps` of STEPS."""
    bench = Bench(candidate.make(Space.from_dict(SPACES[space]), seed))
    for n, finished in STEPS[:steps]:
        bench.ask(n)
        bench.finish(*finished)
    return bench


def campaign_points(candidate: Candidate, space: str, seed: int = 1) -> list[Point]:
    """Return all points of one campaign; a spawned process runs this."""
    return [trial.point for trial in campaign(candidate, space, seed).trials]


def assert_same(first: Sequence[Point], second: Sequence[Point], tolerance: float = 0.0) -> None:
    """Assert that two lists of points are the same, real numbers within `tolerance` (relative)."""
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            if isinstance(value, float) and tolerance:
                assert other[name] == pytest.approx(value, rel=tolerance, abs=tolerance), name
            else:
                assert other[name] == value, name


class StrategyContract:
    """Subclass it in a test module and override the fixture `candidate`."""

    @pytest.fixture
    def candidate(self) -> Candidate:
        """Return the strategy to test."""
        raise NotImplementedError("override the fixture `candidate`")

    @pytest.fixture
    def spawned(self) -> Iterator[Pool]:
        """Return a pool of one process that has nothing of this one; a suite of many strategies may share one."""
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            yield pool

    @pytest.mark.parametrize("space", SPACES)
    def test_points_lie_in_the_space(self, candidate: Candidate, space: str) -> None:
        bench = campaign(candidate, space)
        assert bench.trials
        for trial in bench.trials:
            assert bench.strategy.space.complete(trial.point) == trial.point
            assert {type(value) for value in trial.point.values()} <= {float, int, str, bool}
        assert bench.strategy.space.feasible(bench.strategy.space.to_unit([t.point for t in bench.trials])).all()

    @pytest.mark.parametrize("space", SPACES)
    def test_same_seed_same_points(self, candidate: Candidate, space: str) -> None:
        assert_same(campaign_points(candidate, space), campaign_points(candidate, space), candidate.tolerance)

    def test_another_seed_gives_other_points(self, candidate: Candidate) -> None:
        if not candidate.seeded:
            pytest.skip("this strategy does not depend on the seed")
        first, other = (campaign_points(candidate, "real", seed) for seed in (1, 2))
        assert not any(point in other for point in first)

    def test_same_points_in_a_spawned_process(self, candidate: Candidate, spawned: Pool) -> None:
        elsewhere = spawned.apply(campaign_points, (candidate, "real"))
        assert_same(campaign_points(candidate, "real"), elsewhere, candidate.tolerance)

    @pytest.mark.parametrize("n", [1, 6])
    @pytest.mark.parametrize("steps", [1, 3, 5])
    @pytest.mark.parametrize("space", SPACES)
    def test_restored_goes_on_as_if_it_had_not_stopped(
        self, candidate: Candidate, space: str, steps: int, n: int
    ) -> None:
        bench = campaign(candidate, space, steps=steps)
        restored = candidate.make(bench.strategy.space)
        restored.restore(bench.trials)
        pending = bench.pending
        first, again = (strategy.ask(n, pending) for strategy in (bench.strategy, restored))
        assert_same([p.point for p in first], [p.point for p in again], candidate.tolerance)
        assert restored.asked == bench.strategy.asked

    def test_restored_needs_a_new_strategy(self, candidate: Candidate) -> None:
        bench = campaign(candidate, "real", steps=1)
        with pytest.raises(StrategyError, match="new strategy"):
            bench.strategy.restore(bench.trials)

    def test_telling_at_once_is_telling_one_by_one(self, candidate: Candidate) -> None:
        bench = Bench(candidate.make(Space.from_dict(SPACES["real"])))
        bench.ask(8)
        once = candidate.make(bench.strategy.space)
        once.ask(8)
        bench.finish(3, 1, 0, 2, 5, 7, 4)
        once.tell(sorted((t for t in bench.trials if t.state.finished), key=lambda trial: trial.told or 0))
        first, again = (strategy.ask(1, bench.pending) for strategy in (bench.strategy, once))
        assert_same([p.point for p in first], [p.point for p in again], candidate.tolerance)

    def test_asked_is_counted_and_signed(self, candidate: Candidate) -> None:
        strategy = candidate.make(Space.from_dict(SPACES["real"]))
        assert strategy.ask(0) == []
        proposals = strategy.ask(5)
        assert strategy.asked == len(proposals) == 5
        assert all(proposal.proposed_by and proposal.fidelity == 1.0 for proposal in proposals)
        with pytest.raises(StrategyError, match="-1"):
            strategy.ask(-1)

    def test_told_twice_is_told_once(self, candidate: Candidate) -> None:
        bench, other = campaign(candidate, "real", steps=2), campaign(candidate, "real", steps=2)
        bench.strategy.tell([trial for trial in bench.trials if trial.state.finished])
        assert_same([p.point for p in bench.ask(1)], [p.point for p in other.ask(1)], candidate.tolerance)

    def test_told_another_result_is_refused(self, candidate: Candidate) -> None:
        bench = campaign(candidate, "real", steps=1)
        done = next(trial for trial in bench.trials if trial.state is TrialState.DONE)
        changed = {name: value + 1 for name, value in done.objective.items()}
        with pytest.raises(StrategyError, match=f"trial {done.id} was told before"):
            bench.strategy.tell([replace(done, objective=changed)])

    def test_unfinished_is_refused(self, candidate: Candidate) -> None:
        bench = campaign(candidate, "real", steps=1)
        with pytest.raises(StrategyError, match="only finished"):
            bench.strategy.tell(bench.pending)

    @pytest.mark.parametrize("value", [np.nan, np.inf, None])
    def test_no_finite_value_is_refused(self, candidate: Candidate, value: float | None) -> None:
        bench = campaign(candidate, "real", steps=1)
        name = candidate.objective.names[0]
        broken = evaluated(bench.pending[0], bench.strategy.space, candidate.objective)
        left = {key: kept for key, kept in broken.objective.items() if key != name}
        with pytest.raises(StrategyError, match=name):
            bench.strategy.tell([replace(broken, objective=left if value is None else {**left, name: value})])
        assert bench.ask(1)

    def test_goes_on_where_everything_fails(self, candidate: Candidate) -> None:
        bench = Bench(candidate.make(Space.from_dict(SPACES["mixed"])), fail_every=1)
        for number in range(12):
            assert bench.ask(1)
            bench.finish(number)

    def test_takes_the_history_of_others(self, candidate: Candidate) -> None:
        others = campaign(Candidate("random", objective=candidate.objective), "mixed")
        strategy = candidate.make(others.strategy.space)
        strategy.tell([trial for trial in others.trials if trial.state.finished])
        proposals = strategy.ask(2, others.pending)
        assert others.strategy.space.feasible(others.strategy.space.to_unit([p.point for p in proposals])).all()

    def test_a_dropped_trial_teaches_nothing(self, candidate: Candidate) -> None:
        bench = campaign(candidate, "real", steps=4)
        number = next(trial.id for trial in bench.trials if trial.state is TrialState.DONE)
        proposed = []
        for shift in (0.0, -7.0):
            trials, was = list(bench.trials), bench.trials[number]
            values = {name: value + shift for name, value in was.objective.items()}
            trials[number] = replace(was, state=TrialState.DROPPED, dropped="it is wrong", objective=values)
            strategy = candidate.make(bench.strategy.space)
            strategy.restore(trials)
            proposed.append([proposal.point for proposal in strategy.ask(2, bench.pending)])
        assert_same(proposed[0], proposed[1], candidate.tolerance)
        assert proposed[0] or strategy.ask(2), "it waits for nothing but pending trials"

    def test_takes_results_outside_of_the_ranges(self, candidate: Candidate) -> None:
        others = campaign(Candidate("random", objective=candidate.objective), "real")
        narrow = Space.from_dict(NARROW)
        told = [replace(t, outside=not narrow.holds([t.point])[0]) for t in others.trials if t.state.finished]
        assert {trial.outside for trial in told} == {True, False}
        try:
            strategy = candidate.make(narrow)
        except StrategyError as error:
            pytest.skip(f"it cannot serve a part of the space: {error}")
        strategy.tell(told)
        proposals = strategy.ask(2)
        assert proposals
        assert narrow.feasible(narrow.to_unit([proposal.point for proposal in proposals])).all()

    def test_leaves_global_random_numbers_alone(self, candidate: Candidate) -> None:
        before = _global_state()
        campaign(candidate, "real")
        assert _global_state() == before


def _global_state() -> tuple[Any, ...]:
    """Return the global random number generators' states, and the number of threads of torch where it is loaded."""
    state: tuple[Any, ...] = (random.getstate(), str(np.random.get_state()))  # noqa: NPY002 - it is what is looked at
    torch = sys.modules.get("torch")
    return (*state, torch.get_rng_state().sum().item(), torch.get_num_threads()) if torch else state
