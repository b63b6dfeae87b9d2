"""What a trial returns of a path: values, arrays, and its frames as GSD."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softal.cards.statistics import thin
from softal.numeric import Floats
from softal.theory.clusters.action_path import ActionPath
from softal.theory.clusters.alignment import Alignment
from softal.theory.clusters.chain import Chain
from softal.theory.least_action.potentials import in_space
from softal.trial import Array, Observation

VALUE_UNITS = {
    "barrier_forward": "epsilon",
    "barrier_backward": "epsilon",
    "highest_saddle": "epsilon",
    "path_length": "sigma",
    "action_length": "sigma",
    "distance": "sigma",
    "action_highest": "epsilon",
    "action_loss": "epsilon^(3/2) m^(1/2)/sigma",
}
COUNTS = ("saddles", "bands", "searches", "evaluations", "connected")
VALUES = (*VALUE_UNITS, *COUNTS)
TIME = "sigma (m / epsilon)^(1/2)"
ARRAYS = {  # name -> unit of the values, unit of the grid, the grid's symbol
    "action_energy": ("epsilon", TIME, "t"),
    "action_quench": ("epsilon", TIME, "t"),
    "path_energy": ("epsilon", "sigma", "s"),
    "saddle_energy": ("epsilon", "sigma", "s"),
    "minimum_energy": ("epsilon", "sigma", "s"),
    "barrier_of_searches": ("epsilon", "", "searches"),
}
STOPS = "stops"  # at minima and saddles, (K, 2 + 3 N): arc [sigma], energy [epsilon], coordinates, z = 0 in the plane
MOST_STOPS = 11
MARGIN = 2.0  # between the cluster and the edges of the box that a GSD file must have [sigma]


@dataclass(frozen=True)
class Found:
    """What was found between two clusters.

    Attributes:
        alignment: of the end onto the start.
        action: the path of least action.
        quenched: energies of the minima below its points, (P,) [epsilon].
        chain: the connected path.
        barriers: (searches, highest saddle) whenever that became lower.
        bands, searches, evaluations: how many there were.
    """

    alignment: Alignment
    action: ActionPath
    quenched: Floats
    chain: Chain
    barriers: list[tuple[int, float]]
    bands: int
    searches: int
    evaluations: int


def observation_of(found: Found) -> Observation:
    """Return values and arrays of a path."""
    chain, action = found.chain, found.action
    start, end = float(chain.energies[0]), float(chain.energies[-1])
    values = {
        "barrier_forward": chain.top - start,
        "barrier_backward": chain.top - end,
        "highest_saddle": chain.top,
        "path_length": chain.length,
        "action_length": action.length,
        "distance": found.alignment.distance,
        "action_highest": float(action.energies.max()) - start,
        "action_loss": action.loss,
        "saddles": float(len(chain.saddles)),
        "bands": float(found.bands),
        "searches": float(found.searches),
        "evaluations": float(found.evaluations),
        "connected": 1.0,
    }
    barriers = np.array(found.barriers, dtype=np.float64).reshape(-1, 2)
    arrays = {
        "action_energy": _array("action_energy", action.energies, action.times),
        "action_quench": _array("action_quench", found.quenched, action.times),
        "path_energy": _array("path_energy", chain.energies, chain.arc),
        "saddle_energy": _array("saddle_energy", chain.energies[chain.saddles], chain.arc[chain.saddles]),
        "minimum_energy": _array("minimum_energy", chain.energies[chain.minima], chain.arc[chain.minima]),
        "barrier_of_searches": _array("barrier_of_searches", barriers[:, 1] - start, barriers[:, 0]),
        STOPS: Array(stops(chain)),
    }
    return Observation(values, {}, arrays)


def _array(name: str, values: Floats, grid: Floats) -> Array:
    unit, grid_unit, _ = ARRAYS[name]
    return Array(np.asarray(values, dtype=np.float64), None, np.asarray(grid, dtype=np.float64), unit, grid_unit)


def stops(chain: Chain) -> Floats:
    """Return ends, minima and saddles that are drawn, the highest among them, (K, 2 + 3 N)."""
    marked = sorted({0, *chain.minima, *chain.saddles, len(chain.frames) - 1})
    top = int(np.argmax(chain.energies[marked]))
    chosen = [marked[k] for k in thin(len(marked), MOST_STOPS, [0, top, len(marked) - 1])]
    x = in_space(chain.frames[chosen])
    return np.column_stack([chain.arc[chosen], chain.energies[chosen], x.reshape(len(chosen), -1)])


def write_frames(path: Path, frames: Floats) -> None:
    """Write configurations (F, N, d) as a GSD file, which OVITO, VMD and freud read."""
    import gsd.hoomd

    count, d = frames.shape[1:]
    centred = frames - frames.mean(axis=1, keepdims=True)
    edge = 2 * (float(np.abs(centred).max()) + MARGIN)
    with gsd.hoomd.open(name=str(path), mode="w") as file:
        for step, x in enumerate(centred):
            frame = gsd.hoomd.Frame()
            frame.configuration.step, frame.configuration.dimensions = step, d
            frame.configuration.box = [edge, edge, edge if d == 3 else 0.0, 0.0, 0.0, 0.0]
            frame.particles.N, frame.particles.types = count, ["A"]
            frame.particles.position = x if d == 3 else np.column_stack([x, np.zeros(count)])
            file.append(frame)
