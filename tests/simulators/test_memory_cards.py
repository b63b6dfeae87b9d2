"""The report's section of memory functions, from journals as campaigns of fits leave them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import Page, decoded, write_report

from softal.cards import Source, View
from softal.objective import minimize
from softal.simulators.memory import cards
from softal.space import Space
from softal.strategies.cmaes.cmaes import CMAES
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Fits:
    """Shows what simulators of memory functions show."""

    cards = staticmethod(cards.cards)

    def examples(self, view: View) -> None:
        """None."""


TIMES = np.geomspace(0.01, 100, 40)
GOAL = minimize("loss")
MODE = Space({"w": {"low": 1, "high": 100, "log": True}, "tau": {"low": 0.01, "high": 10, "log": True}})
STATES = ("KA_LJ_cold", "KA_LJ_cool", "KA_LJ_hot")
SCALED = dict(zip(STATES, (0.6, 1.0, 3.0), strict=True))
FITS = Space({"state": {"choices": list(STATES)}, "modes": {"choices": [1, 2]}})


def fitted(slow: float, weight: float = 10.0, ending: str = "") -> dict[str, Array]:
    """A reference, a curve beside it, and a memory function that is negative between 0.1 and 1 for a weight < 0."""
    F = np.exp(-((TIMES / slow) ** 0.6))
    M = np.where((TIMES > 0.1) & (TIMES < 1), weight, 10.0) * np.exp(-((TIMES / slow) ** 0.4))
    parts = {"F_s": Array(F + 0.01, None, TIMES, "", "tau"), "memory": Array(M, None, TIMES, "1/tau", "tau")}
    parts["F_s_reference"] = Array(F, np.full_like(F, 0.004), TIMES, "", "tau")
    return {f"{name}{ending}": array for name, array in parts.items()}


def done(number: int, point: dict[str, Any], loss: float, arrays: Mapping[str, Array], **values: float) -> Trial:
    seen = Observation({"loss": loss, "error": 0.9 * loss, "r2": 1 - 10 * loss, **values}, {}, dict(arrays))
    return Trial(number, point, state=TrialState.DONE, observation=seen, objective={"loss": loss}, host="a")


def written(folder: Path, trials: Sequence[Trial], space: Space, *others: Source) -> Page:
    with Journal.create(folder, "name: m\n", {"id": "0" * 32, "created": 1.79e9, "name": "m"}) as journal:
        journal.write(trials)
    return Page(write_report(folder, space=space, objective=GOAL, sources=[*others, Fits()]))


def searched(**changes: Any) -> list[Trial]:
    return [
        done(i, {"w": 2.0 + i, "tau": 1.0}, loss, fitted(3.0 + i, **changes)) for i, loss in enumerate((1e-2, 1e-4))
    ]


def grid(**values: float) -> list[Trial]:
    points = [(state, modes) for state in STATES for modes in (1, 2)]
    return [
        done(
            i,
            {"state": state, "modes": modes},
            10.0 ** (-2 - 2 * modes),
            fitted(1 / SCALED[state]),
            **{"T_over_Tmct": SCALED[state], "noise": 1e-5, **values},
        )
        for i, (state, modes) in enumerate(points)
    ]


def traces(figure: Mapping[str, Any], mode: str) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace.get("mode") == mode]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (list("abc"), "a, b, c"),
        ([f"kob_andersen_{i}" for i in range(18)], "one of 18, kob_andersen_0 to kob_andersen_17"),
    ],
)
def test_many_states_do_not_leave_the_table(tmp_path: Path, choices: list[str], said: str) -> None:
    space = Space({"state": {"choices": choices}, "modes": {"choices": [1, 2]}})
    page = written(tmp_path / "c", [done(0, {"state": choices[0], "modes": 1}, 1e-3, fitted(3.0))], space)
    assert said in page.cells


def test_the_best_trials_fit_and_what_is_left_of_it(tmp_path: Path) -> None:
    page = written(tmp_path / "c", searched(), MODE)
    scattering, memory = page.panels["Memory function"]
    best = fitted(4.0)
    reference, difference = traces(scattering, "markers")
    np.testing.assert_allclose(decoded(reference["y"]), best["F_s_reference"].values)
    np.testing.assert_allclose(decoded(difference["y"]), -0.01, atol=1e-12)
    np.testing.assert_allclose(decoded(difference["error_y"]["array"]), 0.004)
    np.testing.assert_allclose(decoded(traces(scattering, "lines")[0]["y"]), best["F_s"].values)
    np.testing.assert_allclose(decoded(traces(memory, "lines")[0]["y"]), best["memory"].values)
    assert [memory["layout"][axis]["type"] for axis in ("xaxis", "yaxis")] == ["log", "log"]  # type: ignore[index]
    assert "Mean squared difference 9e-05. R² = 0.9990000." in page.text
    assert "Observed" not in page.headings  # it would show the same


def test_where_the_memory_is_negative_it_is_dashed(tmp_path: Path) -> None:
    _, memory = written(tmp_path / "c", searched(weight=-4.0), MODE).panels["Memory function"]
    positive, negative = traces(memory, "lines")
    assert negative["line"]["dash"] == "dash"
    below = (TIMES > 0.1) & (TIMES < 1)
    M = fitted(4.0, -4.0)["memory"].values
    np.testing.assert_array_equal(decoded(positive["y"]), np.where(below, np.nan, M))
    np.testing.assert_array_equal(decoded(negative["y"]), np.where(below, -M, np.nan))


def test_a_memory_of_one_order_of_magnitude_is_on_a_linear_axis(tmp_path: Path) -> None:
    trials = searched()
    for trial in trials:
        assert trial.observation is not None
        trial.observation.arrays["memory"] = Array(np.cos(TIMES / 50) + 1.5, None, TIMES, "1/tau", "tau")
    _, memory = written(tmp_path / "c", trials, MODE).panels["Memory function"]
    assert memory["layout"]["yaxis"].get("type") is None  # type: ignore[index]


def test_each_species_has_its_figures(tmp_path: Path) -> None:
    trials = [done(0, {"w": 2.0, "tau": 1.0}, 1e-3, fitted(1.0, ending="_A") | fitted(0.5, ending="_B"))]
    page = written(tmp_path / "c", trials, MODE)
    labels = re.findall(r'aria-label="(Memory function[^"]*)"', page.text)
    assert labels == [
        "Memory function of A: F_s", "Memory function of A", "Memory function of B: F_s", "Memory function of B",
    ]  # fmt: skip


def test_fits_over_states_are_compared_by_their_modes(tmp_path: Path) -> None:
    page = written(tmp_path / "c", grid(), FITS)
    scores, errors, scattering, _ = page.panels["Memory function"]
    for modes in (1, 2):
        [score], [error] = (
            [trace for trace in traces(figure, "markers") if trace["name"] == f"N<sub>exp</sub> = {modes}"]
            for figure in (scores, errors)
        )
        np.testing.assert_allclose(decoded(score["x"]), [0.6, 1.0, 3.0])
        np.testing.assert_allclose(decoded(score["y"]), 10.0 ** (-1 - 2 * modes))  # 1 - R2
        np.testing.assert_allclose(decoded(error["y"]), 0.9 * 10.0 ** (-2 - 2 * modes))
    noise = traces(errors, "markers")[-1]
    assert (noise["name"], decoded(noise["y"]).tolist()) == ("noise of the reference", [1e-5] * 6)
    assert [trace["name"] for trace in traces(scattering, "lines")] == ["cold", "cool", "hot"]
    assert scattering["layout"]["legend"]["title"]["text"] == "KA LJ"  # type: ignore[index]
    assert "with the most modes" in page.text


def test_states_without_a_temperature_stand_side_by_side(tmp_path: Path) -> None:
    scores, *_ = written(tmp_path / "c", grid(T_over_Tmct=float("nan")), FITS).panels["Memory function"]
    assert traces(scores, "markers")[0]["x"] == ["cold", "cool", "hot"]


def test_states_alone_need_no_modes(tmp_path: Path) -> None:
    space = Space({"state": {"choices": list(STATES)}})
    trials = [done(i, {"state": name}, 1e-3, fitted(1.0), T=0.5 + i) for i, name in enumerate(STATES)]
    scores, *_ = written(tmp_path / "c", trials, space).panels["Memory function"]
    assert [(trace["name"], decoded(trace["x"]).tolist()) for trace in traces(scores, "markers")] == [
        ("fits", [0.5, 1.5, 2.5])
    ]


@pytest.mark.parametrize("lost", ["memory", "F_s", "F_s_reference"])
def test_without_all_three_arrays_there_is_no_section(tmp_path: Path, lost: str) -> None:
    trials = searched()
    for trial in trials:
        assert trial.observation is not None
        del trial.observation.arrays[lost]
    assert "Memory function" not in written(tmp_path / "c", trials, MODE).headings


def test_arrays_on_other_grids_are_no_fit(tmp_path: Path) -> None:
    trials = searched()
    for trial in trials:
        assert trial.observation is not None
        trial.observation.arrays["memory"] = Array(np.ones(7), None, TIMES[:7], "1/tau", "tau")
    page = written(tmp_path / "c", trials, MODE)
    assert "Memory function" not in page.headings
    assert "Observed" in page.headings


def evolution(count: int, population: int) -> list[Trial]:
    """Trials of CMA-ES, each with the notes of its generation; the best, which is the last one, has its arrays."""
    rng, space = np.random.default_rng(0), MODE
    trials = []
    for i in range(count):
        part = (i // population) * population / count
        spread = 0.2 * np.exp(-8 * part)
        notes = {
            "generation": i // population,
            "run": 0,
            "mean": (0.5 - 0.3 * np.exp(-6 * part) * np.ones(2)).tolist(),
            "covariance": (spread**2 * np.eye(2)).tolist(),
        }
        u = np.clip(notes["mean"] + spread * rng.standard_normal(2), 0, 1)  # type: ignore[operator]
        loss = float(np.sum((u - 0.5) ** 2)) + 1e-9 if i + 1 < count else 1e-10
        last = done(i, space.from_unit(u[None])[0], loss, fitted(2.0) if i + 1 == count else {})
        begun = 1.79e9 + 0.002 * i
        trials.append(
            Trial(**{**last.__dict__, "notes": notes, "proposed_by": "cmaes", "started": begun, "finished": begun + 2})
        )
    return trials


@pytest.fixture
def many() -> list[Trial]:
    return evolution(20_000, 50)


@pytest.mark.long
def test_twenty_thousand_memory_functions_make_a_page_of_bearable_size(tmp_path: Path, many: list[Trial]) -> None:
    begun = time.process_time()
    page = written(tmp_path / "c", many, MODE, CMAES(MODE, GOAL))
    assert time.process_time() - begun < 60
    assert len(page.text) < 10e6
    assert {"Memory function", "Generations", "Parameters", "Workers over time"} <= set(page.headings)
    plane = page.panels["Generations"][0]
    assert len(traces(plane, "lines+markers")[0]["marker"]["color"]) <= 61
    best = next(one for one in page.figures["Best against trials"]["data"] if one["name"] == "best so far")  # type: ignore[attr-defined]
    assert decoded(best["y"])[-1] == 1e-10
