"""Where a run of hard spheres starts, and at which packing fraction if its pressure is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from softal.errors import SimulationError
from softal.simulators.hard_spheres.settings import HardSpheresSettings
from softal.simulators.monte_carlo import sphere_starts
from softal.simulators.monte_carlo.sphere_starts import Start
from softal.theory import crystals, sphere_pressure

DENSEST_FLUID = 0.5  # in which a run at a pressure starts; a fluid that is denser takes long to be pushed apart
NEAREST = 0.97  # of a crystal's closest packing, likewise
GRID = 2001


def start_of(settings: HardSpheresSettings, point: Mapping[str, Any], seed: int) -> Start:
    """Return the configuration that a run starts from.

    Args:
        settings: of the simulator.
        point: complete, `packing_fraction` or `pressure` among it.
        seed: of the random numbers.

    Raises:
        SimulationError: in one line, if the structure does not fit.
    """
    structure, ratio = str(point["structure"]), float(point["size_ratio"])
    small = float(point["small_fraction"])
    packing = float(point["packing_fraction"]) if settings.ensemble == "nvt" else packing_at(point)
    n, shortest = settings.particles, shortest_edge(settings)
    if settings.beside is None:
        if structure == "fluid":
            return sphere_starts.mixture(n, packing, ratio, small, seed=seed)
        return sphere_starts.crystal(structure, n, packing, ratio, shortest=shortest)
    if settings.beside != "fluid":
        return sphere_starts.layered((structure, packing), (settings.beside, settings.packing_beside), n, ratio)
    first = sphere_starts.crystal(structure, n // 2, packing, ratio, shortest=shortest)
    return sphere_starts.beside_fluid(first, n // 2, settings.packing_beside, ratio, small, seed)


def shortest_edge(settings: HardSpheresSettings) -> float:
    """Return the shortest that an edge of the box may be at first [sigma]: twice the range, with room at a pressure."""
    from softal.simulators.monte_carlo.spheres import REACH

    room = 1.0 if settings.ensemble == "nvt" else 1.1
    return 2 * REACH[settings.interaction] * room


def packing_at(point: Mapping[str, Any]) -> float:
    """Return about which packing fraction a phase has at a pressure; of WCA by its effective diameter."""
    structure, ratio = str(point["structure"]), float(point["size_ratio"])
    wide = effective_diameter(float(point["beta_epsilon"])) if "beta_epsilon" in point else 1.0
    pressure = float(point["pressure"]) * wide**3
    if structure == "fluid":
        return min(sphere_pressure.fluid_at(pressure, ratio, float(point["small_fraction"])), DENSEST_FLUID) / wide**3
    densest = crystals.densest(structure, ratio)
    types = crystals.cell(structure, ratio).types
    found = sphere_pressure.crystal_at(pressure, densest, sphere_pressure.volume_of(ratio, float(types.mean())))
    return min(found, NEAREST * densest) / wide**3


def effective_diameter(beta_epsilon: float) -> float:
    """Return int 1 - exp(-u/kT) dr [sigma] of WCA, after Barker and Henderson."""
    r = np.linspace(0.5, 2 ** (1 / 6), GRID)
    u = beta_epsilon * (4 * (r**-12 - r**-6) + 1)
    return float(0.5 + np.trapezoid(1 - np.exp(-u), r))


def misfit(settings: HardSpheresSettings, point: Mapping[str, Any]) -> str | None:
    """Return in one line why a run cannot start there; None where it can, as far as a fluid is not tried."""
    structure, ratio, small = str(point["structure"]), float(point["size_ratio"]), float(point["small_fraction"])
    try:
        packing = float(point["packing_fraction"]) if settings.ensemble == "nvt" else packing_at(point)
        if structure == "fluid":
            return sphere_starts.too_dense(settings.particles, packing, ratio, small)
        if settings.beside != "fluid":
            start_of(settings, point, 0)
            return None
        sphere_starts.crystal(structure, settings.particles // 2, packing, ratio, shortest=shortest_edge(settings))
        return sphere_starts.too_dense(settings.particles, settings.packing_beside, ratio, small)
    except SimulationError as error:
        return str(error)
