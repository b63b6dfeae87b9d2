"""g(r): limits, and a brute-force count of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.engines.start import face_centred_cubic, thermal_velocities
from softal.simulators.observables import rdf
from softal.simulators.observables.rdf import RadialDistribution

L = 9.0


def ideal_gas(particles: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, L, size=(particles, 3))


def test_against_brute_force() -> None:
    positions = ideal_gas(80)
    distribution = RadialDistribution(L, 4.0, 0.1)
    separation = positions[:, None] - positions[None]
    separation -= L * np.round(separation / L)
    distance = np.linalg.norm(separation, axis=-1)[np.triu_indices(80, 1)]
    counts, edges = np.histogram(distance, bins=40, range=(0, 4))
    shell = 4 / 3 * np.pi * np.diff(edges**3)
    expected = 2 * counts / (80 * 79) * L**3 / shell
    assert distribution.r_values == pytest.approx(edges[:-1] + 0.05)
    assert distribution.compute(positions) == pytest.approx(expected, rel=1e-5)


def test_all_pairs_against_freud(monkeypatch: pytest.MonkeyPatch) -> None:
    distribution, positions = RadialDistribution(L, L / 2, 0.07), ideal_gas(300) * 3 - 5
    all_pairs = distribution.compute(positions)
    monkeypatch.setattr(rdf, "ALL_PAIRS", 0)
    by_freud = distribution.compute(positions)
    # freud's single precision puts a pair at a bin's edge into its neighbour.
    assert np.mean(all_pairs != pytest.approx(by_freud, rel=1e-3)) < 0.05
    assert np.allclose(all_pairs, by_freud, rtol=1e-4) or np.abs(all_pairs - by_freud).sum() < 0.5


def test_an_ideal_gas_of_any_size_is_flat() -> None:
    distribution = RadialDistribution(L, L / 2, 0.5)
    g_r = np.array([distribution.compute(ideal_gas(20, seed)) for seed in range(300)])
    error = g_r.std(axis=0) / np.sqrt(len(g_r))
    assert np.all(np.abs(g_r.mean(axis=0) - 1) < 4.5 * error)


def test_neighbours_of_a_crystal() -> None:
    """12 neighbours of fcc at a / sqrt(2), and none closer."""
    distribution = RadialDistribution(L, L / 2, 0.05)
    g_r = distribution.compute(face_centred_cubic(108, L))
    near = distribution.r_values < 1.2 * (L / 3) / np.sqrt(2)
    edges = np.append(distribution.r_values - 0.025, distribution.r_values[-1] + 0.025)
    shell = 4 / 3 * np.pi * np.diff(edges**3)
    assert np.sum((g_r * shell)[near]) * 107 / L**3 == pytest.approx(12, rel=2e-3)
    assert np.all(g_r[distribution.r_values < 0.95 * (L / 3) / np.sqrt(2)] == 0)


def test_half_the_box_is_the_limit() -> None:
    assert RadialDistribution(L, L / 2, 0.05).r_values[-1] == pytest.approx(L / 2 - 0.025, abs=1e-3)
    with pytest.raises(SimulationError, match="half the box"):
        RadialDistribution(L, 0.51 * L, 0.05)


@pytest.mark.parametrize("particles", [108, 256, 500, 864, 300, 1])
def test_the_lattice_has_as_many_sites_as_particles(particles: int) -> None:
    positions = face_centred_cubic(particles, L)
    assert positions.shape == (particles, 3)
    assert len(np.unique(positions.round(9), axis=0)) == particles
    assert np.all((positions >= 0) & (positions < L))


def test_thermal_velocities() -> None:
    velocities = thermal_velocities(500, 0.7, 2.0, np.random.default_rng(0))
    assert velocities.sum(axis=0) == pytest.approx(0, abs=1e-9)
    assert 2.0 * np.sum(velocities**2) / (3 * 500 - 3) == pytest.approx(0.7)
