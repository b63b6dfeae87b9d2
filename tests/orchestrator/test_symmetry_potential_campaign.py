"""A campaign whose learner learns a potential while it runs, and whose strategy asks its members, without Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.surrogates.symmetry_potential.symmetry_potential import load_potential
from softal.theory.many_body import shells

pytestmark = pytest.mark.physics

SIMULATION = """
import numpy as np
from softal.simulators import Outputs, Simulator
from softal.theory.many_body import shells
from softal.trial import Array, Observation


class Shaken(Simulator):
    parameters = {"rho": "", "shake": ""}
    outputs = Outputs(frozenset({"energy"}), frozenset({"configurations", "boxes", "particle_energies"}))

    def run(self, point, context):
        rng, a = np.random.default_rng(context.seed), point["rho"] ** -0.5
        lattice = a * np.array([(i, j) for i in range(6) for j in range(6)])
        shakes = point["shake"] * rng.uniform(-1, 1, (3, 36, 2))
        box = np.full(2, 6 * a)
        positions = lattice + shakes
        energies = np.array([shells.energies(one, box) for one in positions])
        named = {"configurations": positions, "boxes": np.tile(box, (3, 1)), "particle_energies": energies}
        arrays = {name: Array.of(values, unit="K" * (name == "particle_energies")) for name, values in named.items()}
        return Observation({"energy": float(energies.mean())}, {}, arrays)
"""
CAMPAIGN = """
name: shaken
simulator: simulation:Shaken
space: {rho: {low: 2.2, high: 2.8}, shake: {low: 0.01, high: 0.03}}
objective: {learn: energy}
strategy: {kind: committee, surrogate: {kind: symmetry_potential, functions: 6, members: 8}, n_initial: 5}
learner: {kind: symmetry_potential, functions: 6}
surrogate: none
tracking: {mlflow: "off"}
budget: {trials: 8}
workers: {concurrent: 1, cpus: 1}
"""


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    folder = tmp_path_factory.mktemp("shaken")
    (folder / "simulation.py").write_text(SIMULATION)
    (folder / "shaken.yaml").write_text(CAMPAIGN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = Campaign.from_yaml(Path("shaken.yaml"))
        assert found.launch(executor=in_process).state == "finished"
        yield found


def test_points_come_from_the_members_disagreement(campaign: Campaign) -> None:
    notes = [trial.notes for trial in campaign.list_trials()]
    assert {note["acquisition"] for note in notes[5:]} == {"committee"}
    assert all(note["gain"] > 0 for note in notes[5:])


def test_another_campaign_loads_what_was_learned(campaign: Campaign) -> None:
    loaded = load_potential(campaign.folder)
    assert loaded.provenance["simulator"]["kind"] == "simulation:Shaken"
    assert loaded.metrics()["r2_held_out"] > 0.99
    lattice = 0.63 * np.array([(i, j) for i in range(6) for j in range(6)])
    energies, _ = loaded.energies(lattice, np.full(2, 6 * 0.63))
    assert energies == pytest.approx(shells.energies(lattice, np.full(2, 6 * 0.63)), rel=0.05)


def test_the_report_shows_it(campaign: Campaign) -> None:
    text = (campaign.folder / "report.html").read_text()
    assert "Energies of runs that it has not seen are wrong by" in text
    assert 'aria-label="How many symmetry functions are enough"' in text
