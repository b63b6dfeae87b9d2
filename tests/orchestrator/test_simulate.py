"""`softal simulate`: a simulator without a campaign, its mean over seeds, and the table of its curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_typer_cli import softal

from softal.errors import SimulationError
from softal.orchestrator.single_runs.curve_files import grid_column
from softal.orchestrator.single_runs.simulate import average
from softal.references import load_reference
from softal.trial import Array, Observation

MODULE = """
import time
import numpy as np
from softal.kinds.settings import Settings
from softal.simulators.base import Outputs, Simulator
from softal.trial import Array, Observation

r = np.linspace(0.5, 6.0, 12)


class FluidSettings(Settings):
    atoms: int = 10
    noise: float = 0.1
    needs: str = ""


class Fluid(Simulator):
    Settings = FluidSettings
    parameters = {"sigma": "angstrom", "depth": "K"}
    defaults = {"depth": 1.0}
    outputs = Outputs(
        frozenset({"energy"}), frozenset({"g", "h", "angle"}), {"g": "angstrom", "h": "angstrom", "angle": "degree"}
    )

    def check(self):
        return [f"{self.settings.needs} is not installed"] if self.settings.needs else []

    def run(self, point, context):
        if point["sigma"] > 9:
            raise ValueError("the fluid boils")
        noise = np.random.default_rng(context.seed).normal(0, self.settings.noise, len(r))
        g = Array.of(1 + np.exp(-r / point["sigma"]) + noise, np.full(len(r), 0.1), r, grid_unit="angstrom")
        angle = Array.of([0.1, 0.2], grid=[100.0, 110.0], grid_unit="degree")
        energy = point["depth"] * self.settings.atoms * context.fidelity + noise[0]
        return Observation({"energy": energy}, {"energy": 0.5}, {"g": g, "h": g, "angle": angle})
"""
FILE = """\
name: fluid
simulator: {kind: "fluid:Fluid", noise: 0}
space: {sigma: {low: 1, high: 20}, depth: 2.0}
objective: {match: {R: {g: reference.csv, h: reference.csv}}}
surrogate: none
budget: {trials: 3}
"""
R = np.linspace(0.5, 6.0, 12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fluid.py").write_text(MODULE)
    (tmp_path / "fluid.yaml").write_text(FILE)
    (tmp_path / "reference.csv").write_text("r_nm,g\n" + "".join(f"{r / 10},{2 * (1 + np.exp(-r / 3))}\n" for r in R))
    return tmp_path


def answer(folder: Path, *arguments: object) -> Any:
    ran = softal("simulate", *arguments, "--json", folder=folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


def test_a_campaign_file(folder: Path) -> None:
    found = answer(folder, "fluid.yaml", "--at", "sigma=3")
    assert found["values"] == {"energy": 20, "chi_g": pytest.approx(0.5), "chi_h": pytest.approx(0.5)}
    assert found["objective"] == pytest.approx(0.5)  # the reference is twice the curve
    assert (found["point"], found["seeds"], found["settings"]["noise"]) == ({"sigma": 3, "depth": 2}, [0], 0)
    assert found["synthetic"] is True


def test_settings_fidelity_and_seed(folder: Path) -> None:
    options = ("--at", "sigma=3", "--fidelity", "0.5", "--seed", "7")
    found = answer(folder, "fluid.yaml", *options, "--set", "atoms=30", "--set", "noise=0.1")
    noise = np.random.default_rng(7).normal(0, 0.1, 12)
    assert found["values"]["energy"] == pytest.approx(30 + noise[0])
    np.testing.assert_allclose(found["arrays"]["g"]["values"], 1 + np.exp(-R / 3) + noise)
    assert found["errors"]["energy"] == 0.5  # the run's own
    assert found["settings"]["atoms"] == 30


def test_repeats_of_a_kind_in_processes_of_their_own(folder: Path) -> None:
    found = answer(folder, "fluid:Fluid", "--at", "sigma=3", "--repeats", 3, "--workers", 2, "--seed", 4)
    draws = np.array([np.random.default_rng(seed).normal(0, 0.1, 12) for seed in (4, 5, 6)])
    assert found["seeds"] == [4, 5, 6]
    assert found["values"]["energy"] == pytest.approx(10 + draws[:, 0].mean())
    assert found["errors"]["energy"] == pytest.approx(draws[:, 0].std(ddof=1) / np.sqrt(3))
    np.testing.assert_allclose(found["arrays"]["g"]["errors"], draws.std(axis=0, ddof=1) / np.sqrt(3))
    assert [run["values"]["energy"] for run in found["runs"]] == pytest.approx(10 + draws[:, 0])
    assert found["objective"] is None


def test_the_table_says_how_it_was_made_and_can_be_a_reference(folder: Path) -> None:
    options = ("--at", "sigma=3", "--repeats", 2, "--arrays", "h,g", "--out", "synthetic_g.csv")
    ran = softal("simulate", "fluid:Fluid", *options, folder=folder)
    assert ran.returncode == 0, ran.stderr
    assert "mean of 2 runs, seeds 0 to 1" in ran.stdout
    assert "wrote synthetic_g.csv" in ran.stdout
    lines = (folder / "synthetic_g.csv").read_text().splitlines()
    assert lines[0].startswith("# Synthetic: simulated by softal ")
    assert lines[0].endswith("; not measured.")
    said = "\n".join(line for line in lines if line.startswith("# "))
    for text in (
        "command: softal simulate fluid:Fluid --at sigma=3 --repeats 2 --arrays h,g --out synthetic_g.csv",
        'fluid:Fluid {"atoms": 10, "noise": 0.1, "needs": ""}', 'point: {"depth": 1.0, "sigma": 3.0}',
        "seeds 0 to 1", "units: angstrom", "scatter between the runs",
    ):  # fmt: skip
        assert text in said
    assert "r_angstrom,h,g,h_error,g_error" in lines
    assert len(lines) == 12 + 1 + said.count("\n") + 1
    reference = load_reference("g", folder / "synthetic_g.csv")
    draws = np.array([np.random.default_rng(seed).normal(0, 0.1, 12) for seed in (0, 1)])
    np.testing.assert_allclose(reference.values, 1 + np.exp(-R / 3) + draws.mean(axis=0), rtol=1e-6)
    assert (reference.grid_unit, reference.grid[-1]) == ("angstrom", 6)


def test_another_grid_is_another_table(folder: Path) -> None:
    found = answer(folder, "fluid:Fluid", "--at", "sigma=3", "--out", "all.csv")
    assert found["files"] == ["all.csv", "all_angle.csv"]
    assert (folder / "all_angle.csv").read_text().splitlines()[-3:] == ["angle_degree,angle", "100,0.1", "110,0.2"]


def test_curves_that_cannot_be_compared_are_shown_all_the_same(folder: Path) -> None:
    short = FILE.replace("fluid:Fluid", "fluid:Short").replace("noise: 0", "noise: 0, atoms: 5")
    (folder / "short.yaml").write_text(short)
    (folder / "fluid.py").write_text(
        MODULE
        + """

class Short(Fluid):
    def run(self, point, context):
        found = super().run(point, context)
        g = found.arrays["g"]
        cut = Array.of(g.values[:5], grid=g.grid[:5])
        return Observation(found.values, {}, {"g": cut, "h": cut, "angle": found.arrays["angle"]})
"""
    )
    ran = softal("simulate", "short.yaml", "--at", "sigma=3", folder=folder)
    assert ran.returncode == 0, ran.stderr
    assert "The objective cannot be evaluated: array 'g' reaches from 0.5 to 2.5" in ran.stdout
    assert "energy  10" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fluid.yaml"], "no point is given; give one with --at 'sigma=...'"),
        (["fluid.yaml", "--at", "sigma=30"], "sigma: 30"),
        (["fluid.yaml", "--at", "sigme=3"], "did you mean `sigma`"),
        (["fluid.yaml", "--at", "sigma=3", "--set", "atomz=3"], "simulator.atomz: 'atomz' is not a known key"),
        (["fluid.yaml", "--at", "sigma=3", "--set", "atoms=few"], "simulator.atoms: 'few' is given"),
        (["fluid.yaml", "--at", "sigma=3", "--set", "atoms"], "--set 'atoms': name=value is allowed"),
        (["fluid.yaml", "--at", "sigma=3", "--set", "needs=LAMMPS"], "simulator: LAMMPS is not installed"),
        (["fluid.yaml", "--at", "sigma=3", "--fidelity", "0"], "--fidelity 0 is given"),
        (["fluid.yaml", "--at", "sigma=3", "--repeats", "0"], "--repeats"),
        (["gone.yaml"], "there is no file gone.yaml"),
        (["flood"], "simulator.kind: 'flood' is not known"),
        (["fluid:Fluid"], "--at lacks sigma (angstrom); give --at 'sigma=...'"),
        (["fluid:Fluid", "--at", "sigma=3,depht=1"], "did you mean `depth`"),
        (["fluid:Fluid", "--at", "sigma=3", "--arrays", "g"], "--arrays is given without --out FILE"),
        (["fluid:Fluid", "--at", "sigma=3", "--arrays", "q", "--out", "a.csv"], "'q' is not a known array"),
        (["fluid:Fluid", "--at", "sigma=3", "--out", "reference.csv"], "--out reference.csv is there already"),
        (["fluid:Fluid", "--at", "sigma=3", "--out", "a.xvg"], "a name that ends in .csv is allowed"),
        (["fluid:Fluid", "--at", "sigma=3", "--out", "no/a.csv"], "there is no folder"),
    ],
)
def test_mistakes(arguments: list[str], said: str, folder: Path) -> None:
    ran = softal("simulate", *arguments, folder=folder)
    assert ran.returncode == 2, ran.stdout
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (folder / "a.csv").exists()


def test_a_run_that_fails_says_its_seed_and_reason(folder: Path) -> None:
    ran = softal("simulate", "fluid.yaml", "--at", "sigma=12", "--seed", "3", "--repeats", "2", folder=folder)
    assert ran.returncode == 1
    assert "the run with seed 3 failed: ValueError: the fluid boils (fluid.py, line" in ran.stderr


def test_arrays_on_grids_of_their_own_cannot_be_averaged() -> None:
    runs = [Observation(arrays={"g": Array.of([1, 2], grid=grid)}) for grid in ([0, 1], [0, 2])]
    with pytest.raises(SimulationError, match="'g' lies on another grid in every run"):
        average(runs)


@pytest.mark.parametrize(
    ("unit", "column"),
    [
        ("angstrom", "r_angstrom"),
        ("nm", "r_nm"),
        ("1/angstrom", "k_inv_angstrom"),
        ("1/sigma", "k_inv_sigma"),
        ("tau", "t_tau"),
        ("degree", "angle_degree"),
        ("", "grid"),
        ("lattice", "grid"),
    ],
)
def test_the_grids_column_says_its_unit(unit: str, column: str) -> None:
    assert grid_column(unit) == column
