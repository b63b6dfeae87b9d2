"""Curves on the page, and simulations that it runs: against the surrogate itself, and real simulations in sandboxes."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import Site, make, make_curves, publish, served, trials_of

from softal.errors import CampaignStateError
from softal.numeric import NORMAL_95
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.single_runs.experiment import read_experiment
from softal.service.explorer.model import Explorer
from softal.service.explorer.novelty import Novelty
from softal.strategies import build
from softal.surrogates import load_learner
from softal.tracking.journal import Journal
from softal.trial import USER, TrialState

pytestmark = pytest.mark.learning

POINT = {"charge": 0.4, "layers": 3}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return make_curves(tmp_path_factory.mktemp("curves"))


@pytest.fixture(scope="module")
def site(campaign: Campaign) -> Iterator[Site]:
    with served(campaign) as found:
        yield found


def simulate(site: Site, point: dict[str, Any] = POINT, **more: Any) -> dict[str, Any]:
    """Simulate, and return how it ended."""
    answer = site.post("/api/simulate", {"point": point, "fidelity": 1.0, "seed": 0, **more})
    assert answer.status == 200, answer.json()
    run: dict[str, Any] = site.wait(lambda now: now["run"]["state"] != "running")["run"]
    return run


def test_arrays_are_described(site: Site) -> None:
    [array] = site.json("/api/campaign")["arrays"]
    assert (array["name"], array["symbol"], array["grid_unit"], array["unit"]) == ("density", "z", "nm", "1/nm")
    assert array["grid"] == pytest.approx(np.linspace(0, 3, 31))
    assert array["log"] == "none"
    low, high = array["range"]
    assert low < 0.2
    assert 3 < high < 8


def test_curves_are_those_of_the_surrogate(site: Site) -> None:
    found = site.json("/api/curves", **POINT)
    grid, mean, std = site.campaign.surrogate.predict_arrays([POINT])["density"]
    assert found["curves"]["density"]["mean"] == pytest.approx(mean[0], rel=1e-6)
    assert found["curves"]["density"]["half"] == pytest.approx(NORMAL_95 * std[0], rel=1e-6)
    truth = 3 * np.exp(-grid / 0.7) + 0.1
    assert np.mean(np.abs(mean[0] - truth)) < 0.05
    assert found["prediction"].keys() == {"mismatch"}


def test_the_nearest_simulations_are_those_nearest_in_the_unit_cube(site: Site) -> None:
    found = site.json("/api/curves", **POINT)["near"]
    trials = {trial.id: trial for trial in site.campaign.list_trials()}
    space = site.campaign.spec.space
    [here] = space.to_unit([POINT])
    away = {number: float(np.linalg.norm(space.to_unit([one.point])[0] - here)) for number, one in trials.items()}
    assert found == sorted(away, key=lambda number: away[number])[:4]
    arrays = site.json("/api/trials", **{".ids": ",".join(map(str, found)), ".arrays": "density"})
    with Journal.open(site.campaign.folder) as journal:
        assert arrays[str(found[0])]["density"]["values"] == pytest.approx(journal.arrays(found[0])["density"].values)


def test_a_family_along_a_parameter(site: Site) -> None:
    found = site.json("/api/curves", **POINT, **{".along": "layers"})["family"]
    assert found["values"] == [1, 2, 3, 4, 5, 6]
    fourth = site.json("/api/curves", **{**POINT, "layers": 4})["curves"]["density"]["mean"]
    assert found["curves"]["density"][3] == pytest.approx(fourth)
    cut = site.json("/api/curves", charge=0.4, layers=6, **{".along": "charge"})["family"]
    assert max(cut["values"]) <= 0.9, "10*charge + layers <= 15 leaves no more"
    assert site.json("/api/curves", **POINT, **{".along": "x"})["status"] == 400


def test_what_speaks_against_a_point(site: Site) -> None:
    found = site.json("/api/curves", charge=1.0, layers=6)
    assert found["violated"] == ["10*charge + layers <= 15"]
    assert "up to 0.95 is allowed" in found["unsimulated"]
    inside = site.json("/api/curves", **POINT)
    assert (inside["violated"], inside["unsimulated"], inside["warnings"]) == ([], None, [])


def test_outside_of_what_was_learned(tmp_path: Path) -> None:
    """Trials with a small charge say little of a large one."""
    limited = make_curves(tmp_path, constraints=["charge <= 0.3"])
    changed = limited.spec.space.to_dict() | {"constraints": []}
    page = Explorer(limited)
    page.space = type(page.space).from_dict(changed)
    page.trials.space = page.space
    assert page.curves({"charge": "0.2", "layers": "3"})["warnings"] == []
    warnings = page.curves({"charge": "0.9", "layers": "3"})["warnings"]
    assert any(text.startswith("Far from all trials: the nearest") for text in warnings)


def test_novelty_is_measured_in_what_trials_differ_by() -> None:
    means = np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]])
    known = Novelty.of({"g": (means, np.full_like(means, 0.1))}, np.array([[0.0], [0.5], [1.0]]))
    assert known.spread["g"] == pytest.approx(np.sqrt(8 / 3))
    assert known.apart == 0.5
    pair = np.zeros((1, 2)), np.full((1, 2), 0.49 * np.sqrt(8 / 3))
    assert known.warnings({"g": pair}, 0.7, 3) == []
    assert "51% of what it varies by" in known.warnings({"g": (pair[0], pair[1] * 0.51 / 0.49)}, 0.7, 3)[0]
    assert "the nearest (3) is 2.0 times" in known.warnings({"g": pair}, 1.0, 3)[0]


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_a_table_has_what_is_shown(site: Site) -> None:
    status, headers, content = site.get("/api/table?.array=density&charge=0.4&layers=3")
    assert status == 200
    assert headers["Content-Type"].startswith("text/csv")
    assert "walls_density.csv" in headers["Content-Disposition"]
    found = rows(content)
    assert list(found[0]) == ["r_nm", "density", "density_std"]
    shown = site.json("/api/curves", **POINT)["curves"]["density"]
    assert [float(row["density"]) for row in found] == pytest.approx(shown["mean"])
    swept = rows(site.get("/api/table?.array=density&.along=layers&charge=0.4&layers=3")[2])
    assert "density (layers = 6)" in swept[0]
    assert site.get("/api/table?.array=pressure&charge=0.4&layers=3")[0] == 400


def test_a_simulation_runs_and_stands_beside_its_prediction(site: Site) -> None:
    run = simulate(site, seed=11)
    assert run["state"] == "done"
    assert run["stored"] is False
    found = site.json("/api/simulation", **{".number": run["trial"]})
    assert (found["point"], found["seed"]) == ({"charge": 0.4, "layers": 3}, 11)
    one = found["arrays"]["density"]
    z = (np.array(one["values"]) - one["mean"]) / np.sqrt(np.square(one["errors"]) + np.square(one["std"]))
    assert one["z"] == pytest.approx(z, rel=1e-4, abs=1e-4)
    assert np.mean(np.abs(z) < 3) > 0.8
    [mismatch] = [value for value in found["values"] if value["name"] == "mismatch"]
    assert mismatch["z"] is not None
    beside = rows(site.get(f"/api/table?.array=density&.simulation={run['trial']}")[2])
    parts = ("", "_error", "_predicted", "_predicted_std", "_z")
    assert list(beside[0]) == ["r_nm", *(f"density{part}" for part in parts)]


def test_the_same_point_comes_from_the_store(site: Site) -> None:
    first = simulate(site, seed=21)
    began = time.monotonic()
    again = simulate(site, seed=21)
    assert (again["trial"], again["stored"]) == (first["trial"], True)
    assert time.monotonic() - began < 2
    assert simulate(site, seed=22)["trial"] != first["trial"]
    assert simulate(site, seed=21, fidelity=0.7)["trial"] != first["trial"]


def test_cancelled_before_it_has_begun(site: Site) -> None:
    for seed in range(3):
        site.post("/api/simulate", {"point": POINT, "fidelity": 0.5, "seed": 70 + seed})
        site.post("/api/cancel", {})
        assert site.wait(lambda now: now["run"]["state"] != "running")["run"]["state"] == "cancelled"


def test_one_at_a_time_and_cancelled(site: Site) -> None:
    slow = {"point": POINT, "fidelity": 0.5, "seed": 31}
    assert site.post("/api/simulate", slow).json()["state"] == "running"
    second = site.post("/api/simulate", {"point": POINT, "fidelity": 1.0, "seed": 32})
    assert second.status == 409
    assert "one simulation is running" in second.json()["error"]
    time.sleep(1.0)
    began = time.monotonic()
    site.post("/api/cancel", {})
    assert site.wait(lambda now: now["run"]["state"] != "running")["run"]["state"] == "cancelled"
    assert time.monotonic() - began < 10
    assert site.explorer.campaign.folder.joinpath("simulated").is_dir()
    assert simulate(site, seed=33)["state"] == "done", "the next one runs in a new sandbox"


def test_a_failure_says_why_and_is_not_stored(site: Site) -> None:
    for _ in range(2):
        run = simulate(site, fidelity=0.25, seed=41)
        assert (run["state"], run["reason"], run["stored"]) == ("failed", "the ions have escaped", False)
    answer = site.post("/api/add", {"simulation": run["trial"]})
    assert answer.status == 409
    assert "the ions have escaped" in answer.json()["error"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"point": {"charge": 3, "layers": 3}}, "charge: 3 is given"),
        ({"point": {"charge": 0.4, "layers": 2.5}}, "layers: 2.5 is given"),
        ({"point": {"charge": 0.97, "layers": 3}}, "up to 0.95 is allowed"),
        ({"point": {"charge": 0.4}}, "layers"),
        ({"point": None}, "point: a mapping"),
        ({"fidelity": 1.5}, "fidelity: 1.5 is given"),
        ({"fidelity": "x"}, "fidelity: 'x' is given"),
        ({"seed": -1}, "seed: -1 is given"),
        ({"seed": 0.5}, "seed: 0.5 is given"),
        ({"seed": 2**31}, "seed: 2147483648 is given"),
    ],
)
def test_bad_input_runs_nothing(changes: dict[str, Any], message: str, site: Site) -> None:
    before = site.json("/api/simulation")["run"]
    answer = site.post("/api/simulate", {"point": POINT, "fidelity": 1.0, "seed": 0, **changes})
    assert answer.status == 400
    assert message in answer.json()["error"]
    assert site.json("/api/simulation")["run"] == before


def test_what_it_would_cost(tmp_path: Path) -> None:
    page = Explorer(make(tmp_path))
    page.trials.follow()
    u = page.trials.places[0]
    assert page.trials.expected_seconds(u, 1.0) == pytest.approx(1.0)
    assert page.trials.expected_seconds(u, 0.1) == pytest.approx(0.1)


@pytest.mark.ray
def test_added_to_the_campaign_it_is_learned(tmp_path: Path) -> None:
    campaign = make_curves(tmp_path)
    before = len(campaign.list_trials()), len(campaign.versions)
    with served(campaign) as site:
        version = site.json("/api/campaign")["version"]
        run = simulate(site, {"charge": 0.45, "layers": 5}, seed=7)
        answer = site.post("/api/add", {"simulation": run["trial"]})
        assert answer.json() == {"trial": before[0]}
        assert site.json("/api/simulation")["training"] == f"Learning from trial {before[0]} ..."
        found = site.wait(lambda now: now["training"] is None)
        assert found["trained"] is True
        assert found["run"]["added"] == before[0]
        assert site.json("/api/campaign")["version"] > version
        assert site.post("/api/add", {"simulation": run["trial"]}).json() == {"trial": before[0]}, "once is enough"
        again = simulate(site, {"charge": 0.45, "layers": 5}, seed=7)
        assert (again["stored"], again["added"]) == (True, before[0])
    trial = campaign.list_trials()[-1]
    assert (trial.id, trial.proposed_by, trial.state, trial.seed) == (before[0], USER, TrialState.DONE, 7)
    assert trial.objective.keys() == {"mismatch"}
    with Journal.open(campaign.folder) as journal:
        assert journal.arrays(trial.id)["density"].values.shape == (31,)
        assert journal.versions()[-1]["trials"] == before[0] + 1
    assert len(campaign.versions) == before[1] + 1


def test_nothing_is_added_to_a_campaign_that_runs(site: Site) -> None:
    run = simulate(site, seed=51)
    with Journal.open(site.campaign.folder, read_only=False) as journal:
        state = journal.info["state"]
        journal.set_info(state="running")
        answer = site.post("/api/add", {"simulation": run["trial"]})
        journal.set_info(state=state)
    assert answer.status == 409
    assert "the campaign is running, and its journal has one writer" in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_another_page_does_not_simulate_at_the_same_time(site: Site) -> None:
    simulate(site, seed=61)
    with served(site.campaign) as second:
        answer = second.post("/api/simulate", {"point": POINT, "fidelity": 1.0, "seed": 62})
        assert answer.status == 409
        assert "in use by process" in answer.json()["error"]


def test_a_resumed_campaign_keeps_its_own_sequence(campaign: Campaign) -> None:
    """A strategy did not ask for a trial of the user's: the next point of its sequence is the one that it would be."""
    trials = campaign.list_trials()[:5]
    own, beside = (build("sobol", campaign.spec.space, campaign.spec.objective, 1, None) for _ in range(2))
    own.restore(trials)
    beside.restore([*trials, type(trials[0])(**{**vars(trials[0]), "id": 5, "proposed_by": USER, "told": 99})])
    assert [one.point for one in beside.ask(3, [])] == [one.point for one in own.ask(3, [])]


def test_only_what_is_done_is_added(campaign: Campaign) -> None:
    trial = campaign.list_trials()[0]
    with pytest.raises(CampaignStateError, match="not done and cannot be added: it blew up"):
        campaign.add(type(trial)(**{**vars(trial), "state": TrialState.FAILED, "reason": "it blew up"}))


def test_the_command_takes_the_campaigns_folder(campaign: Campaign) -> None:
    experiment = read_experiment(str(campaign.folder), "charge=0.4,layers=3", [], fidelity=1.0, seed=0, repeats=1)
    assert experiment.point == POINT
    assert experiment.objective is not None
    assert experiment.source == campaign.spec.folder


def test_a_network_of_dynamics_predicts_what_the_simulator_calls_its_curves() -> None:
    network = load_learner(Path(__file__).parents[1] / "data" / "first_version_network")
    point = {"T": 1.3, "rho": 1.2, "interaction": "LJ"}
    found = network.predict_arrays([point])
    assert found.keys() == {"F_s_A", "F_s_B"}
    t, mean, std = found["F_s_B"]
    assert mean.shape == std.shape == (1, len(t))
    own, _ = network.curves([point], t)  # type: ignore[attr-defined]
    np.testing.assert_allclose(mean, own[:, 1])


def test_without_a_learner_of_curves_there_are_values_alone(tmp_path: Path) -> None:
    campaign = make(tmp_path)
    publish(campaign, trials_of(campaign))
    page = Explorer(campaign)
    assert page.describe()["arrays"] == []
    found = page.curves({"epsilon": "120", "rate": "1", "beads": "6", "solvent": "good"})
    assert found["curves"] == {}
    assert found["prediction"].keys() == {"energy"}
    assert json.dumps(found["warnings"])
