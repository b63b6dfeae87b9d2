"""The table `dynamics` of a network of dynamics: what it holds of each state, and figures of all of them.

A state is one simulation: its structure factors S_AA, S_AB, S_BB on wave numbers k [1/sigma], and its
self-intermediate scattering functions F_s^A, F_s^B at k_p on times t [tau]: simulated, predicted by a network that has
not seen the state, and after mode-coupling theory. States that are marked (crystallized, not equilibrated) are in the
table, but count for no figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.numeric import NORMAL_95, Floats
from softal.theory.kob_andersen import mct_temperature

FORMAT = 1
MOST_BINS, FEWEST_IN_BIN = 12, 3  # of temperature, for medians


@dataclass(frozen=True)
class State:
    """One simulated state.

    Attributes:
        trial: its id in the campaign; None where there is none.
        T, rho, interaction: where it is [epsilon/k_B, 1/sigma^3].
        scaled: T/T_mct.
        marked: why it may be wrong; empty where nothing is known against it.
        counted: whether it counts in figures of all states.
        r2: held out, of A and B; NaN where it is not known.
        t: times (n,) [tau].
        F, F_error, predicted, std, mct: of A and B (2, n); None where they are not known.
        k: wave numbers (m,) [1/sigma].
        S: S_AA, S_AB, S_BB (3, m).
    """

    trial: int | None
    T: float
    rho: float
    interaction: str
    scaled: float
    marked: str
    counted: bool
    r2: Floats
    t: Floats
    F: Floats
    F_error: Floats | None
    predicted: Floats | None
    std: Floats | None
    mct: Floats | None
    k: Floats
    S: Floats | None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> State:
        """Read a state; KeyError, TypeError or ValueError where it is not one."""
        point = raw["point"]
        T, rho, interaction = float(point["T"]), float(point.get("rho", 1.2)), str(point.get("interaction", "LJ"))
        t, k = _numbers(raw["t"], (-1,)), _numbers(raw.get("k") or [], (-1,))
        curves = {name: _known(raw.get(name), (2, len(t))) for name in ("F_error", "predicted", "std", "mct")}
        scaled = raw.get("T_over_Tmct") or T / mct_temperature(interaction, rho)
        marked = str(raw.get("marked") or "")
        counted = not marked or str(raw.get("part")).startswith("fold")  # a network may be told to learn from all
        return cls(
            trial=raw.get("trial"), T=T, rho=rho, interaction=interaction, scaled=float(scaled),
            marked=marked, counted=counted, r2=_numbers(raw.get("r2") or [np.nan, np.nan], (2,)), t=t,
            F=_numbers(raw["F"], (2, len(t))), k=k, S=_known(raw.get("S"), (3, len(k))), **curves,
        )  # fmt: skip


def _numbers(values: Any, shape: tuple[int, ...]) -> Floats:
    """Return numbers of a shape; null is NaN."""
    return np.array(values, dtype=np.float64).reshape(shape)


def _known(values: Any, shape: tuple[int, ...]) -> Floats | None:
    return None if values is None else _numbers(values, shape)


@dataclass(frozen=True)
class Dynamics:
    """The table: its states from cold to hot, and how they were predicted.

    Attributes:
        method: how states were held out.
        simulated_time: of all of them together [tau]; NaN where it is not known.
        untrained: why there is no network; empty where there is one.
    """

    states: tuple[State, ...]
    method: str = ""
    simulated_time: float = math.nan
    untrained: str = ""

    @property
    def counted(self) -> list[State]:
        """States that count in figures."""
        return [state for state in self.states if state.counted]

    @property
    def interactions(self) -> list[str]:
        """Those that there are."""
        return sorted({state.interaction for state in self.states})

    def pooled_r2(self, species: int) -> float:
        """Return R2 = 1 - sum (F - prediction)^2 / sum (F - mean F)^2 over all times of all counted states.

        NaN where nothing was held out. Source: the paper's eqs. 2 to 4, with the mean of what was observed.
        """
        some = [state for state in self.counted if state.predicted is not None]
        if not some:
            return math.nan
        F = np.concatenate([state.F[species] for state in some])
        predicted = np.concatenate([state.predicted[species] for state in some if state.predicted is not None])
        known = np.isfinite(F) & np.isfinite(predicted)
        total = float(np.sum((F[known] - F[known].mean()) ** 2)) if known.any() else 0.0
        return 1 - float(np.sum((F - predicted)[known] ** 2)) / total if total > 0 else math.nan

    @property
    def coverage(self) -> float:
        """Part of what was observed in counted states that lies in the 95 % band, its own error included; or NaN."""
        inside = []
        for state in self.counted:
            if state.predicted is not None and state.std is not None:
                noise = np.zeros_like(state.F) if state.F_error is None else np.nan_to_num(state.F_error)
                away = np.abs(state.F - state.predicted) / np.maximum(np.hypot(state.std, noise), 1e-12)
                inside.append((away <= NORMAL_95)[np.isfinite(away)])
        return float(np.concatenate(inside).mean()) if any(part.size for part in inside) else math.nan

    def medians(self, species: int) -> tuple[Floats, Floats]:
        """Return T/T_mct and median R2 of counted states, in bins of as many states each."""
        some = [s for s in self.counted if np.isfinite(s.r2[species])]
        x, y = np.array([s.scaled for s in some]), np.array([s.r2[species] for s in some])
        bins = max(1, min(MOST_BINS, len(some) // FEWEST_IN_BIN))
        groups = [group for group in np.array_split(np.argsort(x, kind="stable"), bins) if group.size]
        return np.array([np.median(x[g]) for g in groups]), np.array([np.median(y[g]) for g in groups])

    def spread(self, interaction: str, most: int) -> list[State]:
        """Return at most so many states of an interaction, evenly in T_mct/T, from cold to hot; unmarked if can be."""
        every = [state for state in self.states if state.interaction == interaction]
        left = [state for state in every if not state.marked] or every
        if len(left) > most:
            inverse = [1 / state.scaled for state in left]
            places = np.linspace(max(inverse), min(inverse), most)
            left = [left[i] for i in sorted({int(np.argmin(np.abs(np.array(inverse) - at))) for at in places})]
        return left


def parse(found: Mapping[str, Any]) -> Dynamics | None:
    """Return the table; None where it has another format. KeyError, TypeError or ValueError where it is damaged."""
    if found.get("format") != FORMAT:
        return None
    states: Sequence[State] = sorted(map(State.of, found.get("states") or []), key=lambda state: state.scaled)
    if not states and not found.get("untrained"):
        return None
    return Dynamics(
        tuple(states),
        str(found.get("method") or ""),
        float(found["simulated_time"]) if found.get("simulated_time") is not None else math.nan,
        str(found.get("untrained") or ""),
    )
