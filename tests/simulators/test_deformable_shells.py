"""Deformable shells: the contract, what a run returns, and what is refused before it begins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import SimulationError, SoftalError
from softal.simulators import Context, build
from softal.simulators.deformable_shells.deformable_shells import start_of
from softal.simulators.deformable_shells.settings import DENSEST, STARTS
from softal.space import Space
from softal.surrogates import build_learner
from softal.surrogates.symmetry_potential.symmetry_potential import load_potential
from softal.testing.simulators import Candidate, SimulatorContract
from softal.theory.many_body.shells import energies
from softal.trial import Trial, TrialState

pytestmark = pytest.mark.physics

SHORT = {"particles": 36, "equilibration": 20, "sampling": 40, "snapshots": 4}
SHORTEST = {**SHORT, "equilibration": 10, "sampling": 10}


class TestDeformableShells(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("deformable_shells", SHORT, {"rho": 3.0, "beta_K": 50.0})


class TestAtConstantPressure(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("deformable_shells", {**SHORT, "ensemble": "npt"}, {"P": 25.0, "beta_K": 50.0})


def test_what_is_learned_from(tmp_path: Path) -> None:
    found = build("deformable_shells", SHORT).run({"rho": 3.0, "beta_K": 50.0}, Context(tmp_path, 1))
    x, boxes, own = (found.arrays[name].values for name in ("configurations", "boxes", "particle_energies"))
    assert (x.shape, boxes.shape, own.shape) == ((4, 36, 2), (4, 2), (4, 36))
    for one, box, expected in zip(x, boxes, own, strict=True):
        np.testing.assert_allclose(energies(one, box), expected, atol=1e-13)
    np.testing.assert_array_equal(x[-1], found.arrays["snapshot"].values)


@pytest.mark.parametrize("start", STARTS)
def test_starts_have_no_cores_that_overlap(start: str) -> None:
    for density in (2.4, 0.9 * DENSEST[start]):
        c = start_of(64, start, density, seed=1)
        assert c.density == pytest.approx(density)
        assert np.isfinite(energies(c.positions, c.box)).all()


def test_sigma_phase_is_the_snub_square_tiling() -> None:
    """Five neighbours at one distance, and the next ones sqrt 2 as far, across a square."""
    c = start_of(64, "sigma", 3.0, seed=0)
    away = c.positions[:, None] - c.positions
    r = np.sort(np.sqrt(((away - c.box * np.rint(away / c.box)) ** 2).sum(-1)), axis=1)[:, 1:8]
    np.testing.assert_allclose(r[:, :5] / r[0, 0], 1.0, atol=1e-9)
    np.testing.assert_allclose(r[:, 5:] / r[0, 0], np.sqrt(2), atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "point", "message"),
    [
        ({}, {"rho": 4.7, "beta_K": 1.0}, r"rho is 4.7; allowed: a number above 0, up to 4.6188"),
        ({}, {"rho": 4.1, "beta_K": 1.0, "start": "square"}, r"allowed for a start square: below 4"),
        ({}, {"rho": 3.0, "beta_K": 0.0}, r"beta_K is 0.0; allowed: a number above 0"),
        ({}, {"rho": 3.0, "beta_K": 1.0, "start": "cubic"}, r"'cubic'; allowed: fluid, hexagonal, square, sigma"),
        ({"particles": 66}, {"rho": 3.0, "beta_K": 1.0, "start": "square"}, r"needs a square number of particles; 66"),
        ({"particles": 16}, {"rho": 4.2, "beta_K": 1.0}, r"would be 1.82 sigma wide; allowed: 2 or more"),
        ({"ensemble": "npt"}, {"rho": 3.0, "beta_K": 1.0}, r"P is None; allowed: a value"),
    ],
)  # fmt: skip
def test_what_is_refused(settings: dict[str, Any], point: dict[str, Any], message: str) -> None:
    reason = build("deformable_shells", settings).refuses(point)
    assert reason is not None
    assert "\n" not in reason
    assert re.search(message, reason)


def test_settings_that_cannot_be() -> None:
    with pytest.raises(SoftalError, match=r"particles: a hexagonal crystal needs an even number of particles; 37"):
        build("deformable_shells", {"particles": 37})
    with pytest.raises(SoftalError, match=r"snapshots: 50 is given, of 20 sweeps"):
        build("deformable_shells", {"sampling": 20})


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a potential that was learned from thirty short runs."""
    space = Space({"rho": {"low": 2.4, "high": 4.4}, "beta_K": {"low": 1, "high": 1000, "log": True}})
    learner = build_learner("symmetry_potential", space, {"functions": 18})
    trials = []
    for number, rho in enumerate(np.linspace(2.4, 4.4, 30).tolist()):
        point = {"rho": rho, "beta_K": (5.0, 30.0, 200.0)[number % 3]}
        seen = build("deformable_shells", SHORTEST).run(point, Context(tmp_path_factory.mktemp("run"), number))
        trials.append(Trial(number, point, state=TrialState.DONE, observation=seen))
    learner.fit(trials)
    learner.provenance = {"simulator": {"kind": "deformable_shells"}}
    folder = tmp_path_factory.mktemp("learned")
    learner.save(folder)
    return folder


@pytest.mark.parametrize(("ensemble", "state"), [("nvt", {"rho": 3.0}), ("npt", {"P": 25.0})])
def test_a_run_with_a_learned_energy(learned: Path, tmp_path: Path, ensemble: str, state: dict[str, float]) -> None:
    settings = {**SHORT, "ensemble": ensemble, "learner": str(learned)}
    simulator = build("deformable_shells", settings)
    assert simulator.check() == []
    found = simulator.run({**state, "beta_K": 30.0}, Context(tmp_path, 1))
    assert found.values["far"] < 0.2
    assert 0 < found.values["energy_error"] < 1e-3
    assert not {"configurations", "particle_energies"} & found.arrays.keys()
    x, box = found.arrays["snapshot"].values, found.arrays["box"].values
    exact = energies(x, box).mean()
    assert load_potential(learned).energies(x, box)[0].mean() == pytest.approx(exact, abs=3e-4)


def test_a_state_that_was_not_learned_is_refused(learned: Path, tmp_path: Path) -> None:
    simulator = build("deformable_shells", {**SHORT, "learner": str(learned)})
    with pytest.raises(SimulationError, match=r"of the environments are far from all that the energy in"):
        simulator.run({"rho": 0.8, "beta_K": 30.0}, Context(tmp_path, 1))


def test_potentials_that_cannot_be_simulated_with(learned: Path, tmp_path: Path) -> None:
    def said(folder: Path) -> str:
        [line] = build("deformable_shells", {**SHORT, "learner": str(folder)}).check()
        assert "\n" not in line
        return line

    assert "there is no trained potential in" in said(tmp_path)
    other = load_potential(learned)
    other.provenance = {"simulator": {"kind": "asakura_oosawa"}}
    other.save(tmp_path / "other")
    assert "was learned from the simulator 'asakura_oosawa'; allowed: from 'deformable_shells'" in said(
        tmp_path / "other"
    )
    other.provenance, other._dimension = {}, 3
    other.save(tmp_path / "space")
    assert "is of 3 dimensions; allowed: 2" in said(tmp_path / "space")


def test_a_point_may_ask_for_the_exact_energy(learned: Path, tmp_path: Path) -> None:
    state = {"rho": 3.0, "beta_K": 30.0}
    with_learner = build("deformable_shells", {**SHORT, "learner": str(learned)})
    exact = build("deformable_shells", SHORT).run(state, Context(tmp_path, 1))
    asked = with_learner.run({**state, "potential": "exact"}, Context(tmp_path, 1))
    assert asked.values == {**exact.values, "far": 0.0, "energy_error": 0.0}
    assert asked.values["energy"] != with_learner.run(state, Context(tmp_path, 1)).values["energy"]
    reason = with_learner.refuses({**state, "potential": "pairs"})
    assert reason == "potential is 'pairs'; allowed: exact, learned"
