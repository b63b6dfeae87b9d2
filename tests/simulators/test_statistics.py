"""Errors of correlated series against the exact ones of white noise and of AR(1)."""

from __future__ import annotations

import time

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.statistics import autocorrelation_time, equilibrated, mean_and_error, standard_error


def autoregressive(phi: float, samples: int, series: int, seed: int = 0) -> np.ndarray:
    """x_t = phi x_{t-1} + noise, stationary, unit variance; shape (samples, series)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, series))
    for t in range(1, samples):
        x[t] = phi * x[t - 1] + np.sqrt(1 - phi**2) * x[t]
    return x


def exact_error(phi: float, samples: int) -> float:
    """Exact standard error of the mean of AR(1) with unit variance, with all finite-length terms."""
    lags = np.arange(1, samples)
    return float(np.sqrt((1 + 2 * np.sum((1 - lags / samples) * phi**lags)) / samples))


@pytest.mark.parametrize(("phi", "samples"), [(0.0, 200), (0.5, 200), (0.8, 1000), (0.95, 4000)])
def test_error_of_autoregressive_series(phi: float, samples: int) -> None:
    series = 400
    x = autoregressive(phi, samples, series)
    mean, error = mean_and_error(x)
    exact = exact_error(phi, samples)
    # The spread of the means is the truth, known to 1 / sqrt(2 series); the exact formula is checked with it.
    assert abs(mean.std() / exact - 1) < 4 / np.sqrt(2 * series)
    assert np.sqrt(np.mean(error**2)) == pytest.approx(exact, rel=0.1)
    assert np.mean(np.abs(mean) < 2 * error) > 0.9


def test_anticorrelated_series_are_taken_as_independent() -> None:
    _, error = mean_and_error(autoregressive(-0.5, 500, 400))
    assert np.sqrt(np.mean(error**2)) == pytest.approx(1 / np.sqrt(500), rel=0.1)
    assert np.sqrt(np.mean(error**2)) > exact_error(-0.5, 500)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_autocorrelation_time(phi: float) -> None:
    tau = autocorrelation_time(autoregressive(phi, 5000, 100, seed=1))
    expected = 0.5 * (1 + phi) / (1 - phi)
    assert abs(tau.mean() - expected) < 4 * tau.std() / np.sqrt(len(tau)) + 0.02 * expected


@pytest.mark.parametrize(("phi", "samples", "covered"), [(0.0, 20, 0.85), (0.5, 50, 0.85), (0.8, 100, 0.85)])
def test_short_series_are_not_far_off(phi: float, samples: int, covered: float) -> None:
    mean, error = mean_and_error(autoregressive(phi, samples, 500, seed=2))
    assert np.mean(np.abs(mean) < 2 * error) > covered


def test_columns_are_independent_of_each_other() -> None:
    x = autoregressive(0.7, 300, 6, seed=3).reshape(300, 2, 3)
    mean, error = mean_and_error(x)
    assert mean.shape == error.shape == (2, 3)
    assert error[1, 2] == pytest.approx(standard_error(x[:, 1, 2]), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.7e5, 0.1])
@pytest.mark.parametrize("samples", [2, 3, 17, 1000])
def test_constant_series(value: float, samples: int) -> None:
    mean, error = mean_and_error(np.full(samples, value))
    assert mean == pytest.approx(value)
    assert error == 0


def test_a_shift_and_a_scale_carry_over() -> None:
    x = autoregressive(0.6, 400, 1, seed=4)[:, 0]
    assert standard_error(3 * x + 1e4) == pytest.approx(3 * standard_error(x), rel=1e-6)


def test_one_sample_has_no_error() -> None:
    mean, error = mean_and_error([2.5])
    assert mean == 2.5
    assert np.isnan(error)


@pytest.mark.parametrize("samples", [2, 3, 4, 5])
def test_a_few_samples_give_a_finite_error(samples: int) -> None:
    _, error = mean_and_error(np.random.default_rng(0).normal(size=(samples, 100)))
    assert np.all(np.isfinite(error))
    assert np.all(error > 0)


@pytest.mark.parametrize("series", [[], 1.0, [1.0, np.nan], [np.inf, 1.0]])
def test_what_is_no_series_is_refused(series: object) -> None:
    with pytest.raises(SimulationError, match="series"):
        mean_and_error(series)  # type: ignore[arg-type]


@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_the_warm_up_is_found(phi: float) -> None:
    """A decay over 60 samples that begins 10 standard deviations away: what is left of it is below the error."""
    decay = 10 * np.exp(-np.arange(1000) / 60)
    series = autoregressive(phi, 1000, 60, seed=5).T + decay
    starts = np.array([equilibrated(one) for one in series])
    assert 200 < np.median(starts) < 500
    assert np.mean(starts > 700) < 0.1
    found = [mean_and_error(one[start:]) for one, start in zip(series, starts, strict=True)]
    z = np.array([mean / error for mean, error in found])
    # 3 of 60 are expected beyond 2 errors; 12 are 5 standard deviations more, and with the start that leaves the most
    # independent samples it is 17.
    assert np.sum(np.abs(z) > 2) < 12
    errors = np.array([error for _, error in found])
    assert np.abs(series.mean(axis=1)).min() > 3 * np.median(errors)  # with the warm-up


def test_the_warm_up_of_a_long_series_takes_no_time() -> None:
    """A million samples: seconds of Fourier transforms, if each were looked at."""
    n = 1_000_000
    series = np.random.default_rng(8).normal(size=n) + 10 * np.exp(-np.arange(n) / 60_000)
    begun = time.process_time()
    start = equilibrated(series)
    assert time.process_time() - begun < 3
    assert 200_000 < start < 700_000  # 10 exp(-t / 60_000) is 0.36 at the first, 1e-4 at the last


def test_what_has_no_warm_up_keeps_most() -> None:
    starts = [equilibrated(one) for one in autoregressive(0.5, 500, 60, seed=7).T]
    assert np.median(starts) < 150
    assert equilibrated(np.ones(50)) == 0
    assert equilibrated(np.arange(9.0)) == 0
