"""Mode-coupling theory against published numbers: Percus-Yevick hard spheres, and the Kob-Andersen mixture.

Hard spheres: phi_c = 0.5159 with wave numbers up to 40/sigma and 0.5214 up to 20/sigma (Y. Kimura, M. Tokuyama,
arXiv:1407.3921); exponent parameter 0.735, a = 0.312, b = 0.583, as textbooks have them. The sixth digit is our own.
Kob-Andersen mixture: S. Ciarella et al., Mach. Learn.: Sci. Technol. 4, 025010 (2023), table 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from softal.theory import hard_spheres
from softal.theory.kob_andersen import mct_temperature
from softal.theory.mode_coupling.glass import critical_point, exponents, nonergodicity
from softal.theory.mode_coupling.scattering import at_middles, critical_temperature, mixture_scattering

pytestmark = [pytest.mark.physics, pytest.mark.validation]

DATA = Path(__file__).parent / "data" / "kob_andersen_sk.csv"


def structure(interaction: str) -> tuple[np.ndarray, dict[float, np.ndarray]]:
    rows = pd.read_csv(DATA, comment="#").query("interaction == @interaction")
    states = {float(T): one[["S_AA", "S_AB", "S_BB"]].to_numpy().T for T, one in rows.groupby("T")}
    return np.sort(rows["k"].unique()), states


def test_hard_spheres() -> None:
    critical = critical_point(hard_spheres.liquid, 0.51, 0.52, tolerance=1e-6)
    assert critical == pytest.approx(0.515912, abs=2e-6)
    liquid = hard_spheres.liquid(critical)
    found = exponents(liquid)
    # These and f are off by the square root of the distance from phi_c, 1e-3.
    assert found.parameter == pytest.approx(0.735, abs=3e-3)
    assert found.a == pytest.approx(0.312, abs=2e-3)
    assert found.b == pytest.approx(0.583, abs=4e-3)
    f = (nonergodicity(liquid) / liquid.S)[0, 0]
    assert liquid.k[np.argmax(f)] == pytest.approx(7.0)
    assert f.max() == pytest.approx(0.85, abs=5e-3)


def test_hard_spheres_with_half_the_wave_numbers() -> None:
    critical = critical_point(lambda phi: hard_spheres.liquid(phi, n=50), 0.51, 0.53, tolerance=1e-5)
    assert critical == pytest.approx(0.5214, abs=1e-4)


@pytest.mark.parametrize(("interaction", "found"), [("LJ", 0.894), ("WCA", 0.744)])
def test_critical_temperature_of_the_kob_andersen_mixture(interaction: str, found: float) -> None:
    k, states = structure(interaction)
    T_mct = critical_temperature({T: at_middles(S) for T, S in states.items()}, k, 1.2, tolerance=1e-4)
    # Halves of the runs differ by 0.005, polynomials of other degrees and ranges of T give +-0.008.
    assert T_mct == pytest.approx(found, abs=1e-3)
    assert T_mct == pytest.approx(mct_temperature(interaction, 1.2), abs=0.015)


def test_means_over_bins_make_the_critical_temperature_too_low() -> None:
    k, states = structure("LJ")
    assert critical_temperature(states, k, 1.2, tolerance=1e-4) == pytest.approx(0.872, abs=2e-3)


def test_the_theory_is_too_slow_where_it_is_cold() -> None:
    # The simulation's F_s^A is 1/e at 1.28 tau at T = 1.0 (the reference page's, LJ).
    k, states = structure("LJ")
    t = np.geomspace(0.1, 1e4, 400)
    found = mixture_scattering(at_middles(states[1.0]), k, 1.2, 1.0, at=7.25, times=t)
    relaxed = np.interp(-1.0, np.log(np.maximum(found.F_self[0], 1e-12))[::-1], t[::-1])
    assert 50 < relaxed / 1.28 < 400
