"""The kind `gromacs`: a user's own files, run by the real GROMACS where it is there (`apt-get install gromacs`)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import CampaignFileError, InvalidObservation, SimulationError, SoftalError, WalltimeExceeded
from softal.kinds.inputs import noting
from softal.orchestrator.campaign_file.schema import load_campaign_file, parse_campaign
from softal.references.readers import read_table
from softal.simulators import find
from softal.simulators.base import Context
from softal.simulators.files import FromFile, read_into
from softal.simulators.gromacs import mdp, program
from softal.simulators.gromacs.gromacs import MAX_SEED, Gromacs
from softal.simulators.gromacs.units import unit_of
from softal.testing.simulators import Candidate, SimulatorContract
from softal.trial import Observation

YOUR_OWN = Path(__file__).parents[2] / "campaigns" / "your_own"
# Of liquid argon, 256 atoms, by gmx energy and gmx rdf 2022.5.
DATA = Path(__file__).parents[1] / "data" / "gromacs"
needs_gromacs = [
    pytest.mark.physics,
    pytest.mark.skipif(program.find(None) is None, reason="GROMACS is not installed: apt-get install gromacs"),
]
# 256 atoms, a second.
RUN = """\
integrator = md           ; leap-frog
dt = 0.004
nsteps = {{ steps }}
nstenergy = 5
nstxout-compressed = 100
rvdw = 0.9
rcoulomb = 0.9
tcoupl = v-rescale
tc-grps = System
tau-t = 0.2
ref_t = {{ T }}           ; {{ unused }}
gen_vel = yes
gen-temp = {{ T }}
"""
TOP = '#include "argon.itp"\n[ system ]\nargon\n[ molecules ]\nAr 256  ; {{ unused }}\n'
POINT = {"T": 100.0, "epsilon": 1.0, "steps": 500}


def files(folder: Path, **texts: str) -> None:
    """Write a user's files: argon.mdp, argon.top, which includes argon.itp, and argon.gro."""
    itp = (YOUR_OWN / "argon.top").read_text().partition("[ system ]")[0].replace("{{ sigma }}", "0.34")
    written = {"mdp": RUN, "top": TOP, "itp": itp, "gro": (YOUR_OWN / "argon.gro").read_text(), **texts}
    for suffix, text in written.items():
        (folder / f"argon.{suffix}").write_text(text)


def simulator(folder: Path, **settings: Any) -> Gromacs:
    """Make the simulator of the files that are there."""
    given = {"mdp": "argon.mdp", "top": "argon.top", "gro": "argon.gro", "values": ["Temperature"], **settings}
    paths = {key: str(folder / given[key]) for key in ("top", "gro")}
    runs = [str(folder / name) for name in ([given["mdp"]] if isinstance(given["mdp"], str) else given["mdp"])]
    return Gromacs({**given, **paths, "mdp": runs})


def run(made: Gromacs, folder: Path, name: str = "trial", **context: Any) -> Observation:
    (folder / name).mkdir()
    return made.run(POINT, Context(folder / name, **{"seed": 7, "walltime": 60.0, **context}))


def campaign(folder: Path, space: dict[str, Any], **settings: Any) -> Any:
    files(folder)
    given = {"kind": "gromacs", "mdp": "argon.mdp", "top": "argon.top", "gro": "argon.gro", "values": ["Density"]}
    match = {"Density": {"target": 1.4, "unit": "g/cm^3", "tolerance": 0.01}}
    data = {"name": "argon", "simulator": {**given, **settings}, "space": space, "objective": {"match": match}}
    return parse_campaign({**data, "budget": {"trials": 2}}, folder)


# What the files say.


def test_parameters_are_the_placeholders_but_not_those_in_comments(tmp_path: Path) -> None:
    files(tmp_path)
    assert dict(simulator(tmp_path).parameters or {}) == {
        "T": "a placeholder in argon.mdp", "epsilon": "a placeholder in argon.itp",
        "steps": "a placeholder in argon.mdp",
    }  # fmt: skip


SPACE = {"T": {"low": 80, "high": 90}, "epsilon": 1.0, "steps": 100}


@pytest.mark.parametrize(
    ("space", "settings", "said"),
    [
        ({**SPACE, "sigma": 0.3}, {}, r"^space.sigma: 'sigma' is not a known parameter of the simulator 'gromacs'"),
        ({**SPACE, "seed": 1}, {}, r"space.seed: 'seed' is not a known parameter"),
        ({"T": SPACE["T"], "steps": 9}, {}, r"^space.epsilon: is missing: .*\(a placeholder in argon.itp\)$"),
        (SPACE, {"mdp": "no.mdp"}, r"^simulator.mdp: 'no.mdp' is given, but there is no file \S+/no.mdp$"),
        (SPACE, {"mdp": []}, r"^simulator.mdp: is empty; allowed: a file of run parameters, or a list of them$"),
        (SPACE, {"values": []}, r"^simulator: nothing is asked for; allowed: `values`, such as \[density\], or"),
        (SPACE, {"values": [3]}, r"^simulator.values: \[3\] is given; allowed: names of columns"),
        (SPACE, {"values": {"Density": 3}}, r"^simulator.values: 'Density' has the number of a column"),
        (SPACE, {"values": ["Pressure"]}, r"^objective.match.Density: 'Density' is not a known value of the simulator"),
        (SPACE, {"analysis": ["gmx"]}, r"^simulator.analysis.0: 'gmx' is given; allowed: a program of gmx"),
        (SPACE, {"analysis": ['rdf -ref "Ar']}, r"^simulator.analysis.0: 'rdf -ref \"Ar' is given: No closing"),
    ],
)
def test_one_mistake_is_one_line(space: Any, settings: Any, said: str, tmp_path: Path) -> None:
    """The target has a unit, which is no mistake where it is not known what the simulator returns."""
    with pytest.raises(CampaignFileError, match=said) as error:
        campaign(tmp_path, space, **settings)
    assert len(error.value.problems) == 1


def test_targets_are_converted_into_the_units_of_gromacs(tmp_path: Path) -> None:
    [component] = campaign(tmp_path, SPACE).objective.components
    assert component.parts[0].target == pytest.approx(1400)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"top": '#include "../argon.itp"\n'}, r"argon.top includes ../argon.itp, which is not in its folder"),
        ({"mdp": RUN + "x = {{ a b }}\n"}, r"argon.mdp: line 14: expected token"),
    ],
)
def test_files_that_cannot_be_used(texts: dict[str, str], said: str, tmp_path: Path) -> None:
    (tmp_path / "argon.itp").write_text("")
    (tmp_path / "in").mkdir()
    files(tmp_path / "in", **texts)
    with pytest.raises(SoftalError, match=said):
        simulator(tmp_path / "in")


def test_its_files_are_among_those_of_a_campaign(tmp_path: Path) -> None:
    """A campaign keeps copies of them, and notices that they have changed."""
    files(tmp_path)
    (tmp_path / "index.ndx").write_text("[ one ]\n1\n")
    with noting() as found:
        simulator(tmp_path, files=["*.ndx"])
    assert {path.name for path in found} == {"argon.mdp", "argon.top", "argon.itp", "argon.gro", "index.ndx"}


def test_files_of_one_name(tmp_path: Path) -> None:
    files(tmp_path)
    (tmp_path / "more").mkdir()
    shutil.copy(tmp_path / "argon.mdp", tmp_path / "more")
    with pytest.raises(SoftalError, match=r"two files are called argon.mdp"):
        simulator(tmp_path, mdp=["argon.mdp", "more/argon.mdp"])
    shutil.copy(tmp_path / "argon.mdp", tmp_path / "last.mdp")
    with pytest.raises(SoftalError, match=r"the run argon.mdp would write over argon.gro"):
        simulator(tmp_path, mdp=["argon.mdp", "last.mdp"])


# What is filled in.


def test_keys_are_compared_as_gromacs_does() -> None:
    text = "Gen_Seed = -1\nnsteps=100\nref-t = 1 2\n"
    assert mdp.entries(mdp.without_comments("a-B =  1 ; = 2\n;c = 1\n")) == {"ab": "1"}
    assert (
        mdp.with_entries(text, {"gen-seed": 5, "ld-seed": 6}) == "gen-seed = 5\nnsteps=100\nref-t = 1 2\nld-seed = 6\n"
    )


@pytest.mark.parametrize(
    ("text", "seeded", "fixed"),
    [
        ("nsteps = 1", {"gen-seed": 5, "ld-seed": 5}, []),
        ("gen_seed = -1\nld-seed = 12", {"gen-seed": 5}, ["ld-seed = 12"]),
        ("gen-seed = 1\nld-seed = 2\nawh-seed = -1", {"awh-seed": 5}, ["gen-seed = 1", "ld-seed = 2"]),
    ],
)
def test_generators_have_the_trials_seed_where_gromacs_would_choose_one(text: str, seeded: Any, fixed: Any) -> None:
    assert mdp.seeded(text, 5) == seeded
    assert mdp.fixed_seeds(text) == fixed


def test_a_fixed_seed_is_remarked(tmp_path: Path) -> None:
    files(tmp_path, mdp=RUN + "gen-seed = 173529\n")
    assert simulator(tmp_path).remarks() == [
        "argon.mdp has gen-seed = 173529, in all trials the same; -1 lets each trial have its own"
    ]
    files(tmp_path, mdp=RUN + "gen-seed = {{ seed }}\n")
    assert simulator(tmp_path).remarks() == []


def written(folder: Path, made: Gromacs, **context: Any) -> dict[str, str]:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    made._write_inputs(POINT, Context(work, **{"seed": 7, **context}))
    return mdp.entries((work / "argon.mdp").read_text())


def test_seeds_are_those_that_gromacs_takes(tmp_path: Path) -> None:
    files(tmp_path)
    seeds = [int(written(tmp_path, simulator(tmp_path), seed=seed)["genseed"]) for seed in (0, 1, 2**31, 2**63)]
    assert all(1 <= seed <= MAX_SEED for seed in seeds)
    assert len(set(seeds)) > 2


def test_fidelity_scales_the_steps_of_the_last_run_unless_a_file_uses_it(tmp_path: Path) -> None:
    files(tmp_path)
    assert written(tmp_path, simulator(tmp_path))["nsteps"] == "500"
    assert written(tmp_path, simulator(tmp_path), fidelity=0.25)["nsteps"] == "125"
    files(tmp_path, mdp=RUN.replace("{{ steps }}", "{{ (steps * fidelity) | round | int }}\nnstlist = 10"))
    assert written(tmp_path, simulator(tmp_path), fidelity=0.5)["nsteps"] == "250"
    files(tmp_path, mdp=RUN.replace("{{ steps }}", "-1 ; {{ steps }}") + "userint1 = {{ steps }}\n")
    with pytest.raises(SimulationError, match=r"nsteps is -1, and the run is to be scaled by fidelity 0.5"):
        written(tmp_path, simulator(tmp_path), fidelity=0.5)


def test_a_parameter_that_no_file_uses(tmp_path: Path) -> None:
    files(tmp_path)
    with pytest.raises(SimulationError, match=r"no file of GROMACS uses the parameter 'sigma'"):
        simulator(tmp_path)._write_inputs({**POINT, "sigma": 1.0}, Context(tmp_path, 1))


# What gmx writes.


def test_series_of_gmx_energy_and_curves_of_gmx_rdf() -> None:
    """The statistics are those of thermo tables."""
    observation = Observation()
    asked = {
        "U": FromFile(file="energy.xvg", column="Potential", warmup=0),
        "E": FromFile(file="energy.xvg", column="total-energy", warmup=0),
        "rho": FromFile(file="energy.xvg", column="Density", take="last"),
        "g_r": FromFile(file="rdf.xvg"),
    }
    read_into(observation, asked, DATA)
    table = read_table(DATA / "energy.xvg")
    assert table.series
    assert observation.values["U"] == pytest.approx(table.columns[1].mean())
    # Samples at each 0.04 ps are correlated: their error is larger than that of 26 free ones.
    assert observation.errors["U"] > 1.3 * table.columns[1].std(ddof=1) / np.sqrt(26)
    assert observation.values["E"] - observation.values["U"] == pytest.approx(1.5 * 8.314e-3 * 87.3, rel=0.03)
    assert observation.values["rho"] == pytest.approx(1402.618530)
    g = observation.arrays["g_r"]
    assert (g.grid_unit, g.grid[int(np.argmax(g.values))]) == ("nm", pytest.approx(0.36))


def test_units_of_terms_are_those_on_the_axis_of_gmx_energy() -> None:
    text = (DATA / "energy.xvg").read_text()
    units = list(dict.fromkeys(unit_of(name) for name in read_table(DATA / "energy.xvg").labels[1:]))
    assert f'"({"), (".join(units)})"' in text
    for unit, terms in {
        "kJ/mol": ["Total-Energy", "Kinetic En.", "LJ (SR)", "Coulomb-14", "Coul. recip.", "Ryckaert-Bell.", "pV"],
        "bar": ["Pres-XY", "Pres. DC"], "K": ["Temperature", "T-System"], "nm": ["Box-X", "Box-YX"],
        "": ["Volume", "#Surf*SurfTen", "Constr. rmsd", "Lamb-System"],
    }.items():  # fmt: skip
        assert {term: unit_of(term) for term in terms} == dict.fromkeys(terms, unit)


HEAD = "              :-) GROMACS - gmx grompp, 2022.5 (-:\n\nWARNING 9 [file old.mdp]:\n  Another run\n\n"
SAID = """\
              :-) GROMACS - gmx grompp, 2022.5 (-:

ERROR 1 [file argon.mdp, line 21]:
  Invalid enum 'v-rescal' for variable tcoupl, using 'No'
  Next time, use one of: 'No' 'V-rescale'


WARNING 1 [file argon.mdp, line 22]:
  Unknown left-hand 'foo' in parameter file


-------------------------------------------------------
Program:     gmx grompp, version 2022.5-Debian_2022.5_2
Source file: src/gromacs/fileio/readinp.cpp (line 245)

{}

For more information and tips for troubleshooting, please check the GROMACS
website at http://www.gromacs.org/Documentation/Errors
-------------------------------------------------------
"""


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            "Fatal error:\nThere was 1 error in input file(s)",
            "[file argon.mdp, line 21]: Invalid enum 'v-rescal' for variable tcoupl, using 'No' Next time, use one of: "
            "'No' 'V-rescale'",
        ),
        (
            "Fatal error:\nToo many warnings (1).\nIf you are sure all warnings are harmless, use the -maxwarn option.",
            "[file argon.mdp, line 22]: Unknown left-hand 'foo' in parameter file "
            "(`grompp: [-maxwarn, 1]` would go on)",
        ),
        (
            "Fatal error:\nnumber of coordinates (256)\n     does not match",
            "number of coordinates (256) does not match",
        ),
        (
            "Error in user input:\nInvalid command-line options\n    Unknown option -rmox",
            "Error in user input: Invalid command-line options Unknown option -rmox",
        ),
    ],
)
def test_the_reason_is_what_gmx_says_is_wrong(end: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "stderr.txt").write_text(HEAD + SAID.format(end))
    assert program.reason(tmp_path) == reason


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    files(tmp_path)
    assert simulator(tmp_path, program="no_such_gmx").check() == [program.MISSING]
    with pytest.raises(SimulationError, match=r"GROMACS is not found: .* apt-get install gromacs, conda install"):
        run(simulator(tmp_path, program="no_such_gmx"), tmp_path)


# What it does.


class TestRuns:
    pytestmark = needs_gromacs

    def test_a_liquid(self, tmp_path: Path) -> None:
        files(tmp_path)
        rdf = "gmx rdf -f traj_comp.xtc -s topol.tpr -ref Ar -sel Ar -bin 0.02"
        density = {"run": "density -f traj_comp.xtc -s topol.tpr -sl 5", "answers": ["System"]}
        values = {"T": "temperature", "U": {"column": "Potential", "take": "last"}}
        arrays = {"g_r": "rdf.xvg", "rho": "density.xvg"}
        made = simulator(tmp_path, values=values, arrays=arrays, analysis=[rdf, density], artifacts=["*.xtc"])
        found = run(made, tmp_path)
        assert abs(found.values["T"] - 100) < 4 * found.errors["T"] + 3  # v-rescale's, in 2 ps
        assert "U" not in found.errors
        assert found.arrays["g_r"].grid[int(np.argmax(found.arrays["g_r"].values))] == pytest.approx(0.37, abs=0.02)
        assert np.mean(found.arrays["rho"].values) == pytest.approx(256 * 39.948 * 1.66054 / 2.29623**3, rel=0.01)
        assert set(found.artifacts) == {"stdout.txt", "stderr.txt", "md.log", "traj_comp.xtc"}
        assert run(made, tmp_path, "other", seed=8).values != found.values
        assert not (tmp_path / "topol.tpr").exists()

    def test_several_runs_one_after_another(self, tmp_path: Path) -> None:
        """A quench, a run at constant volume, and the measured one, which goes on with its velocities."""
        files(tmp_path, mdp=RUN.replace("gen_vel = yes", "gen_vel = no\ncontinuation = yes"))
        (tmp_path / "em.mdp").write_text("integrator = steep\nnsteps = 20\nrvdw = 0.9\nrcoulomb = 0.9\n")
        (tmp_path / "nvt.mdp").write_text(RUN.replace("{{ steps }}", "100"))
        made = simulator(tmp_path, mdp=["em.mdp", "nvt.mdp", "argon.mdp"], mdrun=["-reprod"])
        found = run(made, tmp_path, fidelity=0.2)
        log = (tmp_path / "trial" / "energy.xvg").read_text().split("\n")
        assert abs(found.values["Temperature"] - 100) < 30  # without velocities it would begin at 0
        assert float(log[-2].split()[0]) == pytest.approx(0.4)  # ps: a fifth of the 500 steps of 4 fs
        assert {"em.gro", "nvt.cpt", "confout.gro"} <= {path.name for path in (tmp_path / "trial").iterdir()}

    @pytest.mark.parametrize(
        ("texts", "settings", "said"),
        [
            ({"mdp": RUN + "foo = 1\n"}, {}, r"^gmx grompp: \[file argon.mdp, line 1\d\]: Unknown left-hand 'foo' in"),
            ({"top": TOP.replace("256", "255")}, {}, r"^gmx grompp: number of coordinates in coordinate file \(argon"),
            ({}, {"values": ["Densty"]}, r"^gmx energy has no term 'Densty'; it has LJ-\(SR\), .*Temperature, "),
            ({}, {"analysis": ["rdf -ref Kr"]}, r"^gmx rdf: Inconsistency in user input: "),
            ({}, {"arrays": {"g": "g.xvg"}}, r"^gmx mdrun, without any program in `analysis`, did not write g.xvg"),
        ],
    )
    def test_what_is_wrong_is_the_reason(self, texts: Any, settings: Any, said: str, tmp_path: Path) -> None:
        files(tmp_path, **texts)
        with pytest.raises((SimulationError, InvalidObservation), match=said):
            run(simulator(tmp_path, **settings), tmp_path, fidelity=0.02)

    def test_the_walltime_is_that_of_all_programs(self, tmp_path: Path) -> None:
        files(tmp_path, mdp=RUN.replace("{{ steps }}", "100000000 ; {{ steps }}") + "userint1 = {{ steps }}\n")
        with pytest.raises(WalltimeExceeded, match="ran longer than its walltime of 2 s"):
            run(simulator(tmp_path), tmp_path, walltime=2.0)

    def test_cores(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """GROMACS minds an OMP_NUM_THREADS, which Ray sets, that is not what it is told."""
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        files(tmp_path)
        run(simulator(tmp_path), tmp_path, cpus=2.0, fidelity=0.02)
        assert "-nt 2" in (tmp_path / "trial" / "md.log").read_text()
        run(simulator(tmp_path, launcher="nice -n {cpus}"), tmp_path, "launched", cpus=2.0, fidelity=0.02)
        assert "-ntomp 1" in (tmp_path / "launched" / "md.log").read_text()

    def test_an_mpi_build(self, tmp_path: Path) -> None:
        try:
            program.version("gmx_mpi")
        except RuntimeError as error:
            pytest.skip(str(error))
        files(tmp_path)
        run(simulator(tmp_path, program="gmx_mpi"), tmp_path, fidelity=0.02)
        assert "-ntomp 1" in (tmp_path / "trial" / "md.log").read_text()

    def test_the_version(self) -> None:
        assert program.version(program.find(None) or "")[:2] == "20"

    def test_the_example(self, tmp_path: Path) -> None:
        spec = load_campaign_file(YOUR_OWN / "argon_gromacs.yaml")
        assert spec.built is not None
        (tmp_path / "trial").mkdir()
        point = {"epsilon": 0.9617, "sigma": 0.33935}
        found = spec.built.run(point, Context(tmp_path / "trial", 3, fidelity=0.1))
        # Three runs of the full length have 1396 +- 3 kg/m^3 and -5.694 +- 0.018 kJ/mol here; one of a tenth scatters
        # more.
        assert abs(found.values["Density"] - 1396) < 40
        assert abs(found.values["Potential"] + 5.694) < 0.15
        assert len(found.arrays["g_r"].values) > 100


def test_a_program_that_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "gmx"
    path.write_text("#!/bin/sh\necho 'libgromacs.so.7: cannot open shared object file' >&2\nexit 127\n")
    path.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"gmx does not run: libgromacs.so.7: cannot open"):
        program.version(str(path))


class TestGromacs(SimulatorContract):
    pytestmark = needs_gromacs

    @pytest.fixture
    def candidate(self, tmp_path: Path) -> Candidate:
        files(tmp_path)
        settings = {name: str(tmp_path / f"argon.{name}") for name in ("mdp", "top", "gro")}
        return Candidate("gromacs", {**settings, "values": ["Temperature", "Pressure"]}, {**POINT, "steps": 50})


def test_it_is_a_kind_whose_example_is_that_of_the_documents() -> None:
    assert find("gromacs") is Gromacs
    lines = (YOUR_OWN / "argon_gromacs.yaml").read_text().partition("\n\n")[2]
    assert lines in (YOUR_OWN.parents[1] / "docs" / "simulators.md").read_text()
