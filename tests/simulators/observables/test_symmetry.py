"""The symmetry of patterns: every perfect tiling has its own, in every orientation; a fluid has none."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables.diffraction import diffraction_pattern
from softal.simulators.observables.rotation import rotated
from softal.simulators.observables.symmetry import FOLDS, brightest_ring, symmetries, symmetry
from softal.simulators.observables.tilings import (
    Tiling,
    dodecagonal,
    hexagonal_lattice,
    rhombic,
    sigma_phase,
    square_lattice,
)

REFERENCES = {
    "square": (square_lattice(16, 16), 4),
    "hexagonal": (hexagonal_lattice(16, 18), 6),
    "hexagonal, long box": (hexagonal_lattice(12, 24), 6),
    "square, long box": (square_lattice(12, 20), 4),
    "dodecagonal, 56": (dodecagonal(1), 12),
    "dodecagonal, 209": (dodecagonal(2, "square"), 12),
    "dodecagonal, 780": (dodecagonal(2), 12),
    "octagonal": (rhombic(8, 16), 8),
    "Penrose": (rhombic(10, 16), 10),
    "dodecagonal rhombi": (rhombic(12, 16), 12),
    "octadecagonal": (rhombic(18, 16), 18),
}


def pattern(tiling: Tiling, angle: float = 0.0, motion: float = 0.0) -> np.ndarray:
    x = tiling.positions + np.random.default_rng(0).normal(scale=motion or 1e-12, size=tiling.positions.shape)
    return diffraction_pattern(rotated(x, tiling.box, angle) if angle else x, tiling.box, 64)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("angle", [0.0, 0.3, 1.1])
@pytest.mark.parametrize("motion", [0.0, 0.05])
def test_every_reference_has_its_own_symmetry(name: str, angle: float, motion: float) -> None:
    tiling, fold = REFERENCES[name]
    found = symmetries(pattern(tiling, angle, motion), tiling.box)
    others = max(value for m, value in found.items() if m != fold)
    # Motion of 0.05 dims the peaks at large k by exp(-(k 0.05)^2), half of them for the rhombi of fold 18.
    assert found[fold] > (0.2 if motion else 0.6)
    assert found[fold] > 3 * others


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.1])
def test_the_sigma_phase_is_nearly_dodecagonal(angle: float) -> None:
    """A crystal whose brightest ring has 4 + 8 peaks, almost 30 degrees apart: 12 before 8, but not 12 alone."""
    tiling = sigma_phase(8, 8)
    found = symmetries(pattern(tiling, angle), tiling.box)
    assert max(found, key=lambda m: found[m]) == 12
    assert 0.5 < found[12] < 0.95


@pytest.mark.parametrize(("name", "m"), [("square", 4), ("hexagonal", 6), ("dodecagonal, 780", 12)])
def test_perfect_order_is_one(name: str, m: int) -> None:
    tiling, _ = REFERENCES[name]
    assert symmetry(pattern(tiling), m, tiling.box) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("name", "first"), [("square", 1.0), ("hexagonal", 2 / np.sqrt(3))])
def test_the_ring_of_a_crystal_is_one_of_its_first_two(name: str, first: float) -> None:
    """(1, 0) or (1, 1), which are equally bright and perfect, in units of 2 pi / sqrt(area)."""
    tiling, fold = REFERENCES[name]
    ring = brightest_ring(pattern(tiling), tiling.box) / np.sqrt(np.prod(tiling.box)) / first
    second = {4: np.sqrt(2), 6: np.sqrt(3)}[fold]
    assert min(abs(ring - 1), abs(ring - second)) < 0.03


def test_the_ring_of_a_quasicrystal_is_not_the_diffuse_first() -> None:
    """Twelve peaks beside a brighter ring at half of their |k| that is even: the peaks count."""
    S = pattern(dodecagonal(2, "square"))
    y, x = np.mgrid[-64:65, -64:65]
    even = np.abs(np.hypot(x, y) - 15) < 1.5
    S[even] += np.random.default_rng(0).exponential(20, size=even.sum())
    assert S[even].sum() > 2 * S[np.abs(np.hypot(x, y) - 30) < 1.5].sum()
    assert brightest_ring(S) == pytest.approx(30, abs=0.5)
    assert symmetry(S, 12) > 0.9


@pytest.mark.parametrize("seed", range(6))
def test_a_gas_has_no_symmetry(seed: int) -> None:
    x = np.random.default_rng(seed).uniform(0, 16, size=(256, 2))
    assert max(symmetries(diffraction_pattern(x, np.array([16.0, 16.0]), 64)).values()) < 0.45


def test_polycrystals_have_less_than_crystals() -> None:
    """Two halves of hexagonal order, 30 degrees apart, are not a dodecagonal quasicrystal of full symmetry."""
    crystal = hexagonal_lattice(16, 18)
    box = crystal.box
    turned = rotated(*crystal, np.pi / 6)
    mixed = np.concatenate([crystal.positions[crystal.positions[:, 0] < box[0] / 2], turned[turned[:, 0] > box[0] / 2]])
    S = diffraction_pattern(mixed, box, 64)
    assert symmetry(S, 6, box) < 0.5


def test_one_symmetry_is_that_of_the_table() -> None:
    S = pattern(dodecagonal(2, "square"))
    assert symmetries(S) == {m: symmetry(S, m) for m in FOLDS}


@pytest.mark.parametrize("m", [2, 5, 9, 0])
def test_odd_symmetries_are_refused(m: int) -> None:
    with pytest.raises(SimulationError, match=f"m = {m}: a diffraction pattern has even symmetries"):
        symmetry(pattern(square_lattice(8, 8)), m)


def test_a_pattern_that_ends_too_early() -> None:
    S = diffraction_pattern(*square_lattice(16, 16), 10)
    with pytest.raises(SimulationError, match=r"ends at 10 times 2 pi / sqrt\(area\): its first ring is near 16"):
        brightest_ring(S)
