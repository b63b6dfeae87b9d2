"""Points drawn at random: the baseline that every other strategy has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softal.strategies.base import Strategy
from softal.trial import Proposal, Trial


class Random(Strategy):
    """Uniform in the unit cube, within the constraints; never exhausted."""

    kind = "random"
    draws_again = True

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        return self._proposals(np.vstack([self.space.sample(1, self.rng(self.asked + i)) for i in range(n)]))
