"""Bases of curves, the length of a Gaussian vector, and the composite surrogate: against brute force and limits."""

import numpy as np
import pytest
import torch

from softal.errors import SurrogateError
from softal.objective import match, minimize, several
from softal.references import Reference
from softal.space import Space
from softal.surrogates import build, load
from softal.surrogates.curves.basis import MOST, Basis
from softal.surrogates.curves.curves import Curves
from softal.surrogates.curves.higher_order import KroneckerLoss, higher_order
from softal.surrogates.curves.norm import length
from softal.surrogates.gaussian_processes.exact_gp import Hyperparameters, covariance
from softal.trial import Array, Observation, Trial, TrialState

pytestmark = pytest.mark.learning

K, RANK, NOISE = 60, 3, 0.01
SHAPES = np.linalg.qr(np.random.default_rng(7).standard_normal((K, RANK)))[0].T  # (RANK, K)
SPACE = Space({"a": {"low": 1.0, "high": 3.0}, "b": {"low": 0.0, "high": 1.0}})
GRID = np.linspace(0.0, 6.0, 40)
OPTIMUM = {"a": 2.2, "b": 0.4}


def low_rank(n=30, seed=0):
    """Return residuals (n, K) of rank 3 with noise, their variances, and the residuals without noise."""
    rng = np.random.default_rng(seed)
    exact = rng.standard_normal((n, RANK)) @ (np.array([[1.0], [0.5], [0.2]]) * SHAPES)
    return exact + NOISE * rng.standard_normal((n, K)), np.full((n, K), NOISE**2), exact


class TestBasis:
    def test_what_it_leaves_is_noise(self):
        R, V, exact = low_rank()
        basis = Basis.of(R, V)
        assert RANK <= basis.size <= RANK + 2
        np.testing.assert_allclose(basis.vectors @ basis.vectors.T, np.eye(basis.size), atol=1e-12)
        left = exact - basis.curves(basis.scores(exact))
        assert np.linalg.norm(left) < 0.5 * np.linalg.norm(exact - R)  # sqrt(J / n) of the noise turns the vectors
        assert basis.rest < 0.2 * K * NOISE**2

    def test_the_origin_stays_the_target(self):
        R, V, _ = low_rank()
        basis = Basis.of(R + 3.0, V)  # far from centred
        assert np.array_equal(basis.scores(np.zeros((1, K))), np.zeros((1, basis.size)))
        lengths = np.sum(basis.scores(R) ** 2, axis=1) + basis.outside(R)
        np.testing.assert_allclose(lengths, np.sum(R**2, axis=1), rtol=1e-10)

    def test_noise_of_scores_is_that_of_drawn_noise(self):
        R, _, _ = low_rank()
        rng = np.random.default_rng(1)
        V = rng.uniform(0.5, 2.0, R.shape) * NOISE**2
        basis = Basis.of(R, V)
        drawn = basis.scores(R[0] + np.sqrt(V[0]) * rng.standard_normal((20_000, K)))
        # 4 standard errors of a variance from 20,000 draws
        np.testing.assert_allclose(drawn.var(axis=0), basis.noise(V)[0], rtol=4 * np.sqrt(2 / 20_000))

    def test_a_curve_far_off_does_not_spoil_it(self):
        R, V, exact = low_rank()
        R[5] = 1e6 * np.random.default_rng(3).standard_normal(K)
        basis = Basis.of(R, V)
        near = np.arange(len(R)) != 5
        left = (exact - basis.curves(basis.scores(exact)))[near]
        assert np.linalg.norm(left) < 0.2 * np.linalg.norm(exact[near])

    def test_without_known_noise_there_is_a_limit(self):
        R = np.random.default_rng(0).standard_normal((80, K))
        assert Basis.of(R, np.full(R.shape, np.nan)).size == MOST
        assert np.isnan(Basis.of(R, np.full(R.shape, np.nan)).noise(np.full((2, K), np.nan))).all()

    def test_what_a_simulation_does_not_cover_is_filled(self):
        R, V, _ = low_rank()
        basis = Basis.of(R, V)
        R[4, :3], R[:, -1], V[4, :3], V[:, -1] = np.nan, np.nan, np.nan, np.nan
        filled = Basis.of(R, V)
        assert np.isfinite(filled.scores(R)).all()
        assert np.isfinite(filled.noise(V)).all()
        assert filled.filling[-1] == 0.0
        assert abs(filled.size - basis.size) <= 2

    def test_one_curve_is_enough(self):
        R, V, _ = low_rank(1)
        assert Basis.of(R, V).size == 1
        assert Basis.of(np.zeros((3, K)), V[:1].repeat(3, axis=0)).size == 1


class TestLength:
    @pytest.mark.parametrize("J", [1, 4, 15])
    @pytest.mark.parametrize("size", [0.0, 0.5, 3.0, 30.0])
    def test_against_drawn_vectors(self, J, size):
        rng = np.random.default_rng(J)
        mean, variance = size * rng.standard_normal(J), rng.uniform(0.3, 2.0, J)
        drawn = np.linalg.norm(mean + np.sqrt(variance) * rng.standard_normal((100_000, J)), axis=1)
        found, spread = length(mean, variance)
        assert found == pytest.approx(drawn.mean(), rel=0.05)
        assert spread**0.5 == pytest.approx(drawn.std(), rel=0.15)

    def test_one_gaussian_at_zero_is_exact(self):
        mean, variance = length(np.zeros(1), np.array([4.0]))
        assert mean == pytest.approx(2.0 * np.sqrt(2.0 / np.pi), rel=1e-6)
        assert variance == pytest.approx(4.0 * (1.0 - 2.0 / np.pi), rel=1e-6)

    def test_certain_vectors_have_their_length(self):
        mean, variance = length(np.array([3.0, 4.0]), np.zeros(2), 11.0)
        assert mean == pytest.approx(6.0)
        assert 0 <= variance < 1e-20
        assert np.isfinite(length(np.zeros(2), np.zeros(2))).all()

    def test_arrays_and_tensors_agree_and_gradients_are_finite(self):
        mean = torch.tensor([[0.3, -0.2], [0.0, 0.0]], dtype=torch.double, requires_grad=True)
        variance = torch.tensor([[0.1, 1e-9], [1e-12, 1e-12]], dtype=torch.double, requires_grad=True)
        found = length(mean, variance, 0.01)
        assert torch.stack(found).detach().numpy() == pytest.approx(
            np.stack(length(mean.detach().numpy(), variance.detach().numpy(), 0.01))
        )
        (found[0].sum() + found[1].sqrt().sum()).backward()
        assert torch.isfinite(mean.grad).all()
        assert torch.isfinite(variance.grad).all()


def curve(point):
    return 1.0 + np.exp(-0.3 * GRID) * np.cos(float(point["a"]) * GRID) * (0.5 + float(point["b"]))


OBJECTIVE = match({"g": Reference("g", GRID, curve(OPTIMUM), (0.5, 5.5))}, name="chi")
COMPONENT = OBJECTIVE.components[0]


def trials(n, seed=0, noise=NOISE):
    rng = np.random.default_rng(seed)
    found = []
    for i, point in enumerate(SPACE.from_unit(SPACE.sample(n, rng))):
        values = curve(point) + noise * rng.standard_normal(len(GRID))
        observation = Observation(
            {"pressure": float(point["b"])}, {}, {"g": Array.of(values, np.full(len(GRID), noise), GRID)}
        )
        values, errors = OBJECTIVE.evaluate(observation)
        found.append(
            Trial(i, point, state=TrialState.DONE, observation=observation, objective=values, objective_errors=errors)
        )
    return found


def fitted(n=25, objective=OBJECTIVE, targets=("chi",), **settings):
    surrogate = build("composite", SPACE, targets, settings, objective)
    surrogate.fit(trials(n))
    return surrogate


def exact_loss(U):
    scale = np.linalg.norm(COMPONENT.references[0].values[(GRID >= 0.5) & (GRID <= 5.5)])
    inside = (GRID >= 0.5) & (GRID <= 5.5)
    return np.array([np.linalg.norm((curve(p) - curve(OPTIMUM))[inside]) / scale for p in SPACE.from_unit(U)])


class TestComposite:
    @pytest.mark.parametrize("model", ["pca", "higher_order"])
    def test_predicts_the_loss_better_than_a_process_of_the_loss(self, model):
        U = SPACE.sample(200, np.random.default_rng(5))
        scalar = build("gp", SPACE, ["chi"])
        scalar.fit(trials(25))
        error, other = (
            np.sqrt(np.mean((surrogate.posterior(U).mean[:, 0] - exact_loss(U)) ** 2))
            for surrogate in (fitted(model=model), scalar)
        )
        assert error < other / 3

    def test_its_minimum_is_the_target(self):
        surrogate = fitted()
        mean, std = surrogate.predict([OPTIMUM])["chi"]
        assert mean[0] < 0.02  # the noise-free loss there is 0; one of 40 bins with 1 % of noise is 0.01
        assert mean[0] < 4 * std[0] + 0.01

    def test_posterior_of_the_loss_is_that_of_drawn_scores(self):
        found = fitted(12)._curves["chi"]
        U = SPACE.sample(20, np.random.default_rng(5))
        mean, variance = found.scores(U)
        s = mean + np.sqrt(variance) * np.random.default_rng(0).standard_normal((20_000, *mean.shape))
        drawn = np.sqrt(np.sum(s**2, axis=-1) + found.basis.rest)
        loss, spread = found.loss(U)
        np.testing.assert_allclose(loss, drawn.mean(axis=0), rtol=0.02)
        np.testing.assert_allclose(np.sqrt(spread), drawn.std(axis=0), rtol=0.1)

    def test_paths_have_the_mean_and_the_spread_of_the_posterior(self):
        surrogate, U = fitted(12), SPACE.sample(30, np.random.default_rng(5))
        drawn, posterior = surrogate.sample(U, 2000, np.random.default_rng(0)), surrogate.posterior(U)
        assert np.all(np.abs(drawn.mean(axis=0) - posterior.mean) < 0.2 * posterior.std + 1e-4)
        np.testing.assert_allclose(drawn.std(axis=0), posterior.std, rtol=0.15)

    def test_left_out_trials_are_within_their_intervals(self):
        found = fitted(40).diagnostics()
        assert found.method == "leave-one-out"
        assert found.r2["chi"] > 0.98
        assert found.coverage["chi"] > 0.85

    def test_curves_in_natural_units(self):
        surrogate = fitted()
        grid, mean, std = surrogate.curves([OPTIMUM, {"a": 1.8, "b": 0.6}])["g"]
        inside = (GRID >= 0.5) & (GRID <= 5.5)
        assert np.array_equal(grid, GRID[inside])
        error = mean - np.array([curve(OPTIMUM), curve({"a": 1.8, "b": 0.6})])[:, inside]
        assert np.abs(error).max() < 3 * NOISE
        assert std.shape == error.shape
        assert np.all(std < 5 * NOISE)

    def test_what_is_loaded_needs_no_objective(self, tmp_path):
        surrogate = fitted(objective=several(OBJECTIVE, minimize("pressure")), targets=("pressure", "chi"))
        surrogate.save(tmp_path)
        loaded, U = load(tmp_path), SPACE.sample(9, np.random.default_rng(1))
        assert loaded.objective is None
        np.testing.assert_array_equal(loaded.posterior(U).mean, surrogate.posterior(U).mean)
        for before, after in zip(surrogate.curves([OPTIMUM])["g"], loaded.curves([OPTIMUM])["g"], strict=True):
            np.testing.assert_array_equal(before, after)

    def test_many_trials_are_thinned_alike_for_all_scores(self):
        surrogate = fitted(60, max_points=20)
        assert {gp.X.shape for gp in surrogate._curves["chi"].gps} == {(20, 2)}

    def test_what_has_no_curves_is_refused(self):
        some = trials(6)
        with pytest.raises(SurrogateError, match="none of its targets is a match: pressure"):
            build("composite", SPACE, ["pressure"], None, OBJECTIVE).fit(some)
        with pytest.raises(SurrogateError, match="none of its targets is a match: chi"):
            build("composite", SPACE, ["chi"]).fit(some)
        bare = [Trial(t.id, t.point, state=t.state, objective=t.objective) for t in some]
        with pytest.raises(SurrogateError, match=r"no trial has the curves of 'chi': array 'g' was not returned"):
            build("composite", SPACE, ["chi"], None, OBJECTIVE).fit(bare)
        with pytest.raises(SurrogateError, match="with the arrays"):
            build("composite", SPACE, ["chi"], None, OBJECTIVE).fit_arrays(np.zeros((2, 2)), np.zeros((2, 1)))


class TestHigherOrder:
    def test_loss_and_gradients_are_those_of_the_dense_covariance(self):
        rng = np.random.default_rng(0)
        R = torch.from_numpy(rng.standard_normal((4, 3)))
        results = []
        for dense in (False, True):
            k, B = (torch.from_numpy(np.cov(np.random.default_rng(m).random((m, 9)))).requires_grad_() for m in (4, 3))
            v = torch.tensor(0.3, dtype=torch.double, requires_grad=True)
            if dense:
                C = torch.kron(k, B) + v * torch.eye(12, dtype=torch.double)
                normal = torch.distributions.MultivariateNormal(torch.zeros(12, dtype=torch.double), C)
                loss = -normal.log_prob(R.reshape(-1))
            else:
                loss = KroneckerLoss.apply(k, B, v, R)
            loss.backward()
            results.append([loss.detach().numpy(), *(part.grad.numpy() for part in (k, B, v))])
        for found, expected in zip(*results, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9)

    def test_posterior_is_that_of_the_dense_covariance(self):
        some = trials(12)
        X = SPACE.to_unit([trial.point for trial in some])
        R, V = (np.array(part) for part in zip(*(COMPONENT.residual(t.observation) for t in some), strict=True))
        state = torch.get_rng_state()
        found, again = higher_order(X, R, V), higher_order(X, R, V)
        assert torch.equal(state, torch.get_rng_state())
        np.testing.assert_array_equal(found.vectors, again.vectors)
        U = SPACE.sample(5, np.random.default_rng(3))
        first = found.hyperparameters[0]
        unit = Hyperparameters(first.lengthscales)
        B = found.vectors.T @ np.diag([h.outputscale for h in found.hyperparameters]) @ found.vectors
        noise = np.kron(np.ones(12), V[0] / found.scale**2) + first.extra
        C = np.kron(covariance(X, X, unit), B) + np.diag(noise)
        mean = np.kron(covariance(U, X, unit), B) @ np.linalg.solve(C, R.ravel())
        curves = Curves.of(X, R, V, higher_order=True)
        # what is left out has a millionth of the variance
        np.testing.assert_allclose(curves.curves(U)[0].ravel(), mean, atol=1e-2 * np.abs(mean).max())
