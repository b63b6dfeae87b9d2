r"""A deep ensemble of small neural networks: for many trials, and for targets with sharp features.

    mean(x) = average of the members,  var(x) = c^2 * variance of the members       c calibrated for each target
    y = f(x) + noise,  noise variance = error^2 + v                                 v learned for each target

c and v maximise the likelihood of trials that the networks had not seen (Lakshminarayanan, Pritzel & Blundell, NeurIPS
2017, for the ensemble; Kuleshov, Fenner & Ermon, ICML 2018, for calibrating on left-out data).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from softal.errors import SurrogateError
from softal.kinds.settings import Settings
from softal.numeric import Floats
from softal.surrogates import base
from softal.surrogates.data import Scaling
from softal.surrogates.encoding import Encoding
from softal.surrogates.ensembles.calibration import calibration
from softal.surrogates.ensembles.mlp import Shape, one_thread, outputs, train
from softal.surrogates.ensembles.settings import Tune
from softal.surrogates.gaussian_processes.gp import unclipped


class EnsembleSettings(Settings):
    """Settings of the ensemble.

    Attributes:
        members: number of networks.
        width: units of each hidden layer.
        depth: hidden layers.
        learning_rate: of Adam.
        steps: of training, at most.
        seed: of initial weights and folds.
        tune: find width, depth and learning rate with Ray Tune at each fit; absent, they are taken as given.
    """

    members: int = Field(default=8, ge=2, le=64)
    width: int = Field(default=64, ge=4, le=1024)
    depth: int = Field(default=2, ge=1, le=6)
    learning_rate: float = Field(default=1e-2, gt=0, le=1)
    steps: int = Field(default=800, ge=10)
    seed: int = Field(default=0, ge=0)
    tune: Tune | None = None


class Ensemble(base.Surrogate):
    """A deep ensemble, one for all targets together."""

    kind = "ensemble"
    Settings = EnsembleSettings

    def _fit(self, X: Floats, Y: Floats, Yvar: Floats) -> None:
        if len(X) < 2:
            raise SurrogateError(f"an ensemble needs at least 2 trials, not {len(X)}")
        columns = zip(self.targets, Y.T, Yvar.T, strict=True)
        self._scalings = [self._scaling(name, X, y, variance) for name, y, variance in columns]
        scale = np.array([scaling.scale for scaling in self._scalings])
        y = np.column_stack([s.standardise(column) for s, column in zip(self._scalings, Y.T, strict=True)])
        variance, inputs = Yvar / scale**2, self._inputs(X)
        settings = self.settings
        self.shape = Shape(settings.width, settings.depth, settings.learning_rate)
        if settings.tune is not None:
            from softal.surrogates.ensembles.tuning import tune

            self.shape = tune(inputs, y, variance, self.shape, settings.tune, settings.seed)
        trained = train(inputs, y, variance, self.shape, settings.members, settings.steps, settings.seed)
        self._networks, self._priors = trained.networks, trained.priors
        self._factor, self._noise = np.ones(len(scale)), np.zeros(len(scale))
        self._held_out: dict[str, base.Unseen] = {}
        for i, name in enumerate(self.targets):
            rows = np.isfinite(y[:, i]) & np.isfinite(trained.mean[:, i])
            parts = (array[rows, i] for array in (y, variance, trained.mean, trained.variance))
            self._held_out[name] = self._calibrated(i, X[rows], *parts)
        self._scores = {name: found.score for name, found in self._held_out.items()}
        self._n = len(X)

    def _scaling(self, name: str, X: Floats, y: Floats, variance: Floats) -> Scaling:
        rows = np.isfinite(y)
        data = X[rows], y[rows], variance[rows], self.space.categorical
        return Scaling.of(y[rows], unclipped(self.component(name), *data))

    def _calibrated(self, i: int, X: Floats, y: Floats, known: Floats, mean: Floats, spread: Floats) -> base.Unseen:
        """Learn c and v of a target from left-out trials, and return what is predicted of these."""
        if len(y) >= 2:
            self._factor[i], self._noise[i] = calibration(y - mean, spread, known)
        variance = self._factor[i] ** 2 * spread + self._noise[i] + np.nan_to_num(known)
        scaling = self._scalings[i]
        observed, mean = (scaling.mean + scaling.scale * part for part in (y, mean))
        return base.Unseen(X, observed, mean, scaling.scale**2 * variance)

    def _inputs(self, X: Floats) -> Floats:
        """Return the networks' inputs (n, D): choices one-hot, all from -1 to 1."""
        cells = self.space.cells
        levels = tuple((j, tuple((np.arange(cells[j]) + 0.5) / cells[j])) for j in self.space.categorical)
        return 2.0 * Encoding(self.space.dimension, levels)(X) - 1.0

    def _members(self, X: Floats) -> Floats:
        """Return the members' predictions (N, n, m) in natural units, spread by the calibrated factor."""
        with torch.no_grad(), one_thread():
            inputs = torch.from_numpy(self._inputs(X)).float()
            f = outputs(self._networks, self._priors, inputs).numpy().astype(np.float64)
        mean = f.mean(axis=0)
        offset, scale = np.array([(scaling.mean, scaling.scale) for scaling in self._scalings]).T
        return np.asarray(offset + scale * (mean + self._factor * (f - mean)))

    def _posterior(self, X: Floats) -> base.Posterior:
        f = self._members(X)
        return base.Posterior(f.mean(axis=0), f.var(axis=0, ddof=1))

    def _paths(self, samples: int, rng: np.random.Generator, anchors: Floats) -> Callable[[Floats], Floats]:
        """Return draws of the Gaussian process that has the members' mean and covariance, exact everywhere."""
        z = rng.standard_normal((samples, self.settings.members)) / np.sqrt(self.settings.members - 1)

        def evaluate(X: Floats) -> Floats:
            f = self._members(X)
            mean = f.mean(axis=0)
            return np.asarray(mean + np.tensordot(z, f - mean, axes=1))

        return evaluate

    def _diagnostics(self) -> base.Diagnostics:
        return base.Diagnostics(self._n, "held-out", *base.by_measure(self._scores))

    def _unseen(self) -> dict[str, base.Unseen]:
        return self._held_out

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {"factor": self._factor, "noise": self._noise}
        tensors |= {f"network.{i}": p.numpy() for i, p in enumerate(self._networks)}
        tensors |= {f"prior.{i}": p.numpy() for i, p in enumerate(self._priors)}
        for i, name in enumerate(self.targets):
            if name in self._held_out:
                tensors |= {f"held_out.{i}.{key}": array for key, array in vars(self._held_out[name]).items()}
        scalings = [scaling.to_dict() for scaling in self._scalings]
        shape = {"width": self.shape.width, "depth": self.shape.depth, "learning_rate": self.shape.learning_rate}
        scores = {name: [None if np.isnan(v) else v for v in found] for name, found in self._scores.items()}
        return tensors, {"n": self._n, "shape": shape, "scalings": scalings, "scores": scores}

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._n, self.shape, self._scores = state["n"], Shape(**state["shape"]), {}
        self._scalings = [Scaling(**scaling) for scaling in state["scalings"]]
        for name, found in state["scores"].items():
            rmse, r2, coverage = (np.nan if value is None else float(value) for value in found)
            self._scores[name] = rmse, r2, coverage
        self._factor, self._noise = tensors["factor"], tensors["noise"]
        self._held_out = {  # which older versions did not save
            name: base.Unseen(*(tensors[f"held_out.{i}.{part.name}"] for part in fields(base.Unseen)))
            for i, name in enumerate(self.targets)
            if f"held_out.{i}.X" in tensors
        }
        layers = 2 * (self.shape.depth + 1)
        self._networks = [torch.from_numpy(tensors[f"network.{i}"]) for i in range(layers)]
        self._priors = [torch.from_numpy(tensors[f"prior.{i}"]) for i in range(layers)]
        counts = {len(part) for part in (*self._networks, *self._priors)}
        if counts != {self.settings.members}:
            raise SurrogateError(f"it has {sorted(counts)} networks; {self.settings.members} are needed")
