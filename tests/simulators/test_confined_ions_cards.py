"""The report's section of density profiles, from journals as campaigns of ions leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from report_page import Page, decoded, write_report

from softal.objective import minimize
from softal.simulators.confined_ions.confined_ions import ConfinedIons
from softal.space import Space
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState

SPACE = Space({"h": {"low": 3.0, "high": 4.0}, "c": {"low": 0.3, "high": 0.9}})
Z = (np.arange(20) + 0.5) / 20 - 0.5


def simulated(number: int, contact: float) -> Trial:
    rho = contact * np.cosh(4 * Z)
    arrays = {f"density_{kind}": Array(rho / (1 + i), 0.01 + 0 * Z, Z, "mol/l") for i, kind in enumerate("pn")}
    seen = Observation({"contact_p": contact}, {}, arrays)
    point = {"h": 3.0, "c": 0.3 + 0.05 * number}
    return Trial(number, point, state=TrialState.DONE, observation=seen, objective={"contact_p": contact}, host="a")


def written(folder: Path, trials: list[Trial]) -> Page:
    with Journal.create(folder, "name: i\n", {"id": "0" * 32, "created": 1.79e9, "name": "i"}) as journal:
        journal.write(trials)
    return Page(write_report(folder, space=SPACE, objective=minimize("contact_p"), sources=[ConfinedIons()]))


def test_profiles_from_the_lowest_contact_density_to_the_highest(tmp_path: Path) -> None:
    trials = [simulated(i, contact) for i, contact in enumerate((0.5, 0.2, 0.9, 0.4, 0.3, 0.8, 0.7, 0.6))]
    page = written(tmp_path / "c", trials)
    positive, negative = page.panels["Density profiles"]
    lines = [trace for trace in positive["data"] if trace.get("name")]
    assert len(lines) == 6
    contacts = [decoded(trace["y"]).min() / np.cosh(4 * 0.025) for trace in lines]
    assert contacts == sorted(contacts)
    assert (contacts[0], contacts[-1]) == (np.min(contacts), np.max(contacts))
    np.testing.assert_allclose([contacts[0], contacts[-1]], [0.2, 0.9])
    assert lines[0]["name"].startswith("trial 1: h = 3, c = 0.35")
    bands = [trace for trace in negative["data"] if trace.get("fill") == "toself"]
    np.testing.assert_allclose(decoded(bands[0]["y"])[:20], 0.1 * np.cosh(4 * Z) + 0.01)
    assert "Observed" not in page.headings  # it would show the same


def test_no_card_without_profiles(tmp_path: Path) -> None:
    failed = Trial(0, {"h": 3.0, "c": 0.4}, state=TrialState.FAILED, reason="the ions have frozen")
    assert "Density profiles" not in written(tmp_path / "c", [failed]).headings
