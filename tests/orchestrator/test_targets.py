"""Targets in the campaign file: what is read, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from softal.errors import CampaignFileError
from softal.orchestrator.campaign_file.schema import parse_campaign
from softal.terminal.remarks import hints

WATER = """
def simulate(epsilon):
    return {"hvap": (44.0 * epsilon, 0.2), "rho298": 1.0}
"""
SK = "k,S\n" + "".join(f"{0.5 + 0.1 * i},{1 + 0.1 * i}\n" for i in range(40))
PRESSURE = {"target": 0.8, "tolerance": 5, "unit": "bar"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("targets")
    (path / "water_targets.py").write_text(WATER)
    (path / "sk.csv").write_text(SK)
    return path


def campaign(objective: Any, simulator: str = "argon") -> dict[str, Any]:
    space = {"epsilon": {"low": 80, "high": 160}, "sigma": {"low": 3.0, "high": 3.8}}
    if simulator != "argon":
        space = {"epsilon": {"low": 0.5, "high": 0.8}}
    return {
        "simulator": simulator, "space": space, "objective": objective, "budget": {"trials": 5}, "seed": 1,
        "surrogate": "none",
    }  # fmt: skip


def problems(objective: Any, folder: Path, simulator: str = "argon") -> list[str]:
    with pytest.raises(CampaignFileError) as caught:
        parse_campaign(campaign(objective, simulator), folder)
    return [str(problem) for problem in caught.value.problems]


def test_targets_beside_a_curve(folder: Path) -> None:
    entry = {"structure_factor": {"reference": "sk.csv", "tolerance": 0.02}, "pressure": PRESSURE}
    spec = parse_campaign({**campaign({"match": entry}), "surrogate": "auto"}, folder)
    (component,) = spec.objective.components
    assert component.describe() == "match structure_factor, pressure"
    assert component.references[0].tolerance == 0.02
    (target,) = component.targets
    assert (target.target, target.tolerance, target.unit) == (pytest.approx(0.08), pytest.approx(0.5), "MPa")
    assert spec.objective.matching
    assert spec.surrogate is not None
    assert spec.surrogate.kind == "composite"


def test_targets_alone_in_a_group_and_of_a_function(folder: Path) -> None:
    alone = parse_campaign(
        campaign({"match": {"hvap": {"target": 44, "tolerance": 0.4}}}, "water_targets:simulate"), folder
    )
    assert alone.objective.names == ("mismatch",)
    assert alone.objective.matching
    groups = {"state": {"pressure": PRESSURE, "potential_energy": {"target": -6.0, "tolerance": 0.1, "unit": "kJ/mol"}}}
    grouped = parse_campaign(campaign({"match": groups}), folder)
    assert grouped.objective.names == ("state",)
    assert grouped.objective.components[0].targets[1].target == pytest.approx(-721.634, abs=1e-3)


@pytest.mark.parametrize(
    ("match", "simulator", "said"),
    [
        (
            {"rho298": 997.0}, "water",
            "rho298: 997.0 is given; a value is matched by `rho298: {target: 997.0, tolerance: ...}`",
        ),
        (
            {"hvap": {"value": 44.0, "weight": 2}}, "water",
            "hvap: its `value` is 44.0; the number that it shall be is its `target`",
        ),
        ({"hvap": {"target": 44.0}}, "water", "hvap.tolerance: is missing: the deviation that counts as one"),
        ({"hvap": {"tolerance": 0.4}}, "water", "hvap.target: is missing: what the value shall be"),
        (
            {"hvap": {"target": 44.0, "tolerance": 0}}, "water",
            "hvap.tolerance: 0 is given, but it must be greater than 0",
        ),
        (
            {"hvap": {"target": 44.0, "tolerance": -1}}, "water",
            "hvap.tolerance: -1 is given, but it must be greater than 0",
        ),
        (
            {"hvap": {"target": 44.0, "tolerance": "1 %"}}, "water",
            "hvap.tolerance: '1 %' is given, but it must be a valid number",
        ),
        (
            {"hvap": {"target": "44", "tolerance": 1}}, "water",
            "hvap.target: '44' is given, but it must be a valid number",
        ),
        (
            {"hvap": {"target": 44, "tolerance": 1, "wieght": 1}}, "water",
            "hvap.wieght: 'wieght' is not a known key (did you mean `weight`?)",
        ),
        ({"hvap": {"traget": 44, "tolerance": 1}}, "water", "did you mean `target`?"),
        (
            {"hvap": {"target": 44, "tolerance": 1, "unit": "kJ/mol"}}, "water",
            "hvap.unit: 'kJ/mol' is given, but the simulator does not say in what unit 'hvap' is",
        ),
        (
            {"pressure": {"target": 1, "tolerance": 1, "unit": "kJ/mol"}}, "argon",
            "pressure.unit: 'kJ/mol' cannot be converted into 'MPa'; allowed: MPa, Pa,",
        ),
        (
            {"pressure": {"target": 1, "tolerance": 1, "unit": "mPa"}}, "argon",
            "pressure.unit: 'mPa' is not a known unit; allowed: MPa, Pa,",
        ),
        (
            {"presure": {"target": 1, "tolerance": 1}}, "argon",
            "presure: 'presure' is not a known value of the simulator 'argon' (did you mean `pressure`?)",
        ),
        (
            {"structure_factor": {"target": 1, "tolerance": 1}}, "argon",
            "'structure_factor' is an array; a target is for a value",
        ),
        ({"pressure": "sk.csv"}, "argon", "'pressure' is a value, not an array: it takes `target` and `tolerance`"),
        (
            {"structure_factor": {"reference": "sk.csv", "tolerance": 0}}, "argon",
            "structure_factor.tolerance: 0 is given",
        ),
    ],
)  # fmt: skip
def test_a_wrong_target_is_one_line(folder: Path, match: Any, simulator: str, said: str) -> None:
    found = problems({"match": match}, folder, "water_targets:simulate" if simulator == "water" else simulator)
    assert [said in one for one in found].count(True) == 1
    assert len(found) == 1 + ("traget" in str(match))


def test_a_curve_without_a_tolerance_has_one_beside_targets(folder: Path) -> None:
    """It is said, since it decides what counts."""
    spec = parse_campaign(campaign({"match": {"structure_factor": "sk.csv", "pressure": PRESSURE}}, "argon"), folder)
    [component] = spec.objective.components
    assert component.references[0].tolerance == 0.05
    said = "beside targets, a chi of 0.05 of structure_factor counts as one tolerance; `tolerance:` says another"
    assert said in list(hints(spec.space, spec.objective))


def test_a_curve_without_a_tolerance_beside_one_that_has_it(folder: Path) -> None:
    (folder / "gr.csv").write_text("r_angstrom,g\n" + "".join(f"{0.5 * i},{1 - 0.5**i}\n" for i in range(1, 16)))
    curves = {"structure_factor": "sk.csv", "radial_distribution": {"reference": "gr.csv", "tolerance": 0.02}}
    [said] = problems({"match": {**curves, "pressure": PRESSURE}}, folder, "argon")
    assert "structure_factor.tolerance: is missing: beside other tolerances" in said


def test_several_mistakes_are_several_lines(folder: Path) -> None:
    match = {"hvap": {"target": 44.0, "tolerance": 0}, "rho298": 997.0, "T": {"target": 1}}
    assert len(problems({"match": match}, folder, "water_targets:simulate")) == 3


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"minimize": "abs(rho298 - 0.76)"}, "`match: {rho298: {target: 0.76, tolerance: ...}}`"),
        ({"minimize": "(rho298 - 0.76)**2"}, "`match: {rho298: {target: 0.76, tolerance: ...}}`"),
        (
            {"minimize": ["rho298", "hvap * 2"]},
            "objective.minimize.1: 'hvap * 2' is arithmetic; allowed: the name of a value",
        ),
        ({"target": {"hvap": 44.0}}, "`match: {hvap: {target: 44.0, tolerance: ...}}`"),
    ],
)
def test_what_is_meant_as_a_target_is_told_how_it_is_written(folder: Path, objective: Any, said: str) -> None:
    (found,) = problems(objective, folder, "water_targets:simulate")
    assert said in found


@pytest.mark.parametrize("name", ["tau-alpha", "S(0)", "g r", "P_qc12"])
def test_names_of_values_are_no_arithmetic(folder: Path, name: str) -> None:
    assert parse_campaign(campaign({"minimize": name}, "water_targets:simulate"), folder).objective.names == (name,)


@pytest.mark.parametrize(
    ("texts", "simulator", "said"),
    [
        (["presure <= 5"], "argon", "objective.subject_to: `presure <= 5`: 'presure' is not a known value"),
        (["temperature <= -1"], "argon", "can never hold, since 'temperature' is at least 0"),
        (["pressure == 1"], "argon", "'pressure' is no mark that is 0 or 1; allowed is an inequality"),
        (["pressure <= 5 kJ/mol"], "argon", "objective.subject_to.0: `pressure <= 5 kJ/mol`: 'kJ/mol' cannot be"),
        (["rho298 <= 5 kJ/mol"], "water", "but the simulator does not say in what unit 'rho298' is"),
        (["rho298 == 5"], "water", "`==` is for marks that are 0 or 1; a number takes an inequality"),
        (["rho298"], "water", "`rho298` is no inequality; allowed is one value between numbers"),
        ("rho298 = 1", "water", "objective.subject_to: `rho298 = 1` is no inequality; `==` is for marks"),
        (["abs(rho298 - 1) <= 2"], "water", "is not about one value"),
        (["rho298 <= hvap"], "water", "is not about one value"),
        (["2 <= rho298 <= 1"], "water", "can never hold: 2 is not below 1"),
        (["1 <= rho298 >= 2"], "water", "does not ascend or descend"),
        ([3], "water", "objective.subject_to.0: 3 is given; allowed: inequalities of values"),
        ([], "water", "objective.subject_to: [] is given; allowed: inequalities of values"),
        (["crystallized == 2"], "kob_andersen", "`==` is for marks that are 0 or 1"),
        (["crystallized >= 2"], "kob_andersen", "can never hold, since 'crystallized' is 0 or 1"),
        (["crystalline > 1"], "kob_andersen", "can never hold, since 'crystalline' is between 0 and 1"),
    ],
)
def test_a_wrong_constraint_is_one_line(folder: Path, texts: Any, simulator: str, said: str) -> None:
    kinds = {"water": "water_targets:simulate"}
    data = campaign({"minimize": VALUES[simulator], "subject_to": texts}, kinds.get(simulator, simulator))
    if simulator == "kob_andersen":
        data["space"] = {"T": {"low": 0.5, "high": 1.0}}
    with pytest.raises(CampaignFileError) as caught:
        parse_campaign(data, folder)
    (problem,) = caught.value.problems
    assert said in str(problem)


VALUES = {"argon": "pressure", "water": "hvap", "kob_andersen": "pressure"}


def test_constraints_stand_in_the_objective(folder: Path) -> None:
    entry = {"minimize": "potential_energy", "subject_to": ["pressure <= 50 bar", "80 < temperature <= 90 K"]}
    objective = parse_campaign(campaign(entry), folder).objective
    assert objective.goals[1] == "subject to pressure <= 50 bar and 80 < temperature <= 90 K"
    assert [(one.low, one.high) for one in objective.outcomes] == [(-float("inf"), 5.0), (80.0, 90.0)]


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"subject_to": ["hvap <= 3"]}, "says what is allowed, and not what is better"),
        ({"learn": "hvap", "subject_to": ["hvap <= 3"]}, "`learn` has no best point that it could bound"),
    ],
)
def test_constraints_need_something_that_has_a_best(folder: Path, objective: Any, said: str) -> None:
    (found,) = problems(objective, folder, "water_targets:simulate")
    assert said in found
