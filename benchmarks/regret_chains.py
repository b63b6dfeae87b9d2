"""One campaign of a method on a noisy function, in virtual time, and the regret of what it would answer.

Workers are virtual: a simulation lasts its nominal duration with 20 % scatter, and nobody waits for it. Proposals are
real, and take the CPU time that they take. softal's come from its own stock and strategist, by
`softal.testing.virtual_time`; peers are asked by each worker that is free, in a process of its own as it were, told all
results that are in then, and know the points that run as far as their interface allows it.
"""

from __future__ import annotations

import heapq
import math
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.objective import minimize
from softal.space import Space
from softal.surrogates.gaussian_processes.gp import GaussianProcess
from softal.testing.virtual_time import VirtualCampaign
from softal.trial import Trial, TrialState

Floats = NDArray[np.float64]
Point = dict[str, float]
Y = "y"
MOMENTS = (25, 50, 100)
SCATTER = 0.2  # standard deviation of the logarithm of a simulation's duration
HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def branin(u: Floats) -> float:
    """Value above the minimum, on the unit square; L. C. W. Dixon, G. P. Szego (1978)."""
    x, y = -5 + 15 * u[0], 15 * u[1]
    parabola = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return float(parabola + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10 - 0.397887)


def hartmann6(u: Floats) -> float:
    """Value above the minimum, on the unit cube of six dimensions; L. C. W. Dixon, G. P. Szego (1978)."""
    return float(3.32237 - HARTMANN_ALPHA @ np.exp(-np.sum(HARTMANN_A * (u - HARTMANN_P) ** 2, axis=1)))


def bowl(u: Floats) -> float:
    """(u - u*)^2 with u* = (0.3, 0.62, 0.81)."""
    return float(np.sum((u - [0.3, 0.62, 0.81]) ** 2))


@dataclass(frozen=True)
class Function:
    """A function on the unit cube whose minimum is 0.

    Attributes:
        error: standard error of each value, which is told.
    """

    label: str
    f: Callable[[Floats], float]
    dimension: int
    error: float

    @property
    def space(self) -> Space:
        return Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(self.dimension)})

    def truth(self, point: Point) -> float:
        """Return the value without noise."""
        return self.f(np.array([point[f"x{i}"] for i in range(self.dimension)]))

    def simulated(self, trial: Trial) -> Trial:
        """Return the trial as done: noise comes from its seed."""
        value = self.truth(trial.point) + self.error * np.random.default_rng(trial.seed).standard_normal()
        return replace(trial, state=TrialState.DONE, objective={Y: value}, objective_errors={Y: self.error})


FUNCTIONS = {
    "branin": Function("Branin, noise 2", branin, 2, 2.0),
    "hartmann6": Function("Hartmann, 6 parameters, noise 0.1", hartmann6, 6, 0.1),
    "bowl": Function("a bowl of 3 parameters, noise 0.05", bowl, 3, 0.05),
}


def run(
    function: str, method: str, workers: int, seconds: float, seed: int, budget: int = MOMENTS[-1]
) -> dict[str, Any]:
    """Return regrets after 25, 50, 100 results: of the method's answer, and of the point with the best value so far."""
    one, began = FUNCTIONS[function], time.process_time()
    duration = _scattered(seconds)
    if method == "softal":
        answers, trials, virtual = _softal(one, workers, duration, seed, budget)
    else:
        answers, trials, virtual = _peer(METHODS[method](one, seed), one, workers, duration, seed, budget)
    return {
        "function": function, "method": method, "workers": workers, "seconds": seconds, "seed": seed,
        "answer": {str(n): one.truth(point) for n, point in answers.items()},
        "observed": {str(n): one.truth(_best_observed(trials[:n])) for n in answers},
        "initial": sum(trial.notes.get("acquisition") == "initial" for trial in trials),
        "virtual_s": round(virtual, 3), "cpu_s": round(time.process_time() - began, 2),
    }  # fmt: skip


def _scattered(seconds: float) -> Callable[[Trial], float]:
    return lambda trial: seconds * float(np.random.default_rng([trial.seed, 1]).lognormal(0.0, SCATTER))


def _best_observed(trials: Sequence[Trial]) -> Point:
    return dict(min(trials, key=lambda trial: trial.objective[Y]).point)


def _moments(budget: int) -> list[int]:
    return [n for n in MOMENTS if n <= budget]


# softal.


def _softal(
    one: Function, workers: int, duration: Callable[[Trial], float], seed: int, budget: int
) -> tuple[dict[int, Point], list[Trial], float]:
    campaign = VirtualCampaign(one.space, minimize(Y), one.simulated, duration, budget=budget, slots=workers, seed=seed)
    record = campaign.run()
    return {n: _lowest_mean(one, record.trials[:n]) for n in _moments(budget)}, record.trials, record.seconds


def _lowest_mean(one: Function, trials: Sequence[Trial]) -> Point:
    """Return the evaluated point with the lowest mean by the surrogate."""
    surrogate = GaussianProcess(one.space, [Y])
    surrogate.fit(trials)
    mean = surrogate.posterior(one.space.to_unit([trial.point for trial in trials])).mean
    return dict(trials[int(np.argmin(np.asarray(mean).ravel()))].point)


# Peers.


class Peer(ABC):
    """A method that each free worker asks."""

    def __init__(self, one: Function, seed: int) -> None:
        self.one, self.seed = one, seed

    @abstractmethod
    def ask(self) -> tuple[Any, Point] | None:
        """Return a token and a point; None where it waits for results."""

    @abstractmethod
    def tell(self, token: Any, value: float) -> None:
        """Learn a result."""

    @abstractmethod
    def answer(self) -> Point:
        """Return the point that the method recommends."""


class Optuna(Peer):
    """A sampler of Optuna with its defaults; TPE has `constant_liar`, and the GP takes running trials in, too."""

    sampler = ""

    def __init__(self, one: Function, seed: int) -> None:
        super().__init__(one, seed)
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        options = {"constant_liar": True} if self.sampler == "TPESampler" else {}
        self._study = optuna.create_study(sampler=getattr(optuna.samplers, self.sampler)(seed=seed, **options))

    def ask(self) -> tuple[Any, Point] | None:
        trial = self._study.ask()
        return trial, {name: trial.suggest_float(name, 0.0, 1.0) for name in self.one.space.names}

    def tell(self, token: Any, value: float) -> None:
        self._study.tell(token, value)

    def answer(self) -> Point:
        return dict(self._study.best_trial.params)


class TPE(Optuna):
    """Tree-structured Parzen estimators."""

    sampler = "TPESampler"


class OptunaGP(Optuna):
    """Optuna's Gaussian processes."""

    sampler = "GPSampler"


class Ax(Peer):
    """Ax's client with the generation strategy that it chooses, told standard errors."""

    def __init__(self, one: Function, seed: int) -> None:
        super().__init__(one, seed)
        from ax.api.client import Client
        from ax.api.configs import RangeParameterConfig

        self._client = Client(random_seed=seed)
        self._client.configure_experiment(
            parameters=[
                RangeParameterConfig(name=name, parameter_type="float", bounds=(0.0, 1.0)) for name in one.space.names
            ]
        )
        self._client.configure_optimization(objective=f"-{Y}")

    def ask(self) -> tuple[Any, Point] | None:
        from ax.exceptions.core import DataRequiredError
        from ax.exceptions.generation_strategy import MaxParallelismReachedException

        try:
            ((token, point),) = self._client.get_next_trials(max_trials=1).items()
        except (DataRequiredError, MaxParallelismReachedException):
            return None
        return token, {name: float(point[name]) for name in self.one.space.names}

    def tell(self, token: Any, value: float) -> None:
        self._client.complete_trial(token, raw_data={Y: (value, self.one.error)})

    def answer(self) -> Point:
        point = self._client.get_best_parameterization()[0]
        return {name: float(point[name]) for name in self.one.space.names}


METHODS: dict[str, Callable[[Function, int], Peer]] = {"tpe": TPE, "optuna_gp": OptunaGP, "ax": Ax}
LABELS = {"softal": "softal", "tpe": "Optuna, TPE", "optuna_gp": "Optuna, GP", "ax": "Ax"}


def _peer(
    peer: Peer, one: Function, workers: int, duration: Callable[[Trial], float], seed: int, budget: int
) -> tuple[dict[int, Point], list[Trial], float]:
    """Let each free worker ask; results are told when their simulation ends."""
    now, begun = 0.0, 0
    running: list[tuple[float, int, Any, Trial]] = []
    trials: list[Trial] = []
    answers: dict[int, Point] = {}
    while len(trials) < budget:
        while len(running) < workers and begun < budget:
            asked = time.process_time()
            found = peer.ask()
            if found is None:
                break
            token, point = found
            trial = Trial(begun, dict(point), seed=_seed(seed, begun))
            ends = now + time.process_time() - asked + duration(trial)
            heapq.heappush(running, (ends, begun, token, one.simulated(trial)))
            begun += 1
        now, _, token, trial = heapq.heappop(running)
        peer.tell(token, trial.objective[Y])
        trials.append(trial)
        if len(trials) in _moments(budget):
            answers[len(trials)] = peer.answer()
    return answers, trials, now


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) >> 1


def prepare() -> None:
    """Import what proposals need, so that no proposal pays for it, and let nothing run in parallel."""
    import logging

    import torch

    import softal.strategies.bayesian.acquisition
    import softal.strategies.bayesian.paths  # noqa: F401

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    assert math.isclose(hartmann6(np.array([0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573])), 0, abs_tol=1e-4)
