"""Brownian particles in a tilted, wavy potential: your own simulation goes here."""

import numpy as np


def simulate(force: float, barrier: float, seed: int) -> dict[str, tuple[float, float]]:
    """Overdamped Langevin dynamics in U(x) = barrier cos(x) / 2 - force x, with D = 1 for a free particle.

    Each parameter of the campaign's space comes in by its name, and so does the trial's `seed`. What comes back is
    name -> (value, standard error); the error is optional, and so is everything that you return besides.
    """
    rng = np.random.default_rng(seed)
    particles, steps, dt = 1000, 8000, 0.005
    x = np.zeros(particles)
    for _ in range(steps):
        x += (force + barrier / 2 * np.sin(x)) * dt + rng.normal(0, np.sqrt(2 * dt), particles)
    spread = (x - x.mean()) ** 2 / (2 * steps * dt)
    velocity = x / (steps * dt)
    return {
        "diffusion": (spread.mean(), spread.std() / np.sqrt(particles)),
        "velocity": (velocity.mean(), velocity.std() / np.sqrt(particles)),
    }
