"""The campaign file: what is read, and every way in which it can be wrong."""

from __future__ import annotations

import copy
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softal.errors import CampaignFileError, Problem
from softal.orchestrator.campaign_file.schema import CampaignSpec, differences, load_campaign_file, parse_campaign
from softal.orchestrator.campaign_file.yaml_text import MAX_BYTES, read_yaml, write_yaml
from softal.outputs import Known

# The same examples in every run, however busy the machine is.
CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

TOY = """
from collections.abc import Mapping
from typing import Annotated, Literal
from pydantic import BaseModel, ConfigDict, Field, model_validator
from softal.outputs import Known
from softal.simulators import Outputs, Simulator
from softal.strategies import Strategy
from softal.trial import Observation


class ToySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    particles: int = Field(10, gt=0, description="number of particles")
    ensemble: Literal["nvt", "npt"] = "nvt"
    masses: tuple[float, ...] | None = None
    explode: bool = False

    @model_validator(mode="after")
    def _explodes(self):
        if self.explode:
            raise RuntimeError("settings exploded")
        return self


class Toy(Simulator):
    Settings = ToySettings
    parameters = {"x": "nm (position)", "y": "", "z": ""}
    defaults = {"z": 0.0}
    outputs = Outputs(
        values=frozenset({"energy", "pressure"}), arrays=frozenset({"S_k", "F_k"}), grid_units={"S_k": "1/angstrom"},
        known={"S_k": Known(positive=True)},
    )

    def check_reference(self, reference):
        return "it has 20 points; 19 are allowed" if reference.array == "F_k" and reference.size == 20 else None

    def __init__(self, settings=None):
        super().__init__(settings)
        if self.settings.particles == 13:
            raise ValueError("thirteen particles bring bad luck")

    def run(self, point, context):
        return Observation(values={"energy": float(point["x"]), "pressure": 0.0})


class Cold(Toy):
    def refuses(self, point):
        return "it boils" if point["x"] > 1 else None


class Open(Simulator):
    def run(self, point, context):
        return Observation()


class Picky(Strategy):
    kind = "picky"

    @classmethod
    def supports(cls, space, objective, settings=None):
        return "it takes one parameter" if space.dimension > 1 else None

    def _propose(self, n, pending):
        return []


def energy(x, y, z=0.0, *, seed):
    return {"energy": x + y + z}


number = 3
"""
REFERENCE = "# from nowhere\nk,S\n" + "".join(f"{k},{1 + math.exp(-k)}\n" for k in range(20))

VALID: dict[str, Any] = {
    "name": "toy-1",
    "simulator": {"kind": "toy:Toy", "particles": 20, "masses": [1.0, 2.5]},
    "space": {
        "x": {"low": -1, "high": 1.5, "unit": "nm"},
        "y": {"low": 1, "high": 9, "integer": True},
        "z": {"derived": "x / 2 + y"},
    },
    "constraints": ["x + y <= 5"],
    "objective": {"match": {"S_k": {"reference": "S_k.csv", "range": [1, 15], "weight": 2, "columns": ["k", "S"]}}},
    "strategy": {"kind": "random"},
    "surrogate": "none",
    "budget": {"trials": 40, "hours": 1.5, "target": 0.05, "stagnation": 20, "failures": 8},
    "workers": {
        "concurrent": 4, "cpus": 0.5, "gpus": 0, "memory": "2 GiB", "walltime": "1 h 30 min", "retries": 1,
        "grace": "5 s", "ahead": 3,
    },
    "cluster": {"address": "auto", "dashboard_port": 8300},
    "tracking": {"mlflow": "http://localhost:5000", "experiment": "argon"},
    "seed": 7,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("campaign")
    (path / "toy.py").write_text(TOY)
    (path / "broken.py").write_text("import a_module_that_is_not_there\n")
    (path / "leaving.py").write_text("raise SystemExit(3)\n")
    (path / "S_k.csv").write_text(REFERENCE)
    (path / "ragged.csv").write_text("k,S\n1,2\n3\n")
    (path / "words.csv").write_text("k,S\n1,two\n")
    (path / "empty.csv").write_text("")
    (path / "rows.csv").write_text("x,y,phase\n0.5,1,sq\n1.5,2,hex\n")
    (path / "zero.csv").write_text("".join(f"{k},0\n" for k in range(12)))
    (path / "S_nm.csv").write_text(REFERENCE.replace("k,S", "k_inv_nm,S"))
    (path / "S_r.csv").write_text(REFERENCE.replace("k,S", "r_nm,S"))
    (path / "S_odd.csv").write_text(REFERENCE.replace("k,S", "k (1/furlong),S"))
    return path


def load(folder: Path, text: str) -> CampaignSpec:
    path = folder / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    return load_campaign_file(path)


def problems_of(folder: Path, data: Any) -> list[Problem]:
    with pytest.raises(CampaignFileError) as raised:
        parse_campaign(data, folder)
    assert str(raised.value).splitlines() == [str(problem) for problem in raised.value.problems]  # one line each
    return list(raised.value.problems)


def changed(place: str, value: Any) -> dict[str, Any]:
    """Return the valid campaign with the value at a dotted place; the place goes away where the value is `GONE`."""
    data = copy.deepcopy(VALID)
    *path, last = place.split(".")
    inner = data
    for step in path:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return data


GONE = object()


def test_a_whole_file_is_read(folder: Path) -> None:
    text = write_yaml(VALID)
    spec = load(folder, text)
    assert spec.name == "toy-1"
    assert spec.text == text
    assert spec.folder == folder.resolve()
    assert spec.space.names == ("x", "y")
    assert spec.space.complete({"x": 1, "y": 2})["z"] == 2.5
    assert spec.space.A_unit.shape == (1, 2)
    (component,) = spec.objective.components
    assert component.references[0].range == (1, 15)
    assert component.references[0].weight == 2
    assert spec.simulator.kind == "toy:Toy"
    simulator = spec.built
    assert simulator.settings.particles == 20
    assert simulator.settings.masses == (1.0, 2.5)
    assert spec.build_strategy().ask(2)[0].proposed_by == "random"
    assert spec.surrogate is None
    assert spec.budget.model_dump() == VALID["budget"]
    assert spec.workers.walltime == 5400
    assert spec.workers.memory == 2 * 2**30
    assert spec.workers.ahead == 3
    assert spec.cluster.address == "auto"
    assert spec.tracking.experiment == "argon"
    assert spec.seed == 7


def test_reading_what_was_written_gives_the_same(folder: Path) -> None:
    first, second = parse_campaign(VALID, folder), load(folder, write_yaml(VALID))
    assert (first.space, first.budget, first.workers, first.simulator.settings, first.text) == (
        second.space, second.budget, second.workers, second.simulator.settings, second.text,
    )  # fmt: skip
    assert parse_campaign(read_yaml(first.text), folder).text == first.text


@pytest.mark.parametrize(
    ("objective", "kind"),
    [({"match": {"S_k": "S_k.csv"}}, "composite"), ({"minimize": "energy"}, "gp"), ({"maximize": "energy"}, "gp")],
)
def test_the_surrogate_suits_the_objective(folder: Path, objective: dict[str, Any], kind: str) -> None:
    spec = parse_campaign({**changed("surrogate", GONE), "objective": objective}, folder)
    assert spec.surrogate is not None
    assert spec.surrogate.kind == kind


def liquids(**changes: Any) -> dict[str, Any]:
    campaign = {
        "name": "cold", "simulator": "kob_andersen", "space": {"T": {"low": 0.6, "high": 4.0}},
        "objective": {"learn": "relaxation_A"}, "strategy": "sobol", "budget": {"trials": 3},
    }  # fmt: skip
    return {**campaign, **changes}


NETWORK = {"kind": "dynamics_network", "members": 7}


@pytest.mark.parametrize(
    "sections",
    [
        {"learner": NETWORK},
        {"learner": NETWORK, "surrogate": "auto"},
        {"surrogate": NETWORK},  # as the first version had it
        {"surrogate": NETWORK, "learner": NETWORK},
    ],
)
def test_a_learner_stands_beside_a_surrogate(sections: dict[str, Any]) -> None:
    spec = parse_campaign(liquids(**sections))
    assert spec.surrogate is not None
    assert spec.learner is not None
    assert (spec.surrogate.kind, spec.learner.kind) == ("gp", "dynamics_network")
    made = spec.build_learner()
    assert made is not None
    assert made.settings.members == 7
    assert made.objective == spec.objective


def test_a_learner_of_profiles_is_told_what_the_simulator_knows(folder: Path) -> None:
    wanted = {"kind": "profiles", "arrays": ["S_k"], "known": {"S_k": {"integral": "x * y"}}}
    spec = parse_campaign({**VALID, "learner": wanted}, folder)
    assert dict(spec.objective.known) == {"S_k": Known(positive=True)}
    assert spec.learner is not None
    assert spec.learner.settings.known["S_k"].over(spec.objective.known["S_k"]) == Known(True, integral="x * y")


def test_there_may_be_a_learner_alone_or_neither() -> None:
    alone = parse_campaign(liquids(surrogate="none", learner="dynamics_network"))
    assert alone.surrogate is None
    assert alone.learner is not None
    neither = parse_campaign(liquids(surrogate="none"))
    assert neither.learner is neither.build_learner() is None


@pytest.mark.parametrize("learner", ["none", "dynamics_network", {"kind": "phase_classifier", "labels": "S_k.csv"}])
def test_two_learners_are_one_too_many(folder: Path, learner: Any) -> None:
    with pytest.raises(CampaignFileError) as caught:
        parse_campaign(liquids(surrogate=NETWORK, learner=learner), folder)
    [problem] = [one for one in caught.value.problems if one.place == "surrogate"]
    assert "'dynamics_network' is a learner, and " in problem.message
    assert "there is one of each: leave this line out for a `gp`" in problem.message


def test_a_surrogate_of_curves_needs_a_match(folder: Path) -> None:
    data = {**changed("surrogate", "composite"), "objective": {"minimize": "energy"}}
    (problem,) = problems_of(folder, data)
    assert problem.place == "surrogate"
    assert "it learns curves, and the objective compares none: it has no `match`" in problem.message


def test_a_short_file_has_defaults(folder: Path) -> None:
    spec = load(
        folder,
        """
        simulator: toy:Open
        space: {x: {low: 1e-3, high: 1e3, log: true}}
        objective: {minimize: energy}
        strategy: sobol
        surrogate: none
        budget: {hours: 1}
        """,
    )
    assert spec.name == "campaign"  # the file's
    assert spec.seed == 0
    assert (spec.workers.concurrent, spec.workers.cpus, spec.workers.gpus, spec.workers.retries) == (2, 1, 0, 2)
    assert (spec.workers.memory, spec.workers.walltime, spec.workers.grace, spec.workers.ahead) == (
        None,
        None,
        10,
        "auto",
    )
    assert spec.cluster.address is None
    assert spec.tracking.mlflow is None
    assert spec.space.from_unit([[0.5]])[0]["x"] == pytest.approx(1.0)


def test_a_function_is_a_simulator_of_its_arguments(folder: Path) -> None:
    data = {**VALID, "simulator": "toy:energy", "objective": {"minimize": "energy"}}
    assert parse_campaign(data, folder).built.parameters == {"x": "", "y": "", "z": ""}
    data["space"] = {"x": {"low": 0, "high": 1}, "w": 3}
    data["constraints"] = []
    assert [str(problem).split(";")[0] for problem in problems_of(folder, data)] == [
        "space.w: 'w' is not a known parameter of the simulator 'toy:energy'",
        "space.y: is missing: the simulator 'toy:energy' needs it",
    ]


def test_a_command_needs_no_kind(folder: Path) -> None:
    (folder / "deck.in").write_text("pair_coeff {{ y }}\n")
    simulator = {"command": "./run.sh {x}", "templates": ["deck.in"], "values": ["energy"]}
    data = {**VALID, "simulator": simulator, "objective": {"minimize": "energy"}}
    data["space"] = {name: VALID["space"][name] for name in "xy"}
    spec = parse_campaign(data, folder)
    assert spec.simulator.kind == "command"
    assert spec.built.parameters == {"x": "a placeholder of the command", "y": "a placeholder in deck.in"}
    data["space"] = {"x": {"low": 0, "high": 1}, "w": 2, "seed": 3}
    data["constraints"] = []
    assert [str(problem).split(";")[0] for problem in problems_of(folder, data)] == [
        "space.w: 'w' is not a known parameter of the simulator 'command'",
        "space.seed: is a placeholder of `command:` already",
        "space.y: is missing: the simulator 'command' needs it (a placeholder in deck.in)",
    ]
    data["simulator"] = {"command": "./run.sh 'open", "templates": ["gone.in"], "comand": 1}
    assert {problem.place for problem in problems_of(folder, data)} >= {"simulator.command", "simulator.comand"}


@pytest.mark.parametrize(
    ("entry", "names", "signs"),
    [
        ({"minimize": "energy"}, ("energy",), [1]),
        ({"maximize": ["energy", "pressure"]}, ("energy", "pressure"), [-1, -1]),
        ({"learn": ["energy", "pressure"]}, ("energy", "pressure"), [1, 1]),
        ({"minimize": "energy", "maximize": "pressure"}, ("energy", "pressure"), [1, -1]),
        ({"match": {"S_k": "S_k.csv"}, "maximize": "energy"}, ("mismatch", "energy"), [1, -1]),
        ({"match": {"R": {"S_k": "S_k.csv"}, "F": {"S_k": {"reference": "S_k.csv"}}}}, ("R", "F"), [1, 1]),
        ({"match": {"R": {"S_k": "S_k.csv"}, "S_k": "S_k.csv"}}, ("mismatch", "R"), [1, 1]),
    ],
)
def test_objectives(folder: Path, entry: Any, names: tuple[str, ...], signs: list[int]) -> None:
    spec = parse_campaign({**VALID, "objective": entry, "budget": {"trials": 1}}, folder)
    assert spec.objective.names == names
    assert spec.objective.signs.tolist() == signs


@pytest.mark.parametrize(
    ("entry", "grid", "range"),
    [
        ({"reference": "S_k.csv", "range": [1, 15]}, 19, (1, 15)),  # of no known unit: the simulator's
        ({"reference": "S_k.csv", "range": [1, 15], "unit": "1/angstrom"}, 19, (1, 15)),
        ({"reference": "S_k.csv", "range": [1, 15], "unit": "nm^-1"}, 1.9, (0.1, 1.5)),
        ({"reference": "S_nm.csv", "range": [1, 15]}, 1.9, (0.1, 1.5)),
    ],
)
def test_references_are_in_the_simulators_unit(
    folder: Path, entry: Any, grid: float, range: tuple[float, float]
) -> None:
    (component,) = parse_campaign(changed("objective.match.S_k", entry), folder).objective.components
    assert component.references[0].grid[-1] == pytest.approx(grid)
    assert component.references[0].range == pytest.approx(range)
    assert component.references[0].grid_unit == "1/angstrom"


def test_a_single_named_match_is_one_objective(folder: Path) -> None:
    spec = parse_campaign(changed("objective", {"match": {"R_chi": {"S_k": "S_k.csv"}}}), folder)
    assert spec.objective.single
    assert spec.budget.target == VALID["budget"]["target"]
    assert [component.describe() for component in spec.objective.components] == ["match S_k (R_chi)"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45 s", 45), ("10 min", 600), ("1 h 30 min", 5400), ("1.5h", 5400), (90, 90), (0.5, 0.5), ("2 d", 172800)],
)
def test_durations(folder: Path, text: Any, seconds: float) -> None:
    assert parse_campaign(changed("workers.walltime", text), folder).workers.walltime == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "amount"), [("2 GiB", 2**31), ("500 MB", 5 * 10**8), (1024, 1024), (None, None)])
def test_memory(folder: Path, text: Any, amount: int | None) -> None:
    assert parse_campaign(changed("workers.memory", text), folder).workers.memory == amount


@pytest.mark.parametrize(
    "uri",
    [None, "off", "http://host:5000", "https://host/x", "sqlite:///a.db", "postgresql+psycopg2://u@h/d", "file:///tmp"],
)
def test_mlflow_uris(folder: Path, uri: str | None) -> None:
    assert parse_campaign(changed("tracking.mlflow", uri), folder).tracking.mlflow == uri


@pytest.mark.parametrize(
    "address", [None, "auto", "local", "head:6379", "10.0.0.1:6379", "ray://head:10001", "[::1]:6379"]
)
def test_addresses(folder: Path, address: str | None) -> None:
    assert parse_campaign(changed("cluster.address", address), folder).cluster.address == address


def test_a_parameter_that_others_are_derived_from_need_not_be_the_simulators(folder: Path) -> None:
    space = {"q": {"low": 1, "high": 2}, "x": {"derived": "-q"}, "y": {"derived": "2 * q"}}
    spec = parse_campaign({**VALID, "space": space, "constraints": []}, folder)
    assert spec.space.names == ("q",)


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


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "the file is empty"),
        ("# only a comment\n", "", "the file is empty"),
        ("- a\n- b\n", "", "['a', 'b'] is given; a mapping"),
        ("just text", "", "'just text' is given; a mapping"),
        ("name: [1, 2", "line 1, column 12", "cannot be read as YAML"),
        ("name: a\n\tseed: 1\n", "line 2, column 1", "cannot be read as YAML"),
        ("name: a\n---\nname: b\n", "line 2, column 1", "expected a single document"),
        ("name: *nobody\n", "line 1, column 7", "undefined alias"),
        ("name: a\nseed: 1\nname: b\n", "name", "stands twice, on lines 1 and 3"),
        ("space:\n  x:\n    low: 1\n    low: 2\n", "space.x.low", "stands twice, on lines 3 and 4"),
        ("budget: {hours: .inf}\n", "budget.hours", "'.inf' on line 1 is no number that can be used"),
        ("budget: {hours: .nan}\n", "budget.hours", "'.nan' on line 1"),
        ("budget: {hours: 1e999}\n", "budget.hours", "'1e999' on line 1"),
        ("seed: " + "9" * 5000, "seed", "is no number that can be used"),
        ("name: !!python/object/apply:os.system ['true']\n", "name", "the tag"),
        ("name: !secret x\n", "name", "the tag '!secret' on line 1 is not allowed"),
        ("name: !!binary aGVsbG8=\n", "name", "is not allowed; leave tags out"),
        ("? [a, b]\n: 1\n", "", "a list or mapping is a key on line 1"),
        ("3: 1\n", "", "'3' is a key on line 1; only text"),
        ("space: {true: 1}\n", "space", "'true' is a key on line 1"),
        ("a: &a [*a]\n", "line 1, column 4", "an anchor holds itself"),
        ("[" * 200 + "]" * 200, "line 1, column 31", "nested more than 30 deep"),
        ("name: \x07\n", "", "cannot be read as YAML"),
        ("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ), "line 5, column 4", "anchors expand to more than 100000 values"),
    ],
)  # fmt: skip
def test_bad_yaml(folder: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(CampaignFileError) as raised:
        load(folder, text)
    assert place in [problem.place for problem in raised.value.problems]
    assert message in str(raised.value)


def test_yaml_is_read_as_scientists_mean_it() -> None:
    text = (
        "{a: 1e-3, b: off, c: 010, d: 10:30, e: 1.5E+3, f: 2026-01-01, g: yes, h: .5, i: 0x1f, j: ~, k: -3, l: 1_000}"
    )
    assert read_yaml(text) == {
        "a": 1e-3, "b": "off", "c": 10, "d": "10:30", "e": 1500.0, "f": "2026-01-01", "g": "yes", "h": 0.5, "i": 31,
        "j": None, "k": -3, "l": "1_000",
    }  # fmt: skip


def test_anchors_may_be_used_in_good_measure() -> None:
    assert read_yaml("a: &r {low: 1, high: 2}\nb: *r\n") == {"a": {"low": 1, "high": 2}, "b": {"low": 1, "high": 2}}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), plain, max_size=4))
@settings(CALM, max_examples=150)
def test_yaml_round_trips(data: dict[str, Any]) -> None:
    try:
        text = write_yaml(data)
        again = read_yaml(text)
    except CampaignFileError as error:  # keys that are not text, control characters
        assert_clear(error)
    else:
        assert again == data


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.yaml", None, "gone.yaml: there is no such file"),
        ("latin.yaml", "name: Zürich".encode("latin-1"), "is not UTF-8 text: byte 0xfc on line 1"),
        ("big.yaml", b"#" * (MAX_BYTES + 1), f"at most {MAX_BYTES} are allowed"),
        ("null\0.yaml", None, "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CampaignFileError, match=re.escape(message)):
        load_campaign_file(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match="is a folder; the path of a campaign file is needed"):
        load_campaign_file(tmp_path)


@pytest.mark.parametrize("data", [None, 3, "x", [1], {"name": {1, 2}}, {"name": object()}, {"seed": math.nan}])
def test_data_from_python_is_checked_the_same_way(folder: Path, data: Any) -> None:
    assert problems_of(folder, data)


def test_a_namesake_in_another_folder_is_another_module(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(TOY.replace('"pressure"}', '"heat"}'))
    (tmp_path / "S_k.csv").write_text(REFERENCE)
    data = {**VALID, "objective": {"minimize": "heat"}}
    assert parse_campaign(data, tmp_path).objective.names == ("heat",)
    assert "'heat' is not a known value" in str(problems_of(folder, data)[0])


def test_differences() -> None:
    before = "name: a\nbudget: {trials: 40}\nspace: {x: {low: 1, high: 2}}\nconstraints: [x <= 1]\nseed: 1\n"
    after = "# other layout\nseed: 1.0\nname: a\nbudget:\n  trials: 60\n  hours: 1\nspace: {x: {low: 1, high: 2}}\n"
    assert differences(before, before.replace("{trials: 40}", "\n  trials:   40")) == []
    assert differences(before, after) == [
        "budget.trials: 40 -> 60",
        "constraints.0: 'x <= 1' -> nothing",
        "seed: 1 -> 1.0",
        "budget.hours: nothing -> 1",
    ]


# Mutations: whatever is done to a valid file, nothing but CampaignFileError comes out, and no rubbish passes.
JUNK = [
    None, True, False, 0, -1, 1e-300, 1e308, -1e308, 10**30, "", " ", "x", "0", "null", "1e3", "-", "\n", "é", "a: b",
    [], {}, [1], [[]], ["x", "y"], {"kind": "random"}, {"low": 0, "high": 1}, {"": 1}, "x" * 500, [None], {"x": None},
    "toy:Toy", "random", "S_k.csv", "../S_k.csv", "/", "2 GiB", "10 min", "x <= y", "{x}", "%s", "energy",
]  # fmt: skip


def places_in(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in children for found in [(*place, key), *places_in(value, (*place, key))]]


PLACES = places_in(VALID)


@pytest.mark.parametrize("how", ["set", "delete", "add", "rename"])
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(JUNK) | plain), min_size=1, max_size=3))
@settings(CALM, max_examples=100)
def test_mutated_files_give_problems_and_nothing_else(folder: Path, how: str, mutations: list[tuple[Any, Any]]) -> None:
    data = copy.deepcopy(VALID)
    for place, junk in mutations:
        mutate(data, place, junk, how)
    try:
        spec = parse_campaign(data, folder)
    except CampaignFileError as error:
        assert_clear(error)
    else:
        assert_sound(spec, data)


def assert_clear(error: CampaignFileError) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.message
        assert len(str(problem)) < 2000


def mutate(data: Any, place: tuple[Any, ...], junk: Any, how: str) -> None:
    for step in place[:-1]:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return
    key = place[-1]
    if isinstance(data, dict):
        if how == "delete":
            data.pop(key, None)
        elif how == "add":
            data[f"{key}_"] = junk
        elif how == "rename" and key in data:
            data[f"{key}s"] = data.pop(key)
        else:
            data[key] = junk
    elif isinstance(data, list) and isinstance(key, int) and key < len(data):
        data[key] = junk


def assert_sound(spec: CampaignSpec, data: dict[str, Any]) -> None:
    """What passed must be usable: every section is of its type, and points can be made and run."""
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", spec.name)
    assert type(spec.seed) is int
    assert spec.space.dimension
    assert spec.space.from_unit([[0.5] * spec.space.dimension])
    assert {key.rstrip() for key in data} <= {*VALID, "toy"}
    budget = spec.budget
    assert any(limit is not None for limit in (budget.trials, budget.hours, budget.target))
    assert all(limit is None or limit > 0 for limit in (budget.trials, budget.hours, budget.stagnation))
    assert spec.built.settings.particles > 0
    assert spec.build_strategy() is not None
    assert spec.workers.concurrent >= 1
    assert math.isfinite(spec.workers.cpus)


@given(st.integers(0, 2000), st.text(alphabet=st.sampled_from("{}[]:,-&*!|>'\"%@`#? \n\tax1.~\x00é"), max_size=4))
@settings(CALM, max_examples=300)
def test_mutated_text_gives_problems_and_nothing_else(folder: Path, position: int, junk: str) -> None:
    text = write_yaml(VALID)
    position %= len(text)
    try:
        spec = load(folder, text[:position] + junk + text[position + 1 :])
    except CampaignFileError as error:
        assert_clear(error)
    else:
        assert spec.space.dimension


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_row_that_the_simulator_refuses_is_said_before_anything_runs(folder: Path, wrapped: bool) -> None:
    table = {"kind": "table", "file": "rows.csv"}
    data = changed("strategy", {"kind": "mixture", "strategies": [table, "sobol"]} if wrapped else table)
    assert parse_campaign(data, folder).build_strategy().ask(1)[0].point["x"] == 0.5
    (problem,) = problems_of(folder, {**data, "simulator": "toy:Cold"})
    assert problem.place == "strategy"
    assert problem.message.endswith("rows.csv: line 3: the simulator refuses it: it boils")
