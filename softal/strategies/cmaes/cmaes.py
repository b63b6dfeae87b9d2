"""CMA-ES by pycma, run asynchronously.

N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772 (the algorithm, which is pycma's); N. Hansen,
"Injecting external solutions into CMA-ES", arXiv:1110.4181.

The search runs on genotypes y in R^d without bounds; pycma's piecewise quadratic transformation takes them into the
unit cube, u = T(y), and snapping takes u to integers and choices. Each proposal carries its genotype in its notes, so
that a result can be used whenever it comes back, and the state is a function of the results in the order of telling:

    results ──► pool ──(a population's worth)──► update of mean, step size, covariance ──► stop? restart

A generation is never waited for: `ask` samples the distribution as it is now, and results that come late, from an older
distribution of the same run, go into the pool like any other. Failed trials rank behind every finished one, and
before them those that violate outcome constraints, by how much they do.

Points of others (another strategy of a mixture, an older campaign) are where the first run starts from; later, one that
is better than all of a population takes the place of its worst point.

Plateaus: where a run has not yet seen a difference between results, it has no reason to stop, to move or to shrink. Its
steps grow, and of several points drawn the one farthest from all that were tried is proposed. Where a difference shows
up, the run starts from there with its initial steps. A population that strays onto a plateau later gets the run's best
point.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from softal.errors import SpaceError
from softal.numeric import Floats
from softal.objective import Objective
from softal.space import Space
from softal.strategies.base import Strategy, StrategySettings
from softal.strategies.cmaes.evolution import Evolution
from softal.strategies.cmaes.genotypes import Genotypes
from softal.strategies.cmaes.population import Entry, Violations, best_of, flat, noisy, ranked, shortened
from softal.strategies.cmaes.restarts import Kind, Restarts
from softal.trial import DONE_ELSEWHERE, Point, Proposal, Trial, TrialState

if TYPE_CHECKING:
    from softal.cards import Card, Examples, View

Part = Annotated[float, Field(gt=0, le=1)]

CELL_STD = 0.3  # smallest standard deviation of an integer or choice, in cells: a neighbour keeps 1 chance in 10
CANDIDATES = 10  # drawn for each point on a plateau; Mitchell's best candidate, SIGGRAPH 1991
BARREN = 2  # populations of nothing but failures before the search starts elsewhere
DRAWN_DIMENSIONS = 8  # up to which the distribution goes into the notes
SIGMA0 = 0.25
STICKS_OUT = 10.0  # times the range of a run's losses by which a point of others is better that sticks out
SHORTEST = 0.1  # of the initial steps, where the run is moved to such a point
REMEMBERED = 256  # own results that say how large that range is
RESTART_STREAM = 2**31  # keeps the restarts' random numbers apart from those of the points


class CMAESSettings(StrategySettings):
    """Settings of CMA-ES."""

    x0: Point | None = Field(None, description="where to start; the middle of the space, or the best point told before")
    sigma0: Part | dict[str, Part] = Field(
        SIGMA0,
        description="initial standard deviation, in units of each range: one number for all, or one by name (others "
        f"take {SIGMA0})",
    )
    popsize: int | None = Field(
        None, ge=3, description="points in a generation; 4 + 3 ln d, or as many as run at a time where these are more"
    )
    restarts: Kind = Field(
        "ipop",
        description="when a run has converged: start anew with twice the population, alternate large and "
        "small populations, or end",
    )
    tolx: float = Field(1e-9, gt=0, description="a run has converged when its steps are smaller, in units of the range")
    tolfun: float = Field(
        1e-11, ge=0, description="losses that differ by less do not differ: a run has converged, or is on a plateau"
    )
    noise: Literal["widen", "ignore"] = Field(
        "widen",
        description="where standard errors decide a population's ranking, `widen` lengthens the steps, so that noise "
        "does not shrink them; `ignore` suits a goal that is a plateau, such as a probability of 1, on which there is "
        "nothing to rank and the search shall settle",
    )


class CMAES(Strategy):
    """Covariance matrix adaptation; for one objective and at least some ten times as many trials as parameters.

    Noise: where standard errors are known and would change the ranking of a population, the step size is enlarged, as
    UH-CMA-ES does (Hansen et al., IEEE Trans. Evol. Comput. 13, 180 (2009)), so that noise does not shrink it.
    Choices are taken as ordered; other strategies serve them better.
    """

    kind = "cmaes"
    draws_again = True
    Settings = CMAESSettings

    def _begin(self) -> None:
        self._genotypes = Genotypes(self.space)
        self._stds = self._initial_stds()
        self._sigma0 = float(self._stds.max())
        self._pool: list[Entry] = []
        self._violations = Violations(self.objective)
        self._own: deque[Entry] = deque(maxlen=REMEMBERED)  # the run's latest results
        self._run = 0  # number of the current run; 0 is the first
        self._starts = 0  # how often the first run was moved to a point of others
        self._barren = 0
        self._ended = False
        self._best: Entry | None = None  # of the run's own results
        self._best_of_others: Entry | None = None
        self._sloped = False  # whether the run has seen results that differ
        self._tried: list[Floats] = []  # unit points on the plateau on which the run began
        self._generation = 0  # populations that the run has taken
        self._es = self._start(self._first_mean(), self._sigma0, self.settings.popsize)
        self._restarts = Restarts(self.settings.restarts, self._es.popsize)

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return why CMA-ES cannot serve: it needs free parameters and one objective that has a best."""
        if not space.dimension:
            return "the space has no free parameter"
        if objective.learning:
            return "an objective of `learn` has no best point to go to; bayesian, sobol, random and grid serve it"
        if not objective.single:
            return f"it takes one objective, not {len(objective.names)}; bayesian serves several"
        sigma0 = getattr(settings, "sigma0", None)
        strange = [name for name in sigma0 if name not in space.names] if isinstance(sigma0, dict) else []
        if strange:
            return f"sigma0.{strange[0]} is not a free parameter; these are {', '.join(space.names)}"
        try:
            if (x0 := getattr(settings, "x0", None)) is not None:
                space.complete(x0)
        except SpaceError as error:
            return f"x0: {error}"
        return None

    def foreseen(self, pending: Sequence[Trial]) -> int:
        """Return how many points are left of the generation: no result changes the distribution before it is full."""
        under_way = [trial for trial in pending if trial.notes.get("run") == self._run]
        return max(0, int(self._es.popsize) - len(self._pool) - len(under_way))

    @property
    def wants_dropped(self) -> bool:
        """True: a population is full with a point that was dropped, as it is with one that failed."""
        return True

    def cards(self, view: View) -> Sequence[Card]:
        """Return the search distribution by generation."""
        from softal.strategies.cmaes.cards import cards

        return cards(view)

    def examples(self, view: View) -> Examples | None:
        """Return the best trials of generations."""
        from softal.strategies.cmaes.cards import examples

        return examples(view)

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        if self._ended:
            return []
        tried = [] if self._sloped else list(self._tried)
        tried += list(self.space.to_unit([trial.point for trial in pending])) if tried else []
        drawn: list[tuple[Floats, Floats]] = []
        for i in range(n):
            drawn.append(self._draw(self.rng(self.asked + i), [*tried, *(u for _, u in drawn)] if tried else []))
        own = sum("y" in trial.notes for trial in pending)
        common = {"run": self._run, "start": self._starts, "generation": self._generation, **self._distribution()}
        notes = [{"y": y.tolist(), **common, "ahead": own + i} for i, (y, _) in enumerate(drawn)]
        return self._proposals(np.vstack([u for _, u in drawn]), notes)

    def _draw(self, rng: np.random.Generator, tried: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Sample a genotype y and its feasible unit point u, each (d,); far from those tried, if any."""
        drawn = [self._genotypes.sample(self._es, rng) for _ in range(CANDIDATES if tried else 1)]
        if not tried:
            return drawn[0]
        away = [float(np.linalg.norm(np.array(tried) - u, axis=1).min()) for _, u in drawn]
        return drawn[int(np.argmax(away))]

    def _distribution(self) -> dict[str, Any]:
        """Return mean (d,) and covariance (d, d) of what is drawn now, in the unit cube; nothing in many dimensions."""
        if self.space.dimension > DRAWN_DIMENSIONS:
            return {}
        mean, covariance = self._es.moments(self._genotypes.transformed)
        return {"mean": mean.tolist(), "covariance": covariance.tolist()}

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            entry = self._entry(trial)
            self._widen(int(trial.notes.get("ahead", 0)) + 1)
            if trial.notes.get("run") == self._run and "y" in trial.notes:
                self._pool.append(entry)
                self._own.append(entry)
            elif "y" not in trial.notes and not self._run and not trial.outside:  # a restart is to look elsewhere
                self._take_other(entry)
            if len(self._pool) >= self._es.popsize:
                self._update()

    def _entry(self, trial: Trial) -> Entry:
        notes = trial.notes
        as_drawn = "y" in notes and DONE_ELSEWHERE not in notes
        drawn = notes.get("generation") if as_drawn and notes.get("start") == self._starts else None
        y = np.array(notes["y"]) if as_drawn else self._genotypes.of(self.space.to_unit([trial.point])[0])
        if trial.state is not TrialState.DONE:  # one that was dropped leaves its place in a population, too
            return Entry(y, np.nan, np.nan, drawn)
        loss, error = self.objective.losses([trial])[0, 0], self.objective.loss_errors([trial])[0, 0]
        return Entry(y, float(loss), float(error), drawn, self._violations.add(trial))

    def _take_other(self, entry: Entry) -> None:
        """Remember the best point that others proposed; start from it, until this strategy has results of its own."""
        if np.isnan(entry.loss) or (self._best_of_others and not entry.loss < self._best_of_others.loss):
            return
        self._best_of_others = entry
        if self._best is None and not self._pool and self.settings.x0 is None:
            self._move(entry)
        elif self._best is not None and entry.beats(self._best, self._margin):
            self._sloped = True
            self._move(entry, self._sigma_beside_worse(entry))
            self._best = entry
            self._own.clear()

    def _move(self, entry: Entry, sigma: float | None = None) -> None:
        """Start the run from a point, with the initial steps unless others are given."""
        self._starts += 1
        self._es = self._start(entry.y, sigma or self._sigma0, self._es.popsize)

    @property
    def _margin(self) -> float:
        """By how much a point of others must be better for the run to start from it: on a plateau, by anything.

        Elsewhere it must stick out: by many times all that the run has seen, as a rare success does.
        """
        losses = [entry.loss for entry in self._own if not np.isnan(entry.loss)]
        return STICKS_OUT * float(np.ptp(losses)) if self._sloped and losses else self.settings.tolfun

    def _sigma_beside_worse(self, entry: Entry) -> float:
        """Return steps that reach half-way to the nearest own point from which a point of others sticks out."""
        own = np.array([self._genotypes.unit(other.y) for other in self._own])
        away = np.linalg.norm(own - self._genotypes.unit(entry.y), axis=1) if len(own) else np.ones(1)
        return float(np.clip(0.5 * np.min(away), SHORTEST * self._sigma0, self._sigma0))

    def _widen(self, in_flight: int) -> None:
        """Before the first update, make the population as large as the number of points in flight.

        Results that are several generations late mislead the step size: with 32 in flight, the sphere in 5 dimensions
        takes six times as many evaluations with the default population of 8 as with one of 32.
        """
        if self.settings.popsize is None and not self._run and not self._generation and in_flight > self._es.popsize:
            self._es = self._start(self._es.mean, self._sigma0, in_flight)
            self._restarts.popsize = self._es.popsize

    def _update(self) -> None:
        """Take one population's worth of results from the pool into the distribution."""
        population, self._pool = self._pool[: self._es.popsize], self._pool[self._es.popsize :]
        self._restarts.count(len(population))
        if ranked(population) is None:
            self._barren += 1
            if self._barren >= BARREN:
                self._restart(self._es.popsize, self._sigma0)
            return
        self._barren = 0
        self._generation += 1
        plateau = flat(population, self.settings.tolfun)
        if plateau and not self._sloped:
            self._explore(population)
            return
        found, self._sloped = not self._sloped and bool(self._tried), True
        population = self._with_better(population, plateau)
        if found:
            self._move(best_of(population))
        else:
            self._tell(population)

    def _explore(self, population: Sequence[Entry]) -> None:
        """Enlarge the steps on a plateau."""
        self._tried += [self._genotypes.unit(entry.y) for entry in population]
        self._best = best_of([*population, *([self._best] if self._best else [])])
        self._es.grow()

    def _with_better(self, population: list[Entry], plateau: bool) -> list[Entry]:
        """Return the population with a point of others in place of its worst, if that beats it.

        On a plateau, to which the run has strayed, the run's own best point counts as well: nothing else says where to
        go from there.
        """
        best = best_of(population)
        known = [self._best_of_others, self._best if plateau else None]
        better = [entry for entry in known if entry is not None and entry.beats(best, self.settings.tolfun)]
        self._best = best_of([best, self._best] if self._best else [best])
        if better:
            population[int(np.argmax(ranked(population) or []))] = replace(best_of(better), drawn=None)
        return population

    def _tell(self, population: Sequence[Entry]) -> None:
        """Update the distribution; points that were not drawn from it are taken in as far as a long draw reaches."""
        mean = self._es.mean
        steps = [(entry, entry.y - mean) for entry in population]
        taken = [
            entry if entry.drawn == self._generation - 1 else shortened(entry, away, self._es.length(away))
            for entry, away in steps
        ]
        losses = ranked(taken) or []
        self._es.update([entry.y for entry in taken], losses)
        if self.settings.noise == "widen" and noisy(taken, losses):
            self._es.keep_sigma(self._sigma0)
        if self._es.converged:
            self._converged()

    def _converged(self) -> None:
        """Start the next run as `restarts` says."""
        following = self._restarts.following(self._sigma0, self._restart_rng())
        self._ended = following is None
        if following:
            self._restart(*following)

    def _restart(self, popsize: int, sigma: float) -> None:
        """Begin a new run at a random point; results of older runs no longer count."""
        self._run += 1
        self._pool, self._tried = [], []
        self._own.clear()
        self._barren, self._generation, self._sloped = 0, 0, False
        self._best = self._best_of_others = None
        mean = self._genotypes.of(self.space.sample(1, self._restart_rng())[0])
        self._es = self._start(mean, sigma, popsize)

    def _restart_rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, RESTART_STREAM, self._run])

    def _start(self, mean: Floats, sigma: float, popsize: int | None) -> Evolution:
        """Return the distribution at the start of a run."""
        options = {
            "CMA_stds": self._stds / self._sigma0,
            "minstd": self._smallest_std(),
            "tolx": self.settings.tolx,
            "tolfun": self.settings.tolfun,
        }
        return Evolution(mean, sigma, popsize, options)

    def _initial_stds(self) -> Floats:
        sigma0, names = self.settings.sigma0, self.space.names
        return np.array([sigma0.get(name, SIGMA0) if isinstance(sigma0, dict) else sigma0 for name in names])

    def _smallest_std(self) -> Floats:
        cells = self.space.cells
        return np.divide(CELL_STD, cells, out=np.zeros(len(cells)), where=cells > 1)

    def _first_mean(self) -> Floats:
        middle = np.full(self.space.dimension, 0.5)
        if self.settings.x0 is not None:
            middle = self.space.to_unit([self.space.complete(self.settings.x0)])[0]
        elif not self.space.feasible(middle[None])[0]:
            middle = self.space.sample(64, self._restart_rng()).mean(axis=0)  # the feasible set is convex
        return self._genotypes.of(middle)
