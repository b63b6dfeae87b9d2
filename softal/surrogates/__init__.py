"""Surrogates, which learn point -> observation, and learners of other things; `SURROGATES` and `LEARNERS` list both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from softal.errors import SoftalError
from softal.kinds import registry
from softal.objective import Objective
from softal.space import Space
from softal.surrogates.base import Diagnostics, Posterior, Surrogate
from softal.surrogates.learner import Learner, read_description

__all__ = [
    "GROUP", "LEARNERS", "LEARNER_GROUP", "SURROGATES", "Diagnostics", "Learner", "Posterior", "Surrogate", "build",
    "build_any", "build_learner", "find", "find_any", "find_learner", "load", "load_learner", "names_learner",
]  # fmt: skip

GROUP, LEARNER_GROUP = "softal.surrogates", "softal.learners"
SURROGATES = {
    "gp": "softal.surrogates.gaussian_processes.gp:GaussianProcess",
    "composite": "softal.surrogates.curves.composite:Composite",
    "ensemble": "softal.surrogates.ensembles.ensemble:Ensemble",
}
LEARNERS = {
    "dynamics_network": "softal.surrogates.dynamics.network:DynamicsNetwork",
    "environments": "softal.surrogates.environments.environments:Environments",
    "phase_classifier": "softal.surrogates.phases.classifier:PhaseClassifier",
    "particle_phases": "softal.surrogates.particle_phases.particle_phases:ParticlePhases",
    "profiles": "softal.surrogates.profiles.profiles:Profiles",
    "symmetry_potential": "softal.surrogates.symmetry_potential.symmetry_potential:SymmetryPotential",
}
BESIDE = "gp"  # the surrogate that the first version of softal fitted, and saved, with a learner


def find(kind: str) -> type[Surrogate]:
    """Return the surrogate class of `kind`: built-in, plug-in, or `module:Class`."""
    if names_learner(kind):
        said = "it stands under `learner:` in a campaign file, and `build_learner` makes it"
        raise SoftalError(f"{kind!r} is a learner, and no surrogate: {said}")
    return registry.resolve_class(kind, SURROGATES, GROUP, Surrogate)  # type: ignore[type-abstract]


def find_learner(kind: str) -> type[Learner]:
    """Return the learner class of `kind`, which is no surrogate: built-in, plug-in, or `module:Class`."""
    found = find_any(kind)
    if issubclass(found, Surrogate):
        raise SoftalError(f"{kind!r} is a surrogate: it stands under `surrogate:` in a campaign file")
    return found


def find_any(kind: str) -> type[Learner]:
    """Return the class of `kind`, be it a surrogate's or another learner's."""
    known = {**SURROGATES, **LEARNERS}
    if kind not in known:
        known |= registry.names(LEARNERS, LEARNER_GROUP)
    return registry.resolve_class(kind, known, GROUP, Learner)  # type: ignore[type-abstract]


def names_learner(kind: object) -> bool:
    """Whether this is the name of a learner that is no surrogate."""
    if not isinstance(kind, str) or kind in SURROGATES or ":" in kind:
        return False
    return kind in LEARNERS or kind in registry.names(LEARNERS, LEARNER_GROUP)


def build(
    kind: str,
    space: Space,
    targets: Sequence[str],
    settings: Mapping[str, Any] | None = None,
    objective: Objective | None = None,
) -> Surrogate:
    """Make the surrogate of `kind` for `targets` over `space`; kinds that learn arrays are told the objective."""
    return _surrogate(find(kind), space, targets, settings, objective)


def build_learner(
    kind: str, space: Space, settings: Mapping[str, Any] | None = None, objective: Objective | None = None
) -> Learner:
    """Make the learner of `kind` over `space`."""
    return find_learner(kind)(space, settings or {}, objective)


def build_any(
    kind: str,
    space: Space,
    targets: Sequence[str],
    settings: Mapping[str, Any] | None = None,
    objective: Objective | None = None,
) -> Learner:
    """Make what `kind` names: a surrogate for `targets`, or another learner."""
    found = find_any(kind)
    if issubclass(found, Surrogate):
        return _surrogate(found, space, targets, settings, objective)
    return found(space, settings or {}, objective)


def _surrogate(
    found: type[Surrogate],
    space: Space,
    targets: Sequence[str],
    settings: Mapping[str, Any] | None,
    objective: Objective | None,
) -> Surrogate:
    return found(space, targets, settings or {}, *([objective] if found.wants_arrays else []))


def load(folder: str | Path, kind: str | None = None) -> Surrogate:
    """Return the surrogate that was saved in the folder; its file says of which kind, unless `kind` is given.

    Of a learner that the first version of softal saved, these are the Gaussian processes beside it.

    Code comes in only on the user's word: a `module:Class` is loaded only where it is given as `kind`.
    """
    folder = Path(folder).resolve()  # `latest` may come to mean another version while this one is read
    named = kind or _named_in(folder)
    return find(BESIDE if names_learner(named) else named).load(folder)


def load_learner(folder: str | Path, kind: str | None = None) -> Learner:
    """Return the learner that was saved in the folder, in the same way."""
    folder = Path(folder).resolve()
    return find_learner(kind or _named_in(folder)).load(folder)


def _named_in(folder: Path) -> str:
    named = str(read_description(folder).get("kind"))
    if ":" in named:
        raise SoftalError(f"{folder} holds a model of {named!r}; give that as its kind to load it")
    return named
