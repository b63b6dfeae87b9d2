# ruff: noqa: D102 - the names of the tests say what they hold
"""The contract of every simulator, as a test suite that a plug-in author runs against their own.

    # tests/test_mine.py
    import pytest
    from softal.testing.simulators import Candidate, SimulatorContract

    class TestMine(SimulatorContract):
        @pytest.fixture
        def candidate(self):
            return Candidate("my_package.mine:Mine", {"particles": 500}, point={"epsilon": 120.0})

Each test runs the simulation once or twice, so give settings that make it short.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from softal.simulators import Context, Simulator, build
from softal.simulators.base import seed_generators, validate_observation
from softal.trial import Observation, Point


@dataclass(frozen=True)
class Candidate:
    """The simulator under test: its kind, its settings, and a point at which it can simulate.

    Attributes:
        deterministic: whether the same seed gives the same result to the last digit.
        others: more points, for a simulator that evaluates many at once.
        rounding: by how much of its largest entry a result may differ when it is calculated together with others; sums
            of arrays of another length are added up in another order.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    point: Point = field(default_factory=dict)
    deterministic: bool = True
    others: Sequence[Point] = ()
    rounding: float = 1e-9

    def make(self) -> Simulator:
        """Return a new simulator."""
        return build(self.kind, dict(self.settings))


class SimulatorContract:
    """What softal relies on; a subclass gives the fixture `candidate`."""

    @pytest.fixture
    def context(self, tmp_path: Path) -> Context:
        workdir = tmp_path / "trial"
        workdir.mkdir()
        return Context(workdir, seed=7)

    def test_nothing_stands_in_the_way_here(self, candidate: Candidate) -> None:
        assert candidate.make().check() == []

    def test_it_returns_what_it_declares_all_finite(self, candidate: Candidate, context: Context) -> None:
        simulator = candidate.make()
        observation = validate_observation(simulator.run(dict(candidate.point), context), simulator.outputs)
        if simulator.outputs is not None:
            values, arrays, optional = simulator.outputs.values, simulator.outputs.arrays, simulator.outputs.optional
            assert values | optional >= observation.values.keys(), "a value is returned that is not declared"
            assert arrays | optional >= observation.arrays.keys(), "an array is returned that is not declared"
        assert observation.errors.keys() <= observation.values.keys(), "an error without a value"
        assert all(path.is_file() for path in observation.artifacts.values()), "an artifact that is no file"

    def test_its_point_is_one_that_it_accepts(self, candidate: Candidate) -> None:
        simulator = candidate.make()
        if simulator.parameters is not None:
            assert candidate.point.keys() <= simulator.parameters.keys()
            assert simulator.parameters.keys() - simulator.defaults.keys() <= candidate.point.keys()

    def test_the_same_seed_gives_the_same_result(self, candidate: Candidate, context: Context) -> None:
        if not candidate.deterministic:
            pytest.skip("the candidate is not deterministic")
        first = self.run(candidate, context)
        random.seed(1)  # the state of global generators must not matter
        np.random.seed(1)  # noqa: NPY002
        assert values_of(self.run(candidate, context)) == values_of(first)

    def test_it_leaves_the_point_as_it_was(self, candidate: Candidate, context: Context) -> None:
        point = dict(candidate.point)
        candidate.make().run(point, context)
        assert point == dict(candidate.point)

    def test_its_batch_is_a_number_of_points(self, candidate: Candidate) -> None:
        batch = candidate.make().batch
        assert isinstance(batch, int)
        assert batch >= 1

    def test_many_points_at_once_give_what_each_gives_alone(self, candidate: Candidate, context: Context) -> None:
        simulator = candidate.make()
        if simulator.batch == 1:
            pytest.skip("the candidate evaluates one point at a time")
        points = [candidate.point, *candidate.others, candidate.point][: simulator.batch]
        contexts = [self.its_own(context, f"together{i}", i) for i in range(len(points))]
        results = simulator.run_batch([dict(point) for point in points], contexts)
        assert len(results) == len(points)
        for result, point, its in zip(results, points, contexts, strict=True):
            together = validate_observation(result, simulator.outputs)
            if candidate.deterministic:
                alone = self.run(candidate, its, point)
                assert_close(together, alone, candidate.rounding)

    def test_many_points_at_once_are_left_as_they_were(self, candidate: Candidate, context: Context) -> None:
        simulator = candidate.make()
        if simulator.batch == 1:
            pytest.skip("the candidate evaluates one point at a time")
        point = dict(candidate.point)
        simulator.run_batch([point], [context])
        assert point == dict(candidate.point)

    def test_it_travels_to_another_process(self, candidate: Candidate) -> None:
        simulator = pickle.loads(cloudpickle.dumps(candidate.make()))
        assert simulator.settings == candidate.make().settings

    def run(self, candidate: Candidate, context: Context, point: Point | None = None) -> Observation:
        """Simulate in a folder of its own; global generators are seeded as softal seeds them."""
        its = self.its_own(context, f"run{sum(1 for _ in context.workdir.iterdir())}")
        seed_generators(context.seed)
        return candidate.make().run(dict(candidate.point if point is None else point), its)

    def its_own(self, context: Context, name: str, trial: int = 0) -> Context:
        """Return a context with a folder, and with another seed for another trial."""
        workdir = context.workdir / name
        workdir.mkdir()
        return replace(context, workdir=workdir, trial=context.trial + trial, seed=context.seed + trial)


def values_of(observation: Observation) -> dict[str, Any]:
    """Return scalars, errors and arrays for a comparison to the last digit."""
    arrays = {name: array.values.tolist() for name, array in observation.arrays.items()}
    return {"values": observation.values, "errors": observation.errors, "arrays": arrays}


def assert_close(together: Observation, alone: Observation, rounding: float) -> None:
    """Hold an observation that was made together with others against the one that was made alone."""
    for first, second in ((together.values, alone.values), (together.errors, alone.errors)):
        assert first == pytest.approx(second, rel=rounding, abs=rounding)
    assert together.arrays.keys() == alone.arrays.keys()
    for name, array in alone.arrays.items():
        scale = float(np.max(np.abs(array.values), initial=0.0))
        np.testing.assert_allclose(together.arrays[name].values, array.values, rtol=0, atol=rounding * scale)
