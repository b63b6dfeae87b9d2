"""The images that a phase classifier learns from: whose label is which, and which state points are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.surrogates.phases.labels import FEWEST, Table
from softal.surrogates.phases.network import IMAGES
from softal.trial import Point, Trial, TrialState

PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Examples:
    """Labelled images.

    Attributes:
        images: (n, 33, 33) or (n, 17, 17, 17), float32.
        labels: (n,) numbers of the phases.
        points: (n,) numbers of the state points that they come from.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.intp]
    points: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def dimension(self) -> int:
        """Of the images: 2 or 3."""
        return self.images.ndim - 1

    def of(self, points: Sequence[int] | NDArray[np.intp]) -> Examples:
        """Return those of some state points."""
        rows = np.isin(self.points, points)
        return Examples(self.images[rows], self.labels[rows], self.points[rows])

    def by_point(self) -> dict[int, Examples]:
        """Return those of each state point."""
        return {int(point): self.of([point]) for point in np.unique(self.points)}

    @property
    def digest(self) -> str:
        """SHA-256 of images, labels and state points."""
        found = hashlib.sha256()
        for part in (self.images, self.labels, self.points):
            found.update(np.ascontiguousarray(part).tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Labelled:
    """Images with the phases that a table gives them.

    Attributes:
        phases: names, sorted: labels are their numbers.
        examples: the images; their state points are rows of the table.
        points: row of the table -> point.
    """

    phases: tuple[str, ...]
    examples: Examples
    points: dict[int, Point]

    def split(self, test: float, validation: float, seed: int) -> tuple[Examples, Examples, Examples]:
        """Return the examples for training, validation and test: of each phase, other state points in each.

        Args:
            test: part of a phase's state points, of which there are at least three; at least one.
            validation: part of the others, at least one.
            seed: of the choice.
        """
        rng = np.random.default_rng(seed)
        parts: tuple[list[int], list[int], list[int]] = ([], [], [])
        for phase in range(len(self.phases)):
            there = rng.permutation(np.unique(self.examples.points[self.examples.labels == phase]))
            # One at least is left for each of the other parts, whatever rounding does.
            tested = min(max(1, round(test * len(there))), len(there) - 2)
            checked = min(max(1, round(validation * (len(there) - tested))), len(there) - tested - 1)
            for part, some in zip(
                parts, np.split(there, [len(there) - tested - checked, len(there) - tested]), strict=True
            ):
                part.extend(int(point) for point in some)
        training, checking, testing = (self.examples.of(part) for part in parts)
        return training, checking, testing


def labelled(trials: Sequence[Trial], table: Table, names: Sequence[str], array: str) -> Labelled:
    """Return the images of the trials that are done and stand in the table, in the order of the trials' ids.

    Args:
        trials: with their arrays.
        table: of state points.
        names: parameters by which a trial finds its row.
        array: that holds a trial's images (n, ...).

    Raises:
        SurrogateError: there are no such trials, images are none, or a phase has too few state points.
    """
    done = sorted((trial for trial in trials if trial.state is TrialState.DONE), key=lambda trial: trial.id)
    rows = table.row_of([trial.point for trial in done], names)
    phases = tuple(sorted(set(table.phases)))
    found = [
        (_images(trial, array), phases.index(table.phases[row]), row, trial.point)
        for trial, row in zip(done, rows, strict=True)
        if row is not None and trial.observation is not None and array in trial.observation.arrays
    ]
    if not found:
        there = sum(row is not None for row in rows)
        raise SurrogateError(f"none of the {there} trials that stand in {table.path.name} has the array {array!r}")
    if len({images.shape[1:] for images, *_ in found}) > 1:
        raise SurrogateError(f"trials have arrays {array!r} of two and of three dimensions")
    _check_phases({row: label for _, label, row, _ in found}, phases)
    counts = [len(images) for images, *_ in found]
    labels, points = (np.repeat(np.array([one[i] for one in found], dtype=np.intp), counts) for i in (1, 2))
    examples = Examples(np.concatenate([images for images, *_ in found]), labels, points)
    return Labelled(phases, examples, {row: point for _, _, row, point in found})


def _images(trial: Trial, array: str) -> NDArray[np.float32]:
    assert trial.observation is not None
    return as_images(trial.observation.arrays[array].values, f"trial {trial.id}, array {array!r}")


def as_images(values: NDArray, place: str) -> NDArray[np.float32]:
    """Return values as images (n, ...); SurrogateError names the place where they are none."""
    images = np.asarray(values, dtype=np.float32)
    if images.shape[1:] not in IMAGES.values() or not np.isfinite(images).all():
        allowed = " or ".join(f"(n, {', '.join(map(str, shape))})" for shape in IMAGES.values())
        raise SurrogateError(f"{place}: shape {images.shape} is given; finite images {allowed} are needed")
    return images


def _check_phases(labels: dict[int, int], phases: Sequence[str]) -> None:
    counts = np.bincount(list(labels.values()), minlength=len(phases))
    if few := [f"{count} of {phase}" for phase, count in zip(phases, counts, strict=True) if count < FEWEST]:
        raise SurrogateError(
            f"there are {len(labels)} state points with images, {', '.join(few)}; {FEWEST} of each phase are needed: "
            "to train, to stop by, to test with"
        )
