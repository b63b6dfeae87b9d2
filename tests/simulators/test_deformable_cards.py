"""The report's section of states of elastic shells, from a journal as a campaign with either energy leaves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from report_page import Page, decoded, write_report

from softal.objective import learn
from softal.simulators import build
from softal.space import Space
from softal.tracking.journal import Journal
from softal.trial import Observation, Trial, TrialState

CHOSEN = {
    "P": {"low": 18, "high": 80},
    "beta_K": {"low": 1, "high": 100},
    "potential": {"choices": ["exact", "learned"]},
}
STATES = (  # beta_K, P, potential, density, error
    (100.0, 18.0, "exact", 2.5, 0.03),
    (100.0, 18.0, "learned", 2.52, 0.04),
    (100.0, 18.0, "learned", 2.58, 0.04),
    (1.0, 80.0, "learned", 4.2, 0.01),
    (1.0, 80.0, "exact", 4.1, 0.01),
    (1.0, 40.0, "exact", 3.7, 0.01),
)


def page(
    folder: Path,
    states: tuple[tuple[float, float, str, float, float], ...],
    order: Callable[[float], float] = lambda P: 0.3,
) -> Page:
    trials = []
    for number, (beta_K, P, potential, density, error) in enumerate(states):
        values = {"density": density, "energy": 0.1, "chi_6": 0.5, "psi_6": order(P)}
        point = {"beta_K": beta_K, "P": P, "potential": potential}
        seen = Observation(values, {"density": error})
        objective = {"density": density}
        trials.append(Trial(number, point, state=TrialState.DONE, observation=seen, objective=objective, host="a"))
    with Journal.create(folder, "name: i\n", {"id": "0" * 32, "created": 1.79e9, "name": "i"}) as journal:
        journal.write(trials)
    source = build("deformable_shells", {"ensemble": "npt"})
    return Page(write_report(folder, space=Space(CHOSEN), objective=learn("density"), sources=[source]))


def test_learned_densities_stand_beside_exact_ones(tmp_path: Path) -> None:
    found = page(tmp_path / "c", STATES)
    _, equation = found.panels["States"]
    *lines, exact, learned = equation["data"]
    assert [line["mode"] for line in lines] == ["lines", "lines"]
    assert (exact["name"], learned["name"]) == ("exact", "learned")
    assert list(decoded(exact["x"])) == [4.1, 2.5]
    assert list(decoded(learned["x"])) == pytest.approx([4.2, 2.55])
    assert list(decoded(learned["error_x"]["array"])) == pytest.approx([0.01, 0.04 / 2**0.5])
    assert "1 of 2 agree within 2" in found.text
    assert "+7.1" in found.text
    assert "+1.2" in found.text


def test_states_without_a_start_of_their_own_freeze_too(tmp_path: Path) -> None:
    states = tuple((1.0 + 9 * (i % 2), 20.0 + 3 * i, "exact", 3.0 + 0.05 * i, 0.01) for i in range(20))
    found = page(tmp_path / "c", states, order=lambda P: 0.7 if P > 50 else 0.1)
    assert {"States", "Freezing"} <= set(found.headings)
    assert "became hexagonal" not in found.text


def test_one_energy_alone_is_compared_with_nothing(tmp_path: Path) -> None:
    found = page(tmp_path / "c", tuple(state for state in STATES if state[2] == "exact"))
    _, equation = found.panels["States"]
    assert len(equation["data"]) == 1
    assert "agree within" not in found.text
