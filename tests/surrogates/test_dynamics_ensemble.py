"""The shape of F_s, training of both architectures, what a committee says, and how far it carries."""

import numpy as np
import pytest
from liquids import liquids, scattering, structure, trial

from softal.errors import SurrogateError
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.ensemble import QUICK, TrainingSettings, train
from softal.surrogates.dynamics.paper import HIDDEN
from softal.surrogates.dynamics.report import Calibration, r2
from softal.surrogates.dynamics.shape import free_flight, knots, shaped, slowing, spline
from softal.surrogates.dynamics.transfer import transfer_between, transfer_in_temperature

pytestmark = pytest.mark.learning

SMALL = TrainingSettings(members=4, folds=3, fold_members=3, width=24, steps=300)
PAPER = TrainingSettings(architecture="paper", folds=3, epochs=30)


@pytest.fixture(scope="module")
def data():
    return DynamicsData.of(liquids(24))


@pytest.fixture(scope="module")
def committee(data):
    return train(data, SMALL, 0)


def warm(data):
    """All but the coldest and the warmest states, whose folds have to go beyond what they know."""
    return (data.reduced > 0.85) & (data.reduced < 3)


# The shape.


def test_the_shape_is_free_flight_first_and_never_leaves_0_to_1():
    v = np.linspace(-4, 6, 200)
    N = np.random.default_rng(0).normal(0, 5, (50, 1)) * np.ones(200)
    F = shaped(N, v)
    assert ((F >= 0) & (F <= 1)).all()
    early = v < -2.5  # q < 1e-5: 1 - F is q (1 - N q), and N is 15 at most
    np.testing.assert_allclose(1 - F[:, early], np.broadcast_to(10 ** (2 * v[early]), F[:, early].shape), rtol=1e-3)


def test_slowing_is_the_inverse_of_the_shape():
    v, N = np.linspace(-0.5, 1.5, 30), np.linspace(0.0, 6.0, 30)
    F = shaped(N, v)
    found = slowing(F, v)
    there = np.isfinite(found)
    assert there.sum() > 15
    np.testing.assert_allclose(found[there], N[there], atol=1e-9)


def test_free_flight_leaves_1_over_e_at_v_0():
    T, rho = np.array([0.8]), np.array([1.2])
    t = np.sqrt(2 / 0.8) / 7.25
    assert free_flight(T, rho, np.array([np.log10(t)])) == pytest.approx(0.0)
    assert free_flight(T, rho, np.array([np.log10(t)]), wave_number=72.5) == pytest.approx(1.0)


def test_the_spline_goes_through_its_knots_and_on_in_a_straight_line():
    at = knots(np.array([0.0, 2.1, np.nan]))
    values = np.sin(at)
    np.testing.assert_allclose(spline(at, at) @ values, values, atol=1e-12)
    beyond = spline(at, at[-1] + np.array([0.0, 1.0, 2.0])) @ values
    assert np.diff(beyond, 2) == pytest.approx(0.0, abs=1e-9)
    assert at[-1] >= 2.1


# The ensemble.


def test_states_left_out_are_predicted(data, committee):
    scores = r2(data.F, committee.held_out.mean)[warm(data)]
    assert scores.min() > 0.98
    assert np.median(scores) > 0.995


def test_curves_come_back_as_the_formula_between_states(committee):
    points = [{"T": 1.07, "rho": 1.2, "interaction": "LJ"}, {"T": 1.31, "rho": 1.2, "interaction": "WCA"}]
    log_t = np.linspace(-2, 1.5, 30)
    F = committee.predict(committee.features(points), log_t)
    assert F.shape == (4, 2, 30, 2)
    truth = np.array([scattering(10**log_t, **point).T for point in points])
    assert np.sqrt(np.mean((F.mean(axis=0) - truth) ** 2)) < 0.02
    assert ((F >= 0) & (F <= 1)).all()


def test_a_prediction_does_not_depend_on_those_beside_it(data, committee):
    log_t = np.linspace(-2, 2, 7)
    every = committee.predict(data.features, log_t)
    np.testing.assert_allclose(committee.predict(data.features[3:4], log_t), every[:, 3:4], atol=1e-5)
    own_times = committee.predict(data.features, np.tile(log_t, (len(data), 1)))
    np.testing.assert_array_equal(own_times, every)


def test_members_disagree_more_where_nothing_was_simulated(data):
    warm_ones = data.rows(data.reduced > 1.2)
    networks = train(warm_ones, QUICK, 0)
    log_t = np.linspace(-1, 1.5, 20)
    spread = networks.predict(data.features, log_t).std(axis=0).max(axis=(1, 2))
    inside = (data.reduced > 1.5) & (data.reduced < 3)
    assert spread[data.reduced < 0.85].min() > 3 * np.median(spread[inside])


def test_intervals_of_states_left_out_cover_the_truth(data, committee):
    held_out = committee.held_out
    calibrated = Calibration.of(data, held_out)
    std = np.sqrt(calibrated.variance(held_out.mean, held_out.variance))
    truth = np.array([scattering(t, **point) for t, point in zip(data.t, data.points, strict=True)])
    inside = np.abs(truth - held_out.mean) <= 1.96 * std
    assert 0.85 <= inside[np.isfinite(data.F)].mean() <= 1.0
    assert np.nanmedian(std[warm(data)]) < 0.02


def test_what_was_left_out_was_not_seen(data):
    """Other curves in a fold change what is learned from the others' folds, not what is said of this one."""
    settings = TrainingSettings(members=2, folds=2, fold_members=2, width=8, steps=20)
    before = train(data, settings, 0).held_out
    first = before.fold == 0
    other = DynamicsData.of(liquids(24))
    F = np.where(first[:, None, None], 0.5 * other.F, other.F)
    S = np.where(first[:, None, None], 1.1 * other.S, other.S)
    from dataclasses import replace

    after = train(replace(other, F=F, S=other.S), settings, 0).held_out
    np.testing.assert_array_equal(after.mean[first], before.mean[first])
    assert not np.allclose(after.mean[~first], before.mean[~first], equal_nan=True, atol=1e-3)
    moved = train(replace(other, S=S), settings, 0).held_out  # nor what was fitted to S before
    assert not np.array_equal(moved.mean[first], before.mean[first], equal_nan=True)


def test_same_seed_same_networks(data):
    settings = TrainingSettings(members=2, folds=2, fold_members=2, width=8, steps=10)
    one, again, other = (train(data, settings, seed).predict(data.features, np.zeros(1)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


def test_trials_of_one_state_alone_are_refused():
    with pytest.raises(SurrogateError, match="4 states at least; there are 1"):
        train(DynamicsData.of([trial(i, 1.0) for i in range(9)]), SMALL, 0)


def test_one_interaction_at_one_density_is_enough():
    one = DynamicsData.of(liquids(6, interactions=("WCA",)))
    F = train(one, QUICK, 0).predict(one.features, np.linspace(-2, 2, 9))
    assert np.isfinite(F).all()


# The paper's network.


@pytest.mark.long
def test_the_papers_network_has_its_layers_and_learns(data):
    networks = train(data, PAPER, 0)
    assert HIDDEN == (500, 400, 400, 300, 200)
    assert networks.size == 1
    assert [tuple(p.shape) for p in networks.networks[0].layers[::2]] == [
        (304, 500), (500, 400), (400, 400), (400, 300), (300, 200), (200, 2),
    ]  # fmt: skip
    log_t = np.log10(np.where(np.isfinite(data.t), data.t, 1.0))
    seen = np.swapaxes(networks.predict(data.features, log_t)[0], 1, 2)
    assert np.median(r2(data.F, np.where(np.isfinite(data.F), seen, np.nan))) > 0.9
    scores = r2(data.F, networks.held_out.mean)[warm(data)]
    assert np.median(scores) > 0.5  # far less than the ensemble: 700,000 weights learn the noise of 12 states by heart


@pytest.mark.parametrize("lasso", [0.0, 1e-3])
def test_lasso_keeps_weights_small(lasso):
    few = DynamicsData.of(liquids(4, times=10))
    settings = PAPER.model_copy(update={"folds": 0, "epochs": 40, "lasso": lasso, "batch": 32})
    weights = train(few, settings, 0).networks[0].layers[::2]
    size = sum(float(weight.abs().sum()) for weight in weights)
    first = 692_000 * 0.5 / 400**0.5  # uniform within 1 / sqrt(about 400 inputs)
    assert (size < 0.7 * first) == (lasso > 0)


# Transfer.


def test_transfer_in_temperature_is_good_nearby_and_worse_far_away(data):
    found = transfer_in_temperature(data, [1.2, 1.0], QUICK)[1.2]
    assert found.r2.shape == (24, 2)
    np.testing.assert_array_equal(found.seen, found.reduced > 1.2)
    assert found.r2[found.seen].min() > 0.99
    near = ~found.seen & (found.reduced > 1.0)
    assert found.r2[near].min() > 0.9
    assert found.r2[found.reduced < 0.8].max() < found.r2[near].min()


def test_transfer_between_interactions_leaves_out_the_other(data):
    found = transfer_between(data, "LJ", "WCA", QUICK)
    assert found.seen.tolist() == (data.interaction == 0).tolist()
    assert np.median(found.r2[~found.seen]) > 0.8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: transfer_between(data, "LJ", "SPC", QUICK), "'SPC' is given; LJ or WCA is allowed"),
        (lambda data: transfer_in_temperature(data, [0.1], QUICK), "all 24 trials are learned from"),
        (lambda data: transfer_in_temperature(data, [9.0], QUICK), "4 states at least; there are 0"),
    ],
)
def test_transfer_that_is_impossible_is_refused(data, call, message):
    with pytest.raises(SurrogateError, match=message):
        call(data)


def test_structure_tells_temperatures_apart():
    """The formulas of the tests are such that S says how cold it is; otherwise they would test nothing."""
    assert np.abs(structure(0.8) - structure(1.2)).max() > 0.05
