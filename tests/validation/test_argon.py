"""The kind `argon` at full length against published simulations and against the neutron data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from softal.objective import Reference, load_reference
from softal.simulators.argon.argon import MEGAPASCAL, Argon
from softal.simulators.base import Context
from softal.trial import Observation

pytestmark = [pytest.mark.physics, pytest.mark.validation]

TABLE = Path(__file__).parents[2] / "campaigns/data/argon_yarnell_1973_sk.csv"


def run(settings: dict[str, object], seed: int = 1, **point: float) -> Observation:
    return Argon({"engine": "lammps", **settings}).run(dict(point), Context(Path(), seed))


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference("structure_factor", TABLE, range=(0.3, 6.0))


@pytest.mark.parametrize(("density", "energy", "pressure"), [(0.820, -5.7947, 0.55355), (0.860, -6.0305, 1.2660)])
def test_lennard_jones_of_nist(density: float, energy: float, pressure: float) -> None:
    """T* = 0.85, 500 atoms, r_c = 3 sigma with tails.

    Monte Carlo results of the NIST Standard Reference Simulation Website, SRD 173, "Lennard-Jones fluid properties".
    """
    sigma = (density / 0.02125) ** (1 / 3)
    observation = run({"particles": 500, "cutoff": 3.0, "sampling": 200.0}, epsilon=100.0, sigma=sigma)
    unit = {"potential_energy": 100.0, "pressure": 100.0 / sigma**3 * MEGAPASCAL}
    for name, expected in (("potential_energy", energy), ("pressure", pressure)):
        found, error = observation.values[name] / unit[name], observation.errors[name] / unit[name]
        assert abs(found - expected) < 4 * error, (name, found, error)


@pytest.fixture(scope="module")
def lennard_jones() -> Observation:
    return run({}, epsilon=119.8, sigma=3.405)


def test_lennard_jones_against_neutrons(lennard_jones: Observation, reference: Reference) -> None:
    """R = 0.0207 +- 0.0014 (standard deviation of six seeds); a repetition must come within 4 sigma."""
    R, error = reference.compare(lennard_jones.arrays["structure_factor"])
    assert abs(R - 0.0207) < 4 * 0.0014
    assert 0.0005 < error < 0.004


def test_lennard_jones_is_argon_at_its_triple_point(lennard_jones: Observation) -> None:
    """The experiment was done on the liquid under its own vapour: about 0.1 MPa."""
    pressure, error = lennard_jones.values["pressure"], lennard_jones.errors["pressure"]
    assert abs(pressure - 0.1) < 4 * error + 3.0  # the potential is effective: within 3 MPa
    structure_factor = lennard_jones.arrays["structure_factor"]
    assert structure_factor.grid is not None
    assert lennard_jones.values["peak_height"] == pytest.approx(2.70, abs=0.15)
    assert lennard_jones.values["peak_position"] == pytest.approx(2.0, abs=0.05)


def test_a_bead_that_is_too_small_is_told_from_argon(lennard_jones: Observation, reference: Reference) -> None:
    R, error = reference.compare(lennard_jones.arrays["structure_factor"])
    R_small, error_small = reference.compare(run({}, epsilon=119.8, sigma=3.35).arrays["structure_factor"])
    assert R_small - R > 4 * np.hypot(error, error_small)
    assert abs(R_small - 0.0402) < 4 * 0.0014


def test_hard_atoms_crystallise(reference: Reference) -> None:
    """(sigma = 3.8, n = 20) is a dense crystal at this density: Bragg peaks, far from the liquid."""
    observation = run({"sampling": 30.0}, epsilon=120.0, sigma=3.8, n=20.0)
    assert observation.values["peak_height"] > 8
    assert reference.compare(observation.arrays["structure_factor"])[0] > 1
