"""Surrogates as committees, for query by committee: who disagrees, about what, and in which units."""

import numpy as np
import pytest
from liquids import liquids

from softal import surrogates
from softal.errors import SurrogateError
from softal.space import Space
from softal.surrogates.dynamics.committee import TIMES
from softal.theory.kob_andersen import mct_temperature
from softal.trial import Observation, Trial, TrialState

pytestmark = pytest.mark.learning

LINE = Space({"x": {"low": 0.0, "high": 1.0}})
LIQUID = Space(
    {"T": {"low": 0.5, "high": 4.0, "log": True}, "interaction": {"choices": ["LJ", "WCA"]}, "rho": {"value": 1.2}}
)
NETWORK = {"members": 5, "width": 16, "steps": 150}


def waves(scale=1.0):
    """Trials on the left half of a line, of two targets in different units."""
    found = []
    for i, x in enumerate(np.linspace(0.0, 0.5, 9)):
        values = {"a": scale * float(np.sin(5 * x)), "b": float(np.cos(5 * x))}
        found.append(
            Trial(i, {"x": float(x)}, state=TrialState.DONE, objective=values, observation=Observation(values))
        )
    return found


def members(kind, trials, seed=0, space=LINE, targets=("a", "b"), **settings):
    return surrogates.build_any(kind, space, targets, settings).committee(trials, seed)


@pytest.mark.parametrize(("kind", "settings"), [("gp", {}), ("ensemble", {"members": 4, "steps": 100, "width": 16})])
def test_members_disagree_where_nothing_is_known(kind, settings):
    X = np.array([[0.1], [0.3], [0.9], [1.0]])
    predictions = members(kind, waves(), **settings)(X)
    assert predictions.shape[1:] == (4, 2)
    spread = predictions.std(axis=0).mean(axis=1)
    assert spread[2:].min() > 3 * spread[:2].max()


def test_units_do_not_count():
    X = np.linspace(0, 1, 7)[:, None]
    one, other = (members("gp", waves(scale))(X) for scale in (1.0, 1e6))
    np.testing.assert_allclose(one.std(axis=0), other.std(axis=0), rtol=1e-3, atol=1e-6)


def test_members_are_the_same_each_time_and_others_for_another_seed():
    X = np.array([[0.7], [0.8]])
    one, again, other = (members("gp", waves(), seed)(X) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


def test_a_target_that_is_constant_does_no_harm():
    trials = [Trial(i, {"x": i / 5}, state=TrialState.DONE, objective={"a": 2.0, "b": float(i)}) for i in range(5)]
    assert np.isfinite(members("gp", trials)(np.array([[0.5]]))).all()


def networks(trials, seed=0, **settings):
    return members("dynamics_network", trials, seed, LIQUID, ("relaxation_A",), **{**NETWORK, **settings})


def test_networks_of_dynamics_disagree_about_colder_states_than_they_know():
    warm = [t for t in liquids(20) if t.point["T"] > 1.5 * mct_temperature(t.point["interaction"], 1.2)]
    points = [{"T": T, "interaction": kind} for kind in ("LJ", "WCA") for T in (0.6, 0.8, 2.0, 3.0)]
    predictions = networks(warm, steps=400, members=8, width=32)(LIQUID.to_unit(points))
    assert predictions.shape == (8, 8, 2 * TIMES)
    assert (predictions >= 0).all()
    assert (predictions <= 1).all()
    variance = predictions.var(axis=0).mean(axis=1).reshape(2, 4)
    assert (variance[:, 0] > 3 * variance[:, 2:].max(axis=1)).all()


@pytest.mark.parametrize(
    ("trials", "settings", "message"),
    [
        (liquids(8), {"members": 1}, "members: 1 is given; a committee that disagrees has 2 or more"),
        (liquids(3), {}, "4 trials that are not marked; there are 3"),
        (waves(), {}, "none of 9 trials is done and has the arrays"),
    ],
)
def test_what_cannot_be_a_committee_is_said(trials, settings, message):
    with pytest.raises(SurrogateError, match=message):
        networks(trials, **settings)


def test_a_learner_without_members_is_no_committee(tmp_path):
    settings = {"labels": tmp_path / "labels.csv"}
    with pytest.raises(SurrogateError, match="'phase_classifier' has no members who disagree"):
        members("phase_classifier", waves(), **settings)
