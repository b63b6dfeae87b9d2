"""First guesses beside the straight line, since several trajectories and minima have the same ends."""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.theory.least_action.action import Action

WAVES = np.arange(1, 4)  # half periods of the bends
LEAST, MOST = 0.2, 1.2  # of what the forces at the ends would do


def bent(action: Action, parameters: Floats, seed: int) -> Floats:
    """Return the parameters (n,) of a trajectory that is bent at random.

    sum_k a_k (T / k pi)^2 sin(k pi t / T), k = 1 to 3, is added to it, with accelerations a_k that are normal numbers
    of a size between 0.2 and 1.2 of the root mean square of those which the potential has at the ends.
    """
    rng = np.random.default_rng(seed)
    representation = action.representation
    ends = representation.ends
    masses = action.masses[None, :, None]
    at_ends = action.potential.linearised(np.stack([ends.start, ends.end])).forces / masses
    size = rng.uniform(LEAST, MOST) * np.sqrt(np.mean(at_ends**2))
    w = WAVES * (np.pi / ends.duration)
    bends = rng.normal(size=(len(w), *ends.start.shape)) * (size / w**2)[:, None, None]
    times = np.linspace(0, ends.duration, 4 * representation.size)
    q = representation.sampled(times).motion(parameters)[0] + np.tensordot(np.sin(np.outer(times, w)), bends, axes=1)
    return representation.nearest(times, q, seed)
