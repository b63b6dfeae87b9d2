"""Molecular dynamics engines. `ENGINES` lists them in the order in which `engine: auto` looks for them."""

from __future__ import annotations

import importlib
from typing import cast

from softal.errors import EngineUnavailable
from softal.simulators.engines.base import Engine, Frame, System
from softal.simulators.engines.box import Box
from softal.simulators.engines.interactions import Charges, Wall
from softal.simulators.engines.potential import Mie, PairPotential

__all__ = [
    "ENGINES",
    "Box",
    "Charges",
    "Engine",
    "Frame",
    "Mie",
    "PairPotential",
    "System",
    "Wall",
    "available",
    "find",
    "title",
]

AUTO = "auto"
ENGINES = {
    "hoomd": "softal.simulators.engines.hoomd:Hoomd",
    "lammps": "softal.simulators.engines.lammps:Lammps",
}


def available() -> list[str]:
    """Return the names of the engines that are installed here, the preferred one first."""
    return [name for name in ENGINES if _load(name).available()]


def find(name: str = AUTO) -> type[Engine]:
    """Return the engine called `name`, or the first that is installed for "auto".

    Raises:
        EngineUnavailable: saying what to install.
    """
    if name != AUTO and name not in ENGINES:
        raise EngineUnavailable(f"engine {name!r} is not known; allowed are {AUTO}, {', '.join(ENGINES)}")
    candidates = [_load(candidate) for candidate in (ENGINES if name == AUTO else [name])]
    for engine in candidates:
        if engine.available():
            return engine
    raise EngineUnavailable("; or ".join(engine.installation for engine in candidates))


def title(name: str) -> str:
    """Return what people call the engine of this name, whether or not it is installed."""
    return _load(name).title


def _load(name: str) -> type[Engine]:
    module, _, attribute = ENGINES[name].partition(":")
    return cast("type[Engine]", getattr(importlib.import_module(module), attribute))
