"""The kind `hoomd`: a user's own Python file, run by the real HOOMD-blue where it can be imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import pytest

from softal.errors import CampaignFileError, InvalidObservation, SimulationError, SoftalError
from softal.orchestrator.campaign_file.schema import load_campaign_file, parse_campaign
from softal.simulators import find
from softal.simulators.base import Context
from softal.simulators.engines.hoomd import Hoomd, short_seed
from softal.simulators.files import FromFile, read_into
from softal.simulators.hoomd.hoomd import HoomdBlue
from softal.testing.simulators import Candidate, SimulatorContract
from softal.trial import Observation

YOUR_OWN = Path(__file__).parents[2] / "campaigns" / "your_own"
HERE = importlib.util.find_spec("hoomd") is not None
needs_hoomd = [pytest.mark.physics, pytest.mark.skipif(not HERE, reason="HOOMD-blue is not installed")]
LJ = (YOUR_OWN / "lj.py").read_text()
SHORT = LJ.replace("round(2000 * fidelity)", "round(400 * fidelity)")
POINT = {"epsilon": 1.0, "kT": 1.2, "density": 0.4}


def simulator(folder: Path, text: str = SHORT, **settings: Any) -> HoomdBlue:
    (folder / "lj.py").write_text(text)
    given = {"input": str(folder / "lj.py"), "steps": 400, "log_every": 10, "values": ["pressure"], **settings}
    return HoomdBlue(given)


def run(made: HoomdBlue, folder: Path, name: str = "trial", **context: Any) -> Observation:
    (folder / name).mkdir()
    return made.run(POINT, Context(folder / name, **{"seed": 7, **context}))


def campaign(folder: Path, space: dict[str, Any], text: str = LJ, **settings: Any) -> Any:
    (folder / "lj.py").write_text(text)
    given = {"kind": "hoomd", "input": "lj.py", "steps": 100, "values": ["pressure"], **settings}
    data = {"name": "lj", "simulator": given, "space": space, "objective": {"minimize": "pressure"}}
    return parse_campaign({**data, "budget": {"trials": 2}}, folder)


# What the file says, which is not run for that.


def test_parameters_are_the_arguments_of_build(tmp_path: Path) -> None:
    text = "raise SystemExit\n"
    text += "def build(sim, a, b=-1.5, n=3, c='x', device=None, shape=(1, 2), *, workdir, d, seed=0, e=2.0): ...\n"
    (tmp_path / "a.py").write_text(text)
    made = HoomdBlue({"input": str(tmp_path / "a.py"), "steps": 1, "values": ["x"]})
    assert dict(made.parameters or {}) == dict.fromkeys("abcden", "an argument of build() in a.py")
    assert made.defaults == {"b": -1.5, "n": 3, "c": "x", "e": 2.0}


def test_any_parameters(tmp_path: Path) -> None:
    assert simulator(tmp_path, "def build(simulation, **point): ...\n").parameters is None


ENDS = {"low": 0.8, "high": 1.2}


@pytest.mark.parametrize(
    ("space", "text", "settings", "said"),
    [
        ({"epsilon": ENDS, "sigma": 1.0}, None, {}, r"^space.sigma: 'sigma' is not a known parameter of the simulator"),
        ({"kT": ENDS}, None, {}, r"^space.epsilon: is missing: .* needs it \(an argument of build\(\) in lj.py\)$"),
        ({"epsilon": ENDS}, None, {"input": "no.py"}, r"^simulator.input: 'no.py' is given, but there is no file"),
        ({"epsilon": ENDS}, "x = 1\n", {}, r"it has no function `def build\(simulation, ...\)`$"),
        ({"epsilon": ENDS}, "def build(): ...\n", {}, r"it has no function `def build\(simulation, ...\)`$"),
        ({"epsilon": ENDS}, "def build(:\n", {}, r"^simulator.input: \S+lj.py cannot be used: line 1: invalid syntax$"),
        ({"epsilon": ENDS}, None, {"values": []}, r"^simulator: nothing is asked for; allowed: `values`"),
        ({"epsilon": ENDS}, None, {"steps": 0}, r"^simulator.steps: 0 is given, but it must be greater than 0"),
    ],
)
def test_one_mistake_is_one_line(space: Any, text: str | None, settings: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match=said) as error:
        campaign(tmp_path, space, text or LJ, **settings)
    assert len(error.value.problems) == 1


def test_what_a_point_lacks_or_has_in_vain(tmp_path: Path) -> None:
    made = simulator(tmp_path)
    with pytest.raises(SimulationError, match=r"build\(\) in lj.py does not take 'sigma'"):
        made._arguments({**POINT, "sigma": 1.0}, Context(tmp_path, 1))
    with pytest.raises(SimulationError, match=r"build\(\) in lj.py needs 'epsilon', which the point does not have"):
        made._arguments({"kT": 1.0}, Context(tmp_path, 1))
    given = made._arguments({"epsilon": 1.0}, Context(tmp_path, 1, fidelity=0.5))
    assert given == {"epsilon": 1.0, "fidelity": 0.5}


def test_it_is_a_kind_whose_check_says_how_to_get_it(tmp_path: Path) -> None:
    assert find("hoomd") is HoomdBlue
    lines = (YOUR_OWN / "lj.yaml").read_text().partition("\n\n")[2]
    assert lines in (YOUR_OWN.parents[1] / "docs" / "simulators.md").read_text()
    assert simulator(tmp_path).check() == ([] if HERE else [Hoomd.installation])


def test_seeds_of_hoomd_have_16_bits() -> None:
    seeds = [short_seed(seed) for seed in (0, 1, 2**16, 2**31 - 1, 2**63)]
    assert all(0 <= seed < 2**16 for seed in seeds)
    assert len(set(seeds)) == len(seeds)


# What is read from its log.


def log(path: Path, frames: int = 50) -> np.ndarray:
    """Write a log with a scalar, a sequence on a grid, one that changes its length, and what is logged of particles."""
    values = np.random.default_rng(1).normal(1.0, 0.1, (frames, 3))
    with gsd.hoomd.open(path, "w") as file:
        for i in range(frames):
            frame = gsd.hoomd.Frame()
            frame.configuration.step = 10 * i
            frame.log["hpmc/compute/SDF/betaP"] = [values[i, 0]]
            frame.log["hpmc/compute/SDF/sdf"] = values[i]
            frame.log["hpmc/compute/SDF/x"] = [0.1, 0.2, 0.3]
            frame.log["clusters"] = np.arange(2 + i % 2)
            frame.log["particles/md/pair/LJ/energies"] = np.zeros(4)
            file.append(frame)
    return values


def test_arrays_of_a_log_are_means_in_time_with_errors(tmp_path: Path) -> None:
    values = log(tmp_path / "log.gsd")
    observation = Observation()
    asked = {
        "betaP": FromFile(file="log.gsd", column="betaP", warmup=0),
        "sdf": FromFile(file="log.gsd"),
        "of_x": FromFile(file="log.gsd", columns=("x", "sdf"), warmup=0.5),
        "last": FromFile(file="log.gsd", columns=("hpmc/compute/SDF/sdf",), take="last"),
    }
    read_into(observation, asked, tmp_path)
    assert observation.values["betaP"] == pytest.approx(values[:, 0].mean())
    found = observation.arrays
    np.testing.assert_allclose(found["sdf"].values, values.mean(axis=0))
    assert found["sdf"].errors is not None
    assert 0.5 < np.max(found["sdf"].errors) / (0.1 / np.sqrt(50)) < 2
    np.testing.assert_allclose(found["of_x"].values, values[25:].mean(axis=0))
    np.testing.assert_allclose(found["of_x"].grid, [0.1, 0.2, 0.3])
    np.testing.assert_allclose(found["last"].values, values[-1])
    assert found["last"].errors is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": ("sdf", "x")}, r"`columns` of arrays in a log are values; or grid, values, with the same grid"),
        ({"columns": ("clusters",)}, r"it has no column 'clusters'; its columns are step, .*SDF/x"),
        ({"columns": ("x", "nothing")}, r"it has no column"),
    ],
)
def test_arrays_that_are_none(asked: Any, said: str, tmp_path: Path) -> None:
    log(tmp_path / "log.gsd", 4)
    with pytest.raises(InvalidObservation, match=said):
        read_into(Observation(), {"a": FromFile(file="log.gsd", **asked)}, tmp_path)


# What it does.

SPHERES = """\
import itertools

import hoomd
import hoomd.hpmc


def build(simulation, density):
    snapshot = hoomd.Snapshot()
    length = 5 / density ** (1 / 3)
    snapshot.configuration.box = [length, length, length, 0, 0, 0]
    snapshot.particles.N = 125
    snapshot.particles.types = ["A"]
    lattice = [(i + 0.5) * length / 5 - length / 2 for i in range(5)]
    snapshot.particles.position[:] = list(itertools.product(lattice, repeat=3))
    simulation.create_state_from_snapshot(snapshot)
    spheres = hoomd.hpmc.integrate.Sphere(default_d=0.3)
    spheres.shape["A"] = {"diameter": 1.0}
    simulation.operations.integrator = spheres
    simulation.run(500)
    sdf = hoomd.hpmc.compute.SDF(xmax=0.02, dx=1e-3)
    simulation.operations.computes.append(sdf)
    logger = hoomd.logging.Logger(categories=["scalar", "sequence"])
    logger.add(sdf, quantities=["betaP", "sdf_compression", "x_compression"])
    return logger
"""


class TestRuns:
    pytestmark = needs_hoomd

    def test_molecular_dynamics(self, tmp_path: Path) -> None:
        values = {"T": "kinetic_temperature", "p": "pressure", "U": {"column": "potential_energy", "take": "last"}}
        made = simulator(tmp_path, values=values)
        found = run(made, tmp_path)
        assert abs(found.values["T"] - 1.2) < 4 * found.errors["T"] + 0.05  # Bussi's, in 400 steps
        assert "U" not in found.errors
        assert {"stdout.txt", "log.gsd"} == set(found.artifacts)
        assert run(made, tmp_path, "again").values == found.values
        assert run(made, tmp_path, "other", seed=8).values != found.values

    def test_fidelity_scales_the_length(self, tmp_path: Path) -> None:
        made = simulator(tmp_path, values={"step": {"column": "step", "take": "last"}})
        assert run(made, tmp_path, fidelity=0.25).values == {"step": 200.0}  # of 100 + 100

    def test_hard_spheres(self, tmp_path: Path) -> None:
        """Monte Carlo: the pressure is that of Carnahan and Starling."""
        pytest.importorskip("hoomd.hpmc")
        asked = {"sdf": {"file": "log.gsd", "columns": ["x_compression", "sdf_compression"]}}
        made = simulator(
            tmp_path, SPHERES, steps=2000, values={"betaP": {"column": "betaP", "warmup": 0}}, arrays=asked
        )
        (tmp_path / "trial").mkdir()
        found = made.run({"density": 0.4}, Context(tmp_path / "trial", 3))
        eta = np.pi / 6 * 0.4
        expected = 0.4 * (1 + eta + eta**2 - eta**3) / (1 - eta) ** 3
        assert abs(found.values["betaP"] - expected) < 4 * found.errors["betaP"] + 0.02
        assert found.arrays["sdf"].grid[0] == pytest.approx(5e-4)
        assert np.all(found.arrays["sdf"].errors >= 0)

    @pytest.mark.parametrize(
        ("text", "settings", "said"),
        [
            (SHORT.replace("return logger", "return thermodynamics"), {}, r"build\(\) in lj.py returned Thermodynamic"),
            ("def build(simulation, **point): ...\n", {}, r"build\(\) in lj.py made no state: simulation.create_state"),
            (
                SHORT.replace("return logger", ""),
                {},
                r"^build\(\) in lj.py returned no Logger, and HOOMD-blue did not write log.gsd",
            ),
            (
                SHORT,
                {"values": ["presure"]},
                r"'presure' in log.gsd: it has no column 'presure'; its columns are step",
            ),
            (SHORT.replace("dt=0.005", "dt=50.0"), {}, r"^HOOMD-blue: Particle with unique tag \d+ is no longer in"),
            (SHORT.replace('"A", "A"', '"A", "B"'), {}, r"^HOOMD-blue: Error applying parameters .*LJ'>.; .*required"),
            (SHORT, {"device": "gpu"}, r"^HOOMD-blue: .*GPU"),
        ],
        ids=["no logger", "no state", "nothing logged", "no such value", "too long a step", "no pair", "no GPU"],
    )
    def test_what_is_wrong_is_the_reason(self, text: str, settings: Any, said: str, tmp_path: Path) -> None:
        with pytest.raises(SoftalError, match=said):
            run(simulator(tmp_path, text, **settings), tmp_path)

    def test_the_example(self, tmp_path: Path) -> None:
        spec = load_campaign_file(YOUR_OWN / "lj.yaml")
        assert spec.built is not None
        (tmp_path / "trial").mkdir()
        point = {"epsilon": 1.0, "kT": 1.0, "density": 0.7}
        found = spec.built.run(point, Context(tmp_path / "trial", 3, fidelity=0.2))
        assert set(found.values) == {"pressure", "potential_energy"}
        assert -1150 < found.values["potential_energy"] < -900


class TestHoomd(SimulatorContract):
    pytestmark = needs_hoomd

    @pytest.fixture
    def candidate(self, tmp_path: Path) -> Candidate:
        simulator(tmp_path)
        settings = {"input": str(tmp_path / "lj.py"), "steps": 50, "log_every": 5}
        return Candidate("hoomd", {**settings, "values": ["pressure"]}, POINT)
