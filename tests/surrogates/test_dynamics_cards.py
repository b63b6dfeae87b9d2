"""The report's section of dynamics, from a `dynamics.json` and a journal as campaigns leave them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dynamics_tables import library, state, table
from report_page import Page, decoded, write_report

from softal import simulators, surrogates
from softal.cards.arrays import logarithmic
from softal.cards.scores import missing, score_axis
from softal.cards.statistics import main_range
from softal.cards.theme import log_axis
from softal.numeric import NORMAL_95
from softal.objective import Reference, learn, match
from softal.space import Space
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

SPACE = Space({"T": {"low": 0.5, "high": 5, "log": True}, "interaction": {"choices": ["LJ", "WCA"]}})
GOAL = learn("relaxation_A")


def reported(
    folder: Path, found: Mapping[str, Any] | str, values: bool = True, arrays: Mapping[str, Array] | None = None
) -> Page:
    """Write a campaign whose trials are the states of a table, its table and its report."""
    states = [] if isinstance(found, str) else found["states"]
    trials = []
    for one in states:
        more = (
            {"tau_A": 2 / one["point"]["T"], "tau_B": 1 / one["point"]["T"], "simulated_time": 50.0} if values else {}
        )
        trial = Trial(
            one["trial"], {name: one["point"][name] for name in SPACE.names}, state=TrialState.DONE, host="a",
            observation=Observation({"relaxation_A": 1.0, **more}, {"tau_A": 0.1}, dict(arrays or {})),
            objective={"relaxation_A": 1.0},
        )  # fmt: skip
        trials.append(trial)
    with Journal.create(folder, "name: ka\n", {"id": "0" * 32, "created": 1.79e9, "name": "ka"}) as journal:
        journal.write(trials)
    (folder / "learner" / "latest").mkdir(parents=True)
    text = found if isinstance(found, str) else json.dumps(found)
    (folder / "learner" / "latest" / "dynamics.json").write_text(text)
    sources = [surrogates.build_learner("dynamics_network", SPACE), simulators.build("kob_andersen")]
    return Page(write_report(folder, space=SPACE, objective=GOAL, sources=sources))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return reported(tmp_path_factory.mktemp("report") / "c", table(*library()))


def traces(figure: Mapping[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    return [one for one in figure["data"] if all(one.get(name) == value for name, value in wanted.items())]


def test_each_interaction_has_its_structure_and_its_relaxation(page: Page) -> None:
    labels = re.findall(r'aria-label="(Dynamics: [^"]*)"', page.text)
    assert labels == [
        "Dynamics: structure factors, LJ", "Dynamics: structure factors, WCA",
        "Dynamics: self-intermediate scattering, LJ", "Dynamics: self-intermediate scattering, WCA",
        "Dynamics: R² and simulated time by state", "Dynamics: relaxation times",
    ]  # fmt: skip
    assert page.loads == []


def test_curves_are_those_of_the_table(page: Page) -> None:
    structure, _, scattering, *_ = page.panels["Dynamics"]
    cold = library()[0]
    np.testing.assert_allclose(decoded(traces(structure)[0]["y"]), cold["S"][0])
    assert len(traces(structure)) == 15  # S_AA, S_AB and S_BB of five states
    dots = traces(scattering, mode="markers")
    assert len(dots) == 10
    np.testing.assert_allclose(decoded(dots[1]["y"]), cold["F"][1])
    np.testing.assert_allclose(decoded(dots[1]["error_y"]["array"]), cold["F_error"][1])
    dotted = [one for one in traces(scattering, mode="lines") if one["line"].get("dash") == "dot"]
    np.testing.assert_allclose(decoded(dotted[0]["y"]), cold["mct"][0])
    upper = [one for one in traces(scattering) if one.get("fill")]
    np.testing.assert_allclose(decoded(upper[0]["y"]), np.add(cold["predicted"][0], NORMAL_95 * 0.006))
    assert scattering["layout"]["xaxis"]["type"] == "log"  # type: ignore[index]
    assert [one["name"] for one in traces(scattering, showlegend=True)] == ["0.6", "0.8", "1", "2", "5"]


def test_the_caption_says_what_it_is_worth(page: Page) -> None:
    assert "17 simulated states, 100 tau in all; 1 crystallized or did not equilibrate: drawn hollow" in page.text
    assert re.search(r"\(states left out, by folds\): R² = 0\.99\d\d for A and 0\.99\d\d for B", page.text)
    assert "100% of what was simulated lies in its 95 % bands" in page.text
    assert "network that has not seen the state" in page.text


def test_marked_states_are_hollow_and_count_for_no_median(page: Page) -> None:
    scores = page.panels["Dynamics"][4]
    dots = traces(scores, mode="markers", name="LJ")[0]
    assert dots["marker"]["symbol"] == ["circle"] * 8 + ["circle-open"]
    assert "crystallized" in dots["hovertext"][-1]
    median = traces(scores, name="median")[0]
    assert decoded(median["x"]).min() > 0.6 / 0.9  # the marked one, at T = 0.5, is the coldest


def test_a_state_that_is_far_off_stands_at_the_edge(tmp_path: Path) -> None:
    states = [*library(), state(17, 0.55, r2=[-5.2, 0.4])]
    scores = reported(tmp_path / "c", table(*states)).panels["Dynamics"][4]
    dots = traces(scores, mode="markers", name="LJ")[0]
    place = dots["marker"]["symbol"].index("triangle-down")
    assert decoded(dots["y"])[place] == 1.0  # 1 - R2 where R2 = 0
    assert "R² of A = -5.2" in dots["hovertext"][place]
    low, high = scores["layout"]["yaxis"]["range"]  # type: ignore[index]
    assert 0 < low < 0.5
    assert high < -2


def test_relaxation_times_are_over_the_inverse_temperature(page: Page) -> None:
    *_, times = page.panels["Dynamics"]
    dots = traces(times, mode="markers", name="WCA")
    np.testing.assert_allclose(sorted(decoded(dots[0]["x"])), sorted(1 / T for T in (0.6, 0.7, 0.8, 1, 1.5, 2, 3, 5)))
    np.testing.assert_allclose(decoded(dots[0]["y"]), 2 * decoded(dots[0]["x"]))
    assert traces(times, mode="markers", name="LJ")[0]["error_y"]["array"][0] == 0.1
    assert len(times["layout"]["shapes"]) == 4  # type: ignore[index]  # T_mct of each interaction, for A and for B


def test_several_densities_are_brought_together_by_their_critical_temperatures(tmp_path: Path) -> None:
    states = [state(i, T, rho=rho) for i, (T, rho) in enumerate([(1.0, 1.2), (2.0, 1.2), (4.0, 1.6), (8.0, 1.6)])]
    page = reported(tmp_path / "c", table(*states))
    *_, times = page.panels["Dynamics"]
    expected = sorted(1 / one["T_over_Tmct"] for one in states)
    np.testing.assert_allclose(sorted(decoded(traces(times, mode="markers")[0]["x"])), expected)
    assert any("ρ = 1.6" in str(one.get("name")) for one in page.panels["Dynamics"][0]["data"])  # type: ignore[attr-defined]


SPARE = {"predicted": None, "std": None, "mct": None, "F_error": None, "S": None, "r2": None}


def test_what_is_not_known_is_not_drawn(tmp_path: Path) -> None:
    page = reported(tmp_path / "c", table(state(0, 1.0, **SPARE), simulated_time=None), values=False)
    [scattering] = page.panels["Dynamics"]
    assert {one["mode"] for one in scattering["data"]} == {"markers"}  # type: ignore[attr-defined]
    assert "ode-coupling theory" not in page.text
    assert "R² =" not in page.text.split("<h2>Dynamics</h2>")[1].split("</section>")[0]


def test_a_network_that_is_untrained_says_why(tmp_path: Path) -> None:
    page = reported(tmp_path / "c", '{"format": 1, "untrained": "8 states are needed, 2 are there"}')
    assert "There is no network yet: 8 states are needed, 2 are there" in page.text


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1, "states": [{"point": {"T": "<b>"}}]}'])
def test_a_file_that_cannot_be_read_costs_only_its_section(tmp_path: Path, content: str) -> None:
    assert "Dynamics" not in reported(tmp_path / "c", content).headings


def test_text_in_the_table_stays_text(tmp_path: Path) -> None:
    evil = "<img src=x>"
    page = reported(tmp_path / "c", table(state(0, 1.0, marked=evil), state(1, 2.0), method=evil))
    assert "img" not in page.tags


TIMES, EVEN = np.geomspace(0.01, 100, 40), np.linspace(0.01, 10, 500)


@pytest.mark.parametrize(
    ("grid", "log"),
    [
        (TIMES, True),
        (EVEN, False),
        (np.r_[0, TIMES], False),
        (-TIMES, False),
        (TIMES[:20], False),
        (np.zeros(0), False),
    ],
    ids=["times", "even steps", "with 0", "negative", "two decades", "empty"],
)
def test_grids_of_decades_are_logarithmic(grid: np.ndarray, log: bool) -> None:
    assert logarithmic(grid) is log


def test_observed_times_have_a_logarithmic_axis(tmp_path: Path) -> None:
    arrays = {"F_s_A": Array(np.exp(-TIMES), None, TIMES, "", "tau"), "g_AA": Array(EVEN, None, EVEN, "", "sigma")}
    arrays["msd_A"] = Array(TIMES**2, None, TIMES, "sigma^2", "tau")
    page = reported(tmp_path / "c", table(state(0, 1.0)), arrays=arrays)
    scattering, pair, msd = (figure["layout"] for figure in page.panels["Observed"])
    assert [one["xaxis"].get("type") for one in (scattering, pair, msd)] == ["log", None, "log"]  # type: ignore[index]
    assert [one["yaxis"].get("type") for one in (scattering, pair, msd)] == [None, None, "log"]  # type: ignore[index]
    assert scattering["xaxis"]["title"]["text"] == "t [tau]"  # type: ignore[index]


@pytest.mark.parametrize(("grid", "kind"), [(TIMES, "log"), (EVEN, None)], ids=["times", "even steps"])
def test_what_is_matched_over_decades_has_a_logarithmic_axis(
    tmp_path: Path, grid: np.ndarray, kind: str | None
) -> None:
    goal = match({"F_s_A": Reference("F_s_A", grid[5:-5], np.exp(-grid[5:-5]), (0.0, np.inf))})
    seen = Observation({}, {}, {"F_s_A": Array(np.exp(-1.1 * grid), None, grid, "", "tau")})
    values, _ = goal.evaluate(seen)
    trial = Trial(0, {"T": 1.0, "interaction": "LJ"}, state=TrialState.DONE, objective=values, observation=seen)
    with Journal.create(tmp_path / "c", "name: m\n", {"id": "0" * 32, "created": 1.79e9, "name": "m"}) as journal:
        journal.write([trial])
    layout = Page(write_report(tmp_path / "c", space=SPACE, objective=goal)).figures["Match: F s A"]["layout"]
    assert layout["xaxis2"].get("type") == kind  # type: ignore[index]
    ends = np.array([grid[0], min(grid[-1], grid[-6] * 1.05)])
    np.testing.assert_allclose(layout["xaxis2"]["range"], np.log10(ends) if kind else ends)  # type: ignore[index]


def test_species_and_pairs_share_a_figure_where_they_share_a_grid(tmp_path: Path) -> None:
    short = np.exp(-TIMES[:9])
    arrays = {f"F_s_{kind}": Array(np.exp(-TIMES), None, TIMES, "", "tau") for kind in "AB"}
    arrays |= {"msd_A": Array(TIMES, None, TIMES, "sigma^2", "tau"), "msd_B": Array(short, None, TIMES[:9], "", "tau")}
    arrays |= {"g_SiO": Array(EVEN, None, EVEN, "", "sigma"), "S_k": Array(EVEN, None, EVEN, "", "1/sigma")}
    page = reported(tmp_path / "c", table(state(0, 1.0)), arrays=arrays)
    labels = re.findall(r'aria-label="Observed: ([^"]*)"', page.text)
    assert labels == ["F_s", "S_k", "g_SiO", "msd_A", "msd_B"]
    assert [one["name"] for one in page.panels["Observed"][0]["data"]] == ["A", "B"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [(0.8, 5.0, ["0.7", "1", "2", "3", "5"]), (0.1, 50, ["0.1", "0.3", "1", "3", "10", "30"]),
     (100, 2e4, ["300", "1,000", "10,000", "30,000"]), (1e-4, 1e-3, ["0.0001", "0.0003"]),
     (1e-7, 1e-5, ["10<sup>−7</sup>", "3·10<sup>−7</sup>", "10<sup>−5</sup>"])],
)  # fmt: skip
def test_logarithmic_axes_have_round_labels(low: float, high: float, texts: list[str]) -> None:
    axis = log_axis(low, high)
    assert set(texts) <= set(axis["ticktext"])
    assert len(log_axis(1e-12, 1e12)["tickvals"]) <= 14


def test_axes_of_less_than_a_factor_of_two_have_even_ticks() -> None:
    inside = [
        text
        for text, value in zip(*(log_axis(60, 72)[n] for n in ("ticktext", "tickvals")), strict=True)
        if 60 <= value <= 72
    ]
    assert inside == ["60", "65", "70"]
    assert log_axis(3, 3)["ticktext"] == ["3"]


@pytest.mark.parametrize(
    ("values", "sign", "expected"),
    [
        (np.r_[np.full(98, 0.1), 1e-3, 1e70], 1, (1e-3, 1.0)),
        (np.r_[np.full(98, 0.1), 1e-3, 50.0], 1, (1e-3, 50.0)),
        (np.r_[np.full(98, 10.0), 1e3, 1e-70], -1, (1.0, 1e3)),
        (np.array([2.0]), 1, (2.0, 2.0)),
    ],
    ids=["diverged", "bad", "maximised", "one"],
)
def test_a_divergence_hides_nothing(values: np.ndarray, sign: float, expected: tuple[float, float]) -> None:
    assert main_range(values, sign) == pytest.approx(expected)


def test_the_axis_of_r2_ends_where_r2_is_0_and_shows_the_nines() -> None:
    np.testing.assert_allclose(missing([-5, 0, 0.9, 1.0]), [1, 1, 0.1, 1e-6])
    axis = score_axis([0.9, 0.999, np.nan])
    assert dict(zip(axis["ticktext"], axis["tickvals"], strict=True))["0.99"] == pytest.approx(0.01)
    assert axis["range"][0] > -1 > -3 > axis["range"][1]
    assert score_axis([])["range"][0] > 0
