"""Trials of elastic shells in a plane, as `deformable_shells` makes them, for tests of what learns energies.

`crystals` are shaken at random; `simulated` are short runs of Monte Carlo. Energies are exact, or what `energies` makes
of positions and box.
"""

import numpy as np

from softal.theory.many_body import shells
from softal.trial import Array, Observation, Trial, TrialState

SPACE = {
    "rho": {"low": 2.4, "high": 4.4},
    "beta_K": {"low": 1.0, "high": 1000.0, "log": True},
    "start": {"choices": ["hexagonal", "square"]},
}
ROWS = 6


def crystal(rho, start="hexagonal", rows=ROWS):
    """Positions (rows^2, 2) and box (2,) of a crystal of this density."""
    j, i = (part.ravel() for part in np.meshgrid(np.arange(rows), np.arange(rows), indexing="ij"))
    if start == "square":
        return np.column_stack([i, j]) * rho**-0.5, np.full(2, rows * rho**-0.5)
    a = np.sqrt(2 / (np.sqrt(3) * rho))
    return np.column_stack([i + (j % 2) / 2, j * np.sqrt(3) / 2]) * a, rows * a * np.array([1, np.sqrt(3) / 2])


def trial(number, point, positions, boxes, energies=shells.energies):
    """A trial with these configurations (S, N, d) and boxes (S, d)."""
    found = np.array([energies(one, box) for one, box in zip(positions, boxes, strict=True)])
    arrays = {
        "configurations": Array.of(positions, unit="sigma"),
        "boxes": Array.of(boxes, unit="sigma"),
        "particle_energies": Array.of(found, unit="K"),
    }
    values = {"energy": float(found.mean())}
    return Trial(
        number, dict(point), state=TrialState.DONE, objective=values, observation=Observation(values, {}, arrays)
    )


def points(n, seed=0):
    """Points at random in SPACE, from dilute to dense."""
    rng = np.random.default_rng(seed)
    rho = 2.4 + 2.0 * (np.arange(n) + rng.random(n)) / n
    K = 10 ** rng.uniform(0, 3, n)
    return [
        {
            "rho": float(min(r, 3.8 if i % 3 == 2 else 4.4)),
            "beta_K": float(k),
            "start": "square" if i % 3 == 2 else "hexagonal",
        }
        for i, (r, k) in enumerate(zip(rho, K, strict=True))
    ]


def shaken(point, rng, snapshots=3, rows=ROWS):
    """Configurations (S, N, 2) without overlaps and boxes of a crystal, shaken the more the softer it is."""
    positions, box = crystal(point["rho"], point["start"], rows)
    found = []
    while len(found) < snapshots:
        shake = rng.normal(0, 0.08 * point["beta_K"] ** -0.15, positions.shape)
        while not np.isfinite(shells.energies(positions + shake, box)).all():
            shake *= 0.8
        found.append((positions + shake) % box)
    return np.array(found), np.tile(box, (snapshots, 1))


def crystals(n, energies=shells.energies, snapshots=3, seed=0):
    """n trials of shaken crystals."""
    return [
        trial(i, point, *shaken(point, np.random.default_rng([seed, i]), snapshots), energies)
        for i, point in enumerate(points(n, seed))
    ]


def simulated(n, snapshots=3, sweeps=2, seed=0):
    """n trials of short runs of Monte Carlo at constant density, from shaken crystals."""
    found = []
    for i, point in enumerate(points(n, seed)):
        rng = np.random.default_rng([seed, i, 1])
        (positions, *_), (box, *_) = shaken(point, rng, 1)
        kept = []
        for _ in range(snapshots):
            positions = swept(positions, box, point["beta_K"], sweeps, rng)
            kept.append(positions)
        found.append(trial(i, point, np.array(kept), np.tile(box, (snapshots, 1))))
    return found


def swept(positions, box, beta_K, sweeps, rng, step=0.06):
    """Positions after some sweeps of moves of one particle each."""
    energy = shells.energies(positions, box).sum()
    for _ in range(sweeps * len(positions)):
        moved = positions.copy()
        i = rng.integers(len(positions))
        moved[i] = (moved[i] + rng.uniform(-step, step, 2)) % box
        after = shells.energies(moved, box).sum()
        if np.isfinite(after) and rng.random() < np.exp(min(0.0, -beta_K * (after - energy))):
            positions, energy = moved, after
    return positions
