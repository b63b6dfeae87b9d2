"""Silica's pair potential against its published numbers, closed forms and slopes; which parameters it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.silica.potential import (
    ALPHA,
    CUTOFF,
    FALLEN,
    PAIRS,
    PARAMETERS,
    PRESETS,
    SI,
    BuckinghamDSF,
    O,
    silica_potentials,
)

R = np.linspace(1.2, 7.9, 50)
CASES = [(preset, pair) for preset in PRESETS for pair in PAIRS]


def test_presets() -> None:
    """Table I of MRS Commun. 9, 593 (2019), and EPL 82, 17001 (2008) for CHIK."""
    assert PRESETS["BKS"]["A_SiO"] == 18003.7572
    assert 1 / PRESETS["BKS"]["rho_OO"] == pytest.approx(2.76)
    assert PRESETS["CHIK"]["q_Si"] == 1.910418
    assert PRESETS["CHIK"]["C_SiSi"] == 626.751953
    assert PRESETS["ML"]["rho_SiO"] == 0.191735
    for preset in PRESETS.values():
        assert preset.keys() == PARAMETERS.keys()
    for preset in ("BKS", "ML"):
        assert PRESETS[preset]["A_SiSi"] == PRESETS[preset]["C_SiSi"] == 0


@pytest.mark.parametrize(("preset", "pair"), CASES)
def test_energy_is_the_sum_of_its_terms(preset: str, pair: str) -> None:
    values = PRESETS[preset]
    potential = silica_potentials(values)[PAIRS[pair]]
    charges = {"SiO": -0.5, "OO": 0.25, "SiSi": 1.0}[pair] * values["q_Si"] ** 2
    for r in (1.3, 1.6, 2.6, 3.1, 6.0):
        shift = math.erfc(2.0) / 8
        slope = math.erfc(2.0) / 64 + 0.5 / math.sqrt(math.pi) * math.exp(-4.0) / 8
        coulomb = 14.399645 * charges * (math.erfc(r / 4) / r - shift + slope * (r - 8))
        short = values[f"A_{pair}"] * math.exp(-r / values[f"rho_{pair}"]) - values[f"C_{pair}"] / r**6
        core = {"SiO": 29.0, "OO": 113.0, "SiSi": 3423200.0}[pair] / r**24
        assert float(potential.energy(r)) == pytest.approx(coulomb + short + core, rel=1e-12)


@pytest.mark.parametrize(("preset", "pair"), CASES)
def test_force_is_the_slope(preset: str, pair: str) -> None:
    potential, h = silica_potentials(PRESETS[preset])[PAIRS[pair]], 1e-5
    slope = (potential.energy(R + h) - potential.energy(R - h)) / (2 * h)
    assert potential.force(R) == pytest.approx(-slope, rel=1e-6, abs=1e-6)


def test_damped_shifted_force_vanishes_at_its_end() -> None:
    coulomb = BuckinghamDSF(-1.0, 0.0, 1.0, 0.0, 0.0)
    just_inside = CUTOFF - 1e-6
    assert float(coulomb.energy(just_inside)) == pytest.approx(0, abs=1e-9)
    assert float(coulomb.force(just_inside)) == pytest.approx(0, abs=1e-5)
    assert float(coulomb.energy(1e-3)) == pytest.approx(-14.399645 * 1e3, rel=1e-2)  # Coulomb's law at short distances
    assert ALPHA * CUTOFF == 2


def test_nothing_beyond_the_cutoff_and_no_shift_of_the_short_range() -> None:
    pair = BuckinghamDSF(0.0, 0.0, 1.0, 100.0, 0.0)
    assert float(pair.energy(8.0)) == float(pair.force(8.0)) == 0
    assert float(pair.energy(8 - 1e-9)) == pytest.approx(-100 / 8**6)


def test_kinds_are_neutral_together() -> None:
    potentials = silica_potentials(PRESETS["ML"])
    si_si, si_o, o_o = (potentials[pair].charges for pair in ((SI, SI), (SI, O), (O, O)))
    assert si_si + 2 * si_o == pytest.approx(0)
    assert si_o + 2 * o_o == pytest.approx(0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rho_SiO": 0.0}, "rho_SiO = 0 is not allowed: it must be positive"),
        ({"A_OO": -1.0}, "A_OO = -1 is not allowed: it must not be negative"),
        ({"C_SiSi": -1.0}, "C_SiSi = -1 is not allowed"),
        ({"q_Si": float("nan")}, "q_Si = nan is not a finite number"),
        ({"C_SiO": 300.0}, r"Si-O pairs collapse: their energy at 0\.\d\d angstrom is .* eV lower"),
        ({"C_OO": 260.0}, r"O-O pairs collapse: .* barrier of \d\.\d eV does not keep them .*C_OO is too large for"),
        ({"A_SiSi": 0.0, "C_SiSi": 6000.0}, "Si-Si pairs collapse"),
    ],
)
def test_what_cannot_be_simulated(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        silica_potentials({**PRESETS["BKS"], **changed})


def test_a_well_behind_a_barrier_is_no_collapse() -> None:
    """BKS itself has one, between oxygens, 10 eV above where they touch."""
    pair = silica_potentials(PRESETS["BKS"])[O, O]
    r = np.arange(1.0, 2.3, 0.01)
    U = pair.energy(r) - pair.energy(2.3)
    assert U[r < FALLEN["OO"]].min() < -10
    assert U[r > 1.2].max() == pytest.approx(10.3, abs=0.2)
