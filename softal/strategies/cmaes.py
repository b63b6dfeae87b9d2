"""CMA-ES by pycma, run asynchronously.

N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772 (the algorithm, which is pycma's);
A. Auger and N. Hansen, CEC 2005 (IPOP); N. Hansen, GECCO 2009 workshop (BIPOP).

The search runs on genotypes y in R^d without bounds; pycma's piecewise quadratic transformation takes them into the
unit cube, u = T(y), and snapping takes u to integers and choices. Each proposal carries its genotype in its notes, so
that a result can be used whenever it comes back, and the state is a function of the results in the order of telling:

    results ──► pool ──(a population's worth)──► update of mean, step size, covariance ──► stop? restart

A generation is never waited for: `ask` samples the distribution as it is now, and results that come late, from an older
distribution of the same run, go into the pool like any other. Failed trials rank behind every finished one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from softal.objective import Objective
from softal.space import Space
from softal.strategies.base import Strategy, StrategySettings
from softal.trial import Point, Proposal, Trial, TrialState

Floats = NDArray[np.float64]

RESAMPLES = 100  # draws for a feasible point before the last is pulled towards the mean
BISECTIONS = 30
CELL_STD = 0.3  # smallest standard deviation of an integer or choice, in cells: a neighbour keeps 1 chance in 10
BARREN = 2  # populations of nothing but failures before the search starts elsewhere
RESTART_STREAM = 2**31  # keeps the restarts' random numbers apart from those of the points


class CMAESSettings(StrategySettings):
    """Settings of CMA-ES."""

    x0: Point | None = Field(None, description="where to start; the middle of the space, or the best point told before")
    sigma0: float = Field(0.25, gt=0, le=1, description="initial standard deviation, in units of each range")
    popsize: int | None = Field(
        None, ge=3, description="points in a generation; 4 + 3 ln d, or as many as run at a time where these are more"
    )
    restarts: Literal["ipop", "bipop", "none"] = Field(
        "ipop",
        description="when a run has converged: start anew with twice the population, alternate large and "
        "small populations, or end",
    )
    tolx: float = Field(1e-9, gt=0, description="a run has converged when its steps are smaller, in units of the range")
    tolfun: float = Field(1e-11, ge=0, description="a run has converged when losses differ by less")


@dataclass(frozen=True)
class Entry:
    """One result in the pool: genotype y (d,), loss (NaN where the trial failed), standard error (NaN: not known)."""

    y: Floats
    loss: float
    error: float


class CMAES(Strategy):
    """Covariance matrix adaptation; for one objective and at least some ten times as many trials as parameters.

    Noise: where standard errors are known and would change the ranking of a population, the step size is enlarged, as
    UH-CMA-ES does (Hansen et al., IEEE Trans. Evol. Comput. 13, 180 (2009)), so that noise does not shrink it.
    Choices are taken as ordered; other strategies serve them better.
    """

    kind = "cmaes"
    Settings = CMAESSettings

    def __init__(
        self, space: Space, objective: Objective, seed: int = 0, settings: BaseModel | dict[str, Any] | None = None
    ) -> None:
        super().__init__(space, objective, seed, settings)
        from cma.boundary_handler import BoundTransform

        self._transform = BoundTransform([np.zeros(space.dimension), np.ones(space.dimension)])
        self._pool: list[Entry] = []
        self._run = 0  # number of the current run; 0 is the first
        self._evaluations = {"large": 0, "small": 0}
        self._doublings = 0
        self._regime: Literal["large", "small"] = "large"
        self._barren = 0
        self._ended = False
        self._best_loss = np.inf
        self._es = self._start(self._first_mean(), self.settings.sigma0, self.settings.popsize)
        self._popsize0: int = self._es.popsize

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return why CMA-ES cannot serve: it needs free parameters and one objective that has a best."""
        if not space.dimension:
            return "the space has no free parameter"
        if objective.learning:
            return "an objective of `learn` has no best point to go to; bayesian, sobol, random and grid serve it"
        if not objective.single:
            return f"it takes one objective, not {len(objective.names)}; bayesian serves several"
        return None

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        if self._ended:
            return []
        drawn = [self._draw(self.rng(self.asked + i)) for i in range(n)]
        notes = [
            {"y": y.tolist(), "run": self._run, "generation": self._es.countiter, "ahead": len(pending) + i}
            for i, (y, _) in enumerate(drawn)
        ]
        return self._proposals(np.vstack([u for _, u in drawn]), notes)

    def _draw(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Sample a genotype y and its feasible unit point u, each (d,)."""
        es = self._es
        for _ in range(RESAMPLES):
            y = es.mean + es.sigma * es.sigma_vec.scaling * (es.sm.B @ (es.sm.D * rng.standard_normal(len(es.mean))))
            u = self._unit(y)
            if self.space.feasible(u[None])[0]:
                return y, u
        return self._repaired(y, rng)

    def _repaired(self, y: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Pull an infeasible genotype towards the mean, or a random feasible point where the mean is infeasible."""
        inside = np.array(self._es.mean)
        if not self.space.feasible(self._unit(inside)[None])[0]:
            inside = self._genotype(self.space.sample(1, rng)[0])
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            fits = self.space.feasible(self._unit(inside + middle * (y - inside))[None])[0]
            low, high = (middle, high) if fits else (low, middle)
        y = inside + low * (y - inside)
        return y, self._unit(y)

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            entry = self._entry(trial)
            self._widen(int(trial.notes.get("ahead", 0)) + 1)
            if trial.notes.get("run") == self._run and "y" in trial.notes:
                self._pool.append(entry)
            elif "y" not in trial.notes:
                self._take_start(entry)
            if len(self._pool) >= self._es.popsize:
                self._update()

    def _entry(self, trial: Trial) -> Entry:
        y = np.array(trial.notes["y"]) if "y" in trial.notes else self._genotype(self.space.to_unit([trial.point])[0])
        if trial.state is TrialState.FAILED:
            return Entry(y, np.nan, np.nan)
        return Entry(y, float(self.objective.losses([trial])[0, 0]), float(self.objective.loss_errors([trial])[0, 0]))

    def _take_start(self, entry: Entry) -> None:
        """Start from the best point that others proposed, until this strategy has results of its own."""
        if self._run or self._es.countiter or self.settings.x0 is not None or not entry.loss < self._best_loss:
            return
        self._best_loss = entry.loss
        self._es = self._start(entry.y, self.settings.sigma0, self._popsize0)

    def _widen(self, in_flight: int) -> None:
        """Before the first update, make the population as large as the number of points in flight.

        Results that are several generations late mislead the step size: with 32 in flight, the sphere in 5 dimensions
        takes six times as many evaluations with the default population of 8 as with one of 32.
        """
        if self.settings.popsize is None and not self._run and not self._es.countiter and in_flight > self._es.popsize:
            self._es = self._start(np.array(self._es.mean), self.settings.sigma0, in_flight)
            self._popsize0 = self._es.popsize

    def _update(self) -> None:
        """Take one population's worth of results from the pool into the distribution."""
        population, self._pool = self._pool[: self._es.popsize], self._pool[self._es.popsize :]
        self._evaluations[self._regime] += len(population)
        losses = _ranked(population)
        if losses is None:
            self._barren += 1
            if self._barren >= BARREN:
                self._restart(self._es.popsize, self.settings.sigma0)
            return
        self._barren = 0
        es = self._es
        es.ask(len(population))  # pycma wants to have been asked; its own samples are not used
        es.tell([entry.y for entry in population], losses)
        es.sm.update_now()  # here, not at the next sampling, so that the state does not depend on when `ask` was called
        if _noisy(population, losses):
            es.sigma = min(es.sigma * (1 + 2 / (len(es.mean) + 10)), self.settings.sigma0)
        if es.stop():
            self._converged()

    def _converged(self) -> None:
        """Start the next run as `restarts` says."""
        if self.settings.restarts == "none":
            self._ended = True
            return
        rng = self._restart_rng()
        small = self.settings.restarts == "bipop" and self._doublings > 0
        self._regime = "small" if small and self._evaluations["small"] < self._evaluations["large"] else "large"
        if self._regime == "large":
            self._doublings += 1
            self._restart(self._popsize0 * 2**self._doublings, self.settings.sigma0)
            return
        ratio = 2**self._doublings / 2  # BIPOP: popsize = popsize0 * (ratio)^(u^2), sigma = sigma0 * 10^(-2 u')
        u, u_prime = rng.random(2)
        self._restart(int(self._popsize0 * ratio ** (u**2)), self.settings.sigma0 * 10 ** (-2 * u_prime))

    def _restart(self, popsize: int, sigma: float) -> None:
        """Begin a new run at a random point; results of older runs no longer count."""
        self._run += 1
        self._pool, self._barren = [], 0
        mean = self._genotype(self.space.sample(1, self._restart_rng())[0])
        self._es = self._start(mean, sigma, popsize)

    def _restart_rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, RESTART_STREAM, self._run])

    def _start(self, mean: Floats, sigma: float, popsize: int | None) -> Any:
        """Make pycma's strategy; it draws no random number that matters, and writes no file."""
        from cma import CMAEvolutionStrategy

        options = {
            "randn": _Normals(),
            "seed": np.nan,
            "verbose": -9,
            "verb_log": 0,
            "verb_disp": 0,
            "signals_filename": "",
            "maxstd": 1 / 3,
            "minstd": self._smallest_std(),
            "tolx": self.settings.tolx,
            "tolfun": self.settings.tolfun,
        }
        return CMAEvolutionStrategy(mean, sigma, options | ({"popsize": popsize} if popsize else {}))

    def _smallest_std(self) -> Floats:
        cells = self.space.cells
        return np.divide(CELL_STD, cells, out=np.zeros(len(cells)), where=cells > 1)

    def _first_mean(self) -> Floats:
        middle = np.full(self.space.dimension, 0.5)
        if self.settings.x0 is not None:
            middle = self.space.to_unit([self.space.complete(self.settings.x0)])[0]
        elif not self.space.feasible(middle[None])[0]:
            middle = self.space.sample(64, self._restart_rng()).mean(axis=0)  # the feasible set is convex
        return self._genotype(middle)

    def _unit(self, y: Floats) -> Floats:
        """Return the snapped unit point u (d,) of a genotype y (d,)."""
        unit: Floats = self.space.snap(np.asarray(self._transform.transform(y))[None])[0]
        return unit

    def _genotype(self, u: Floats) -> Floats:
        genotype: Floats = np.asarray(self._transform.inverse(np.clip(u, 0.0, 1.0)), dtype=np.float64)
        return genotype


class _Normals:
    """Normal deviates for pycma, from a stream of its own: numpy's global state stays untouched."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def __call__(self, *shape: int) -> Floats:
        return np.asarray(self._rng.standard_normal(shape))


def _ranked(population: Sequence[Entry]) -> list[float] | None:
    """Return finite losses in which failures stand behind the worst; None where everything failed."""
    losses = np.array([entry.loss for entry in population])
    failed = np.isnan(losses)
    if failed.all():
        return None
    worst, span = np.nanmax(losses), np.ptp(losses[~failed])
    return [float(loss) for loss in np.where(failed, worst + (span or abs(worst) or 1.0), losses)]


def _noisy(population: Sequence[Entry], losses: Sequence[float]) -> bool:
    """Return whether the standard errors make a coin's toss of the ranking.

    The chance that the order of two neighbours in rank is wrong is Phi(-delta / sqrt(e1^2 + e2^2)); a mean above 1/4
    over the better half, which is what the update follows, counts as noisy.
    """
    from scipy.special import ndtr

    order = np.argsort(losses)[: len(losses) // 2 + 1]
    errors = np.array([population[i].error for i in order])
    if not np.all(np.isfinite(errors)) or not np.any(errors):
        return False
    gaps = np.diff(np.asarray(losses)[order])
    width = np.hypot(errors[1:], errors[:-1])
    wrong = ndtr(-np.divide(gaps, width, out=np.full_like(gaps, np.inf), where=width > 0))
    return bool(wrong.mean() > 0.25)
