"""Surrogates that learn something else than their targets: these are learned beside it by Gaussian processes (`gp`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates import base
from softal.surrogates.gaussian_processes.gp import GaussianProcess


class TargetsBeside(base.Surrogate):
    """The contract of surrogates, by Gaussian processes; a subclass extends `_fit`, `_state` and `_restore`."""

    def _fit(self, X: Floats, Y: Floats, Yvar: Floats) -> None:
        self._gp = GaussianProcess(self.space, self.targets)
        self._gp.fit_arrays(X, Y, Yvar)

    def _posterior(self, X: Floats) -> base.Posterior:
        return self._gp.posterior(X)

    def _paths(self, samples: int, rng: np.random.Generator, anchors: Floats) -> Callable[[Floats], Floats]:
        return self._gp.paths(samples, rng, anchors)

    def _diagnostics(self) -> base.Diagnostics:
        return self._gp.diagnostics()

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors, learned = self._gp._state()
        return {f"gp.{name}": values for name, values in tensors.items()}, {"gp": learned}

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._gp = GaussianProcess(self.space, self.targets)
        self._gp._restore(part_of("gp", tensors), state["gp"])
        self._gp.fitted = True


def part_of(part: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the tensors called `<part>.<name>`, by name."""
    return {name.removeprefix(f"{part}."): v for name, v in tensors.items() if name.startswith(f"{part}.")}
