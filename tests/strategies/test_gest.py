"""Strategies as generators of gest-api: what becomes of a VOCS, suggest and ingest, and a run of libEnsemble."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gest_api", reason="gest-api is not installed (pip install 'softal[gest]')")
from gest_api.vocs import VOCS, ContextualVariable, ContinuousVariable, DiscreteVariable

from softal.objective import minimize
from softal.space import Space
from softal.strategies import build
from softal.strategies.gest import SoftalGenerator
from softal.trial import Trial, TrialState

BOWL = VOCS(variables={"x": [0, 1], "y": [0, 1]}, objectives={"f": "MINIMIZE"}, observables={"f_error"})


def bowl(point: dict[str, Any]) -> dict[str, Any]:
    return {**point, "f": (point["x"] - 0.3) ** 2 + (point["y"] - 0.7) ** 2, "f_error": 0.01}


@pytest.mark.parametrize("kind", ["sobol", "random", "cmaes", "grid"])
def test_points_are_those_of_the_strategy(kind: str) -> None:
    generator = SoftalGenerator(BOWL, kind, seed=3)
    strategy = build(kind, Space({"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}), minimize("f"), seed=3)
    number = 0
    for count in (3, 1, 4, 2):
        suggested = generator.suggest(count)
        proposals = strategy.ask(count)
        assert [{"x": one["x"], "y": one["y"]} for one in suggested] == [one.point for one in proposals]
        assert [one["_id"] for one in suggested] == [number + 1 + i for i in range(count)]
        generator.ingest([bowl(point) for point in suggested])
        done = {"state": TrialState.DONE, "objective_errors": {"f": 0.01}}
        told = [
            Trial(number + 1 + i, one.point, notes=one.notes, objective={"f": bowl(one.point)["f"]}, **done)
            for i, one in enumerate(proposals)
        ]
        strategy.tell(told)
        number += count


@pytest.mark.learning
def test_a_model_learns_values_errors_constraints_and_points_of_others() -> None:
    vocs = VOCS(
        variables={"x": [0, 1], "n": {1, 2, 3}, "kind": {"a", "b"}},
        objectives={"f": "MAXIMIZE"},
        constraints={"c": ["LESS_THAN", 0.5]},
        constants={"alpha": 0.25},
        observables={"f_error"},
    )
    generator = SoftalGenerator(vocs, "bayesian", settings={"n_initial": 2})
    others = {"x": 0.25, "n": 2, "kind": "a", "alpha": 0.25, "f": 1.0, "f_error": 0.1, "c": 0.25}
    generator.ingest([others, {**others, "x": 0.5, "c": 0.75}])
    for _ in range(2):
        points = generator.suggest(2)
        assert all(point["alpha"] == 0.25 for point in points)
        generator.ingest([{**point, "f": point["x"], "f_error": 0.1, "c": point["x"]} for point in points])
    assert generator.strategy.objective.signs.tolist() == [-1.0]
    [bound] = generator.strategy.objective.outcomes
    assert (bound.value, bound.holds(0.5), bound.holds(0.49)) == ("c", False, True)
    assert generator.suggest(1)[0]["n"] in {1, 2, 3}
    [last] = [trial for trial in generator._trials.values() if not trial.state.finished]
    assert last.origin.endswith("from 6 results"), last.origin


def test_a_vocs_becomes_a_space() -> None:
    variables = {"x": [1e-3, 10], "n": {3, 4, 5}, "m": {1, 2, 4}, "kind": DiscreteVariable(values={"b", "a"})}
    generator = SoftalGenerator(VOCS(variables=variables, objectives={"f": "EXPLORE"}), "sobol", log=["x"])
    assert generator.strategy.space == Space(
        {
            "x": {"low": 1e-3, "high": 10, "log": True},
            "n": {"low": 3, "high": 5, "integer": True},
            "m": {"choices": [1, 2, 4]},
            "kind": {"choices": ["a", "b"]},
        }
    )
    assert generator.strategy.objective.learning


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"variables": {"x": ContextualVariable()}}, "sobol", "'x' is contextual"),
        ({"variables": {"x": ContinuousVariable(domain=[0, 1], dtype=(float, (2,)))}}, "sobol", "'x' is an array"),
        ({"objectives": {"f": "EXPLORE", "g": "MINIMIZE"}}, "sobol", "EXPLORE stands alone"),
        ({"objectives": {"f": "MINIMIZE", "g": "MINIMIZE"}}, "cmaes", "it takes one objective, not 2"),
        ({}, "none", "'none' is not known"),
    ],
)
def test_what_cannot_be_served_is_refused(changes: dict[str, Any], kind: str, said: str) -> None:
    vocs = VOCS(**{"variables": {"x": [0, 1]}, "objectives": {"f": "MINIMIZE"}, **changes})
    with pytest.raises(ValueError, match=said):
        SoftalGenerator(vocs, kind)


def test_results_by_their_ids() -> None:
    generator = SoftalGenerator(BOWL, "cmaes", settings={"popsize": 4})
    assert len(generator.suggest()) == 4, "a generation, where the number is left open"
    first, second, third = (dict(point) for point in generator.suggest(3))
    generator.ingest([bowl(first)])
    generator.ingest([bowl(first)])  # again the same
    with pytest.raises(ValueError, match="told before with the result"):
        generator.ingest([{**bowl(first), "f": 7}])
    with pytest.raises(ValueError, match="_id 99 was not suggested"):
        generator.ingest([{**bowl(second), "_id": 99}])
    del second["_id"]
    generator.ingest([bowl(second)])  # who leaves it out means the point that is under way
    generator.ingest([{**bowl(third), "f": math.nan}])
    generator.ingest([bowl({"x": 0.5, "y": 0.5, "_id": 0})])  # what libEnsemble has where there is none
    states = [(trial.id, str(trial.state), trial.proposed_by) for trial in generator._trials.values()]
    assert states[4:] == [(5, "done", "cmaes"), (6, "done", "cmaes"), (7, "failed", "cmaes"), (8, "done", "user")]
    with pytest.raises(ValueError, match=r"x: 2\.0 is given; allowed"):
        generator.ingest([bowl({"x": 2.0, "y": 0.5})])
    with pytest.raises(ValueError, match="no value of the variable 'y'"):
        generator.ingest([{"x": 0.5, "f": 1}])


def test_too_few_points_are_kept_for_the_next_time() -> None:
    generator = SoftalGenerator(BOWL, "grid", settings={"levels": 2})
    with pytest.raises(ValueError, match="5 points are wanted; grid has 4 left: "):
        generator.suggest(5)
    assert len({(point["x"], point["y"]) for point in generator.suggest(4)}) == 4


def test_a_strategy_that_waits_is_not_waited_for() -> None:
    """Tools that go on in batches abort a run where fewer points come than they want."""
    generator = SoftalGenerator(BOWL, "bayesian", settings={"n_initial": 8})
    generator.ingest([bowl(point) for point in generator.suggest(1)])
    points = generator.suggest(9)
    trials = [generator._trials[point["_id"]] for point in points]
    assert [trial.proposed_by for trial in trials] == ["bayesian"] * 7 + ["user"] * 2, (
        "of the initial design are 7 left"
    )
    generator.ingest([bowl(point) for point in points])
    assert sum(trial.state.finished for trial in generator._trials.values()) == 10


SCRIPT = """
from gest_api.vocs import VOCS
from libensemble import Ensemble
from libensemble.alloc_funcs.start_only_persistent import only_persistent_gens
from libensemble.specs import AllocSpecs, ExitCriteria, GenSpecs, LibeSpecs, SimSpecs

from softal.strategies.gest import SoftalGenerator

vocs = VOCS(
    variables={"x": [0, 1], "kind": {"a", "b"}},
    objectives={"f": "MINIMIZE"},
    constants={"shift": 0.25},
    observables={"f_error"},
)


def simulate(point):
    f = (point["x"] - 0.3) ** 2 + (point["kind"] == "b") + point["shift"]
    return {"f": f, "f_error": 0.01}


generator = SoftalGenerator(vocs, "cmaes", seed=1, settings={"popsize": 4})
ensemble = Ensemble(
    libE_specs=LibeSpecs(comms="threads", nworkers=2, gen_on_manager=True, disable_log_files=True),
    gen_specs=GenSpecs(generator=generator, batch_size=2, vocs=vocs),
    sim_specs=SimSpecs(simulator=simulate, vocs=vocs),
    alloc_specs=AllocSpecs(alloc_f=only_persistent_gens),
    exit_criteria=ExitCriteria(sim_max=8),
)
history, _, flag = ensemble.run()
done = history[history["sim_ended"]]
print(flag, sorted(done["_id"].tolist()), (done["f"] >= 0.25).all(), set(done["kind"]) <= {"a", "b"})
told = [trial for trial in generator._trials.values() if trial.state == "done"]
print(len(told) >= 6, {trial.origin for trial in told})
"""


@pytest.mark.learning  # in a process of its own, which imports libEnsemble
def test_libensemble_runs_a_strategy(tmp_path: Path) -> None:
    pytest.importorskip("libensemble", reason="libEnsemble is not installed (pip install 'softal[gest]')")
    (tmp_path / "run.py").write_text(SCRIPT)
    where = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "run.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=where, check=False)
    assert ran.returncode == 0, ran.stderr
    first, second = ran.stdout.splitlines()[-2:]
    assert first == "0 [1, 2, 3, 4, 5, 6, 7, 8] True True"
    assert second.startswith("True ")
    assert "CMA-ES generation 1" in second, "results did not come back"
