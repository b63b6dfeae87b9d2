"""F_s and displacements: free flight, random walks, the schedule of origins, and errors that are the scatter."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables.dynamics import (
    Displacements,
    Schedule,
    decades,
    decay_time,
    decay_time_and_error,
    logarithmic_lags,
    scattering,
    squared_displacements,
)
from softal.simulators.statistics import mean_and_error

K = 7.25
TYPES = np.repeat([0, 1], [80, 20])
SCHEDULE = Schedule(np.array([1, 2, 4, 10]), every=3, total=31)


def test_lags_are_logarithmic_and_shared_by_runs_of_different_length() -> None:
    long, short = logarithmic_lags(2, 20_000, 15), logarithmic_lags(2, 200, 15)
    assert long[[0, -1]].tolist() == [2, 20_000]
    assert np.all(np.diff(long) > 0)
    assert set(short) <= set(long)
    assert len(long[long >= 2000]) == 16
    assert np.diff(np.log10(long[long > 200])) == pytest.approx(1 / 15, abs=0.003)
    assert logarithmic_lags(2, 25, 1).tolist() == [2, 20, 25]


def test_every_origin_meets_every_lag_once() -> None:
    assert SCHEDULE.origins.tolist() == [0, 3, 6, 9, 12, 15, 18, 21]
    events = list(SCHEDULE.events())
    steps = [step for step, _ in events]
    assert steps == sorted(set(steps))
    assert set(range(0, 32, 3)) <= set(steps)
    seen = {(origin, lag): step for step, due in events for origin, lag in due}
    expected = {
        (origin, lag): 3 * origin + (0 if lag < 0 else int(SCHEDULE.lags[lag]))
        for origin in range(8)
        for lag in range(-1, 4)
    }
    assert seen == expected


def test_an_origin_is_taken_before_it_is_looked_at() -> None:
    for _, due in SCHEDULE.events():
        lags = [lag for _, lag in due]
        assert lags == sorted(lags)


def measured(positions: list[np.ndarray], schedule: Schedule = SCHEDULE) -> Displacements:
    displacements = Displacements(TYPES, np.full(2, K), schedule)
    for step, due in schedule.events():
        displacements.take(positions[step], due)
    return displacements


def test_free_flight() -> None:
    """Velocities v and a common drift: d = v t, of each kind; F_s is the mean of sin(k d) / (k d)."""
    velocities = np.random.default_rng(0).normal(size=(100, 3))
    velocities -= velocities.mean(axis=0)
    found = measured([0.01 * (velocities + 5.0) * step for step in range(32)])
    speed = np.linalg.norm(velocities, axis=1)
    for kind in range(2):
        d = 0.01 * SCHEDULE.lags[:, None] * speed[kind == TYPES]
        assert found.msd[kind] == pytest.approx(np.broadcast_to((d**2).mean(axis=1), (8, 4)))
        assert found.F_s[kind] == pytest.approx(np.broadcast_to((np.sin(K * d) / (K * d)).mean(axis=1), (8, 4)))


def test_a_gas_has_the_ballistic_limit() -> None:
    """exp(-k^2 kT t^2 / 2), kT = 1."""
    velocities = np.random.default_rng(1).normal(size=(200_000, 3))
    for t in (0.01, 0.1, 0.2):
        squared = squared_displacements(np.zeros_like(velocities), velocities * t)
        assert scattering(squared, K) == pytest.approx(np.exp(-((K * t) ** 2) / 2), abs=0.005)
        assert squared.mean() == pytest.approx(3 * t**2, rel=0.01)


def walk(seed: int, schedule: Schedule, D: float = 0.002) -> Displacements:
    """100 particles that diffuse: F_s = exp(-k^2 D t), MSD = 6 D t."""
    steps = np.random.default_rng(seed).normal(size=(schedule.total + 1, 100, 3)) * np.sqrt(2 * D)
    return measured(list(np.cumsum(steps, axis=0)), schedule)


def test_diffusion_and_its_errors() -> None:
    """The mean over many runs is the law, and their scatter is what each of them says its error is."""
    schedule = Schedule(np.array([1, 3, 10, 30]), every=4, total=160)
    runs = [mean_and_error(walk(seed, schedule).F_s[0]) for seed in range(60)]
    mean, error = (np.array([run[part] for run in runs]) for part in range(2))
    # The mean displacement of all, which is taken off, is a share of 1/N of the motion.
    law = np.exp(-(K**2) * 0.002 * (1 - 1 / 100) * schedule.lags)
    assert np.all(np.abs(mean.mean(axis=0) - law) < 4.5 * mean.std(axis=0) / np.sqrt(60))
    assert np.sqrt((error**2).mean(axis=0)) / mean.std(axis=0) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("tau", [0.05, 1.0, 40.0])
def test_a_decay_time(tau: float) -> None:
    t = np.geomspace(0.01, 100, 61)
    assert decay_time(t, np.exp(-t / tau)) == pytest.approx(tau, rel=0.01)


def test_a_decay_before_the_first_time_and_none() -> None:
    t = np.array([1.0, 2.0])
    assert decay_time(t, np.array([0.1, 0.0])) == pytest.approx((1 - np.exp(-1)) / 0.9)
    assert decay_time(t, np.array([0.9, 0.8])) is None
    assert decay_time_and_error(t, np.array([[0.9, 0.8]] * 3)) is None


def test_the_error_of_a_decay_time_is_the_scatter() -> None:
    t, rng = np.geomspace(0.01, 100, 61), np.random.default_rng(0)
    found = []
    for _ in range(200):
        taus = rng.normal(1.0, 0.2, size=40)
        found.append(decay_time_and_error(t, np.exp(-t / taus[:, None])))
    times, errors = np.array(found, dtype=float).T
    assert times.mean() == pytest.approx(1.0, abs=0.02)
    assert errors.mean() / times.std() == pytest.approx(1, abs=0.15)


def test_decades() -> None:
    """A step from 1 to 0 at t = 1 is two decades after 0.01; curves that end there are worth as much."""
    t = np.geomspace(0.01, 100, 401)
    step = (t < 1).astype(float)
    assert decades(t, step, 100.0) == pytest.approx(2, abs=0.01)
    assert decades(t[:250], np.array([step[:250]] * 2), 100.0) == pytest.approx([2, 2], abs=0.01)
    with pytest.raises(SimulationError, match="times up to 100 go beyond the end of the integral, 10"):
        decades(t, step, 10.0)
