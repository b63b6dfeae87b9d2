"""Boxes with open faces, walls and charges, against sums over images, known limits and formulas."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators import engines
from softal.simulators.engines import Box, Charges, Engine, Mie, System, Wall
from softal.simulators.engines.start import thermal_velocities

HOOMD_MISSING = importlib.util.find_spec("hoomd") is None
EDGE = 2 ** (1 / 6)  # cutoff of a purely repulsive Lennard-Jones potential [sigma]
WCA = Mie(1.0, 1.0, EDGE, shift=True)
NOTHING = Mie(1e-60, 0.1, 1.0, shift=True)
MADELUNG = 1.747564594633  # of rock salt


pytestmark = pytest.mark.physics


def start(system: System, kT: float = 1.0, dt: float = 0.002, engine: str = "lammps") -> Engine:
    return engines.find(engine)(system, kT=kT, dt=dt, thermostat_time=0.2, seed=1)


def resting(positions: np.ndarray, box: Box, **parts: object) -> System:
    return System(positions, np.zeros_like(positions), box, **{"potential": NOTHING, **parts})  # type: ignore[arg-type]


def slit(count: int = 60, kT: float = 1.0, seed: int = 0) -> System:
    """A dilute fluid of two sizes between planes at z = 0 and 4, which its repulsion keeps 0.2 and 0.4 away."""
    rng = np.random.default_rng(seed)
    box = Box((7.0, 8.0, 4.0), (True, True, False))
    sites = np.stack(np.meshgrid(*[np.arange(n) for n in (5, 6, 2)], indexing="ij"), axis=-1).reshape(-1, 3)
    positions = (sites[rng.permutation(len(sites))[:count]] + 0.5) * np.array([1.4, 8 / 6, 2.0])
    types = (np.arange(count) % 3 == 0).astype(np.intp)
    per_kind = {0: Mie(1.0, 0.5, 0.5 * EDGE, shift=True), 1: Mie(2.0, 0.8, 0.8 * EDGE, shift=True)}
    walls = (Wall(2, 0.0, 1, per_kind), Wall(2, 4.0, -1, per_kind))
    return System(positions, thermal_velocities(count, kT, 1.0, rng), box, WCA, 1.0, types, ("A", "B"), walls)


def pairs_of(system: System, positions: np.ndarray) -> tuple[float, np.ndarray]:
    """Energy of all pairs and the forces, by the nearest images."""
    separation = system.box.nearest(positions[:, None] - positions[None])
    distance = np.linalg.norm(separation, axis=-1) + 1e9 * np.eye(len(positions))
    potential = system.pairs[0, 0]
    forces = np.sum((potential.force(distance) / distance)[..., None] * separation, axis=1)
    return 0.5 * float(potential.energy(distance).sum()), forces


# The box.


def test_a_box_wraps_only_what_is_periodic() -> None:
    box = Box((2.0, 4.0, 8.0), (True, False, True))
    np.testing.assert_allclose(box.wrapped(np.array([[2.5, 4.5, -1.0]])), [[0.5, 4.5, 7.0]])
    np.testing.assert_allclose(box.nearest(np.array([[1.5, 3.5, -7.0]])), [[-0.5, 3.5, 1.0]])
    assert (box.volume, box.narrowest) == (64.0, 2.0)
    assert Box.cube(3.0).length == 3.0
    with pytest.raises(SimulationError, match="a periodic cube is needed"):
        _ = box.length
    with pytest.raises(SimulationError, match="each must be positive"):
        Box((1.0, 0.0, 1.0))


ENGINES = ["lammps", pytest.param("hoomd", marks=pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing"))]


@pytest.mark.parametrize("engine", ENGINES)
def test_three_edges(engine: str) -> None:
    """Energy and forces across the faces of a box whose edges differ; positions go on beyond each of them."""
    box, rng = Box((5.5, 6.0, 9.0)), np.random.default_rng(1)
    lattice = np.stack(np.meshgrid(*[np.arange(n) for n in (4, 5, 7)], indexing="ij"), axis=-1).reshape(-1, 3)
    positions = lattice * np.array([1.375, 1.2, 9 / 7]) + 0.05 * rng.normal(size=(140, 3))
    system = System(positions, thermal_velocities(140, 1.0, 1.0, rng), box, Mie(1.0, 1.0, 2.4))
    energy, forces = pairs_of(system, positions)
    with start(system, engine=engine) as running:
        assert running.frame().potential_energy == pytest.approx(energy, rel=1e-5)
        np.testing.assert_allclose(running.forces(), forces, atol=1e-4 * np.sqrt(np.mean(forces**2)))
        running.run(4000)
        frame, unwrapped = running.frame(), running.unwrapped()
        assert np.all((frame.positions >= 0) & (frame.positions <= box.edges))
        outside = (unwrapped - frame.positions) / np.asarray(box.edges)
        np.testing.assert_allclose(outside, np.round(outside), atol=1e-5)
        assert (np.abs(np.round(outside)).max(axis=0) > 0).all()


# Walls.


def test_walls_add_their_energy_and_forces() -> None:
    system = slit()
    with start(system) as running:
        running.run(500)
        frame = running.frame()
        energy, forces = pairs_of(system, frame.positions)
        for wall in system.walls:
            energy += wall.energy(frame.positions, system.particle_types)
            forces[:, 2] += wall.side * wall.push(frame.positions, system.particle_types)
        assert frame.potential_energy == pytest.approx(energy, rel=1e-8)
        np.testing.assert_allclose(running.forces(), forces, atol=1e-6)
        assert sum(wall.push(frame.positions, system.particle_types).max() for wall in system.walls) > 0


def test_an_ideal_gas_pushes_on_walls_with_its_density() -> None:
    """<push> / area = kT N / V': V' is what each kind can reach, area times int exp(-U/kT) dz between the walls.

    Velocities are drawn anew every few steps, since nothing else lets such a gas forget them.
    """
    system, rng = replace(slit(kT=1.2), potential=NOTHING), np.random.default_rng(5)
    z = np.linspace(1e-4, 4 - 1e-4, 200_000)
    count = np.bincount(system.particle_types)
    expected = 0.0
    for kind in (0, 1):
        potential = system.walls[0].of_kind(kind)
        reach = float(np.mean(np.exp(-(potential.energy(z) + potential.energy(4 - z)) / 1.2)) * 4)
        expected += 1.2 * count[kind] / (7 * 8 * reach)
    pressures = []
    with start(system, kT=1.2) as running:
        running.release_thermostat()
        for _ in range(9200):
            running.set_velocities(np.sqrt(1.2) * rng.normal(size=(60, 3)))
            running.run(40)
            positions = running.frame().positions
            pushes = [wall.push(positions, system.particle_types).sum() / 56 for wall in system.walls]
            pressures.append(np.mean(pushes))
    blocks = np.mean(np.reshape(pressures[200:], (15, 600)), axis=1)
    error = blocks.std(ddof=1) / np.sqrt(15)
    assert error < 0.03 * expected
    assert abs(blocks.mean() - expected) < 4 * error  # 4 standard errors: once in 15,000 seeds


def test_the_momentum_that_walls_keep_is_counted_in_the_temperature() -> None:
    system = slit()
    assert system.kept_momenta == 2
    with start(system) as running:
        kinetic = 0.5 * float(np.sum(system.velocities**2))
        assert running.frame().temperature == pytest.approx(2 * kinetic / (3 * 60 - 2), rel=1e-6)


def test_a_particle_that_leaves_an_open_face_fails() -> None:
    lost = resting(np.array([[1.0, 1.0, 3.9], [3.0, 3.0, 2.0]]), Box((5.0, 5.0, 4.0), (True, True, False)))
    fast = replace(lost, velocities=np.array([[0.0, 0.0, 50.0], [0.0, 0.0, 0.0]]))
    with start(fast) as running, pytest.raises(SimulationError, match="blew up"):
        running.run(500)


# Charges.


def rock_salt(box_cells: int = 2) -> tuple[np.ndarray, np.ndarray]:
    sites = np.stack(np.meshgrid(*[np.arange(2 * box_cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return sites.astype(float), np.asarray(sites.sum(axis=1) % 2, dtype=np.intp)


@pytest.mark.parametrize("tables", [False, True])
def test_rock_salt_has_its_madelung_energy(tables: bool) -> None:
    positions, types = rock_salt()
    charges = Charges((1.0, -1.0), strength=2.5, cutoff=1.9, accuracy=1e-6)
    potential = Mie(1e-60, 0.1, 1.0, n=11.0) if tables else NOTHING  # no Lennard-Jones: a table
    system = resting(positions, Box.cube(4.0), potential=potential, types=types, kinds=("Na", "Cl"), charges=charges)
    with start(system, dt=1e-6) as running:
        frame = running.frame()
        assert frame.potential_energy == pytest.approx(-MADELUNG * 2.5 * 64 / 2, rel=2e-5)
        assert np.abs(running.forces()).max() < 2e-4
        # U ~ 1/L: the virial is U itself.
        assert frame.pressure == pytest.approx(frame.potential_energy / (3 * 4.0**3), rel=1e-4)


def slab_of(positions: np.ndarray, values: np.ndarray, edges: tuple[float, float], images: int = 60) -> np.ndarray:
    """Forces (N, 3) of charges that are periodic along x and y, by sums over square shells, with the rest."""
    x, y = edges

    def forces(last: int) -> np.ndarray:
        shifts = np.stack(np.meshgrid(np.arange(-last, last + 1), np.arange(-last, last + 1)), axis=-1).reshape(-1, 2)
        separation = positions[:, None, None] - positions[None, :, None] - np.pad(shifts * [x, y], ((0, 0), (0, 1)))
        distance = np.linalg.norm(separation, axis=-1)
        weight = np.where(distance > 0, values[None, :, None] / np.where(distance > 0, distance, 1.0) ** 3, 0.0)
        return values[:, None] * np.einsum("ijs,ijsk->ik", weight, separation)

    half, whole = forces(images // 2), forces(images)
    return 2 * whole - half  # the rest of a neutral slab's sum falls off as 1/images


def test_charges_between_open_faces_are_those_of_a_slab() -> None:
    """Layers above and below, which a sum that is periodic along z has, would pull by 4 pi M_z / V."""
    box = Box((6.0, 7.0, 5.0), (True, True, False))
    rng = np.random.default_rng(3)
    types = np.array([0, 0, 1, 1, 1, 1])
    positions = rng.random((6, 3)) * np.array([6.0, 7.0, 1.0])
    positions[:, 2] += np.where(types == 0, 0.5, 3.5)  # two layers, a capacitor
    charges = Charges((2.0, -1.0), strength=0.7, cutoff=2.9, accuracy=1e-6)
    system = resting(positions, box, types=types, kinds=("Ca", "Cl"), charges=charges)
    expected = 0.7 * slab_of(positions, np.array([2.0, -1.0])[types], (6.0, 7.0))
    with start(system, dt=1e-6) as running:
        size = np.sqrt(np.mean(expected**2))
        np.testing.assert_allclose(running.forces(), expected, atol=2e-3 * size)
    moment = float((np.array([2.0, -1.0])[types] * positions[:, 2]).sum())
    pull = 4 * np.pi * 0.7 * abs(moment) / (3 * box.volume)  # what the correction takes away
    assert pull > 20 * 2e-3 * size


# What is refused.


@pytest.mark.parametrize(
    ("parts", "box", "message"),
    [
        ({"charges": Charges((1.0,), 1.0, 1.0)}, Box.cube(5.0), "add up to 2; a periodic system must be neutral"),
        ({"charges": Charges((0.0,), 1.0, 1.0)}, Box((5.0, 5.0, 5.0), (False, True, True)), "or along x and y"),
        ({"charges": Charges((0.0,), 1.0, 3.0)}, Box.cube(5.0), "longer than half the box"),
        ({"walls": (Wall(2, 0.0, 1, WCA),)}, Box.cube(5.0), "a wall at z = 0 needs an open box there, from 0 to 5"),
        ({"walls": (Wall(0, 6.0, -1, WCA),)}, Box((5.0, 5.0, 5.0), (False, True, True)), "a wall at x = 6 needs"),
    ],
)
def test_what_has_no_sum_is_refused(parts: dict[str, object], box: Box, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        resting(np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]]), box, **parts)


def test_a_wall_that_lammps_does_not_have_is_refused() -> None:
    box = Box((5.0, 5.0, 5.0), (True, True, False))
    soft = resting(np.array([[1.0, 1.0, 1.0]]), box, walls=(Wall(2, 0.0, 1, Mie(1.0, 1.0, EDGE)),))
    with pytest.raises(SimulationError, match="a wall is Lennard-Jones, cut and shifted"):
        start(soft)


@pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")
def test_hoomd_says_what_it_does_not_run() -> None:
    with pytest.raises(SimulationError, match="need `engine: lammps`"):
        start(slit(), engine="hoomd")
