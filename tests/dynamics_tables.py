"""A `dynamics.json` for tests: states whose structure and relaxation are closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from softal.theory.kob_andersen import mct_temperature

K = (np.arange(100) + 0.5) * 0.4
BASE = 0.01  # how far the prediction of each state is off


def relaxation(T: float, t: np.ndarray) -> np.ndarray:
    """F_s of A and B (2, n) at a temperature: slower, the colder."""
    tau = np.exp(2 / T) / 3
    return np.array([np.exp(-((t / time) ** 0.7)) for time in (tau, tau / 2)])


def state(trial: int, T: float, interaction: str = "LJ", rho: float = 1.2, **changes: Any) -> dict[str, Any]:
    t = np.geomspace(0.01, 10 * (1 + 1 / T), 30)
    F = relaxation(T, t)
    predicted = F + BASE
    mean = F.mean(axis=1, keepdims=True)
    S = [0.8 + 2 * np.exp(-((K - 7.25) ** 2)) / T, 0.2 * np.sin(K) / (1 + K), 0.2 * np.ones_like(K)]
    found: dict[str, Any] = {
        "trial": trial,
        "point": {"T": T, "rho": rho, "interaction": interaction},
        "T_over_Tmct": T / mct_temperature(interaction, rho),
        "marked": "",
        "part": f"fold {trial % 5 + 1}",
        "r2": (1 - np.sum((predicted - F) ** 2, axis=1) / np.sum((F - mean) ** 2, axis=1)).tolist(),
        "rmse": [BASE, BASE],
        "t": t.tolist(),
        "F": F.tolist(),
        "F_error": np.full_like(F, 0.003).tolist(),
        "predicted": predicted.tolist(),
        "std": np.full_like(F, 0.006).tolist(),
        "mct": relaxation(0.8 * T, t).tolist(),
        "k": K.tolist(),
        "S": [part.tolist() for part in S],
    }
    return found | changes


def table(*states: dict[str, Any], **changes: Any) -> dict[str, Any]:
    found = {
        "format": 1, "untrained": None, "method": "states left out, by folds", "trials": len(states), "seconds": 3.0,
        "simulated_time": 100.0, "states": list(states),
    }  # fmt: skip
    return found | changes


TEMPERATURES = (0.6, 0.7, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)


def library() -> list[dict[str, Any]]:
    """Both interactions over temperature; the last one crystallized."""
    states = [state(i, T, kind) for i, (kind, T) in enumerate((k, T) for k in ("LJ", "WCA") for T in TEMPERATURES)]
    return [*states, state(len(states), 0.5, marked="crystallized", part="left out")]
