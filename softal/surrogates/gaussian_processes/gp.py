"""Gaussian processes: `fit_gp` for BoTorch's acquisition functions, `GaussianProcess` for campaigns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from softal.errors import SurrogateError
from softal.kinds.settings import Settings
from softal.numeric import Floats
from softal.objective import Component
from softal.surrogates import base
from softal.surrogates.data import Scaling, better_half, subset
from softal.surrogates.encoding import Encoding
from softal.surrogates.gaussian_processes.exact_gp import ExactGP, Hyperparameters, fit_hyperparameters
from softal.surrogates.gaussian_processes.laplace import posterior_draws, shares
from softal.surrogates.learner import part_of

MAX_DRAWN_POINTS = 4000  # in all draws of the hyperparameters together
PREDICTED = 0.3  # part of the variance between the fences of outliers from which it counts as signal
FEW = 8  # values between the fences that say so


def train(
    X: Floats,
    Y: Floats,
    Yvar: Floats,
    categorical: Sequence[int] = (),
    hyperparameters: Mapping[str, Any] | None = None,
    max_fit: int = 300,
    max_points: int = 2000,
    good: NDArray[np.bool_] | None = None,
) -> tuple[ExactGP, Scaling]:
    """Return the Gaussian process of `fit_gp` in closed form, and the scaling between its units and the natural ones.

    Args and Raises: as of `fit_gp`.
    """
    X, Y, Yvar = _checked(X, Y, Yvar, categorical)
    scaling = Scaling.of(Y, good)
    kept = subset(Y, max_points)
    X, y, variance = X[kept], scaling.standardise(Y[kept]), Yvar[kept] / scaling.scale**2
    encoding = Encoding.of(X, categorical)
    if hyperparameters is None:
        some = subset(y, max_fit)
        found = fit_hyperparameters(encoding(X[some]), y[some], variance[some], encoding.groups)
    else:
        found = Hyperparameters.from_dict(hyperparameters)
        if len(found.lengthscales) != encoding.encoded_dimension:
            raise SurrogateError(
                f"{len(found.lengthscales)} lengthscales are given; {encoding.encoded_dimension} are needed"
            )
    return ExactGP(X, y, variance, encoding, found), scaling


def unclipped(
    component: Component | None, X: Floats, Y: Floats, Yvar: Floats, categorical: Sequence[int], max_fit: int = 300
) -> NDArray[np.bool_] | None:
    """Return which of the values Y (n,) are not to be clipped as outliers; None where all may be.

    A simulation that blew up returns a value millions of times the others, which is clipped for the others' sake. By
    its size alone, a rare success on a plateau is the same: 0.99 among values of 1e-8 +- 1e-8. What tells them apart is
    what is asked for (the better half of an objective is never clipped), and where nothing is asked, whether what lies
    between the fences is more than noise.

    Args:
        component: of the objective that the values are of; None where they are of none.
        X: (n, d) unit points.
        Y, Yvar: finite values, and squared errors (NaN: not known).
        categorical: columns of X that are choices.
        max_fit: hyperparameters are fitted on at most so many.
    """
    if component is not None and component.direction != "learn":
        return better_half(component.sign * Y)
    scaling = Scaling.of(Y)
    inside = np.asarray((scaling.low <= Y) & (scaling.high >= Y))
    if inside.all() or inside.sum() < FEW:
        return None
    try:
        gp, _ = train(X[inside], Y[inside], Yvar[inside], categorical, max_fit=max_fit)
    except SurrogateError:
        return None
    error = gp.y - gp.leave_one_out()[0]
    spread = float(np.var(gp.y))
    predictable = spread > 0 and 1.0 - float(np.mean(error**2)) / spread > PREDICTED
    return None if predictable else np.ones(len(Y), dtype=bool)


def _checked(X: Floats, Y: Floats, Yvar: Floats, categorical: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    Yvar = np.asarray(Yvar, dtype=np.float64)
    if X.ndim != 2 or Y.shape != (len(X),) or Yvar.shape != Y.shape:
        raise SurrogateError(
            f"X, Y, Yvar have shapes {X.shape}, {Y.shape}, {Yvar.shape}; (n, d), (n,), (n,) are needed"
        )
    if not len(Y):
        raise SurrogateError("there are no training points")
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise SurrogateError("training points or targets hold NaN or infinity")
    if np.any(Yvar < 0):
        raise SurrogateError(f"a variance is {np.nanmin(Yvar)}; at least 0 is allowed")
    if any(not 0 <= column < X.shape[1] for column in categorical):
        raise SurrogateError(f"categorical columns are {list(categorical)}; 0 to {X.shape[1] - 1} are allowed")
    return X, Y, np.where(np.isfinite(Yvar), Yvar, np.nan)


def fit_gp(
    X: Floats,
    Y: Floats,
    Yvar: Floats,
    categorical: Sequence[int] = (),
    hyperparameters: Mapping[str, Any] | None = None,
    max_fit: int = 300,
    max_points: int = 2000,
) -> Any:
    """Return a BoTorch `SingleTaskGP` in double precision, fitted, in evaluation mode, its parameters frozen.

    Targets are standardised inside, after outliers have been clipped (see `Scaling`). Noise of a point is its known
    variance plus a learned `extra` that is zero unless the points scatter by more than their errors; points without a
    known variance share a learned `noise`. Choices are one-hot encoded inside (see `Encoding`): their columns hold unit
    coordinates. Same data, same model; no random numbers are used.

    Args:
        X: (n, d) points in the unit cube, n >= 1.
        Y: (n,) targets [natural unit].
        Yvar: (n,) squared standard errors [natural unit squared]; NaN where not known.
        categorical: columns of X that are choices.
        hyperparameters: as in the attribute of the model that is returned; None fits them.
        max_fit: hyperparameters are fitted on at most so many points, see `subset`.
        max_points: the model is conditioned on at most so many points.

    Returns:
        The model, with attributes `hyperparameters` (plain data, in standardised units) and `scaling`.

    Raises:
        SurrogateError: shapes do not match, values are not finite, a variance is negative.
    """
    from softal.surrogates.gaussian_processes.botorch_model import botorch_model

    return botorch_model(*train(X, Y, Yvar, categorical, hyperparameters, max_fit, max_points))


class GaussianProcessSettings(Settings):
    """Settings of the Gaussian process.

    Attributes:
        max_fit: hyperparameters are fitted on at most so many trials, chosen the same way every time.
        max_points: predictions are conditioned on at most so many trials.
        draws: sampled functions come from so many draws of the hyperparameters; fewer above 500 trials, to save time;
            1 takes the fitted ones alone.
    """

    max_fit: int = Field(default=300, ge=2, le=2000)
    max_points: int = Field(default=2000, ge=2, le=10_000)
    draws: int = Field(default=8, ge=1, le=64)


class GaussianProcess(base.Surrogate):
    """One Gaussian process for each target; see `softal.surrogates.gaussian_processes.exact_gp` for the model."""

    kind = "gp"
    Settings = GaussianProcessSettings

    def botorch_model(self, target: str | None = None) -> Any:
        """Return the BoTorch model of a target, the first one unless it is named."""
        from softal.surrogates.gaussian_processes.botorch_model import botorch_model

        self._require_fit()
        return botorch_model(*self._models[self.index(target)])

    def _fit(self, X: Floats, Y: Floats, Yvar: Floats) -> None:
        self._models: list[tuple[ExactGP, Scaling]] = []
        self._drawn: dict[int, list[ExactGP]] = {}
        limits = self.settings.max_fit, self.settings.max_points
        for name, y, variance in zip(self.targets, Y.T, Yvar.T, strict=True):
            rows = np.isfinite(y)
            data = X[rows], y[rows], variance[rows], self.space.categorical
            good = unclipped(self.component(name), *data, self.settings.max_fit)
            self._models.append(train(*data, None, *limits, good))

    def _posterior(self, X: Floats) -> base.Posterior:
        mean, variance = np.empty((2, len(X), len(self.targets)))
        for i, (gp, scaling) in enumerate(self._models):
            y, v = gp.posterior(X)
            mean[:, i], variance[:, i] = scaling.mean + scaling.scale * y, scaling.scale**2 * v
        return base.Posterior(mean, variance)

    def _paths(self, samples: int, rng: np.random.Generator, anchors: Floats) -> Callable[[Floats], Floats]:
        paths = [
            [gp.paths(anchors, count, rng) for gp, count in shares(self._draws(i), samples)]
            for i in range(len(self._models))
        ]

        def evaluate(X: Floats) -> Floats:
            values = [
                scaling.mean + scaling.scale * np.vstack([path(X) for path in some])
                for some, (_, scaling) in zip(paths, self._models, strict=True)
            ]
            return np.stack(values, axis=-1)

        return evaluate

    def _draws(self, i: int) -> list[ExactGP]:
        """Return the i-th target's process for several hyperparameters that the data allow; made once."""
        if i not in self._drawn:
            gp = self._models[i][0]
            count = max(1, min(self.settings.draws, MAX_DRAWN_POINTS // len(gp.y)))
            self._drawn[i] = [gp] if count == 1 else posterior_draws(gp, count, self.settings.max_fit)
        return self._drawn[i]

    def _diagnostics(self) -> base.Diagnostics:
        scores = {name: found.score for name, found in self._unseen().items()}
        n = max(len(gp.y) for gp, _ in self._models)
        return base.Diagnostics(n, "leave-one-out", *base.by_measure(scores))

    def _unseen(self) -> dict[str, base.Unseen]:
        return {name: left_out(*model) for name, model in zip(self.targets, self._models, strict=True)}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {}
        models = []
        for i, model in enumerate(self._models):
            arrays, learned = stored(*model)
            tensors |= {f"{i}.{name}": values for name, values in arrays.items()}
            models.append(learned)
        return tensors, {"models": models}

    @classmethod
    def _own(
        cls, description: dict[str, Any], tensors: dict[str, NDArray[Any]]
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the processes alone where the first version of softal saved them with a learner."""
        if cls.kind not in description["state"]:
            return description, tensors
        own = {"kind": cls.kind, "settings": {}, "state": description["state"][cls.kind]}
        return {**description, **own}, part_of(cls.kind, tensors)

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._models, self._drawn = [], {}
        for i, learned in enumerate(state["models"]):
            arrays = {name: tensors[f"{i}.{name}"] for name in ("X", "y", "variance")}
            self._models.append(restored(arrays, learned, self.space.categorical))


def left_out(gp: ExactGP, scaling: Scaling) -> base.Unseen:
    """Return what the process says of each of its trials given all others, in natural units."""
    mean, variance = gp.leave_one_out()
    observed, mean = (scaling.mean + scaling.scale * part for part in (gp.y, mean))
    return base.Unseen(gp.X, observed, mean, scaling.scale**2 * variance)


def stored(gp: ExactGP, scaling: Scaling) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return arrays by name and plain data, of which `restored` makes the same process and scaling."""
    arrays = {"X": gp.X, "y": gp.y, "variance": gp.variance}
    return arrays, {"scaling": scaling.to_dict(), "hyperparameters": gp.hyperparameters.to_dict()}


def restored(
    arrays: Mapping[str, NDArray[Any]], learned: Mapping[str, Any], categorical: Sequence[int]
) -> tuple[ExactGP, Scaling]:
    """Return the process and the scaling that were `stored`."""
    X, y, variance = (arrays[name] for name in ("X", "y", "variance"))
    if X.ndim != 2 or not y.shape == variance.shape == X.shape[:1]:
        raise ValueError(f"X of shape {X.shape} has targets of shape {y.shape} and variances of shape {variance.shape}")
    hyperparameters = Hyperparameters.from_dict(learned["hyperparameters"])
    return ExactGP(X, y, variance, Encoding.of(X, categorical), hyperparameters), Scaling(**learned["scaling"])
