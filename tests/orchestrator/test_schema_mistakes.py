"""The campaign file: every way in which it can be wrong, with place, value and what is allowed."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
from toy_campaign import GONE, VALID, changed, problems_of, written

from softal.errors import CampaignFileError, Problem
from softal.orchestrator.campaign_file.schema import load_campaign_file, parse_campaign
from softal.orchestrator.campaign_file.yaml_text import write_yaml


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("campaign"))


BAD: list[tuple[str, Any, str, str]] = [
    # place to change, value, place of the problem, part of its message
    ("nmae", "x", "nmae", "'nmae' is not a known key (did you mean `name`?); allowed: budget, cluster"),
    ("name", "a b", "name", "'a b' is given; allowed: letters, digits"),
    ("name", "../x", "name", "'../x' is given; allowed: letters"),
    ("name", ".hidden", "name", "beginning with a letter"),
    ("name", 3, "name", "3 is given, but it must be a valid string"),
    ("name", "x" * 101, "name", "at most 100"),
    ("seed", -1, "seed", "-1 is given, but it must be greater than or equal to 0"),
    ("seed", True, "seed", "True is given, but it must be a valid integer"),
    ("seed", 1.5, "seed", "1.5 is given, but it must be a valid integer"),
    ("seed", 2**63, "seed", "must be less than"),
    ("seed", "one", "seed", "'one' is given, but it must be a valid integer"),
    ("seed", None, "seed", "None is given"),
    # simulator
    ("simulator", GONE, "simulator", "is missing: what evaluates a point"),
    ("simulator", None, "simulator", "is missing"),
    ("simulator", [], "simulator", "[] is given; allowed: the name of a kind"),
    ("simulator", {}, "simulator.kind", "is missing; allowed: the name of a kind"),
    ("simulator", "argn", "simulator", "'argn' is not known: did you mean 'argon'?"),
    ("simulator.kind", "argn", "simulator.kind", "did you mean 'argon'?"),
    ("simulator.kind", 3, "simulator.kind", "3 is given; allowed"),
    ("simulator.kind", "toy:Toi", "simulator.kind", "'toy:Toi' cannot be imported: AttributeError"),
    ("simulator.kind", "toi:Toy", "simulator.kind", "ModuleNotFoundError: No module named 'toi'"),
    ("simulator.kind", "broken:Toy", "simulator.kind", "No module named 'a_module_that_is_not_there'"),
    ("simulator.kind", "leaving:Toy", "simulator.kind", "ended Python while it was imported (exit code 3)"),
    ("simulator.kind", "toy:number", "simulator.kind", "is neither a Simulator class nor a function"),
    ("simulator", "builtins:dict.update", "simulator", "'builtins:dict.update' cannot be used: ValueError"),
    ("simulator.kind", "toy:", "simulator.kind", "cannot be imported"),
    ("simulator.kind", ":Toy", "simulator.kind", "cannot be imported"),
    ("simulator.particles", 0, "simulator.particles", "0 is given, but it must be greater than 0"),
    ("simulator.particles", True, "simulator.particles", "True is given, but it must be a valid integer"),
    ("simulator.particles", "10", "simulator.particles", "'10' is given, but it must be a valid integer"),
    ("simulator.particles", 13, "simulator", "cannot be made: ValueError: thirteen particles bring bad luck"),
    ("simulator.partikles", 1, "simulator.partikles", "did you mean `particles`?"),
    ("simulator.ensemble", "nve", "simulator.ensemble", "'nve' is given, but it must be 'nvt' or 'npt'"),
    ("simulator.masses", ["a"], "simulator.masses.0", "'a' is given, but it must be a valid number"),
    ("simulator.explode", True, "simulator", "cannot be used: RuntimeError: settings exploded"),
    # space
    ("space", GONE, "space", "is missing: the parameters of a point"),
    ("space", {}, "space", "{} is given; allowed: a mapping"),
    ("space", ["x"], "space", "['x'] is given; allowed: a mapping"),
    ("space.x.low", 2, "space.x.low", "2 is not below high = 1.5; low < high is allowed"),
    ("space.x.low", "2 nm", "space.x.low", "'2 nm' is given, but it must be a valid number"),
    ("space.x.low", True, "space.x.low", "True is given, but it must be a valid number"),
    ("space.x.low", None, "space.x.low", "None is given, but it must be a valid number"),
    ("space.x.log", True, "space.x.low", "-1 is given, but with `log: true` it must be greater than 0"),
    ("space.x.hihg", 2, "space.x.hihg", "did you mean `high`?"),
    ("space.y.low", 1.5, "space.y.low", "1.5 is given, but it must be a valid integer"),
    ("space.x", {"choices": []}, "space.x.choices", "has 0 choices"),
    ("space.x", {"choices": [1, 1]}, "space.x.choices", "1 stands twice"),
    ("space.x", None, "space.x.value", "None is given"),
    ("space.z.derived", "x / (y - 1)", "space.z.derived", "divides by zero at x = -1.0, y = 1"),
    ("space.z.derived", "w + 1", "space.z.derived", "'w' is not a known parameter; allowed: x, y, z"),
    ("space.z.derived", "z + 1", "space.z.derived", "goes round in a circle: z needs z"),
    ("space.z.derived", "__import__('os')", "space.z.derived", "`__import__` is not a function here"),
    ("space.w", {"low": 0, "high": 1}, "space.w", "'w' is not a known parameter of the simulator 'toy:Toy'"),
    ("space.x", GONE, "space.x", "is missing: the simulator 'toy:Toy' needs it (nm (position))"),
    ("space.if", 3, "space.if", "'if' is a word of Python's"),
    ("space.sqrt", 3, "space.sqrt", "'sqrt' is the name of a function"),
    ("space.my x", 3, "space.my x", "'my x' is not a name"),
    ("constraints", ["x + y"], "constraints.0", "is not an inequality"),
    ("constraints", ["x <= 3", "x * y <= 5"], "constraints.1", "is not linear"),
    ("constraints", ["x + v <= 5"], "constraints.0", "'v' is not a known parameter"),
    ("constraints", ["x >= 2"], "constraints", "leave no point of the space"),
    ("constraints", [3], "constraints", "[3] is given; allowed: a list of inequalities"),
    ("constraints", {"x": 3}, "constraints", "is given; allowed: a list of inequalities"),
    # objective
    ("objective", GONE, "objective", "is missing: what the campaign is for"),
    ("objective", {}, "objective", "{} is given; allowed: a mapping"),
    ("objective", "energy", "objective", "'energy' is given; allowed: a mapping"),
    ("objective", {"minimise": "energy"}, "objective.minimise", "did you mean `minimize`?"),
    ("objective", {"minimize": 3}, "objective.minimize", "3 is given; allowed: the name of a value"),
    ("objective", {"minimize": []}, "objective.minimize", "[] is given; allowed: the name of a value"),
    ("objective", {"minimize": ["energy", None]}, "objective.minimize", "['energy', None] is given"),
    ("objective", {"minimize": "enrgy"}, "objective.minimize", "did you mean `energy`?"),
    ("objective", {"learn": "heat"}, "objective.learn", "'heat' is not a known value of the simulator 'toy:Toy'"),
    ("objective", {"minimize": "energy", "maximize": "energy"}, "objective", "names a value twice: energy, energy"),
    ("objective", {"learn": "energy", "minimize": "pressure"}, "objective.learn", "it stands alone"),
    ("objective", {"match": "S_k.csv"}, "objective.match", "'S_k.csv' is given; allowed: `{array: table.csv}`"),
    ("objective", {"match": {}}, "objective.match", "{} is given"),
    ("objective", {"match": {"g_r": "S_k.csv"}}, "objective.match.g_r", "'g_r' is not a known array of the simulator"),
    ("objective", {"match": {"S_k": "S_q.csv"}}, "objective.match.S_k", "'S_q.csv' is given, but there is no file"),
    ("objective", {"match": {"S_k": "."}}, "objective.match.S_k", "'.' is given, but there is no file"),
    ("objective", {"match": {"S_k": 3}}, "objective.match.S_k", "3 is given, but it must be a valid string"),
    ("objective", {"match": {"S_k": "a\0b"}}, "objective.match.S_k", "no file"),
    ("objective", {"match": {"S_k": "ragged.csv"}}, "objective.match.S_k", "line 3 is not 2 numbers"),
    ("objective", {"match": {"S_k": "words.csv"}}, "objective.match.S_k", "line 2 is not 2 numbers: '1 two'"),
    ("objective", {"match": {"S_k": "empty.csv"}}, "objective.match.S_k", "it has no lines"),
    ("objective", {"match": {"S_k": "zero.csv"}}, "objective.match.S_k", "is zero everywhere"),
    ("objective", {"match": {"S_k": "toy.py"}}, "objective.match.S_k", "cannot be read as a table"),
    ("objective.match.S_k.reference", "S_q.csv", "objective.match.S_k.reference", "there is no file"),
    ("objective.match.S_k.reference", GONE, "objective.match.S_k.reference", "is missing: path of a table"),
    ("objective.match.S_k.range", [3, 1], "objective.match.S_k.range", "[3, 1] is given; two numbers [low, high]"),
    ("objective.match.S_k.range", [1, 2, 3], "objective.match.S_k.range", "two numbers [low, high]"),
    ("objective.match.S_k.range", [100, 200], "objective.match.S_k.reference", "has 0 points within 100 to 200"),
    ("objective.match.S_k.weight", 0, "objective.match.S_k.weight", "0 is given, but it must be greater than 0"),
    ("objective.match.S_k.columns", ["q", "S"], "objective.match.S_k.reference", "it has no column 'q'"),
    ("objective.match.S_k.columns", [0, 5], "objective.match.S_k.reference", "it has 2 columns; column 5"),
    ("objective.match.S_k.columns", 3, "objective.match.S_k.columns", "3 is given; two names or numbers"),
    ("objective.match.S_k.wieght", 3, "objective.match.S_k.wieght", "did you mean `weight`?"),
    (
        "objective.match.S_k.unit",
        "nm",
        "objective.match.S_k.unit",
        "'nm' cannot be converted into '1/angstrom'; allowed: 1/",
    ),
    ("objective.match.S_k.unit", "furlong", "objective.match.S_k.unit", "'furlong' is not a known unit; allowed: 1/"),
    ("objective.match.S_k.unit", 3, "objective.match.S_k.unit", "3 is given, but it must be a valid string"),
    ("objective.match.S_k.value_unit", "furlong", "objective.match.S_k.value_unit", "'furlong' is not a known unit"),
    ("objective", {"match": {"S_k": "S_r.csv"}}, "objective.match.S_k", "S_r.csv: its grid: 'nm' cannot be converted"),
    ("objective", {"match": {"S_k": "S_odd.csv"}}, "objective.match.S_k", "'1/furlong' is not a known unit"),
    ("objective", {"match": {"F_k": "S_odd.csv"}}, "objective.match.F_k", "'1/furlong' is not a known unit"),
    ("objective", {"match": {"F_k": "S_k.csv"}}, "objective.match.F_k", "S_k.csv: it has 20 points; 19 are allowed"),
    ("objective", {"match": {"R": {"F_k": "S_k.csv"}}}, "objective.match.R.F_k", "it has 20 points; 19 are allowed"),
    ("objective", {"match": {"R": {"g_r": "S_k.csv"}}}, "objective.match.R.g_r", "is not a known array"),
    ("objective", {"match": {"R": {"S_k": "S_q.csv"}}}, "objective.match.R.S_k", "there is no file"),
    (
        "objective",
        {"match": {"R": {"S_k": {"reference": "S_k.csv", "columns": 3}}}},
        "objective.match.R.S_k.columns",
        "3 is given; two names or numbers",
    ),
    (
        "objective",
        {"match": {"R": {"S_k": {"reference": "S_k.csv", "weigth": 1}}}},
        "objective.match.R.S_k.weigth",
        "did you mean `weight`?",
    ),
    (
        "objective",
        {"match": {"S_k": {"refrence": "S_k.csv"}}},
        "objective.match.S_k.refrence",
        "did you mean `reference`?",
    ),
    (
        "objective",
        {"match": {"R chi": {"S_k": "S_k.csv"}}},
        "objective.match.R chi",
        "'R chi' is the group's name; allowed",
    ),
    (
        "objective",
        {"match": {"mismatch": {"S_k": "S_k.csv"}}},
        "objective.match.mismatch",
        "that of arrays outside groups",
    ),
    ("objective", {"match": {"energy": {"S_k": "S_k.csv"}}, "minimize": "energy"}, "objective", "names a value twice"),
    ("objective", {"match": {"S_k": {}}}, "objective.match.S_k.reference", "is missing: path of a table"),
    # strategy and surrogate
    ("strategy", "randon", "strategy", "did you mean 'random'?"),
    ("strategy", None, "strategy", "is empty; leave the line out for `bayesian`"),
    ("strategy", "toy:Picky", "strategy", "cannot serve this campaign: it takes one parameter"),
    ("strategy", "toy:Toy", "strategy", "is not a Strategy class"),
    ("strategy", {"kind": "table", "file": "none.csv"}, "strategy.file", "'none.csv' is given, but there is no file /"),
    (
        "strategy",
        {"kind": "table", "file": "S_k.csv"},
        "strategy",
        "S_k.csv: it has no column 'x', 'y'; its columns are",
    ),
    (
        "strategy",
        {"kind": "mixture", "strategies": ["sobol", {"kind": "table", "file": "S_k.csv"}]},
        "strategy",
        "strategies.1, 'table': S_k.csv: it has no column 'x', 'y'",
    ),
    (
        "strategy",
        {"kind": "mixture", "strategies": ["sobol", {"kind": "cmaes", "sigma0": 2}]},
        "strategy.strategies.1",
        "cmaes: sigma0: 2 is given",
    ),
    ("strategy", {"kind": "cmaes", "x0": {"x": 9, "y": 2}}, "strategy", "x0: x: 9 is given"),
    ("strategy.levels", 3, "strategy.levels", "'levels' is not a known key; allowed: fidelity"),
    ("surrogate", "gpp", "surrogate", "'gpp' is not known: did you mean 'gp'?"),
    ("surrogate", None, "surrogate", "is empty; leave the line out for `auto`, or say `none`"),
    ("surrogate", "toy:Toy", "surrogate", "is not a Surrogate class"),
    ("surrogate", {"kind": "phase_classifier"}, "surrogate.labels", "is missing"),
    ("surrogate", "dynamics_network", "surrogate", "'dynamics_network' cannot serve this campaign: it learns dynamics"),
    ("learner", None, "learner", "is empty; leave the line out for `none`"),
    ("learner", "gp", "learner", "'gp' is a surrogate: it stands under `surrogate:`"),
    ("learner", "toy:Toy", "learner", "is not a Learner class"),
    ("learner", "dynamics_net", "learner", "'dynamics_net' is not known: did you mean 'dynamics_network'?"),
    ("learner", {"kind": "phase_classifier"}, "learner.labels", "is missing"),
    (
        "learner",
        {"kind": "profiles", "arrays": ["S_q"]},
        "learner",
        "'profiles' cannot serve this campaign: 'S_q' is not a known array of the simulator (did you mean `S_k`?)",
    ),
    (
        "learner",
        {"kind": "profiles", "known": {"S_k": {"support": "X"}}},
        "learner",
        "'profiles' cannot serve this campaign: known.S_k.support: 'X' is not a known parameter of the space",
    ),
    ("learner", {"kind": "profiles", "known": {"S_k": {"support": "1 +"}}}, "learner.known.S_k.support", "`1 +`"),
    ("learner", "dynamics_network", "learner", "'dynamics_network' cannot serve this campaign: it learns dynamics"),
    # budget
    ("budget", GONE, "budget", "is missing: when the campaign ends"),
    ("budget", {}, "budget", "at least one of trials, hours and target is needed"),
    ("budget", {"stagnation": 3}, "budget", "at least one of trials, hours and target is needed"),
    ("budget", 40, "budget", "40 is given; allowed: a mapping with trials, hours, target, stagnation"),
    ("budget.trials", 0, "budget.trials", "0 is given, but it must be greater than 0"),
    ("budget.trials", 1.5, "budget.trials", "1.5 is given, but it must be a valid integer"),
    ("budget.trials", True, "budget.trials", "True is given, but it must be a valid integer"),
    ("budget.hours", -1, "budget.hours", "-1 is given, but it must be greater than 0"),
    ("budget.hours", "1 h", "budget.hours", "'1 h' is given, but it must be a valid number"),
    ("budget.target", "low", "budget.target", "'low' is given, but it must be a valid number"),
    ("budget.trails", 3, "budget.trails", "did you mean `trials`?"),
    ("objective", {"minimize": ["energy", "pressure"]}, "budget.target", "there are 2 objectives (energy, pressure)"),
    ("objective", {"learn": "energy"}, "budget.target", "`learn` has no best value"),
    ("objective", {"learn": "energy"}, "budget.stagnation", "`learn` has no best value"),
    ("strategy", {"kind": "bayesian", "refinement": {"after": 500}}, "strategy.refinement.after", "the budget ends at"),
    (
        "strategy",
        {"kind": "mixture", "strategies": ["cmaes", {"kind": "bayesian", "refinement": {"after": 500}}]},
        "strategy.strategies.1.refinement.after",
        "the budget ends at",
    ),
    (
        "strategy",
        {"kind": "bayesian", "refinement": {"repeat": 3}},
        "strategy.refinement.repeat",
        "did you mean `repeats`?",
    ),
    # workers
    ("workers", 3, "workers", "3 is given; allowed: a mapping with concurrent, cpus"),
    ("workers.concurrent", 0, "workers.concurrent", "must be greater than or equal to 1"),
    ("workers.cpus", -1, "workers.cpus", "must be greater than or equal to 0"),
    ("workers.cpus", True, "workers.cpus", "True is given, but it must be a valid number"),
    ("workers.gpus", 1.5, "workers.gpus", "1.5 is given; fractions below 1, or whole numbers"),
    ("workers.memory", "2 gigs", "workers.memory", "'2 gigs' is not an amount of memory; allowed: bytes, or text"),
    ("workers.memory", True, "workers.memory", "True is not an amount of memory"),
    ("workers.memory", 0, "workers.memory", "0 is not an amount of memory"),
    ("workers.walltime", "soon", "workers.walltime", "'soon' is not a duration; allowed: seconds, or text such as"),
    ("workers.walltime", "10", "workers.walltime", "'10' is not a duration"),
    ("workers.walltime", -5, "workers.walltime", "-5 is not a duration"),
    ("workers.walltime", 0, "workers.walltime", "0 is given; a duration above 0"),
    ("workers.walltime", True, "workers.walltime", "True is not a duration"),
    ("workers.walltime", 10**400, "workers.walltime", "is no number that can be used"),
    ("workers.retries", -1, "workers.retries", "must be greater than or equal to 0"),
    ("workers.grace", "x", "workers.grace", "'x' is not a duration"),
    ("workers.ahead", "all", "workers.ahead", "'all' is given; `auto` or a whole number from 0"),
    ("workers.ahead", -1, "workers.ahead", "-1 is given; `auto` or a whole number from 0"),
    ("workers.ahead", True, "workers.ahead", "True is given; `auto` or a whole number from 0"),
    (
        "workers.freshness",
        "fresh",
        "workers.freshness",
        "'fresh' is given; `latest`, `balanced`, `busy` or a number from 0 to 1",
    ),
    (
        "workers.freshness",
        1.5,
        "workers.freshness",
        "1.5 is given; `latest`, `balanced`, `busy` or a number from 0 to 1",
    ),
    ("workers.freshness", True, "workers.freshness", "True is given; `latest`, `balanced`"),
    ("workers.cpu", 1, "workers.cpu", "did you mean `cpus`?"),
    # cluster and tracking
    ("cluster.address", "head", "cluster.address", "'head' is given; null, `auto`, `host:port`"),
    ("cluster.address", "head:99999", "cluster.address", "'head:99999' is given"),
    ("cluster.address", "http://head:1", "cluster.address", "is given; null, `auto`"),
    ("cluster.dashboard_port", 70000, "cluster.dashboard_port", "must be less than or equal to 65535"),
    ("cluster.port", 1, "cluster.port", "'port' is not a known key"),
    ("tracking.mlflow", "none", "tracking.mlflow", "'none' is given; null, `off` or a URI"),
    ("tracking.mlflow", "htp://x", "tracking.mlflow", "'htp://x' is given"),
    ("tracking.mlflow", False, "tracking.mlflow", "False is given, but it must be a valid string"),
    ("tracking.experiment", "", "tracking.experiment", "'' is given, but it must have at least"),
]


@pytest.mark.parametrize(("change", "value", "place", "message"), BAD)
def test_one_mistake_is_named_with_its_place(folder: Path, change: str, value: Any, place: str, message: str) -> None:
    found = problems_of(folder, changed(change, value))
    assert place in [problem.place for problem in found]
    assert message in " | ".join(problem.message for problem in found if problem.place == place)


def test_every_mistake_at_once(folder: Path) -> None:
    data = copy.deepcopy(VALID)
    data["simulator"]["particles"] = -3
    data["space"]["x"]["low"] = 4
    data["space"]["u"] = {"choices": []}
    data["constraints"] = "x"
    data["objective"] = {"minimize": "enrgy", "match": {"S_k": "gone.csv"}}
    data["strategy"] = "rnd"
    data["surrogate"] = "rnd"
    data["budget"] = {"trials": 0, "hours": -1}
    data["workers"] = {"cpus": "all", "walltime": "soon"}
    data["cluster"] = {"address": 3}
    data["tracking"] = {"mlflow": "x"}
    data["seed"], data["name"], data["color"] = "s", "?", "red"
    places = {problem.place for problem in problems_of(folder, data)}
    assert places >= {
        "simulator.particles", "space.x.low", "space.u.choices", "space.u", "objective.match.S_k", "strategy",
        "surrogate", "budget.trials", "budget.hours", "workers.cpus", "workers.walltime", "cluster.address",
        "tracking.mlflow", "seed", "name", "color",
    }  # fmt: skip


def test_a_surrogate_of_curves_needs_a_match(folder: Path) -> None:
    data = {**changed("surrogate", "composite"), "objective": {"minimize": "energy"}}
    (problem,) = problems_of(folder, data)
    assert problem.place == "surrogate"
    assert "it learns curves, and the objective compares none: it has no `match`" in problem.message


def test_a_message_of_many_lines_stays_on_one(folder: Path) -> None:
    (folder / "wordy.py").write_text('raise ValueError("first\\nsecond")')
    (problem,) = problems_of(folder, changed("simulator", "wordy:Toy"))
    assert problem.message.endswith("ValueError: first second")


def test_a_space_without_free_parameters_is_refused(folder: Path) -> None:
    found = problems_of(folder, {**VALID, "space": {"x": 1, "y": 2}, "constraints": []})
    assert found == [Problem("space", "has no free parameter; at least one with a range or choices is needed")]


def test_the_files_name_stands_in_for_the_name(folder: Path) -> None:
    path = folder / "my campaign.yaml"
    path.write_text(write_yaml(changed("name", GONE)))
    with pytest.raises(CampaignFileError, match="name: is missing, and the file's name cannot stand in: 'my campaign'"):
        load_campaign_file(path)


@pytest.mark.parametrize("data", [None, 3, "x", [1], {"name": {1, 2}}, {"name": object()}, {"seed": math.nan}])
def test_data_from_python_is_checked_the_same_way(folder: Path, data: Any) -> None:
    assert problems_of(folder, data)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_row_that_the_simulator_refuses_is_said_before_anything_runs(folder: Path, wrapped: bool) -> None:
    table = {"kind": "table", "file": "rows.csv"}
    data = changed("strategy", {"kind": "mixture", "strategies": [table, "sobol"]} if wrapped else table)
    assert parse_campaign(data, folder).build_strategy().ask(1)[0].point["x"] == 0.5
    (problem,) = problems_of(folder, {**data, "simulator": "toy:Cold"})
    assert problem.place == "strategy"
    assert problem.message.endswith("rows.csv: line 3: the simulator refuses it: it boils")
