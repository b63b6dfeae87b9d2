"""Density profiles from counts and forces: exact for an ideal gas, and without bias where particles interact."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.engines import Mie
from softal.simulators.observables.combination import combined
from softal.simulators.observables.density_profile import (
    HISTOGRAM,
    LEFT,
    RIGHT,
    DensityProfile,
    folded,
    with_total,
)

H, AREA, KT = 3.0, 40.0, 1.3
WALL = Mie(1.0, 0.3, 0.3 * 2 ** (1 / 6), shift=True)


def field(z: np.ndarray, slope: float) -> np.ndarray:
    """Energy between walls at 0 and H, with a constant force -slope."""
    return WALL.energy(z) + WALL.energy(H - z) + slope * z


def force(z: np.ndarray, slope: float) -> np.ndarray:
    return WALL.force(z) - WALL.force(H - z) - slope


def distribution(slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Places on a fine grid, and the part of the particles below each."""
    z = np.linspace(1e-3, H - 1e-3, 400_001)
    density = np.exp(-field(z, slope) / KT)
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return z, below / below[-1]


def exact(profile: DensityProfile, count: int, slope: float) -> np.ndarray:
    """The density of an ideal gas, averaged over each bin."""
    z, below = distribution(slope)
    half = (profile.grid[1] - profile.grid[0]) / 2
    part = np.interp(profile.grid + half, z, below) - np.interp(profile.grid - half, z, below)
    return count * part / (AREA * 2 * half)


@pytest.mark.parametrize("slope", [0.0, 0.8])
def test_an_ideal_gas_is_exact(slope: float) -> None:
    """Particles at equal parts of exp(-U/kT): all three are the density but for the grid's 5e-5; bins are wide."""
    profile = DensityProfile(0.0, H, 30, AREA, KT)
    z, below = distribution(slope)
    places = np.interp((np.arange(1_000_000) + 0.5) / 1_000_000, below, z)
    profile.sample(places, force(places, slope))
    profile.end_block()
    rho = exact(profile, 1_000_000, slope)
    for estimate in profile.estimates():
        np.testing.assert_allclose(estimate[0], rho, atol=5e-5 * rho.max())


def test_an_ideal_gas_at_random_is_known_better_from_forces() -> None:
    """Twelve runs, 300 bins: errors are the deviations' size, none is beyond 5, and the variance is less than a half.

    The mean square of the scores is 1 within 0.2: neighbouring bins are correlated, so a run has a few independent
    ones.
    """
    rng, scores, gains = np.random.default_rng(2), [], []
    z, below = distribution(0.8)
    for _ in range(12):
        profile = DensityProfile(0.0, H, 300, AREA, KT)
        for _ in range(64):
            for _ in range(10):
                places = np.interp(rng.random(50), below, z)
                profile.sample(places, force(places, 0.8))
            profile.end_block()
        found, rho = combined(with_total(profile.estimates())), exact(profile, 50, 0.8)
        bulk = (profile.grid > 0.4) & (profile.grid < 2.6)
        scores.append(((found.values - rho) / np.where(bulk, found.errors, 1.0))[bulk])
        gains.append(np.median(found.gain[bulk]))
    assert np.abs(scores).max() < 5
    assert 0.7 < np.mean(np.square(scores)) < 1.3
    assert np.min(gains) > 2


def test_left_and_right_differ_by_the_total_force() -> None:
    profile, rng = DensityProfile(-1.0, 2.0, 12, AREA, KT), np.random.default_rng(0)
    z, forces = rng.uniform(-1, 2, 40), rng.normal(size=40)
    profile.sample(z, forces)
    profile.sample(z, 3 * forces)
    profile.end_block()
    estimates = profile.estimates()
    np.testing.assert_allclose(estimates[LEFT] - estimates[RIGHT], 2 * forces.sum() / (KT * AREA))
    assert estimates[HISTOGRAM].sum() * AREA * 0.25 == pytest.approx(40)
    # Brute force: the integral of the density's slope up to each place in a bin, averaged over the bin.
    fine = np.linspace(-1, 2, 12_001)[:-1] + 3 / 24_000
    cumulative = 2 * np.array([forces[z < place].sum() for place in fine]) / (KT * AREA)
    np.testing.assert_allclose(estimates[LEFT, 0], cumulative.reshape(12, -1).mean(axis=1), atol=2e-4)


def test_folding_is_averaging_with_the_mirror_image() -> None:
    """A profile and its mirror image, both sampled, are what folding makes of one."""
    rng = np.random.default_rng(1)
    one, both = DensityProfile(-1.5, 1.5, 20, AREA, KT), DensityProfile(-1.5, 1.5, 20, AREA, KT)
    for _ in range(5):
        z, forces = rng.uniform(-1.5, 1.5, 30), rng.normal(size=30)
        one.sample(z, forces)
        both.sample(z, forces)
        both.sample(-z, -forces)
        for profile in (one, both):
            profile.end_block()
    np.testing.assert_allclose(folded(one.estimates()), both.estimates()[..., :10], atol=1e-12)
    with pytest.raises(SimulationError, match="5 bins has no middle"):
        folded(np.zeros((3, 2, 5)))


def test_the_known_number_takes_away_the_noise_that_bins_share() -> None:
    """Forces with a noise that pushes all integrals up or down: their total shows it, and it goes."""
    rng = np.random.default_rng(3)
    rho, shared = 2 + np.cos(np.linspace(0, 6, 40)), rng.normal(size=(60, 1))
    histogram = rho + rng.normal(size=(60, 40))
    histogram += rho.mean() - histogram.mean(axis=1, keepdims=True)
    integrals = [rho + 0.8 * shared + 0.02 * rng.normal(size=(60, 40)) for _ in range(2)]
    estimates = np.array([histogram, *integrals])
    without, known = combined(estimates), combined(with_total(estimates))
    assert with_total(estimates).shape == (4, 60, 40)
    assert np.median(known.errors) < 0.1 * np.median(without.errors)
    scores = (known.values - rho) / known.errors
    assert 0.5 < np.mean(scores**2) < 1.7
    assert known.values.mean() == pytest.approx(rho.mean(), abs=3e-3)


def test_a_particle_outside_has_escaped() -> None:
    profile = DensityProfile(0.0, H, 10, AREA, KT)
    with pytest.raises(SimulationError, match=r"a particle at z = 3\.1 has escaped"):
        profile.sample(np.array([1.0, 3.1]), np.zeros(2))
