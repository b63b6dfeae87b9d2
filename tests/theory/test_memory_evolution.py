"""The evolution of memory functions recovers those that it is given, from their own F."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from softal.errors import TheoryError
from softal.theory.evolution import Encoding, Search, fit_memory
from softal.theory.memory_equation import solve
from softal.theory.memory_function import StretchedExponentials
from softal.theory.relaxation import Relaxation

pytestmark = pytest.mark.physics

Floats = NDArray[np.float64]
T = np.geomspace(1e-2, 1e2, 40)
LIQUID = StretchedExponentials.one(w=4.3, tau=0.4, b=0.64)  # of the A particles at T = 1, about
RATE = 2.3


def relaxation(noise: float = 0.0) -> Relaxation:
    F = solve(LIQUID, RATE, T[-1], points=256).at(T)[0]
    rng = np.random.default_rng(3)
    return Relaxation(T, F + noise * rng.standard_normal(len(T)), np.full(len(T), noise) if noise else None)


def test_a_known_memory_function_comes_back() -> None:
    fit = fit_memory(relaxation(), Search(modes=1, lasso=0.0, target=1e-11))
    assert fit.error < 5e-11  # the search solves with half as many points
    assert fit.rate == pytest.approx(RATE, rel=0.005)
    np.testing.assert_allclose(fit.memory.values(T)[0], LIQUID.values(T)[0], atol=0.005 * RATE)
    assert fit.r2 == pytest.approx(1, abs=1e-9)
    assert fit.history == sorted(fit.history, reverse=True)


def test_with_noise_it_comes_back_within_it() -> None:
    """The error ends where the noise is, less what 5 parameters take of it; F itself is nearer than its noise."""
    noise = 0.003
    noisy, exact = relaxation(noise), relaxation()
    fit = fit_memory(noisy, Search(modes=1, evaluations=6000))
    drawn = exact.error(noisy.F[None])[0]
    assert 0.6 * drawn < fit.error < drawn
    assert noisy.noise == pytest.approx(noise**2)
    assert exact.error(fit.F[None])[0] < 0.4 * drawn
    deviation = np.abs(fit.memory.values(T)[0] - LIQUID.values(T)[0])
    assert np.mean(deviation[T > 0.05]) < 0.05 * LIQUID.scale()[0]


def test_the_same_seed_finds_the_same() -> None:
    search = Search(modes=2, evaluations=1500)
    fits = [fit_memory(relaxation(), search, seed) for seed in (1, 1, 2)]
    assert fits[0].rate == fits[1].rate != fits[2].rate
    np.testing.assert_array_equal(fits[0].F, fits[1].F)
    assert np.all(np.diff(fits[0].memory.tau[0]) >= 0)


def test_a_mode_more_is_never_worse() -> None:
    noisy = relaxation(0.003)
    one = fit_memory(noisy, Search(modes=1, evaluations=300))
    two = fit_memory(noisy, Search(modes=2, evaluations=1500))
    assert two.loss <= one.loss * (1 + 1e-6)
    assert two.evaluations < 1500 + 1024 + 2 * 48


def test_a_given_rate_stays() -> None:
    fit = fit_memory(relaxation(), Search(modes=1, rate=RATE, lasso=0.0, target=1e-10))
    assert fit.rate == RATE
    assert fit.error < 1e-10


def test_lasso_makes_weights_small() -> None:
    search = Search(modes=2, lasso=0.0, evaluations=4000)
    fits = [fit_memory(relaxation(0.003), replace(search, lasso=lasso)) for lasso in (0.0, 1e-4)]
    free, held = ((np.abs(fit.memory.c).sum() + np.abs(fit.memory.w).sum()) / fit.rate for fit in fits)
    assert held < free
    assert held < 5
    assert fits[1].loss == pytest.approx(fits[1].error + 1e-4 * held)


@pytest.mark.parametrize("rate", [None, 3.0])
def test_what_is_encoded_stays_in_bounds(rate: float | None) -> None:
    encoding = Encoding(relaxation(), 2, rate)
    Y = encoding.random(200, np.random.default_rng(0))
    assert Y.shape == (200, 7 if rate else 8)
    memory, rates = encoding.decoded(np.clip(Y, *encoding.bounds))
    assert np.all(memory.tau > 1e-4)
    assert 0.2 < np.mean(memory.w < 0) < 0.5
    assert np.all((memory.b >= 0.1 * (1 - 1e-9)) & (memory.b <= 5 * (1 + 1e-9)))
    assert np.all(rates == rate) if rate else len(set(rates)) == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"modes": 0}, "modes is 0; allowed: 1 or more"),
        ({"lasso": -1.0}, "lasso is -1.0"),
        ({"rate": 0.0}, "rate is 0"),
    ],
)
def test_a_search_that_is_not_allowed(changes: dict[str, float], said: str) -> None:
    with pytest.raises(TheoryError, match=said):
        Search(**changes)


GOOD = np.exp(-np.linspace(0, 5, 11))
TIMES = np.linspace(0, 5, 11)


def changed(values: Floats, i: int, value: float) -> Floats:
    values = values.copy()
    values[i] = value
    return values


@pytest.mark.parametrize(
    ("t", "F", "errors", "said"),
    [
        (changed(TIMES, 0, -0.1), GOOD, None, "has the time -0.1; allowed: 0 and above"),
        (changed(TIMES, 4, 0.2), GOOD, None, "has the time 0.2 after 1.5; allowed: ascending times"),
        (TIMES, changed(GOOD, 0, 0.98), None, r"is 0.98 at t = 0; allowed: 1, since F_s\(0\) = 1"),
        (TIMES + 1, GOOD * 0.8, None, r"begins at 0.8 \(t = 1\); allowed: 1 at t = 0, or at least 0.9"),
        (TIMES, changed(GOOD, 2, 1.2), None, "is 1.2 at t = 1; allowed: -0.1 to 1.01"),
        (TIMES, changed(GOOD, 9, -0.3), None, "is -0.3 at t = 4.5; allowed: -0.1 to 1.01"),
        (TIMES, changed(GOOD, 8, 0.2), None, "rises from 0.0302 at t = 3.5 to 0.2 at t = 4; allowed: by 0.02"),
        (
            TIMES,
            changed(GOOD, 8, 0.05),
            np.full(11, 1e-3),
            "rises from .* allowed: by 5 standard errors, 0.0071",
        ),
        (TIMES, changed(GOOD, 8, np.nan), None, "has the value nan; allowed: finite numbers"),
        (TIMES, GOOD, np.full(11, -1.0), "has the error -1; allowed: 0 and above"),
        (TIMES, np.ones(11), None, "is 1 at all times; allowed: a relaxation, which decays"),
        (TIMES[:3], GOOD[:3], None, r"has \(3,\) times and \(3,\) values; allowed: as many of both, 5 or more"),
    ],
)
def test_what_is_no_relaxation_is_said_in_one_line(t: Floats, F: Floats, errors: Floats | None, said: str) -> None:
    with pytest.raises(TheoryError, match=f"^F_s {said}") as raised:
        Relaxation(t, F, errors)
    assert "\n" not in str(raised.value)


def test_it_may_rise_within_its_errors() -> None:
    assert Relaxation(TIMES, changed(GOOD, 8, 0.05), np.full(11, 0.01)).noise == pytest.approx(1e-4)


def test_a_part_begins_later() -> None:
    part = Relaxation(TIMES, GOOD).after(1.0)
    assert (part.t[0], len(part.t)) == (1.0, 9)
    with pytest.raises(TheoryError, match="has 1 times from t_min = 5 on; allowed: 5 or more, it ends at 5"):
        Relaxation(TIMES, GOOD).after(5.0)
    with pytest.raises(TheoryError, match=r"^F_s from t_min = 3 on is 0\.1 at all times; allowed: a relaxation"):
        Relaxation(TIMES, np.maximum(GOOD, 0.1)).after(3.0)
