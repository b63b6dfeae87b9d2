"""Points drawn at random: the baseline that every other strategy has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softal.numeric import Floats
from softal.strategies.base import Strategy
from softal.strategies.shared.few import every_point
from softal.trial import Proposal, Trial


class Random(Strategy):
    """Uniform in the unit cube, within the constraints; never exhausted.

    Of a space of few points (integers and choices) each comes once, in random order, before one comes again.
    """

    kind = "random"

    def _begin(self) -> None:
        self._every = every_point(self.space)

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        return self._proposals(np.vstack([self._point(self.asked + i) for i in range(n)]))

    def _point(self, i: int) -> Floats:
        """Return the i-th unit point (1, d)."""
        if self._every is None:
            return self.space.sample(1, self.rng(i))
        round_, place = divmod(i, len(self._every))
        return self._every[self.rng(round_).permutation(len(self._every))[[place]]]
