"""Paths between clusters: what a trial returns, what is refused, files of end points, and the report's card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import pytest
from report_page import Page, write_report

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.objective import minimize
from softal.simulators.base import Context, validate_observation
from softal.simulators.transition_path import pictures
from softal.simulators.transition_path.files import read_cluster
from softal.simulators.transition_path.measures import MOST_STOPS, write_frames
from softal.simulators.transition_path.transition_path import TransitionPath
from softal.space import Space
from softal.testing.simulators import Candidate, SimulatorContract
from softal.theory.clusters.stationary import energy, quench
from softal.theory.clusters.structures import hexagon, pair
from softal.tracking.journal import Journal
from softal.trial import Observation, Trial, TrialState

pytestmark = pytest.mark.physics

QUICK = {"cluster": "lj7_plane", "searches": 200, "iterations": 5, "starts": 40}


class TestTransitionPath(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("transition_path", {**QUICK, "timing": False}, {"duration": 0.6})


def run(folder: Path, point: dict[str, Any] | None = None, **settings: Any) -> Observation:
    simulator = TransitionPath({**QUICK, **settings})
    return validate_observation(simulator.run(point or {}, Context(folder, seed=3)), simulator.outputs)


@pytest.fixture(scope="module")
def observation(tmp_path_factory: pytest.TempPathFactory) -> Observation:
    return run(tmp_path_factory.mktemp("path"))


def write_xyz(path: Path, x: np.ndarray, names: list[str] | None = None) -> Path:
    rows = np.column_stack([x, np.zeros(len(x))]) if x.shape[1] == 2 else x
    named = zip(names or ["Ar"] * len(x), rows.tolist(), strict=True)
    path.write_text(f"{len(x)}\n\n" + "".join(f"{name} {a!r} {b!r} {c!r}\n" for name, (a, b, c) in named))
    return path


def test_barriers_are_those_of_the_highest_saddle(observation: Observation) -> None:
    values, arrays = observation.values, observation.arrays
    start, end = arrays["path_energy"].values[[0, -1]]
    top = arrays["saddle_energy"].values.max()
    assert values["highest_saddle"] == pytest.approx(top)
    assert values["barrier_forward"] == pytest.approx(top - start)
    assert values["barrier_backward"] == pytest.approx(top - end)
    assert values["barrier_forward"] == pytest.approx(1.69354, abs=1e-4)  # of a hexagon to the same: both are alike
    assert values["saddles"] == len(arrays["saddle_energy"].values) == len(arrays["minimum_energy"].values) - 1
    assert values["connected"] == 1
    assert arrays["path_energy"].values.max() == pytest.approx(top)
    grid = arrays["path_energy"].grid
    assert grid is not None
    assert values["path_length"] == pytest.approx(grid[-1])
    assert values["distance"] < values["path_length"]
    assert values["evaluations"] > 1000


def test_barriers_only_become_lower(observation: Observation) -> None:
    barriers = observation.arrays["barrier_of_searches"]
    assert np.all(np.diff(barriers.values) <= 1e-6)
    assert barriers.values[-1] == pytest.approx(observation.values["barrier_forward"])


def test_frames_are_written(observation: Observation) -> None:
    with gsd.hoomd.open(name=str(observation.artifacts["path.gsd"]), mode="r") as file:
        assert len(file) == len(observation.arrays["path_energy"].values)
        energies = [energy(np.asarray(frame.particles.position[:, :2], dtype=float)) for frame in file]
        assert {frame.configuration.dimensions for frame in file} == {2}
    np.testing.assert_allclose(energies, observation.arrays["path_energy"].values, atol=1e-4)  # single precision


def test_thirteen_atoms_go_down_without_a_barrier(tmp_path: Path) -> None:
    values = run(tmp_path, cluster="lj13").values
    assert values["barrier_forward"] == 0
    assert values["barrier_backward"] == pytest.approx(44.326801 - 40.884494, abs=1e-5)
    assert values["path_length"] == pytest.approx(0.9, abs=0.05)
    assert values["saddles"] == 0


def test_a_network_s_path_may_begin_beside_the_ends(tmp_path: Path) -> None:
    observed = run(tmp_path, {"log_lambda_1": 2.0, "log_lambda_2": 2.0}, representation="network")
    assert observed.values["barrier_forward"] == pytest.approx(1.69354, abs=1e-4)
    assert observed.values["action_loss"] > 0


def test_ends_from_files(tmp_path: Path) -> None:
    """Names keep atoms in their places: with one name the ends are one structure, and nothing has to happen."""
    x = quench(hexagon(), 1e-9).x
    start = write_xyz(tmp_path / "a.xyz", x, ["B", *"AAAAAA"])
    end = write_xyz(tmp_path / "b.xyz", x, ["A", "B", *"AAAAA"])
    files = {"cluster": "files", "start": start, "end": end}
    (tmp_path / "w").mkdir()
    assert run(tmp_path / "w", **files).values["barrier_forward"] == pytest.approx(1.69354, abs=1e-4)
    alike = {**files, "start": write_xyz(tmp_path / "c.xyz", x), "end": write_xyz(tmp_path / "d.xyz", x[::-1])}
    nothing = run(tmp_path / "w", **alike).values
    assert (nothing["barrier_forward"], nothing["saddles"]) == (0, 0)
    assert nothing["path_length"] == pytest.approx(0, abs=1e-6)


def test_gsd_files_are_read(tmp_path: Path) -> None:
    ends = pair("lj38")
    write_frames(tmp_path / "a.gsd", np.stack([ends.start, ends.end]))
    positions, names = read_cluster(tmp_path / "a.gsd")
    assert names == ["A"] * 38
    assert energy(positions) == pytest.approx(energy(ends.end), abs=1e-3)


def test_a_path_that_is_not_connected_fails_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"the ends were not connected: .* more `bands` or `searches` are needed"):
        run(tmp_path, cluster="lj38", bands=0, searches=1, iterations=0)


def test_an_alignment_that_is_not_there_fails_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"alignment = 5000 is not there: 40 starts led to \d+"):
        run(tmp_path, {"alignment": 5000})


@pytest.mark.parametrize(
    ("point", "said"),
    [
        (
            {"duration": 3.0, "points": 25},
            "duration = 3 with points = 25 has time steps of 0.12, which resolve no",
        ),
        ({"duration": 0.0}, "duration = 0.0 is not allowed: a number from 0.001 to 100"),
        ({"alignment": 1.5}, "alignment = 1.5 is not allowed: a whole number"),
    ],
)
def test_points_that_cannot_be(point: dict[str, Any], said: str) -> None:
    refused = TransitionPath(QUICK).refuses(point)
    assert refused is not None
    assert said in refused
    assert "\n" not in refused


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cluster": "lj38", "energy": -173.5}, "E_0 = -173.5 is below the end's potential energy -173.252378"),
        ({"cluster": "lj38", "energy": -180}, "E_0 = -180 is below the start's potential energy -173.928427"),
        ({"cluster": "files"}, "start: `cluster: files` needs the files of both end points"),
        ({"cluster": "lj14"}, "lj14"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SoftalError) as refused:
        simulators.build("transition_path", settings)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_that_cannot_be(tmp_path: Path) -> None:
    x = hexagon()
    twice = x.copy()
    twice[2] = twice[1] + 0.1
    good, small = write_xyz(tmp_path / "g.xyz", x), write_xyz(tmp_path / "s.xyz", x[:6])
    on_top, empty = write_xyz(tmp_path / "t.xyz", twice), tmp_path / "e.xyz"
    empty.write_text("")
    other = write_xyz(tmp_path / "o.xyz", x, ["Kr", *["Ar"] * 6])
    for end, said in (
        (small, "the end points have 7 atoms in 2 dimensions and 6 atoms in 2 dimensions"),
        (on_top, "the end has atoms on top of each other: 1 and 2 are 0.141 sigma apart"),
        (empty, "the first line of an XYZ file is the number of atoms"),
        (other, "atoms of different names"),
    ):
        with pytest.raises(SoftalError) as refused:
            simulators.build("transition_path", {"cluster": "files", "start": good, "end": end})
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)


def test_the_card_draws_clusters_over_the_energy(tmp_path: Path, observation: Observation) -> None:
    space = Space({"alignment": {"low": 0, "high": 3, "integer": True}})
    value = {"barrier_forward": observation.values["barrier_forward"]}
    trial = Trial(0, {"alignment": 0}, state=TrialState.DONE, observation=observation, objective=value, host="a")
    with Journal.create(tmp_path / "c", "name: p\n", {"id": "0" * 32, "created": 1.79e9, "name": "p"}) as journal:
        journal.write([trial])
    page = Page(
        write_report(
            tmp_path / "c", space=space, objective=minimize("barrier_forward"), sources=[TransitionPath(QUICK)]
        )
    )
    [energies], [action, barriers] = page.panels["Transition path"], page.panels["Path of least action"]
    assert len(barriers["data"]) == 1
    stops = observation.arrays["stops"].values
    assert len(energies["layout"]["images"]) == len(stops) <= MOST_STOPS
    assert all(image["source"].startswith("data:image/png;base64,") for image in energies["layout"]["images"])
    assert {trace["name"] for trace in energies["data"]} == {"path", "minima", "saddles"}
    assert {trace["name"] for trace in action["data"]} == {"least action", "minima below"}
    assert "Observed" not in page.headings  # it would show the same


def test_neighbours_are_counted() -> None:
    octahedron = pair("lj38").start
    counts = pictures.neighbours(octahedron)
    assert sorted(set(counts.tolist())) == [6, 9, 12]  # corners, faces, inside
    assert (counts == 12).sum() == 6
    assert pictures.neighbours(quench(hexagon()).x).tolist() == [6, 3, 3, 3, 3, 3, 3]
    assert pictures.cluster_png(octahedron, 3.0).startswith(b"\x89PNG")


@pytest.mark.validation
def test_a_trial_of_38_atoms(tmp_path: Path) -> None:
    values = run(tmp_path, cluster="lj38", searches=800).values
    assert 4.218 < values["barrier_forward"] < 8
    assert values["barrier_forward"] - values["barrier_backward"] == pytest.approx(173.928427 - 173.252378, abs=1e-5)
