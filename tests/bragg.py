"""Images of Bragg spots that tell the choice `lattice` of `softal.testing.surrogates`, for what learns phases."""

import numpy as np

from softal.trial import Array, Observation, Trial, TrialState

CRYSTALS = {"T": {"low": 0.0, "high": 1.0}, "lattice": {"choices": ["bcc", "fcc", "hcp"]}}


def patterns(point, n, rng):
    """Return images (n, 33, 33) of Bragg spots around the middle, whose number and distance tell the choice, turned."""
    spots, radius = {"fcc": (4, 6.0), "bcc": (6, 8.5), "hcp": (10, 11.0)}[str(point["lattice"])]
    x, y = np.meshgrid(np.arange(33) - 16.0, np.arange(33) - 16.0, indexing="ij")
    angles = 2 * np.pi * (rng.random((n, 1)) + np.arange(spots) / spots)
    cx, cy = (radius * part[:, :, None, None] for part in (np.cos(angles), np.sin(angles)))
    noise = 0.1 + 0.02 * rng.standard_normal((n, 33, 33))
    return np.clip(noise + 0.8 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2)).max(axis=1), 0, 1)


def crystals(n):
    """Trials of the three lattices in turn, each of which is its phase."""
    found = []
    for i in range(n):
        point = {"T": (i + 0.5) / 100, "lattice": CRYSTALS["lattice"]["choices"][i % 3]}
        arrays = {"phase_input": Array.of(patterns(point, 6, np.random.default_rng(i)))}
        observation = Observation({"order": point["T"]}, arrays=arrays)
        found.append(Trial(i, point, state=TrialState.DONE, objective={"order": point["T"]}, observation=observation))
    return found


def write_labels(path, trials):
    """Write the table of their phases."""
    rows = [f"{t.point['T']!r},{t.point['lattice']},{t.point['lattice']}" for t in trials]
    path.write_text("\n".join(["T,lattice,phase", *rows]) + "\n")
    return path
