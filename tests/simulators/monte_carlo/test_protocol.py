"""Equilibration and sampling: what is kept, when it is at rest, annealing."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import protocol, starts
from softal.simulators.monte_carlo.potentials import SquareShoulder
from softal.simulators.monte_carlo.system import Disks

pytestmark = pytest.mark.physics


class Recorded(Disks):
    """Disks that write down each temperature and step size they run with."""

    def _advance(self, sweeps: int) -> None:
        self.__dict__.setdefault("runs", []).append((sweeps, self.kT, *self.steps))
        super()._advance(sweeps)


def fluid(kT: float = 0.5, pressure: float | None = 2.0) -> Recorded:
    return Recorded(starts.fluid(64, 0.4, seed=0), SquareShoulder(1.4), kT, pressure, seed=1)


@pytest.mark.parametrize("snapshots", [1, 7, 10, 100])
def test_what_is_kept(snapshots: int) -> None:
    mc = fluid()
    samples = protocol.sample(mc, 400, 1000, snapshots)
    assert len(samples.configurations) == snapshots
    assert samples.density.shape == samples.energy.shape == samples.pressure.shape
    assert sum(run[0] for run in mc.runs) == 1400  # type: ignore[attr-defined]
    last = samples.configurations[-1]
    np.testing.assert_array_equal(last.positions, mc.configuration.positions)
    assert samples.density[-1] == last.density
    assert samples.energy[-1] == mc.energy / 64
    assert set(samples.acceptance) == {"translation", "volume"}
    assert np.all(samples.pressure == 2.0)


def test_step_sizes_are_constant_after_half_of_the_equilibration() -> None:
    mc = fluid()
    protocol.sample(mc, 2000, 500, 5)
    runs = np.array(mc.runs)  # type: ignore[attr-defined]
    frozen = np.cumsum(runs[:, 0]) > 1000
    assert len(np.unique(runs[frozen, 2])) == 1
    assert len(np.unique(runs[~frozen, 2])) > 3


@pytest.mark.parametrize("anneal", [None, 1.0, 4.0])
def test_annealing(anneal: float | None) -> None:
    mc = fluid(kT=0.5)
    protocol.sample(mc, 2000, 500, 5, anneal=anneal)
    kT = np.array(mc.runs)[:, 1]  # type: ignore[attr-defined]
    sweeps = np.cumsum([run[0] for run in mc.runs])  # type: ignore[attr-defined]
    assert kT[0] == pytest.approx(0.5 * (anneal or 1.0))
    assert np.all(np.diff(kT) <= 0)
    assert np.all(kT[sweeps > 1000] == 0.5)
    steps = np.unique(kT.round(12))
    np.testing.assert_allclose(steps[1:] / steps[:-1], (anneal or 1.0) ** (1 / 19))


def test_pressure_at_fixed_volume() -> None:
    samples = protocol.sample(fluid(pressure=None), 200, 500, 5)
    assert np.ptp(samples.density) == pytest.approx(0, abs=1e-12)
    assert 0.4 < samples.pressure.mean() < 4


def test_drift_tells_whether_it_was_equilibrated() -> None:
    """Compressed from a fluid without any equilibration, against a long one."""
    hasty = protocol.sample(fluid(pressure=10.0), 0, 60, 10)
    patient = protocol.sample(fluid(pressure=2.0), 3000, 10_000, 10)
    assert patient.drift < 4 < hasty.drift


def test_same_seed_same_samples() -> None:
    one, two = (protocol.sample(fluid(), 100, 200, 2) for _ in range(2))
    np.testing.assert_array_equal(one.energy, two.energy)


@pytest.mark.parametrize(("sampling", "snapshots", "anneal"), [(10, 0, None), (10, 11, None), (10, 1, 0.5)])
def test_refuses(sampling: int, snapshots: int, anneal: float | None) -> None:
    with pytest.raises(SimulationError, match=r"snapshots of|anneal is"):
        protocol.sample(fluid(), 10, sampling, snapshots, anneal=anneal)
