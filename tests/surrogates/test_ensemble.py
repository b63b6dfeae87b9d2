"""The ensemble: calibration, folds, noise, seeds, and tuning by Ray Tune."""

import numpy as np
import pytest
import torch

from softal.errors import SurrogateError
from softal.space import Space
from softal.surrogates import build
from softal.surrogates.ensembles.calibration import calibration
from softal.surrogates.ensembles.mlp import FOLD_MEMBERS, FOLDS, Shape, forward, initial, train

pytestmark = pytest.mark.learning

UNIT = {"low": 0.0, "high": 1.0}
SPACE = Space({"a": UNIT, "b": UNIT})


def truth(X):
    return np.sin(5 * X[:, 0]) + X[:, 1] ** 2


def data(n=120, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2))
    return X, (truth(X) + noise * rng.standard_normal(n))[:, None]


def ensemble(**settings):
    return build("ensemble", SPACE, ["y"], {"members": 6, "width": 32, "steps": 400, **settings})


@pytest.fixture(scope="module")
def fitted():
    surrogate = ensemble()
    surrogate.fit_arrays(*data())
    return surrogate


def test_it_learns_the_function_to_about_the_noise(fitted):
    X = np.random.default_rng(1).random((500, 2))
    assert np.sqrt(np.mean((fitted.posterior(X).mean[:, 0] - truth(X)) ** 2)) < 0.06


def test_intervals_hold_trials_that_it_has_not_seen(fitted):
    """The interval of new observations, noise included, holds 95 % of 400, within 4 sigma and 5 % of calibration."""
    X, Y = data(n=400, seed=1)
    posterior = fitted.posterior(X)
    noise = fitted._noise[0] * fitted._scalings[0].scale ** 2
    inside = np.abs(Y - posterior.mean) <= 1.96 * np.sqrt(posterior.variance + noise)
    assert abs(np.mean(inside) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400) + 0.05
    assert fitted.diagnostics().coverage["y"] == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 120))


def test_what_it_says_of_unseen_trials_comes_true(fitted):
    X, Y = data(n=400, seed=1)
    rmse = float(np.sqrt(np.mean((fitted.posterior(X).mean - Y) ** 2)))
    assert fitted.diagnostics().rmse["y"] == pytest.approx(rmse, rel=0.4)


def test_it_is_less_certain_where_there_are_no_trials():
    X, Y = data()
    corner = (X < 0.5).all(axis=1)
    surrogate = ensemble()
    surrogate.fit_arrays(X[corner], Y[corner])
    inside, outside = (surrogate.posterior(np.full((1, 2), at)).std[0, 0] for at in (0.25, 0.95))
    assert outside > 3 * inside


def test_another_seed_gives_another_ensemble(fitted):
    other = ensemble(seed=1)
    other.fit_arrays(*data())
    X = np.random.default_rng(2).random((50, 2))
    assert not np.allclose(other.posterior(X).mean, fitted.posterior(X).mean, rtol=1e-6)


def test_known_errors_tell_good_trials_from_bad_ones():
    X, Y = data(noise=0.02)
    bad = np.arange(len(X)) % 2 == 0
    Y[bad] += 3.0 * np.random.default_rng(1).standard_normal((bad.sum(), 1))
    Yvar = np.where(bad, 9.0, 0.02**2)[:, None]
    told, untold = ensemble(), ensemble()
    told.fit_arrays(X, Y, Yvar)
    untold.fit_arrays(X, Y)
    T = np.random.default_rng(2).random((300, 2))
    error = [np.sqrt(np.mean((s.posterior(T).mean[:, 0] - truth(T)) ** 2)) for s in (told, untold)]
    assert error[0] < 0.5 * error[1]


def test_samples_have_the_mean_and_covariance_of_the_members(fitted):
    X = np.random.default_rng(3).random((10, 2))
    drawn = fitted.sample(X, 4000, np.random.default_rng(4))[:, :, 0]
    posterior = fitted.posterior(X)
    assert np.max(np.abs(drawn.mean(axis=0) - posterior.mean[:, 0]) / posterior.std[:, 0]) < 5 / np.sqrt(4000)
    np.testing.assert_allclose(drawn.var(axis=0), posterior.variance[:, 0], rtol=5 * np.sqrt(2 / 4000))


def test_one_trial_is_too_few():
    with pytest.raises(SurrogateError, match="at least 2 trials"):
        ensemble().fit_arrays([[0.5, 0.5]], [[1.0]])


def test_batched_networks_are_what_they_are_one_by_one():
    generator = torch.Generator().manual_seed(0)
    parameters = initial(3, [2, 8, 8, 1], generator)
    x = torch.randn(5, 2, generator=generator)
    for i, batched in enumerate(forward(parameters, x)):
        h = x
        for layer in range(3):
            h = h @ parameters[2 * layer][i] + parameters[2 * layer + 1][i]
            h = torch.nn.functional.silu(h) if layer < 2 else h
        torch.testing.assert_close(batched, h)


def test_every_trial_is_left_out_once():
    """With targets that are noise, what is left out is not predicted, however long the rest is learned by heart."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (40, 2)), rng.standard_normal((40, 1))
    trained = train(x, y, np.full_like(y, np.nan), Shape(64, 2, 1e-2), 2, 300, 0)
    assert np.isfinite(trained.mean).all()
    assert trained.score > 0.8 * np.std(y)
    assert len(trained.networks[0]) == 2
    assert FOLDS * FOLD_MEMBERS > 2


@pytest.mark.parametrize(("factor", "noise"), [(1.0, 0.1), (2.5, 0.01), (1.0, 0.0)])
def test_calibration_finds_factor_and_noise(factor, noise):
    rng = np.random.default_rng(0)
    spread = np.exp(rng.uniform(-6, 0, 2000))
    known = np.where(rng.random(2000) < 0.5, 0.2, np.nan)
    variance = factor**2 * spread + noise + np.nan_to_num(known)
    found = calibration(np.sqrt(variance) * rng.standard_normal(2000), spread, known)
    assert found[0] == pytest.approx(factor, rel=0.1)
    assert found[1] == pytest.approx(noise, rel=0.3, abs=0.01)


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.usefixtures("no_ray")
@pytest.mark.timeout(600)  # Ray starts twice, and every try imports torch in a process of its own
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ray leaves sockets and files open
def test_ray_tune_finds_a_shape_with_and_without_a_running_ray():
    import ray

    tuned = ensemble(width=4, depth=1, learning_rate=1e-3, tune={"samples": 2, "steps": 60})
    assert not ray.is_initialized()
    tuned.fit_arrays(*data(n=40))
    assert not ray.is_initialized()
    first = tuned.shape
    assert first != Shape(4, 1, 1e-3)  # four units and a tiny step in 60 steps lose against anything
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        tuned.fit_arrays(*data(n=40))
        assert ray.is_initialized()
    finally:
        ray.shutdown()
    assert tuned.shape == first
