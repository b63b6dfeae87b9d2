r"""The local phase after a search: steps down the model's gradients in a trust region, then repeats of the best point.

    search ──► incumbents ──► steps ──► repeats ──► no more points
               best points    lowest mean loss by the model      best point, again with other seeds,
               at the higher  within radius delta of             until it has `repeats` runs
               fidelity       the centre

The centre is the told point with the lowest mean loss by the model among those that were run at the refinement's
fidelity. A step to x promises the reduction p = m(centre) - m(x), m the loss of the model's mean curves (descent.py),
and achieves a, the difference of the mean losses of the runs at both, with standard error e. As both are noisy, the
radius follows the ratio

    rho = (a + e) / (p + e)

relaxed by the noise (S. Sun and J. Nocedal, Math. Program. 202, 445 (2023), who relax both by a multiple of its bound):
below 1/4 it is halved, above 3/4 it is doubled where the step went to the edge. A failed step halves it.

A step finds nothing where it promises less than sigma / sqrt(repeats), the error that the answer will have (sigma: of
one run), or achieves less than e. Two such steps in a row end the phase, and so do a radius below `min_radius` and
`trials` used up. Where p - a > 3 e the model was wrong: that shrinks the region, and says nothing of what is left.

The state is a function of the trials told, in their order, and of their notes; models are only looked at when points
are asked for. So a strategy restored from a journal goes on as if it had not stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from softal.answer import BEATEN, mean_of_runs, point_key
from softal.numeric import Floats
from softal.objective import Objective
from softal.space import Space
from softal.strategies.bayesian.settings import RefinementSettings
from softal.strategies.shared.region import is_new
from softal.trial import Point, Proposal, Trial, TrialState, same_fidelity

if TYPE_CHECKING:
    from softal.strategies.bayesian.descent import Landscape

Key = tuple[Any, ...]

SHRINK_BELOW, GROW_ABOVE = 0.25, 0.75  # of rho
EDGE = 0.99  # of the radius: a step so long went to the edge
QUIET = 2  # steps in a row that find nothing
WRONG = 3.0  # standard errors between what a step promises and what it achieves
SMALLER = (1.0, 0.5, 0.25)  # of the radius: further steps at the same time go less far
EARLY = 0.1  # of the search's points: the local phase begins when no more of them are without a result
RACE = 3  # times `repeats`: at most so many repeats where one point after the other turns out to be worse
PHASE, LOCAL, REPEATS = "phase", "local", "repeats"
ROLE, INCUMBENT, STEP, REPEAT = "role", "incumbent", "step", "repeat"


@dataclass
class Runs:
    """What is known of one point.

    Attributes:
        trial: id of its first trial that is done.
        point, u: the point, and its unit coordinates (d,).
        losses, errors: of its runs at the refinement's fidelity; NaN where no error is known.
        failures: at this fidelity.
    """

    trial: int
    point: Point
    u: Floats
    losses: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def tried(self) -> int:
        """Number of runs at the refinement's fidelity, failed ones included."""
        return len(self.losses) + self.failures


class Refinement:
    """Proposes the points of the local phase and the repeats.

    Args:
        space, objective: of the strategy; the objective has one component.
        settings: of the refinement.

    Attributes:
        radius: delta.
        because: why there are no more points; None while there may be.
    """

    def __init__(self, space: Space, objective: Objective, settings: RefinementSettings) -> None:
        self.space, self.objective, self.settings = space, objective, settings
        self.radius = settings.radius
        self.because: str | None = None
        self._points: dict[Key, Runs] = {}
        self._trials: dict[int, Key] = {}
        self._told = {LOCAL: 0, REPEATS: 0}
        self._repeated: Key | None = None
        self._incumbents = 0
        self._quiet = 0

    # What is learned.

    def add(self, trial: Trial) -> None:
        """Take in a finished trial."""
        if trial.outside:
            return
        key = point_key(trial.point)
        done = trial.state is TrialState.DONE and self.objective.satisfied(trial)  # to violate is to fail here
        if done and key not in self._points:
            u = np.clip(self.space.to_unit([trial.point])[0], 0.0, 1.0)
            self._points[key] = Runs(trial.id, dict(trial.point), u)
        runs = self._points.get(key)
        self._trials[trial.id] = key
        if runs and same_fidelity(trial.fidelity, self.settings.fidelity):
            if done:
                runs.losses.append(float(self.objective.losses([trial])[0, 0]))
                runs.errors.append(float(self.objective.loss_errors([trial])[0, 0]))
            else:
                runs.failures += 1
        phase, role = trial.notes.get(PHASE), trial.notes.get(ROLE)
        if phase in self._told:
            self._told[phase] += 1
            self._repeated = key if phase == REPEATS and runs else self._repeated
            self._incumbents += role == INCUMBENT
        if phase == LOCAL and role == STEP:
            self._judge(trial, runs.losses[-1] if runs and done else None)

    def _judge(self, trial: Trial, loss: float | None) -> None:
        """Let a step's result change the region; `loss` is None where it failed."""
        notes = trial.notes
        radius, promised, sigma = float(notes["radius"]), float(notes["reduction"]), float(notes["noise"])
        if loss is None:
            self.radius = min(self.radius, radius / 2)
            return
        centre = self._points.get(self._trials.get(notes["centre"], ()))
        if centre is None or not centre.losses:  # it was dropped since: nothing can be said of the step
            return
        achieved = float(np.mean(centre.losses)) - loss
        error = sigma * (1.0 + 1.0 / len(centre.losses)) ** 0.5
        ratio = (achieved + error) / (promised + error) if promised + error > 0 else 1.0
        if ratio < SHRINK_BELOW:
            self.radius = min(self.radius, radius / 2)
        elif ratio > GROW_ABOVE and notes["length"] > EDGE * radius:
            self.radius = min(max(self.radius, 2 * radius), 2 * self.settings.radius)
        wrong = promised - achieved > WRONG * error
        nothing = promised <= sigma / self.settings.repeats**0.5 or achieved <= error
        self._quiet = self._quiet + 1 if nothing and not wrong else 0

    def _sigma(self) -> float | None:
        """Return the standard error of one run, from the scatter of repeats and from what runs report, or None."""
        groups = [runs for runs in self._points.values() if runs.losses]
        freedom = sum(len(runs.losses) - 1 for runs in groups)
        squares = sum(float(np.var(runs.losses)) * len(runs.losses) for runs in groups)
        reported = np.array([error for runs in groups for error in runs.errors if np.isfinite(error)])
        if len(reported):  # counts as one more degree of freedom, as in an answer's error
            return float(((squares + np.mean(reported**2)) / (freedom + 1)) ** 0.5)
        return (squares / freedom) ** 0.5 if freedom else None

    # What is proposed.

    def waits(self, pending: Sequence[Trial]) -> bool:
        """Return whether too many points of the search are without a result for the local phase to begin."""
        return sum(PHASE not in trial.notes for trial in pending) > EARLY * self.settings.after

    def propose(
        self, n: int, pending: Sequence[Trial], landscape: Landscape, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return up to n proposals; none where it waits for pending trials, or has no more, which `because` says.

        `pending` are trials without a result, `landscape` is the model given all trials told.
        """
        U = np.array([runs.u for runs in self._points.values()])
        means = dict(zip(self._points, landscape.mean_std(U)[0].tolist(), strict=True))
        local = self._told[LOCAL] + sum(trial.notes.get(PHASE) == LOCAL for trial in pending)
        ended = self._ended(local)
        if not ended:
            found = self._local(min(n, self.settings.trials - local), pending, landscape, means, rng)
        elif any(trial.notes.get(ROLE) in (INCUMBENT, STEP) for trial in pending):
            found = []  # what is repeated shall not be beaten the moment after
        else:
            found = self._repeats(n, pending, means)
        self.because = None if found or pending else self._reason(ended, means)
        return found

    def _ended(self, local: int) -> str | None:
        """Return why the local phase is over."""
        if self._quiet >= QUIET:
            return "the improvement left is below the noise"
        if self.radius < self.settings.min_radius:
            return f"the trust region is smaller than {self.settings.min_radius:g}"
        return f"its {self.settings.trials} local trials are used up" if local >= self.settings.trials else None

    def _best(self, means: dict[Key, float]) -> Runs | None:
        """Return the point with the lowest mean loss among those that were run at the refinement's fidelity."""
        keys = [key for key, runs in self._points.items() if runs.losses]
        return self._points[min(keys, key=means.__getitem__)] if keys else None

    def _chosen(self, means: dict[Key, float]) -> Runs | None:
        """Return the point that is repeated: the best, or the last one repeated if they differ by less than the noise.

        The noise is that of the mean of `repeats` runs, the error that the answer will have.
        """
        best = self._best(means)
        if best is None or self._repeated is None or not self._points[self._repeated].losses:
            return best
        noise = (self._sigma() or 0.0) / self.settings.repeats**0.5
        stays = means[self._repeated] - means[point_key(best.point)] <= noise
        return self._points[self._repeated] if stays else best

    def _local(
        self, n: int, pending: Sequence[Trial], landscape: Landscape, means: dict[Key, float], rng: np.random.Generator
    ) -> list[Proposal]:
        best = self._best(means)
        found = self._first_runs(n, pending, means, best)
        if best is None or len(found) == n:
            return found
        waiting = {point_key(trial.point) for trial in pending}
        steps = self._steps(best, pending, landscape, rng)
        first = next(steps, None)
        found += [first] if first else []
        if len(found) < n and best.tried < self.settings.repeats and point_key(best.point) not in waiting:
            found.append(self._proposal(best, LOCAL, REPEAT, means))
        while len(found) < n and (step := next(steps, None)):
            found.append(step)
        return found

    def _first_runs(
        self, n: int, pending: Sequence[Trial], means: dict[Key, float], best: Runs | None
    ) -> list[Proposal]:
        """Return the search's best points that have not been run at the refinement's fidelity."""
        waiting = {point_key(trial.point) for trial in pending}
        left = self.settings.incumbents - self._incumbents
        left -= sum(trial.notes.get(ROLE) == INCUMBENT for trial in pending)
        ranked = sorted(means, key=means.__getitem__)
        if best is not None:
            ranked = ranked[: self.settings.incumbents]
        elif not waiting:  # all those that were tried failed
            left = max(left, 1)
        fresh = [self._points[key] for key in ranked if key not in waiting and not self._points[key].tried]
        return [self._proposal(runs, LOCAL, INCUMBENT, means) for runs in fresh[: max(min(n, left), 0)]]

    def _steps(
        self, centre: Runs, pending: Sequence[Trial], landscape: Landscape, rng: np.random.Generator
    ) -> Iterator[Proposal]:
        """Generate steps from the centre, each shorter than the one before, but those that are being simulated."""
        from softal.strategies.bayesian.descent import box, lowest

        taken = self.space.to_unit([trial.point for trial in pending])
        under_way = {(t.notes.get("centre"), t.notes.get("radius")) for t in pending if t.notes.get(ROLE) == STEP}
        at_centre, std = landscape.predicted(centre.u), float(landscape.mean_std(centre.u[None])[1][0])
        sigma = self._sigma()
        for radius in (factor * self.radius for factor in SMALLER):
            if (centre.trial, radius) in under_way:
                continue
            u = lowest(landscape, box(self.space, centre.u, radius), centre.u, rng)
            length = float(np.max(np.abs(u - centre.u)))
            moved = length >= min(self.settings.min_radius, radius / 2)
            point = self.space.from_unit(u[None])[0] if moved else centre.point
            if not is_new(u[None], taken)[0]:
                continue
            taken = np.vstack([taken, u])
            predicted = landscape.predicted(u) if moved else at_centre
            notes = {
                "centre": centre.trial,
                "radius": radius,
                "length": length if moved else 0.0,
                "predicted": predicted,
                "reduction": max(at_centre - predicted, 0.0),
                "noise": std if sigma is None else sigma,
            }
            yield Proposal(dict(point), self.settings.fidelity, {PHASE: LOCAL, ROLE: STEP, **notes})

    def _repeats(self, n: int, pending: Sequence[Trial], means: dict[Key, float]) -> list[Proposal]:
        asked = self._told[REPEATS] + sum(trial.notes.get(PHASE) == REPEATS for trial in pending)
        best = self._chosen(means)
        if best is None:  # none has been run at this fidelity
            fresh = [key for key, runs in self._points.items() if not runs.tried]
            best = self._points[min(fresh, key=means.__getitem__)] if fresh else None
        if best is None:
            return []
        if best.tried >= self.settings.repeats:
            best = self._rival(best) or best
        key = point_key(best.point)
        runs = best.tried + sum(point_key(trial.point) == key for trial in pending)
        left = min(n, self.settings.repeats - runs, RACE * self.settings.repeats - asked)
        return [self._proposal(best, REPEATS, REPEAT, means)] * max(left, 0)

    def _rival(self, best: Runs) -> Runs | None:
        """Return the point whose few runs are lower than those of the repeated one by more than chance, or None.

        The model is not always right, and `softal.answer` would take such a run for the answer, without a repeat.
        """
        others = [runs for runs in self._points.values() if runs.losses and runs.tried < self.settings.repeats]
        if not others or not best.losses:
            return None
        rival = min(others, key=lambda runs: float(np.mean(runs.losses)))
        error = (self._sigma() or 0.0) * (1.0 / len(best.losses) + 1.0 / len(rival.losses)) ** 0.5
        return rival if np.mean(rival.losses) < np.mean(best.losses) - BEATEN * error else None

    def _proposal(self, runs: Runs, phase: str, role: str, means: dict[Key, float]) -> Proposal:
        """Return the proposal of a point that was run before."""
        notes = {"centre": runs.trial, "radius": self.radius, "predicted": means[point_key(runs.point)]}
        return Proposal(dict(runs.point), self.settings.fidelity, {PHASE: phase, ROLE: role, **notes})

    def _reason(self, ended: str | None, means: dict[Key, float]) -> str:
        repeated = [runs for runs in self._points.values() if len(runs.losses) >= self.settings.repeats]
        best = min(repeated, key=lambda runs: float(np.mean(runs.losses))) if repeated else self._chosen(means)
        if best is None:
            return f"refined: no point could be simulated at fidelity {self.settings.fidelity:g}"
        _, error = mean_of_runs(best.losses, best.errors)
        times = len(best.losses)
        known = f", standard error {error:.2g}" if np.isfinite(error) else ""
        return f"refined: {ended or 'no step is left'}; the best point was run {times} times{known}"
