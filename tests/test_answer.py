"""The answer: what repeats and the surrogate say, with an error that can be believed; the best trial has none."""

import numpy as np
import pytest

from softal.answer import answer, mean_of_runs
from softal.answer.modelled import Model, luckiest
from softal.objective import Objective, Reference, learn, match, maximize, minimize
from softal.space import Space
from softal.surrogates.base import Diagnostics, Surrogate
from softal.surrogates.belief import doubt, find_answer, least_r2, widening
from softal.surrogates.gaussian_processes.gp import GaussianProcess
from softal.trial import Trial, TrialState

BOWL = Space({"epsilon": {"low": 0.5, "high": 2.0}, "sigma": {"low": 0.8, "high": 1.3}})
CENTRE = BOWL.to_unit([{"epsilon": 1.2, "sigma": 1.0}])


def trials(*rows):
    """Return trials of (x, value, error, fidelity); a value of None has failed."""
    made = []
    for number, (x, value, error, fidelity) in enumerate(rows):
        objective = {} if value is None else {"f": value}
        errors = {} if error is None else {"f": error}
        state = TrialState.FAILED if value is None else TrialState.DONE
        made.append(
            Trial(number, {"x": x}, fidelity=fidelity, state=state, objective=objective, objective_errors=errors)
        )
    return made


def test_nothing_repeated_is_the_best_trial_with_its_own_error():
    found = answer(minimize("f"), trials((0.1, 3.0, 0.2, 1.0), (0.2, 2.0, 0.3, 1.0), (0.3, None, None, 1.0)))
    assert (found.point, found.value, found.error, found.repeats, found.trials) == ({"x": 0.2}, 2.0, 0.3, 1, (1,))


def test_the_lowest_mean_of_repeats_and_not_the_luckiest_run():
    rows = [
        (0.1, 1.0, 0.1, 1.0),
        (0.1, 1.4, 0.1, 1.0),
        (0.2, 1.1, 0.1, 1.0),
        (0.2, 1.1, 0.1, 1.0),
        (0.3, 0.98, 0.1, 1.0),
    ]
    found = answer(minimize("f"), trials(*rows))
    assert (found.point, found.value, found.repeats, found.trials) == ({"x": 0.2}, pytest.approx(1.1), 2, (2, 3))


def test_maximize_takes_the_highest_mean():
    found = answer(maximize("f"), trials((0.1, 1.0, 0.1, 1.0), (0.1, 1.2, 0.1, 1.0), (0.2, 1.05, 0.1, 1.0)))
    assert (found.point, found.value) == ({"x": 0.1}, pytest.approx(1.1))


def test_the_highest_fidelity_that_was_repeated_counts():
    rows = [
        (0.1, 0.5, 0.1, 0.2),
        (0.1, 0.5, 0.1, 0.2),
        (0.2, 1.0, 0.1, 1.0),
        (0.2, 1.0, 0.1, 1.0),
        (0.2, 0.1, 0.1, 0.2),
    ]
    found = answer(minimize("f"), trials(*rows))
    assert (found.point, found.fidelity, found.trials) == ({"x": 0.2}, 1.0, (2, 3))


def test_a_point_that_chance_repeated_is_not_the_answer_where_another_is_far_better():
    found = answer(minimize("f"), trials((0.1, 5.0, 0.1, 1.0), (0.1, 5.1, 0.1, 1.0), (0.2, 1.0, 0.1, 1.0)))
    assert (found.point, found.repeats) == ({"x": 0.2}, 1)
    exact = answer(minimize("f"), trials((0.1, 5.0, None, 1.0), (0.1, 5.0, None, 1.0), (0.2, 4.9, None, 1.0)))
    assert exact.point == {"x": 0.2}


def test_no_answer():
    assert answer(minimize("f"), trials((0.1, None, None, 1.0))) is None
    assert answer(learn("f"), trials((0.1, 1.0, None, 1.0))) is None
    assert answer(minimize("f", "g"), []) is None


def test_plain_data():
    shown = answer(minimize("f"), trials((0.1, 1.0, None, 0.5), (1.0, 2.0, 0.1, 0.5)), SPACE).to_json()
    assert shown == {
        "point": {"x": 0.1}, "value": 1.0, "error": None, "origin": "trial", "repeats": 1, "fidelity": 0.5,
        "trials": [0], "best": {"id": 0, "point": {"x": 0.1}, "value": 1.0, "error": None}, "edges": [], "luck": 0.0,
        "why": "no repeats, no surrogate",
        "words": "trial 0 alone, a single result of unknown error: no repeats, no surrogate",
    }  # fmt: skip


# By the surrogate.

SPACE = Space({"x": {"low": 0.0, "high": 1.0}})


def model(mean, spread=0.1, **rest):
    """Return what a surrogate of independent points says: mean(x), with standard deviations `spread`."""

    def draws(points):
        noise = np.random.default_rng(0).standard_normal((4000, len(points)))
        return np.array([mean(point["x"]) for point in points]) + spread * noise

    return Model(lambda points: np.array([mean(point["x"]) for point in points]), draws, 0.1, **rest)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_surrogates_lowest_mean_and_not_the_luckiest_run(sign):
    objective = minimize("f") if sign > 0 else maximize("f")
    rows = [(x, sign * value, 0.1, 1.0) for x, value in ((0.1, 1.1), (0.2, 0.95), (0.3, 0.9), (0.4, 1.3))]
    found = answer(objective, trials(*rows), SPACE, model(lambda x: sign * (1 + x), spread=0.01))
    assert (found.origin, found.point, found.best.id, found.trials) == ("model", {"x": 0.1}, 2, (0,))
    assert found.value == pytest.approx(sign * 1.1, abs=1e-3)
    assert found.error == pytest.approx(0.01, rel=0.1)
    assert found.words == "the surrogate's mean at trial 0's point"


def test_the_lowest_of_equal_means_is_as_lucky_as_the_lowest_of_equal_results():
    """The expected minimum of 10 normal numbers is -1.54 sigma."""
    rows = [(x, 1.0, 0.1, 1.0) for x in np.linspace(0, 1, 10)]
    found = answer(minimize("f"), trials(*rows), SPACE, model(lambda x: 1.0))
    assert found.luck / 0.1 == pytest.approx(-1.54, abs=0.03)
    assert found.value == pytest.approx(1.0 - found.luck)


def test_a_surrogate_that_is_too_sure_has_its_error_widened():
    plain, wide = (
        answer(minimize("f"), trials((0.1, 1.0, 0.1, 1.0)), SPACE, model(lambda x: 1.0, widening=factor))
        for factor in (1.0, 2.0)
    )
    assert wide.error == pytest.approx(2 * plain.error)


def test_a_point_whose_own_result_contradicts_the_surrogate_is_not_the_answer():
    rows = [(0.1, 3.0, 0.1, 1.0), (0.2, 1.2, 0.1, 1.0), (0.3, 1.3, 0.1, 1.0)]
    assert answer(minimize("f"), trials(*rows), SPACE, model(lambda x: 1 + x)).point == {"x": 0.2}
    unknown = [(x, value, None, 1.0) for x, value, *_ in rows]
    assert answer(minimize("f"), trials(*unknown), SPACE, model(lambda x: 1 + x)).point == {"x": 0.2}
    nothing = answer(minimize("f"), trials(*rows), SPACE, model(lambda x: 9.0))
    assert (nothing.origin, nothing.best.id) == ("trial", 1)
    assert "every good result contradicts the surrogate" in nothing.words


def test_the_length_of_a_noisy_residual_does_not_contradict_that_of_the_residual():
    """Curves with noise of length 1 are found at sqrt(m^2 + 1), where the surrogate, which knows them, says m."""
    grid = np.linspace(0, 1, 5)
    objective = match({"g": Reference("g", grid, np.ones(5), (0.0, 1.0))}, name="f")
    rows = [(x, float(np.hypot(x, 1.0)), 0.01, 1.0) for x in (0.1, 0.2, 0.9)]
    found = answer(objective, trials(*rows), SPACE, model(lambda x: x, spread=0.01))
    assert (found.origin, found.point) == ("model", {"x": 0.1})


def test_a_result_that_is_too_good_to_be_luck_is_the_answer():
    """A narrow basin that the surrogate smooths away; of many trials one is expected to be luckier."""
    found = answer(minimize("f"), trials((0.1, 1.0, 0.1, 1.0), (0.2, 0.1, 0.1, 1.0)), SPACE, model(lambda x: 1.0))
    assert (found.origin, found.point) == ("trial", {"x": 0.2})
    assert "better than the surrogate allows" in found.words
    assert luckiest(1) == pytest.approx(3.0)
    assert luckiest(100) == pytest.approx(4.2, abs=0.05)


@pytest.mark.parametrize(("elsewhere", "origin"), [(0.95, "repeats"), (0.3, "model")])
def test_a_repeated_point_is_the_answer_unless_the_surrogate_knows_a_better_one(elsewhere, origin):
    rows = [(0.1, 1.0, 0.1, 1.0), (0.1, 1.0, 0.1, 1.0), (0.2, elsewhere + 0.2, 0.1, 1.0)]
    found = answer(minimize("f"), trials(*rows), SPACE, model(lambda x: 1.0 if x < 0.15 else elsewhere, spread=0.05))
    assert found.origin == origin


@pytest.mark.parametrize(
    ("point", "found"),
    [
        ({"x": 0.995, "n": 4, "m": 1, "kind": "a", "rate": 0.1}, {"x": "upper"}),
        ({"x": 0.98, "n": 5, "m": 2, "kind": "b", "rate": 0.0102}, {"n": "upper", "rate": "lower"}),
        ({"x": 0.5, "n": 1, "m": 2, "kind": "b", "rate": 0.099}, {"n": "lower"}),
    ],
)
def test_edges_of_numbers_and_none_of_choices(point, found):
    space = Space(
        {
            "x": {"low": 0, "high": 1},
            "n": {"low": 1, "high": 5, "integer": True},
            "m": {"low": 1, "high": 2, "integer": True},
            "kind": {"choices": ["a", "b"]},
            "rate": {"low": 0.01, "high": 1, "log": True},
        }
    )
    done = Trial(0, point, state=TrialState.DONE, objective={"f": 1.0})
    assert answer(minimize("f"), [done], space).edges == found


# Whether it is believed.


@pytest.mark.parametrize(("r2", "coverage", "said"), [
    (0.9, 0.95, ""), (0.32, 0.9, ""), (0.29, 0.95, "R² 0.29, and is believed above 0.31"), (-2.0, 0.9, "R² -2.00"),
    (np.nan, np.nan, "cannot be judged by the 25 trials"), (0.9, 0.4, "40%"),
])  # fmt: skip
def test_a_surrogate_is_believed_where_it_predicts_more_than_chance_would(r2, coverage, said):
    shown = doubt(Diagnostics(25, "leave-one-out", {"f": 0.1}, {"f": r2}, {"f": coverage}), "f")
    assert (shown == "") if said == "" else (said in shown)


@pytest.mark.parametrize("n", [5, 25, 1000])
def test_the_least_r2_is_two_of_its_standard_errors(n):
    r2 = least_r2(n)
    assert r2 == pytest.approx(2 * np.sqrt(4 * r2 * (1 - r2) ** 2 / n))


def test_errors_are_widened_where_intervals_hold_too_little():
    assert widening(0.95, 100) == widening(1.0, 20) == widening(0.9, 20) == 1.0
    assert widening(0.6827, 10**6) == pytest.approx(1.96, rel=0.01)  # one sigma where two were promised


def truth(point):
    return (point["epsilon"] - 1.2) ** 2 + 3 * (point["sigma"] - 1.0) ** 2 + 0.1


def bowl(seed, n=25, known=True, sign=1.0):
    """Return trials of a search of a noisy bowl: ten over the space, the others around its lowest point."""
    rng = np.random.default_rng(seed)
    U = np.vstack([BOWL.sample(10, rng), np.clip(CENTRE + 0.12 * rng.standard_normal((n - 10, 2)), 0, 1)])
    made = []
    for i, point in enumerate(BOWL.from_unit(U)):
        error = 0.02 * (1 + point["epsilon"])
        errors = {"f": error} if known else {}
        value = sign * (truth(point) + rng.normal(0, error))
        made.append(Trial(i, point, state=TrialState.DONE, objective={"f": value}, objective_errors=errors))
    return made


def learned(done):
    surrogate = GaussianProcess(BOWL, ["f"])
    surrogate.fit(done)
    return surrogate


@pytest.mark.learning
def test_the_answer_is_unbiased_within_its_error_and_the_best_trial_is_not():
    """24 campaigns of 25 trials: the mean z has a standard error of 0.2; that of the best trials is about -1.5."""
    seeds, z, z_best = range(24), [], []
    for seed in seeds:
        done = bowl(seed)
        found = find_answer(minimize("f"), BOWL, done, learned(done))
        assert found.origin == "model"
        z.append((found.value - truth(found.point)) / found.error)
        z_best.append((found.best.value - truth(found.best.point)) / found.best.error)
    assert abs(np.mean(z)) < 0.6
    assert 0.7 < np.std(z) < 1.3
    assert np.mean(np.abs(z) < 2) >= 0.9
    assert np.mean(z_best) < -1.0


@pytest.mark.learning
def test_a_maximisation_has_the_same_answer_with_the_sign():
    low, high = bowl(1), bowl(1, sign=-1.0)
    a = find_answer(minimize("f"), BOWL, low, learned(low))
    b = find_answer(maximize("f"), BOWL, high, learned(high))
    assert (a.point, a.trials) == (b.point, b.trials)
    assert (a.value, a.error, a.luck) == pytest.approx((-b.value, b.error, -b.luck), rel=0.2)


@pytest.mark.learning
def test_noise_alone_is_not_believed():
    rng = np.random.default_rng(3)
    done = [Trial(**{**trial.__dict__, "objective": {"f": rng.normal(0, 0.04)}}) for trial in bowl(0)]
    found = find_answer(minimize("f"), BOWL, done, learned(done))
    assert (found.origin, found.trials) == ("trial", (found.best.id,))
    assert "a single noisy result: no repeats, and the surrogate predicts unseen trials with R²" in found.words


class Broken(GaussianProcess):
    def sample(self, X, samples, rng):
        raise ZeroDivisionError("no samples")


@pytest.mark.learning
@pytest.mark.parametrize("objective", [minimize("f"), learn("f"), minimize("f", "g")], ids=["one", "learn", "two"])
def test_a_broken_surrogate_costs_no_answer(objective: Objective):
    done = [Trial(**{**trial.__dict__, "objective": {"f": 1.0 + trial.objective["f"], "g": 1.0}}) for trial in bowl(0)]
    surrogate: Surrogate = Broken(BOWL, ["f"])
    surrogate.fit(done)
    found = find_answer(objective, BOWL, done, surrogate)
    if not objective.single or objective.learning:
        assert found is None
    else:
        assert "the surrogate cannot be asked: ZeroDivisionError: no samples" in found.words


# Repeats.


@pytest.mark.parametrize(
    ("values", "errors", "expected"),
    [
        ([2.0], [0.3], 0.3),
        ([2.0], [np.nan], np.nan),
        ([1.0, 3.0], [np.nan, np.nan], 1.0),  # s = sqrt 2
        ([1.0, 3.0], [1.0, 1.0], np.sqrt((2.0 + 1.0) / 2 / 2)),
        ([1.0, 1.0, 1.0, 1.0], [0.2, 0.2, np.nan, 0.2], np.sqrt(0.04 / 4 / 4)),
    ],
)
def test_error_of_the_mean(values, errors, expected):
    assert mean_of_runs(values, errors)[1] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("n", [2, 4])
def test_repeats_are_not_biased_and_their_error_is_right(n):
    """Of 40 equally good points one run each, the lowest is too low by 2.2 sigma; the mean of new runs is not."""
    rng, sigma = np.random.default_rng(0), 0.01
    runs = 1.0 + sigma * rng.standard_normal((4000, n))
    found = np.array([mean_of_runs(row, [sigma] * n) for row in runs])
    z = (found[:, 0] - 1.0) / (sigma / n**0.5)
    assert abs(z.mean()) < 4 / 4000**0.5
    assert np.mean(found[:, 1] ** 2) == pytest.approx(sigma**2 / n, rel=0.1)
    lowest = 1.0 + sigma * rng.standard_normal((4000, 40)).min(axis=1)
    assert np.mean(lowest - 1.0) / sigma == pytest.approx(-2.16, abs=0.05)
