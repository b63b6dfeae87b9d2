"""The kind `kob_andersen` against reference values, without a thermostat, and with the other engine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.simulators.base import Context
from softal.simulators.kob_andersen.kob_andersen import KobAndersen
from softal.trial import Observation

pytestmark = [pytest.mark.physics, pytest.mark.validation, pytest.mark.timeout(3600)]

HOOMD_MISSING = importlib.util.find_spec("hoomd") is None
# 1200 particles, rho = 1.2: tau_A, energy per particle, pressure. tau_A within 10 %.
REFERENCE = {
    ("LJ", 1.0): (1.28, -6.02, 9.8),
    ("LJ", 0.8): (2.68, -6.34, 7.6),
    ("WCA", 1.0): (0.92, 1.76, None),
    ("WCA", 0.8): (1.41, 1.48, None),
}
SLOW_OR_EASY = [("LJ", 0.8), ("WCA", 1.0)]
SMALL = {"particles": 400, "t_max": 5.0, "longest_run": 60.0}


def run(T: float, interaction: str = "LJ", seed: int = 1, engine: str = "lammps", **settings: Any) -> Observation:
    simulator = KobAndersen({"engine": engine, **settings})
    return simulator.run({"T": T, "interaction": interaction}, Context(Path(), seed))


@pytest.mark.parametrize(
    ("interaction", "T"),
    # a colder liquid of either interaction is below, or here
    [pytest.param(*state, marks=[pytest.mark.exhaustive] * (state in SLOW_OR_EASY)) for state in REFERENCE],
)
def test_reference_values(interaction: str, T: float) -> None:
    tau, energy, pressure = REFERENCE[interaction, T]
    observation = run(T, interaction)
    values, errors = observation.values, observation.errors
    assert values["tau_A"] == pytest.approx(tau, rel=0.1, abs=3 * errors["tau_A"])
    # A run's temperature is off by half a per cent; the heat capacity is about 3.
    assert values["temperature"] == pytest.approx(T, rel=0.015)
    assert values["potential_energy"] == pytest.approx(energy, abs=0.02 + 2 * abs(values["temperature"] - T))
    if pressure is not None:
        assert values["pressure"] == pytest.approx(pressure, abs=0.3)
    assert (values["equilibrated"], values["crystallized"]) == (1, 0)
    S = [observation.arrays[f"S_{pair}"].values for pair in ("AA", "AB", "BB")]
    assert np.all(S[0] * S[2] - S[1] ** 2 > 0)


def test_a_cold_liquid_is_no_crystal() -> None:
    """Correlation times up to 30 give tau an error of 0.7, a seventh of what is allowed."""
    values = run(0.6, t_max=30.0).values
    assert values["crystalline"] < 0.02
    assert values["equilibrated"] == 1
    assert values["tau_A"] == pytest.approx(14.4, rel=0.35)


@pytest.fixture(scope="module")
def short_runs() -> list[Observation]:
    """Sixteen short runs that differ in nothing but their seeds."""
    return [run(1.0, "WCA", seed, **SMALL) for seed in range(16)]


@pytest.mark.parametrize("kind", ["A", "B"])
def test_errors_of_scattering_functions_are_their_scatter(short_runs: list[Observation], kind: str) -> None:
    """Between 0.05 tau and where F_s has decayed; the mean square of the errors' ratio over all times."""
    arrays = [one.arrays[f"F_s_{kind}"] for one in short_runs]
    t = arrays[0].grid
    assert t is not None
    scatter = np.std([array.values for array in arrays], axis=0, ddof=1)
    claimed = np.sqrt(np.mean([array.errors**2 for array in arrays if array.errors is not None], axis=0))
    looked_at = (t > 0.05) & (t < 2)
    assert 0.65 < np.mean(claimed[looked_at] / scatter[looked_at]) < 1.6


@pytest.mark.parametrize("name", ["relaxation_A", "relaxation_B", "tau_A", "potential_energy", "pressure"])
def test_errors_of_values_are_their_scatter(short_runs: list[Observation], name: str) -> None:
    values = np.array([one.values[name] for one in short_runs])
    errors = np.array([one.errors[name] for one in short_runs])
    assert 0.55 < np.sqrt(np.mean(errors**2)) / values.std(ddof=1) < 1.8


def test_good_runs_are_not_marked(short_runs: list[Observation]) -> None:
    assert sum(one.values["equilibrated"] == 0 for one in short_runs) <= 1
    assert all(one.values["crystallized"] == 0 for one in short_runs)


def same_liquid(one: list[Observation], other: list[Observation]) -> None:
    """Means agree within 4 of their errors from the scatter, and a little."""
    for name, slack in (
        ("relaxation_A", 0.005),
        ("potential_energy", 0.005),
        ("pressure", 0.05),
        ("temperature", 0.004),
    ):
        a, b = (np.array([run.values[name] for run in runs]) for runs in (one, other))
        error = np.hypot(a.std(ddof=1) / np.sqrt(len(a)), b.std(ddof=1) / np.sqrt(len(b)))
        assert abs(a.mean() - b.mean()) < 4 * error + slack, name


def test_constant_energy_has_the_same_dynamics(short_runs: list[Observation]) -> None:
    same_liquid(short_runs, [run(1.0, "WCA", seed, ensemble="nve", **SMALL) for seed in range(8)])


@pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")
def test_hoomd_makes_the_same_liquid(short_runs: list[Observation]) -> None:
    same_liquid(short_runs, [run(1.0, "WCA", seed, engine="hoomd", **SMALL) for seed in range(6)])
