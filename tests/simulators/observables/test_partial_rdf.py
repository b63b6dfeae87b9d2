"""Partial g(r): a brute-force count of pairs, limits, and the total that they make."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables import partial_rdf
from softal.simulators.observables.partial_rdf import PartialDistributions, close_pairs
from softal.simulators.observables.rdf import RadialDistribution

L = 9.0
TYPES = np.repeat([0, 1, 1], 40)


def ideal_gas(particles: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-L, 2 * L, size=(particles, 3))


@pytest.mark.parametrize("all_pairs", [0, 10_000])
def test_against_brute_force(all_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_rdf, "ALL_PAIRS", all_pairs)
    positions = ideal_gas(120)
    partials = PartialDistributions(TYPES, L, 4.0, 0.1)
    assert partials.pairs == [(0, 0), (0, 1), (1, 1)]
    assert partials.r_values == pytest.approx(np.arange(40) * 0.1 + 0.05)
    separation = positions[:, None] - positions[None]
    separation -= L * np.round(separation / L)
    distance = np.linalg.norm(separation, axis=-1)
    shell = 4 / 3 * np.pi * np.diff(partials.edges**3)
    for (a, b), g_ab in zip(partials.pairs, partials.compute(positions), strict=True):
        of_pair = (TYPES[:, None] == a) & (TYPES[None] == b) & ~np.eye(120, dtype=bool)
        counts, _ = np.histogram(distance[of_pair], partials.edges)
        assert g_ab == pytest.approx(counts / of_pair.sum() * L**3 / shell)


def test_an_ideal_gas_has_one_everywhere() -> None:
    partials = PartialDistributions(np.array([0] * 10 + [1] * 20), L, L / 2, 0.3)
    g_r = np.array([partials.compute(ideal_gas(30, seed)) for seed in range(300)])
    error = g_r.std(axis=0) / np.sqrt(len(g_r))
    assert np.all(np.abs(g_r.mean(axis=0) - 1)[error > 0] < 4.5 * error[error > 0])


def test_the_partials_make_the_total() -> None:
    """N (N - 1) g = sum of N_a (N_b - delta_ab) g_ab over ordered pairs of kinds."""
    positions = ideal_gas(120)
    partials = PartialDistributions(TYPES, L, 4.0, 0.1)
    total = RadialDistribution(L, 4.0, 0.1).compute(positions)
    weights = np.array([40 * 39, 2 * 40 * 80, 80 * 79]) / (120 * 119)
    assert weights @ partials.compute(positions) == pytest.approx(total, rel=1e-9)


def test_close_pairs_come_once_and_reach_through_the_faces() -> None:
    positions = np.array([[0.1, 4, 4], [L - 0.1, 4, 4], [4, 4, 4.0]])
    first, second, distance = close_pairs(positions, L, 1.0)
    assert (first.tolist(), second.tolist()) == ([0], [1])
    assert distance == pytest.approx([0.2])


def test_it_reaches_to_half_the_box() -> None:
    with pytest.raises(SimulationError, match=r"half the box, 4\.5"):
        PartialDistributions(TYPES, L, 4.6, 0.1)
