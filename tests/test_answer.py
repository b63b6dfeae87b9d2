"""The answer: the repeated point with the lowest mean, and an error that its scatter vouches for."""

import numpy as np
import pytest

from softal.answer import answer, mean_of_runs
from softal.objective import learn, maximize, minimize
from softal.trial import Trial, TrialState


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
    shown = answer(minimize("f"), trials((0.1, 1.0, None, 0.5))).to_json()
    assert shown == {"point": {"x": 0.1}, "value": 1.0, "error": None, "repeats": 1, "fidelity": 0.5, "trials": [0]}


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
