"""Lengthscales by column of the space, whatever choices the points hold that a process has seen."""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.surrogates.encoding import Encoding
from softal.surrogates.gaussian_processes.exact_gp import Hyperparameters


def per_column(hyperparameters: Hyperparameters, encoding: Encoding) -> Floats:
    """Return the lengthscale of each of the d columns."""
    return np.array([hyperparameters.lengthscales[group[0]] for group in encoding.groups])


def expand(
    hyperparameters: Hyperparameters, lengthscales: Floats, X: Floats, categorical: tuple[int, ...]
) -> Hyperparameters:
    """Return the hyperparameters for points X (n, d), which may hold choices that the fit had not seen."""
    groups = Encoding.of(X, categorical).groups
    encoded = np.empty(sum(len(group) for group in groups))
    for lengthscale, group in zip(lengthscales, groups, strict=True):
        encoded[list(group)] = lengthscale
    return Hyperparameters.from_dict({**hyperparameters.to_dict(), "lengthscales": tuple(encoded.tolist())})
