"""What networks see of a point: its place in the unit cube, choices one-hot, and what is known of the arrays there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.space import Space
from softal.surrogates.encoding import Encoding
from softal.surrogates.profiles.forms import Form, Frame, Shared, columns_of
from softal.trial import Value


@dataclass(frozen=True)
class Inputs:
    """Makes the networks' inputs.

    Attributes:
        space: of the points.
        forms: of the arrays.
        offset, scale: (D,) that make inputs of about -1 to 1; what did not vary in training is 0.
    """

    space: Space
    forms: tuple[Form, ...]
    offset: Floats
    scale: Floats

    @classmethod
    def of(cls, space: Space, forms: Sequence[Form], X: Floats, frames: Sequence[Frame]) -> Inputs:
        """Return the inputs that trials at X (n, d), with the frames of their arrays, vary in."""
        raw = cls(space, tuple(forms), np.zeros(1), np.ones(1))._raw(X, frames)
        low, high = raw.min(axis=0), raw.max(axis=0)
        cube = _encoding(space).encoded_dimension
        offset, half = (low + high) / 2, (high - low) / 2
        varies = half > 1e-9 * (1 + np.abs(offset))
        offset[:cube], half[:cube] = 0.5, 0.5  # the space says how far they go
        return cls(space, tuple(forms), offset, np.where(varies, 1.0 / np.where(varies, half, 1.0), 0.0))

    def __call__(self, X: Floats, frames: Sequence[Frame]) -> Floats:
        """Return inputs (n, D) at X (n, d)."""
        return (self._raw(X, frames) - self.offset) * self.scale

    def frames(self, points: Sequence[Mapping[str, Value]]) -> list[Frame]:
        """Return the frame of each array at points; SurrogateError where something known has no value there."""
        shared = Shared()
        columns = columns_of(points, self._names, self._defaults)
        return [form.frame(columns, len(points), shared) for form in self.forms]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted({name for form in self.forms for e in form.expressions.values() for name in e.names}))

    @cached_property
    def _defaults(self) -> dict[str, float]:
        return {name: value for form in self.forms for name, value in form.known.defaults.items()}

    @cached_property
    def _encoding(self) -> Encoding:
        return _encoding(self.space)

    def _raw(self, X: Floats, frames: Sequence[Frame]) -> Floats:
        columns = [self._encoding(X)]
        for frame in frames:
            columns += [part[:, None] for part in (frame.support, frame.contact) if part is not None]
            if frame.integral is not None:
                columns.append(np.log(np.maximum(np.abs(frame.integral), 1e-12))[:, None])
        return np.hstack(columns)

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return offset and scale."""
        return {"offset": self.offset, "scale": self.scale}


def _encoding(space: Space) -> Encoding:
    cells = space.cells
    levels = tuple((j, tuple(((np.arange(cells[j]) + 0.5) / cells[j]).tolist())) for j in space.categorical)
    return Encoding(space.dimension, levels)
