"""Finds the memory function behind a relaxation by evolution: CMA-ES, with each generation solved at once.

    loss = (1/n) sum_i [F(t_i) - F_i]^2 + lasso (|c| + sum_j |w_j|) / Gamma,

eq. 7 of S. Ciarella, M. Chiappini, E. Boattini, M. Dijkstra, L. M. C. Janssen, Mach. Learn.: Sci. Technol. 4, 025010
(2023), as a mean. What evolves are 2 + 3 N_exp numbers y:

    ln Gamma, arsinh(c/s), arsinh(w_j/s), ln tau_j, ln b_j,    s = -ln F_1 / t_1,

so that steps are relative ones, and weights may pass through zero: F_s of particles that move freely at short times
has zero slope at 0, which an overdamped equation has not, and is followed by a negative memory there (the paper's
"unrealistic short time non-monotonic behavior"). The paper's a_j are left at 0, where they lose nothing. A run begins
at the best of many random y and ends when CMA-ES has converged (N. Hansen, arXiv:1604.00772); others follow, until
six of them have ended at the best loss. Every other one begins at the best memory function with one mode less, to
which a random one is added.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.memory_equation import POINTS, solve
from softal.theory.memory_function import StretchedExponentials
from softal.theory.relaxation import Relaxation

POOLS = (1024, 256, 64)  # random memory functions of which the best begins a run, in turn: smaller ones differ more
SIGMA = 0.5  # initial step, in y
SIMPLER = 0.2  # part of the evaluations that the search with one mode less may take
B_RANGE = (0.1, 5.0)
BEYOND = 100.0  # tau may be shorter than the first time, and longer than the last, by this factor
WEIGHTS = 10.0  # largest |arsinh(w/s)|: 11,000 s
CONVERGED = 1e-4  # a run ends when decades of the loss change by less
AGREED = 6  # runs that have ended at the best loss; three ended at a worse one at 1 of 38 relaxations
SAME = 0.02  # decades between the losses at which two runs have ended at the same memory function
FLOOR = 1e-16  # of a loss, below the solver's accuracy


@dataclass(frozen=True)
class Search:
    """How `fit_memory` searches.

    Attributes:
        modes: N_exp, from 1.
        lasso: its weight in the loss.
        rate: Gamma [1/time]; None is found with the rest.
        population: of a generation.
        evaluations: memory equations that may be solved.
        target: error at which the search ends.
    """

    modes: int = 2
    lasso: float = 1e-10
    rate: float | None = None
    population: int = 48
    evaluations: int = 60_000
    target: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("modes", 1), ("lasso", 0), ("population", 4), ("evaluations", 1), ("target", 0)):
            if not getattr(self, name) >= least:
                raise TheoryError(f"{name} is {getattr(self, name)}; allowed: {least} or more")
        if self.rate is not None and not 0 < self.rate < np.inf:
            raise TheoryError(f"rate is {self.rate:g}; allowed: a finite number above 0")


@dataclass(frozen=True)
class Fit:
    """The best memory function that was found.

    Attributes:
        memory, rate: M, P = 1, its modes from the shortest tau to the longest, and Gamma [1/time].
        F: its solution at the relaxation's times, (n,).
        error, loss, r2: mean squared difference, with Lasso, and 1 - error / var F_i.
        evaluations, runs: memory equations solved, and runs of CMA-ES begun.
        history: best error after each generation.
    """

    memory: StretchedExponentials
    rate: float
    F: Floats
    error: float
    loss: float
    r2: float
    evaluations: int
    runs: int
    history: list[float] = field(default_factory=list)


def fit_memory(relaxation: Relaxation, search: Search | None = None, seed: int = 0) -> Fit:
    """Find Gamma and the memory function whose F(t) comes nearest to a relaxation.

    Raises:
        TheoryError: if no memory function has a solution that stays finite.
    """
    search = search or Search()
    simpler = None
    if search.modes > 1:
        fewer = replace(search, modes=search.modes - 1, evaluations=max(1, round(search.evaluations * SIMPLER)))
        simpler = fit_memory(relaxation, fewer, seed)
    evolution = _Evolution(relaxation, search, seed, simpler)
    while not evolution.ended:
        evolution.run()
    return evolution.best()


def lasso_of(memory: StretchedExponentials, rate: Floats) -> Floats:
    """Return (|c| + sum |w_j|) / Gamma of P memory functions, (P,)."""
    return np.asarray((np.abs(memory.constant) + np.sum(np.abs(memory.decaying), axis=1)) / rate)


class Encoding:
    """Numbers y (P, d) without units for P memory functions and their rates, d = 2 + 3 N_exp; 1 less if Gamma is given.

    Args:
        relaxation: gives the scales.
        modes: N_exp.
        rate: Gamma where it is given.
    """

    def __init__(self, relaxation: Relaxation, modes: int, rate: float | None = None) -> None:
        t, F = relaxation.t, relaxation.F
        first = int(np.argmax((t > 0) & (F < 1)))
        self.scale = float(-np.log(np.clip(F[first], 0.05, 1 - 1e-6)) / t[first])
        self.modes, self.rate = modes, rate
        short, long = np.log(t[first] / BEYOND), np.log(t[-1] * BEYOND)
        middle = np.log(self.scale)
        self._likely = np.array([np.log(t[first] / 10), np.log(t[-1])])
        ends = [(middle - 8, middle + 8), (-WEIGHTS, WEIGHTS), *[(-WEIGHTS, WEIGHTS)] * modes]
        ends += [(short, long)] * modes + [(np.log(B_RANGE[0]), np.log(B_RANGE[1]))] * modes
        self.bounds = np.array(ends[1:] if rate else ends).T

    def decoded(self, Y: Floats) -> tuple[StretchedExponentials, Floats]:
        """Return memory functions and rates (P,) of y (P, d)."""
        if self.rate is None:
            rate, Y = np.exp(Y[:, 0]), Y[:, 1:]
        else:
            rate = np.full(len(Y), self.rate)
        weights, rest = np.sinh(Y[:, : 1 + self.modes]), np.exp(Y[:, 1 + self.modes :])
        c, w, tau, b = np.split(np.hstack([self.scale * weights, rest]), np.cumsum([1, self.modes, self.modes]), axis=1)
        return StretchedExponentials(c[:, 0], w, np.zeros_like(w), tau, b), rate

    def encoded(self, memory: StretchedExponentials, rate: float) -> Floats:
        """Return y (d,) of a memory function, P = 1, whose a are 0, and its rate."""
        weights = np.arcsinh(np.hstack([memory.c, memory.w[0]]) / self.scale)
        y = np.hstack([weights, np.log(memory.tau[0]), np.log(memory.b[0])])
        return y if self.rate else np.hstack([np.log(rate), y])

    def random(self, size: int, rng: np.random.Generator) -> Floats:
        """Return y of memory functions that might be: no constant, weights of either sign, mostly positive."""
        shape = (size, self.modes)
        sign = np.where(rng.random(shape) < 1 / 3, -1, 1)
        w = np.arcsinh(sign * 10 ** rng.uniform(-1, 2.5, shape))
        tau = rng.uniform(self._likely[0], self._likely[1], shape)
        Y = np.hstack([np.zeros((size, 1)), w, tau, np.log(rng.uniform(0.3, 2.0, shape))])
        return Y if self.rate else np.hstack([np.log(self.scale) + rng.normal(0, 1, (size, 1)), Y])


class _Evolution:
    """Runs of CMA-ES one after the other, and the best of all."""

    def __init__(self, relaxation: Relaxation, search: Search, seed: int, simpler: Fit | None) -> None:
        self._relaxation, self._search, self._seed, self._simpler = relaxation, search, seed, simpler
        self._encoding = Encoding(relaxation, search.modes, search.rate)
        self._runs, self._evaluations = 0, simpler.evaluations if simpler else 0
        self._best: tuple[float, float, Floats] | None = None  # loss, error, y
        self._history: list[float] = []
        self._ends: list[float] = []  # decades of the loss at which runs have converged

    @property
    def ended(self) -> bool:
        reached = self._best is not None and self._best[1] <= self._search.target
        agreed = sum(end < min(self._ends) + SAME for end in self._ends) >= AGREED
        return reached or agreed or self._evaluations >= self._search.evaluations

    def run(self) -> None:
        """Evolve from the best of a pool until CMA-ES has converged."""
        from cma import CMAEvolutionStrategy

        rng = np.random.default_rng([self._seed, self._runs])
        pool = np.clip(self._pool(rng), *self._encoding.bounds)
        start = pool[int(np.argmin(self._losses(pool)))]
        self._runs += 1
        options = {
            "popsize": self._search.population, "bounds": list(self._encoding.bounds), "tolfun": CONVERGED,
            "tolfunhist": CONVERGED, "randn": lambda *shape: rng.standard_normal(shape), "seed": np.nan,
            "verbose": -9, "verb_log": 0, "verb_disp": 0, "signals_filename": "", "tolx": 1e-9,
        }  # fmt: skip
        es = CMAEvolutionStrategy(start, SIGMA, options)
        while not (es.stop() or self.ended):
            Y = np.array(es.ask())
            es.tell(list(Y), list(np.log10(self._losses(Y) + FLOOR)))
            self._history.append(self._best[1] if self._best else np.inf)
        self._ends.append(float(es.result.fbest))

    def _pool(self, rng: np.random.Generator) -> Floats:
        """Return y (P, d) of random memory functions, or of the simpler one with a random mode added to it."""
        Y = self._encoding.random(POOLS[self._runs % len(POOLS)], rng)
        if self._simpler is None or self._runs % 2:
            return Y
        modes = self._search.modes
        simpler = Encoding(self._relaxation, modes - 1, self._search.rate).encoded(
            self._simpler.memory, self._simpler.rate
        )
        alone = Y.shape[1] - 3 * modes  # of rate and c
        own = np.ones(Y.shape[1], dtype=bool)
        own[alone + modes - 1 :: modes] = False  # the last mode's w, tau, b
        Y[:, own] = simpler
        Y[:, alone + modes - 1] *= rng.random(len(Y)) ** 2
        Y[0, alone + modes - 1] = 0.0  # so that a mode more is never worse
        return Y

    def _losses(self, Y: Floats) -> Floats:
        """Return the losses (P,) of y (P, d), and remember the best."""
        memory, rate = self._encoding.decoded(Y)
        F = solve(memory, rate, float(self._relaxation.t[-1]), points=POINTS // 2).at(self._relaxation.t)
        error = self._relaxation.error(F)
        losses = np.minimum(error + self._search.lasso * lasso_of(memory, rate), 1e9)
        self._evaluations += len(Y)
        i = int(np.argmin(losses))
        if np.isfinite(error[i]) and (self._best is None or losses[i] < self._best[0]):
            self._best = (float(losses[i]), float(error[i]), Y[i].copy())
        return np.asarray(losses)

    def best(self) -> Fit:
        if self._best is None:
            raise TheoryError(f"{self._relaxation.name} has no memory function whose solution stays finite")
        memory, rate = self._encoding.decoded(self._best[2][None])
        order = np.argsort(memory.tau[0])
        parts = (part[:, order] for part in (memory.w, memory.a, memory.tau, memory.b))
        memory = StretchedExponentials(memory.c, *parts)
        F = solve(memory, rate, float(self._relaxation.t[-1])).at(self._relaxation.t)
        error = float(self._relaxation.error(F)[0])
        loss = error + self._search.lasso * float(lasso_of(memory, rate)[0])
        r2 = float(self._relaxation.r2(F)[0])
        return Fit(memory, float(rate[0]), F[0], error, loss, r2, self._evaluations, self._runs, self._history)
