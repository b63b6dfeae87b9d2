"""The simulations of `work.py` for Ray Tune, in actors that are reused; apart, since Tune takes long to import."""

from __future__ import annotations

import time

import work
from ray import tune


class NoOp(tune.Trainable):
    def step(self) -> dict[str, float | bool]:
        began = time.time()
        return {**work.no_op(**self.config), "began": began, "ended": time.time(), "done": True}

    def reset_config(self, new_config: dict[str, float]) -> bool:
        self.config = new_config
        return True


class Sleep(NoOp):
    def step(self) -> dict[str, float | bool]:
        return {**work.sleep(**self.config), "done": True}
