"""Learners that say of each particle what it is: which crystal's, or which of structures that nobody has named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.numeric import Floats
from softal.surrogates.folders import Sought, trained_folder

UNKNOWN = "unknown"  # the name of what is far from all that was learned from
NAMES = "names"  # key of a learner's saved state: the structures that it tells, in the order of its memberships
SOUGHT = Sought("", "learner of particles", "which does not tell particles apart", (NAMES,))


@dataclass(frozen=True)
class Particles:
    """What a learner says of the particles of a configuration.

    Attributes:
        names: of the K structures.
        memberships: probability of each, (N, K).
        far: which particles are like nothing that was learned from, (N,).
    """

    names: tuple[str, ...]
    memberships: Floats
    far: NDArray[np.bool_]

    @property
    def labels(self) -> NDArray[np.int64]:
        """The most probable structure of each particle, (N,); K, the number after the last, where it is far."""
        found = np.argmax(self.memberships, axis=1) if len(self.memberships) else np.zeros(0, np.int64)
        return np.where(self.far, len(self.names), found).astype(np.int64)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names of the labels: `unknown` is the last."""
        return (*self.names, UNKNOWN)

    @property
    def fractions(self) -> dict[str, float]:
        """The part of the particles that is of each structure, and that is unknown."""
        counts = np.bincount(self.labels, minlength=len(self.all_names))
        return {name: float(count) / max(1, len(self.far)) for name, count in zip(self.all_names, counts, strict=True)}


@runtime_checkable
class ParticleLearner(Protocol):
    """A learner that tells particles apart."""

    def classify(self, positions: Floats, box: Floats, types: ArrayLike | None = None) -> Particles:
        """Say what each particle is.

        Args:
            positions: (N, 3) in a periodic box.
            box: its edges, (3,).
            types: number of each particle's species, (N,), the larger ones' is 0; None where all are alike.

        Raises:
            SurrogateError: if it was trained for other species.
        """
        ...


def particle_folder(path: str | Path, called: str | None = None) -> Path:
    """Return the folder of a learner that tells particles apart: that folder, or the latest one of a campaign.

    Raises:
        SurrogateError: in one line, what is missing there.
    """
    return trained_folder(path, SOUGHT, called)
