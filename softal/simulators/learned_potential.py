"""Potentials that a campaign has learned, and simulators that run with them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from softal.errors import SimulationError, SoftalError
from softal.simulators.base import Simulator

if TYPE_CHECKING:
    from softal.surrogates.symmetry_potential.symmetry_potential import SymmetryPotential


def learned_potential(path: Path, kind: str, dimension: int) -> SymmetryPotential:
    """Return the potential in a learner's or a campaign's folder.

    Args:
        path: of the folder.
        kind: the simulator whose trials it has to be learned from; a model that was made by hand does not say.
        dimension: that it has to be of.

    Raises:
        SurrogateError: in one line, what is missing there.
        SimulationError: it is of another model, or of another dimension.
    """
    from softal.surrogates.symmetry_potential.symmetry_potential import load_potential

    found = load_potential(path)
    of = found.provenance.get("simulator", {}).get("kind", kind)
    if of != kind:
        raise SimulationError(f"the potential in {path} was learned from the simulator {of!r}; allowed: from {kind!r}")
    if found.dimension != dimension:
        raise SimulationError(f"the potential in {path} is of {found.dimension} dimensions; allowed: {dimension}")
    return found


class LearnedSimulator(Simulator):
    """A simulator with a setting `learner`, the potential that it runs with if it is given.

    Attributes:
        learned_from: the simulator whose trials that was learned from, and its dimension.
    """

    learned_from: ClassVar[tuple[str, int]]

    @cached_property
    def _learned(self) -> SymmetryPotential | None:
        if self.settings.learner is None:
            return None
        return learned_potential(self.settings.learner, *self.learned_from)

    def check(self) -> list[str]:
        """Say that the learned potential is not there, or is of another system."""
        try:
            self._check_learned()
        except SoftalError as error:
            return [str(error)]
        return []

    def _check_learned(self) -> None:
        """Raise what is wrong with the learned potential."""
        self._learned  # noqa: B018
