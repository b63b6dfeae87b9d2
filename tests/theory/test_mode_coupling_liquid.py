"""Memory functions: against the integral done plainly, identical species as one, bad input in one line."""

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.theory import hard_spheres
from softal.theory.mode_coupling.liquid import Liquid, wave_numbers

pytestmark = pytest.mark.physics

N_K, DK = 24, 0.8
RNG = np.random.default_rng(5)


def split(S, x):
    """S_ab of a one-component liquid whose particles carry labels, fractions x: x_a delta + x_a x_b (S - 1)."""
    x = np.asarray(x)
    return np.diag(x)[:, :, None] + np.multiply.outer(x, x)[:, :, None] * (S - 1)


def any_mixture():
    """Two species of different mass with an S(k) of no meaning, but symmetric and positive."""
    k = wave_numbers(N_K, DK)
    S = split(hard_spheres.structure_factor(k, 0.4), (0.3, 0.7))
    S[0, 0] += 0.1 * np.exp(-k)
    S[0, 1] += 0.03 * np.sin(k) / k
    S[1, 0] = S[0, 1]
    return Liquid(k, S, 0.9, 1.7, composition=(0.3, 0.7), masses=(1.0, 2.5))


def pairs(liquid):
    """Indices (i, j, m) with wave numbers k, q, p that make a triangle, with q p / k and the projections of q and p."""
    for i, k in enumerate(liquid.k):
        for j, q in enumerate(liquid.k):
            for m in range(abs(i - j), min(i + j + 1, len(liquid.k))):
                p = liquid.k[m]
                yield i, j, m, q * p / k, (k * k + q * q - p * p) / (2 * k), (k * k + p * p - q * q) / (2 * k)


def test_memory_is_the_double_integral_over_the_vertices():
    liquid = any_mixture()
    noise = RNG.normal(size=liquid.S.shape)
    F = liquid.S + 0.1 * (noise + noise.transpose(1, 0, 2))
    c, x, s = liquid.c, liquid.x, 2
    N = np.zeros_like(F)
    eye = np.eye(s)
    for i, j, m, weight, along_q, along_p in pairs(liquid):
        # V_mna: axes m, n, a
        V = along_q * np.einsum("am,an->mna", c[:, :, j], eye) + along_p * np.einsum("an,am->mna", c[:, :, m], eye)
        N[:, :, i] += weight * np.einsum("uva,um,vn,mnb->ab", V, F[:, :, j], F[:, :, m], V)
    N *= 2 * np.pi * DK**2 * liquid.rho / (2 * (2 * np.pi) ** 3 * np.multiply.outer(x, x)[:, :, None] * liquid.k**2)
    np.testing.assert_allclose(liquid.memory(F), N, rtol=1e-10, atol=1e-10 * np.abs(N).max())


def test_memory_of_a_particle_is_the_double_integral():
    liquid = any_mixture()
    F, F_s = 0.7 * liquid.S, RNG.random((2, N_K))
    N = np.zeros((2, N_K))
    for i, j, m, weight, along_q, _ in pairs(liquid):
        cFc = np.einsum("ag,gh,ha->a", liquid.c[:, :, j], F[:, :, j], liquid.c[:, :, j])
        N[:, i] += weight * along_q**2 * cFc * F_s[:, m]
    N *= 2 * np.pi * DK**2 * liquid.rho / ((2 * np.pi) ** 3 * liquid.k**2)
    np.testing.assert_allclose(liquid.tagged_memory(F, F_s), N, rtol=1e-10)


@pytest.mark.parametrize("x", [(0.5, 0.5), (0.8, 0.2), (0.2, 0.3, 0.5)])
def test_species_that_differ_by_name_are_one(x):
    k = wave_numbers()
    one = hard_spheres.liquid(0.5)
    mixture = Liquid(k, split(one.S[0, 0], x), one.rho, composition=x)
    x = np.array(x)
    # The equation of the sum over a: sum_a J_a S^-1_ag and sum_a J_a N_ag are those of one component, for any g.
    for few, whole in ((mixture.S_inverse, one.S_inverse), (mixture.memory(mixture.S), one.memory(one.S))):
        total = np.einsum("a,agk->gk", x, few)
        np.testing.assert_allclose(total, np.broadcast_to(whole[0], total.shape), rtol=1e-9)
    particles = mixture.tagged_memory(mixture.S, np.ones((len(x), len(k))))
    alone = one.tagged_memory(one.S, np.ones((1, len(k))))
    np.testing.assert_allclose(particles, np.broadcast_to(alone, particles.shape), rtol=1e-9)


def test_direct_correlation_is_that_of_percus_and_yevick():
    liquid = hard_spheres.liquid(0.45)
    np.testing.assert_allclose(liquid.c[0, 0], hard_spheres.direct_correlation(liquid.k, 0.45), rtol=1e-9, atol=1e-12)


def grid(**changes):
    k = wave_numbers(10)
    S = split(np.ones(10), (0.8, 0.2))
    arguments = {"k": k, "S": S, "rho": 1.2, "T": 1.0, "composition": (0.8, 0.2)} | changes
    return Liquid(arguments.pop("k"), arguments.pop("S"), **arguments)


def negative(value):
    S = split(np.ones(10), (0.8, 0.2))
    S[1, 1, 3] = value
    return S


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"S": negative(-0.1)}, r"S\(k\): not positive at k = 1.4, where its smallest eigenvalue is -0.1"),
        ({"S": negative(np.nan)}, r"S\(k\): not finite at k = 1.4"),
        ({"S": np.ones((2, 2, 9))}, r"S\(k\): shape \(2, 2, 9\)"),
        ({"k": np.arange(10.0)}, r"k: wave number 1 is 0, but the grid must be"),
        ({"k": wave_numbers(10) + np.repeat([0, 0.1], 5)}, "k: wave number 6 is 2.3, but .* 2.2 there"),
        ({"k": [1.0]}, r"k: an array of shape \(1,\)"),
        ({"rho": 0.0}, "rho: 0 is not allowed, it must be positive"),
        ({"T": -1.0}, "T: -1 is not allowed, it must be positive"),
        ({"composition": (0.8, 0.3)}, "composition: the fractions 0.8, 0.3 add to 1.1, not to 1"),
        ({"masses": (1.0, 0.0)}, "masses: 1, 0 is not allowed"),
    ],
)
def test_bad_input_is_said_in_one_line(changes, message):
    with pytest.raises(TheoryError, match=message) as raised:
        grid(**changes)
    assert "\n" not in str(raised.value)
