"""The generator against its published algorithm and the uniform distribution."""

from __future__ import annotations

import numba as nb
import numpy as np
import pytest

from softal.simulators.monte_carlo.rng import seeded, uniform


@nb.njit
def draw(state, n):  # type: ignore[no-untyped-def]
    out = np.empty(n)
    for i in range(n):
        out[i] = uniform(state)
    return out


def test_known_outputs() -> None:
    """xoshiro256++ from the state 1, 2, 3, 4: the authors' C code, as in the tests of the crate rand_xoshiro."""
    expected = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205, 9973669472204895162]
    state = np.array([1, 2, 3, 4], np.uint64)
    np.testing.assert_array_equal(draw(state, 6), [(x >> 11) / 2**53 for x in expected])


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_moments_of_the_uniform_distribution(moment: int) -> None:
    x = draw(seeded(1), 200_000)
    assert x.min() >= 0
    assert x.max() < 1
    error = np.std(x**moment) / np.sqrt(len(x))
    assert abs(np.mean(x**moment) - 1 / (moment + 1)) < 4 * error


def test_seeds_give_streams_of_their_own() -> None:
    np.testing.assert_array_equal(seeded(3), seeded(3))
    x, y = draw(seeded(3), 50_000), draw(seeded(4), 50_000)
    assert abs(np.corrcoef(x, y)[0, 1]) < 4 / np.sqrt(50_000)
