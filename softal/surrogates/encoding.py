"""One-hot columns for choices, so that one stationary kernel serves numbers and choices alike.

Two different choices lie at the same distance from each other, whichever they are: the kernel sees only whether they
are equal, and learns from its lengthscales how much that matters. A choice that no training point has goes to a
column of its own, "none of these".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from softal.numeric import Floats

SAME = 1e-6  # unit coordinates of choices are at least 1e-3 apart for as many as a thousand choices


@dataclass(frozen=True)
class Encoding:
    """How points of the unit cube (n, d) become kernel inputs (n, D): numbers first, then one-hot columns.

    Attributes:
        dimension: d.
        levels: (column, sorted coordinates seen in training) of each choice.
    """

    dimension: int
    levels: tuple[tuple[int, tuple[float, ...]], ...] = ()

    @classmethod
    def of(cls, X: Floats, categorical: Sequence[int]) -> Encoding:
        """Return the encoding for training points X (n, d) whose columns `categorical` are choices."""
        return cls(X.shape[1], tuple((int(j), _distinct(X[:, j])) for j in sorted(set(categorical))))

    @property
    def numeric(self) -> list[int]:
        """Columns that stay as they are."""
        categorical = {column for column, _ in self.levels}
        return [j for j in range(self.dimension) if j not in categorical]

    @property
    def encoded_dimension(self) -> int:
        """D: numbers, and for each choice its levels and "none of these"."""
        return len(self.numeric) + sum(len(values) + 1 for _, values in self.levels)

    @property
    def groups(self) -> list[tuple[int, ...]]:
        """Encoded columns that belong to each of the d original ones."""
        groups: list[tuple[int, ...]] = [()] * self.dimension
        for position, column in enumerate(self.numeric):
            groups[column] = (position,)
        start = len(self.numeric)
        for column, values in self.levels:
            groups[column] = tuple(range(start, start + len(values) + 1))
            start += len(values) + 1
        return groups

    def __call__(self, X: Floats) -> Floats:
        """Return the kernel's inputs (n, D) at X (n, d)."""
        if not self.levels:
            return X
        columns = [X[:, self.numeric]]
        for column, values in self.levels:
            hot = np.abs(X[:, [column]] - np.array(values)) < SAME
            columns += [hot.astype(np.float64), 1.0 - hot.any(axis=1, keepdims=True)]
        return np.hstack(columns)


def _distinct(coordinates: Floats) -> tuple[float, ...]:
    ordered = np.sort(coordinates)
    return tuple(ordered[np.concatenate([[True], np.diff(ordered) >= SAME])].tolist())
