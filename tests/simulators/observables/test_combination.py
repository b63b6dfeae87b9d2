"""The best linear combination of estimates against its closed form, and what it never does."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables.combination import combined


def normal(covariance: np.ndarray, blocks: int, bins: int, seed: int = 0) -> np.ndarray:
    """Estimates (m + 1, T, b) of 1 with a covariance between them, independent in blocks and bins."""
    rng = np.random.default_rng(seed)
    return np.moveaxis(1 + rng.multivariate_normal(np.zeros(len(covariance)), covariance, (blocks, bins)), -1, 0)


def best_variance(covariance: np.ndarray) -> float:
    """1 / (1^T S^-1 1): the least variance of a combination whose weights add up to 1."""
    return float(1 / np.linalg.inv(covariance).sum())


THREE = np.array([[1.0, 0.2, -0.1], [0.2, 0.8, 0.3], [-0.1, 0.3, 2.0]])


@pytest.mark.parametrize("covariance", [THREE, THREE[:2, :2], np.diag([1.0, 1.0, 1.0])])
def test_it_has_the_least_variance(covariance: np.ndarray) -> None:
    """2000 bins of 100 blocks: the variance of their means is known to 3 %, of which 3 sigma are allowed, and is 2 %
    above the least since weights are known from 100 blocks."""
    found = combined(normal(covariance, 100, 2000))
    expected = best_variance(covariance) / 100
    assert found.values.var() == pytest.approx(expected, rel=0.12)
    # Errors from 100 independent blocks are a little too large, as tau is never below 1/2: the histogram's alike.
    cautious = np.mean(found.histogram_errors**2) * 100 / covariance[0, 0]
    assert 1 < cautious < 1.15
    assert np.mean(found.errors**2) == pytest.approx(cautious * expected, rel=0.06)
    assert abs(found.values.mean() - 1) < 4 * np.sqrt(expected / 2000)
    weights = np.linalg.inv(covariance).sum(axis=0) * best_variance(covariance)
    np.testing.assert_allclose(found.weights.mean(axis=1), weights, atol=0.02)
    np.testing.assert_allclose(found.weights.sum(axis=0), 1.0)


def test_it_is_never_worse_than_the_histogram() -> None:
    """Estimates that say nothing: noise alone makes some weights, whose error the histogram's bounds."""
    estimates = normal(np.diag([1.0, 100.0, 100.0]), 16, 5000)
    found = combined(estimates)
    assert np.all(found.errors <= found.histogram_errors)
    assert np.all(found.gain >= 1)
    assert found.values.var() < 1.1 * found.histogram.var()
    np.testing.assert_allclose(found.histogram, estimates[0].mean(axis=0))


def test_correlated_blocks_count_less() -> None:
    """Each block twice: half as many that are independent."""
    once = normal(THREE, 100, 500)
    ratio = combined(np.repeat(once, 2, axis=1)).errors / combined(once).errors
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.12)


def test_what_is_never_seen_is_zero() -> None:
    """No particle and no force was there; two estimates that are one; the others still count."""
    estimates = normal(THREE, 50, 3)
    estimates[:, :, 0] = 0.0
    estimates[2, :, 1] = estimates[1, :, 1]
    found = combined(estimates)
    assert (found.values[0], found.errors[0], found.gain[0]) == (0.0, 0.0, 1.0)
    assert np.all(np.isfinite(found.weights))
    assert found.gain[1] > 1


def test_rare_events_do_not_cancel() -> None:
    """One block of 50 has seen a particle: some combination is zero in all blocks, which is no result."""
    estimates = np.zeros((3, 50, 1))
    estimates[:, 7, 0] = 1.0, 0.5, 2.0
    found = combined(estimates)
    assert found.values[0] == pytest.approx(1 / 50)
    assert found.errors[0] > 0


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(SimulationError, match="8 blocks are too few to combine 3 estimates: 12 are needed"):
        combined(normal(THREE, 8, 2))
