"""Spheres to start from: packing fractions, distances, what does not fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import sphere_starts
from softal.simulators.monte_carlo.sphere_starts import Start
from softal.theory import crystals


def closest(start: Start) -> float:
    """The least r / s of all pairs."""
    c = start.configuration
    assert c.diameters is not None
    apart = c.positions[:, None] - c.positions
    apart -= c.box * np.rint(apart / c.box)
    s = (c.diameters[:, None] + c.diameters) / 2
    ratio = np.sqrt((apart**2).sum(axis=2)) / s
    np.fill_diagonal(ratio, np.inf)
    return float(ratio.min())


def packing(start: Start) -> float:
    d = start.configuration.diameters
    assert d is not None
    return float(np.pi / 6 * (d**3).sum() / start.configuration.volume)


@pytest.mark.parametrize(
    ("structure", "ratio", "phi", "n"),
    [
        ("fcc", 0.82, 0.55, 500), ("hcp", 0.82, 0.55, 448), ("sc", 0.82, 0.4, 343), ("bcc", 0.82, 0.5, 432),
        ("NaCl", 0.45, 0.63, 432), ("AlB2", 0.45, 0.6, 450), ("AlB2", 0.54, 0.6, 450), ("AB13", 0.54, 0.55, 448),
        ("MgCu2", 0.82, 0.6, 432), ("MgZn2", 0.82, 0.6, 432), ("MgNi2", 0.82, 0.6, 432),
    ],
)  # fmt: skip
def test_crystals(structure: str, ratio: float, phi: float, n: int) -> None:
    """Packing fraction as it was wanted; spheres as far apart as the closest packing says."""
    start = sphere_starts.crystal(structure, n, phi, ratio)
    assert len(start.labels) == len(start.configuration.positions) == n
    assert packing(start) == pytest.approx(phi)
    assert closest(start) ** 3 == pytest.approx(crystals.densest(structure, ratio) / phi, rel=1e-6)
    assert start.configuration.box.min() >= 2
    assert {crystals.ENVIRONMENTS[i].partition("_")[0] for i in start.labels} <= {structure, "MgCu2", "MgZn2"}


@pytest.mark.parametrize(("ratio", "small", "phi"), [(1.0, 0.0, 0.5), (0.45, 0.5, 0.45), (0.82, 2 / 3, 0.5)])
def test_mixtures(ratio: float, small: float, phi: float) -> None:
    start = sphere_starts.mixture(100, phi, ratio, small, seed=1)
    assert packing(start) == pytest.approx(phi)
    assert closest(start) >= 1
    assert np.sum(start.configuration.diameters == ratio) == (100 if ratio == 1 else round(100 * small))
    assert set(start.labels) == {crystals.ENVIRONMENTS.index("fluid")}
    again, other = (sphere_starts.mixture(100, phi, ratio, small, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(again.configuration.positions, start.configuration.positions)
    assert not np.allclose(other.configuration.positions, start.configuration.positions)


def test_a_fluid_beside_a_crystal() -> None:
    first = sphere_starts.crystal("AlB2", 162, 0.6, 0.54)
    both = sphere_starts.beside_fluid(first, 200, 0.45, 0.54, 2 / 3, seed=1)
    assert closest(both) >= 1
    box, old = both.configuration.box, first.configuration.box
    np.testing.assert_allclose(box[:2], old[:2])
    known = both.labels == crystals.ENVIRONMENTS.index("fluid")
    diameters = both.configuration.diameters
    assert diameters is not None
    fluid = np.pi / 6 * np.sum(diameters[known] ** 3) / (box[0] * box[1] * (box[2] - old[2]))
    assert fluid == pytest.approx(0.45)  # without a gap, in which a crystal would melt
    away = both.configuration.positions[~known] - first.configuration.positions
    away -= box * np.rint(away / box)
    assert np.linalg.norm(away, axis=1).max() < 0.5
    assert np.median(np.linalg.norm(away, axis=1)) < 0.1  # Lindemann's tenth: it has not melted


@pytest.mark.parametrize(("first", "phi", "ratio"), [("NaCl", 0.63, 0.45), ("MgCu2", 0.6, 0.82)])
def test_two_crystals(first: str, phi: float, ratio: float) -> None:
    both = sphere_starts.layered((first, phi), ("fcc", 0.55), 900, ratio)
    assert closest(both) >= 1
    assert len(both.labels) == pytest.approx(900, rel=0.15)
    large = both.labels == crystals.ENVIRONMENTS.index("fcc")
    assert 0.35 < large.mean() < 0.65


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: sphere_starts.crystal("NaCl", 432, 0.7, 0.54),
            "NaCl of size ratio 0.54 at packing fraction 0.7: spheres would overlap; allowed: below 0.6637",
        ),
        (lambda: sphere_starts.crystal("CsCl", 432, 0.5, 0.5), "structure: 'CsCl' is given; allowed: fcc"),
        (lambda: sphere_starts.crystal("AB13", 300, 0.55, 0.54), "300 particles are no whole cells of AB13; 336"),
        (lambda: sphere_starts.crystal("sc", 4, 0.5), "4 particles are no whole cells of sc; 8 are"),
        (lambda: sphere_starts.mixture(432, 0.6), "do not fit as a fluid of packing fraction 0.6"),
        (lambda: sphere_starts.mixture(5, 0.5), "edges of 2 sigma or more"),
        (
            lambda: sphere_starts.side_by_side(
                sphere_starts.crystal("fcc", 108, 0.5), sphere_starts.crystal("sc", 64, 0.5)
            ),
            "side by side: a strain of ",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(make: Callable[[], Start], said: str) -> None:
    with pytest.raises(SimulationError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
