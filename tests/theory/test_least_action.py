"""The Onsager-Machlup action: derivatives, trajectories in closed form, and what every trajectory keeps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.least_action.action import Action, Lambdas
from softal.theory.least_action.optimisers import GaussNewton, Nadam, minimise, restored, save
from softal.theory.least_action.potentials import Harmonic, LennardJones
from softal.theory.least_action.representations import (
    REPRESENTATIONS,
    Ends,
    Grid,
    Polynomials,
    Prolate,
    Sines,
    prolate_functions,
)
from softal.theory.least_action.starts import bent

pytestmark = pytest.mark.physics

LINEAR = ["sines", "polynomials", "prolate"]
TWO = np.array([[0.0, 0.0, 0.0], [1.2, 0.1, 0.0]])


def lattice(dimension: int, side: int, seed: int = 0) -> tuple[Floats, LennardJones]:
    """Return a distorted cubic or square lattice and its potential in a periodic box."""
    rng = np.random.default_rng(seed)
    axes = [np.arange(side) * 1.1] * dimension
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dimension)
    return places + 0.05 * rng.normal(size=places.shape), LennardJones((side * 1.1,) * dimension, 2.1)


def verlet(q: Floats, v: Floats, potential: LennardJones, masses: Floats, dt: float, steps: int) -> Floats:
    """Return positions (steps + 1, N, d), by velocity Verlet."""
    positions, a = [q], potential.linearised(q[None]).forces[0] / masses[:, None]
    for _ in range(steps):
        q = q + dt * v + dt**2 / 2 * a
        new = potential.linearised(q[None]).forces[0] / masses[:, None]
        v, a = v + dt / 2 * (a + new), new
        positions.append(q)
    return np.array(positions)


@pytest.mark.parametrize(("dimension", "side"), [(2, 4), (2, 9), (3, 4), (3, 7)])
def test_forces_and_hessian_are_the_derivatives_of_the_energy(dimension: int, side: int) -> None:
    q, potential = lattice(dimension, side)
    v, h = np.random.default_rng(1).normal(size=q.shape)[None], 2e-6
    here, ahead, behind = (potential.linearised(x) for x in (q[None], q + h * v, q - h * v))
    slope = (ahead.energy - behind.energy) / (2 * h)
    assert -np.sum(here.forces * v) == pytest.approx(slope[0], rel=1e-7, abs=1e-6)
    np.testing.assert_allclose(here.hessian_product(v), (behind.forces - ahead.forces) / (2 * h), atol=2e-5)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("open_edge", [False, True])
def test_cells_find_what_all_pairs_give(dimension: int, open_edge: bool) -> None:
    """Energies of a box with a cell in each direction to several, against the sum over all pairs."""
    rng = np.random.default_rng(2)
    for edge in (4.3, 7.1, 11.0):
        edges = (math.inf if open_edge else edge, *(edge,) * (dimension - 1))
        q = rng.random((60, dimension)) * edge
        potential = LennardJones(edges, 2.1)
        apart = q[:, None] - q[None]
        for a, length in enumerate(edges):
            if math.isfinite(length):
                apart[..., a] -= length * np.rint(apart[..., a] / length)
        r = np.sqrt(np.sum(apart**2, axis=-1))[np.triu_indices(60, 1)]
        x = np.clip((r**2 - (0.8 * 2.1) ** 2) / (2.1**2 - (0.8 * 2.1) ** 2), 0, 1)
        expected = np.sum(4 * (r**-12 - r**-6) * (1 - 10 * x**3 + 15 * x**4 - 6 * x**5))
        shifted = q + 3 * edge * np.array([not open_edge, *[True] * (dimension - 1)])  # atoms need not be in the box
        assert potential.linearised(np.stack([q, shifted])).energy == pytest.approx(expected, rel=1e-9)


def test_a_free_cluster_has_no_cutoff() -> None:
    """Two atoms at any distance; the energy of LJ3 in its minimum is -3."""
    free = LennardJones.free()
    assert free.linearised(np.array([[[0.0, 0, 0], [9.0, 0, 0]]])).energy[0] == pytest.approx(4 * (9.0**-12 - 9.0**-6))
    side = 2 ** (1 / 6)
    triangle = side * np.array([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])
    here = LennardJones.free(2).linearised(triangle[None])
    assert here.energy[0] == pytest.approx(-3.0, abs=1e-12)
    assert np.abs(here.forces).max() < 1e-12


@pytest.mark.parametrize("kind", list(REPRESENTATIONS))
def test_velocities_and_accelerations_are_derivatives(kind: str) -> None:
    ends = Ends(TWO, TWO + 0.3, 0.7)
    representation = REPRESENTATIONS[kind](ends, 9)
    parameters = representation.straight(1)
    parameters = parameters + 0.1 * np.random.default_rng(3).normal(size=parameters.shape)
    t, h = np.array([0.11, 0.35, 0.62]), 1e-5
    _, v, a = representation.sampled(t).motion(parameters)
    ahead, behind = (representation.sampled(t + step).motion(parameters) for step in (h, -h))
    np.testing.assert_allclose(v, (ahead[0] - behind[0]) / (2 * h), atol=1e-7)
    np.testing.assert_allclose(a, (ahead[1] - behind[1]) / (2 * h), atol=1e-6)
    if representation.exact_ends:
        at_ends = representation.sampled(np.array([0.0, 0.7])).motion(parameters)[0]
        np.testing.assert_allclose(at_ends, [ends.start, ends.end], atol=1e-12)


@pytest.mark.parametrize("kind", list(REPRESENTATIONS))
def test_gradients_and_jacobians_are_those_of_finite_differences(kind: str) -> None:
    """All four terms, with atoms of different masses; J^T is the transpose of J."""
    q, potential = lattice(3, 4)
    rng = np.random.default_rng(4)
    representation = REPRESENTATIONS[kind](Ends(q, q + 0.03 * rng.normal(size=q.shape), 0.3), 7)
    masses = rng.uniform(0.5, 2.0, len(q))
    action = Action(potential, masses, representation, representation.grid(8), Lambdas(3.0, 5.0, 0.2), 500.0)
    parameters = representation.straight(1)
    parameters = parameters + 0.01 * rng.normal(size=parameters.shape)
    direction = rng.normal(size=parameters.shape)
    direction /= np.linalg.norm(direction)
    here, h = action.at(parameters), 1e-5
    ahead, behind = (action.at(parameters + step * direction) for step in (h, -h))
    scale = np.linalg.norm(here.push(direction))
    assert np.linalg.norm((ahead.values - behind.values) / (2 * h) - here.push(direction)) < 1e-6 * scale
    assert here.gradient @ direction == pytest.approx((ahead.total - behind.total) / (2 * h), rel=1e-6)
    values = rng.normal(size=here.values.shape)
    assert values @ here.push(direction) == pytest.approx(here.pull(values) @ direction, rel=1e-10)
    assert here.terms.total == pytest.approx(here.total, rel=1e-12)


@pytest.mark.parametrize("kind", LINEAR)
def test_a_free_particle_goes_straight(kind: str) -> None:
    representation = REPRESENTATIONS[kind](Ends(TWO, TWO + 2.0, 1.3), 6)
    action = Action(Harmonic(0.0), 1.0, representation, representation.grid(6))
    found = GaussNewton(action, np.random.default_rng(0).normal(size=representation.straight().shape))
    minimise(found, 20)
    q = representation.sampled(np.array([0.325, 0.65])).motion(found.parameters)[0]
    np.testing.assert_allclose(q, [TWO + 0.5, TWO + 1.0], atol=1e-7)


@pytest.mark.parametrize(("kind", "falls"), [("sines", 3.5), ("polynomials", 1e4), ("prolate", 16.0)])
def test_a_harmonic_oscillator_in_closed_form(kind: str, falls: float) -> None:
    """q(t) = [Q_0 sin w (T - t) + Q_T sin w t] / sin w T, for half a period and more, masses 1 and 4.

    As the number n of functions is doubled the error falls: sines leave out terms of n^-3, whose sum is of n^-2; the
    others' falls faster than n^-4.
    """
    masses, duration = np.array([1.0, 4.0]), 3.6
    w = np.sqrt(2.0 / masses)[:, None]
    ends = Ends(TWO, 0.5 - TWO, duration)
    t = np.linspace(0, duration, 40)[:, None, None]
    exact = (ends.start * np.sin(w * (duration - t)) + ends.end * np.sin(w * t)) / np.sin(w * duration)
    errors = []
    for size in (8, 16):
        representation = REPRESENTATIONS[kind](ends, size)
        action = Action(Harmonic(2.0), masses, representation, representation.grid(size))
        found = GaussNewton(action, representation.straight())
        minimise(found, 30, tolerance=1e-24)
        errors.append(np.abs(representation.sampled(t.ravel()).motion(found.parameters)[0] - exact).max())
    assert errors[0] < 0.05
    assert errors[1] < errors[0] / falls


@pytest.fixture(scope="module")
def collision() -> tuple[Floats, Floats, float]:
    """Two free atoms that collide: positions, masses and the time step of a fine trajectory."""
    masses = np.array([1.0, 2.5])
    velocities = np.array([[0.6, 0.2, 0.0], [-0.4, 0.1, 0.1]])
    return verlet(TWO, velocities, LennardJones.free(), masses, 5e-4, 1200), masses, 5e-4


def test_two_bodies(collision: tuple[Floats, Floats, float]) -> None:
    """From the end points alone: positions as those of the fine trajectory, and the momenta's sum is constant."""
    exact, masses, dt = collision
    exact = exact[:241]  # until they are at their nearest
    representation = Prolate(Ends(exact[0], exact[-1], dt * 240), 20)
    action = Action(LennardJones.free(), masses, representation, representation.grid(20))
    found = GaussNewton(action, representation.straight())
    assert minimise(found, 50) == "converged"
    q, v, _ = representation.sampled(np.arange(len(exact)) * dt).motion(found.parameters)
    assert np.abs(q - exact).max() < 2e-5
    momentum = np.sum(masses[:, None] * v, axis=1)
    assert np.ptp(momentum, axis=0).max() < 1e-6


def test_several_trajectories_have_the_same_ends_and_their_energies_tell_them_apart(
    collision: tuple[Floats, Floats, float],
) -> None:
    """After a collision the straight line leads to atoms that stay together; near the true one is the true one."""
    exact, masses, dt = collision
    ends, times = Ends(exact[0], exact[-1], dt * (len(exact) - 1)), np.arange(len(exact)) * dt
    representation = Polynomials(ends, 30)
    action = Action(LennardJones.free(), masses, representation, representation.grid(30))
    v = (exact[1] - exact[0]) / dt
    energy = action.potential.linearised(exact[:1]).energy[0] + 0.5 * np.sum(masses[:, None] * v**2)
    found = [GaussNewton(action, start) for start in (representation.straight(), representation.nearest(times, exact))]
    assert [minimise(one, 100) for one in found] == ["converged", "converged"]
    error, other = (np.abs(representation.sampled(times).motion(one.parameters)[0] - exact).max() for one in found)
    assert error > 0.1
    assert other < 1e-5
    energies = [float(np.mean(one.here.energies)) for one in found]
    assert abs(energies[0] - energy) > 20 * abs(energies[1] - energy)


def test_reversed_time_gives_the_same_trajectory(collision: tuple[Floats, Floats, float]) -> None:
    exact, masses, dt = collision
    ends = Ends(exact[0], exact[-1], dt * (len(exact) - 1))
    t = np.linspace(0, ends.duration, 7)
    found = []
    for one in (ends, ends.reversed):
        representation = Polynomials(one, 16)
        action = Action(LennardJones.free(), masses, representation, representation.grid(16))
        optimiser = GaussNewton(action, representation.straight())
        minimise(optimiser, 50)
        found.append(representation.sampled(t).motion(optimiser.parameters)[0])
    np.testing.assert_allclose(found[0], found[1][::-1], atol=1e-6)


def test_the_action_of_the_exact_trajectory_falls_at_its_order(collision: tuple[Floats, Floats, float]) -> None:
    """Accelerations by second differences of steps h are off by h^2, so S_OM falls as h^4; spectral ones faster."""
    exact, masses, dt = collision
    actions = []
    for stride in (80, 40, 20):
        h, q = stride * dt, exact[::stride]
        a = (q[2:] - 2 * q[1:-1] + q[:-2]) / h**2
        r = masses[:, None] * a - LennardJones.free().linearised(q[1:-1]).forces
        actions.append(np.sum(r**2) * h)
    assert np.log2(actions[0] / actions[1]) == pytest.approx(4, abs=0.4)
    assert np.log2(actions[1] / actions[2]) == pytest.approx(4, abs=0.2)
    ends, times = Ends(exact[0], exact[-1], dt * (len(exact) - 1)), np.arange(len(exact)) * dt
    spectral = []
    for size in (8, 16, 32):
        basis = Polynomials(ends, size)
        action = Action(LennardJones.free(), masses, basis, basis.grid(64))
        spectral.append(action.at(basis.nearest(times, exact)).terms.action)
    assert spectral[1] < spectral[0] / 50
    assert spectral[2] < spectral[1] / 50


def test_sines_converge_slowly_where_forces_do_not_vanish_at_the_ends(
    collision: tuple[Floats, Floats, float],
) -> None:
    """Why sines are not what is used: coefficients of q fall as n^-3."""
    exact, _, dt = collision
    ends, times = Ends(exact[0], exact[-1], dt * (len(exact) - 1)), np.arange(len(exact)) * dt
    errors = []
    for basis in (Sines(ends, 20), Prolate(ends, 20)):
        q = basis.sampled(times).motion(basis.nearest(times, exact))[0]
        errors.append(np.abs(q - exact).max())
    assert errors[1] < errors[0] / 20


def test_prolate_functions_are_orthonormal_and_legendre_s_for_no_bandwidth() -> None:
    x, weights = np.polynomial.legendre.leggauss(120)
    at = np.polynomial.legendre.legval(x, prolate_functions(20, 25.0))
    np.testing.assert_allclose((at * weights) @ at.T, np.eye(20), atol=1e-12)
    legendre = np.abs(prolate_functions(6, 0.0)[:6])
    np.testing.assert_allclose(legendre, np.diag(np.sqrt(np.arange(6) + 0.5)), atol=1e-12)


def test_grids_integrate() -> None:
    prolate = Prolate(Ends(TWO, TWO, 2.0), 18).grid(18)
    for grid, error in ((prolate, 2e-4), (Grid.gauss(2.0, 18), 1e-12), (Grid.midpoints(2.0, 4000), 1e-6)):
        assert grid.weights @ np.cos(3 * grid.times) == pytest.approx(np.sin(6.0) / 3, abs=error)
    assert Grid.uniform(2.0, 25).weights == pytest.approx(0.08)
    assert len(Grid.uniform(2.0, 25).times) == 26


@pytest.mark.parametrize("kind", list(REPRESENTATIONS))
def test_a_bent_start_keeps_its_ends_and_bends_as_the_forces_would(kind: str) -> None:
    q, potential = lattice(3, 4)
    representation = REPRESENTATIONS[kind](Ends(q, q + 0.02, 0.2), 12)
    action = Action(potential, 1.0, representation, representation.grid(12))
    times = np.linspace(0, 0.2, 201)
    bends = []
    for seed in (1, 1, 2):
        parameters = bent(action, representation.straight(0), seed)
        bends.append(representation.sampled(times).motion(parameters)[0] - representation.ends.line(times))
    np.testing.assert_array_equal(bends[0], bends[1])
    assert np.abs(bends[0] - bends[2]).max() > 0
    kept = 1e-9 if representation.exact_ends else 0.1  # a network misses them a little
    assert np.abs(bends[0][[0, -1]]).max() < kept * np.abs(bends[0]).max()
    force = np.sqrt(np.mean(potential.linearised(np.stack([q, q + 0.02])).forces ** 2))
    middle = np.sqrt(np.mean(bends[0][100] ** 2)) * (np.pi / 0.2) ** 2 / force
    assert 0.1 < middle < 1.6  # 0.2 to 1.2, and the third wave, which is a ninth


@pytest.mark.parametrize("kind", ["gauss_newton", "nadam"])
def test_going_on_from_what_was_saved_is_going_on(kind: str, tmp_path: Path) -> None:
    q, potential = lattice(2, 4)
    representation = REPRESENTATIONS["network"](Ends(q, q + 0.02, 0.2), 6)
    action = Action(potential, 1.0, representation, representation.grid(6), Lambdas(10.0, 10.0, 0.1), 1e4)
    make = {"gauss_newton": GaussNewton, "nadam": Nadam}[kind]
    at_once, first = (make(action, representation.straight(5)) for _ in range(2))
    minimise(at_once, 8)
    minimise(first, 4)
    save(first, tmp_path / "state.npz")
    second = restored(action, tmp_path / "state.npz")
    minimise(second, 8)
    assert second.iterations == at_once.iterations == 8
    assert second.products == at_once.products
    np.testing.assert_array_equal(second.parameters, at_once.parameters)


def test_nadam_makes_the_action_of_a_network_smaller() -> None:
    q, potential = lattice(2, 4)
    representation = REPRESENTATIONS["network"](Ends(q, q + 0.02, 0.2), 10)
    action = Action(potential, 1.0, representation, representation.grid(10), Lambdas(1e3, 1e3))
    found = Nadam(action, representation.straight(1), rate=1e-3)
    before = found.total
    minimise(found, 400)
    assert found.total < before / 5


def test_what_cannot_be_solved_is_said(tmp_path: Path) -> None:
    def action(start: Floats = TWO, end: Floats = TWO, duration: float = 1.0, energy: float | None = None) -> Action:
        representation = Sines(Ends(start, end, duration), 5)
        return Action(LennardJones.free(), 1.0, representation, representation.grid(5), energy=energy)

    with pytest.raises(TheoryError, match=r"shapes \(2, 3\) and \(1, 3\)"):
        action(end=TWO[:1])
    with pytest.raises(TheoryError, match="the end has atoms on top of each other"):
        action(end=np.zeros((2, 3)))
    with pytest.raises(TheoryError, match="duration is 0"):
        action(duration=0.0)
    with pytest.raises(TheoryError, match=r"E_0 is -5, below the start's potential energy -0\.8"):
        action(energy=-5.0)
    with pytest.raises(TheoryError, match="longer than half of the shortest edge, 2"):
        LennardJones((4.0, 5.0, 6.0), 2.5)
    with pytest.raises(TheoryError, match="not finite"):
        action(end=TWO * np.nan)
    with pytest.raises(TheoryError, match="lambda of the energy is -1"):
        Lambdas(energy=-1.0)
    with pytest.raises(TheoryError, match="atoms on top of each other: another start"):
        GaussNewton(action(end=TWO[::-1].copy()), np.zeros(30))  # the straight line exchanges the two
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(TheoryError, match="holds no saved state"):
        restored(action(), tmp_path / "damaged.npz")
