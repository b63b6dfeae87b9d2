"""Images of Bragg spots that tell the choice `lattice` of `softal.testing.surrogates`, for what learns phases."""

import numpy as np

from softal.trial import Array


def patterns(point, n, rng):
    """Return images (n, 33, 33) of Bragg spots around the middle, whose number and distance tell the choice, turned."""
    spots, radius = {"fcc": (4, 6.0), "bcc": (6, 8.5), "hcp": (10, 11.0)}[str(point["lattice"])]
    x, y = np.meshgrid(np.arange(33) - 16.0, np.arange(33) - 16.0, indexing="ij")
    angles = 2 * np.pi * (rng.random((n, 1)) + np.arange(spots) / spots)
    cx, cy = (radius * part[:, :, None, None] for part in (np.cos(angles), np.sin(angles)))
    noise = 0.1 + 0.02 * rng.standard_normal((n, 33, 33))
    return np.clip(noise + 0.8 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2)).max(axis=1), 0, 1)


def images(point, seed):
    """Arrays of a trial: two images."""
    return {"phase_input": Array.of(patterns(point, 2, np.random.default_rng(seed)))}
