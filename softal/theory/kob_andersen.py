"""The Kob-Andersen mixture: its constants, and where mode-coupling theory has its glass transition.

80 % A and 20 % B of equal mass in Lennard-Jones units (sigma_AA, epsilon_AA, m; time in tau = sigma_AA (m /
epsilon_AA)^(1/2)). The Lennard-Jones model (LJ) is cut at 2.5 sigma_ab, the Weeks-Chandler-Andersen model (WCA) in its
minimum, 2^(1/6) sigma_ab; both are shifted to zero there.

Sources: W. Kob, H. C. Andersen, Phys. Rev. E 51, 4626 (1995); S. Ciarella, M. Chiappini, E. Boattini, M. Dijkstra,
L. M. C. Janssen, Mach. Learn.: Sci. Technol. 4, 025010 (2023), called the paper below.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np

Interaction = Literal["LJ", "WCA"]

INTERACTIONS: tuple[str, ...] = get_args(Interaction)
SPECIES = ("A", "B")
PAIRS = ((0, 0), (0, 1), (1, 1))
PAIR_NAMES = ("AA", "AB", "BB")
FRACTION_A = 0.8  # number of A over that of all
EPSILON = {(0, 0): 1.0, (0, 1): 1.5, (1, 1): 0.5}  # [epsilon_AA]
SIGMA = {(0, 0): 1.0, (0, 1): 0.8, (1, 1): 0.88}  # [sigma_AA]
CUTOFF = {"LJ": 2.5, "WCA": math.pow(2.0, 1 / 6)}  # [sigma_ab]

# The paper's table 1: k_B T_mct / epsilon_AA at rho sigma_AA^3.
DENSITIES = (1.2, 1.4, 1.6, 1.8)
MCT_TEMPERATURES = {"LJ": (0.90, 1.87, 3.53, 5.10), "WCA": (0.74, 1.77, 3.49, 5.10)}

PEAK_WAVE_NUMBER, AT_DENSITY = 7.25, 1.2  # main peak of S_AA [1/sigma_AA], and at which density


def mct_temperature(interaction: str, rho: float) -> float:
    """Return T_mct [epsilon_AA / k_B] at a density [1/sigma_AA^3]: the paper's table 1, ln T linear in ln rho.

    Between the table's densities it interpolates, beyond them it goes on as the table ends.
    """
    x, y = np.log(DENSITIES), np.log(MCT_TEMPERATURES[interaction])
    i = int(np.clip(np.searchsorted(x, math.log(rho)) - 1, 0, len(x) - 2))
    return float(np.exp(y[i] + (y[i + 1] - y[i]) * (math.log(rho) - x[i]) / (x[i + 1] - x[i])))


def peak_wave_number(rho: float) -> float:
    """Return k_p [1/sigma_AA], where S_AA has its main peak: 7.25 at rho = 1.2, growing as rho^(1/3)."""
    return PEAK_WAVE_NUMBER * math.cbrt(rho / AT_DENSITY)
