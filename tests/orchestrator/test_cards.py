"""The report's sections of generations, snapshots and phases, from journals and files as campaigns leave them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import Page, decoded, write_report

from softal import simulators, strategies
from softal.cards import Source
from softal.cards.text import fraction
from softal.objective import Objective, learn, maximize, minimize, several
from softal.space import Space
from softal.strategies.cmaes.cards import ellipse, generations
from softal.surrogates.phases import cards as phases
from softal.tracking.journal import Journal
from softal.tracking.report.data import read
from softal.trial import Array, Observation, Trial, TrialState

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

PLANE = Space({"T": {"low": 0.1, "high": 0.5}, "P": {"low": 5, "high": 60, "log": True, "unit": "1/sigma^2"}})
SOLID = Space({**PLANE.to_dict()["parameters"], "delta": {"low": 1.1, "high": 1.7}, "kind": {"choices": ["a", "b"]}})
GOAL = maximize("P_qc12")
POPULATION = 5
PNG = "data:image/png;base64,"


def configuration(seed: int, disorder: float) -> dict[str, Array]:
    """A square crystal with some disorder, and what a network would see of it."""
    rng = np.random.default_rng(seed)
    x = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2) * 1.1
    box, n = np.full(2, 6.6), np.arange(-12, 13)
    x = np.mod(x + disorder * rng.standard_normal(x.shape), box)
    waves = [np.exp(-2j * np.pi * np.outer(n, x[:, i] / box[i])) for i in (0, 1)]
    pattern = np.abs(waves[0] @ waves[1].T) ** 2 / len(x)
    images = rng.random((10, 33, 33))
    return {"snapshot": Array(x), "box": Array(box), "diffraction": Array(pattern), "phase_input": Array(images)}


def distribution(d: int, run: int, generation: int) -> tuple[np.ndarray, np.ndarray]:
    start = np.linspace(0.8, 0.3, d) if run == 0 else np.linspace(0.2, 0.6, d)
    sigma = 0.15 * 0.8**generation
    return start + 0.3 * (0.5 - start) * generation / 3, sigma**2 * (np.eye(d) + 0.4 * (1 - np.eye(d)))


def evolved(space: Space, runs: Mapping[int, int], arrays: bool = True, **changes: Any) -> list[Trial]:
    """Trials of an evolution strategy: run -> number of generations; the value falls off around the middle."""
    rng, trials = np.random.default_rng(0), []
    for run, last in runs.items():
        for generation in range(last):
            mean, covariance = distribution(space.dimension, run, generation)
            notes = {"generation": generation, "run": run, "mean": mean.tolist(), "covariance": covariance.tolist()}
            for u in np.clip(rng.multivariate_normal(mean, covariance, POPULATION), 0, 1):
                value = float(np.exp(-4 * np.sum((u - 0.5) ** 2)))
                seen = configuration(len(trials), 0.1 * (1 - value)) if arrays else {}
                trial = Trial(
                    len(trials), space.from_unit(u[None])[0], proposed_by="cmaes", state=TrialState.DONE,
                    observation=Observation({"P_qc12": value}, {}, seen), objective={"P_qc12": value},
                    objective_errors={"P_qc12": 0.01}, notes={**notes, **changes}, host="a",
                )  # fmt: skip
                trials.append(trial)
    return trials


class Phases:
    """Shows what a classifier of phases shows; a real one needs a file of labels."""

    kind = "phase_classifier"
    cards = staticmethod(phases.cards)
    examples = staticmethod(phases.examples)


def sources(space: Space, objective: Objective) -> list[Source]:
    """Who shows phases, generations and snapshots."""
    strategy = strategies.build("cmaes", space, objective) if objective.single and not objective.learning else None
    return [Phases(), *([strategy] if strategy else []), simulators.build("hcss")]


def written(folder: Path, trials: list[Trial], space: Space = PLANE, objective: Objective = GOAL) -> Page:
    with Journal.create(folder, "name: hcss\n", {"id": "0" * 32, "created": 1.79e9, "name": "hcss"}) as journal:
        journal.write(trials)
    return Page(write_report(folder, space=space, objective=objective, sources=sources(space, objective)))


def traces(figure: Mapping[str, Any], mode: str) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace.get("mode") == mode]


def test_generations_are_read_from_the_notes(tmp_path: Path) -> None:
    trials = evolved(PLANE, {0: 3, 1: 2}, arrays=False)
    good = trials[0].notes
    nonsense: list[dict[str, Any]] = [
        {}, {"generation": 3}, {**good, "generation": "first"}, {**good, "generation": 1.5}, {**good, "mean": [0.5]},
        {**good, "mean": [0.5, float("nan")]}, {**good, "covariance": [[1.0]]}, {**good, "covariance": "x"},
    ]  # fmt: skip
    others = [
        Trial(100 + i, trials[0].point, state=TrialState.DONE, objective={"P_qc12": 0.5}, notes=notes)
        for i, notes in enumerate(nonsense)
    ]
    written(tmp_path / "c", [*trials, *others])
    found = generations(read(tmp_path / "c", PLANE, GOAL))
    assert [(g.run, g.number, len(g.trials)) for g in found] == [(0, i, 5) for i in range(3)] + [
        (1, i, 5) for i in (0, 1)
    ]
    for generation in found:
        mean, covariance = distribution(2, generation.run, generation.number)
        np.testing.assert_allclose(generation.mean, mean)
        np.testing.assert_allclose(generation.covariance, covariance)


def test_members_of_a_mixture_have_runs_of_their_own(tmp_path: Path) -> None:
    first, other = (evolved(PLANE, {0: 2}, arrays=False, member=[k]) for k in (0, 2))
    other = [Trial(**{**trial.__dict__, "id": 50 + trial.id}) for trial in other]
    written(tmp_path / "c", [*first, *other])
    found = generations(read(tmp_path / "c", PLANE, GOAL))
    assert [(g.run, g.number) for g in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert {trial.id for generation in found[2:] for trial in generation.trials} == {trial.id for trial in other}


@pytest.mark.parametrize("covariance", [[[0.04, 0.01], [0.01, 0.02]], [[0.09, 0.0], [0.0, 1e-6]]])
def test_the_ellipse_is_one_standard_deviation_away(covariance: list[list[float]]) -> None:
    mean, C = np.array([0.3, 0.6]), np.array(covariance)
    away = ellipse(mean, C) - mean
    np.testing.assert_allclose(np.einsum("ni,ij,nj->n", away, np.linalg.inv(C), away), 1.0, rtol=1e-9)
    assert np.abs(away).max(axis=0) == pytest.approx(np.sqrt(np.diag(C)), rel=2e-3)


def test_an_ellipse_that_has_lost_a_direction_is_a_line() -> None:
    away = ellipse(np.zeros(2), np.array([[0.04, 0.04], [0.04, 0.04]]))
    np.testing.assert_allclose(away[:, 0], away[:, 1], atol=1e-12)


def test_means_and_ellipses_are_in_the_units_of_the_parameters(tmp_path: Path) -> None:
    page = written(tmp_path / "c", evolved(PLANE, {0: 6}, arrays=False))
    plane, history = page.panels["Generations"]
    [path] = traces(plane, "lines+markers")
    means = PLANE.from_unit(np.array([distribution(2, 0, g)[0] for g in range(6)]))
    np.testing.assert_allclose(decoded(path["x"]), [point["T"] for point in means])
    np.testing.assert_allclose(decoded(path["y"]), [point["P"] for point in means])
    assert plane["layout"]["yaxis"]["type"] == "log"  # type: ignore[index]
    first, *_ = traces(plane, "lines")
    mean, covariance = distribution(2, 0, 0)
    edge = 5 * (60 / 5) ** min(1.0, mean[1] + np.sqrt(covariance[1, 1]))
    assert decoded(first["y"]).max() == pytest.approx(edge, rel=1e-3)
    assert len(traces(plane, "lines")) == 6
    value, size = traces(history, "lines+markers")
    np.testing.assert_allclose(decoded(size["y"]), [np.linalg.det(distribution(2, 0, g)[1]) for g in range(6)])
    assert len(decoded(value["y"])) == 6
    assert history["layout"]["yaxis2"]["type"] == "log"  # type: ignore[index]


def test_the_mean_objective_has_its_scatter(tmp_path: Path) -> None:
    trials = evolved(PLANE, {0: 3}, arrays=False)
    page = written(tmp_path / "c", trials)
    value = traces(page.panels["Generations"][-1], "lines+markers")[0]
    values = np.array([trial.objective["P_qc12"] for trial in trials]).reshape(3, POPULATION)
    np.testing.assert_allclose(decoded(value["y"]), values.mean(axis=1))
    np.testing.assert_allclose(decoded(value["error_y"]["array"]), values.std(axis=1, ddof=1))


def test_values_over_decades_have_means_of_logarithms(tmp_path: Path) -> None:
    goal, rng = minimize("P_qc12"), np.random.default_rng(1)
    losses = np.exp(rng.normal(-5, 3, (3, POPULATION)))
    losses[0, 0] = 1e60  # one that diverged
    trials = evolved(PLANE, {0: 3}, arrays=False)
    for trial, loss in zip(trials, losses.ravel(), strict=True):
        trial.objective["P_qc12"] = float(loss)
    figure = written(tmp_path / "c", trials, PLANE, goal).panels["Generations"][-1]
    value = traces(figure, "lines+markers")[0]
    mean, spread = np.log(losses).mean(axis=1), np.log(losses).std(axis=1, ddof=1)
    np.testing.assert_allclose(decoded(value["y"]), np.exp(mean))
    np.testing.assert_allclose(value["error_y"]["arrayminus"], np.exp(mean) - np.exp(mean - spread))
    assert figure["layout"]["yaxis"]["type"] == "log"  # type: ignore[index]


def test_restarts_are_apart(tmp_path: Path) -> None:
    page = written(tmp_path / "c", evolved(PLANE, {0: 4, 1: 3}, arrays=False))
    plane, history = page.panels["Generations"]
    paths = traces(plane, "lines+markers")
    assert [(path["name"], len(decoded(path["x"])), path["marker"]["symbol"]) for path in paths] == [
        ("run 1", 4, "circle"), ("run 2", 3, "diamond"),
    ]  # fmt: skip
    means = traces(history, "lines+markers")[::2]
    assert [decoded(trace["x"]).tolist() for trace in means] == [[0, 1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("space", "panels"),
    [(PLANE, 2), (SOLID, 4), (Space({"T": {"low": 0.1, "high": 0.5}}), 1)],
    ids=["two", "three and a choice", "one"],
)
def test_each_pair_of_numbers_has_a_plane(tmp_path: Path, space: Space, panels: int) -> None:
    page = written(tmp_path / "c", evolved(space, {0: 3}, arrays=False), space)
    assert len(page.panels["Generations"]) == panels


def test_of_many_parameters_those_that_moved_are_drawn(tmp_path: Path) -> None:
    space = Space({name: {"low": 0, "high": 1} for name in "abcdef"})
    page = written(tmp_path / "c", evolved(space, {0: 4}, arrays=False), space)
    titles = [figure["layout"]["xaxis"]["title"]["text"] for figure in page.panels["Generations"][:3]]  # type: ignore[index]
    starts = np.abs(np.linspace(0.8, 0.3, 6) - 0.5)
    assert set(titles) <= {"abcdef"[i] for i in np.argsort(-starts)[:3]}


@pytest.mark.parametrize(
    "objective", [several(maximize("P_qc12"), minimize("cost")), learn("P_qc12")], ids=["two", "learn"]
)
def test_without_one_objective_there_are_no_generations(tmp_path: Path, objective: Objective) -> None:
    trials = evolved(PLANE, {0: 2}, arrays=False)
    for trial in trials:
        trial.objective.update(dict.fromkeys(objective.names, 0.5))
    page = written(tmp_path / "c", trials, PLANE, objective)
    assert "Generations" not in page.headings


def test_failed_trials_count_for_no_mean(tmp_path: Path) -> None:
    trials = evolved(PLANE, {0: 2}, arrays=False)
    lost = [
        Trial(90 + i, t.point, state=TrialState.FAILED, reason="overlap", notes=t.notes) for i, t in enumerate(trials)
    ]
    page = written(tmp_path / "c", [*trials[:POPULATION], *lost])
    value = traces(page.panels["Generations"][-1], "lines+markers")[0]
    assert value["y"][1] is None
    assert value["y"][0] == pytest.approx(np.mean([t.objective["P_qc12"] for t in trials[:POPULATION]]))


def cards(page: Page) -> list[str]:
    """Return the titles of the pictures' captions."""
    return [text.split("</b>")[0] for text in page.text.split("<figcaption><b>")[1:]]


def test_the_gallery_has_the_best_of_spread_generations(tmp_path: Path) -> None:
    trials = evolved(PLANE, {0: 12})
    page = written(tmp_path / "c", trials)
    shown = cards(page)
    assert len(shown) == 8
    assert shown[0].startswith("generation 0 ·")
    assert shown[-1].startswith("generation 11 ·")
    best = max(trials, key=lambda trial: trial.objective["P_qc12"])
    assert any(title.endswith(f"trial {best.id}") for title in shown)
    for title in shown:
        number, trial = (int(part.split()[-1]) for part in title.split(" · "))
        group = trials[number * POPULATION : (number + 1) * POPULATION]
        assert trial == max(group, key=lambda one: one.objective["P_qc12"]).id
    assert len(page.pictures) == 16
    assert all(b64decode(picture.removeprefix(PNG))[:4] == b"\x89PNG" for picture in page.pictures)
    assert page.loads == []
    assert "Observed" not in page.headings  # neither box nor images make curves
    assert len(page.text) < 8e6


def test_without_generations_the_gallery_goes_from_first_to_last(tmp_path: Path) -> None:
    trials = [Trial(**{**trial.__dict__, "notes": {}}) for trial in evolved(PLANE, {0: 5})]
    page = written(tmp_path / "c", trials)
    best = max(trials, key=lambda trial: trial.objective["P_qc12"])
    labels = dict(reversed(title.split(" · ")) for title in cards(page))
    assert labels[f"trial {best.id}"] == "best"
    assert {labels[f"trial {i}"] for i in (0, 6, 12, 18, 24)} <= {
        "first", "a quarter", "half", "three quarters", "last", "best",
    }  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_trials_are_shown_once(tmp_path: Path, count: int) -> None:
    trials = [Trial(**{**trial.__dict__, "notes": {}}) for trial in evolved(PLANE, {0: 1})][:count]
    shown = cards(written(tmp_path / "c", trials))
    assert len({title.split(" · ")[1] for title in shown}) == len(shown) == count


def classified(space: Space, trials: list[Trial], phases: tuple[str, ...]) -> dict[str, Any]:
    points = []
    for i, trial in enumerate(trials):
        own = i % len(phases)
        probability = np.where(np.arange(len(phases)) == own, 0.6 + 0.003 * i, 0.01).tolist()
        part = ("training", "validation", "test")[i % 3]
        point = {name: trial.point[name] for name in space.names}
        points.append({"point": point, "phase": phases[own], "part": part, "images": 40, "probability": probability})
    points[4]["probability"] = points[4]["probability"][::-1]
    return {
        "format": 1, "untrained": None, "dimension": 2, "phases": list(phases), "accuracy": 0.975,
        "accuracy_state_points": 1.0, "ece": 0.004, "unknown": 0.01, "temperature": 0.9,
        "images": {"training": 400, "validation": 100, "test": 120}, "confusion": [[40, 0, 0], [1, 39, 0], [0, 2, 38]],
        "reliability": [
            {"confidence": 0.7, "accuracy": 0.6, "images": 5}, {"confidence": 0.99, "accuracy": 1, "images": 115},
        ],
        "curves": {
            "loss": [1.0, 0.3, 0.1], "validation_loss": [1.1, 0.4, 0.2], "validation_accuracy": [0.4, 0.9, 1.0],
            "best": 3,
        },
        "state_points": points,
    }  # fmt: skip


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A campaign that has trained a classifier: its folder, and what the file holds."""
    trials = [Trial(**{**trial.__dict__, "notes": {}}) for trial in evolved(PLANE, {0: 3})]
    folder = tmp_path / "c"
    written(folder, trials, PLANE, learn("P_qc12"))
    (folder / "learner" / "latest").mkdir(parents=True)
    return folder, classified(PLANE, trials, ("fluid", "sq<b>", "qc12"))


def reported(folder: Path, content: str) -> Page:
    (folder / "learner" / "latest" / "classification.json").write_text(content)
    return Page(write_report(folder, space=PLANE, objective=learn("P_qc12"), sources=sources(PLANE, learn("P_qc12"))))


def test_a_classifier_has_its_figures(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, found = trained
    page = reported(folder, json.dumps(found))
    confusion, reliability, curves, state_points = page.panels["Phases"]
    parts = decoded(confusion["data"][0]["z"])  # type: ignore[index]
    assert parts.reshape(3, 3)[2].tolist() == pytest.approx([0, 0.05, 0.95])
    texts = {(a["x"], a["y"]): a["text"] for a in confusion["layout"]["annotations"]}  # type: ignore[index]
    assert texts[("sq&lt;b&gt;", "qc12")] == "2"
    assert len(texts) == 5
    assert reliability["data"][1]["x"] == [0.7, 0.99]  # type: ignore[index]
    assert [trace["y"] for trace in curves["data"]] == [  # type: ignore[attr-defined]
        found["curves"][name] for name in ("loss", "validation_loss", "validation_accuracy")
    ]
    drawn = {trace["name"]: trace for trace in state_points["data"]}  # type: ignore[attr-defined]
    assert set(drawn) == {"fluid", "sq&lt;b&gt;", "qc12"}  # the middle one of three is itself backwards
    assert "97.50% of 120 images and 100.0% of 5 state points are right" in page.text
    assert "<b>" not in json.dumps(page.panels["Phases"][0])


def test_a_state_point_that_is_wrong_is_crossed_out(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, found = trained
    found["state_points"][0]["probability"] = [0.1, 0.2, 0.7]
    *_, state_points = reported(folder, json.dumps(found)).panels["Phases"]
    [wrong] = [trace for trace in state_points["data"] if trace["name"] == "wrong"]  # type: ignore[attr-defined]
    assert wrong["x"] == [found["state_points"][0]["point"]["T"]]


def test_the_gallery_has_one_trial_of_each_phase(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, found = trained
    shown = cards(reported(folder, json.dumps(found)))
    assert shown == ["fluid · trial 12", "sq&lt;b&gt; · trial 13", "qc12 · trial 14"]


def test_a_classifier_that_is_untrained_says_why(trained: tuple[Path, dict[str, Any]]) -> None:
    page = reported(trained[0], json.dumps({"format": 1, "untrained": "2 phases are needed, 1 is there"}))
    assert "There is no classifier yet: 2 phases are needed, 1 is there" in page.text


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "phases": 3, "state_points": [1]}']
)
def test_a_file_that_cannot_be_read_costs_only_its_section(trained: tuple[Path, dict[str, Any]], content: str) -> None:
    page = reported(trained[0], content)
    assert "Phases" not in page.headings
    assert "Snapshots" in page.headings


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.98765, 0.0031, "0.9877 ± 0.0031"),
        (0.98765, 0.031, "0.988 ± 0.031"),
        (1.0, 0.0, "1.0000"),
        (1e-9, 2e-9, "0.0000 ± <0.0001"),
        (0.5, None, "0.5000"),
        (0.3, float("nan"), "0.3000"),
        (0.25, 0.4, "0.25 ± 0.40"),
    ],
)
def test_probabilities_have_four_decimals(value: float, error: float | None, text: str) -> None:
    assert fraction(value, error) == text


@pytest.mark.parametrize(
    ("objective", "text"), [(GOAL, "0.0001"), (minimize("P_qc12"), "0.0001234")], ids=["maximize", "minimize"]
)
def test_only_what_is_to_be_large_is_a_probability(tmp_path: Path, objective: Objective, text: str) -> None:
    trials = [
        Trial(i, {"T": 0.2, "P": 10.0 + i}, state=TrialState.DONE, objective={"P_qc12": value})
        for i, value in enumerate((0.00012344, 0.9))
    ]
    assert text in written(tmp_path / "c", trials, PLANE, objective).cells
