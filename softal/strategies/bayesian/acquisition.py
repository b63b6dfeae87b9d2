"""Acquisition functions of BoTorch, with the probability of success, maximised over a region.

Points are found one after the other (sequential greedy): each is pending for the next. In logarithmic acquisition
functions (Ament et al., "Unexpected Improvements to Expected Improvement", NeurIPS 2023) the probability of success P
is a factor, ln alpha(x) + ln P(x); from others, the spread of the values is taken for each unit of -ln P. Values are in
units of their spread (`Posterior.units`): the functions hold absolute constants.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.monte_carlo import qUpperConfidenceBound
from botorch.acquisition.multi_objective import logei as multi_objective_logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.exceptions.warnings import BotorchWarning
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from linear_operator.utils.warnings import NumericalWarning
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from softal.numeric import Floats
from softal.strategies.bayesian.composite import CompositeAcquisition
from softal.strategies.bayesian.outcomes import log_success
from softal.strategies.bayesian.posterior import Posterior
from softal.strategies.shared.feasibility import TABOO, Feasibility
from softal.strategies.shared.history import nondominated
from softal.strategies.shared.region import Region

MC_SAMPLES = 128
COMPOSITE_BASELINE = 20
BASELINE = 40  # points that may be the best one, for noisy expected improvement
RAW = 128  # candidates at random in the region, and as many around the best points
RESTARTS = 4  # of which so many are climbed from
ITERATIONS = 40
TOLERANCE = 1e-6  # of the sum of the restarts' values: of log EI, a millionth is nothing
RADIUS = 0.1  # times sqrt(d): around pending points, while no point is known to satisfy the outcome constraints
SWEEPS = 2  # over the values of integers and choices

# BoTorch 0.18 would compile a C++ kernel at the first such acquisition function, with g++ for over a minute beside
# simulations, into a folder that machines with other processors may share. It has no setting; where it has tried, or
# found no compiler, it computes the same in Python.
multi_objective_logei._load_attempted = True


class WithSuccess(AcquisitionFunction):  # type: ignore[misc]  # BoTorch has no types
    """alpha(X) + sum over the q points of ln P(x)."""

    def __init__(self, base: AcquisitionFunction, log_probability: Callable[[Tensor], Tensor] | None) -> None:
        super().__init__(model=base.model)
        self.base, self.log_probability = base, log_probability

    def set_X_pending(self, X_pending: Tensor | None = None) -> None:  # noqa: N802 - BoTorch's name
        """Take points `m x d` as being simulated."""
        self.base.set_X_pending(X_pending)

    def forward(self, X: Tensor) -> Tensor:
        """Return the acquisition function at X `b x q x d`, shape `b`."""
        value: Tensor = self.base(X)
        if self.log_probability is not None:
            value = value + self.log_probability(X).sum(dim=-1)
        return value


class Nothing(AcquisitionFunction):  # type: ignore[misc]  # BoTorch has no types
    """-TABOO sum over pending points of exp(-|x - x_p|^2 / (2 r^2)): nothing to gain but the probability of success.

    Args:
        radius: r, so that several points at once are not the same.
    """

    def __init__(self, radius: float) -> None:
        super().__init__(model=None)
        self.radius = radius
        self.set_X_pending(None)

    def set_X_pending(self, X_pending: Tensor | None = None) -> None:  # noqa: N802 - BoTorch's name
        """Take points `m x d` as being simulated."""
        self.X_pending = X_pending

    def forward(self, X: Tensor) -> Tensor:
        """Return the acquisition function at X `b x 1 x d`, shape `b`."""
        if self.X_pending is None or not len(self.X_pending):
            return 0.0 * X[:, 0, 0]
        squared = ((X - self.X_pending) ** 2).sum(dim=-1)
        found: Tensor = -TABOO * torch.exp(-squared / (2.0 * self.radius**2)).sum(dim=-1)
        return found


def acquisition_function(
    kind: str, posterior: Posterior, feasibility: Feasibility | None, pending: Floats, seed: int, beta: float
) -> WithSuccess:
    """Return the acquisition function `kind` of the settings, with pending points (p, d)."""
    success = log_success(feasibility, posterior.outcomes)
    if posterior.outcomes and not len(posterior.probable):
        nothing = Nothing(RADIUS * posterior.X.shape[1] ** 0.5)
        nothing.set_X_pending(torch.from_numpy(pending))
        return WithSuccess(nothing, success)
    if posterior.composite:
        baseline = _baseline(posterior, COMPOSITE_BASELINE)
        composite = CompositeAcquisition(kind, posterior, baseline, MC_SAMPLES, seed, beta)
        composite.set_X_pending(torch.from_numpy(pending))
        return WithSuccess(composite, success)
    model = posterior.botorch(posterior.units)
    sampler = SobolQMCNormalSampler(torch.Size([MC_SAMPLES]), seed=seed)
    common: dict[str, Any] = {"model": model, "sampler": sampler, "X_pending": torch.from_numpy(pending)}
    base: AcquisitionFunction
    if kind == "qLogNoisyEI":
        base = qLogNoisyExpectedImprovement(X_baseline=_baseline(posterior), prune_baseline=False, **common)
    elif kind == "qLogEI":
        base = qLogExpectedImprovement(best_f=_best_mean(posterior), **common)
    elif kind == "UCB":
        base = qUpperConfidenceBound(beta=beta, **common)
    else:
        Y = posterior.in_units(posterior.Y[posterior.probable])
        front = torch.from_numpy(Y[nondominated(-Y)])
        base = qLogNoisyExpectedHypervolumeImprovement(
            ref_point=infer_reference_point(front, scale=0.1),
            X_baseline=_baseline(posterior),
            prune_baseline=True,
            **common,
        )
    return WithSuccess(base, success)


def _baseline(posterior: Posterior, size: int = BASELINE) -> Tensor:
    """Return the points that may be best: those with the best posterior means, of every objective."""
    X = posterior.X[posterior.probable]
    means = posterior.means(X)
    if means.shape[1] == 1:
        rows = np.argsort(-means[:, 0], kind="stable")[:size]
    else:
        ranks = np.argsort(np.argsort(-means, axis=0), axis=0).min(axis=1)
        rows = np.argsort(np.where(nondominated(-means), -1, ranks), kind="stable")[:size]
    return torch.from_numpy(X[rows])


def _best_mean(posterior: Posterior) -> float:
    return float(np.max(posterior.in_units(posterior.means(posterior.X[posterior.probable]))[:, 0]))


@contextmanager
def quiet_and_reproducible(seed: int) -> Iterator[None]:
    """Run torch from `seed`, in one thread, without the numerical warnings of its libraries; nothing global stays.

    The warnings tell of jitter and of restarts that ended early, which the best of several restarts makes up for.
    Tensors are small: a second thread costs a factor of three beside busy simulations, and changes the last digits.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        for category in (BotorchWarning, NumericalWarning):
            warnings.simplefilter("ignore", category)
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def maximise(
    acquisition: WithSuccess,
    region: Region,
    n: int,
    pending: Floats,
    visited: Floats,
    best: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return n unit points (n, d), one after the other, and the acquisition function at each (n,).

    Args:
        acquisition: what is maximised.
        region: where.
        n: number of points.
        pending: points (p, d) that are being simulated.
        visited: points (v, d) that shall not be proposed again, as long as there are others.
        best: good points (k, d) to search around.
        rng: source of randomness.
    """  # fmt: skip
    found = np.empty((0, region.space.dimension))
    values = []
    for _ in range(n):
        acquisition.set_X_pending(torch.from_numpy(np.vstack([pending, found])) if len(pending) + len(found) else None)
        u, value = _maximise_one(acquisition, region, np.vstack([visited, found]), best, rng)
        found = np.vstack([found, u])
        values.append(value)
    return found, np.array(values)


def _maximise_one(
    acquisition: WithSuccess, region: Region, visited: Floats, best: Floats, rng: np.random.Generator
) -> tuple[Floats, float]:
    raw = region.candidates(RAW, rng, best)
    raw_values = _evaluate(acquisition, raw)
    start = raw[_starts(raw_values, rng)]
    climbed = _climb(acquisition, start, region)
    climbed = np.vstack([_sweep(acquisition, u, region) for u in climbed]) if region.discrete else climbed
    every = np.vstack([climbed, raw])
    values = np.concatenate([_evaluate(acquisition, climbed), raw_values])
    new = region.fresh(every, visited)
    winner = int(np.argmax(np.where(new, values, -np.inf) if new.any() else values))
    return every[winner], float(values[winner])


def _evaluate(acquisition: WithSuccess, U: Floats) -> Floats:
    with torch.no_grad():
        values = acquisition(torch.from_numpy(U)[:, None, :])
    finite: Floats = np.nan_to_num(values.numpy().astype(np.float64), nan=-1e300, neginf=-1e300)
    return finite


def _starts(values: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows to climb from: the best one, and others with probability exp(standardised value)."""
    wanted = min(RESTARTS, len(values))
    spread = np.std(values)
    weights = np.exp((values - values.max()) / spread) if spread > 0 else np.ones(len(values))
    weights[int(np.argmax(values))] = 0.0
    if wanted < 2 or np.count_nonzero(weights) < wanted - 1:
        return np.argsort(-values, kind="stable")[:wanted]
    others = rng.choice(len(values), size=wanted - 1, replace=False, p=weights / weights.sum())
    return np.concatenate([[int(np.argmax(values))], others])


def _climb(acquisition: WithSuccess, start: Floats, region: Region) -> Floats:
    """Return what is reached from `start` (r, d) by L-BFGS-B, or SLSQP under constraints; integers and choices kept."""
    if len(region.discrete) == region.space.dimension:
        return start

    def minus_sum(flat: Floats) -> tuple[float, Floats]:
        X = torch.from_numpy(flat.reshape(start.shape)).requires_grad_()
        loss = -acquisition(X[:, None, :]).sum()
        (gradient,) = torch.autograd.grad(loss, X)
        return loss.item(), np.nan_to_num(gradient.numpy().ravel())

    constrained = len(region.space.A_unit) > 0
    result = minimize(
        minus_sum,
        start.ravel(),
        jac=True,
        method="SLSQP" if constrained else "L-BFGS-B",
        bounds=region.bounds(start),
        constraints=region.inequalities(len(start)) if constrained else (),
        options={"maxiter": ITERATIONS, "ftol": TOLERANCE},
    )
    return region.pulled_back(np.nan_to_num(result.x.reshape(start.shape), nan=0.5), start)


def _sweep(acquisition: WithSuccess, u: Floats, region: Region) -> Floats:
    """Return u (d,) after moving one integer by one, or one choice to another, for as long as it helps."""
    value = _evaluate(acquisition, u[None])[0]
    for _ in range(SWEEPS):
        others = region.neighbours(u)
        if not len(others):
            break
        values = _evaluate(acquisition, others)
        if values.max() <= value:
            break
        u, value = others[int(np.argmax(values))], values.max()
    return u
