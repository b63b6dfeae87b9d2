"""Trials as arrays, scaling, subsets and one-hot columns."""

import numpy as np
import pytest

from softal.errors import SurrogateError
from softal.space import Space
from softal.surrogates.data import Scaling, subset, training_data
from softal.surrogates.encoding import Encoding
from softal.trial import Observation, Trial, TrialState

SPACE = Space({"x": {"low": 0.0, "high": 2.0}})


def trial(i, **changes):
    given = {
        "state": TrialState.DONE,
        "objective": {"R": 0.1 * i},
        "objective_errors": {"R": 0.01},
        "observation": Observation(values={"R": -1.0, "p": 2.0 * i}, errors={"p": 0.5}),
    }
    return Trial(i, {"x": 0.5 * i}, **{**given, **changes})


def test_the_objective_comes_before_the_observation():
    X, Y, Yvar = training_data([trial(0), trial(1)], SPACE, ["R", "p"])
    np.testing.assert_allclose(X, [[0.0], [0.25]])
    np.testing.assert_allclose(Y, [[0.0, 0.0], [0.1, 2.0]])
    np.testing.assert_allclose(Yvar, [[1e-4, 0.25]] * 2)


def test_what_is_missing_or_not_finite_is_nan():
    some = [trial(0), trial(1, observation=None), trial(2, objective={"R": np.inf}, objective_errors={})]
    _, Y, Yvar = training_data(some, SPACE, ["R", "p"])
    assert np.isnan(Y).tolist() == [[False, False], [False, True], [True, False]]
    assert np.isnan(Yvar).tolist() == [[False, False], [False, True], [True, False]]


def test_a_target_that_no_trial_has_is_refused_with_what_there_is():
    with pytest.raises(SurrogateError, match=r"'q'; they have R, p"):
        training_data([trial(0)], SPACE, ["q"])


@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_scaling_standardises_in_any_unit(unit):
    Y = unit * (5.0 + np.random.default_rng(0).standard_normal(100))
    y = Scaling.of(Y).standardise(Y)
    assert np.mean(y) == pytest.approx(0.0, abs=1e-12)
    assert np.std(y) == pytest.approx(1.0)


def test_scaling_clips_what_blew_up_and_nothing_else():
    Y = np.random.default_rng(0).standard_normal(100)
    clean = Scaling.of(Y)
    assert (clean.low, clean.high) == (Y.min(), Y.max())
    blown = Scaling.of(np.append(Y, 1e9))
    assert blown.high < 20
    assert blown.scale < 2


def test_scaling_keeps_a_rare_signal():
    """Where more than half of the values are equal, the others are the signal."""
    Y = np.zeros(100)
    Y[:20] = 1.0
    assert Scaling.of(Y).high == 1.0


@pytest.mark.parametrize(("value", "scale"), [(0.0, 1.0), (-7.0, 7.0), (1e-20, 1e-20)])
def test_scaling_of_a_constant_is_its_size(value, scale):
    assert Scaling.of(np.full(5, value)).scale == scale


def test_a_subset_keeps_the_extremes_and_repeats():
    Y = np.random.default_rng(0).standard_normal(1000)
    rows = subset(Y, 100)
    assert len(rows) == len(set(rows)) == 100
    assert set(np.argsort(Y)[:10]) | set(np.argsort(Y)[-10:]) <= set(rows)
    np.testing.assert_array_equal(rows, subset(Y, 100))
    np.testing.assert_array_equal(subset(Y[:50], 100), np.arange(50))


def test_encoding_puts_choices_at_equal_distances():
    X = np.array([[0.1, 0.5 / 3], [0.2, 1.5 / 3], [0.3, 0.5 / 3]])
    encoding = Encoding.of(X, (1,))
    Z = encoding(np.vstack([X, [[0.1, 2.5 / 3]]]))
    assert Z.shape == (4, encoding.encoded_dimension) == (4, 4)
    np.testing.assert_array_equal(Z[:, 1:], [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    assert encoding.groups == [(0,), (1, 2, 3)]
