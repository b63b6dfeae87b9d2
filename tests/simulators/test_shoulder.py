"""Disks with a shoulder: what they take, return and refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import CampaignFileError, SimulationError, SoftalError
from softal.orchestrator.campaign_file.schema import parse_campaign
from softal.simulators import Context
from softal.simulators.self_assembly.shoulder import HardCoreSquareShoulder
from softal.testing.simulators import Candidate, SimulatorContract

pytestmark = pytest.mark.physics

SHORT = {"particles": 64, "equilibration": 200, "sampling": 200, "snapshots": 2, "orientations": 2}
POINT = {"T": 0.45, "P": 10.0, "delta": 1.4}


class TestHardCoreSquareShoulder(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("hcss", SHORT, POINT)


class TestSoftenedCoreShoulder(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("scs", {**SHORT, "ensemble": "nvt"}, {"T": 0.25, "rho": 0.8})


def run(kind: str, point: dict[str, Any], folder: Path, **settings: Any) -> Any:
    return simulators.build(kind, {**SHORT, **settings}).run(point, Context(folder, seed=3))


def test_at_constant_density_it_stays_constant(tmp_path: Path) -> None:
    found = run("hcss", {"T": 0.5, "rho": 0.9, "delta": 1.4}, tmp_path, ensemble="nvt")
    assert found.values["density"] == pytest.approx(0.9, rel=1e-12)
    assert found.errors["density"] < 1e-12


def test_at_constant_density_the_pressure_is_measured(tmp_path: Path) -> None:
    T, rho, delta = 0.5, 0.02, 1.4
    dilute = run("hcss", {"T": T, "rho": rho, "delta": delta}, tmp_path, ensemble="nvt", sampling=5000)
    B2 = np.pi / 2 * (1 + (1 - np.exp(-1 / T)) * (delta**2 - 1))  # of (7.1), exactly; B3 rho^2 is below 0.002
    error = dilute.errors["pressure"]
    assert error < 0.06 * rho
    assert dilute.values["pressure"] == pytest.approx(rho * (1 + B2 * rho), abs=3 * error)
    assert "pressure" not in run("hcss", POINT, tmp_path).values


def test_softened_cores_start_as_a_fluid_denser_than_hard_disks_can_be(tmp_path: Path) -> None:
    found = run("scs", {"T": 0.4, "rho": 1.2}, tmp_path, ensemble="nvt")
    assert found.values["density"] == pytest.approx(1.2, rel=1e-9)


def test_a_dense_cold_square_crystal_stays_one(tmp_path: Path) -> None:
    found = run("hcss", {"T": 0.1, "P": 50.0, "delta": 1.4, "start": "square"}, tmp_path, particles=100)
    assert found.values["psi_4"] > 0.9
    assert found.values["symmetry_4"] > found.values["symmetry_6"]
    assert found.values["energy"] == pytest.approx(2, abs=0.05)  # four neighbours within delta, none on the diagonal


def test_the_pictures_have_their_shapes(tmp_path: Path) -> None:
    found = run("hcss", POINT, tmp_path)
    shapes = {name: array.values.shape for name, array in found.arrays.items()}
    assert shapes == {"snapshot": (64, 2), "box": (2,), "diffraction": (97, 97), "phase_input": (4, 33, 33)}
    assert np.all(found.arrays["phase_input"].values <= 1)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({**POINT, "delta": 0.9}, "delta is 0.9; allowed: a number above 1, up to 3"),
        ({**POINT, "T": -0.1}, "T is -0.1; allowed: a number above 0, up to 10"),
        ({"T": 0.3}, "P is None; allowed: a value"),
        ({**POINT, "start": "kagome"}, "start is 'kagome'; allowed: fluid, square, hexagonal"),
    ],
)
def test_points_that_cannot_be_are_refused_in_one_line(point: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert simulators.build("hcss", SHORT).refuses(point) == said
    with pytest.raises(SimulationError, match=said.partition(";")[0]):
        run("hcss", point, tmp_path)


def test_a_fluid_denser_than_can_be_made_is_refused() -> None:
    simulator = simulators.build("hcss", {**SHORT, "ensemble": "nvt"})
    assert "possible up to 1" in str(simulator.refuses({"T": 0.3, "rho": 1.1}))
    assert simulator.refuses({"T": 0.3, "rho": 0.99}) is None
    assert simulator.refuses({"T": 0.3, "rho": 1.1, "start": "square"}) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"start": "square", "particles": 250}, "250 is given; a square start needs a square number, such as 256"),
        ({"start": "hexagonal", "particles": 255}, "255 is given; a hexagonal start needs an even number"),
        ({"start": "hexagonal", "particles": 254}, "254 is given.* 73.3 times as long as wide; allowed is 252"),
        ({"sampling": 100, "snapshots": 101}, "101 is given, of 100 sweeps of sampling; at most one a sweep"),
    ],
)
def test_settings_that_do_not_fit_are_said(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SoftalError, match=said):
        simulators.build("hcss", settings)


@pytest.mark.parametrize(
    ("particles", "start", "allowed"),
    [
        (260, "square", "fluid, hexagonal (particles: 260 is given; a square start needs a square number"),
        (255, "hexagonal", "fluid (particles: 255 is given; a hexagonal start needs an even number)"),
    ],
)
def test_a_start_that_the_particles_do_not_fit_is_refused(particles: int, start: str, allowed: str) -> None:
    simulator = simulators.build("hcss", {"particles": particles})
    assert isinstance(simulator, HardCoreSquareShoulder)
    assert str(simulator.allows("start", start)).startswith(allowed)
    assert simulator.allows("start", "fluid") is None


def test_at_the_lowest_fidelity_there_is_a_sweep_for_each_snapshot(tmp_path: Path) -> None:
    settings = {**SHORT, "sampling": 150, "snapshots": 120, "orientations": 1}
    found = simulators.build("hcss", settings).run(POINT, Context(tmp_path, seed=3, fidelity=0.01))
    assert found.arrays["phase_input"].values.shape == (120, 33, 33)


@pytest.mark.parametrize(
    ("space", "place", "said"),
    [
        ({"delta": {"low": 0.8, "high": 1.5}}, "space.delta.low", "0.8 is given; allowed: a number above 1, up to 3"),
        ({"delta": 0.9}, "space.delta", "0.9 is given"),
        ({"start": {"choices": ["fluid", "kagome"]}}, "space.start.choices", "'kagome' is given; allowed: fluid"),
    ],
)
def test_a_space_beyond_what_is_allowed_is_said_before_anything_runs(
    space: dict[str, Any], place: str, said: str
) -> None:
    data = {
        "simulator": {"kind": "hcss"},
        "space": {"T": {"low": 0.1, "high": 0.5}, "P": 10, **space},
        "objective": {"maximize": "psi_4"},
        "budget": {"trials": 3},
    }
    with pytest.raises(CampaignFileError) as caught:
        parse_campaign(data)
    (problem,) = caught.value.problems
    assert problem.place == place
    assert said in problem.message
