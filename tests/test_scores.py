"""What is best is the same trial for all who ask: arrays from the journal, lists of trials, and trial by trial."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from softal.answer import answer, point_key
from softal.objective import Objective, learn, maximize, minimize, several
from softal.objective.best import BestSoFar, Lowest
from softal.objective.scores import Scores
from softal.orchestrator.budget import Progress
from softal.tracking.journal import Journal
from softal.tracking.records import Convergence
from softal.tracking.standing import busy_seconds
from softal.trial import Observation, Trial, TrialState

OBJECTIVES = [
    minimize("f"),
    maximize("f"),
    minimize("f").subject_to("0 <= p <= 2"),
    several(minimize("f"), maximize("g")),
    several(minimize("f"), maximize("g"), minimize("h")).subject_to("p <= 1"),
    learn("f"),
]


def some_trials(seed: int, n: int = 60) -> list[Trial]:
    """Trials of few points and values, so that many are equal; points are written in several ways."""
    numbers = random.Random(seed)
    return [_some_trial(numbers, i) for i in range(n)]


def _some_trial(numbers: random.Random, number: int) -> Trial:
    state = numbers.choice([TrialState.DONE] * 6 + list(TrialState))
    point = [("n", numbers.choice([-1, -2, 1, 1.0, True])), ("x", numbers.choice([0.0, -0.0, 0.5])), ("kind", "a")]
    numbers.shuffle(point)
    scores = {name: numbers.choice([-1.0, 0.25, 0.3, 0.1 + 0.2]) for name in "fgh"} if state is TrialState.DONE else {}
    values = {**scores, "p": numbers.choice([0.0, 1.5, 3.0, float("nan")])} if numbers.random() < 0.8 else scores
    started = numbers.choice([0.0, 12.5])
    return Trial(
        number,
        dict(point),
        seed=number,
        fidelity=numbers.choice([0.2, 1.0]),
        proposed_by="random",
        state=state,
        notes={"generation": number // 7} if number % 2 else {},
        observation=Observation(values, {"f": 0.1}, {}, {"log": Path("out.txt")}) if scores else None,
        objective=scores,
        objective_errors={"f": 0.1} if scores and numbers.random() < 0.5 else {},
        reason="blew up" if state is TrialState.FAILED else None,
        started=started if state is not TrialState.PROPOSED else None,
        finished=started + numbers.random() if state.finished else None,
        host="here",
        attempts=1,
    )


@pytest.fixture(params=range(12))
def journal(request, tmp_path: Path):
    with Journal.create(tmp_path / "run", "", {"name": "random", "state": "running"}) as made:
        trials = some_trials(request.param)
        random.Random(request.param).shuffle(trials)  # they finish in another order than that of their ids
        made.write(trials)
        yield made


@pytest.fixture(params=OBJECTIVES, ids=lambda objective: "; ".join(objective.goals))
def objective(request) -> Objective:
    return request.param


def counting(objective: Objective, trials: list[Trial]) -> list[Trial]:
    """The trials that count, in the words of the documentation."""
    done = [trial for trial in trials if trial.state is TrialState.DONE]
    return [
        t for t in done if all(one.holds(t.observation.values.get(one.value, np.nan)) for one in objective.outcomes)
    ]


def losses(objective: Objective, trial: Trial) -> list[float]:
    return [part.sign * trial.objective[part.name] for part in objective.components]


def test_scores_of_the_journal_are_those_of_its_trials(journal: Journal, objective: Objective):
    read, made = journal.scores(objective), Scores.of(objective, journal.trials())
    assert read.ids.tolist() == [trial.id for trial in counting(objective, journal.trials())]
    for name in ("ids", "places", "fidelities", "losses", "errors"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    assert read.points(read.ids.tolist()) == made.points(made.ids.tolist())


def test_the_best_is_one_trial_for_all(journal: Journal, objective: Objective):
    trials, told = journal.trials(), list(journal.told(0, journal.seq))
    counted = counting(objective, trials)
    single = objective.single and not objective.learning
    best = min(counted, key=lambda t: (losses(objective, t)[0], t.id)).id if single else None
    scores, so_far = journal.scores(objective), BestSoFar(objective)
    improvements = [so_far.add(trial) for trial in told]
    for found in (objective.best(trials), objective.best(told), so_far.best, Progress(objective, told).best):
        assert (None if found is None else found.id) == best
    assert (None if scores.best is None else int(scores.ids[scores.best])) == best
    if single:
        seen = [losses(objective, t)[0] if t in counted else np.inf for t in told]
        lower = [loss < min([np.inf, *seen[:i]]) for i, loss in enumerate(seen)]
        assert improvements == lower
        assert [Convergence(objective).add(t) for t in told[:1]] == improvements[:1]


def test_the_front_is_what_no_other_beats(journal: Journal, objective: Objective):
    counted = counting(objective, journal.trials())
    rows = {trial.id: np.array(losses(objective, trial)) for trial in counted}
    free = {
        i for i, own in rows.items() if not any(np.all(o <= own) and np.any(o < own) for j, o in rows.items() if j != i)
    }
    scores = journal.scores(objective)
    assert set(scores.ids[scores.front].tolist()) == free
    found = objective.pareto_front(journal.trials())
    assert [trial.id for trial in found] == scores.ids[scores.front].tolist()
    first = [losses(objective, trial)[0] for trial in found]
    assert first == sorted(first)


def test_each_component_has_its_lowest(journal: Journal, objective: Objective):
    lowest = Lowest(objective)
    for trial in journal.told(0, journal.seq):
        lowest.add(trial)
    if objective.learning:
        assert lowest.losses == {}
        return
    found = np.array([losses(objective, trial) for trial in counting(objective, journal.trials())])
    assert list(lowest.losses.values()) == found.min(axis=0).tolist()


def test_runs_of_a_point_stand_together(journal: Journal):
    objective = minimize("f")
    scores, trials = journal.scores(objective), counting(objective, journal.trials())
    groups: dict[tuple, list[int]] = {}
    for trial in trials:
        groups.setdefault((point_key(trial.point), trial.fidelity), []).append(trial.id)
    assert [scores.ids[group].tolist() for group in scores.repeated()] == [g for g in groups.values() if len(g) > 1]
    points = {point: max(f for p, f in groups if p == point) for point, _ in groups}
    at_highest = sorted(groups[point, fidelity] for point, fidelity in points.items())
    runs = [scores.ids[run].tolist() for run in scores.runs(most=1000)]
    assert sorted(runs) == at_highest
    means = [np.mean([trials_by_id(trials)[i].objective["f"] for i in run]) for run in runs]
    np.testing.assert_allclose(means, sorted(means), rtol=0, atol=1e-12)
    assert [scores.ids[run].tolist() for run in scores.runs(most=2)] == runs[:2]


def trials_by_id(trials: list[Trial]) -> dict[int, Trial]:
    return {trial.id: trial for trial in trials}


@pytest.mark.parametrize("objective", OBJECTIVES[:3], ids=lambda objective: "; ".join(objective.goals))
def test_the_answer_from_the_journal_is_that_of_its_trials(journal: Journal, objective: Objective):
    found = [repr(answer(objective, one)) for one in (journal.scores(objective), journal.trials())]
    assert found[0] == found[1]  # as text, since NaN is not equal to itself


def test_times_and_counts_are_those_of_the_trials(journal: Journal):
    trials = journal.trials()
    assert journal.busy_seconds() == pytest.approx(busy_seconds(trials), rel=1e-12)
    assert journal.counts() == {state: sum(t.state is state for t in trials) for state in TrialState}
    done = [trial for trial in trials if trial.state is TrialState.DONE]
    assert [trial.id for trial in journal.latest(TrialState.DONE, 5)] == [trial.id for trial in done[-5:]]
    assert journal.some([7, 3]) == [trials_by_id(trials)[7], trials_by_id(trials)[3]]


@pytest.mark.parametrize("seed", range(3))
def test_a_trial_comes_back_from_json_as_it_was(seed: int):
    for trial in some_trials(seed):
        again = Trial.from_json(json.loads(json.dumps(trial.to_json())))
        assert repr(again) == repr(trial)  # NaN is not equal to itself
    assert Trial.from_json(Trial(3, {"x": 1.0}).to_json()) == Trial(3, {"x": 1.0})


def test_places_are_equal_where_points_are():
    values = [-1, -2, 0, 0.0, -0.0, 1, 1.0, True, False, "1", "a", 2.0**61, 1e-300]
    points = [{"x": x, "y": y} for x, y in product(values, repeat=2)]
    points += [dict(reversed(point.items())) for point in points] + [{"x": value} for value in values]
    trials = [Trial(i, point, state=TrialState.DONE, objective={"f": 0.0}) for i, point in enumerate(points)]
    found = Scores.of(minimize("f"), trials).places
    assert len(set(found.tolist())) == len({point_key(point) for point in points})
    by_place: dict[int, set] = {}
    for place, point in zip(found.tolist(), points, strict=True):
        by_place.setdefault(place, set()).add(point_key(point))
    assert all(len(keys) == 1 for keys in by_place.values())


def test_what_lacks_a_component_does_not_count():
    trials = [replace(some, objective={"f": 1.0}) for some in some_trials(0) if some.state is TrialState.DONE]
    objective = several(minimize("f"), minimize("g"))
    assert len(Scores.of(objective, trials)) == 0
    assert objective.pareto_front(trials) == []
    assert not Lowest(objective).add(trials[0])
