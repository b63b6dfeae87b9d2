"""Trials of binary crystals whose particles are shaken about their sites, for tests of what tells particles apart.

`crystals` are fcc, NaCl, AlB2 and a fluid at random, two kinds of particles; labels are those of WORDS.
"""

import itertools

import numpy as np

from softal.trial import Array, Observation, Trial, TrialState

SPACE = {
    "structure": {"choices": ["fcc", "NaCl", "AlB2", "fluid"]},
    "packing": {"low": 0.3, "high": 0.7},
}
WORDS = ("fluid", "fcc", "NaCl", "AlB2_large", "AlB2_small")
FACES = [(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
C = np.sqrt(3)
CELLS = {  # edges, places, types, labels
    "fcc": ((1, 1, 1), FACES, [0] * 4, [1] * 4),
    "NaCl": ((1, 1, 1), FACES + [(a + 0.5, b, c) for a, b, c in FACES], [0] * 4 + [1] * 4, [2] * 8),
    "AlB2": (
        (1, C, 1),
        [(0, 0, 0), (0.5, 0.5, 0)] + [(x, y, 0.5) for x, y in ((0, 1 / 3), (0, 2 / 3), (0.5, 1 / 6), (0.5, 5 / 6))],
        [0, 0, 1, 1, 1, 1],
        [3, 3, 4, 4, 4, 4],
    ),
}
REPEATED = {"fcc": (3, 3, 3), "NaCl": (3, 3, 3), "AlB2": (4, 3, 4)}


def crystal(structure):
    """Positions (N, 3), box (3,), types (N,) and labels (N,) of a perfect crystal, one mean distance as the unit."""
    edges, places, types, labels = CELLS[structure]
    corners = np.array(list(itertools.product(*map(range, REPEATED[structure]))))
    positions = (corners[:, None] + np.array(places)).reshape(-1, 3) * edges
    box = np.array(REPEATED[structure]) * edges
    unit = (np.prod(box) / len(positions)) ** (1 / 3)
    return positions / unit, box / unit, np.tile(types, len(corners)), np.tile(labels, len(corners))


def fluid(rng, n=108):
    """The same of a fluid, of which no two particles are nearer than 0.8."""
    box, places = np.full(3, n ** (1 / 3)), []
    while len(places) < n:
        place = rng.uniform(0, 1, 3) * box
        d = np.array(places).reshape(-1, 3) - place
        if (np.linalg.norm(d - box * np.rint(d / box), axis=1) > 0.72).all():
            places.append(place)
    return np.array(places), box, np.arange(n) % 2, np.zeros(n, dtype=int)


def trial(number, point, snapshots=2, shake=0.045, seed=0):
    """A trial of one structure."""
    rng = np.random.default_rng([seed, number])
    structure = point["structure"]
    if structure == "fluid":
        found = [fluid(rng) for _ in range(snapshots)]
        positions, box, types, labels = np.array([one[0] for one in found]), *found[0][1:]
    else:
        perfect, box, types, labels = crystal(structure)
        positions = (perfect + rng.normal(0, shake, (snapshots, *perfect.shape))) % box
    arrays = {
        "configurations": Array.of(positions, unit="sigma"),
        "boxes": Array.of(np.tile(box, (snapshots, 1)), unit="sigma"),
        "types": Array.of(np.tile(types, (snapshots, 1))),
        "labels": Array.of(np.tile(labels, (snapshots, 1))),
    }
    values = {"q_6": 0.5}
    return Trial(
        number, dict(point), state=TrialState.DONE, objective=values, observation=Observation(values, {}, arrays)
    )


def points(n):
    """Points of all structures in turn, at one packing fraction each of three times."""
    names = ("fcc", "NaCl", "AlB2", "fluid")
    return [{"structure": names[i % 4], "packing": 0.55 if i % 12 < 8 else 0.5} for i in range(n)]


def crystals(n):
    """n trials of shaken crystals and fluids."""
    return [trial(i, point) for i, point in enumerate(points(n))]
