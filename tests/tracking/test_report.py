"""The report: what it says, that it stands alone, and that odd campaigns do not break it."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report_page import Page, decoded, write_report

from softal.answer import answer
from softal.cards.statistics import thin
from softal.cards.text import quality
from softal.errors import CampaignStateError
from softal.numeric import with_error
from softal.objective import Objective, Reference, learn, match, maximize, minimize, several
from softal.space import Space
from softal.strategies.bayesian import Bayesian
from softal.surrogates.belief import latest
from softal.surrogates.curves.composite import Composite
from softal.surrogates.gaussian_processes.gp import GaussianProcess
from softal.tracking.journal import Journal
from softal.tracking.report import known
from softal.tracking.report.data import CampaignData, question
from softal.tracking.report.progress import utilisation
from softal.tracking.report.statistics import concurrency, failures, lanes, mean_arrays, running_best
from softal.tracking.report.tables import facts
from softal.trial import USER, Array, Observation, Trial, TrialState

# Plotly warns of what it will do another way itself.
pytestmark = [pytest.mark.learning, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")]

T0 = 1.79e9
MIE = Space(
    {
        "epsilon": {"low": 80, "high": 160, "unit": "K"},
        "sigma": {"low": 3.0, "high": 3.8, "unit": "angstrom"},
        "n": {"low": 8, "high": 16, "integer": True},
        "particles": 864,
        "r_min": {"derived": "2 ** (1 / 6) * sigma", "unit": "angstrom"},
    }
)
MIXED = Space(
    {
        "rate": {"low": 1e-4, "high": 1.0, "log": True, "unit": "1/ps"},
        "kind": {"choices": ["soft", "hard", "<b>sticky</b>"]},
        "shells": {"low": 1, "high": 4, "integer": True},
    }
)
K = np.linspace(0.3, 9.0, 146)


def structure_factor(epsilon: float, sigma: float, n: float) -> np.ndarray:
    """Something that looks like the S(k) of a liquid."""
    peak = 2.0 * 3.4 / sigma
    height = 1.7 + 0.004 * (epsilon - 118) + 0.04 * (n - 10)
    return (
        0.05
        + 0.95 / (1 + np.exp(-9 * (K - 0.86 * peak)))
        + height * np.exp(-((K - peak) ** 2) / 0.045)
        + 0.3 * np.exp(-((K - 1.85 * peak) ** 2) / 0.35)
        - 0.22 * np.exp(-((K - 1.4 * peak) ** 2) / 0.3)
    )


REFERENCE = Reference("structure_factor", K[::3], structure_factor(118, 3.40, 10)[::3], (0.3, 8.0))


def simulate(point: dict[str, float], rng: np.random.Generator) -> Observation:
    S_k = structure_factor(point["epsilon"], point["sigma"], point["n"])
    noise = 0.02 + 0.02 * S_k
    r = np.linspace(0.1, 10, 200)
    g_r = np.clip(1 + 2 * np.exp(-((r - 3.7) ** 2) / 0.1) - np.exp(-(r**2) / 6), 0, None)
    return Observation(
        {"pressure": 10.0},
        {"pressure": 1.0},
        {
            "structure_factor": Array(S_k + noise * rng.standard_normal(len(K)), noise, K, "", "1/angstrom"),
            "g_r": Array(g_r, None, r, "", "angstrom"),
        },
    )


def campaign(
    folder: Path,
    space: Space,
    objective: Objective,
    n: int,
    evaluate: Callable[[dict[str, float], np.random.Generator], Observation],
    *,
    fail: float = 0.1,
    workers: int = 2,
    state: str = "finished",
    text: str = "name: argon\n",
    **info: object,
) -> Path:
    """Write the journal of a campaign that gathers around its best point."""
    rng = np.random.default_rng(1)
    facts = {
        "id": "0" * 32, "created": T0, "seed": 1, "state": state,
        "git": "8a1f0c2e", "versions": {"softal": "0.1.0", "numpy": "2.4"},
        "machine": {"host": "node1", "system": "Linux"}, "name": "argon", **info,
    }  # fmt: skip
    trials: list[Trial] = []
    clock = np.zeros(workers)
    best, best_loss = rng.random(space.dimension), np.inf
    for i in range(n):
        u = (
            rng.random(space.dimension)
            if i < 12
            else np.clip(best + 0.25 * rng.standard_normal(space.dimension) * rng.random(), 0, 1)
        )
        point = space.from_unit(u[None])[0]
        slot = int(clock.argmin())
        started = T0 + clock[slot] + 0.2
        clock[slot] += 15 + 5 * rng.random()
        common = {
            "id": i, "point": point, "seed": i, "proposed_by": "sobol" if i < 12 else "bayesian", "proposed": started,
            "started": started, "finished": T0 + clock[slot], "host": f"node{slot % 2 + 1}", "attempts": 1,
        }  # fmt: skip
        if rng.random() < fail:
            reason = (
                f"LAMMPS: lost atoms at step {rng.integers(1e6)}" if rng.random() < 0.7 else "walltime of 60 s exceeded"
            )
            trials.append(Trial(**common, state=TrialState.FAILED, reason=reason))
            continue
        observation = evaluate(point, rng)
        values, errors = objective.evaluate(observation)
        loss = float(np.sum(objective.signs * list(values.values())))
        if loss < best_loss:
            best, best_loss = space.to_unit([point])[0], loss
        trials.append(
            Trial(**common, state=TrialState.DONE, observation=observation, objective=values, objective_errors=errors)
        )
    with Journal.create(
        folder, text, {**facts, "active": float(clock.max()), "ended": T0 + float(clock.max())}
    ) as journal:
        journal.write(trials)
    return folder


def train(folder: Path, space: Space, targets: tuple[str, ...]) -> None:
    with Journal.open(folder) as journal:
        trials = journal.trials()
    surrogate = GaussianProcess(space, targets)
    surrogate.fit(trials)
    surrogate.save(folder / "surrogate" / "latest")
    record = {"rmse": dict.fromkeys(targets, 0.1), "coverage": dict.fromkeys(targets, 0.9), "method": "leave-one-out"}
    lines = [{**record, "version": v, "trials": 5 * v, "r2": dict.fromkeys(targets, 1 - 1 / v)} for v in range(1, 8)]
    with Journal.open(folder, read_only=False) as journal:
        for line in lines:
            journal.add_version(line)


def argon(folder: Path, n: int = 40) -> tuple[Path, Space, Objective]:
    objective = match({"structure_factor": REFERENCE})
    campaign(folder, MIE, objective, n, simulate, text=ARGON)
    if n > 8:
        train(folder, MIE, ("mismatch",))
    return folder, MIE, objective


ARGON = """\
name: argon
simulator: {kind: argon, engine: auto, particles: 864}
space:
  epsilon: {low: 80, high: 160, unit: K}
  sigma: {low: 3.0, high: 3.8, unit: angstrom}
objective:
  match: {structure_factor: data/argon_yarnell_1973_sk.csv}
budget: {trials: 40}
"""


def mixed(point: dict[str, float], rng: np.random.Generator) -> Observation:
    x = np.log10(point["rate"]) + 2
    cost = x**2 + 0.5 * point["shells"] + ("soft", "hard", "<b>sticky</b>").index(point["kind"])
    values = {"cost": cost + 0.1 * rng.standard_normal(), "yield_": 5 - abs(x - 0.5) + 0.3 * point["shells"]}
    return Observation(values, {"cost": 0.1})


def test_a_matching_campaign_has_all_parts(tmp_path: Path) -> None:
    folder, space, objective = argon(tmp_path / "argon")
    page = Page(write_report(folder, space=space, objective=objective, workers=2))
    assert page.headings == [
        "Best point", "Best against trials", "Match: structure factor", "Observed", "Parameters",
        "Slices of the surrogate", "Landscape", "Calibration of the surrogate", "Importance of the parameters",
        "Surrogate over time", "Workers over time", "Failures", "The best trials", "Campaign file",
        "Where this comes from",
    ]  # fmt: skip
    assert "Which epsilon, sigma and n match the reference" in page.text
    assert page.loads == []
    assert len(page.text) < 12e6
    assert "particles: 864" in page.text
    assert "lost atoms" in page.text
    assert all(figure["data"] for figure in page.figures.values())


def test_the_report_says_what_the_surrogate_says_of_itself(tmp_path: Path) -> None:
    """RMSE and R2 are the version's own, which MLflow and the page show, and the figure's dots are what they are of."""
    folder, space, objective = argon(tmp_path / "argon")
    surrogate = latest(folder)
    assert surrogate is not None
    found = surrogate.diagnostics()
    page = Page(write_report(folder, space=space, objective=objective, workers=2))
    assert quality(found.rmse["mismatch"], found.r2["mismatch"]) in page.text
    dots = [trace for trace in page.figures["Calibration of the surrogate"]["data"] if trace.get("customdata")]
    observed, predicted = (np.concatenate([decoded(trace[axis]) for trace in dots]) for axis in "xy")
    assert np.sqrt(np.mean((observed - predicted) ** 2)) == pytest.approx(found.rmse["mismatch"])
    with Journal.open(folder) as journal:
        values = {f"trial {trial.id}": trial.objective["mismatch"] for trial in journal.trials(TrialState.DONE)}
    named = {name for trace in dots for name in trace["customdata"]}
    assert named == values.keys()
    shown = [
        (values[name], x) for trace in dots for name, x in zip(trace["customdata"], decoded(trace["x"]), strict=True)
    ]
    assert all(x == pytest.approx(value) for value, x in shown)


def test_a_trial_stands_at_its_number(tmp_path: Path) -> None:
    """Trial 34 was at 35, since trials are numbered from 0; with failed ones, in whichever order they finished."""
    folder, space, objective = argon(tmp_path / "argon")
    page = Page(write_report(folder, space=space, objective=objective, workers=2))
    figure = page.figures["Best against trials"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "trial"
    dots = [trace for trace in figure["data"] if trace.get("hovertext")]
    places = {
        f"trial {x}": text for trace in dots for x, text in zip(decoded(trace["x"]), trace["hovertext"], strict=True)
    }
    assert len(places) == 40
    assert all(text.startswith(f"<b>{name}</b>") for name, text in places.items())


def test_a_refined_campaign_shows_its_answer(tmp_path: Path) -> None:
    objective = match({"structure_factor": REFERENCE})
    rng = np.random.default_rng(3)
    best = MIE.complete({"epsilon": 118.0, "sigma": 3.4, "n": 10})
    step = {"phase": "local", "role": "step", "centre": 0, "reduction": 0.01, "noise": 0.01, "predicted": 0.05}
    again = {"phase": "repeats", "role": "repeat", "centre": 4, "predicted": 0.04}
    plan = [
        *(({**best, "epsilon": float(e)}, 0.2, {}) for e in (90, 110, 130)),
        ({**best, "epsilon": 110.0}, 1.0, {"phase": "local", "role": "incumbent", "predicted": 0.06}),
        (best, 1.0, {**step, "radius": 0.1}), ({**best, "epsilon": 125.0}, 1.0, {**step, "radius": 0.05}),
        (best, 1.0, again), (best, 1.0, again),
    ]  # fmt: skip
    trials = []
    for i, (point, fidelity, notes) in enumerate(plan):
        common = {"id": i, "point": point, "fidelity": fidelity, "proposed_by": "bayesian", "notes": notes}
        if i == 5:
            trials.append(Trial(**common, state=TrialState.FAILED, reason="it melted"))
            continue
        observation = simulate(point, rng)
        values, errors = objective.evaluate(observation)
        done = {"observation": observation, "objective": values, "objective_errors": errors}
        trials.append(Trial(**common, **done, state=TrialState.DONE))
    folder = tmp_path / "refined"
    with Journal.create(folder, "name: refined\n", {"id": "0" * 32, "created": T0, "name": "refined"}) as journal:
        journal.write(trials)
    surrogate = Composite(MIE, objective.names, None, objective)
    surrogate.fit(trials)
    page = Page(
        write_report(folder, space=MIE, objective=objective, surrogate=surrogate, sources=[Bayesian(MIE, objective)])
    )
    found = answer(objective, trials)
    assert found is not None
    assert found.trials == (4, 6, 7)
    assert page.cells[0] == with_error(found.value, found.error)
    assert "mismatch · mean of 3 runs at fidelity 1" in page.text
    assert "Hollow dots are of lower fidelity" in page.text
    chi = re.search(r"Relative distance χ = (\S+) ± (\S+)\.<", page.text)
    assert chi is not None
    assert float(chi[1]) == pytest.approx(found.value, rel=0.01)  # one array: its chi is the mismatch
    drawn = {trace.get("name"): trace for trace in page.figures["Refinement"]["data"]}  # type: ignore[attr-defined]
    assert {"good point of the search", "step", "repeat", "predicted by the model", "failed (no value)"} <= set(drawn)
    assert drawn["repeat"]["x"] == [6, 7]
    assert len(page.figures["Refinement"]["layout"]["shapes"]) == 2  # type: ignore[index]  # the answer, its error
    curves = {trace.get("name") for trace in page.figures["Match: structure factor"]["data"]}  # type: ignore[attr-defined]
    assert {"mean of 3 runs", "surrogate", "reference", "surrogate's residual"} <= curves


def test_what_proposals_knew() -> None:
    """Results come in at 1, 2, 3 ... s; a model's proposals begin then, and each second one lacks the latest."""
    notes = [{"acquisition": "initial"}] * 3
    notes += [{"acquisition": "UCB", "results": i - i % 2, "pending": i % 2} for i in range(3, 9)]
    trials = [
        Trial(
            i, {"x": 0.1 * i}, proposed_by="bayesian", state=TrialState.DONE, objective={"y": 1.0 * i}, notes=notes[i],
            started=1.0 * i, finished=1.0 + i, told=10 + i, asked_after=9 + i - i % 2,
        )
        for i in range(9)
    ]  # fmt: skip
    data = CampaignData({}, Space({"x": {"low": 0, "high": 1}}), minimize("y"), trials)
    assert known.sentence(data) == (
        "3 of 6 proposals by a model knew all results that were in when their simulation began; the others lacked "
        "1 result. 3 trials were the initial design."
    )
    made = known.figure(data)
    assert made is not None
    were_in, knew = made.data
    assert list(were_in.y) == [3, 4, 5, 6, 7, 8]
    assert list(knew.y) == [2, 4, 4, 6, 6, 8]
    assert known.figure(replace(data, trials=trials[:3])) is None


def test_the_mean_of_arrays_has_the_error_of_its_scatter() -> None:
    rng = np.random.default_rng(0)
    runs = [{"g": Array(1.0 + 0.1 * rng.standard_normal(500), np.full(500, 0.1), K[:1].repeat(500))} for _ in range(4)]
    found = mean_arrays(runs)["g"]
    assert found.errors is not None
    assert np.sqrt(np.mean(found.errors**2)) == pytest.approx(0.05, rel=0.05)
    assert np.std((found.values - 1.0) / 0.05) == pytest.approx(1.0, abs=0.1)


def test_arrays_on_different_grids_are_not_averaged() -> None:
    one, other = (Array(np.full(3, value), None, np.arange(3.0) * value) for value in (1.0, 2.0))
    assert mean_arrays([{"g": one}, {"g": other}])["g"] is one
    assert mean_arrays([{"g": one}, {}])["g"] is one
    assert mean_arrays([]) == {}


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize("fail", [0.0, 1.0], ids=["done", "failed"])
def test_small_campaigns(tmp_path: Path, n: int, fail: float) -> None:
    objective = match({"structure_factor": REFERENCE})
    folder = campaign(tmp_path / "small", MIE, objective, n, simulate, fail=fail, state="running")
    page = Page(write_report(folder, space=MIE, objective=objective, workers=2))
    assert ("Best against trials" in page.headings) == (n > 0)
    assert ("Failures" in page.headings) == (n > 0 and fail == 1)
    assert ("The best trials" in page.headings) == (n > 0 and fail == 0)
    assert ">interrupted<" in page.text


def test_several_objectives_have_a_front(tmp_path: Path) -> None:
    objective = several(minimize("cost"), maximize("yield_"))
    folder = campaign(tmp_path / "two", MIXED, objective, 60, mixed)
    train(folder, MIXED, ("cost", "yield_"))
    page = Page(write_report(folder, space=MIXED, objective=objective))
    assert "Pareto front" in page.headings
    assert {f"Slices of the surrogate: {name}" for name in ("cost", "yield")} <= set(page.headings)
    with Journal.open(folder) as journal:
        front = objective.pareto_front(journal.trials())
    assert f"The Pareto front ({len(front)} trials)" in page.headings
    panels = page.figures["Pareto front"]["data"]
    assert next(t for t in panels if t["name"] == "Pareto front")


def test_learning_has_no_best(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "learn", MIXED, learn("cost"), 30, mixed)
    train(folder, MIXED, ("cost",))
    page = Page(write_report(folder, space=MIXED, objective=learn("cost")))
    assert "Best point" not in page.headings
    assert "Values against trials" in page.headings
    assert "best so far" not in page.text
    assert "How do cost depend on rate, kind and shells?" not in page.text
    assert "How does cost depend on rate, kind and shells?" in page.text


def test_maximising_shows_the_largest(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "max", MIXED, maximize("yield_"), 30, mixed)
    page = Page(write_report(folder, space=MIXED, objective=maximize("yield_")))
    with Journal.open(folder) as journal:
        best = max(trial.objective["yield_"] for trial in journal.trials(TrialState.DONE))
    line = next(t for t in page.figures["Best against trials"]["data"] if t["name"] == "best so far")
    assert decoded(line["y"])[-1] == best


@pytest.mark.long
def test_ten_thousand_trials_make_a_page_of_bearable_size(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "many", MIXED, minimize("cost"), 10_000, mixed, workers=32)
    train(folder, MIXED, ("cost",))
    begun = time.monotonic()
    page = Page(write_report(folder, space=MIXED, objective=minimize("cost"), workers=32))
    assert time.monotonic() - begun < 60
    assert len(page.text) < 12e6
    line = next(t for t in page.figures["Best against trials"]["data"] if t["name"] == "best so far")
    with Journal.open(folder) as journal:
        assert decoded(line["y"])[-1] == min(trial.objective["cost"] for trial in journal.trials(TrialState.DONE))


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def test_text_of_the_user_stays_text(tmp_path: Path) -> None:
    """Names, reasons, hosts, the file, units, versions: none becomes an element or ends a script."""
    space = Space({"x": {"low": 0, "high": 1, "unit": EVIL}, "kind": {"choices": [EVIL, "b"]}})
    objective = minimize(EVIL)

    def evaluate(point: dict[str, float], rng: np.random.Generator) -> Observation:
        arrays = {"evil_" + EVIL.replace("/", ""): Array(np.arange(4.0), None, np.arange(4.0), EVIL, EVIL)}
        return Observation({EVIL: float(point["x"])}, {}, arrays)

    folder = campaign(tmp_path / "evil", space, objective, 30, evaluate, text=EVIL, name=EVIL, git=EVIL, reason=EVIL)
    with Journal.open(folder, read_only=False) as journal:
        failed = Trial(
            30,
            {"x": 0.5, "kind": "b"},
            proposed_by=EVIL,
            state=TrialState.FAILED,
            reason=EVIL,
            host=EVIL,
            started=T0,
            finished=T0 + 1,
        )
        journal.write([failed])
    train(folder, space, (EVIL,))
    page = Page(write_report(folder, space=space, objective=objective, workers=1))
    assert "img" not in page.tags
    assert page.tags.count("script") == len(page.figures) + 2
    assert "alert(1)</script>" not in page.text
    for figure in page.figures.values():  # Plotly shows a subset of HTML in labels
        assert "<img" not in json.dumps(figure)


def test_a_broken_surrogate_costs_only_its_own_parts(tmp_path: Path) -> None:
    folder, space, objective = argon(tmp_path / "argon", 12)
    (folder / "surrogate" / "latest" / "model.safetensors").write_bytes(b"nonsense")
    page = Page(write_report(folder, space=space, objective=objective))
    assert "Best against trials" in page.headings
    assert "Slices of the surrogate" not in page.headings


def test_a_folder_without_a_campaign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CampaignStateError, match="holds no campaign"):
        write_report(tmp_path, space=MIE, objective=minimize("y"))
    assert list(tmp_path.iterdir()) == []


def trial(number: int, start: float = 0.0, end: float = 1.0, **changes: object) -> Trial:
    fields = {
        "id": number,
        "point": {"x": 1.0},
        "state": TrialState.DONE,
        "started": T0 + start,
        "finished": T0 + end,
        "host": "a",
    }
    return Trial(**{**fields, **changes})


def test_results_that_were_given_are_no_work() -> None:
    """One number for one thing: as `softal status` says it."""
    given = [trial(i, 5.0, 5.0, proposed_by=USER) for i in range(4)]
    own = [trial(4, 100.0, 101.0), trial(5, 101.0, 103.0)]
    data = CampaignData({"active": 10.0}, Space({"x": {"low": 0, "high": 1}}), minimize("y"), [*given, *own], workers=1)
    shown = dict(facts(data).cards)
    assert (shown["trials done"], shown["trials per hour"], shown["workers in use"]) == ("6", "720", "30.0 %")
    figure = utilisation(data)
    assert figure is not None
    assert [list(bar.base) for bar in figure.data] == [[0.0, 1.0]]


def test_running_best_skips_what_has_no_value() -> None:
    best, improved = running_best(np.array([np.nan, 3.0, np.nan, 4.0, 1.0, 1.0]))
    np.testing.assert_array_equal(best, [np.nan, 3, 3, 3, 1, 1])
    assert improved.tolist() == [False, True, False, False, True, False]
    assert len(running_best(np.zeros(0))[0]) == 0


def test_thinning_keeps_what_matters() -> None:
    kept = thin(10_000, 100, [3, 77, 9_998])
    assert {0, 3, 77, 9_998, 9_999} <= set(kept.tolist())
    assert len(kept) <= 110
    assert thin(5, 100).tolist() == [0, 1, 2, 3, 4]


def test_failures_that_differ_in_numbers_are_one() -> None:
    reasons = ["step 3: lost atoms", "step 71: lost atoms", "NaN in x", None]
    found = failures([trial(i, reason=reason) for i, reason in enumerate(reasons)])
    assert (found[0].reason, found[0].count, found[0].example.id) == ("step 3: lost atoms", 2, 0)
    assert len(found) == 3


def test_lanes_hold_no_two_trials_at_a_time() -> None:
    trials = [trial(0, 0, 2), trial(1, 1, 3), trial(2, 2, 4), trial(3, 0, 9, host="b"), trial(4, 3.5, 5)]
    bars, names = lanes(trials)
    assert names == ["a · 1", "a · 2", "b · 1"]
    for lane in range(3):
        spans = sorted((bar.start, bar.end) for bar in bars if bar.lane == lane)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_concurrency_counts_the_work() -> None:
    times, running = concurrency([trial(0, 0, 4), trial(1, 1, 2), trial(2, 2, 4)], steps=8)
    np.testing.assert_allclose(running, [1, 1, 2, 2, 2, 2, 2, 2])
    np.testing.assert_allclose(times, np.arange(8) * 0.5 + 0.25)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.0392, 0.0031, "0.0392 ± 0.0031"),
        (118.23, 2.4, "118.2 ± 2.4"),
        (1.5, None, "1.5"),
        (1234.5, 120.0, "1234 ± 120"),
    ],
)
def test_errors_have_two_digits(value: float, error: float | None, text: str) -> None:
    assert with_error(value, error) == text


def test_words() -> None:
    assert question(MIE, minimize("y")) == "Which epsilon, sigma and n make y smallest?"
    assert re.fullmatch(
        r"Which .* make a smallest and b largest\?", question(MIXED, several(minimize("a"), maximize("b")))
    )
