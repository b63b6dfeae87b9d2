"""Partial S(k): sums over wave vectors done at length, limits, the total that they make, positive matrices."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables import partial_structure_factor as module
from softal.simulators.observables.partial_structure_factor import PartialStructureFactors
from softal.simulators.observables.structure_factor import StructureFactor

L, N, FIRST = 5.5, 120, 90
TYPES = np.repeat([0, 1], [FIRST, N - FIRST])
GRID = (np.arange(100) + 0.5) * 0.4


def ideal_gas(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-L, 2 * L, size=(N, 3))


def factors(grid: np.ndarray = GRID, seed: int = 0, types: np.ndarray = TYPES) -> PartialStructureFactors:
    return PartialStructureFactors(types, L, grid, np.random.default_rng(seed))


def brute_force(positions: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """S_AA, S_AB, S_BB of all wave vectors, (3, bins), NaN in empty bins; and those of |n|^2 = 1, 2 alone, (3,)."""
    reach = int(bins * 0.4 * L / (2 * np.pi)) + 1
    n = np.array([one for one in product(range(-reach, reach + 1), repeat=3) if any(one)])
    k = 2 * np.pi / L * np.linalg.norm(n, axis=1)
    waves = np.exp(-2j * np.pi / L * n @ positions.T)
    A, B = waves[:, :FIRST].sum(axis=1), waves[:, FIRST:].sum(axis=1)
    S = np.array([np.abs(A) ** 2, (A * B.conj()).real, np.abs(B) ** 2]) / N
    index = (k / 0.4).astype(int)
    means = [S[:, index == b].mean(axis=1) if np.any(index == b) else np.full(3, np.nan) for b in range(bins)]
    return np.array(means).T, S[:, np.sum(n**2, axis=1) <= 2].mean(axis=1)


def test_against_all_wave_vectors() -> None:
    """Up to where bins have more than are taken of them."""
    positions, grid = ideal_gas(0), GRID[:15]
    expected, first = brute_force(positions, 15)
    S = factors(grid).compute(positions)
    filled = np.isfinite(expected[0])
    assert filled.tolist() == factors(grid).filled.tolist()
    assert filled.tolist()[:6] == [False, False, True, False, True, True]  # 2 pi / L = 1.14, next 1.62
    assert S[:, filled] == pytest.approx(expected[:, filled], rel=1e-4, abs=1e-5)
    assert S[:, :2] == pytest.approx(np.stack([first, first], axis=1), rel=1e-4)
    assert S[:, 3] == pytest.approx((expected[:, 2] + expected[:, 4]) / 2, rel=1e-4)


def test_a_box_so_large_that_every_bin_is_chosen_from() -> None:
    """Warnings are errors: no mean over the shortest wave vectors, which nothing needs here."""
    large = 30 * L
    positions = np.random.default_rng(2).uniform(0, large, size=(N, 3))
    S = PartialStructureFactors(TYPES, large, GRID[:3], np.random.default_rng(0)).compute(positions)
    assert np.all(np.isfinite(S))
    assert S[0] == pytest.approx(FIRST / N, rel=0.3)


def test_a_random_choice_of_wave_vectors_has_the_mean_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    positions, grid = ideal_gas(1), GRID[:15]
    every = factors(grid).compute(positions)
    monkeypatch.setattr(module, "VECTORS", 20)
    some = factors(grid)
    S = np.array([some.compute(positions) for _ in range(400)])
    chosen = S[:, 0].std(axis=0) > 1e-6
    assert chosen.sum() == 6
    error = S.std(axis=0) / np.sqrt(len(S))
    # The shells' shares of vectors, near their edges, are those of the lattice within a few per cent.
    assert np.all(np.abs(S.mean(axis=0) - every)[:, chosen] < 4.5 * error[:, chosen] + 0.02)
    assert S[:, :, ~chosen] == pytest.approx(np.broadcast_to(every[:, ~chosen], S[:, :, ~chosen].shape), rel=1e-4)


def test_an_ideal_gas_has_the_fractions_everywhere() -> None:
    one = factors()
    S = np.array([one.compute(ideal_gas(seed)) for seed in range(200)])
    error = S.std(axis=0) / np.sqrt(len(S))
    assert np.all(np.abs(S.mean(axis=0) - np.array([[0.75], [0.0], [0.25]])) < 4.5 * error)


def test_the_partials_make_the_total() -> None:
    positions, grid = ideal_gas(2), GRID[:15]
    total = StructureFactor(L, 6.0, 0.4)
    S = factors(grid).compute(positions)
    filled = factors(grid).filled
    assert (S[0] + 2 * S[1] + S[2])[filled] == pytest.approx(total.compute(positions), rel=1e-4)


def test_matrices_are_positive_at_all_wave_numbers() -> None:
    """Also where there is no wave vector; a mean over a few configurations, as mode-coupling theory takes it."""
    one = factors()
    S = np.mean([one.compute(ideal_gas(seed)) for seed in range(5)], axis=0)
    assert np.all(S[0] > 0)
    assert np.all(S[2] > 0)
    assert np.all(S[0] * S[2] - S[1] ** 2 > 0)


def test_particles_may_come_in_any_order_and_beyond_the_box() -> None:
    positions, order = ideal_gas(3), np.random.default_rng(0).permutation(N)
    moved = positions[order] + L * np.random.default_rng(1).integers(-2, 3, size=(N, 3))
    S, again = factors().compute(positions), factors(types=TYPES[order]).compute(moved)
    assert again == pytest.approx(S, rel=1e-3, abs=1e-4)


def test_a_grid_below_the_box() -> None:
    with pytest.raises(SimulationError, match=r"k up to 1 lies below the wave vectors of a box of 5\.5"):
        factors(GRID[:3])
