"""S(k): identities, a brute-force sum over wave vectors, and freud as the second code."""

from __future__ import annotations

import freud
import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.engines.start import face_centred_cubic
from softal.simulators.observables.structure_factor import StructureFactor
from softal.simulators.observables.threads import limited_threads

L = 7.3


def ideal_gas(particles: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, L, size=(particles, 3))


def brute_force(positions: np.ndarray, k_max: float) -> tuple[np.ndarray, np.ndarray]:
    """|k| and S of every wave vector of the full sphere, one by one."""
    reach = int(k_max * L / (2 * np.pi)) + 1
    n = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    k = 2 * np.pi / L * n
    magnitude = np.linalg.norm(k, axis=1)
    inside = (magnitude > 0) & (magnitude <= k_max)
    amplitude = np.exp(-1j * k[inside] @ positions.T).sum(axis=1)
    return magnitude[inside], np.abs(amplitude) ** 2 / len(positions)


@pytest.mark.parametrize(("k_max", "bin_width"), [(4.0, 0.5), (6.1, 0.06), (9.0, 0.3)])
def test_against_brute_force(k_max: float, bin_width: float) -> None:
    positions = ideal_gas(60)
    structure = StructureFactor(L, k_max, bin_width)
    k, S_k = brute_force(positions, k_max)
    index = (k / bin_width).astype(int)
    bins = np.unique(index)
    assert structure.counts.sum() == len(k)
    assert structure.k_values == pytest.approx(np.array([k[index == b].mean() for b in bins]), rel=1e-9)
    assert structure.compute(positions) == pytest.approx(np.array([S_k[index == b].mean() for b in bins]), rel=1e-4)


def dumbbells(pairs: int, distance: float, seed: int) -> np.ndarray:
    """Pairs of particles in random places and orientations: S(k) = 1 + sin(k d) / (k d)."""
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(pairs, 3))
    axes *= distance / np.linalg.norm(axes, axis=1)[:, None]
    first = rng.uniform(0, L, size=(pairs, 3))
    return np.concatenate([first, first + axes])


@pytest.mark.validation
def test_dumbbells_against_the_closed_form_and_freud() -> None:
    """freud takes the octant of positive n, this all of them: they agree within the errors, not exactly."""
    distance, k_max, bins, configurations = 1.5, 8.0, 40, 150
    second = freud.diffraction.StaticStructureFactorDirect(bins=bins, k_max=k_max, k_min=0, num_sampled_k_points=0)
    structure, box = StructureFactor(L, k_max, k_max / bins), freud.box.Box.cube(L)
    filled = (structure.k_values / (k_max / bins)).astype(int)
    both = np.empty((2, configurations, len(filled)))
    with limited_threads(1):
        for i in range(configurations):
            positions = dumbbells(50, distance, i)
            both[0, i] = structure.compute(positions)
            second.compute((box, box.wrap(positions - L / 2)))
            both[1, i] = second.S_k[filled]
    mean, error = both.mean(axis=1), both.std(axis=1) / np.sqrt(configurations)
    expected = 1 + np.sinc(structure.k_values * distance / np.pi)
    assert np.all(np.abs(mean[0] - expected) < 4.5 * error[0] + 2e-3)
    assert np.all(np.abs(mean[0] - mean[1]) < 4.5 * np.hypot(*error) + 2e-3)
    assert np.median(error[0]) < 0.7 * np.median(error[1])


def test_the_grid_starts_at_the_first_vector_of_the_box_and_has_no_empty_bins() -> None:
    structure = StructureFactor(L, 6.0, 0.05)
    assert structure.k_values[0] == pytest.approx(2 * np.pi / L)
    assert np.all(np.diff(structure.k_values) > 0)
    assert np.all(structure.counts > 0)
    assert structure.counts[0] == 6  # plus and minus x, y and z
    assert np.all(np.isfinite(structure.compute(ideal_gas(10))))
    assert structure.k_values[-1] <= 6.0


def test_an_ideal_gas_has_none() -> None:
    structure = StructureFactor(L, 6.0, 0.5)
    S_k = np.array([structure.compute(ideal_gas(500, seed)) for seed in range(100)])
    error = S_k.std(axis=0) / np.sqrt(len(S_k))
    assert np.all(np.abs(S_k.mean(axis=0) - 1) < 4.5 * error)


def test_one_particle_scatters_alike_everywhere() -> None:
    assert StructureFactor(L, 5.0, 0.2).compute(ideal_gas(1)) == pytest.approx(1, rel=1e-5)


def test_all_particles_in_one_place_scatter_in_phase() -> None:
    assert StructureFactor(L, 5.0, 0.2).compute(np.full((7, 3), 1.234)) == pytest.approx(7, rel=1e-5)


def test_bragg_peaks_of_a_crystal() -> None:
    positions = face_centred_cubic(108, L)
    structure = StructureFactor(L, 10.0, 0.01)
    S_k = structure.compute(positions)
    k_111 = np.sqrt(3) * 2 * np.pi / (L / 3)
    peak = np.argmin(np.abs(structure.k_values - k_111))
    # 8 of the 32 wave vectors of length^2 27 are {111} of the 3 x 3 x 3 cells; the others are forbidden.
    assert S_k[peak] == pytest.approx(108 * 8 / structure.counts[peak], rel=1e-4)
    assert S_k[structure.k_values < 0.99 * k_111].max() < 1e-4


@pytest.mark.parametrize("change", ["shift", "wrap", "mirror", "swap", "order"])
def test_symmetries(change: str) -> None:
    positions = ideal_gas(50)
    changed = {
        "shift": positions + np.array([1.0, -2.0, 0.3]),
        "wrap": positions + L * np.random.default_rng(1).integers(-2, 3, size=(50, 3)),
        "mirror": -positions,
        "swap": positions[:, [2, 0, 1]],
        "order": positions[::-1],
    }[change]
    structure = StructureFactor(L, 6.0, 0.1)
    assert structure.compute(changed) == pytest.approx(structure.compute(positions), rel=1e-3)


def test_k_max_below_the_first_vector() -> None:
    with pytest.raises(SimulationError, match="below 2 pi / L"):
        StructureFactor(L, 0.5, 0.1)
