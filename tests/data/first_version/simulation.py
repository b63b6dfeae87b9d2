"""A curve whose height is the point's, for the campaign of the first version."""

import numpy as np

from softal.simulators.base import Context, Outputs, Simulator
from softal.trial import Array, Observation


class Bell(Simulator):
    """A bell of height `a` and width `w`; a > 1.9 fails."""

    outputs = Outputs(frozenset({"energy"}), frozenset({"curve"}))

    def run(self, point: dict, context: Context) -> Observation:
        if point["a"] > 1.9:
            raise ValueError("a is too large")
        x = np.linspace(0.0, 3.0, 16)
        noise = 0.01 * np.random.default_rng(context.seed).standard_normal(16)
        curve = Array.of(point["a"] * np.exp(-((x - 1.0) ** 2) / point["w"]) + noise, np.full(16, 0.01), x)
        return Observation({"energy": point["a"] ** 2}, {"energy": 0.02}, {"curve": curve})
