"""The Gaussian process against closed forms, brute force, BoTorch and statistics."""

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime
from scipy.stats import qmc

from softal.errors import SurrogateError
from softal.space import Space
from softal.surrogates import build
from softal.surrogates.gaussian_processes.exact_gp import Density, Hyperparameters, covariance, gls_mean
from softal.surrogates.gaussian_processes.gp import fit_gp, train

pytestmark = pytest.mark.learning

D = 3
FIXED = Hyperparameters((0.4, 0.7, 1.5), outputscale=1.7, mean=0.2, noise=0.01, extra=2e-6).to_dict()
UNKNOWN, KNOWN, MIXED = "unknown errors", "known errors", "some known errors"


def data(n=25, seed=0, errors=UNKNOWN, noise=0.05):
    rng = np.random.default_rng(seed)
    X = rng.random((n, D))
    Y = 300.0 + 40.0 * (np.sin(5.0 * X[:, 0]) + X[:, 1] ** 2 + noise * rng.standard_normal(n))
    known = {UNKNOWN: np.zeros(n), KNOWN: np.ones(n), MIXED: rng.random(n) < 0.5}[errors].astype(bool)
    return X, Y, np.where(known, (40.0 * noise) ** 2 * rng.uniform(0.5, 1.5, n), np.nan)


def by_hand(X, Y, Yvar, T, h=FIXED):
    """Rasmussen & Williams 2.25 and 2.26 with explicit inverses, in natural units."""
    offset, scale = np.mean(Y), np.std(Y)
    y, v = (Y - offset) / scale, Yvar / scale**2

    def k(A, B):
        return h["outputscale"] * np.exp(
            -0.5 * sum((A[:, None, j] - B[None, :, j]) ** 2 / h["lengthscales"][j] ** 2 for j in range(D))
        )

    C_inv = np.linalg.inv(k(X, X) + np.diag(np.where(np.isnan(v), h["noise"], v + h["extra"])))
    mean = h["mean"] + k(T, X) @ C_inv @ (y - h["mean"])
    variance = h["outputscale"] - np.einsum("ij,jk,ik->i", k(T, X), C_inv, k(T, X))
    return offset + scale * mean, scale**2 * variance


@pytest.mark.parametrize("errors", [UNKNOWN, KNOWN, MIXED])
def test_posterior_is_the_closed_form(errors):
    X, Y, Yvar = data(errors=errors)
    T = np.random.default_rng(1).random((40, D))
    gp, scaling = train(X, Y, Yvar, hyperparameters=FIXED)
    mean, variance = by_hand(X, Y, Yvar, T)
    found, found_variance = gp.posterior(T)
    # C has a condition number of about 1e4, so that inverses agree to 1e-12
    np.testing.assert_allclose(scaling.mean + scaling.scale * found, mean, rtol=1e-10)
    np.testing.assert_allclose(scaling.scale**2 * found_variance, variance, rtol=1e-8)


@pytest.mark.parametrize("categorical", [(), (2,)])
@pytest.mark.parametrize("errors", [UNKNOWN, KNOWN, MIXED])
def test_the_botorch_model_has_the_same_posterior(errors, categorical):
    X, Y, Yvar = data(errors=errors)
    T = np.random.default_rng(1).random((40, D))
    for points in (X, T):
        points[:, 2] = (np.floor(3 * points[:, 2]) + 0.5) / 3
    gp, scaling = train(X, Y, Yvar, categorical)
    posterior = fit_gp(X, Y, Yvar, categorical).posterior(torch.from_numpy(T))
    mean, variance = gp.posterior(T)
    np.testing.assert_allclose(posterior.mean[:, 0].numpy(), scaling.mean + scaling.scale * mean, rtol=1e-8)
    np.testing.assert_allclose(
        posterior.variance[:, 0].numpy(), scaling.scale**2 * variance, rtol=1e-6, atol=1e-9 * scaling.scale**2
    )


@pytest.mark.parametrize("errors", [UNKNOWN, KNOWN, MIXED])
def test_leave_one_out_is_a_refit_without_each_point(errors):
    X, Y, Yvar = data(errors=errors)
    gp, _ = train(X, Y, Yvar, hyperparameters=FIXED)
    mean, variance = gp.leave_one_out()
    for i in range(len(Y)):
        rest = np.arange(len(Y)) != i
        without = type(gp)(gp.X[rest], gp.y[rest], gp.variance[rest], gp.encoding, gp.hyperparameters)
        m, v = without.posterior(gp.X[[i]])
        assert mean[i] == pytest.approx(m[0], abs=1e-10)
        assert variance[i] == pytest.approx(v[0] + gp.noise[i], rel=1e-8)


def test_gradient_of_the_density_is_that_of_finite_differences():
    X, Y, Yvar = data(errors=MIXED)
    scale = np.std(Y)
    density = Density(X, (Y - Y.mean()) / scale, Yvar / scale**2, [(0,), (1, 2)])
    theta = density.start(0.5) + 0.1
    numerical = approx_fprime(theta, lambda t: density(t)[0], 1e-6)
    # forward differences of a value of about 30 with steps of 1e-6 are good to about 1e-4
    np.testing.assert_allclose(density(theta)[1], numerical, atol=2e-3)


def test_the_mean_is_the_one_of_generalised_least_squares():
    X, Y, Yvar = data()
    gp, _ = train(X, Y, Yvar)
    C_inv = np.linalg.inv(covariance(gp.Z, gp.Z, gp.hyperparameters) + np.diag(gp.noise))
    assert gp.hyperparameters.mean == pytest.approx(gls_mean(C_inv, gp.y), abs=1e-6)


def test_noise_is_learned_where_no_error_is_known():
    X, Y, Yvar = data(n=200, noise=0.3)
    gp, scaling = train(X, Y, Yvar)
    learned = np.sqrt(gp.hyperparameters.noise) * scaling.scale
    assert learned == pytest.approx(0.3 * 40.0, rel=4 / np.sqrt(2 * 200))  # 4 sigma of a standard deviation's error


def test_errors_that_are_too_small_are_not_believed():
    X, Y, _ = data(n=100, noise=0.3)
    Yvar = np.full(100, (40.0 * 0.003) ** 2)  # a hundredth of the true standard error
    gp, scaling = train(X, Y, Yvar)
    assert np.sqrt(gp.hyperparameters.extra) * scaling.scale == pytest.approx(0.3 * 40.0, rel=4 / np.sqrt(200))


def test_errors_that_are_right_are_believed():
    X, Y, Yvar = data(n=100, noise=0.3, errors=KNOWN)
    gp, scaling = train(X, Y, Yvar)
    assert gp.hyperparameters.extra * scaling.scale**2 < 0.3 * np.mean(Yvar)


@pytest.mark.parametrize("n", [25, 60])
def test_intervals_of_a_known_process_hold_what_they_say(n):
    """Draw functions from the process itself: 95 % of true values lie in the 95 % interval, hyperparameters fitted."""
    h = Hyperparameters(FIXED["lengthscales"], outputscale=1.7)
    inside = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = np.vstack([qmc.Sobol(D, rng=rng).random(64)[:n], rng.random((40, D))])
        f = np.linalg.cholesky(covariance(X, X, h) + 1e-9 * np.eye(len(X))) @ rng.standard_normal(len(X))
        gp, scaling = train(X[:n], f[:n] + 0.1 * rng.standard_normal(n), np.full(n, 0.01))
        mean, variance = gp.posterior(X[n:])
        error = np.abs(scaling.mean + scaling.scale * mean - f[n:])
        inside.append(np.mean(error <= 1.96 * scaling.scale * np.sqrt(variance)))
    # points of one function are correlated, functions are independent: the error of the mean comes from 20 functions
    sigma = np.std(inside, ddof=1) / np.sqrt(len(inside))
    assert abs(np.mean(inside) - 0.95) < 4 * sigma + 0.03  # 0.03: fitted hyperparameters are taken as exact
    assert np.mean(inside) > 0.85


def test_a_fit_takes_no_random_numbers_and_repeats():
    X, Y, Yvar = data(n=80)
    state = torch.get_rng_state()
    models = [fit_gp(X, Y, Yvar, max_fit=40, max_points=60) for _ in range(2)]
    assert torch.equal(state, torch.get_rng_state())
    assert models[0].hyperparameters == models[1].hyperparameters
    assert len(models[0].train_targets) == 60


def test_choices_matter_only_by_being_equal():
    """Another order of the choices, so other coordinates, gives the same predictions."""
    rng = np.random.default_rng(0)
    numbers, choice = rng.random(60), rng.integers(0, 4, 60)
    Y = np.sin(4 * numbers) + np.array([0.0, 2.0, -1.0, 0.5])[choice]
    results = []
    for order in (np.arange(4), np.array([2, 0, 3, 1])):
        X = np.column_stack([numbers, (order[choice] + 0.5) / 4])
        results.append(train(X[:40], Y[:40], np.full(40, np.nan), (1,))[0].posterior(X[40:]))
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-5)


def test_an_unseen_choice_is_less_certain():
    X, Y, Yvar = data(n=40)
    X[:, 2] = np.where(X[:, 2] < 0.5, 1 / 6, 3 / 6)
    gp, _ = train(X, Y + 40.0 * X[:, 2], Yvar, (2,))
    seen, unseen = X[:5].copy(), X[:5].copy()
    unseen[:, 2] = 5 / 6
    assert np.all(gp.posterior(unseen)[1] > gp.posterior(seen)[1])


def test_acquisition_functions_and_sample_paths_take_the_model():
    from botorch.acquisition import LogExpectedImprovement
    from botorch.optim import optimize_acqf
    from botorch.sampling.pathwise import draw_matheron_paths

    X, Y, Yvar = data(n=30, errors=KNOWN)
    X[:, 2] = (np.floor(3 * X[:, 2]) + 0.5) / 3
    model = fit_gp(X, Y, Yvar, (2,))
    T = torch.from_numpy(X[:10])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        paths = draw_matheron_paths(model, torch.Size([256]))(T)
        bounds = torch.tensor([[0.0] * D, [1.0] * D], dtype=torch.double)
        acquisition = LogExpectedImprovement(model, best_f=Y.min(), maximize=False)
        candidate, _ = optimize_acqf(acquisition, bounds, 1, num_restarts=2, raw_samples=16, options={"maxiter": 5})
    assert paths.shape == (256, 10)
    assert candidate.shape == (1, D)
    posterior = model.posterior(T)
    sigma = (posterior.mean[:, 0] - paths.mean(0)) / posterior.variance[:, 0].sqrt()
    assert sigma.abs().max() < 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros(5)}, "shapes"),
        ({"Y": np.zeros(3)}, "shapes"),
        ({"Y": np.array([1.0, np.nan, 2.0, 3.0, 4.0])}, "NaN"),
        ({"Yvar": np.array([1.0, -1.0, 2.0, 3.0, 4.0])}, "variance is -1"),
        ({"categorical": (3,)}, "0 to 2 are allowed"),
        ({"hyperparameters": {"lengthscales": [1.0]}}, "3 are needed"),
        ({"X": np.zeros((0, 3)), "Y": np.zeros(0), "Yvar": np.zeros(0)}, "no training points"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    X, Y, Yvar = data(n=5)
    with pytest.raises(SurrogateError, match=message):
        fit_gp(**{"X": X, "Y": Y, "Yvar": Yvar, **change})


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_points_are_enough(n):
    X, Y, Yvar = data(n=n)
    posterior = fit_gp(X, Y, Yvar).posterior(torch.rand(4, D, dtype=torch.double, generator=torch.Generator()))
    assert torch.isfinite(posterior.mean).all()
    assert (posterior.variance > 0).all()


def test_a_thousand_points_are_fast_and_exact():
    X, Y, Yvar = data(n=1000)
    space = Space({name: {"low": 0.0, "high": 1.0} for name in "abc"})
    surrogate = build("gp", space, ["y"])
    surrogate.fit_arrays(X, Y[:, None], Yvar[:, None])
    found = surrogate.diagnostics()
    assert found.n == 1000
    assert found.r2["y"] > 0.98
    assert found.rmse["y"] == pytest.approx(40.0 * 0.05, rel=0.15)
    sigma = np.sqrt(0.95 * 0.05 / 1000)
    assert abs(found.coverage["y"] - 0.95) < 4 * sigma


@pytest.mark.parametrize("reported", [0.0, 1e-8])
def test_runs_that_scatter_by_more_than_they_say(reported):
    """Errors from within a run say nothing of what differs between runs: the rest is inferred beside them."""
    rng, scatter = np.random.default_rng(5), 0.2
    X = np.repeat(rng.random((25, 2)), 2, axis=0)
    Y = np.sin(4 * X[:, 0]) + X[:, 1] + scatter * rng.standard_normal(len(X))
    gp, scaling = train(X, Y, np.full(len(X), reported**2))
    assert scaling.scale * gp.hyperparameters.extra**0.5 == pytest.approx(scatter, rel=0.35)
    mean, _ = gp.posterior(X)
    truth = np.sin(4 * X[:, 0]) + X[:, 1]
    assert np.sqrt(np.mean((scaling.mean + scaling.scale * mean - truth) ** 2)) < 0.7 * scatter


def test_errors_are_bounded_below_by_a_part_of_the_range():
    X, Y = np.random.default_rng(0).random((30, 2)), np.linspace(0.0, 1.0, 30)
    gp, _ = train(X, Y, np.where(np.arange(30) % 2, 1e-3, 1e-8) ** 2)
    assert np.sqrt(gp.noise.min()) > 1e-3  # of the spread
