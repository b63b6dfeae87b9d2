"""The results of many trials as arrays: what the best trial, the front and the answer of a campaign are found by.

A campaign of 100,000 trials takes 5 MB so, and as many trials with all that is known of them a hundred times that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.objective.front import front
from softal.objective.objective import Objective
from softal.trial import Point, Trial, TrialState, Value

CHUNK = 2000  # trials that are taken at once


class Rows(NamedTuple):
    """Trials that are done, as far as they are compared with others: columns of one length."""

    ids: Sequence[int]
    points: Sequence[Point]
    fidelities: Sequence[float]
    objectives: Sequence[Mapping[str, float]]
    errors: Sequence[Mapping[str, float]]
    values: Sequence[Mapping[str, float]]  # of the observation

    def where(self, chosen: Sequence[bool]) -> Rows:
        """Return some of them."""
        columns: Iterable[Any] = (list(compress(column, chosen)) for column in self)
        return Rows(*columns)


@dataclass(frozen=True)
class Scores:
    """Those of n trials that count: done, within the campaign's ranges, and within the outcome constraints.

    Attributes:
        objective: of m components.
        ids: (n,) of the trials, in the order in which they were given.
        places: (n,) numbers that are equal where, and only where, the points are.
        fidelities: (n,).
        losses: (n, m).
        errors: (n, m) standard errors of the losses; NaN where they are not known.
        points: ids -> the points of these trials.
    """

    objective: Objective
    ids: NDArray[np.int64]
    places: NDArray[np.int64]
    fidelities: Floats
    losses: Floats
    errors: Floats
    points: Callable[[Sequence[int]], list[Point]]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, objective: Objective, trials: Sequence[Trial]) -> Scores:
        """Return the scores of trials."""
        done = [trial for trial in trials if trial.state is TrialState.DONE and not trial.outside]
        known = {trial.id: trial.point for trial in done}
        parts = (done[first : first + CHUNK] for first in range(0, len(done), CHUNK))
        return cls.read(objective, map(_rows, parts), lambda ids: [known[i] for i in ids])

    @classmethod
    def read(
        cls, objective: Objective, parts: Iterable[Rows], points: Callable[[Sequence[int]], list[Point]]
    ) -> Scores:
        """Return the scores of trials that come in parts, each of which is forgotten before the next."""
        found = [_arrays(objective, _rows([])), *(_arrays(objective, part) for part in parts)]
        ids, places, numbers = (np.concatenate(column) for column in zip(*found, strict=True))
        m = len(objective.names)
        return cls(objective, ids, places, numbers[:, 0], numbers[:, 1 : 1 + m], numbers[:, 1 + m :], points)

    @property
    def best(self) -> int | None:
        """Index of the best one, see `softal.objective.best`; None where there is none, and for several objectives."""
        if self.objective.learning or not self.objective.single:
            return None
        return self.lowest(np.arange(len(self)))

    def lowest(self, some: NDArray[np.intp]) -> int | None:
        """Return which of some indices has the lowest loss of the first component, and of equal ones the lowest id."""
        if not len(some):
            return None
        losses = self.losses[some, 0]
        equal = some[losses == losses.min()]
        return int(equal[np.argmin(self.ids[equal])])

    @property
    def front(self) -> NDArray[np.intp]:
        """Indices of the Pareto front, in the order of the first component."""
        return front(self.losses)

    def at_fidelity(self, least: Callable[[float], bool]) -> NDArray[np.intp]:
        """Return the indices of those whose fidelity is good enough."""
        levels, which = np.unique(self.fidelities, return_inverse=True)
        return np.flatnonzero(np.array([least(float(level)) for level in levels], dtype=bool)[which])

    def repeated(self) -> list[NDArray[np.intp]]:
        """Return the indices of runs at one point and fidelity, where there are two or more, by the first of them."""
        order, starts, sizes = self._groups()
        several = np.flatnonzero(sizes > 1)
        several = several[np.argsort(order[starts[several]], kind="stable")]
        return [order[starts[k] : starts[k] + sizes[k]] for k in several]

    def runs(self, most: int) -> list[NDArray[np.intp]]:
        """Return the indices of the runs of each point at its highest fidelity, for the points with the lowest means.

        Args:
            most: so many points.
        """
        order, starts, sizes = self._groups()
        if not len(starts):
            return []
        places = self.places[order[starts]]
        highest = np.flatnonzero(np.r_[places[1:] != places[:-1], True])
        means = (np.add.reduceat(self.losses[order, 0], starts) / sizes)[highest]
        chosen = highest[np.lexsort((order[starts[highest]], means))[:most]]
        return [order[starts[k] : starts[k] + sizes[k]] for k in chosen]

    def _groups(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Return indices (n,) in which equal points and fidelities stand together, ascending by fidelity at a point.

        Returns:
            The indices, where each group starts among them, and how large it is.
        """
        order = np.lexsort((np.arange(len(self)), self.fidelities, self.places))
        places, fidelities = self.places[order], self.fidelities[order]
        new = (places[1:] != places[:-1]) | (fidelities[1:] != fidelities[:-1])
        starts = np.flatnonzero(np.r_[len(order) > 0, new])
        return order, starts, np.diff(np.r_[starts, len(order)])


def scores_of(objective: Objective, trials: Sequence[Trial] | Scores) -> Scores:
    """Return the scores of trials, or scores as they are."""
    return trials if isinstance(trials, Scores) else Scores.of(objective, trials)


def _rows(trials: Sequence[Trial]) -> Rows:
    return Rows(
        [trial.id for trial in trials],
        [trial.point for trial in trials],
        [trial.fidelity for trial in trials],
        [trial.objective for trial in trials],
        [trial.objective_errors for trial in trials],
        [trial.observation.values if trial.observation else {} for trial in trials],
    )


def _arrays(objective: Objective, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return ids (n,), places (n,), and fidelity, losses and errors side by side (n, 1 + 2 m) of rows that count."""
    rows = rows.where([objective.complete(scores) for scores in rows.objectives])
    if objective.outcomes:
        rows = rows.where([objective.holds(values) for values in rows.values])
    numbers = np.empty((len(rows.ids), 1 + 2 * len(objective.names)))
    numbers[:, 0] = rows.fidelities
    for k, part in enumerate(objective.components, start=1):
        numbers[:, k] = [scores[part.name] for scores in rows.objectives]
        numbers[:, k] *= part.sign
        numbers[:, len(objective.names) + k] = [errors.get(part.name, np.nan) for errors in rows.errors]
    return np.array(rows.ids, dtype=np.int64), _places(rows.points), numbers


def _places(points: Sequence[Point]) -> NDArray[np.int64]:
    """Return (n,) numbers that are equal for equal points: 1, 1.0 and True are equal, the order of names is none.

    They are 64 bits of a keyed hash, which do not meet by chance, and are the same in one process alone.
    """
    found = np.empty(len(points), dtype=np.int64)
    orders = list(map(tuple, points))
    for names in {tuple(sorted(order)) for order in set(orders)}:
        rows = [i for i, order in enumerate(orders) if order == names or tuple(sorted(order)) == names]
        columns = [_bits([points[i][name] for i in rows]) for name in names]
        columns.append(np.full(len(rows), hash(names)))
        content, width = np.stack(columns, axis=1).tobytes(), 8 * len(columns)
        found[rows] = [hash(content[start : start + width]) for start in range(0, len(content), width)]
    return found


def _bits(values: Sequence[Value]) -> NDArray[np.int64]:
    """Return (n,) 64 bits of each value of a parameter."""
    if str in set(map(type, values)):
        return np.array([hash(v) if isinstance(v, str) else _bits([v])[0] for v in values], dtype=np.int64)
    return (np.array(values, dtype=np.float64) + 0.0).view(np.int64)  # -0.0 becomes 0.0
