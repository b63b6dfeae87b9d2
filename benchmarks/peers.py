"""The methods: all of them propose one point, are told what came of it, and propose the next.

Each is used as its documentation says, with its own defaults, but for the seed. What is random is drawn from the seed,
so that a method that is asked and told the same again proposes the same again.
"""

from __future__ import annotations

import logging
import random
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from problems import COST, Problem

from softal import strategies
from softal.objective import minimize
from softal.strategies.sobol import SobolSequence
from softal.trial import Point, Proposal, Trial, TrialState

Floats = NDArray[np.float64]
# R where nothing came of a simulation, for methods that have no model of failures: the R of g(r) = 0. Told of failures
# by its own means, Optuna's GP asks for the same place again and again (docs/benchmarks.md).
PENALTY = 1.0
REFIT = 1.1  # hyperparameters are fitted anew when there are so many times as many points
RESTARTS, RAW_SAMPLES = 8, 256  # of the search for the largest expected improvement


class Method(ABC):
    """Proposes points of a problem, one after another.

    Attributes:
        problem, seed: what it was made for.
        asked: number of points asked so far.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed, self.asked = problem, seed, 0

    def ask(self) -> Point:
        """Propose the next point."""
        _seed(self.seed, self.asked)
        with _quiet():
            point = self._ask()
        self.asked += 1
        return point

    def tell(self, trial: Trial) -> None:
        """Learn what came of the point asked last: a trial that is done or failed."""
        with _quiet():
            self._tell(trial)

    @abstractmethod
    def _ask(self) -> Point: ...

    @abstractmethod
    def _tell(self, trial: Trial) -> None: ...


class Softal(Method):
    """A strategy of softal, told costs (and the arrays from which they come, where the objective is a match)."""

    def __init__(self, problem: Problem, seed: int, kind: str, *, composite: bool = False) -> None:
        super().__init__(problem, seed)
        objective = problem.objective if composite else minimize(COST)
        self.strategy = strategies.build(kind, problem.space, objective, seed)
        self._proposal = Proposal({})

    def _ask(self) -> Point:
        self._proposal = self.strategy.ask(1)[0]
        return self._proposal.point

    def _tell(self, trial: Trial) -> None:
        proposal = self._proposal
        self.strategy.tell([replace(trial, notes=proposal.notes, proposed_by=proposal.proposed_by)])


class ScalarGP(Method):
    """The paper's method: Gaussian process regression of R, the point of largest expected improvement, sequentially.

    H. Liu et al., MRS Commun. 9, 593 (2019). With BoTorch's SingleTaskGP (Matern 5/2, which served it better than the
    Gaussian kernel; a lengthscale for each parameter; noise inferred) and the logarithm of the expected improvement,
    which has the same maximum. It starts from the Sobol points from which softal starts. A failure counts as the
    largest R so far, which served it better than R = 1.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self.n_initial = max(5, 2 * problem.space.dimension + 1)
        self._sequence = SobolSequence(problem.space, seed)
        self._X: list[Floats] = []
        self._y: list[float] = []
        self._fitted: tuple[int, dict[str, Any]] = (0, {})

    def _ask(self) -> Point:
        if self.asked < self.n_initial:
            return self.problem.space.from_unit(self._sequence.take(self.asked, 1))[0]
        from botorch.acquisition import LogExpectedImprovement
        from botorch.optim import optimize_acqf

        model = self._model()
        acquisition = LogExpectedImprovement(model, best_f=-min(self._y))
        bounds = np.array([np.zeros(self.problem.space.dimension), np.ones(self.problem.space.dimension)])
        u, _ = optimize_acqf(
            acquisition, _tensor(bounds), q=1, num_restarts=RESTARTS, raw_samples=RAW_SAMPLES,
            options={"batch_limit": RESTARTS, "maxiter": 200},
        )  # fmt: skip
        return self.problem.space.from_unit(u.numpy())[0]

    def _model(self) -> Any:
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
        from gpytorch.mlls import ExactMarginalLogLikelihood

        X, Y = _tensor(np.array(self._X)), -_tensor(np.array(self._y)[:, None])
        kernel = get_covar_module_with_dim_scaled_prior(ard_num_dims=X.shape[1], use_rbf_kernel=False)
        model = SingleTaskGP(X, Y, covar_module=kernel)
        n, hyperparameters = self._fitted
        if len(self._X) < REFIT * n:
            model.load_state_dict(hyperparameters, strict=False)
            return model.eval()
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        kept = {name: value for name, value in model.state_dict().items() if not name.startswith("outcome")}
        self._fitted = (len(self._X), kept)
        return model

    def _tell(self, trial: Trial) -> None:
        self._X.append(self.problem.space.to_unit([trial.point])[0])
        self._y.append(trial.objective.get(COST, max(self._y, default=PENALTY)))


class Optuna(Method):
    """A sampler of Optuna."""

    def __init__(self, problem: Problem, seed: int, sampler: str) -> None:
        super().__init__(problem, seed)
        with _quiet():
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self._study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))

    def _ask(self) -> Point:
        self._trial = self._study.ask()
        return {name: self._trial.suggest_float(name, *bounds) for name, bounds in self.problem.bounds.items()}

    def _tell(self, trial: Trial) -> None:
        self._study.tell(self._trial, trial.objective.get(COST, PENALTY))


class Ax(Method):
    """Ax's client with the generation strategy that it chooses; told standard errors where they are known.

    It learns where simulations fail: failed trials are abandoned, and the transform `AddExecutionViability`, which is
    no part of its defaults, models where they are once there are three of them.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        with _quiet():
            from ax.api.client import Client
            from ax.api.configs import RangeParameterConfig
            from ax.core.metric import Metric

            self._client = Client(random_seed=seed)
            parameters = [
                RangeParameterConfig(name=name, parameter_type="float", bounds=bounds)
                for name, bounds in problem.bounds.items()
            ]
            self._client.configure_experiment(parameters=parameters)
            self._client.configure_optimization(objective=f"-{COST}")
            self._client.set_generation_strategy(_learning_failures(seed))
            # The transform looks its metric up in the experiment (1.3.1), and does not put it there.
            self._client._experiment.add_tracking_metric(Metric(name="execution_viable", lower_is_better=False))
        self._number = 0

    def _ask(self) -> Point:
        ((self._number, point),) = self._client.get_next_trials(max_trials=1).items()
        return {name: float(point[name]) for name in self.problem.bounds}

    def _tell(self, trial: Trial) -> None:
        if trial.state is TrialState.FAILED:
            self._client.mark_trial_abandoned(self._number)
            return
        cost, error = trial.objective[COST], trial.objective_errors.get(COST)
        self._client.complete_trial(self._number, raw_data={COST: cost if error is None else (cost, error)})


def _learning_failures(seed: int) -> Any:
    """Return the generation strategy that Ax chooses, with its model of abandoned trials."""
    from ax.adapter.registry import MBM_X_trans, Y_trans
    from ax.adapter.transforms.add_execution_viability import AddExecutionViability
    from ax.api.utils.generation_strategy_dispatch import choose_generation_strategy
    from ax.api.utils.structs import GenerationStrategyDispatchStruct

    strategy = choose_generation_strategy(GenerationStrategyDispatchStruct(initialization_random_seed=seed))
    for node in strategy._nodes:
        for spec in node.generator_specs if node.name == "MBM" else ():
            spec.generator_kwargs["transforms"] = [AddExecutionViability, *MBM_X_trans, *Y_trans]
    return strategy


@dataclass(frozen=True)
class Entry:
    """A method in the benchmark: how it is made, its label and colour, and seconds per proposal, for the plan."""

    label: str
    colour: str
    seconds: float
    make: Callable[[Problem, int], Method]


METHODS: dict[str, Entry] = {
    "random": Entry("random", "#b8b8b8", 0.0, lambda p, s: Softal(p, s, "random")),
    "sobol": Entry("Sobol", "#8a8a8a", 0.0, lambda p, s: Softal(p, s, "sobol")),
    "cmaes": Entry("CMA-ES", "#8c6d31", 0.0, lambda p, s: Softal(p, s, "cmaes")),
    "gp_ei": Entry("scalar GP, EI", "#111111", 0.25, ScalarGP),
    "tpe": Entry("Optuna, TPE", "#7b4ea3", 0.0, lambda p, s: Optuna(p, s, "TPESampler")),
    "optuna_gp": Entry("Optuna, GP", "#2a9d8f", 0.1, lambda p, s: Optuna(p, s, "GPSampler")),
    "ax": Entry("Ax", "#e08e0b", 0.35, Ax),
    "bayesian": Entry("softal, scalar", "#1f6fb4", 0.2, lambda p, s: Softal(p, s, "bayesian")),
    "composite": Entry("softal, composite", "#c1121f", 0.35, lambda p, s: Softal(p, s, "bayesian", composite=True)),
}


def _tensor(array: Floats) -> Any:
    import torch

    return torch.as_tensor(array, dtype=torch.float64)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what methods say about their fits and trials to themselves."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _seed(seed: int, number: int) -> None:
    """Seed the global generators from (seed, number): some methods draw from them."""
    import torch

    state = int(np.random.SeedSequence([seed, number, 1]).generate_state(1)[0])
    random.seed(state)
    np.random.seed(state)  # noqa: NPY002
    torch.manual_seed(state)
