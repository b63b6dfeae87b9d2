"""Surrogates: what learns point -> observation. `SURROGATES` lists the built-in kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from softal.errors import SoftalError
from softal.kinds import registry
from softal.objective import Objective
from softal.space import Space
from softal.surrogates.base import Diagnostics, Posterior, Surrogate, read_description

__all__ = ["GROUP", "SURROGATES", "Diagnostics", "Posterior", "Surrogate", "build", "find", "load"]

GROUP = "softal.surrogates"
SURROGATES = {
    "gp": "softal.surrogates.gaussian_processes.gp:GaussianProcess",
    "composite": "softal.surrogates.curves.composite:Composite",
    "ensemble": "softal.surrogates.ensembles.ensemble:Ensemble",
    "dynamics_network": "softal.surrogates.dynamics.network:DynamicsNetwork",
    "phase_classifier": "softal.surrogates.phases.classifier:PhaseClassifier",
}


def find(kind: str) -> type[Surrogate]:
    """Return the surrogate class of `kind`: built-in, plug-in, or `module:Class`."""
    return registry.resolve_class(kind, SURROGATES, GROUP, Surrogate)  # type: ignore[type-abstract]


def build(
    kind: str,
    space: Space,
    targets: Sequence[str],
    settings: Mapping[str, Any] | None = None,
    objective: Objective | None = None,
) -> Surrogate:
    """Make the surrogate of `kind` for `targets` over `space`; kinds that learn arrays are told the objective."""
    found = find(kind)
    return found(space, targets, settings or {}, *([objective] if found.wants_arrays else []))


def load(folder: str | Path, kind: str | None = None) -> Surrogate:
    """Return the surrogate that was saved in the folder; its file says of which kind, unless `kind` is given.

    Code comes in only on the user's word: a `module:Class` is loaded only where it is given as `kind`.
    """
    folder = Path(folder).resolve()  # `latest` may come to mean another version while this one is read
    named = kind or str(read_description(folder).get("kind"))
    if kind is None and ":" in named:
        raise SoftalError(f"{folder} holds a surrogate of {named!r}; give that as its kind to load it")
    return find(named).load(folder)
