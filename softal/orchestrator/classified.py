"""Configurations of the user's own, particle by particle, by what a campaign has learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from softal.cards import theme
from softal.cards.spheres import spheres_png
from softal.errors import TrajectoryError
from softal.kinds.validation import show
from softal.surrogates import load_learner
from softal.surrogates.particles import ParticleLearner, Particles, particle_folder
from softal.trajectories import Frame, frames, write

ENDING = ".classified.gsd"
LABEL, PROBABILITY = "label", "probability"  # names of what is written for each particle
SMALLER = 0.8  # diameter of the second species in pictures; the first one's is the mean distance of neighbours
CONTACT = 1.12  # edge of the cube that each particle of a picture has, in units of its diameter


@dataclass
class Classified:
    """What was said of one file.

    Attributes:
        file: which one.
        written: the GSD file that has it.
        names: of the labels.
        steps: of each frame.
        fractions: of each label in each frame, F times {name: part}.
        particles: in the last frame.
    """

    file: Path
    written: Path
    names: tuple[str, ...] = ()
    steps: list[int] = field(default_factory=list)
    fractions: list[dict[str, float]] = field(default_factory=list)
    particles: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        rows = [{"step": step, "fractions": one} for step, one in zip(self.steps, self.fractions, strict=True)]
        return {"file": str(self.file), "written": str(self.written), "labels": list(self.names), "frames": rows}


def particle_learner(folder: Path) -> ParticleLearner:
    """Return the learner of particles in a learner's or a campaign's folder.

    Raises:
        SurrogateError: if there is none.
    """
    learner = load_learner(particle_folder(folder))
    assert isinstance(learner, ParticleLearner)
    return learner


def classify(
    file: Path, learner: ParticleLearner, out: Path | None = None, species: Sequence[str] = (),
    picture: Path | None = None,
) -> Classified:  # fmt: skip
    """Label every particle of every frame of a trajectory, and write a GSD file with labels and probabilities.

    Args:
        file: GSD, extended XYZ, or a LAMMPS dump.
        learner: that tells particles apart.
        out: the file to be written; None: the name with `.classified.gsd` in the working folder.
        species: names of the file's types in the learner's order, that of the large ones first; empty: as they are
            sorted.
        picture: a PNG of the last frame, coloured by label.

    Raises:
        TrajectoryError: if the file cannot be read.
        SurrogateError: if the learner is one for other particles.
    """
    found = Classified(file, out or Path(f"{file.stem}{ENDING}"))
    if found.written.resolve() == file.resolve():
        raise TrajectoryError(f"{found.written}: it is the file that is read; give another name with --out")
    last: list[tuple[Frame, Particles]] = []
    half = found.written.with_name(f".{found.written.name}.half")  # nobody takes a part for the whole
    try:
        write(half, _labelled(file, learner, species, found, last))
        half.replace(found.written)
    finally:
        half.unlink(missing_ok=True)
    if picture is not None:
        picture.write_bytes(picture_of(*last[0]))
    return found


def _labelled(
    file: Path, learner: ParticleLearner, species: Sequence[str], found: Classified, last: list[tuple[Frame, Particles]]
) -> Iterator[Frame]:
    for frame in frames(file):
        ordered = _ordered(frame, species, file) if species else frame
        told = learner.classify(ordered.positions, ordered.box, ordered.types)
        found.names, found.particles = told.all_names, len(frame)
        found.steps.append(frame.step)
        found.fractions.append(told.fractions)
        last[:] = [(ordered, told)]
        yield replace(frame, values={LABEL: told.labels.astype(np.int32), PROBABILITY: told.memberships.max(axis=1)})


def _ordered(frame: Frame, species: Sequence[str], file: Path) -> Frame:
    """Return the frame with its types in this order."""
    if sorted(species) != sorted(frame.names):
        raise TrajectoryError(f"{file} has the types {', '.join(frame.names)}, and {show(', '.join(species))} is given")
    places = np.array([species.index(name) for name in frame.names])
    return replace(frame, types=places[frame.types], names=tuple(species))


def picture_of(frame: Frame, told: Particles) -> bytes:
    """Return a PNG of a frame whose particles are coloured by their label."""
    palette = np.array(colours(told.all_names))
    diameter = (float(frame.box.prod()) / len(frame)) ** (1 / 3) / CONTACT
    sizes = np.where(frame.types == 0, 1.0, SMALLER) * diameter
    return spheres_png(frame.positions, frame.box, sizes, list(palette[told.labels]))


def colours(names: Sequence[str]) -> list[str]:
    """Return the colours of labels, of which the last is that of unknown ones."""
    return [*(theme.PROPOSERS[k % len(theme.PROPOSERS)] for k in range(len(names) - 1)), theme.INITIAL]
