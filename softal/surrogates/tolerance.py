"""What the tolerances of a match leave open: how far its optimum may move before the deviations are no longer theirs.

The spread of `softal.surrogates.analysis.optimum` says how well the simulations locate the lowest point, and shrinks
with their number. What was measured has tolerances, which do not shrink: where each deviation x_j = (value - target) /
tolerance, or chi / tolerance, is taken as normal with the standard deviation 1, a point x of the space has the density

    p(x) ~ exp(-1/2 sum_j w_j x_j(x)^2) = exp(-1/2 W L(x)^2),      W = sum_j w_j,

L being the objective. It is known by the surrogate only: each chain has an L of its own, drawn from the posterior, so
that both uncertainties are in the spread. The prior is uniform over the space's coordinates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from softal.numeric import Floats
from softal.space import Space
from softal.surrogates.analysis import ANCHORS, optimum
from softal.surrogates.base import Surrogate

STEPS = 240  # of the chains; the first half is not used
EVERY = 12  # steps between two points of a chain that are kept
JITTER = 1e-3  # of a step [unit cube]
WIDER = 1.5  # than the region by the mean: where drawn functions have anchors


def tolerated(
    surrogate: Surrogate, weight: float, target: str | None = None, rng: np.random.Generator | None = None
) -> Floats:
    """Return points (n, d) of the unit cube, drawn from what the tolerances leave; `analysis.summary` describes them.

    64 Metropolis chains, whose steps are differences between two others, so that they have the size and the direction
    of the valley (ter Braak, Statist. Comput. 16, 239 (2006)); first by the surrogate's mean, to learn where functions
    have to be drawn, then each by its own, half of them from where functions have their optimum. All points are snapped
    and satisfy the constraints.

    Args:
        surrogate: fitted.
        weight: W, the sum of the weights of the parts of the match.
        target: name of the match; the first one unless it is named.
        rng: random numbers; a fixed seed unless it is given.
    """
    rng, space, column = rng or np.random.default_rng(0), surrogate.space, surrogate.index(target)
    starts = optimum(surrogate, rng=rng, target=target)
    own = np.arange(len(starts))

    def by_mean(U: Floats) -> Floats:
        return surrogate.posterior(U).mean[:, column]

    region = _chains(space, by_mean, weight, starts, rng)
    centre = np.mean(region, axis=0)
    wider = space.snap(np.clip(centre + WIDER * (region[-ANCHORS:] - centre), 0.0, 1.0))
    anchors = np.unique(np.vstack([space.sample(ANCHORS, rng), wider, starts]), axis=0)
    paths = surrogate.paths(len(own), rng, anchors)

    def by_draws(U: Floats) -> Floats:
        return np.asarray(paths(U)[own, own, column])

    return _chains(space, by_draws, weight, np.where(own[:, None] % 2, starts, region[-len(own) :]), rng)


def _chains(
    space: Space, loss: Callable[[Floats], Floats], weight: float, U: Floats, rng: np.random.Generator
) -> Floats:
    """Return the points that are kept of chains that start at U (chains, d), the last ones last."""

    def energies(U: Floats) -> Floats:
        snapped = space.snap(np.clip(U, 0.0, 1.0))
        inside = np.all((U >= 0.0) & (U <= 1.0), axis=1) & space.feasible(snapped)
        return np.where(inside, 0.5 * weight * loss(snapped) ** 2, np.inf)

    energy, kept = energies(U), []
    for step in range(STEPS):
        tries = U + _differences(U, rng)
        there = energies(tries)
        accepted = np.log(rng.random(len(U))) < energy - there
        U, energy = np.where(accepted[:, None], tries, U), np.where(accepted, there, energy)
        if step >= STEPS // 2 and (step + 1) % EVERY == 0:
            kept.append(space.snap(U))
    return np.vstack(kept)


def _differences(U: Floats, rng: np.random.Generator) -> Floats:
    """Return a step of each chain: gamma (U_a - U_b) of two others and a jitter; each tenth with gamma = 1."""
    chains, d = U.shape
    pairs = np.array([rng.choice(chains - 1, 2, replace=False) for _ in range(chains)])
    pairs += pairs >= np.arange(chains)[:, None]  # two others than the chain itself
    gamma = np.where(rng.random((chains, 1)) < 0.1, 1.0, 2.38 / np.sqrt(2 * d))
    return np.asarray(gamma * (U[pairs[:, 0]] - U[pairs[:, 1]]) + JITTER * rng.standard_normal(U.shape))
