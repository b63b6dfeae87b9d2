"""The pattern S(k): brute force, identities, perfect crystals, a gas, and two other codes."""

from __future__ import annotations

import freud
import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables.diffraction import (
    CHUNK,
    diffraction_pattern,
    phase_input,
    pooled,
    radial_structure_factor,
    wave_numbers,
)
from softal.simulators.observables.rotation import rotated
from softal.simulators.observables.structure_factor import StructureFactor
from softal.simulators.observables.threads import limited_threads

BOXES = [np.array([9.0, 9.0]), np.array([7.0, 11.5]), np.array([6.0, 6.0, 6.0]), np.array([5.0, 6.0, 14.0])]


def gas(box: np.ndarray, particles: int = 200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(particles, len(box))) * box


def square_lattice(m: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(m), np.arange(m)), axis=-1).reshape(-1, 2) + 0.3


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("n_max", [0, 1, 2, 6])
def test_against_brute_force(box: np.ndarray, n_max: int) -> None:
    positions, d = gas(box), len(box)
    n = np.stack(np.meshgrid(*[np.arange(-n_max, n_max + 1)] * d, indexing="ij"), axis=-1)
    rho = np.exp(-1j * (2 * np.pi * n / box) @ positions.T).sum(axis=-1)
    # Single precision: the error of rho is about 1e-7 N at most.
    assert diffraction_pattern(positions, box, n_max) == pytest.approx(np.abs(rho) ** 2 / 200, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("box", BOXES)
def test_identities(box: np.ndarray) -> None:
    positions, d, n_max = gas(box), len(box), 16
    S = diffraction_pattern(positions, box, n_max)
    assert S.shape == (2 * n_max + 1,) * d
    assert S[(n_max,) * d] == 200
    assert np.flip(S) == pytest.approx(S, rel=1e-5, abs=1e-4)
    shifted = positions + np.random.default_rng(1).normal(size=d)
    assert diffraction_pattern(shifted, box, n_max) == pytest.approx(S, rel=1e-4, abs=1e-3)
    images = positions + box * np.random.default_rng(1).integers(-3, 4, size=positions.shape)
    assert diffraction_pattern(images, box, n_max) == pytest.approx(S, rel=1e-4, abs=1e-3)
    assert diffraction_pattern(positions[:, ::-1], box[::-1], n_max) == pytest.approx(S.T, rel=1e-4, abs=1e-3)


def test_more_particles_than_one_chunk() -> None:
    """Two copies side by side: S doubles where n_1 is even, and is 0 where it is odd."""
    box = np.array([9.0, 9.0])
    positions = gas(box, CHUNK // 2 + 100)
    S = diffraction_pattern(positions, box, 3)
    double = diffraction_pattern(np.concatenate([positions, positions + box * [1, 0]]), box * [2, 1], 6)[:, 3:-3]
    assert double[::2] == pytest.approx(2 * S, rel=1e-4, abs=1e-3)
    assert np.abs(double[1::2]).max() < 1e-4


def test_bragg_peaks_of_crystals_are_n_and_all_else_is_zero() -> None:
    S = diffraction_pattern(square_lattice(16), np.array([16.0, 16.0]), 64)
    peaks = np.zeros_like(S, dtype=bool)
    peaks[::16, ::16] = True
    assert S[peaks] == pytest.approx(np.full(81, 256.0), rel=1e-5)
    assert S[~peaks].max() < 1e-6


def test_hexagonal_crystal() -> None:
    """Reflections of the centred rectangle a x sqrt(3) a: h + k even."""
    i, j = np.meshgrid(np.arange(12), np.arange(14))
    positions = np.column_stack([(i + j % 2 / 2).ravel(), (np.sqrt(3) / 2 * j).ravel()])
    S = diffraction_pattern(positions, np.array([12.0, 7 * np.sqrt(3)]), 24)
    bright = np.argwhere(S > 1e-3) - 24
    assert np.all((bright[:, 0] % 12 == 0) & (bright[:, 1] % 7 == 0))
    assert np.all((bright[:, 0] // 12 + bright[:, 1] // 7) % 2 == 0)
    assert S[12 + 24, 7 + 24] == pytest.approx(168, rel=1e-5)


@pytest.mark.parametrize("box", BOXES)
def test_a_gas_has_s_of_one(box: np.ndarray) -> None:
    """S is the square of a sum of random phases: its distribution is exponential, of mean and deviation 1."""
    S = np.array([diffraction_pattern(gas(box, seed=i), box, 6) for i in range(50)])
    n = np.arange(S[0].size // 2)  # one of k and -k
    independent = S.reshape(50, -1)[:, n].mean(axis=1)
    assert abs(independent.mean() - 1) < 4 * independent.std() / np.sqrt(50)
    assert S.reshape(50, -1)[:, n].std() == pytest.approx(1, abs=0.1)


def test_sum_rule() -> None:
    """Particles on a grid of M points, at most one each: S summed over M wave vectors is M."""
    M, rng = 21, np.random.default_rng(4)
    sites = rng.choice(M * M, 150, replace=False)
    positions = np.column_stack(np.divmod(sites, M)).astype(float)
    assert diffraction_pattern(positions, np.array([M, M], dtype=float), M // 2).sum() == pytest.approx(M * M, rel=1e-6)


def test_a_quarter_turn_transposes_the_pattern() -> None:
    box = np.array([8.0, 8.0])
    positions = gas(box)
    S = diffraction_pattern(positions, box, 20)
    # (x, y) becomes (-y, x): k and -k are the same, so that only one axis of the transposed pattern is flipped.
    turned = diffraction_pattern(rotated(positions, box, np.pi / 2), box, 20)
    assert turned == pytest.approx(S.T[::-1], rel=1e-4, abs=1e-3)
    lattice = np.array([12.0, 12.0])
    S = diffraction_pattern(square_lattice(12), lattice, 30)
    turned = diffraction_pattern(rotated(square_lattice(12), lattice, np.pi / 2), lattice, 30)
    assert turned == pytest.approx(S.T, abs=1e-3)


def test_a_turned_crystal_has_its_peaks_at_the_turned_wave_vectors() -> None:
    """A turn with tangent 3/4 brings (20, 0) to (16, 12) pixels."""
    box = np.array([20.0, 20.0])
    S = diffraction_pattern(rotated(square_lattice(20), box, np.arctan2(3, 4)), box, 30)
    S[28:33, 28:33] = 0
    four = [(16, 12), (-12, 16), (-16, -12), (12, -16)]
    brightest = {tuple(pixel - 30) for pixel in np.argwhere(S / S.max() > 0.9)}
    assert set(four) <= brightest
    assert S.max() == pytest.approx(400, rel=0.05)


@pytest.mark.validation
def test_shells_against_the_structure_factor_of_cubes() -> None:
    L, n_max, width = 7.3, 10, 0.4
    positions = gas(np.full(3, L))
    k, S = radial_structure_factor(diffraction_pattern(positions, np.full(3, L), n_max), np.full(3, L), width)
    second = StructureFactor(L, 2 * np.pi / L * n_max, 1e-3)  # every |k| alone
    bins = np.rint(second.k_values / width).astype(int)
    total = np.bincount(bins, weights=second.counts)
    filled = total > 0
    expected = np.bincount(bins, weights=second.counts * second.compute(positions))[filled] / total[filled]
    assert pytest.approx(expected, rel=1e-4) == S
    assert k == pytest.approx(np.bincount(bins, weights=second.counts * second.k_values)[filled] / total[filled])


@pytest.mark.validation
@pytest.mark.parametrize("seed", [0, 1])
def test_against_freud(seed: int) -> None:
    """freud takes the wave vectors with no negative component: the shells of a pattern's first octant."""
    L, bins, k_max = 6.0, 40, 9.0
    box = np.full(3, L)
    positions = gas(box, 120, seed)
    second = freud.diffraction.StaticStructureFactorDirect(bins=bins, k_max=k_max, k_min=0, num_sampled_k_points=0)
    freud_box = freud.box.Box.cube(L)
    with limited_threads(1):
        second.compute((freud_box, freud_box.wrap(positions - L / 2)))
    n_max = int(k_max * L / (2 * np.pi))
    octant = (slice(n_max, None),) * 3
    S = diffraction_pattern(positions, box, n_max)
    k = wave_numbers(S.shape, box)[octant]
    inside = (k > 0) & (k < k_max)
    index = (k[inside] / (k_max / bins)).astype(int)
    counts = np.bincount(index, minlength=bins)
    mean = np.bincount(index, weights=S[octant][inside], minlength=bins) / np.maximum(counts, 1)
    filled = counts > 0
    assert mean[filled] == pytest.approx(np.asarray(second.S_k)[filled], rel=1e-3)


@pytest.mark.parametrize("box", [BOXES[0], BOXES[1], BOXES[2]])
def test_shells_of_a_gas(box: np.ndarray) -> None:
    patterns = np.mean([diffraction_pattern(gas(box, seed=i), box, 12) for i in range(40)], axis=0)
    k, S = radial_structure_factor(patterns, box)
    assert k[0] == pytest.approx(2 * np.pi / box.max(), rel=0.35)
    assert np.all(np.diff(k) > 0)
    assert k[-1] <= 12 * 2 * np.pi / box.max() * (1 + 1e-9)
    assert pytest.approx(np.ones(len(S) - 3), abs=0.25) == S[3:]


@pytest.mark.parametrize(("shape", "size"), [((129, 129), 4), ((65, 65, 65), 4), ((8, 13), 4), ((9, 7), 3), ((5,), 8)])
def test_pooling_is_that_of_pytorch(shape: tuple[int, ...], size: int) -> None:
    import torch

    pattern = np.random.default_rng(0).normal(size=shape)
    layer = [torch.nn.MaxPool1d, torch.nn.MaxPool2d, torch.nn.MaxPool3d][len(shape) - 1](size, ceil_mode=True)
    expected = layer(torch.from_numpy(pattern)[None, None])[0, 0].numpy()
    assert np.array_equal(pooled(pattern, size), expected)


@pytest.mark.parametrize(("box", "shape"), [(BOXES[0], (33, 33)), (BOXES[3], (17, 17, 17))])
@pytest.mark.parametrize("angle", [None, 0.0, 0.4])
def test_input_of_networks(box: np.ndarray, shape: tuple[int, ...], angle: float | None) -> None:
    positions, d = gas(box), len(box)
    image = phase_input(positions, box, d, angle)
    assert image.shape == shape
    assert image.dtype == np.float32
    assert 0 < image.min() <= image.max() <= 1
    turned = positions if angle is None else rotated(positions, box, angle)
    S = diffraction_pattern(turned, box, {2: 64, 3: 32}[d])
    S[(S.shape[0] // 2,) * d] = 0
    assert image == pytest.approx(pooled(np.sqrt(S / len(turned)), 4), abs=1e-6)


def test_input_of_a_crystal_reaches_one_and_leaves_out_k_zero() -> None:
    image = phase_input(square_lattice(16), np.array([16.0, 16.0]), 2)
    assert image.max() == pytest.approx(1, abs=1e-6)
    assert image.max() <= 1
    assert image[16, 16] == pytest.approx(0, abs=1e-3)
    assert image[20, 16] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("positions", "box"),
    [(np.empty((0, 2)), np.ones(2)), (np.ones((4, 2)), np.ones(3)), (np.ones(4), np.ones(1)), (np.ones((4, 2)), 3.0)],
)
def test_shapes_that_do_not_fit(positions: np.ndarray, box: np.ndarray) -> None:
    with pytest.raises(SimulationError, match=r"needs positions \(N, d\), N > 0, and a box \(d,\), d = 2 or 3"):
        diffraction_pattern(positions, box, 4)


@pytest.mark.parametrize("dimension", [1, 3])
def test_dimension_that_is_not_that_of_the_positions(dimension: int) -> None:
    with pytest.raises(SimulationError, match=rf"dimension = {dimension} with positions of shape \(200, 2\)"):
        phase_input(gas(BOXES[0]), BOXES[0], dimension)
