"""Means of correlated time series and their standard errors.

A simulation's samples are correlated: N samples are worth N / (2 tau) independent ones, tau being the integrated
autocorrelation time in units of the sampling interval. The error found here is the one that averages over blocks much
longer than tau would give, without having to choose the blocks: the autocorrelation function is summed up to a window
that Wolff's criterion chooses,

    error^2 = Gamma(0) 2 tau / N,    tau = 1/2 + sum_{t=1}^{W} Gamma(t) / Gamma(0).

On series as short as a simulation's (a hundred samples) it is nearer to the truth than blocking with an automatic
choice of the plateau (M. Jonsson, Phys. Rev. E 98, 043304 (2018)), which came out 20 to 35 % too small for
autocorrelation times of 1.5 to 5 samples.

Source: U. Wolff, Monte Carlo errors with less errors, Comput. Phys. Commun. 156, 143 (2004); equation numbers are his.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.errors import SimulationError
from softal.numeric import Floats

STAU = 1.5  # ratio of the decay time to tau that the window's choice assumes; Wolff's recommendation, 1 to 2
SHORTEST_SERIES = 10  # samples of which the beginning can be told from the rest
LONGEST_SERIES = 5000  # samples in which a warm-up is looked for
STARTS, LATEST_START = 60, 0.9  # how many indices are tried, and up to which part of a series
LATEST_DOUBLED = 0.6  # of a series, which leaves two fifths
SHORTEST_HALF = 4  # samples of a half of a series that have an error worth the name


def mean_and_error(series: ArrayLike) -> tuple[Floats, Floats]:
    """Return the mean over time and its standard error.

    Args:
        series: shape (T, ...), time first; equally spaced samples.

    Returns:
        mean and standard error, shape (...). The error is NaN for a single sample and 0 for a constant series.

    Raises:
        SimulationError: if the series is empty or holds values that are not finite.
    """
    x = _checked(series)
    flat = (x - x[0]).reshape(len(x), -1)  # a constant's mean rounds, which would look like scatter
    tau = _tau(flat)
    # ddof=1: the bias of the naive part; Wolff's (49) corrects for the rest in _tau.
    variance = flat.var(axis=0, ddof=1) if len(x) > 1 else np.full(flat.shape[1], np.nan)
    error = np.sqrt(2 * tau * variance / len(x))
    return x.mean(axis=0), error.reshape(x.shape[1:])


def standard_error(series: ArrayLike) -> float:
    """Return the standard error of the mean of one time series, shape (T,); NaN for a single sample."""
    return float(mean_and_error(series)[1])


def autocorrelation_time(series: ArrayLike) -> Floats:
    """Return the integrated autocorrelation time tau [samples], shape (...), of a series of shape (T, ...).

    It is 1/2 for independent samples, and 1/2 (1 + phi)/(1 - phi) where the correlation decays as phi^t.
    """
    x = _checked(series)
    return _tau(x.reshape(len(x), -1)).reshape(x.shape[1:])


def equilibrated(series: ArrayLike) -> int:
    """Return the index from which a time series, shape (T,), is taken as equilibrated.

    Chodera's start t leaves the most independent samples, (T - t) / (2 tau_t), tau_t being the autocorrelation time of
    what is left: a warm-up that is kept makes tau long. Bias and error are then alike: of white noise behind a decay
    over 60 of 1000 samples, a third of the means were more than two errors away. So 2 t is taken (6 % then), if enough
    is left. Short series are kept whole.

    Source: J. D. Chodera, J. Chem. Theory Comput. 12, 1799 (2016), eq. (10); as `pymbar.timeseries` does.
    """
    x = _checked(series)
    if len(x) < SHORTEST_SERIES:
        return 0
    if len(x) >= 2 * LONGEST_SERIES:  # means over blocks have the same warm-up, in seconds less
        size = len(x) // LONGEST_SERIES
        return size * equilibrated(x[: len(x) // size * size].reshape(-1, size).mean(axis=1))
    starts = np.unique(np.linspace(0, LATEST_START * len(x), STARTS).astype(int))
    samples = [(len(x) - t) / (2 * float(autocorrelation_time(x[t:]))) for t in starts]
    start = int(starts[int(np.argmax(samples))])
    return 2 * start if 2 * start <= LATEST_DOUBLED * len(x) else start


def aging_of(series: Sequence[Floats]) -> float:
    """Return the largest difference of the halves of time series, shapes (n,), in standard errors.

    The error is that of what a straight line through the series leaves: a drift, which is looked for, must not count
    as noise.
    """
    largest = 0.0
    for one in series:
        half, time = len(one) // 2, np.arange(len(one))
        if half < SHORTEST_HALF:
            continue
        left = one - np.polynomial.Polynomial.fit(time, one, 1)(time)
        error = 2.0 * float(mean_and_error(left)[1])
        if error > 1e-12 * np.abs(one).max():
            largest = max(largest, abs(float(np.mean(one[:half]) - np.mean(one[half:]))) / error)
    return largest


def _checked(series: ArrayLike) -> Floats:
    x = np.asarray(series, dtype=np.float64)
    if x.ndim == 0 or len(x) == 0:
        raise SimulationError("a time series needs at least one sample")
    if not np.all(np.isfinite(x)):
        raise SimulationError(f"a time series holds {np.sum(~np.isfinite(x))} samples that are not finite")
    return x


def _autocovariance(x: Floats) -> Floats:
    """Return Gamma(t), (31): shape (T, b), by the fast Fourier transform, padded against wrapping round."""
    n = len(x)
    transform = np.fft.rfft(x - x.mean(axis=0), 2 * n, axis=0)
    gamma = np.fft.irfft(np.abs(transform) ** 2, 2 * n, axis=0)[:n]
    return np.asarray(gamma / (n - np.arange(n))[:, None])


def _tau(x: Floats) -> Floats:
    """Return tau of each column of x, shape (T, b) -> (b,); at least 1/2, that of independent samples."""
    n, columns = x.shape
    window_max = n // 2
    if window_max < 1:
        return np.full(columns, 0.5)
    gamma = _autocovariance(x)
    # A series that is constant but for rounding has no correlation to speak of.
    moving = gamma[0] > (1e-14 * np.abs(x).max(axis=0)) ** 2
    rho = gamma[1 : window_max + 1] / np.where(moving, gamma[0], 1.0)
    tau = 0.5 + np.cumsum(rho, axis=0)
    window = _window(tau, n)
    chosen = tau[window - 1, np.arange(columns)] * (1 + (2 * window + 1) / n)  # (49)
    # Anticorrelation (tau < 1/2) would make the error smaller than that of independent samples; the window's criterion
    # cannot tell it from noise, so it is not made use of.
    return np.where(moving, np.maximum(chosen, 0.5), 0.5)


def _window(tau: Floats, n: int) -> NDArray[np.intp]:
    """Return the window W of each column: the first W where g(W) = exp(-W/tau_W) - tau_W/sqrt(W N) < 0, (51), (52)."""
    w = np.arange(1, len(tau) + 1)[:, None]
    clipped = np.maximum(tau, 0.5 + 1e-12)
    decay = np.where(tau <= 0.5, 1e-12, STAU / np.log((2 * clipped + 1) / (2 * clipped - 1)))
    good = np.exp(-w / decay) - decay / np.sqrt(w * n) < 0
    first = np.where(good.any(axis=0), good.argmax(axis=0), len(tau) - 1)
    return np.asarray(first + 1)
