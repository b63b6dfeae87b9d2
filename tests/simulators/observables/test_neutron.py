"""F(Q): limits, one kind against S(k), both of its ways against each other."""

from __future__ import annotations

import numpy as np
import pytest

from softal.simulators.engines.start import random_insertion
from softal.simulators.observables import neutron
from softal.simulators.observables.neutron import NeutronInterference
from softal.simulators.observables.partial_rdf import PartialDistributions
from softal.simulators.observables.structure_factor import StructureFactor

L, Q = 17.83, np.arange(0.5, 12, 0.1)
LENGTHS = (4.1491, 5.803)  # Si, O [fm]


def spheres(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return random_insertion((125, 250), L, {(0, 0): 2.7, (0, 1): 1.5, (1, 1): 2.3}, np.random.default_rng(seed))


def mean_interference(lengths: tuple[float, float], samples: int = 5, r_max: float = L / 2) -> np.ndarray:
    results = []
    for seed in range(samples):
        positions, types = spheres(seed)
        partials = PartialDistributions(types, L, r_max, 0.01)
        interference = NeutronInterference(types, L, lengths, partials, Q)
        results.append(interference.compute(positions, partials.compute(positions)))
    return np.mean(results, axis=0)


def test_equal_scattering_lengths_make_it_the_structure_factor() -> None:
    """F = b^2 (S - 1) up to Q_JOIN, where both come from wave vectors."""
    positions, types = spheres(0)
    partials = PartialDistributions(types, L, L / 2, 0.01)
    F = NeutronInterference(types, L, (10.0, 10.0), partials, Q).compute(positions, partials.compute(positions))
    structure = StructureFactor(L, neutron.Q_JOIN + 0.1, neutron.Q_BIN)
    S = np.interp(Q, structure.k_values, structure.compute(positions))
    near = neutron.Q_JOIN >= Q
    assert F[near] == pytest.approx(S[near] - 1, abs=1e-5)  # 10 fm squared is a barn


def test_wave_vectors_and_transform_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = mean_interference(LENGTHS)
    monkeypatch.setattr(neutron, "Q_JOIN", 1.0)
    transformed = mean_interference(LENGTHS)
    between = (Q > 2) & (Q < 6)
    assert np.sqrt(np.mean((joined - transformed)[between] ** 2)) < 0.06 * np.abs(joined).max()


def test_a_shorter_transform_changes_little() -> None:
    """The cut leaves no ripples at Q > Q_JOIN."""
    full, short = mean_interference(LENGTHS, 4), mean_interference(LENGTHS, 4, r_max=7.0)
    far = Q > neutron.Q_JOIN
    assert np.abs(full - short)[far].max() < 0.03 * np.abs(full).max()


def test_a_pair_far_from_others_is_debye_s_formula() -> None:
    """Molecules of fixed length d and random places: F = (2/N) sum over molecules b_a b_b sin(Qd)/(Qd)."""
    rng, d, count = np.random.default_rng(1), 1.6, 100
    results = []
    for _ in range(6):
        middles, _ = random_insertion((count,), 2 * L, {(0, 0): 3.0}, rng)
        axis = rng.normal(size=(count, 3))
        axis *= d / 2 / np.linalg.norm(axis, axis=1, keepdims=True)
        positions, types = np.vstack([middles + axis, middles - axis]), np.repeat([0, 1], count)
        partials = PartialDistributions(types, 2 * L, 8.0, 0.01)
        interference = NeutronInterference(types, 2 * L, LENGTHS, partials, Q)
        results.append(interference.compute(positions, partials.compute(positions)))
    expected = LENGTHS[0] * LENGTHS[1] * 0.01 * np.sinc(Q * d / np.pi)
    error = np.std(results, axis=0) / np.sqrt(len(results))
    far = Q > 2.5  # the middles' own structure is small there
    assert np.all(np.abs(np.mean(results, axis=0) - expected)[far] < 6 * error[far] + 0.01)


def test_an_ideal_gas_scatters_without_interference() -> None:
    types = np.repeat([0, 1, 1], 100)
    partials = PartialDistributions(types, L, L / 2, 0.01)
    interference = NeutronInterference(types, L, LENGTHS, partials, Q)
    results = []
    for seed in range(20):
        positions = np.random.default_rng(seed).random((300, 3)) * L
        results.append(interference.compute(positions, partials.compute(positions)))
    error = np.std(results, axis=0) / np.sqrt(len(results))
    assert np.mean(np.abs(np.mean(results, axis=0)) < 2 * error) > 0.85


def test_sums_of_weights() -> None:
    """b of (Si, O) in SiO2: (sum c b)^2 = 0.276 barn, sum c b^2 = 0.282 barn."""
    positions, types = spheres(0)
    partials = PartialDistributions(types, L, L / 2, 0.01)
    interference = NeutronInterference(types, L, LENGTHS, partials, Q)
    assert interference._self_scattering == pytest.approx((4.1491**2 + 2 * 5.803**2) / 300)
    empty = interference.compute(positions, np.zeros((3, len(partials.r_values))))
    r, w = partials.r_values, 4 * np.pi * 375 / L**3 * partials.r_values**2 * 0.01
    beyond = np.clip((r - 0.8 * L / 2) / (0.2 * L / 2), 0, 1)
    expected = -((4.1491 + 2 * 5.803) ** 2) / 900 * np.sum(w * np.cos(np.pi / 2 * beyond) ** 2 * np.sinc(8 * r / np.pi))
    assert empty[np.isclose(Q, 8.0)] == pytest.approx(expected, rel=2e-3, abs=2e-4)
