"""Where searches for saddles begin: a minimum with its atoms moved at random, and the direction to follow uphill."""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats

SHAKEN = (0.08, 0.16)  # standard deviation of each coordinate, where all atoms are moved [sigma]
AROUND = (0.8, 1.6)  # range of what is moved around one atom [sigma]
PUSHED = (0.3, 1.5)  # length of other moves, in the space of all coordinates [sigma]
NOISE = 0.02  # of each coordinate with them [sigma]


def moved(x: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return x (N, d) moved, and a direction (N, d).

    All atoms shake, or one and those around it, or a part of the cluster slides along the rest or turns against it:
    layers of a crystal do that.
    """
    if rng.random() < 1 / 3:
        return x + rng.uniform(*SHAKEN) * rng.normal(size=x.shape), rng.normal(size=x.shape)
    push = _around_an_atom(x, rng) if rng.random() < 0.5 else _of_a_part(x, rng)
    push /= np.linalg.norm(push)
    return x + rng.uniform(*PUSHED) * push + NOISE * rng.normal(size=x.shape), push


def _around_an_atom(x: Floats, rng: np.random.Generator) -> Floats:
    apart = np.linalg.norm(x - x[rng.integers(len(x))], axis=1)
    return np.asarray(rng.normal(size=x.shape) * np.exp(-((apart[:, None] / rng.uniform(*AROUND)) ** 2)))


def _of_a_part(x: Floats, rng: np.random.Generator) -> Floats:
    centred, d = x - x.mean(axis=0), x.shape[1]
    normal = rng.normal(size=d)
    height = centred @ (normal / np.linalg.norm(normal))
    part = height[:, None] > np.quantile(height, rng.uniform(0.2, 0.8))
    spin = rng.normal(size=(d, d))
    motion = centred @ (spin - spin.T) if rng.random() < 0.5 else rng.normal(size=d)
    push = np.where(part, motion, 0.0)
    return np.asarray(push - push.mean(axis=0))
