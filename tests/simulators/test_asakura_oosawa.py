"""Colloids in ideal polymer as a simulator: what it takes, returns and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import pytest

from softal import simulators
from softal.errors import CampaignFileError, SimulationError, SoftalError
from softal.orchestrator.campaign_file.schema import parse_campaign
from softal.simulators import Context
from softal.simulators.base import validate_observation
from softal.space import Space
from softal.surrogates.symmetry_potential.symmetry_potential import SymmetryPotential
from softal.testing.simulators import Candidate, SimulatorContract
from softal.theory.many_body import depletion
from softal.trial import Observation, Trial, TrialState

pytestmark = pytest.mark.physics

SHORT = {"particles": 64, "equilibration": 100, "sampling": 200, "snapshots": 4}
POINT = {"eta_c": 0.2, "eta_p": 0.3}


class TestExact(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("asakura_oosawa", SHORT, POINT)


class TestMixture(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("asakura_oosawa", {**SHORT, "potential": "mixture"}, {**POINT, "q": 0.6})


def run(point: dict[str, Any], folder: Path, fidelity: float = 1.0, **settings: Any) -> Observation:
    simulator = simulators.build("asakura_oosawa", {**SHORT, **settings})
    return validate_observation(simulator.run(point, Context(folder, seed=3, fidelity=fidelity)), simulator.outputs)


def test_the_arrays_are_what_learners_learn_from(tmp_path: Path) -> None:
    found = run(POINT, tmp_path).arrays
    x, boxes, w = (found[name] for name in ("configurations", "boxes", "particle_energies"))
    assert (x.values.shape, boxes.values.shape, w.values.shape) == ((4, 64, 3), (4, 3), (4, 64))
    assert (x.unit, boxes.unit, w.unit) == ("sigma", "sigma", "sigma^3")
    edge = (64 * np.pi / 6 / 0.2) ** (1 / 3)
    assert boxes.values == pytest.approx(np.full((4, 3), edge))
    for i in range(4):
        assert w.values[i] == pytest.approx(depletion.particle_energies(x.values[i], boxes.values[i], 0.4), abs=1e-14)
    assert w.values.max() > 0
    assert not np.array_equal(x.values[0], x.values[1])


def test_values_belong_together(tmp_path: Path) -> None:
    found = run(POINT, tmp_path, sampling=1000).values
    z_p = 0.3 * 6 / np.pi / 0.4**3
    volume = 64 * np.pi / 6 / 0.2
    taken = volume * (1 - found["free_volume"]) / 64
    assert found["polymers"] == pytest.approx(z_p * found["free_volume"])
    assert found["energy"] == pytest.approx(z_p * (taken - 4 * np.pi / 3 * 0.7**3))
    assert found["energy"] < 0 < found["many_body"] < -found["energy"]


@pytest.mark.parametrize("eta_c", [0.2, 0.4])
def test_without_polymers_they_are_hard_spheres(eta_c: float, tmp_path: Path) -> None:
    """Carnahan and Starling's pressure and contact value, exact to some 0.2 % here."""
    found = run({"eta_c": eta_c, "eta_p": 0.0}, tmp_path, particles=108, equilibration=2000, sampling=6000)
    rho = eta_c * 6 / np.pi
    pressure = rho * (1 + eta_c + eta_c**2 - eta_c**3) / (1 - eta_c) ** 3
    contact = (1 - eta_c / 2) / (1 - eta_c) ** 3
    assert found.values["energy"] == found.values["many_body"] == 0
    for name, expected in (("pressure", pressure), ("contact", contact)):
        assert abs(found.values[name] - expected) < 4 * found.errors[name]
        assert found.errors[name] < 0.06 * expected


def test_dilute_colloids_have_the_second_virial_coefficient(tmp_path: Path) -> None:
    found = run({"eta_c": 0.01, "eta_p": 0.3}, tmp_path, equilibration=1000, sampling=20_000)
    r = np.linspace(1, 1.4, 4001)
    u = -0.3 * 6 / np.pi / 0.4**3 * np.array([depletion.lens(x, 0.7) for x in r])
    rho = 0.01 * 6 / np.pi
    second = 2 * np.pi / 3 - 2 * np.pi * np.trapezoid((np.exp(-u) - 1) * r**2, r)
    error = found.errors["pressure"]
    assert error < 0.03 * rho
    assert found.values["pressure"] == pytest.approx(rho * (1 + second * rho), abs=4 * error)


def test_snapshots_are_written_where_that_is_wanted(tmp_path: Path) -> None:
    found = run(POINT, tmp_path, trajectory=True, fidelity=0.1)
    with gsd.hoomd.open(str(found.artifacts["trajectory.gsd"])) as file:
        assert len(file) == 4
        assert file[0].particles.N == 64
    assert run(POINT, tmp_path, fidelity=0.1).artifacts == {}


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"eta_c": 0.56, "eta_p": 0.3}, "eta_c is 0.56; allowed: a number above 0, up to 0.55"),
        ({"eta_c": 0.0, "eta_p": 0.3}, "eta_c is 0.0; allowed: a number above 0, up to 0.55"),
        ({"eta_c": 0.2, "eta_p": -0.1}, "eta_p is -0.1; allowed: a number from 0 to 10"),
        ({"eta_c": 0.2}, "eta_p is None; allowed: a value"),
        ({**POINT, "q": 1.2}, "q is 1.2; allowed: a number from 0.05 to 1"),
        ({**POINT, "q": "small"}, "q is 'small'; allowed: a number from 0.05 to 1"),
        (
            {"eta_c": 0.54, "eta_p": 0.3},
            "the box of 64 particles at eta_c = 0.54 is 3.96 sigma wide; allowed: 4 or more, twice r_max: "
            "particles = 67 or more",
        ),
    ],
)
def test_points_that_cannot_be_are_refused_in_one_line(point: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert simulators.build("asakura_oosawa", SHORT).refuses(point) == said
    with pytest.raises(SimulationError, match=said.partition(";")[0]):
        run(point, tmp_path)


def test_a_box_narrower_than_twice_the_range_and_too_many_polymers_are_refused() -> None:
    narrow = simulators.build("asakura_oosawa", {**SHORT, "particles": 20, "r_max": 1.2})
    assert "3.5 or more, twice the range 1 + q" in str(narrow.refuses({"eta_c": 0.5, "eta_p": 1.0, "q": 0.75}))
    many = simulators.build("asakura_oosawa", {**SHORT, "potential": "mixture"})
    assert "1.28e+07 polymers in the volume; allowed: 2e+06 or fewer" in str(
        many.refuses({"eta_c": 0.2, "eta_p": 5.0, "q": 0.05})
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"potential": "triples"}, "potential: 'triples' is given, but it must be 'exact', 'pairs' or 'mixture'"),
        ({"sampling": 10, "snapshots": 11}, "11 is given, of 10 sweeps of sampling; at most one a sweep"),
        ({"particles": 5}, "particles: 5 is given"),
    ],
)
def test_settings_that_do_not_fit_are_said(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SoftalError, match=said):
        simulators.build("asakura_oosawa", settings)


def test_a_space_beyond_what_is_allowed_is_said_before_anything_runs() -> None:
    data = {
        "simulator": {"kind": "asakura_oosawa"},
        "space": {"eta_c": {"low": 0.1, "high": 0.7}, "eta_p": 0.3},
        "objective": {"maximize": "contact"},
        "budget": {"trials": 3},
    }
    with pytest.raises(CampaignFileError) as caught:
        parse_campaign(data)
    (problem,) = caught.value.problems
    assert problem.place == "space.eta_c.high"
    assert "0.7 is given; allowed: a number above 0, up to 0.55" in problem.message


# With a learned potential.


def learned(folder: Path, settings: dict[str, Any], q: Any = 0.4, kind: str = "asakura_oosawa") -> Path:
    """Save a potential that has learned from four short runs."""
    simulator, states = simulators.build("asakura_oosawa", SHORT), [(0.1, 0.3), (0.25, 0.2), (0.3, 0.4), (0.35, 0.3)]
    trials = []
    for i, (eta_c, eta_p) in enumerate(states):
        point = {"eta_c": eta_c, "eta_p": eta_p, "q": 0.4}
        observation = simulator.run(point, Context(folder, seed=i))
        trials.append(Trial(i, point, state=TrialState.DONE, observation=observation))
    ranges = {"eta_c": {"low": 0.1, "high": 0.35}, "eta_p": {"low": 0.1, "high": 0.5}}
    learner = SymmetryPotential(Space({**ranges, "q": q}), {"cutoff": 1.4, "intercept": False, **settings})
    learner.fit(trials)
    learner.provenance = {"simulator": {"kind": kind}}
    learner.save(folder / "learned")
    return folder / "learned"


@pytest.mark.learning
def test_a_learned_potential_is_nearly_the_exact_one(tmp_path: Path) -> None:
    folder = learned(tmp_path, {})
    long = {"particles": 108, "equilibration": 600, "sampling": 4000}
    exact, other = (run({"eta_c": 0.3, "eta_p": 0.4}, tmp_path, **long, **how) for how in ({}, {"learner": folder}))
    for name in ("energy", "free_volume", "contact", "many_body"):
        error = np.hypot(exact.errors[name], other.errors[name])
        assert abs(exact.values[name] - other.values[name]) < 4 * error
    assert other.values["energy_error"] < 0.05 * other.values["many_body"]
    assert other.values["far"] < 0.1


@pytest.mark.learning
def test_gas_and_liquid_are_simulated_with_a_learned_potential_at_its_q(tmp_path: Path) -> None:
    direct = {"method": "direct", "liquid": 0.3, "particles": 300, "equilibration": 40, "sampling": 40}
    simulator = simulators.build("asakura_oosawa_coexistence", {**direct, "learner": learned(tmp_path, {})})
    said = f"q is 0.5; allowed: 0.4, at which the potential in {tmp_path / 'learned'} was learned"
    assert simulator.refuses({"eta_p": 0.6, "q": 0.5}) == said
    found = validate_observation(simulator.run({"eta_p": 0.6}, Context(tmp_path, seed=1)), simulator.outputs)
    assert found.values["far"] < 0.1
    assert found.values["gas"] < 0.1 < 0.2 < found.values["liquid"]


@pytest.mark.learning
def test_learned_potentials_of_others_are_refused_in_one_line(tmp_path: Path) -> None:
    def said(settings: dict[str, Any], point: dict[str, Any], **how: Any) -> str:
        simulator = simulators.build("asakura_oosawa", {**SHORT, "learner": learned(tmp_path, settings, **how)})
        reason = str(simulator.refuses(point))
        assert "\n" not in reason
        assert simulator.check() == ([reason] if how else [])
        return reason

    assert "q is 0.5; allowed: 0.4, at which" in said({}, {**POINT, "q": 0.5})
    assert "cutoff is 1.3 sigma; allowed: from 1 + q = 1.4 to half the box, 2.756" in said({"cutoff": 1.3}, POINT)
    assert "learned from the simulator 'deformable_shells'" in said({}, POINT, kind="deformable_shells")
    assert "was learned at several q; allowed: one" in said({}, POINT, q={"low": 0.3, "high": 0.5})
    assert (
        simulators.build("asakura_oosawa", {"learner": tmp_path / "none"}).check()[0].startswith("there is no trained")
    )
    with pytest.raises(SoftalError, match="pairs is given with a learner; allowed then: none"):
        simulators.build("asakura_oosawa", {"learner": tmp_path, "potential": "pairs"})
