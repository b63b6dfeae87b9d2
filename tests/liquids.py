"""Supercooled liquids by formula, for tests of what learns from them: trials as `kob_andersen` makes them.

F_s(t) = (1 - f) exp(-q) + f exp(-q / (1 + 20 q)) exp(-(t / tau)^b)      q = k_p^2 T t^2 / 2, f = 0.7, b = 0.8
tau_A = 0.1 exp(1.5 / (x - 0.35)), tau_B = 0.6 tau_A                     x = T / T_mct  (Vogel, Fulcher, Tammann)
S_AA = 0.8 (1 + h exp(-((k - k_p) w)^2) - 0.97 exp(-k / 2))              h = 1.2 x^-0.3, w = 1.5 x^-0.1
S_BB = 0.2 (1 + 0.3 h exp(-((k - k_p + 1) w)^2) - 0.5 exp(-k / 2))
S_AB = -0.3 exp(-k / 3) sqrt(S_AA S_BB)
"""

import numpy as np

from softal.theory.kob_andersen import mct_temperature, peak_wave_number
from softal.trial import Array, Observation, Trial, TrialState

K = 0.4 * (np.arange(1, 101) - 0.5)
F_ERROR, S_ERROR = 0.003, 0.01  # of F_s where it is neither 0 nor 1; of S_aa, relative


def relaxation_time(T, rho=1.2, interaction="LJ"):
    """tau of A."""
    return 0.1 * np.exp(1.5 / (T / mct_temperature(interaction, rho) - 0.35))


def scattering(t, T, rho=1.2, interaction="LJ"):
    """F_s (2, n_t) of A and B."""
    q = peak_wave_number(rho) ** 2 * T * t**2 / 2
    tau = relaxation_time(T, rho, interaction) * np.array([[1.0], [0.6]])
    return np.exp(-q / (1 + 4 * q) - (t / tau) ** 0.8 * q / (1 + q))


def structure(T, rho=1.2, interaction="LJ"):
    """S_AA, S_AB, S_BB (3, 100)."""
    x, k_p = T / mct_temperature(interaction, rho), peak_wave_number(rho)
    h, w = 1.2 * x**-0.3, 1.5 * x**-0.1
    S_AA = 0.8 * (1 + h * np.exp(-(((K - k_p) * w) ** 2)) - 0.97 * np.exp(-K / 2))
    S_BB = 0.2 * (1 + 0.3 * h * np.exp(-(((K - k_p + 1) * w) ** 2)) - 0.5 * np.exp(-K / 2))
    return np.array([S_AA, -0.3 * np.exp(-K / 3) * np.sqrt(S_AA * S_BB), S_BB])


def trial(i, T, rho=1.2, interaction="LJ", noise=1.0, times=40, **values):
    """A trial with noise in both curves, whose errors it knows; `noise` 0 gives the formulas."""
    rng = np.random.default_rng(i)
    longest = 10 * relaxation_time(T, rho, interaction)
    t = np.geomspace(0.01, min(longest, 100.0), times)
    F = scattering(t, T, rho, interaction)
    F_error = F_ERROR * (0.1 + 2 * np.sqrt(F * (1 - F)))
    S = structure(T, rho, interaction)
    S_error = S_ERROR * np.array([S[0], np.sqrt(S[0] * S[2]), S[2]])
    drift = np.cumsum(rng.standard_normal(F.shape), axis=1) / np.sqrt(np.arange(1, times + 1))  # neighbours alike
    F, S = F + noise * F_error * drift, S + noise * S_error * rng.standard_normal(S.shape)
    arrays = {f"F_s_{a}": Array.of(F[j], F_error[j], t) for j, a in enumerate("AB")}
    arrays |= {f"S_{pair}": Array.of(S[j], S_error[j], K) for j, pair in enumerate(("AA", "AB", "BB"))}
    found = {
        "simulated_time": 50 * longest,
        "crystallized": 0.0,
        "equilibrated": 1.0,
        "relaxation_A": np.log10(longest),
    }
    observation = Observation(values={**found, **values}, arrays=arrays)
    point = {"T": float(T), "rho": float(rho), "interaction": interaction}
    objective = {"relaxation_A": float(np.log10(longest))}
    return Trial(i, point, state=TrialState.DONE, observation=observation, objective=objective)


def liquids(states=24, interactions=("LJ", "WCA"), rho=(1.2,), noise=1.0, times=40):
    """Trials at T / T_mct from 0.7 to 4, warmer ones further apart, of each interaction and density in turn."""
    kinds = [(interaction, density) for density in rho for interaction in interactions]
    return [
        trial(
            i,
            x * mct_temperature(*kinds[i % len(kinds)]),
            kinds[i % len(kinds)][1],
            kinds[i % len(kinds)][0],
            noise,
            times,
        )
        for i, x in enumerate(np.geomspace(0.7, 4.0, states))
    ]
