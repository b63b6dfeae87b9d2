"""The shortest distance of two line segments, against known cases, minimization on grids, and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest

from softal.simulators.monte_carlo.segments import shortest_distance

X, Y, Z = np.eye(3)


@pytest.mark.parametrize(
    ("r", "u", "v", "expected"),
    [
        pytest.param([0, 0, 0.7], X, Y, 0.7, id="crossed, one above the other"),
        pytest.param([0, 0, 0], X, Y, 0.0, id="crossing"),
        pytest.param([1, 2, 0], X, X, 2.0, id="parallel, side by side"),
        pytest.param([-4.9, 2, 0], X, -X, 2.0, id="antiparallel, side by side at their ends"),
        pytest.param([6, 2, 0], X, X, np.sqrt(5), id="parallel, past each other"),
        pytest.param([8, 0, 0], X, X, 3.0, id="collinear, end to end"),
        pytest.param([-8, 0, 0], X, -X, 3.0, id="collinear, antiparallel"),
        pytest.param([3, 0, 0], X, X, 0.0, id="collinear, overlapping"),
        pytest.param([4, 0, 0], X, Y, 1.5, id="an end against a side"),
        pytest.param([4, 4, 0], X, Y, np.hypot(1.5, 1.5), id="end against end at a right angle"),
    ],
)
def test_known_distances(r: list[float], u: np.ndarray, v: np.ndarray, expected: float) -> None:
    assert shortest_distance(r, u, v, 5.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("angle", 10.0 ** np.arange(-16, 0))
def test_nearly_parallel(angle: float) -> None:
    """Lines that cross above each other, and rods end to end, at angles down to where 1 - cos^2 is lost."""
    v = np.array([np.cos(angle), np.sin(angle), 0])
    assert shortest_distance([0, 0, 1], X, v, 5.0) == pytest.approx(1, abs=1e-10)
    assert shortest_distance([3 * v[0], 3 * v[1], 1], X, v, 5.0) == pytest.approx(
        np.hypot(1, max(0.5 * np.sin(angle), 0)), abs=1e-10
    )
    end_to_end = np.hypot(8 - 2.5 * v[0] - 2.5, 2.5 * v[1])
    assert shortest_distance([8, 0, 0], X, v, 5.0) == pytest.approx(end_to_end, abs=1e-10)


def random_pairs(n: int, seed: int, tilt: float = np.inf) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(n, 3))
    v = rng.normal(size=(n, 3)) if tilt == np.inf else u + tilt * rng.normal(size=(n, 3))
    return rng.normal(size=(n, 3)) * 3, u / np.linalg.norm(u, axis=1)[:, None], v / np.linalg.norm(v, axis=1)[:, None]


def minimized(r: np.ndarray, u: np.ndarray, v: np.ndarray, length: float) -> np.ndarray:
    """Return distances by grids of points on both segments that close in on the nearest pair."""
    s, t, width = np.zeros(len(r)), np.zeros(len(r)), length / 2
    for _ in range(60):
        steps = np.linspace(-width, width, 17)
        ss = np.clip(s[:, None, None] + steps[:, None], -length / 2, length / 2)
        tt = np.clip(t[:, None, None] + steps, -length / 2, length / 2)
        apart = r[:, None, None] + tt[..., None] * v[:, None, None] - ss[..., None] * u[:, None, None]
        d = np.sqrt((apart**2).sum(-1)).reshape(len(r), -1)
        best = d.argmin(1)
        pick = np.arange(len(r))
        s, t = ss[pick, best // 17, 0], tt[pick, 0, best % 17]
        width *= 0.6
    return d.min(1)


@pytest.mark.parametrize("tilt", [np.inf, 0.3, 1e-2])
@pytest.mark.parametrize("length", [1.0, 5.0])
def test_against_minimization(length: float, tilt: float) -> None:
    r, u, v = random_pairs(300, 1, tilt)
    assert np.allclose(shortest_distance(r, u, v, length), minimized(r, u, v, length), rtol=0, atol=1e-10)


def test_all_regions_occur() -> None:
    """Random pairs are nearest at sides, at an end and a side, and at two ends: no region is left untested."""
    r, u, v = random_pairs(300, 1)
    a, b, c = (r * u).sum(1), (r * v).sum(1), (u * v).sum(1)
    s, t = (a - c * b) / (1 - c**2), (c * a - b) / (1 - c**2)
    outside = (np.abs(s) > 2.5).astype(int) + (np.abs(t) > 2.5)
    assert {0, 1, 2} == set(outside)


def test_symmetries() -> None:
    """Neither the order of the rods, nor which end is the head, nor a turn of the whole makes a difference."""
    r, u, v = random_pairs(200, 2)
    d = shortest_distance(r, u, v, 4.0)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    assert np.allclose(shortest_distance(-r, v, u, 4.0), d, rtol=0, atol=1e-12)
    assert np.allclose(shortest_distance(r, -u, v, 4.0), d, rtol=0, atol=1e-12)
    assert np.allclose(shortest_distance(r @ turn, u @ turn, v @ turn, 4.0), d, rtol=0, atol=1e-12)


def test_points() -> None:
    r, u, v = random_pairs(50, 4)
    assert np.allclose(shortest_distance(r, u, v, 0.0), np.linalg.norm(r, axis=1), rtol=1e-14)
