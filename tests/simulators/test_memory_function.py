"""Simulators of memory functions: the contract, what they return, and what they say of wrong references."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import SimulationError
from softal.simulators import Context
from softal.testing.simulators import Candidate, SimulatorContract
from softal.theory.memory_equation import solve
from softal.theory.memory_function import StretchedExponentials

pytestmark = pytest.mark.physics

DATA = Path(__file__).parents[2] / "campaigns" / "data"
LIQUID = DATA / "kob_andersen_LJ_1.0.csv"
POINT = {"rate": 2.24, "w1": 3.82, "tau1": 0.454, "b1": 0.69}
OTHERS = ({**POINT, "w1": -3.0}, {**POINT, "c": 0.5, "a1": 0.1, "rate": 300.0})
SETTINGS = {"reference": str(LIQUID), "modes": 1}


class TestMemoryFunction(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("memory_function", SETTINGS, POINT, others=OTHERS)


class TestMemoryFit(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("memory_fit", {"references": [str(LIQUID)], "evaluations": 1500}, {"state": LIQUID.stem})


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path, seed=1)


COLUMNS = "t_tau,F_s_A,F_s_A_error"


def table(folder: Path, rows: list[tuple[float, ...]], columns: str = COLUMNS) -> Path:
    path = folder / "curve.csv"
    path.write_text("\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_the_reference_itself_has_no_error(tmp_path: Path, context: Context) -> None:
    t = np.geomspace(0.01, 100, 30)
    memory = StretchedExponentials.one(0.2, [3.0, 1.0], [0.5, 20.0], [0.7, 0.9], a=[0.1, 0.0])
    F = solve(memory, 2.0, t[-1]).at(t)[0]
    path = table(tmp_path, [(float(time), float(value), 1e-3) for time, value in zip(t, F, strict=True)])
    point = {"rate": 2.0, "c": 0.2, "w1": 3.0, "a1": 0.1, "tau1": 0.5, "b1": 0.7, "w2": 1.0, "tau2": 20.0, "b2": 0.9}
    simulator = simulators.build("memory_function", {"reference": str(path), "t_min": 0, "lasso": 1e-6})
    found = simulator.run(point, context)
    assert found.values["error"] < 1e-15
    assert found.values["loss"] == pytest.approx(1e-6 * (0.2 + 0.3 + 2.7 + 1.0) / 2.0, rel=1e-6)
    assert found.values["r2"] == pytest.approx(1)
    np.testing.assert_allclose(found.arrays["memory"].values, memory.values(t)[0], rtol=1e-12)
    np.testing.assert_allclose(found.arrays["F_s_reference"].errors, 1e-3)
    np.testing.assert_allclose(found.arrays["F_s"].grid, t)


def test_in_a_batch_a_point_that_fails_is_the_only_one(context: Context) -> None:
    simulator = simulators.build("memory_function", SETTINGS)
    points: list[dict[str, Any]] = [POINT, {**POINT, "tau1": -1.0}, {**POINT, "w1": -500.0}, POINT]
    results = simulator.run_batch(points, [context] * 4)
    assert str(results[1]) == "tau1 is -1.0; allowed: a number above 0"
    assert str(results[2]) == "F_s grows without bound: the memory function is too negative"
    assert results[0].values == results[3].values == simulator.run(POINT, context).values


def test_numbers_beyond_those_of_64_bits_are_said_in_one_line(context: Context) -> None:
    simulator = simulators.build("memory_function", SETTINGS)
    with pytest.raises(SimulationError, match=r"^memory function 0: rate \+ \|M\(0\)\| is inf; allowed: .*$"):
        simulator.run({**POINT, "w1": 1e308, "a1": -5.0}, context)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tau1": 0.0}, "tau1 is 0.0; allowed: a number above 0"),
        ({"rate": -2.0}, "rate is -2.0; allowed: a number above 0"),
        ({"b1": 0.0}, "b1 is 0.0; allowed: a number from 0.01 to 100"),
        ({"b1": 1e9}, "b1 is 1000000000.0; allowed: a number from 0.01 to 100"),
        ({"w1": "much"}, "w1 is 'much'; allowed: a finite number"),
        ({"w1": None}, "w1 is None; allowed: a number"),
    ],
)
def test_points_that_it_refuses(changes: dict[str, Any], said: str, context: Context) -> None:
    simulator = simulators.build("memory_function", SETTINGS)
    assert simulator.refuses({**POINT, **changes}) == said
    with pytest.raises(SimulationError, match=said):
        simulator.run({**POINT, **changes}, context)


FALLING = [(0.01 * 2**i, float(np.exp(-(0.02 * 2**i))), 1e-3) for i in range(12)]


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ([(-0.1, 1.0, 0.0), *FALLING], COLUMNS, "F_s_A has the time -0.1; allowed: 0 and above"),
        ([*FALLING, (9.0, 0.5, 1e-3)], COLUMNS, "F_s_A has the time 9 after 20.48; allowed: ascending"),
        ([*FALLING, (99.0, 0.5, 1e-3)], COLUMNS, "F_s_A rises from 1.6.* allowed: by 5 standard errors"),
        ([(0.001, 0.3, 1e-3), *FALLING], COLUMNS, r"F_s_A begins at 0.3 \(t = 0.001\); allowed: 1 at"),
        ([(0.001, 1.3, 1e-3), *FALLING], COLUMNS, "F_s_A is 1.3 at t = 0.001; allowed: -0.1 to 1.01"),
        (FALLING, "t_tau,F_s_C,F_s_C_error", "it has no column 'F_s_A'; its columns are t_tau, F_s_C, F_s_C_error"),
    ],
)
@pytest.mark.parametrize("kind", ["memory_function", "memory_fit"])
def test_wrong_references_are_said_in_one_line(
    kind: str, rows: list[tuple[float, ...]], columns: str, said: str, tmp_path: Path
) -> None:
    path = str(table(tmp_path, rows, columns))
    settings = {"reference": path} if kind == "memory_function" else {"references": [path]}
    (problem,) = simulators.build(kind, settings).check()
    assert problem.startswith(path)
    assert "\n" not in problem
    assert re.search(said, problem)


def test_an_evolution_says_what_it_found_and_at_which_state(context: Context) -> None:
    simulator = simulators.build("memory_fit", {"references": [str(LIQUID)], "evaluations": 10_000})
    found = simulator.run({"state": LIQUID.stem, "modes": 1}, context)
    assert (found.values["T"], found.values["T_over_Tmct"]) == (1.0, pytest.approx(1 / 0.9))
    assert found.values["error"] < 1e-4
    assert found.values["noise"] == pytest.approx(1e-5, rel=0.3)
    assert {"rate", "c", "w1", "tau1", "b1", "evaluations"} <= found.values.keys()
    assert found.arrays["F_s"].values.shape == found.arrays["memory"].values.shape


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"state": "glass"}, "state is 'glass'; allowed: one of kob_andersen_LJ_1.0"),
        ({"state": LIQUID.stem, "modes": 9}, "modes is 9; allowed: a whole number from 1 to 8"),
        ({}, "state is None; allowed: a value"),
    ],
)
def test_evolutions_that_are_refused(point: dict[str, Any], said: str, context: Context) -> None:
    simulator = simulators.build("memory_fit", {"references": [str(LIQUID)]})
    assert simulator.refuses(point) == said
    with pytest.raises(SimulationError, match=said):
        simulator.run(point, context)
