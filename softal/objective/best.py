"""What is best so far: one definition, for budgets, tables, MLflow and the report.

`Objective.scored` says which trials count, `Objective.best` which of them is the best, `Objective.pareto_front` which
are the best of several objectives. Here it is kept up to date trial by trial; in `scores.py`, as arrays.
"""

from __future__ import annotations

import math

from softal.objective.objective import Objective
from softal.trial import Trial


class BestSoFar:
    """The best of the trials that were added, or their front.

    Attributes:
        best: of a single objective; None as long as there is none.
        front: of several objectives, in the order of the first component.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.best: Trial | None = None
        self.front: list[Trial] = []

    def add(self, trial: Trial) -> bool:
        """Take in a trial; return whether it is an improvement: a lower loss, or a new point of the front."""
        if self.objective.learning or self.objective.scored(trial) is None:
            return False
        if not self.objective.single:
            self.front = self.objective.pareto_front([*self.front, trial])
            return any(kept.id == trial.id for kept in self.front)
        before, self.best = self.best, self.objective.best([trial] if self.best is None else [self.best, trial])
        return before is None or (self.best is trial and self.objective.scored(trial) != self.objective.scored(before))


class Lowest:
    """The lowest loss so far of each component, infinite as long as there is none.

    Attributes:
        losses: by the component's name; empty for `learn`.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.losses: dict[str, float] = {} if objective.learning else dict.fromkeys(objective.names, math.inf)

    def add(self, trial: Trial) -> bool:
        """Take in a trial; return whether any component is lower than before."""
        found = self.objective.scored(trial) if self.losses else None
        if found is None:
            return False
        lower = {name: loss for name, loss in zip(self.losses, found, strict=True) if loss < self.losses[name]}
        self.losses |= lower
        return bool(lower)
