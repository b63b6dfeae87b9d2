"""Query by committee: what it proposes, what it costs, what it keeps away from, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from liquids import liquids, trial

from softal.errors import CampaignFileError, StrategyError
from softal.objective import learn
from softal.orchestrator.campaign_file.schema import parse_campaign
from softal.outputs import Flaws
from softal.simulators.kob_andersen.kob_andersen import FLAWS
from softal.space import Space
from softal.strategies import build
from softal.strategies.committee.choice import Change, choose, covariance, gains
from softal.strategies.committee.cost import CostModel
from softal.strategies.committee.design import farthest_first
from softal.strategies.committee.settings import CommitteeSettings
from softal.strategies.shared.region import is_new
from softal.theory.kob_andersen import mct_temperature
from softal.trial import Observation, Trial, TrialState
from strategies.campaigns import cube

pytestmark = pytest.mark.learning

LIQUIDS = {
    "parameters": {
        "T": {"low": 0.6, "high": 4.0, "log": True},
        "interaction": {"choices": ["LJ", "WCA"]},
        "rho": {"value": 1.2},
    }
}
NETWORK = {"kind": "dynamics_network", "members": 4, "width": 16, "steps": 60}
TRAINED = {**NETWORK, "steps": 200}


def done(number, u, y=0.0, **values):
    """A trial on the unit cube."""
    point = {f"x{j}": float(x) for j, x in enumerate(u)}
    observation = Observation({"y": y, **values})
    return Trial(number, point, state=TrialState.DONE, objective={"y": y}, observation=observation, told=number + 1)


def committee(space, trials=(), seed=0, **settings):
    objective = learn("relaxation_A") if "T" in space.all_names else learn("y")
    objective = replace(objective, flaws=FLAWS)
    strategy = build("committee", space, objective, seed, {"surrogate": "gp", **settings})
    strategy.restore(trials)
    return strategy


def unit(strategy, proposals):
    return strategy.space.to_unit([proposal.point for proposal in proposals])


# The choice.


def test_covariance_is_that_of_the_members_averaged_over_what_they_predict():
    F = np.random.default_rng(0).normal(size=(5, 3, 4))
    expected = np.mean([np.cov(F[:, :, q], rowvar=False) for q in range(4)], axis=0)
    np.testing.assert_allclose(covariance(F), expected)


def chosen(C, cost=None, n=1, success=None, known=0, change=None, **settings):
    c = len(C) - known
    every = [np.ones(c) if part is None else np.asarray(part, dtype=float) for part in (cost, success)]
    return choose(
        np.asarray(C, dtype=float),
        np.arange(c)[:, None],
        *every,
        n,
        CommitteeSettings(**{"criterion": "disagreement", **settings}),
        change,
    )


@pytest.mark.parametrize(
    ("cost", "success", "best"),
    [
        (None, None, 1),  # the largest disagreement
        ([1, 4, 1], None, 2),  # per cost
        ([1, 1.2, 1], None, 1),  # 4 / 1.2 is still more than 3 / 1
        (None, [1, 0.1, 1], 2),  # where simulations do not succeed, nothing is learned
    ],
)
def test_the_largest_disagreement_per_cost_is_chosen(cost, success, best):
    found = chosen(np.diag([1.0, 4.0, 3.0]), cost, success=success)
    assert found.U.ravel().tolist() == [best]
    assert found.gain.tolist() == [np.diag([1.0, 4.0, 3.0])[best, best]]


def test_a_point_that_the_first_one_tells_about_is_not_the_second():
    C = np.array([[1.0, 0.99, 0.0], [0.99, 1.0, 0.0], [0.0, 0.0, 0.5]])
    assert sorted(chosen(C, n=2).U.ravel().tolist()) == [0, 2]


def test_pending_points_count_as_known():
    C = np.array([[1.0, 0.0, 0.98], [0.0, 0.5, 0.0], [0.98, 0.0, 1.0]])  # the first is pending, and like the last
    assert chosen(C, known=1).U.ravel().tolist() == [0]


def test_conditioning_is_that_of_a_gaussian_process():
    A = np.random.default_rng(1).normal(size=(4, 4))
    C = A @ A.T
    noise = 0.02 * np.mean(np.diag(C))
    first = chosen(C, n=2)
    i = int(first.U[0, 0])
    left = C - np.outer(C[i], C[i]) / (C[i, i] + noise)
    left[i, i] = -1
    assert first.gain[1] == pytest.approx(np.diag(left).max())


def test_variance_prefers_what_tells_about_others():
    C = np.array([[1.0, 0.0, 0.0], [0.0, 0.9, 0.85], [0.0, 0.85, 0.9]])  # alone, or one of two that are alike
    assert np.argmax(gains(C, 0.01, np.ones(3), "disagreement")) == 0
    assert np.argmax(gains(C, 0.01, np.ones(3), "variance")) in (1, 2)


def test_change_is_from_the_nearest_point_and_a_chosen_one_is_known():
    candidates, means = np.array([[0.1], [0.4], [0.6]]), np.array([[1.0, 0.0], [3.0, 0.0], [3.5, 2.0]])
    change = Change(np.array([[0.0], [0.9]]), np.array([[1.0, 0.0], [0.5, 2.0]]), candidates, means, ())
    np.testing.assert_allclose(change.squares, [0.0, 2.0, 4.5])  # from 0, 0 and 0.9; 0.6 is nearer to 0.9
    change.choose(2)
    np.testing.assert_allclose(change.squares, [0.0, (0.5**2 + 2.0**2) / 2, 0.0])


def test_another_choice_is_as_far_as_the_end_of_a_range():
    means = np.array([[1.0], [2.0]])
    change = Change(np.array([[0.0, 0.5], [0.9, 0.0]]), means, np.array([[0.8, 0.5], [0.1, 0.5]]), means, (1,))
    np.testing.assert_allclose(change.squares, [0.0, 1.0])


def test_the_criterion_change_adds_disagreement():
    change = Change(np.zeros((1, 1)), np.zeros((1, 1)), np.array([[0.0], [1.0]]), np.array([[2.0], [1.0]]), ())
    found = chosen(np.diag([1.0, 3.0]), change=change, criterion="change")
    assert found.gain.tolist() == [5.0]


# The cost.


def test_costs_are_predicted_by_their_logarithm():
    model = CostModel("time")
    for x in np.linspace(0, 1, 8):
        model.add(done(0, [x], time=float(10 ** (3 * x))), np.array([x]))
    at = np.array([[0.2], [0.5], [0.9]])
    np.testing.assert_allclose(np.log10(model.predict(at, ())), 3 * at[:, 0], atol=0.1)


def test_costs_go_on_where_nothing_was_simulated():
    model = CostModel("time")
    for x in np.linspace(0.5, 1, 6):
        model.add(done(0, [x], time=float(10 ** (3 - 3 * x))), np.array([x]))
    assert model.predict(np.array([[0.0]]), ())[0] > 3 * 10**1.5, "a process alone falls back to the mean of 6"


@pytest.mark.parametrize("value", [None, "time"])
def test_without_costs_all_simulations_cost_one(value):
    model = CostModel(value)
    model.add(done(0, [0.5], other=3.0), np.array([0.5]))
    model.add(done(1, [0.5], time=0.0), np.array([0.5]))
    assert model.predict(np.array([[0.1], [0.7]]), ()).tolist() == [1, 1]


def test_failed_simulations_have_no_cost_and_do_no_harm():
    model = CostModel("time")
    model.add(Trial(0, {"x0": 0.5}, state=TrialState.FAILED), np.array([0.5]))
    model.add(done(1, [0.2], time=5.0), np.array([0.2]))
    assert model.predict(np.array([[0.9]]), ()) == pytest.approx([5])


# The strategy.


def wavy(x):
    return float(np.sin(6 * x))


@pytest.mark.parametrize(("cost", "side"), [(None, 1.0), ("time", 0.0)])
def test_it_goes_where_it_knows_nothing_unless_that_costs_too_much(cost, side):
    middle = [done(i, [x], wavy(x), time=float(np.exp(12 * x))) for i, x in enumerate(np.linspace(0.3, 0.6, 8))]
    strategy = committee(cube(1), middle, cost=cost, n_initial=4, criterion="disagreement")
    proposal = strategy.ask(1)[0]
    assert abs(proposal.point["x0"] - side) < 0.25  # 0 and 1 are as far; the right is six thousand times as long
    assert proposal.notes["acquisition"] == "committee"
    assert proposal.notes["cost"] == (pytest.approx(1) if cost is None else pytest.approx(np.exp(12 * 0.1), rel=4))


def test_two_workers_do_not_run_the_same_state():
    trials = [done(i, [x], wavy(x)) for i, x in enumerate(np.linspace(0.0, 0.5, 6))]
    strategy = committee(cube(1), trials, n_initial=4)
    first = strategy.ask(1)[0]
    second = strategy.ask(1, [Trial(6, first.point)])[0]
    together = committee(cube(1), trials, n_initial=4).ask(2)
    assert abs(first.point["x0"] - second.point["x0"]) > 0.1
    assert abs(together[0].point["x0"] - together[1].point["x0"]) > 0.1


@pytest.mark.parametrize("lost", ["failed", "marked"])
def test_it_keeps_away_from_where_simulations_are_lost(lost):
    """All on the right is lost: crystallized, or failed; the most is unknown there."""
    kept = [done(i, [x], wavy(x)) for i, x in enumerate(np.linspace(0.05, 0.5, 8))]
    away = [done(8 + i, [x], wavy(x), crystallized=1.0) for i, x in enumerate((0.7, 0.85, 1.0))]
    if lost == "failed":
        away = [Trial(t.id, t.point, state=TrialState.FAILED, told=t.id + 1) for t in away]
    strategy = committee(cube(1), [*kept, *away], n_initial=4)
    assert all(point < 0.68 for point in unit(strategy, strategy.ask(3)).ravel())
    careless = committee(cube(1), [*kept, *away], n_initial=4, feasibility=False)
    assert max(unit(careless, careless.ask(3)).ravel()) > 0.7


def test_flaws_are_what_the_simulator_declares(tmp_path):
    """From the class in the user's file by way of the objective to the strategy."""
    (tmp_path / "brittle.py").write_text(BRITTLE)
    data = {
        "simulator": "brittle:Brittle",
        "space": {"x0": {"low": 0.0, "high": 1.0}},
        "objective": {"learn": "y"},
        "strategy": {"kind": "committee", "surrogate": "gp"},
        "budget": {"trials": 9},
    }
    spec = parse_campaign(data, tmp_path)
    assert spec.objective.flaws == Flaws({"broken": 1.0, "whole": 0.0})
    strategy = spec.build_strategy()
    strategy.restore([done(i, [x], wavy(x), broken=float(x > 0.5)) for i, x in enumerate(np.linspace(0, 1, 9))])
    assert len(strategy._done) == 5


BRITTLE = """
from softal.outputs import Flaws
from softal.simulators import Outputs, Simulator
from softal.trial import Observation


class Brittle(Simulator):
    outputs = Outputs(frozenset({"y", "broken", "whole"}), marks=frozenset({"broken", "whole"}),
                      flaws=Flaws({"broken": 1.0, "whole": 0.0}))

    def run(self, point, context):
        return Observation({"y": 0.0, "broken": 0.0, "whole": 1.0})
"""


def test_what_counts_as_a_mark_is_a_setting():
    trials = [done(i, [x], wavy(x), broken=float(x > 0.5)) for i, x in enumerate(np.linspace(0, 1, 9))]
    assert len(committee(cube(1), trials)._done) == 9
    assert len(committee(cube(1), trials, marks={"broken": 1})._done) == 5


def test_first_points_are_corners_and_all_choices():
    space = Space.from_dict(LIQUIDS)
    for seed in range(3):
        strategy = committee(space, seed=seed, n_initial=6, initial="corners")
        proposals = strategy.ask(6)
        u = unit(strategy, proposals)[:, 0]
        interaction = np.array([p.point["interaction"] for p in proposals])
        for name in ("LJ", "WCA"):
            assert u[interaction == name].min() < 0.03
            assert u[interaction == name].max() > 0.97
        assert all(p.notes == {"acquisition": "initial", "design": "corner"} for p in proposals)


def test_each_first_point_is_the_farthest_from_those_before():
    points = np.array([[0.55], [0.0], [0.9], [0.2], [0.4]])
    assert farthest_first(points, ()) == [1, 2, 4, 3, 0]
    choices = np.array([[0.1, 0.25], [1.0, 0.25], [0.8, 0.75], [0.2, 0.25]])
    assert farthest_first(choices, (1,)) == [1, 2, 0, 3]  # another choice is as far as the ends of a range


def test_a_pool_is_used_up(tmp_path):
    rows = [(0.1, 0.2), (0.9, 0.3), (0.5, 0.5), (0.2, 0.8), (0.7, 0.1), (0.4, 0.4), (0.6, 0.9)]
    path = tmp_path / "pool.csv"
    path.write_text("\n".join(["x0,x1,note", *(f"{a},{b},n" for a, b in rows)]))
    strategy = committee(cube(2), pool=str(path), n_initial=3)
    asked, trials = [], []
    while proposals := strategy.ask(2, []):
        for proposal in proposals:
            asked.append(tuple(proposal.point.values()))
            trials.append(done(len(trials), asked[-1], wavy(sum(asked[-1]))))
        strategy.tell(trials[-len(proposals) :])
    assert sorted(asked) == sorted(rows)
    assert strategy.exhausted_because == "all 7 points of the pool were proposed"


def test_it_learns_anew_when_results_have_grown_by_a_tenth(monkeypatch):
    strategy = committee(cube(1), n_initial=4)
    sizes = []
    learned = type(strategy)._committee

    def counted(self):
        before = self._members[0]
        members = learned(self)
        sizes.extend([self._members[0]] if self._members[0] != before else [])
        return members

    monkeypatch.setattr(type(strategy), "_committee", counted)
    for number in range(40):
        point = strategy.ask(1)[0].point
        strategy.tell([done(number, point.values(), wavy(point["x0"]))])
    assert sizes[:7] == [4, 5, 6, 7, 8, 9, 10]
    assert all(np.diff(sizes[7:]) >= 2)
    assert sizes[-1] >= 36 / 1.1


# Networks of dynamics.


def told(trials):
    """As a journal has them: with ids, order of telling and one value of the objective."""
    return [replace(one, id=i, told=i + 1) for i, one in enumerate(trials)]


def test_networks_of_dynamics_disagree_about_states_that_they_have_not_seen():
    """Networks that learned from warm liquids alone ask for cold ones; with cost, for one that is not the coldest."""
    warm = told([one for one in liquids(24) if one.point["T"] > 1.6 * mct_temperature(**reduced(one.point))])
    assert len(warm) > 6
    space = Space.from_dict(LIQUIDS)
    found = {}
    for cost in (None, "simulated_time"):
        strategy = committee(space, warm, surrogate=TRAINED, n_initial=6, cost=cost, criterion="disagreement")
        assert strategy.wants_arrays
        found[cost] = strategy.ask(1)[0].point["T"]
    assert found[None] < 0.9
    assert found[None] <= found["simulated_time"]


def reduced(point):
    return {"interaction": point["interaction"], "rho": point["rho"]}


def test_the_committee_is_the_same_each_time_and_after_a_restart():
    trials = told(liquids(8))
    space = Space.from_dict(LIQUIDS)
    first, again = (committee(space, trials, surrogate=NETWORK, n_initial=6) for _ in range(2))
    assert first.ask(1)[0].point == again.ask(1)[0].point
    other = committee(space, trials, seed=1, surrogate=NETWORK, n_initial=6)
    assert first.ask(1)[0].point != other.ask(1)[0].point


def test_networks_do_not_learn_from_marked_states():
    trials = told(liquids(10))
    spoiled = [replace(one, observation=trial(one.id, 5.0).observation) for one in trials[:2]]
    marked = [
        replace(one, observation=replace(one.observation, values={**one.observation.values, "equilibrated": 0.0}))
        for one in spoiled
    ]
    space = Space.from_dict(LIQUIDS)
    settings = {"surrogate": NETWORK, "n_initial": 6, "feasibility": False}
    one, other = committee(space, [*trials[2:], *marked], **settings), committee(space, trials[2:], **settings)
    points = space.sample(20, np.random.default_rng(0))
    assert is_new(points, one._unit(trials)).all()
    np.testing.assert_array_equal(one._committee()(points), other._committee()(points))


def test_why_there_is_no_committee_stands_in_the_notes():
    trials = told(liquids(8))
    arrays = trials[0].observation.arrays
    coarse = {name: replace(a, values=a.values[::2], errors=a.errors[::2], grid=a.grid[::2]) if name.startswith("S_")
              else a for name, a in arrays.items()}  # fmt: skip
    other = replace(trials[0], observation=replace(trials[0].observation, arrays=coarse))
    space, settings = Space.from_dict(LIQUIDS), {"surrogate": NETWORK, "n_initial": 6}
    [proposal] = committee(space, [other, *trials[1:]], **settings).ask(1)
    assert proposal.notes["acquisition"] == "initial"
    assert "k" in proposal.notes["because"]
    assert len(proposal.notes["because"].splitlines()) == 1
    [first] = committee(space, trials[:2], **settings).ask(1)
    assert "because" not in first.notes, "there are too few results yet"


# What it refuses.


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        (cube(1), {"surrogate": "gpp"}, r"surrogate: .*did you mean 'gp'"),
        (
            cube(1),
            {"surrogate": {"members": 3}},
            r"surrogate: .* allowed: the name of a kind, or a mapping with `kind`",
        ),
        (cube(1), {"surrogate": {"kind": "ensemble", "members": 1}}, r"surrogate: ensemble: members: 1 is given"),
        (cube(1), {"pool": "nowhere.csv"}, r"pool: 'nowhere.csv' is given, but there is no file"),
        (Space({"x": 1.0}), {}, "0 free parameters"),
    ],
)
def test_settings_that_are_wrong_are_said(space, settings, message):
    with pytest.raises(StrategyError, match=message):
        build("committee", space, learn("y"), 0, settings)


def campaign(**changes):
    data = {
        "name": "cold",
        "simulator": "kob_andersen",
        "space": {"T": {"low": 0.6, "high": 4.0}, "interaction": {"choices": ["LJ", "WCA"]}},
        "objective": {"learn": ["relaxation_A"]},
        "strategy": {"kind": "committee", "surrogate": "dynamics_network", "cost": "simulated_time"},
        "budget": {"trials": 10},
    }
    return {**data, **changes}


def committee_of(surrogate="dynamics_network", **settings):
    return {"kind": "committee", "surrogate": surrogate, **settings}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": {"minimize": "relaxation_A"}, "surrogate": "gp"},
         "it serves `learn` alone; the objective has minimize relaxation_A"),
        ({"strategy": committee_of(cost="simulated_tim")},
         "cost: 'simulated_tim' is not a known value of the simulator (did you mean `simulated_time`?)"),
        ({"strategy": committee_of({"kind": "dynamics_network", "architecture": "paper"})},
         "its surrogate 'dynamics_network' has members: 1; 2 or more disagree"),
        ({"simulator": "spherocylinders", "space": {"T": {"low": 0.1, "high": 0.4}, "rho": 0.1},
          "objective": {"learn": ["nematic"]}, "strategy": committee_of()},
         "its surrogate 'dynamics_network': the simulator returns no array 'S_AA'"),
        ({"strategy": {"kind": "mixture", "strategies": ["sobol", committee_of(cost="hours")]}},
         "strategies.1, 'committee': cost: 'hours' is not a known value"),
    ],
)  # fmt: skip
def test_campaigns_that_it_cannot_serve_are_said_in_one_line(changes, message):
    with pytest.raises(CampaignFileError) as caught:
        parse_campaign(campaign(**changes))
    own = [problem for problem in caught.value.problems if problem.place == "strategy"]
    assert len(own) == 1
    assert message in own[0].message
    assert "\n" not in own[0].message


def test_a_campaign_that_it_can_serve_is_right():
    assert parse_campaign(campaign()).strategy.kind == "committee"
