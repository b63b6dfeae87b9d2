"""Gas and liquid of colloids in ideal polymer as a simulator: the contract, one state, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.simulators import Context
from softal.testing.simulators import Candidate, SimulatorContract

pytestmark = pytest.mark.physics

SHORT = {"particles": 64, "equilibration": 40, "sampling": 40}


DIRECT = {"method": "direct", "particles": 200, "equilibration": 40, "sampling": 40}


class TestCoexistence(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("asakura_oosawa_coexistence", SHORT, {"eta_p": 0.6})


class TestDirect(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("asakura_oosawa_coexistence", DIRECT, {"eta_p": 0.6})


def test_a_slab_stays_between_gas_or_dissolves(tmp_path: Path) -> None:
    """At eta_p = 0.8 gas and liquid are as far apart as they come; without polymers the slab dissolves."""
    settings = {**DIRECT, "liquid": 0.3, "equilibration": 300, "sampling": 300}
    simulator = simulators.build("asakura_oosawa_coexistence", settings)
    apart, one = (simulator.run({"eta_p": eta_p}, Context(tmp_path, seed=1)).values for eta_p in (0.8, 0.0))
    assert apart["gas"] < 0.06 < 0.25 < apart["liquid"]
    assert apart["difference"] == pytest.approx(apart["liquid"] - apart["gas"])
    assert 0.1 < apart["slab"] < 0.5
    assert one["slab"] == 0
    assert one["gas"] == one["liquid"] == pytest.approx(0.165)


@pytest.mark.long
def test_large_polymers_part_gas_and_liquid_and_pairs_alone_do_so_more(tmp_path: Path) -> None:
    """Without many-body repulsion attraction is stronger, so that the liquid is denser."""
    long = {"particles": 100, "equilibration": 600, "sampling": 600}
    exact, pairs = (
        simulators.build("asakura_oosawa_coexistence", {**long, "potential": potential})
        .run({"eta_p": 1.0, "q": 0.8}, Context(tmp_path, seed=1))
        .values
        for potential in ("exact", "pairs")
    )
    assert exact["difference"] == pytest.approx(exact["liquid"] - exact["gas"])
    assert exact["gas"] < 0.08 < 0.25 < exact["liquid"]
    assert exact["liquid"] + 0.05 < pairs["liquid"]


@pytest.mark.parametrize(
    ("settings", "point", "said"),
    [
        ({}, {"eta_p": -1.0}, "eta_p is -1.0; allowed: a number from 0 to 10"),
        ({}, {"q": 0.4}, "eta_p is None; allowed: a value"),
        ({}, {"eta_p": 1.0, "q": 2.0}, "q is 2.0; allowed: a number from 0.05 to 1"),
        (
            {"liquid": 0.4},
            {"eta_p": 1.0, "q": 0.8},
            "a box of 32 particles is 3.47 sigma wide; allowed: 3.6 or more, twice the range 1 + q: take "
            "more particles",
        ),
    ],
)
def test_points_that_cannot_be_are_refused_in_one_line(
    settings: dict[str, Any], point: dict[str, Any], said: str, tmp_path: Path
) -> None:
    simulator = simulators.build("asakura_oosawa_coexistence", {**SHORT, **settings})
    assert simulator.refuses(point) == said
    with pytest.raises(SimulationError):
        simulator.run(point, Context(tmp_path, seed=1))


def test_an_odd_number_of_particles_is_refused() -> None:
    with pytest.raises(SoftalError, match="particles: 65 is given"):
        simulators.build("asakura_oosawa_coexistence", {"particles": 65})


@pytest.mark.parametrize("settings", [{}, {"method": "direct", "potential": "pairs"}])
def test_a_learned_potential_is_for_one_box_and_no_other_potential(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SoftalError, match="is given with a learner; allowed then: method: direct, and no potential"):
        simulators.build("asakura_oosawa_coexistence", {**settings, "learner": tmp_path})


def test_a_learner_that_is_not_there_is_told(tmp_path: Path) -> None:
    simulator = simulators.build("asakura_oosawa_coexistence", {**DIRECT, "learner": tmp_path / "none"})
    assert simulator.check()[0].startswith("there is no trained")
    assert (simulator.refuses({"eta_p": 0.6}) or "").startswith("there is no trained")
