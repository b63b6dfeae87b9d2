"""What a network of dynamics learns from: trials as arrays, marks, folds by state, and inputs that are wrong."""

from dataclasses import replace

import numpy as np
import pytest
from liquids import K, liquids, scattering, structure, trial

from softal.errors import SurrogateError
from softal.simulators.kob_andersen.kob_andersen import FLAWS
from softal.surrogates.dynamics.data import DynamicsData, state_of
from softal.surrogates.dynamics.statics import Compression, Statics, exponential, logarithm
from softal.surrogates.dynamics.training import extended
from softal.trial import Array, Observation, TrialState


def changed(one, **arrays):
    observation = one.observation
    assert observation is not None
    return replace(one, observation=replace(observation, arrays={**observation.arrays, **arrays}))


def test_curves_of_several_lengths_lie_side_by_side():
    data = DynamicsData.of([trial(3, 0.9, noise=0), trial(1, 2.0, interaction="WCA", noise=0, times=25)])
    assert data.trials.tolist() == [1, 3]
    assert data.interaction.tolist() == [1, 0]
    assert data.S.shape == (2, 3, 100)
    assert np.isfinite(data.t).sum(axis=1).tolist() == [25, 40]
    assert np.isnan(data.F[0, :, 25:]).all()
    np.testing.assert_allclose(data.F[1], scattering(data.t[1], 0.9))
    np.testing.assert_allclose(data.features[0, :-3].reshape(3, 100), structure(2.0, interaction="WCA"))
    assert data.features[0, -3:].tolist() == [2.0, 1.2, 1.0]
    np.testing.assert_allclose(data.reduced, [2.0 / 0.74, 0.9 / 0.9])


def test_a_point_without_density_and_interaction_has_those_of_the_simulator():
    assert state_of({"T": 0.8}) == (0.8, 1.2, "LJ")


@pytest.mark.parametrize(
    ("values", "mark"),
    [({}, ""), ({"crystallized": 1.0}, "crystallized"), ({"equilibrated": 0.0}, "not equilibrated")],
)
def test_marks_say_why(values, mark):
    data = DynamicsData.of([trial(0, 1.0, **values)], FLAWS)
    assert data.marks == (mark,)
    assert data.good.tolist() == [not mark]


def test_time_zero_is_left_out():
    one = trial(0, 1.0, noise=0)
    t = np.concatenate([[0.0], one.observation.arrays["F_s_A"].grid])
    F = np.concatenate([np.ones((2, 1)), scattering(t[1:], 1.0)], axis=1)
    data = DynamicsData.of([changed(one, F_s_A=Array.of(F[0], None, t), F_s_B=Array.of(F[1], None, t))])
    assert data.t.min() > 0
    assert np.isnan(data.F_error).all()


def test_wave_numbers_that_a_box_does_not_have_take_the_nearest():
    one = trial(0, 1.0, noise=0)
    S = structure(1.0)
    S[:, :2] = np.nan
    arrays = {f"S_{pair}": Array.of(S[j], None, K) for j, pair in enumerate(("AA", "AB", "BB"))}
    data = DynamicsData.of([changed(one, **arrays)])
    np.testing.assert_array_equal(data.S[0, :, :3], np.repeat(S[:, 2:3], 3, axis=1))


@pytest.mark.parametrize("seed", [0, 1])
def test_folds_keep_a_state_together_and_spread_over_temperature(seed):
    some = liquids(18)
    repeated = [replace(one, id=one.id + 18) for one in some[:9]]
    data = DynamicsData.of(some + repeated)
    fold = data.folds(6, seed)
    assert sorted(set(fold.tolist())) == list(range(6))
    for i in range(9):
        assert fold[i] == fold[i + 18]
    coldest = np.argsort(data.reduced[:18])[:6]
    assert len(set(fold[coldest].tolist())) == 6


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ([], "none of 0 trials"),
        ([replace(trial(0, 1.0), state=TrialState.FAILED, observation=None)], "none of 1 trials is done"),
        ([replace(trial(0, 1.0), observation=Observation())], "S_AA, S_AB, S_BB, F_s_A, F_s_B"),
        ([replace(trial(0, 1.0), point={"rho": 1.2})], "T is needed"),
        ([replace(trial(0, 1.0), point={"T": -1.0})], "T: -1.0 is given"),
        ([replace(trial(0, 1.0), point={"T": 1.0, "interaction": "SPC"})], "'SPC' is given; LJ or WCA"),
        ([trial(0, 1.0), changed(trial(4, 1.1), S_AB=Array.of(K, None, 2 * K))], "trial 4, array S_AB: its grid of k"),
        ([changed(trial(0, 1.0), F_s_B=Array.of([1.0, 0.5], None, [0.1, 1.0]))], "trial 0: F_s_A and F_s_B"),
        (
            [changed(trial(2, 1.0), **{name: Array.of([1.0, 0.5], None, [-0.1, 1.0]) for name in ("F_s_A", "F_s_B")})],
            "trial 2, array F_s_A: the time -0.1 is given; 0 or more is allowed",
        ),
    ],
)
def test_trials_that_cannot_be_learned_from_are_refused_in_one_line(trials, message):
    with pytest.raises(SurrogateError, match=message) as error:
        DynamicsData.of(trials)
    assert "\n" not in str(error.value)


def test_only_what_has_decayed_goes_on_as_zero():
    frozen = trial(1, 0.45)  # tau is 2000, far beyond the longest time
    data = DynamicsData.of([trial(0, 3.0), frozen])
    longer = extended(data)
    new = longer.t[:, data.t.shape[1] :]
    assert np.isfinite(new[0]).all()
    assert (longer.F[0, :, data.t.shape[1] :] == 0).all()
    assert np.isnan(new[1]).all()
    assert new[0].min() > np.nanmax(data.t[0])


def test_structure_factors_and_their_logarithms_are_one():
    S = np.array([structure(T) for T in (0.7, 3.0)])
    np.testing.assert_allclose(exponential(logarithm(S)), S, rtol=1e-9)


def test_components_leave_nothing_but_noise():
    data = DynamicsData.of(liquids(20))
    truth = np.array([structure(**point) for point in data.points])
    compression = Compression.of(data.S, data.S_error, 3)
    back = compression.spectra(compression.scores(data.S))
    # 3 of 20 components keep about 3/20 of the noise's variance.
    assert np.sqrt(np.mean((back - truth) ** 2)) < 0.6 * np.sqrt(np.mean((data.S - truth) ** 2))


@pytest.mark.learning
@pytest.mark.parametrize("rho", [(1.2,), (1.2, 1.4)])
def test_structure_between_states_is_that_of_the_formula(rho):
    data = DynamicsData.of(liquids(28, rho=rho))
    statics = Statics.of(data)
    points = [{"T": T, "rho": rho[-1], "interaction": name} for T in (1.9, 2.6, 3.5) for name in ("LJ", "WCA")]
    features = statics.features(points)
    S = features[:, :-3].reshape(-1, 3, 100)
    truth = np.array([structure(**point) for point in points])
    assert np.abs(S - truth).max() < 0.1  # the peak is 1.5 high, and 0.5 lower at the warmest state than the coldest
    assert np.sqrt(np.mean((S - truth) ** 2)) < 0.015
    assert (statics.errors < 0.03).all()


@pytest.mark.learning
def test_structure_far_from_all_states_is_positive_definite():
    statics = Statics.of(DynamicsData.of(liquids(12)))
    S = statics.spectra(np.array([0.05, 500.0]), np.array([1.2, 3.0]), np.array([0, 1]))
    assert (S[:, [0, 2]] > 0).all()
    assert (S[:, 0] * S[:, 2] > S[:, 1] ** 2).all()


@pytest.mark.learning
def test_saved_statics_are_the_same():
    statics = Statics.of(DynamicsData.of(liquids(12)))
    again = Statics.from_tensors(*statics.to_tensors())
    T, rho, interaction = np.array([0.8, 2.2]), np.array([1.2, 1.25]), np.array([0, 1])
    np.testing.assert_array_equal(again.spectra(T, rho, interaction), statics.spectra(T, rho, interaction))


def test_too_few_trials_have_no_structure_between_them():
    with pytest.raises(SurrogateError, match="3 trials at least; there are 2"):
        Statics.of(DynamicsData.of(liquids(2)))
