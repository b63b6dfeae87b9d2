"""Liquid argon by least action: what it finds where there is one trajectory, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.simulators.base import Context, validate_observation
from softal.simulators.least_action import measures
from softal.simulators.least_action.least_action import LeastAction
from softal.simulators.least_action.settings import PICOSECONDS, LeastActionSettings
from softal.simulators.least_action.truth import Truth, simulate
from softal.testing.simulators import Candidate, SimulatorContract
from softal.theory.least_action.action import Action
from softal.theory.least_action.potentials import Harmonic, LennardJones
from softal.theory.least_action.representations import Ends, Grid, Sines
from softal.trial import Observation

pytestmark = pytest.mark.physics

SHORT = {"engine": "lammps", "particles": 32, "cutoff": 1.6, "melting": 4.0, "equilibration": 8.0, "seed": 1}


class TestLeastAction(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("least_action", {**SHORT, "timing": False}, {"points": 15, "width": 15})


def run(folder: Path, point: dict[str, Any] | None = None, **settings: Any) -> Observation:
    simulator = LeastAction({**SHORT, **settings})
    return validate_observation(simulator.run(point or {}, Context(folder, seed=3)), simulator.outputs)


@pytest.fixture(scope="module")
def observation(tmp_path_factory: pytest.TempPathFactory) -> Observation:
    return run(tmp_path_factory.mktemp("least_action"))


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(LeastActionSettings(**SHORT, duration=0.2), 1)


def test_the_unit_of_time() -> None:
    """sigma (m / epsilon)^(1/2) of argon from CODATA 2018, in picoseconds."""
    boltzmann, atomic_mass = 1.380649e-23, 1.66053906660e-27
    assert 1e12 * 3.405e-10 * np.sqrt(39.948 * atomic_mass / (119.8 * boltzmann)) == pytest.approx(PICOSECONDS)


def test_engine_and_solver_have_the_same_potential(truth: Truth) -> None:
    """The energy of a recorded trajectory is constant, and that which the engine says, within what a step makes."""
    potential = LennardJones((LeastActionSettings(**SHORT).box_length,) * 3, 1.6)
    energy = potential.linearised(truth.positions).energy + 0.5 * np.sum(truth.velocities**2, axis=(1, 2))
    assert np.abs(energy - truth.energy).max() < 2e-3 * 32
    assert np.abs(np.sum(truth.velocities, axis=1)).max() < 1e-9


def test_the_true_trajectory_is_found_from_its_ends(observation: Observation) -> None:
    """0.1 ps: as good as molecular dynamics, whose own error is of that order."""
    values = observation.values
    assert values["rmsd"] < values["rmsd_largest"] < 1e-5
    assert values["energy_drift"] < 1e-3
    assert values["converged"] == 1
    assert values["seconds"] > 0
    rmsd = observation.arrays["rmsd_of_time"].values
    assert rmsd[0] < 1e-12  # exact ends
    assert rmsd[-1] < 1e-12
    assert rmsd.max() == pytest.approx(values["rmsd_largest"])


def test_what_happened_by_iteration_ends_with_what_was_found(observation: Observation) -> None:
    values, arrays = observation.values, observation.arrays
    for name in ("rmsd", "loss"):
        seen = arrays[f"{name}_by_iteration"]
        assert seen.grid is not None
        assert (seen.grid[0], seen.grid[-1]) == (0, values["iterations"])
        assert np.all(np.diff(seen.grid) > 0)
        assert seen.values[-1] == pytest.approx(values[name], rel=0.05)
        assert seen.values[-1] < 1e-3 * seen.values[0]


def test_four_paths_begin_where_their_atoms_do_and_agree(observation: Observation) -> None:
    true, found = (observation.arrays[f"paths_{which}"].values for which in ("true", "found"))
    assert true.shape == found.shape == (len(observation.arrays["rmsd_of_time"].values), 4, 3)
    np.testing.assert_array_equal(true[0], 0)
    np.testing.assert_allclose(found, true, atol=1e-5)
    assert np.linalg.norm(true[-1], axis=1).min() > 0.05


@pytest.mark.parametrize("waves", [1, 3])
def test_the_defect_of_a_free_atom_is_its_distance_from_the_trajectory(waves: int) -> None:
    """q = line + A sin(n pi t / T) without forces: the RMSD from the line is A / sqrt(2)."""
    ends = Ends(np.zeros((3, 3)), np.ones((3, 3)), 0.7)
    representation = Sines(ends, 4)
    parameters = np.zeros((4, 3, 3))
    parameters[waves - 1] = [0.1, -0.1, 0.1]
    action = Action(Harmonic(0.0), 2.0, representation, representation.grid(40))
    q, v, _ = representation.sampled(Grid.midpoints(0.7, 1000).times).motion(parameters.ravel())
    rmsd = np.sqrt(np.mean(np.sum((q - ends.line(Grid.midpoints(0.7, 1000).times)) ** 2, axis=2)))
    energy = np.mean(np.sum(v**2, axis=(1, 2)))  # of two masses
    assert rmsd > 5e-4
    assert measures.defect(action, parameters.ravel(), energy) == pytest.approx(rmsd, rel=1e-3)
    more = measures.defect(action, parameters.ravel(), energy + 3 * 0.1)
    momentum = 2 * np.sqrt(np.mean(np.sum(v**2, axis=2)))
    assert more == pytest.approx(np.hypot(rmsd, 0.7 * 0.1 / momentum), rel=1e-3)


def test_the_defect_tells_without_the_truth_which_of_two_is_better(tmp_path: Path) -> None:
    """Ends that weigh nothing are missed: the action alone does not see that."""
    found = []
    for weight in (-2.0, 6.0):
        point = {"log_lambda_1": weight, "log_lambda_2": weight, "points": 30, "width": 40}
        found.append(run(tmp_path, point, representation="network", iterations=10, inner=100).values)
    missed, kept = found
    assert missed["rmsd"] > 100 * kept["rmsd"]
    assert missed["defect"] > 10 * kept["defect"]
    assert missed["action"] < 2 * kept["action"]
    assert missed["log_defect"] == pytest.approx(np.log10(missed["defect"]))
    assert missed["rmsd_ends"] > missed["defect"] / 2


def test_structure_and_velocities_are_those_of_the_truth(observation: Observation) -> None:
    arrays = observation.arrays
    np.testing.assert_allclose(arrays["g_found"].values, arrays["g_true"].values, atol=1e-2)
    np.testing.assert_allclose(arrays["vaf_found"].values, arrays["vaf_true"].values, atol=1e-3)
    vaf = arrays["vaf_true"]
    assert vaf.errors is not None
    assert vaf.values[0] == pytest.approx(1.0)
    assert vaf.values[-1] < 0.9
    assert vaf.errors[0] == 0  # by its definition
    assert np.all(vaf.errors[1:] > 0)


@pytest.mark.parametrize("representation", ["sines", "polynomials", "network"])
def test_other_representations_find_it_too(representation: str, tmp_path: Path) -> None:
    values = run(
        tmp_path, {"log_lambda_1": 5.0, "log_lambda_2": 5.0}, representation=representation, iterations=10, inner=200
    ).values
    assert values["rmsd"] < 1e-4


def test_nadam_comes_nearer_with_more_iterations(tmp_path: Path) -> None:
    rmsd = []
    for iterations in (20, 300):
        settings = {"optimiser": "nadam", "rate": 0.1, "iterations": iterations}
        rmsd.append(run(tmp_path, **settings).values["rmsd"])
    assert rmsd[1] < rmsd[0] / 10
    assert rmsd[1] < 1e-3


def test_fidelity_is_a_part_of_the_iterations(tmp_path: Path) -> None:
    simulator = LeastAction({**SHORT, "optimiser": "nadam", "rate": 1e-3, "iterations": 40})
    found = simulator.run({}, Context(tmp_path, seed=3, fidelity=0.25))
    assert found.values["iterations"] == 10


def test_waypoints_bring_the_first_guess_nearer(tmp_path: Path) -> None:
    """One iteration that changes nothing shows the guess."""
    settings = {"optimiser": "nadam", "rate": 1e-12, "iterations": 1, "duration": 0.3}
    straight, through = (run(tmp_path, **settings, waypoints=count).values["rmsd"] for count in (0, 3))
    assert through < straight / 5


def test_of_several_starts_the_least_loss_is_taken(tmp_path: Path) -> None:
    """0.2 ps: the straight line leads to a minimum that is no trajectory, and another start to the true one."""
    point = {"points": 15, "width": 15}
    straight, of_several = (run(tmp_path, point, seed=8, duration=0.2, starts=n, iterations=30).values for n in (1, 3))
    assert straight["rmsd"] > 1e-3
    assert of_several["rmsd"] < 1e-4
    assert of_several["loss"] < straight["loss"] / 10


def test_without_a_seed_each_trial_has_its_own_liquid(tmp_path: Path) -> None:
    simulator = LeastAction({**SHORT, "seed": None, "iterations": 1})
    g = [simulator.run({}, Context(tmp_path, seed=seed)).arrays["g_true"].values for seed in (1, 2)]
    assert np.any(g[0] != g[1])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"particles": 32}, "cutoff: 2.5 sigma is longer than half of the box of 32 atoms, 1.683"),
        (
            {"particles": 108, "duration": 0.01},
            "duration: 0.01 ps has 5 time steps of 2 fs; allowed: 10 or more, 0.02 ps",
        ),
        ({"duration": -1.0}, "duration"),
        ({"temperature": 0.0}, "temperature"),
        ({"representation": "splines"}, "representation"),
        ({"iterations": 0}, "iterations"),
        ({"waypoints": 80}, "waypoints: 80 are more than the 49 steps between the ends"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SoftalError, match=said) as caught:
        simulators.build("least_action", settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("point", "duration", "said"),
    [
        ({"points": 1}, 0.1, "points = 1 is not allowed: a whole number from 2 to 1000"),
        ({"points": 10.5}, 0.1, "a whole number from 2"),
        ({"width": 0}, 0.1, "width = 0 is not allowed"),
        ({"log_lambda_3": 50.0}, 0.1, r"log_lambda_3 = 50.0 is not allowed: a number from -12 to 12"),
        (
            {"points": 5},
            1.0,
            "points = 5 over 1 ps are 200 fs apart, which resolves no collision: 10 or more are needed",
        ),
    ],
)
def test_points_that_are_refused(point: dict[str, Any], duration: float, said: str, tmp_path: Path) -> None:
    simulator = LeastAction({**SHORT, "duration": duration})
    assert simulator.refuses(point) is not None
    with pytest.raises(SimulationError, match=said):
        simulator.run(point, Context(tmp_path, seed=1))
