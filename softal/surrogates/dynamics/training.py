"""What both architectures of networks of dynamics share: settings, folds of states, goals; what a committee offers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from softal.errors import SurrogateError
from softal.kinds.settings import Settings
from softal.numeric import Floats
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.statics import Statics
from softal.trial import Value

FEWEST = 4  # states to learn from
NOISE_FLOOR = 0.01  # of F_s: smaller errors do not give a point more weight
TIME_CORRELATION = 0.9  # of the noise of F_s at neighbouring times: origins are the same
DECAYED = 0.02  # |F_s| at a run's last times that says that it stays there
BEYOND = 8  # times behind these, up to the data's last one, where F_s = 0 is learned


class TrainingSettings(Settings):
    """How networks of dynamics are made and trained."""

    @model_validator(mode="before")
    @classmethod
    def _one_of_the_paper(cls, data: Any) -> Any:
        """Train one network of the paper's where the file does not say how many."""
        if isinstance(data, dict) and data.get("architecture") == "paper":
            return {"members": 1, "fold_members": 1, **data}
        return data

    architecture: Literal["ensemble", "paper"] = Field(
        "ensemble",
        description="ensemble: small networks, with uncertainty; paper: one of 304-500-400-400-300-200-2 units, "
        "L1 loss and Lasso (Ciarella et al. 2023)",
    )
    members: int = Field(8, ge=1, le=64, description="networks that see all states; of `paper`, 1 if absent")
    folds: int = Field(6, ge=0, le=50, description="parts that the states are split into, each left out once; 0: none")
    fold_members: int = Field(
        4, ge=1, le=64, description="networks that leave out the same part; of `paper`, 1 if absent"
    )
    width: int = Field(48, ge=4, le=1024, description="units of each hidden layer (ensemble)")
    depth: int = Field(2, ge=1, le=6, description="hidden layers (ensemble)")
    components: int = Field(3, ge=1, le=20, description="principal components of S that are inputs (ensemble)")
    prior: float = Field(0.3, ge=0, le=10, description="size of the untrained part of each network (ensemble)")
    steps: int = Field(1000, ge=1, description="steps of Adam (ensemble)")
    learning_rate: float = Field(5e-3, gt=0, le=1, description="of Adam, at first; it falls to 0 (ensemble)")
    epochs: int = Field(40, ge=1, description="rounds over all points (paper)")
    batch: int = Field(128, ge=1, description="points of one step (paper)")
    paper_rate: float = Field(1e-3, gt=0, le=1, description="of Adam, at first; it falls to 0 (paper)")
    lasso: float = Field(1e-6, ge=0, le=1, description="weight of the sum of all |weights| in the loss (paper)")
    wave_number: float | None = Field(
        None,
        gt=0,
        description="at which F_s was measured [1/sigma]; that of the main peak of S at the density if absent",
    )


QUICK = TrainingSettings(members=8, folds=0, steps=400)


@dataclass(frozen=True)
class HeldOut:
    """Predictions of each state's curves by the networks that have not seen it, at the data's times.

    Attributes:
        fold: (n,) that the trial is in.
        mean, variance: (n, 2, n_t) over the networks, NaN where the data have no time.
    """

    fold: NDArray[np.intp]
    mean: Floats
    variance: Floats


class Committee(ABC):
    """M trained networks, each of which predicts F_s.

    Args:
        settings: that they were trained with.
        statics: S(k) between the states learned from.
        held_out: predictions of states that were left out; None without folds.
    """

    def __init__(self, settings: TrainingSettings, statics: Statics, held_out: HeldOut | None) -> None:
        self.settings, self.statics, self.held_out = settings, statics, held_out

    def features(self, points: Sequence[Mapping[str, Value]]) -> Floats:
        """Return features (n, 3 n_k + 3) of points (T, rho, interaction) that need not have been simulated."""
        return self.statics.features(points)

    @property
    @abstractmethod
    def size(self) -> int:
        """M."""

    @abstractmethod
    def predict(self, features: Floats, log_t: Floats) -> Floats:
        """Return F_s (M, n, n_t, 2) of A and B by each network.

        Args:
            features: (n, 3 n_k + 3), see `softal.surrogates.dynamics.data.features_of`.
            log_t: (n_t,) log10 of times [tau], or (n, n_t), others for each state.
        """

    @abstractmethod
    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the networks as arrays by name."""

    @classmethod
    @abstractmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], settings: TrainingSettings, statics: Statics
    ) -> Committee:
        """Make it of what `to_tensors` returned; without `held_out`."""


def folds_of(data: DynamicsData, settings: TrainingSettings, seed: int) -> NDArray[np.intp]:
    """Return the fold (n,) of each trial, -1 where none are asked for; SurrogateError for too few states."""
    states = len(np.unique(data.states)) if len(data) else 0
    if states < FEWEST:
        raise SurrogateError(f"a network of dynamics learns from {FEWEST} states at least; there are {states}")
    # A fold of all but two states would leave nothing to compress.
    count = min(settings.folds, states)
    return data.folds(count, seed) if count > 1 else np.full(len(data), -1, dtype=np.intp)


def extended(data: DynamicsData) -> DynamicsData:
    """Return data with F_s = 0 at `BEYOND` later times, up to the last one of all, where it has decayed before."""
    last = np.nanmax(data.t, axis=1)
    extra = np.geomspace(1.1 * last, max(1.2 * float(last.max()), 1.0), BEYOND, axis=1)
    ends = np.where(
        data.t > last[:, None] / 1.5, np.nanmax(np.abs(data.F), axis=1, initial=0.0, where=np.isfinite(data.F)), 0.0
    )
    decayed = np.nanmax(ends, axis=1) < DECAYED
    t = np.where(decayed[:, None], extra, np.nan)
    zeros = np.where(decayed[:, None, None], 0.0, np.nan) * np.ones((len(data), 2, BEYOND))
    nothing = np.full(zeros.shape, np.nan)
    longer = {"F": (data.F, zeros), "F_error": (data.F_error, zeros), "mct": (data.mct, nothing)}
    return replace(
        data,
        t=np.hstack([data.t, t]),
        **{name: np.concatenate(parts, axis=-1) for name, parts in longer.items()},  # type: ignore[arg-type]
    )


def goals(data: DynamicsData, seen: NDArray[np.bool_], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return F_s with a draw of its noise for each network (M, n, 2, n_t), and weights of the same shape.

    Args:
        data: what is to be learned.
        seen: (M, n) whether a network learns from a trial.
        generator: of the noise.
    """
    there = np.isfinite(data.F)
    errors = np.where(there, np.nan_to_num(data.F_error), 0.0)
    noise = torch.randn(len(seen), *data.F.shape, generator=generator)
    for i in range(1, noise.shape[-1]):
        noise[..., i] = TIME_CORRELATION * noise[..., i - 1] + math.sqrt(1 - TIME_CORRELATION**2) * noise[..., i]
    goal = tensor(np.nan_to_num(data.F)) + tensor(errors) * noise
    weight = there * NOISE_FLOOR**2 / (NOISE_FLOOR**2 + errors**2)
    weight = weight / np.maximum(there.sum(axis=(1, 2), keepdims=True), 1)
    weights = seen[:, :, None, None] * weight / seen.sum(axis=1)[:, None, None, None]
    return goal, tensor(weights)


def held_out(F: Floats, fold: NDArray[np.intp], members: int, data: DynamicsData) -> HeldOut:
    """Return what the networks of each fold say of its states, F (folds * members, n, 2, n_t)."""
    by_fold = F.reshape(-1, members, *F.shape[1:])[fold, :, np.arange(len(fold))]
    there = np.isfinite(data.t)[:, None]
    mean = np.where(there, by_fold.mean(axis=1), np.nan)
    variance = np.where(there, by_fold.var(axis=1, ddof=1 if members > 1 else 0), np.nan)
    return HeldOut(fold, mean, variance)


def parts_of(features: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return S (n, 3, n_k), T, rho, interaction (n,) of features (n, 3 n_k + 3)."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] < 6 or features.shape[1] % 3:
        raise SurrogateError(f"features have shape {features.shape}; (n, 3 n_k + 3) is needed")
    return features[:, :-3].reshape(len(features), 3, -1), *features[:, -3:].T


def tensor(values: Floats) -> Tensor:
    """Return values as a tensor in single precision."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
