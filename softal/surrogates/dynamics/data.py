"""What a network of dynamics learns from: structure factors, and F_s(k_p, t) of both species, of simulated states.

A state is an interaction, a density and a temperature; trials of one state count as one wherever data are split, since
their curves differ by noise alone. Curves have grids of time of their own and are padded with NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.outputs import Flaws
from softal.theory.kob_andersen import FRACTION_A, INTERACTIONS, PAIR_NAMES, SPECIES, mct_temperature
from softal.trial import Array, Observation, Point, Trial, TrialState, Value

STRUCTURE = tuple(f"S_{pair}" for pair in PAIR_NAMES)
SCATTERING = tuple(f"F_s_{species}" for species in SPECIES)
MODE_COUPLING = tuple(f"F_mct_{species}" for species in SPECIES)
REQUIRED = (*STRUCTURE, *SCATTERING)
COST = "simulated_time"  # value with the simulated time of a trial [tau]
DEFAULTS: Mapping[str, Value] = {"rho": 1.2, "interaction": "LJ"}  # of the simulator, where a point does not say
NO_FLAWS = Flaws()
LIMITS = np.array([FRACTION_A, 0.0, 1 - FRACTION_A])  # of S_AA, S_AB, S_BB at large k


@dataclass(frozen=True)
class DynamicsData:
    """Curves of n trials, in the order of their ids.

    Attributes:
        trials: (n,) ids.
        T: (n,) temperatures [epsilon_AA / k_B].
        rho: (n,) densities [1 / sigma_AA^3].
        interaction: (n,) numbers of `INTERACTIONS`: 0 LJ, 1 WCA.
        marks: n words: why a trial is not to be learned from; empty where it is good.
        k: (n_k,) wave numbers [1 / sigma_AA].
        S, S_error: (n, 3, n_k) S_AA, S_AB, S_BB; errors are NaN where not known.
        t: (n, n_t) times > 0 [tau], NaN behind the last one.
        F, F_error: (n, 2, n_t) F_s of A and B; NaN where there is none.
        mct: (n, 2, n_t) the same by mode-coupling theory; NaN where there is none.
        simulated_time: (n,) [tau], NaN where not known.
    """

    trials: NDArray[np.intp]
    T: Floats
    rho: Floats
    interaction: NDArray[np.intp]
    marks: tuple[str, ...]
    k: Floats
    S: Floats
    S_error: Floats
    t: Floats
    F: Floats
    F_error: Floats
    mct: Floats
    simulated_time: Floats

    def __len__(self) -> int:
        return len(self.trials)

    @classmethod
    def of(cls, trials: Sequence[Trial], flaws: Flaws = NO_FLAWS) -> DynamicsData:
        """Return the data of the trials that are done and have the arrays.

        Args:
            trials: with their arrays.
            flaws: by which a trial is not to be learned from.

        Raises:
            SurrogateError: no trial has them, they lie on different grids of k, or a value is impossible.
        """
        found = sorted((trial for trial in trials if _has_curves(trial)), key=lambda trial: trial.id)
        if not found:
            raise SurrogateError(f"none of {len(trials)} trials is done and has the arrays {', '.join(REQUIRED)}")
        states = [state_of(trial.point) for trial in found]
        observations = [trial.observation for trial in found if trial.observation is not None]
        k, S, S_error = _structures(found, observations)
        curves = [_curves(trial.id, one) for trial, one in zip(found, observations, strict=True)]
        padded = _padded(curves)
        return cls(
            trials=np.array([trial.id for trial in found], dtype=np.intp),
            T=np.array([T for T, _, _ in states]),
            rho=np.array([rho for _, rho, _ in states]),
            interaction=np.array([INTERACTIONS.index(name) for _, _, name in states], dtype=np.intp),
            marks=tuple(mark_of(one.values, flaws) for one in observations),
            k=k,
            S=S,
            S_error=S_error,
            t=padded[:, 0],
            F=padded[:, 1:3],
            F_error=padded[:, 3:5],
            mct=padded[:, 5:7],
            simulated_time=np.array([one.values.get(COST, np.nan) for one in observations]),
        )

    def rows(self, chosen: Any) -> DynamicsData:
        """Return some of the trials: by numbers, or by True and False (n,)."""
        rows = np.arange(len(self))[chosen]
        parts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "k"}
        taken: dict[str, Any] = {name: part[rows] for name, part in parts.items() if name != "marks"}
        return replace(self, **taken, marks=tuple(self.marks[i] for i in rows))

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whether a trial (n,) is not marked."""
        return np.array([not mark for mark in self.marks], dtype=np.bool_)

    @property
    def features(self) -> Floats:
        """The networks' features (n, 3 n_k + 3), see `features_of`."""
        return features_of(self.S, self.T, self.rho, self.interaction)

    @property
    def reduced(self) -> Floats:
        """T / T_mct (n,)."""
        return reduced_temperature(self.T, self.rho, self.interaction)

    @property
    def points(self) -> list[Point]:
        """Points of the n trials: T, rho, interaction."""
        each = zip(self.T, self.rho, self.interaction, strict=True)
        return [{"T": float(T), "rho": float(rho), "interaction": INTERACTIONS[i]} for T, rho, i in each]

    @property
    def states(self) -> NDArray[np.intp]:
        """Number of the state (n,) of each trial, from 0; trials at the same point have the same."""
        keys = np.column_stack([self.interaction, np.round(self.rho, 9), np.round(self.T, 9)])
        return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1))

    def folds(self, count: int, seed: int) -> NDArray[np.intp]:
        """Return the fold (n,) of each trial, 0 ... count - 1: of any `count` states neighbours in T / T_mct, one each.

        There are fewer folds where there are fewer states.
        """
        states = self.states
        first = np.array([np.flatnonzero(states == state)[0] for state in range(states.max() + 1)])
        order = first[np.argsort(self.reduced[first], kind="stable")]
        rng = np.random.default_rng(seed)
        count = min(count, len(order))
        blocks = [rng.permutation(count)[: len(order[i : i + count])] for i in range(0, len(order), count)]
        fold = np.empty(len(order), dtype=np.intp)
        fold[states[order]] = np.concatenate(blocks)
        return np.asarray(fold[states])


def features_of(S: Floats, T: Floats, rho: Floats, interaction: NDArray[Any]) -> Floats:
    """Return the features (n, 3 n_k + 3) of states: S_AA(k), S_AB(k), S_BB(k), T, rho, interaction (0 LJ, 1 WCA)."""
    return np.column_stack([S.reshape(len(S), -1), T, rho, interaction])


def reduced_temperature(T: Floats, rho: Floats, interaction: NDArray[Any]) -> Floats:
    """Return T / T_mct (n,), T_mct by the paper's table 1."""
    each = zip(rho, interaction, strict=True)
    return np.asarray(T / np.array([mct_temperature(INTERACTIONS[int(i)], float(density)) for density, i in each]))


def state_of(point: Mapping[str, Value]) -> tuple[float, float, str]:
    """Return T, rho and the interaction of a point; SurrogateError where they are none."""
    if "T" not in point:
        raise SurrogateError(f"a point has {', '.join(point) or 'no parameters'}; T is needed, rho and interaction too")
    T, rho, interaction = (point.get(name, DEFAULTS.get(name, 0.0)) for name in ("T", "rho", "interaction"))
    if interaction not in INTERACTIONS:
        raise SurrogateError(f"interaction: {interaction!r} is given; {' or '.join(INTERACTIONS)} is allowed")
    for name, value in (("T", T), ("rho", rho)):
        if isinstance(value, str) or not (np.isfinite(value) and value > 0):
            raise SurrogateError(f"{name}: {value!r} is given; a number above 0 is allowed")
    return float(T), float(rho), str(interaction)


def mark_of(values: Mapping[str, float], flaws: Flaws) -> str:
    """Return why the values of a trial say that it is not to be learned from, in words; empty where they do not."""
    mark = flaws.of(values)
    return "" if mark is None else flaws.word(mark)


def _has_curves(trial: Trial) -> bool:
    done = trial.state is TrialState.DONE and trial.observation is not None
    return done and all(name in trial.observation.arrays for name in REQUIRED)  # type: ignore[union-attr]


def _structures(trials: Sequence[Trial], observations: Sequence[Observation]) -> tuple[Floats, Floats, Floats]:
    """Return k (n_k,), S and errors (n, 3, n_k); where a trial measured no S(k), what the nearest k says stands."""
    grids = [one.arrays[name].grid for one in observations for name in STRUCTURE]
    k = grids[0]
    for i, grid in enumerate(grids):
        if k is None or grid is None or grid.shape != k.shape or not np.allclose(grid, k):
            raise SurrogateError(
                f"trial {trials[i // 3].id}, array {STRUCTURE[i % 3]}: its grid of k differs from that of trial "
                f"{trials[0].id}; one grid is needed"
            )
    parts = [[_filled(one.arrays[name]) for name in STRUCTURE] for one in observations]
    both = np.array(parts)
    return np.asarray(k), both[:, :, 0], both[:, :, 1]


def _filled(array: Array) -> tuple[Floats, Floats]:
    known = np.flatnonzero(np.isfinite(array.values))
    if not len(known):
        raise SurrogateError("an array S(k) has no finite value")
    errors = np.full(len(array.values), np.nan) if array.errors is None else array.errors
    nearest = known[np.abs(np.arange(len(errors))[:, None] - known).argmin(axis=1)]
    return array.values[nearest], errors[nearest]


def _curves(trial: int, observation: Observation) -> Floats:
    """Return t, F of A and B, their errors, and those of mode-coupling theory as rows (7, n_t), without t = 0."""
    arrays = [observation.arrays[name] for name in SCATTERING]
    t = arrays[0].grid
    if t is None or arrays[1].grid is None or t.shape != arrays[1].grid.shape:
        raise SurrogateError(f"trial {trial}: {' and '.join(SCATTERING)} do not lie on one grid of times")
    if np.any(t < 0):
        raise SurrogateError(
            f"trial {trial}, array {SCATTERING[0]}: the time {t.min():g} is given; 0 or more is allowed"
        )
    errors = [np.full(t.shape, np.nan) if array.errors is None else array.errors for array in arrays]
    mct = [
        observation.arrays[name].values if name in observation.arrays else np.full(t.shape, np.nan)
        for name in MODE_COUPLING
    ]
    return np.array([t, *(array.values for array in arrays), *errors, *mct])[:, t > 0]


def _padded(curves: Sequence[Floats]) -> Floats:
    """Return curves (7, n_t) of several lengths as one array (n, 7, longest), with NaN behind their ends."""
    padded = np.full((len(curves), 7, max(curve.shape[1] for curve in curves)), np.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[:, : curve.shape[1]] = curve
    return padded
