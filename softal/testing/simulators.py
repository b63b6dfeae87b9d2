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
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from softal.simulators import Context, Simulator, build
from softal.simulators.base import validate_observation
from softal.trial import Observation, Point


@dataclass(frozen=True)
class Candidate:
    """The simulator under test: its kind, its settings, and a point at which it can simulate.

    Attributes:
        deterministic: whether the same seed gives the same result to the last digit.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    point: Point = field(default_factory=dict)
    deterministic: bool = True

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
            assert simulator.outputs.values >= observation.values.keys(), "a value is returned that is not declared"
            assert simulator.outputs.arrays >= observation.arrays.keys(), "an array is returned that is not declared"
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

    def test_it_travels_to_another_process(self, candidate: Candidate) -> None:
        simulator = pickle.loads(cloudpickle.dumps(candidate.make()))
        assert simulator.settings == candidate.make().settings

    def run(self, candidate: Candidate, context: Context) -> Observation:
        """Simulate in a folder of its own; global generators are seeded as softal seeds them."""
        workdir = context.workdir / f"run{sum(1 for _ in context.workdir.iterdir())}"
        workdir.mkdir()
        random.seed(context.seed)
        np.random.seed(context.seed)  # noqa: NPY002
        return candidate.make().run(dict(candidate.point), replace(context, workdir=workdir))


def values_of(observation: Observation) -> dict[str, Any]:
    """Return scalars, errors and arrays for a comparison to the last digit."""
    arrays = {name: array.values.tolist() for name, array in observation.arrays.items()}
    return {"values": observation.values, "errors": observation.errors, "arrays": arrays}
