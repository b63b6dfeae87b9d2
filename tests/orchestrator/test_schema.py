"""The campaign file: what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy_campaign import GONE, REFERENCE, TOY, VALID, changed, load, problems_of, written

from softal.errors import CampaignFileError
from softal.orchestrator.campaign_file.schema import differences, parse_campaign
from softal.orchestrator.campaign_file.yaml_text import read_yaml, write_yaml
from softal.outputs import Known


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("campaign"))


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
