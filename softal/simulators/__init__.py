"""Simulators: what evaluates a point. `SIMULATORS` lists the built-in kinds."""

from __future__ import annotations

import inspect
from typing import Any

from softal.errors import SoftalError
from softal.kinds import registry
from softal.simulators import mpi
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.batches import batched
from softal.simulators.target import Meaning, TargetContext

__all__ = [
    "GROUP",
    "SIMULATORS",
    "Context",
    "Meaning",
    "Outputs",
    "Simulator",
    "TargetContext",
    "batched",
    "build",
    "find",
]

GROUP = "softal.simulators"
SIMULATORS = {
    "argon": "softal.simulators.argon.argon:Argon",
    "by_hand": "softal.simulators.by_hand:ByHand",
    "command": "softal.simulators.command:Command",
    "lammps": "softal.simulators.lammps.lammps:Lammps",
    "gromacs": "softal.simulators.gromacs.gromacs:Gromacs",
    "hoomd": "softal.simulators.hoomd.hoomd:HoomdBlue",
    "silica": "softal.simulators.silica.silica:Silica",
    "confined_ions": "softal.simulators.confined_ions.confined_ions:ConfinedIons",
    "kob_andersen": "softal.simulators.kob_andersen.kob_andersen:KobAndersen",
    "hcss": "softal.simulators.self_assembly.shoulder:HardCoreSquareShoulder",
    "scs": "softal.simulators.self_assembly.shoulder:SoftenedCoreShoulder",
    "spherocylinders": "softal.simulators.self_assembly.spherocylinders:Spherocylinders",
    "asakura_oosawa": "softal.simulators.asakura_oosawa.asakura_oosawa:AsakuraOosawa",
    "asakura_oosawa_coexistence": "softal.simulators.asakura_oosawa.coexistence:Coexistence",
    "deformable_shells": "softal.simulators.deformable_shells.deformable_shells:DeformableShells",
    "hard_spheres": "softal.simulators.hard_spheres.hard_spheres:HardSpheres",
    "least_action": "softal.simulators.least_action.least_action:LeastAction",
    "transition_path": "softal.simulators.transition_path.transition_path:TransitionPath",
    "memory_function": "softal.simulators.memory.function:MemoryFunction",
    "memory_fit": "softal.simulators.memory.fit:MemoryFit",
}


def find(kind: str) -> type[Simulator]:
    """Return the simulator class of `kind`: built-in, plug-in, `module:Class`, or `module:function` made into one."""
    if (absent := registry.stands_for(kind, Simulator)) is not None:  # type: ignore[type-abstract]
        return absent
    mpi.make_importable()  # the user's module may import LAMMPS
    found = registry.resolve(kind, SIMULATORS, GROUP)
    if inspect.isclass(found) and issubclass(found, Simulator):
        return found
    if callable(found) and not inspect.isclass(found):
        from softal.simulators.function import simulator_class

        return simulator_class(found)
    raise SoftalError(f"{kind!r} is neither a Simulator class nor a function point -> dict")


def build(kind: str, settings: dict[str, Any] | None = None) -> Simulator:
    """Make the simulator of `kind` with `settings`."""
    return find(kind)(settings or {})
