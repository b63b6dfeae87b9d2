"""Gaussian processes: `fit_gp` for BoTorch's acquisition functions, `GaussianProcess` for campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.surrogates.data import Scaling, subset
from softal.surrogates.encoding import Encoding
from softal.surrogates.exact_gp import ExactGP, Hyperparameters, fit_hyperparameters

Floats = NDArray[np.float64]


def train(
    X: Floats,
    Y: Floats,
    Yvar: Floats,
    categorical: Sequence[int] = (),
    hyperparameters: Mapping[str, Any] | None = None,
    max_fit: int = 300,
    max_points: int = 2000,
) -> tuple[ExactGP, Scaling]:
    """Return the Gaussian process of `fit_gp` in closed form, and the scaling between its units and the natural ones.

    Args and Raises: as of `fit_gp`.
    """
    X, Y, Yvar = _checked(X, Y, Yvar, categorical)
    scaling = Scaling.of(Y)
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
    from softal.surrogates.botorch_model import botorch_model

    return botorch_model(*train(X, Y, Yvar, categorical, hyperparameters, max_fit, max_points))
