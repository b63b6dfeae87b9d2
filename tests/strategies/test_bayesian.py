"""The parts of the Bayesian strategy against closed forms, limits and BoTorch."""

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad

from softal.objective import learn, minimize
from softal.space import Space
from softal.strategies import build
from softal.strategies.bayesian.acquisition import acquisition_function, maximise, quiet_and_reproducible
from softal.strategies.bayesian.models import Models
from softal.strategies.bayesian.paths import Paths, Scalarised, maximise_paths
from softal.strategies.bayesian.settings import BayesianSettings
from softal.strategies.bayesian.trust_region import L_MIN, L_START, TrustRegion
from softal.strategies.bayesian.variance import minimise_variance, posterior_covariance, typical_noise
from softal.strategies.bayesian.warp import Warp
from softal.strategies.shared.feasibility import Feasibility
from softal.strategies.shared.history import History, fitted_at, kept, nondominated
from softal.strategies.shared.region import Region, is_new
from softal.trial import Trial, TrialState
from strategies.campaigns import branin, cube, hartmann6, run

pytestmark = pytest.mark.learning

MIXED = Space(
    {
        "x": {"low": 0.0, "high": 1.0},
        "k": {"low": 1, "high": 6, "integer": True},
        "n": {"low": 1, "high": 1000, "integer": True, "log": True},
        "c": {"choices": ["a", "b", "c"]},
    },
    ["x + k <= 5"],
)


def posterior_of(space, objective, f, n=30, noise=0.0, seed=0, **settings):
    """Return history, models and posterior after n Sobol points."""
    history = History(space, objective)
    for trial in run(build("sobol", space, objective, seed), f, n, n, noise, seed):
        history.add(trial)
    models = Models(space, objective, BayesianSettings(**settings))
    return history, models, models.posterior(history)


@pytest.fixture(scope="module")
def on_branin():
    return posterior_of(cube(2), minimize("y"), branin, noise=1.0)


class TestWarp:
    losses = np.concatenate([np.random.default_rng(0).normal(0.1, 0.03, 60), np.linspace(0.3, 40, 10)])

    @pytest.mark.parametrize("transform", ["auto", "none", "log"])
    def test_keeps_the_order_and_its_slope_is_its_derivative(self, transform):
        warp, y, h = Warp.of(self.losses, transform), np.sort(self.losses[self.losses > 0.01]), 1e-7
        assert np.all(np.diff(warp(y)) >= 0)
        y = y[y < 0.8]
        assert warp.slope(y) == pytest.approx((warp(y + h) - warp(y - h)) / (2 * h), rel=1e-5)

    def test_leaves_the_good_half_alone(self):
        warp = Warp.of(self.losses, "auto")
        good = self.losses[self.losses <= np.median(self.losses)]
        assert np.array_equal(warp(good), good)
        assert np.ptp(warp(self.losses)) < np.ptp(self.losses) / 50

    def test_constant_losses_stay(self):
        assert Warp.of(np.ones(5), "auto")(np.ones(5)).tolist() == [1] * 5

    def test_log_needs_positive_losses(self):
        assert Warp.of(np.array([-1.0, 2.0]), "log").kind == "none"


class TestHistory:
    def test_refits_at_a_geometric_schedule(self):
        sizes = sorted({fitted_at(n) for n in range(2, 200)})
        assert sizes[:8] == [2, 3, 4, 5, 6, 8, 10, 12]
        assert all(fitted_at(n) <= n <= 1.2 * fitted_at(n) + 1 for n in range(2, 5000))

    def test_keeps_best_latest_and_spread(self):
        rng = np.random.default_rng(0)
        X, losses = rng.random((900, 2)), rng.random((900, 1))
        index = kept(X, losses, 90)
        assert len(index) == len(set(index)) == 90
        assert set(np.argsort(losses[:, 0])[:30]) | set(range(870, 900)) <= set(index)
        holes = [np.min(np.linalg.norm(X[rows] - x, axis=1)) for rows in (index, np.arange(90)) for x in X]
        assert max(holes[:900]) < max(holes[900:])

    def test_nondominated(self):
        assert nondominated([[1, 2], [2, 1], [2, 2], [1, 2]]).tolist() == [True, True, False, True]


class TestRegion:
    def test_candidates_fit(self):
        region = Region(MIXED, np.array([0.2, 0.0, 0.0, 0.0]), np.array([0.4, 1.0, 1.0, 1.0]))
        U = region.candidates(100, np.random.default_rng(0), MIXED.sample(3, np.random.default_rng(1)))
        assert len(U) > 100
        assert MIXED.feasible(U).all()
        assert np.array_equal(MIXED.snap(U), U)
        assert U[:, 0].min() >= 0.2 - 1e-12
        assert U[:, 0].max() <= 0.4 + 1e-12

    def test_there_are_candidates_where_the_box_and_the_constraints_hardly_meet(self):
        space = Space({name: {"low": 0.0, "high": 1.0} for name in "abcde"}, ["a + b + c + d + e <= 0.1"])
        U = Region(space, np.full(5, 0.019), np.ones(5)).candidates(32, np.random.default_rng(0), np.empty((0, 5)))
        assert len(U)
        assert space.feasible(U).all()

    def test_neighbours_differ_in_one_integer_or_choice(self):
        point = {"x": 0.5, "k": 2, "n": 1000, "c": "b"}
        found = MIXED.from_unit(Region.whole(MIXED).neighbours(MIXED.to_unit([point])[0]))
        changed = [{name: other[name] for name in point if other[name] != point[name]} for other in found]
        assert {tuple(change.items()) for change in changed} == {
            (("k", 1),), (("k", 3),), (("n", 999),), (("c", "a"),), (("c", "c"),)
        }  # fmt: skip

    def test_small_discrete_spaces_are_enumerated(self):
        space = Space({"k": {"low": 0, "high": 9, "integer": True}, "c": {"choices": [1, 2]}}, ["k <= 4"])
        U = Region.whole(space).candidates(8, np.random.default_rng(0), np.empty((0, 2)))
        assert len({tuple(point.items()) for point in space.from_unit(U)}) == len(U) == 10

    def test_is_new(self):
        visited = np.array([[0.5, 0.5]])
        assert is_new(np.array([[0.5, 0.5], [0.5, 0.50001]]), visited).tolist() == [False, True]


class TestModels:
    def test_known_errors_are_the_noise(self, on_branin):
        _, _, posterior = on_branin
        gp, scaling = posterior.gps[0], posterior.scalings[0]
        slope = posterior.links[0].warp.slope(on_branin[0].arrays()[1][:, 0])
        assert gp.noise * scaling.scale**2 == pytest.approx(slope**2, rel=0.5)

    def test_botorch_and_closed_form_agree(self, on_branin):
        _, _, posterior = on_branin
        U = np.random.default_rng(0).random((20, 2))
        with quiet_and_reproducible(0), torch.no_grad():
            found = posterior.botorch().posterior(torch.from_numpy(U))
        mean, variance = posterior.gps[0].posterior(U)
        scaling = posterior.scalings[0]
        assert found.mean[:, 0].numpy() == pytest.approx(scaling.mean + scaling.scale * mean, rel=1e-6)
        assert found.variance[:, 0].numpy() == pytest.approx(scaling.scale**2 * variance, rel=1e-4)

    def test_a_choice_that_the_fit_has_not_seen(self):
        space = Space({"x": {"low": 0.0, "high": 1.0}, "c": {"choices": list("abcdefgh")}})
        history = History(space, minimize("y"))
        for i in range(23):  # hyperparameters come from the first 22
            point = {"x": i / 23, "c": "abcdefgh"[i % 7] if i < 22 else "h"}
            history.add(Trial(i, point, state=TrialState.DONE, objective={"y": i % 7 + i / 23}))
        models = Models(space, minimize("y"), BayesianSettings())
        assert models.posterior(history).fitted.n == 22
        assert np.isfinite(models.posterior(history).gps[0].posterior(space.to_unit([{"x": 0.5, "c": "h"}]))[0])


class TestPaths:
    def test_have_the_mean_and_the_variance_of_the_posterior(self, on_branin):
        gp, p = on_branin[2].gps[0], 4000
        U = np.random.default_rng(1).random((12, 2))
        values = Paths(gp, p, np.random.default_rng(2)).values(U)
        mean, variance = gp.posterior(U)
        assert np.all(np.abs(values.mean(axis=1) - mean) < 4 * np.sqrt(variance / p) + 0.02)
        assert values.var(axis=1) == pytest.approx(variance, rel=0.25, abs=2e-3)  # the features' share: 1 / sqrt(F)

    def test_own_is_the_diagonal_of_values(self, on_branin):
        paths = Paths(on_branin[2].gps[0], 5, np.random.default_rng(0))
        U = np.random.default_rng(1).random((5, 2))
        assert paths.own(U)[0] == pytest.approx(np.diag(paths.values(U)))

    @pytest.mark.parametrize("names", [("y",), ("y", "z")])
    def test_gradients(self, names):
        space, components = cube(3), len(names)
        posterior = posterior_of(
            space, minimize(*names), lambda u: [np.sum((u - 0.3 * k) ** 2) for k in range(components)]
        )[2]
        draws = Scalarised(posterior, 4, np.random.default_rng(0))
        U = np.random.default_rng(5).random((4, 3))

        def total(flat):
            return draws.own(flat.reshape(4, 3))[0].sum()

        def gradient(flat):
            return draws.own(flat.reshape(4, 3))[1].ravel()

        assert check_grad(total, gradient, U.ravel()) < 1e-4 * np.linalg.norm(gradient(U.ravel()))

    def test_many_points_from_one_look_are_different_and_good(self):
        history, _, posterior = posterior_of(cube(6), minimize("y"), hartmann6, 120)
        visited = history.visited(np.empty((0, 6)))
        U = maximise_paths(posterior, None, Region.whole(cube(6)), 64, visited, np.random.default_rng(0))
        assert len(np.unique(np.round(U, 9), axis=0)) == 64
        assert np.median([hartmann6(u) for u in U]) < np.quantile(history.arrays()[1], 0.1)


class TestVariance:
    def test_one_point_is_botorchs_integrated_variance(self):
        """Delta(x) = integrated variance before - qNegIntegratedPosteriorVariance's after."""
        from botorch.acquisition.active_learning import qNegIntegratedPosteriorVariance

        _, _, posterior = posterior_of(cube(2), learn("y"), branin, 15)
        gp, scaling = posterior.gps[0], posterior.scalings[0]
        rng = np.random.default_rng(0)
        U, Z = rng.random((6, 2)), rng.random((40, 2))
        C = posterior_covariance(gp, np.vstack([U, Z]))
        delta = (C[:6, 6:] ** 2).mean(axis=1) / (np.diag(C)[:6] + typical_noise(gp))
        with quiet_and_reproducible(0), torch.no_grad():
            function = qNegIntegratedPosteriorVariance(posterior.botorch(), mc_points=torch.from_numpy(Z))
            after = -function(torch.from_numpy(U)[:, None, :]).numpy() / scaling.scale**2
        assert np.diag(C)[6:].mean() - delta == pytest.approx(after, rel=1e-3)

    def test_pending_points_are_not_proposed_again(self):
        history, _, posterior = posterior_of(cube(2), learn("y"), branin, 10)
        region, none = Region.whole(cube(2)), np.empty((0, 2))
        arguments = {"n": 1, "visited": history.visited(none)}
        first, gain = minimise_variance(
            posterior, None, region, pending=none, rng=np.random.default_rng(0), **arguments
        )
        second, less = minimise_variance(
            posterior, None, region, pending=first, rng=np.random.default_rng(0), **arguments
        )
        assert np.abs(first - second).max() > 0.05
        assert less < gain


class TestFeasibility:
    rng = np.random.default_rng(0)
    done, failed = rng.random((60, 3)), rng.random((60, 3))
    done, failed = done[done[:, 1] < 0.6], failed[failed[:, 1] > 0.6]

    def test_learns_where_simulations_fail(self):
        model = Feasibility.of(self.done, self.failed, ())
        U = self.rng.random((500, 3))
        right = (model.log_probability(U) > np.log(0.5)) == (U[:, 1] < 0.6)
        assert right.mean() > 0.93

    def test_torch_agrees(self):
        model = Feasibility.of(self.done, self.failed, ())
        U = self.rng.random((50, 3))
        assert model.torch()(torch.from_numpy(U)).numpy() == pytest.approx(model.log_probability(U), rel=1e-5, abs=1e-8)

    def test_torch_agrees_with_choices(self):
        space = Space({"x": {"low": 0.0, "high": 1.0}, "c": {"choices": ["a", "b", "c"]}})
        U = space.sample(40, np.random.default_rng(1))
        model = Feasibility.of(U[U[:, 1] < 0.6], U[U[:, 1] > 0.6], space.categorical)
        assert model.torch()(torch.from_numpy(U)).numpy() == pytest.approx(model.log_probability(U), rel=1e-5, abs=1e-8)
        assert model.log_probability(U[U[:, 1] > 0.6]).max() < np.log(0.1)

    @pytest.mark.parametrize("spot", [[0.25, 0.25, 0.25], [0.5, 0.3, 0.2], [0.7, 0.1, 0.9]])
    def test_every_failure_at_a_place_lowers_it(self, spot):
        spot = np.array([spot])
        logs = [Feasibility.of(self.done, np.repeat(spot, k, axis=0), ()).log_probability(spot)[0] for k in range(1, 7)]
        assert np.all(np.diff(logs) < -1.5)
        assert logs[0] < -2.9


class TestTrustRegion:
    def test_grows_shrinks_and_begins_anew(self):
        region = TrustRegion(dimension=5, n_initial=2)
        for loss in (9.0, 8.0, 7.0, 6.0, 5.0):
            region.observe(loss, 1)
        assert region.length == 2 * L_START
        for _ in range(5):
            region.observe(5.0, 2)
        assert region.length == L_START
        steps = 0
        while not region.start:
            region.observe(np.inf, 77)
            steps += 1
        assert steps == 5 * (1 + int(np.log2(L_START / L_MIN)))
        assert (region.length, region.start, region.best) == (L_START, 77, np.inf)

    def test_box_follows_the_lengthscales_and_leaves_choices_free(self):
        region = TrustRegion(4, 2, length=0.2)
        centre = MIXED.to_unit([{"x": 0.5, "k": 3, "n": 30, "c": "a"}])[0]
        box = region.box(MIXED, centre, np.array([1.0, 1.0, 16.0, 1.0]))
        assert box.high[0] - box.low[0] == pytest.approx(0.1)
        assert box.high[2] - box.low[2] == pytest.approx(min(1.0, centre[2] + 0.8) - 0.0)
        assert (box.low[3], box.high[3]) == (0, 1)
        assert box.high[1] - box.low[1] >= 2 / 6 - 1e-12

    def test_proposals_stay_in_the_box(self):
        strategy = build("bayesian", cube(8), minimize("y"), 0, {"trust_region": True, "n_initial": 10})
        run(strategy, lambda u: float(np.sum((u - 0.4) ** 2)), 30, 10)
        strategy._trust_region.length = 0.1
        best = strategy._models.posterior(strategy._history).X[np.argmin(strategy._history.arrays()[1][:, 0])]
        scales = strategy._models.posterior(strategy._history).lengthscales
        half = 0.05 * scales / np.exp(np.log(scales).mean())
        for n in (1, 8):
            U = strategy.space.to_unit([proposal.point for proposal in strategy.ask(n)])
            assert np.all(np.abs(U - best) <= half + 1e-9)


@pytest.mark.parametrize(
    ("kind", "names"),
    [("qLogNoisyEI", "y"), ("qLogEI", "y"), ("UCB", "y"), ("Thompson", "y"), ("qLogNEHVI", "yz"), ("Thompson", "yz")],
)
def test_every_acquisition_function_serves_a_mixed_space_with_failures(kind, names):
    strategy = build("bayesian", MIXED, minimize(*names), 0, {"acquisition": kind, "n_initial": 6})
    trials = run(
        strategy,
        lambda u: None if u[0] > 0.8 else [np.sum((u - 0.3) ** 2), np.sum((u - 0.6) ** 2)][: len(names)],
        10,
        2,
    )
    assert MIXED.feasible(MIXED.to_unit([trial.point for trial in trials])).all()
    assert [trial.notes["acquisition"] for trial in trials[-2:]] == [kind] * 2
    assert len({tuple(trial.point.items()) for trial in trials}) == 10


@pytest.mark.parametrize("kind", ["qLogNoisyEI", "UCB"])
def test_pending_points_change_what_is_proposed(kind, on_branin):
    history, _, posterior = on_branin
    region, none = Region.whole(cube(2)), np.empty((0, 2))
    visited, best = history.visited(none), posterior.X[:3]

    def propose(pending):
        with quiet_and_reproducible(1):
            function = acquisition_function(kind, posterior, None, pending, 1, 4.0)
            return maximise(function, region, 1, pending, visited, best, np.random.default_rng(0))

    first, value = propose(none)
    second, less = propose(first)
    assert np.abs(first - second).max() > 0.01
    assert kind == "UCB" or less < value  # of UCB, the pending point's own value is part of it


def test_the_initial_design_is_sobol_and_goes_on_until_results_are_there():
    strategy = build("bayesian", cube(3), minimize("y"), 4)
    sobol = build("sobol", cube(3), minimize("y"), 4)
    proposals = strategy.ask(7) + strategy.ask(5)
    assert strategy.n_initial == 7
    assert [p.point for p in proposals] == [p.point for p in sobol.ask(12)]
    assert {p.notes["acquisition"] for p in proposals} == {"initial"}


def test_no_point_of_a_discrete_space_comes_twice_before_all_were_there():
    space = Space({"k": {"low": 0, "high": 3, "integer": True}, "c": {"choices": ["a", "b", "c"]}})
    strategy = build("bayesian", space, minimize("y"), 0, {"n_initial": 3})
    trials = run(strategy, lambda u: float(np.sum(u)), 14)
    model = [tuple(trial.point.items()) for trial in trials if trial.notes["acquisition"] != "initial"]
    everything = {(("k", k), ("c", c)) for k in range(4) for c in "abc"}
    assert set(map(tuple, (trial.point.items() for trial in trials))) == everything
    assert len(model) > len(set(model))  # and after that it goes on, since simulations are noisy


def test_a_blow_up_does_not_blind_the_model():
    """One loss of 1e6 among losses of about 1: the model still sees the slope."""

    def f(u):
        return 1e6 if u[0] > 0.93 else float(np.sum((u - 0.3) ** 2))

    strategy = build("bayesian", cube(2), minimize("y"), 0, {"n_initial": 16})
    trials = run(strategy, f, 24, 4)
    assert any(trial.objective["y"] == 1e6 for trial in trials)
    assert min(trial.objective["y"] for trial in trials) < 1e-3


def test_a_point_that_fails_is_not_proposed_for_ever():
    """The predicted optimum fails, again and again, and so does everything near it."""
    strategy = build("bayesian", cube(2), minimize("y"), 1, {"n_initial": 8})
    f = lambda u: None if np.linalg.norm(u - 0.35) < 0.2 else float(np.sum((u - 0.35) ** 2))  # noqa: E731
    trials = run(strategy, f, 24, 2)
    failed = np.array([trial.state is TrialState.FAILED for trial in trials])
    U = strategy.space.to_unit([trial.point for trial in trials])
    centre = np.linalg.norm(U - 0.35, axis=1) < 0.1  # where the model of the objective wants to go
    assert centre.sum() <= 6
    assert not failed[8:].all()
    assert min(trial.objective["y"] for trial in trials if trial.objective) < 0.2**2 * 1.3
