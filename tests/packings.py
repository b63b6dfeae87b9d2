"""Trials of shaken crystals and of random fluids in space, for tests of what learns local structures.

Crystals are fcc and hcp whose particles are shaken by normal displacements; fluids are random points pushed apart. None
are in equilibrium.
"""

import numpy as np

from softal.simulators.monte_carlo.starts import fluid
from softal.trial import Array, Observation, Trial, TrialState

SPACE = {"rho": {"low": 0.8, "high": 1.1}, "structure": {"choices": ["fcc", "hcp", "fluid"]}}
SHAKE = 0.06  # [sigma]
KINDS = ("fcc", "hcp", "fluid")
CELLS = {
    "fcc": ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], (1, 1, 1)),
    "hcp": ([[0, 0, 0], [0.5, 0.5, 0], [0.5, 5 / 6, 0.5], [0, 1 / 3, 0.5]], (1, 3**0.5, (8 / 3) ** 0.5)),
}


def crystal(structure, rho, shape, rng, shake=SHAKE):
    """Positions (N, 3) and box (3,) of a shaken crystal of this density and so many cells of four."""
    basis, edges = (np.array(part) for part in CELLS[structure])
    corners = np.stack(np.meshgrid(*(np.arange(m) for m in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    x, box = (corners[:, None] + basis).reshape(-1, 3) * edges, np.array(shape) * edges
    scale = (len(x) / rho / np.prod(box)) ** (1 / 3)
    return (x * scale + rng.normal(0, shake, x.shape)) % (box * scale), box * scale


def packed(structure, rho, seed, shape=(4, 4, 4)):
    """Positions and box of a crystal or a fluid."""
    if structure != "fluid":
        return crystal(structure, rho, shape, np.random.default_rng(seed))
    found = fluid(4 * int(np.prod(shape)), rho, 3, seed)
    return found.positions, found.box


def trial(number, point, positions, boxes, types=None):
    """A trial with these configurations (S, N, 3), boxes (S, 3) and types (N,)."""
    arrays = {"configurations": Array.of(positions, unit="sigma"), "boxes": Array.of(boxes, unit="sigma")}
    if types is not None:
        arrays["types"] = Array.of(types)
    values = {"density": float(len(positions[0]) / np.prod(boxes[0]))}
    return Trial(
        number, dict(point), state=TrialState.DONE, objective=values, observation=Observation(values, {}, arrays)
    )


def packings(n, kinds=KINDS, shape=(4, 4, 4)):
    """n trials, of the kinds in turn, of one snapshot each."""
    found = []
    for i in range(n):
        structure = kinds[i % len(kinds)]
        rho = 0.88 if structure == "fluid" else 1.0 + 0.01 * (i % 5)
        positions, box = packed(structure, rho, i, shape)
        found.append(trial(i, {"rho": rho, "structure": structure}, positions[None], box[None]))
    return found


def small(n):
    """n trials of 108 particles."""
    return packings(n, shape=(3, 3, 3))
