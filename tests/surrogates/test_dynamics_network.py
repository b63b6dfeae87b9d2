"""The learner `dynamics_network`: curves, its table, marks, what it refuses, saved and loaded, `softal predict`."""

import json
from dataclasses import replace

import numpy as np
import pytest
from liquids import liquids, scattering, structure, trial

from softal.errors import SoftalError, SurrogateError
from softal.objective import learn, minimize
from softal.orchestrator.predictions import predict_points
from softal.outputs import Flaws
from softal.simulators.kob_andersen.kob_andersen import FLAWS
from softal.space import Space
from softal.surrogates import build, build_learner, load_learner
from softal.surrogates.dynamics.data import DynamicsData, mark_of
from softal.surrogates.dynamics.network import DynamicsNetwork, DynamicsNetworkSettings
from softal.surrogates.dynamics.refusal import Known, outside
from softal.surrogates.dynamics.report import METRICS, Calibration, by_temperature, r2, unseen_variance
from softal.surrogates.dynamics.training import HeldOut
from softal.theory.kob_andersen import mct_temperature

pytestmark = pytest.mark.learning

SPACE = Space(
    {"T": {"low": 0.4, "high": 6.0}, "rho": {"low": 1.1, "high": 1.6}, "interaction": {"choices": ["LJ", "WCA"]}}
)
OBJECTIVE = replace(learn("relaxation_A"), flaws=FLAWS)
SETTINGS = {"members": 3, "folds": 2, "fold_members": 2, "width": 16, "steps": 150}
POINT = {"T": 1.3, "rho": 1.2, "interaction": "LJ"}
TIMES = np.geomspace(0.01, 30, 25)


def made(trials, **settings):
    network = build_learner("dynamics_network", SPACE, {**SETTINGS, **settings}, OBJECTIVE)
    network.fit(trials)
    return network


@pytest.fixture(scope="module")
def fitted():
    good = liquids(16)
    return made([*good, trial(16, 0.63, crystallized=1.0), trial(17, 0.5, equilibrated=0.0)])


@pytest.fixture(scope="module")
def shown(fitted):
    return json.loads(json.dumps(fitted.tables()["dynamics"], allow_nan=False))


def test_curves_have_their_shapes_and_are_near_the_formula(fitted):
    mean, std = fitted.curves([POINT, {"T": 2.0}], TIMES)
    assert mean.shape == std.shape == (2, 2, 25)
    assert np.abs(mean[0] - scattering(TIMES, 1.3)).max() < 0.1
    assert (std >= 0).all()
    assert std.max() < 0.2


def test_curves_of_measured_structure_are_those_of_the_state(fitted):
    mean, _ = fitted.curves_of(structure(1.3)[None], [1.3], [1.2], ["LJ"], TIMES)
    assert np.abs(mean[0] - scattering(TIMES, 1.3)).max() < 0.1
    assert np.abs(fitted.statics([POINT])[0] - structure(1.3)).max() < 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: one.curves([POINT], [1.0, -2.0]), "t: -2 is given; a list of times above 0"),
        (lambda one: one.curves([POINT], [0.0]), "t: 0 is given"),
        (lambda one: one.curves([POINT], [np.nan]), "t: nan is given"),
        (lambda one: one.curves([POINT], [[1.0]]), r"t: shape \(1, 1\) is given"),
        (lambda one: one.curves([{"rho": 1.2}], TIMES), "T is needed"),
        (lambda one: one.curves_of(np.ones((1, 3, 7)), [1.0], [1.2], ["LJ"], TIMES), r"\(1, 3, 100\)"),
        (lambda one: one.curves_of(np.ones((1, 3, 100)), [1.0], [1.2], ["SPC"], TIMES), "'SPC' is given"),
        (lambda one: build_learner("dynamics_network", SPACE).curves([POINT], TIMES), "not been fitted"),
        (lambda one: made([]), "nothing to learn from"),
        (lambda one: made(liquids(3)).curves([POINT], TIMES), "not trained: .* 4 states at least; there are 3"),
        (lambda one: made(liquids(8), folds=1), "folds"),
    ],
)
def test_what_cannot_be_predicted_is_said_in_one_line(fitted, call, message):
    with pytest.raises(SurrogateError, match=message) as error:
        call(fitted)
    assert "\n" not in str(error.value)


def test_the_table_has_every_state_with_what_was_said_of_it_unseen(fitted, shown):
    assert shown["untrained"] is None
    assert shown["trials"] == 16
    assert len(shown["states"]) == 18
    one = next(state for state in shown["states"] if state["trial"] == 3)
    found = liquids(16)[3].observation.arrays["F_s_B"]
    np.testing.assert_allclose(one["F"][1], found.values, atol=1e-5)
    np.testing.assert_allclose(one["t"], found.grid, rtol=1e-4)
    assert one["part"] in ("fold 1", "fold 2")
    assert np.shape(one["S"]) == (3, 100)
    assert one["mct"] is None
    F, predicted = np.array(one["F"]), np.array(one["predicted"])
    expected = 1 - ((F - predicted) ** 2).sum(axis=1) / ((F.T - F.mean(axis=1)) ** 2).T.sum(axis=1)
    np.testing.assert_allclose(one["r2"], expected, atol=1e-3)
    assert set(fitted.metrics()) == set(METRICS)
    assert fitted.metrics()["r2_pooled"] == shown["r2_pooled"] > 0.8


def test_marked_states_are_shown_but_do_not_count(shown):
    marked = {state["trial"]: state for state in shown["states"] if state["marked"]}
    assert {i: state["marked"] for i, state in marked.items()} == {16: "crystallized", 17: "not equilibrated"}
    assert {state["part"] for state in marked.values()} == {"left out"}
    counted = np.array([state["r2"] for state in shown["states"] if not state["marked"]])
    assert shown["r2_A"] == pytest.approx(counted[:, 0].mean(), abs=1e-5)
    assert sum(some["states"] for some in shown["r2_by_temperature"]) == 16


def test_marked_states_count_where_asked_for():
    network = made([*liquids(8), trial(8, 0.63, crystallized=1.0)], marked=True, steps=10)
    assert network.tables()["dynamics"]["trials"] == 9


@pytest.mark.parametrize("mark", [{"crystallized": 1.0}, {"equilibrated": 0.0}])
def test_targets_are_not_learned_from_marked_states(mark):
    good, marked = liquids(8), replace(trial(8, 0.63, **mark), objective={"relaxation_A": 9.0})
    assert OBJECTIVE.lessons([*good, marked]) == good
    best = replace(minimize("relaxation_A"), flaws=FLAWS)  # which may be the marked one
    assert best.lessons([*good, marked]) == [*good, marked]


@pytest.mark.parametrize("architecture", ["ensemble", "paper"])
def test_what_is_loaded_predicts_the_same(tmp_path, architecture):
    network = made(liquids(6, times=12), architecture=architecture, steps=10, epochs=1)
    network.save(tmp_path)
    again = load_learner(tmp_path)
    assert isinstance(again, DynamicsNetwork)
    for before, after in zip(network.curves([POINT], TIMES), again.curves([POINT], TIMES), strict=True):
        np.testing.assert_array_equal(after, before)
    assert again.tables() == network.tables()
    assert again.refuses({**POINT, "T": 0.41}) == network.refuses({**POINT, "T": 0.41})
    assert json.loads((tmp_path / "dynamics.json").read_text()) == network.tables()["dynamics"]


def test_a_model_that_does_not_say_which_marks_are_crystals_knows_them(tmp_path):
    """As models had it that were saved when networks knew the names of Kob-Andersen's marks."""
    network = made([*liquids(8), trial(8, 0.55, crystallized=1.0)], steps=10)
    network.save(tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    assert description["state"].pop("elsewhere") == ["crystallized"]
    del description["checksum"]  # they had none
    (tmp_path / "model.json").write_text(json.dumps(description))
    crystal = {**POINT, "T": 0.55}
    assert "crystallized" in str(load_learner(tmp_path).refuses(crystal))
    assert load_learner(tmp_path).refuses(crystal) == network.refuses(crystal)


def test_only_what_the_simulator_calls_a_flaw_marks_a_trial():
    trials = [*liquids(8), trial(8, 0.63, crystallized=1.0), trial(9, 0.9, broken=1.0)]
    for flaws, mark, left in ((Flaws(), "crystallized", 10), (Flaws({"broken": 1.0}), "broken", 9)):
        data = DynamicsData.of(trials, flaws)
        assert data.good.sum() == left
        assert mark_of({mark: 1.0}, flaws) == (mark if flaws.marks else "")


def test_nothing_is_refused_before_it_has_learned():
    network = build_learner("dynamics_network", SPACE, SETTINGS, OBJECTIVE)
    assert network.refuses({**POINT, "T": 0.41}) is None
    assert network.trained == "at_end"


def test_as_a_surrogate_it_is_refused_with_what_to_write():
    with pytest.raises(SoftalError, match=r"'dynamics_network' is a learner, and no surrogate: .*`learner:`"):
        build("dynamics_network", SPACE, ["relaxation_A"])
    with pytest.raises(SoftalError, match="'gp' is a surrogate: it stands under `surrogate:`"):
        build_learner("gp", SPACE)


def test_the_paper_has_one_network_unless_told():
    assert DynamicsNetworkSettings(architecture="paper").members == 1
    assert DynamicsNetworkSettings(architecture="paper", members=2).members == 2
    assert DynamicsNetworkSettings().members > 1


@pytest.mark.parametrize(
    ("space", "arrays", "reason"),
    [
        (SPACE, None, None),
        (SPACE, frozenset({"S_AA", "S_AB", "S_BB", "F_s_A", "F_s_B", "g_AA"}), None),
        (SPACE, frozenset({"S_AA", "S_AB", "S_BB"}), "no array 'F_s_A'"),
        (Space({"x": {"low": 0.0, "high": 1.0}}), None, "the space has x"),
    ],
)
def test_it_says_where_it_does_not_suit(space, arrays, reason):
    found = DynamicsNetwork.suits(DynamicsNetworkSettings(), space, arrays)
    assert (found is None) if reason is None else reason in str(found)


# What is refused.

STATES = (
    (0.9, 1.2, "LJ", ""),
    (0.7, 1.2, "LJ", ""),
    (2.0, 1.4, "LJ", ""),
    (0.55, 1.2, "LJ", "crystallized"),
    (0.5, 1.2, "WCA", ""),
    (1.2, 1.2, "WCA", "crystallized"),
)


@pytest.mark.parametrize(
    ("T", "rho", "interaction", "reason"),
    [
        (0.8, 1.2, "LJ", None),
        (0.68, 1.2, "LJ", None),  # 3 % colder
        (5.9, 1.2, "LJ", None),
        (0.64, 1.2, "LJ", "T: 0.64 at rho = 1.2 (LJ) is given; at least 0.665 is allowed"),
        (0.56, 1.2, "LJ", "the simulation next to it, T = 0.55, rho = 1.2, crystallized"),
        (1.1, 1.3, "LJ", "at least 1.154"),  # between 0.7 at 1.2 and 2.0 at 1.4
        (1.4, 1.3, "LJ", None),
        (2.0, 1.55, "LJ", "rho: 1.55 is given; 1.14 to 1.47 is allowed"),
        (0.6, 1.2, "WCA", None),
        (1.1, 1.2, "WCA", "crystallized"),
    ],
)
def test_where_there_is_no_liquid_nothing_is_predicted(T, rho, interaction, reason):
    found = Known(STATES, ("crystallized",)).refuses({"T": T, "rho": rho, "interaction": interaction})
    assert (found is None) if reason is None else reason in str(found)


@pytest.mark.parametrize(("x", "refused"), [(0.8, False), (0.6, True)])
def test_a_warm_liquid_does_not_hide_colder_ones_at_densities_beside_it(x, refused):
    states = [(3.0 if i % 2 else 0.7, rho) for i, rho in enumerate(np.linspace(1.2, 1.4, 10))]  # T / T_mct, rho
    known = Known(tuple((one * mct_temperature("LJ", rho), rho, "LJ", "") for one, rho in states))
    reasons = [
        known.refuses({"T": x * mct_temperature("LJ", rho), "rho": rho, "interaction": "LJ"})
        for rho in np.linspace(1.2, 1.4, 21)
    ]
    assert [reason is not None for reason in reasons] == [refused] * 21


def test_parameters_behind_a_derived_temperature_have_their_ranges():
    space = Space({"theta": {"low": 0.5, "high": 4.0}, "rho": {"value": 1.2}, "T": {"derived": "theta"}})
    assert outside(space, {"theta": 2.0, "rho": 1.2, "T": 2.0}) is None
    assert outside(space, {"theta": 9.0, "rho": 1.2, "T": 9.0}) == "theta: 9 is given; 0.5 to 4 is allowed"


def test_an_interaction_without_liquid_is_refused():
    found = Known(STATES[:4]).refuses({"T": 1.0, "rho": 1.2, "interaction": "WCA"})
    assert found == "interaction: WCA is given; no liquid of it in equilibrium was simulated"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"T": 9.0}, "T: 9 is given; 0.4 to 6 is allowed"),
        ({"rho": 0.5}, "rho: 0.5 is given; 1.1 to 1.6 is allowed"),
        ({"T": 0.41}, "at least 0.59"),
        ({}, None),
    ],
)
def test_predictions_are_refused_in_one_line(fitted, change, reason):
    gp = build("gp", SPACE, ["relaxation_A"])
    gp.fit(liquids(8))

    class Opened:
        surrogate, latest_learner = gp, fitted

    point = {**POINT, **change}
    if reason is None:
        assert len(predict_points(Opened(), [point])) == 1
        return
    with pytest.raises(SurrogateError) as error:
        predict_points(Opened(), [POINT, point])
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


# Scores.


def test_intervals_of_a_fold_are_those_that_the_others_calibrate():
    data = DynamicsData.of(liquids(6, noise=0.0))
    fold, there = np.arange(6) % 3, np.isfinite(data.F)
    away = np.where(fold == 1, 0.2, 0.01)[:, None, None]
    found = HeldOut(fold, np.where(there, data.F + away, np.nan), np.where(there, 1e-4, np.nan))
    variance = unseen_variance(data, found, Calibration.of(data, found))
    others = fold != 1
    told = Calibration.of(data.rows(others), HeldOut(fold[others], found.mean[others], found.variance[others]))
    np.testing.assert_allclose(variance[fold == 1], told.variance(found.mean[~others], found.variance[~others]))
    assert np.nanmean(variance[fold == 1]) < np.nanmean(variance[fold == 0]) / 10  # which the bad fold widens


def test_r2_is_that_of_the_observations_mean():
    F, predicted = np.array([1.0, 0.5, 0.0, np.nan]), np.array([0.9, 0.5, 0.1, 7.0])
    assert r2(F, predicted) == pytest.approx(1 - 0.02 / 0.5)
    assert np.isnan(r2(np.ones(3), np.zeros(3)))


def test_bins_of_temperature_hold_their_states():
    found = by_temperature(np.array([0.7, 0.75, 1.1]), np.array([[0.5, 0.6], [0.7, 0.4], [0.9, 0.8]]))
    assert [(some["states"], some["r2"], some["lowest"]) for some in found] == [
        (2, pytest.approx([0.6, 0.5]), [0.5, 0.4]),
        (1, [0.9, 0.8], [0.9, 0.8]),
    ]


def test_a_failed_fit_does_not_keep_the_last_one():
    network = made(liquids(6, times=12), steps=10)
    network.fit([replace(one, observation=replace(one.observation, arrays={})) for one in liquids(6)])
    with pytest.raises(SurrogateError, match="has the arrays"):
        network.curves([POINT], TIMES)
