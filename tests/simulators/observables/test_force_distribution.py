"""g(r) from forces: exact where the distribution is known, against counts of the same configurations, limits."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from softal.simulators.argon.argon import Argon
from softal.simulators.base import Context
from softal.simulators.kob_andersen.kob_andersen import KobAndersen
from softal.simulators.observables.combination import combined
from softal.simulators.observables.force_distribution import (
    ANCHORED,
    HISTOGRAM,
    LEFT,
    ForceDistributions,
    distributions,
)
from softal.simulators.observables.partial_rdf import PartialDistributions
from softal.trial import Array

L, KT = 6.0, 0.7
HOOMD_MISSING = importlib.util.find_spec("hoomd") is None
ENGINES = [
    "lammps",
    pytest.param("hoomd", marks=pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")),
]


def energy(r: np.ndarray) -> np.ndarray:
    """A soft well behind a steep core, and its force; both vanish at 2.5."""
    return np.where(r < 2.5, 4 * (r**-12 - r**-6) + 0.016316891136 + 0.0389994774528 * (r - 2.5), 0.0)


def force(r: np.ndarray) -> np.ndarray:
    return np.where(r < 2.5, 24 * (2 * r**-13 - r**-7) - 0.0389994774528, 0.0)


def two_particles(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Independent configurations of two particles, exactly distributed: positions and forces, (count, 2, 3)."""
    rng = np.random.default_rng(seed)
    found = np.empty((0, 3))
    most = np.exp(-energy(np.array(2 ** (1 / 6))) / KT)
    while len(found) < count:
        apart = rng.uniform(-L / 2, L / 2, size=(4 * count, 3))
        r = np.maximum(np.linalg.norm(apart, axis=1), 0.5)
        found = np.concatenate([found, apart[rng.random(len(r)) * most < np.exp(-energy(r) / KT)]])
    apart = found[:count]
    r = np.linalg.norm(apart, axis=1, keepdims=True)
    on_second = force(r) * apart / r
    first = rng.uniform(0, L, size=(count, 3))
    return np.stack([first, first + apart], axis=1), np.stack([-on_second, on_second], axis=1)


def exact(edges: np.ndarray) -> np.ndarray:
    """g of the two particles, the mean over each shell."""
    r = np.linspace(edges[:-1], edges[1:], 201)
    boltzmann = np.trapezoid(np.exp(-energy(np.maximum(r, 0.3)) / KT) * r**2, r, axis=0) * 3 / np.diff(edges**3)
    axis = (np.arange(150) + 0.5) / 150 * L / 2
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    mean = np.exp(-energy(np.maximum(np.sqrt(x**2 + y**2 + z**2), 0.3)) / KT).mean()
    return np.asarray(boltzmann / mean)


@pytest.mark.physics
@pytest.mark.parametrize("types", [[0, 0], [0, 1]])
def test_each_estimate_is_exact_where_the_distribution_is_known(types: list[int]) -> None:
    partial = PartialDistributions(np.array(types), L, L / 2, 0.05)
    positions, forces = two_particles(20_000, 3)
    found = ForceDistributions(partial, KT)
    for one in zip(positions, forces, strict=True):
        found.sample(*one)
    index = partial.pairs.index((types[0], types[1]))
    estimates = found.estimates()[:, :, index]
    mean, error = estimates.mean(axis=1), estimates.std(axis=1) / np.sqrt(len(positions))
    g = exact(partial.edges)
    often = estimates[HISTOGRAM].astype(bool).sum(axis=0)
    seen, never = often > 50, often == 0
    for which in (HISTOGRAM, LEFT, ANCHORED):
        z = (mean[which] - g)[seen] / error[which][seen]
        assert np.sqrt(np.mean(z**2)) < 1.6, which  # neighbouring bins of forces' estimates are correlated
        assert np.abs(z).max() < 4.5, which
    assert never[:5].all()
    assert np.all(estimates[LEFT][:, partial.r_values < partial.r_values[~never][0]] == 0), "where no pair has come"
    best = combined(estimates.reshape(3, 100, -1, len(g)).mean(axis=2))  # two particles are seldom in a bin
    assert np.sqrt(np.mean(((best.values - g)[seen] / best.errors[seen]) ** 2)) < 1.6
    assert np.median(best.gain[seen]) > 1.05


def test_a_shell_is_shared_by_where_the_pair_is_in_it() -> None:
    """Of a pair in the middle of a bin, what is outside of it counts for the bin, by volume."""
    partial = PartialDistributions(np.zeros(2, dtype=np.intp), L, 3.0, 1.0)
    positions = np.array([[0.1, 0, 0], [0.1 - 1.5, 0, 0]])  # through the face
    _, sums = partial.counts_and_forces(positions, np.array([[2.0, 5, 5], [-4.0, 5, 5]]))
    weight = 3.0 / 1.5**2  # (F_j - F_i) . r_ij / 2 over r^3 = (-6)(-1.5) / 2 / 1.5^3
    assert sums[0] == pytest.approx([0, weight * (2**3 - 1.5**3) / (2**3 - 1), weight / 1])


def test_an_ideal_gas_is_one_everywhere_by_the_outer_half_alone() -> None:
    """Without forces all that is known is that g is the same everywhere; no core, so that `left` has no say."""
    rng = np.random.default_rng(5)
    partial = PartialDistributions(np.zeros(40, dtype=np.intp), L, 3.0, 0.1)
    found = ForceDistributions(partial, KT)
    for _ in range(200):
        found.sample(rng.uniform(0, L, size=(40, 3)), np.zeros((40, 3)))
    [best] = found.best()
    assert len(best.weights) == 2
    anchored = found.estimates()[ANCHORED][:, 0]
    assert np.ptp(anchored, axis=1) == pytest.approx(0, abs=1e-12)
    assert np.all(np.abs(best.values - 1) < 4.5 * best.errors)
    assert np.median(best.gain) > 5


def test_few_configurations_are_counted_only() -> None:
    partial = PartialDistributions(np.zeros(2, dtype=np.intp), L, 3.0, 0.1)
    positions, forces = two_particles(11, 1)
    [(few, _)] = distributions(partial, list(positions), list(forces), KT)
    [(counted, _)] = distributions(partial, list(positions), [None] * 11, KT)
    assert np.array_equal(few, counted)


def run(kind: type, point: dict[str, float], folder: Path, **settings: object) -> dict[str, Array]:
    observation = kind(settings).run(point, Context(folder, seed=4))
    return dict(observation.arrays)


ARGON = {"epsilon": 119.8, "sigma": 3.405, "n": 12.0, "m": 6.0}
SHORT = {"particles": 200, "t_max": 2.0, "longest_run": 30.0}
CASES = [  # with the least ratio of variances
    (Argon, ARGON, {"particles": 256, "sampling": 100.0}, "radial_", 2.0),
    (KobAndersen, {"T": 2.0, "rho": 1.2}, {**SHORT, "r_bin": 0.02}, "g_", 1.3),
]


@pytest.mark.long
@pytest.mark.physics
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("kind", "point", "settings", "names", "gain"), CASES, ids=["argon", "mixture"])
def test_the_same_configurations_say_more(
    kind: type,
    point: dict[str, float],
    settings: dict[str, object],
    names: str,
    gain: float,
    engine: str,
    tmp_path: Path,
) -> None:
    with_forces = run(kind, point, tmp_path, engine=engine, forces=True, **settings)
    counted = run(kind, point, tmp_path, engine=engine, forces=False, **settings)
    found = [name for name in counted if name.startswith(names)]
    assert len(found) in (1, 3)
    for name in found:
        new, old = with_forces[name], counted[name]
        seen = old.values > 0.05
        variance = np.sqrt(np.sum(old.errors[seen] ** 2) / np.sum(new.errors[seen] ** 2))
        assert variance**2 > gain, name
        z = (new.values - old.values)[seen] / old.errors[seen]
        assert np.sqrt(np.mean(z**2)) < 1.5, name
        empty = old.values == 0
        assert np.all(np.abs(new.values[empty]) <= 3 * new.errors[empty] + 1e-12), name
