"""Potentials that a campaign has learned, for simulators that run with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from softal.errors import SimulationError

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
