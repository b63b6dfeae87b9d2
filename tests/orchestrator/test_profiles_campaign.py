"""A campaign whose learner learns profiles, and whose strategy asks its members, without Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process

pytestmark = pytest.mark.learning

# Ideal particles in a well between two walls: rho = exp(-x u^2) on u = z / h, normalised to c.
SIMULATION = """
import numpy as np
from softal.outputs import Known
from softal.simulators import Outputs, Simulator
from softal.trial import Array, Observation

GRID = (np.arange(40) + 0.5) / 40 - 0.5


class Well(Simulator):
    parameters = {"x": "", "c": "M"}
    outputs = Outputs(
        frozenset({"mid"}), frozenset({"density"}), symbols={"density": "z / h"},
        known={"density": Known(positive=True, symmetric=True, integral="c")},
    )

    def run(self, point, context):
        rho = np.exp(-20 * point["x"] * GRID**2)
        rho *= point["c"] * 40 / rho.sum()
        error = 0.01 * np.sqrt(rho)
        noisy = rho + error * np.random.default_rng(context.seed).standard_normal(40)
        return Observation({"mid": float(rho[20])}, {}, {"density": Array.of(noisy, error, GRID, unit="M")})
"""
CAMPAIGN = """
name: well
simulator: simulation:Well
space: {x: {low: 0, high: 1}, c: {low: 0.1, high: 1, unit: M}}
objective: {learn: mid}
strategy: {kind: committee, surrogate: {kind: profiles, members: 3, width: 12, steps: 60}, n_initial: 8}
learner: {kind: profiles, members: 3, folds: 3, fold_members: 1, width: 16, steps: 300}
surrogate: none
tracking: {mlflow: "off"}
budget: {trials: 14}
workers: {concurrent: 1, cpus: 1}
"""


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    folder = tmp_path_factory.mktemp("well")
    (folder / "simulation.py").write_text(SIMULATION)
    (folder / "well.yaml").write_text(CAMPAIGN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = Campaign.from_yaml(Path("well.yaml"))
        assert found.launch(executor=in_process).state == "finished"
        yield found


def test_points_come_from_the_networks_disagreement(campaign: Campaign) -> None:
    notes = [trial.notes for trial in campaign.list_trials()]
    assert {note["acquisition"] for note in notes[8:]} == {"committee"}
    assert all(note["gain"] > 0 for note in notes[8:])


def test_the_learner_has_what_the_simulator_knows(campaign: Campaign) -> None:
    learner = campaign.learner
    grid, mean, std = learner.curves([{"x": 0.4, "c": 0.7}])["density"]
    assert np.sum(mean) / 40 == pytest.approx(0.7, rel=1e-12)
    np.testing.assert_array_equal(mean, mean[:, ::-1])
    expected = np.exp(-8 * grid**2)
    np.testing.assert_allclose(mean[0], 0.7 * 40 * expected / expected.sum(), atol=0.05)
    assert np.all(std > 0)
    assert {"success_density", "rmse_density", "error_density", "coverage_density"} == learner.metrics().keys()


def test_the_report_shows_it(campaign: Campaign) -> None:
    text = (campaign.folder / "report.html").read_text()
    assert "lie within the simulation" in text
    assert 'aria-label="Profiles: density"' in text
