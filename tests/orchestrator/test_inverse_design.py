"""From state points of known phases to a search for one of them, with real Monte Carlo: small, but the whole way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from softal.errors import CampaignFileError
from softal.orchestrator.campaign import Campaign
from softal.surrogates.phases.classifier import load_classifier

pytestmark = [pytest.mark.ray, pytest.mark.learning, pytest.mark.physics, pytest.mark.usefixtures("local_ray")]
Make = Callable[..., Campaign]

SMALL = {"kind": "hcss", "particles": 64, "equilibration": 300, "sampling": 100, "snapshots": 2}
SPACE = {"T": {"low": 0.05, "high": 1.0}, "P": {"low": 1, "high": 60}}
HOT = [(T, P, "fluid", "fluid") for T, P in ((0.9, 2), (0.8, 3), (0.7, 2), (0.6, 3), (0.9, 4), (0.7, 4))]
COLD = [(T, P, "square", "sq") for T, P in ((0.1, 50), (0.1, 45), (0.12, 40), (0.15, 40), (0.11, 55), (0.13, 45))]


def table(folder: Path) -> Path:
    rows = [f"{T},{P},{start},{phase}" for pair in zip(HOT, COLD, strict=True) for T, P, start, phase in pair]
    path = folder / "states.csv"
    path.write_text("\n".join(["# T and P of a square crystal and a fluid", "T,P,start,phase", *rows]) + "\n")
    return path


@pytest.mark.long
def test_a_network_learns_phases_in_one_campaign_and_leads_another(make_campaign: Make, tmp_path: Path) -> None:
    states = str(table(tmp_path))
    teaching = make_campaign(
        name="phases",
        simulator={**SMALL, "orientations": 6},
        space={**SPACE, "start": {"choices": ["fluid", "square"]}},
        objective={"learn": "psi_4"},
        strategy={"kind": "table", "file": states},
        learner={"kind": "phase_classifier", "labels": states},
        budget={"trials": 12},
    )
    assert teaching.launch().exit_code == 0
    classifier = load_classifier(teaching.folder)
    assert classifier.phases == ("fluid", "sq")
    assert classifier.metrics()["accuracy"] > 0.95

    searching = {
        "name": "search",
        "simulator": {**SMALL, "start": "square", "trajectory": False},
        "space": SPACE,
        "strategy": {"kind": "cmaes", "x0": {"T": 0.1, "P": 50}, "sigma0": 0.05},
        "budget": {"trials": 4},
    }
    target = {"phase": "sq", "classifier": str(teaching.folder.resolve())}
    search = make_campaign(**searching, objective={"maximize": target})
    assert search.launch().exit_code == 0
    best = search.best
    assert best.objective["P_sq"] > 0.9
    assert best.observation.values["P_fluid"] + best.observation.values["P_sq"] == pytest.approx(
        1 - best.observation.values["unknown"], abs=1e-6
    )

    with pytest.raises(CampaignFileError, match=r"objective.maximize.phase.*qc12.*fluid.*sq"):
        make_campaign(**searching, objective={"maximize": {**target, "phase": "qc12"}})
    rods = {"simulator": {"kind": "spherocylinders"}, "space": {"T": SPACE["T"], "rho": 0.1}, "strategy": "random"}
    with pytest.raises(CampaignFileError, match=r"dimension"):
        make_campaign(**{**searching, **rods}, objective={"maximize": target})
