r"""The learner as a committee: fits that disagree about the energies of a state, for the strategy `committee`.

A potential says energies of environments, and the strategy asks about points of the space. So members predict, at a
point, what each of them makes of environments as they are found there:

    f_bk(x) = (c_b - c) . z_bk(x),    z_bk(x) = m_b(x) + s_b(x) e_k,    k = 1 ... ENVIRONMENTS

- c_b are coefficients fitted to all runs with weights that are drawn from an exponential distribution (D. B. Rubin,
  Ann. Stat. 9, 130 (1981)): as drawing runs with replacement, but that no run is ever left out, so that every fit
  exists. Environments of a run are alike, so runs are drawn. To these is added a draw of what energies of unseen runs
  are wrong by the more the less their environments are known (b of `errors`): what the functions cannot say. c is the
  mean over the members.
- m and s are means and standard deviations of a state's functions, whitened; e_k are normal numbers, the same at all
  points. Over the space they are Gaussian processes of their leading components over the runs, and each member has
  functions drawn from these. Where no run is near, members think of different environments, widely spread.

What a member says is how far its energies are from what all members say of the same environments. Their variance is
then the variance of the fit's energies at x, averaged over what may be found there: (m . C m) of environments that are
known, and tr(C S) more of those that are not, with the covariance C of the coefficients and S of the environments. That
the energy itself changes over the space, or that one does not know which state is at x, is not counted as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.space import Space
from softal.surrogates.encoding import Encoding
from softal.surrogates.gaussian_processes.exact_gp import Paths
from softal.surrogates.gaussian_processes.gp import train
from softal.surrogates.symmetry_potential.data import Run, systems
from softal.surrogates.symmetry_potential.errors import Believed, Whitened
from softal.surrogates.symmetry_potential.fit import Triangle, chosen, fitted
from softal.surrogates.symmetry_potential.training import FEWEST, left_out
from softal.surrogates.threads import single_threaded

if TYPE_CHECKING:
    from softal.surrogates.symmetry_potential.settings import SymmetryPotentialSettings

ENVIRONMENTS = 8  # of a state, whose energies members predict
COMPONENTS = 8  # of states over the space, at most
NEGLIGIBLE = 1e-3  # part of the states' variance in components that are left out
ANCHORS = 256  # points at which the drawn functions are exact
NARROWEST = 1e-3  # standard deviation within a state, of that over all runs
RIDGE = 1e-3  # of the trend's coefficients, over the number of runs
MAX_FIT = 150  # hyperparameters of a component are fitted on at most so many runs


@dataclass(frozen=True)
class States:
    """What environments there are over the space: one draw for each member.

    Attributes:
        mean: (2 m,) of means and logarithms of standard deviations over the runs.
        vectors: (J, 2 m) their leading components.
        trend: of the components, over the terms of `terms`, (D, J).
        encoding: of the space's columns.
        paths: of each component, functions X (n, d) -> (members, n), and their mean and scale.
    """

    mean: Floats
    vectors: Floats
    trend: Floats
    encoding: Encoding
    paths: Sequence[tuple[Paths, float, float]]

    @classmethod
    def of(cls, runs: Floats, U: Floats, space: Space, members: int, rng: np.random.Generator) -> States:
        """Learn from means and logarithms of standard deviations of runs (T, 2 m) at unit points U (T, d)."""
        mean = runs.mean(axis=0)
        _, sizes, vectors = np.linalg.svd(runs - mean, full_matrices=False)
        part = np.cumsum(sizes**2) / max(float(np.sum(sizes**2)), 1e-300)
        kept = min(COMPONENTS, len(runs) - 1, int(np.sum(part < 1 - NEGLIGIBLE)) + 1)
        anchors, encoding = space.sample(ANCHORS, rng), Encoding.of(U, space.categorical)
        scores = (runs - mean) @ vectors[:kept].T
        along = terms(encoding, U)
        trend = np.linalg.solve(along.T @ along + RIDGE * len(U) * np.eye(along.shape[1]), along.T @ scores)
        paths = []
        for rest in (scores - along @ trend).T:
            unknown, all_of_them = np.full(len(U), np.nan), np.ones(len(U), dtype=np.bool_)
            gp, scaling = train(U, rest, unknown, space.categorical, None, MAX_FIT, len(U), all_of_them)
            paths.append((gp.paths(anchors, members, rng), scaling.mean, scaling.scale))
        return cls(mean, vectors[:kept], trend, encoding, paths)

    def __call__(self, X: Floats) -> tuple[Floats, Floats]:
        """Return means and standard deviations (members, n, m) of whitened functions at X (n, d)."""
        scores = np.stack([mean + scale * path(X) for path, mean, scale in self.paths], axis=-1)
        scores = scores + terms(self.encoding, X) @ self.trend
        means, logarithms = np.split(self.mean + scores @ self.vectors, 2, axis=-1)
        return means, np.exp(logarithms)


def terms(encoding: Encoding, U: Floats) -> Floats:
    """Return the terms of the trend (n, D) at unit points U (n, d): 1, numbers and choices, squares of numbers."""
    encoded = encoding(U) - 0.5
    return np.column_stack([np.ones(len(U)), encoded, encoded[:, : len(encoding.numeric)] ** 2])


@single_threaded
def committee(
    runs: Sequence[Run], space: Space, settings: SymmetryPotentialSettings, seed: int
) -> Callable[[Floats], Floats]:
    """Return X (n, d) -> predictions (members, n, ENVIRONMENTS), in units of the energies' standard deviation.

    Args:
        runs: to learn from.
        space: of their points, in whose unit cube X lies.
        settings: of the learner; nothing is held out.
        seed: of the members.

    Raises:
        SurrogateError: there are too few runs, or nothing varies.
    """
    points = max(systems(runs), default=-1) + 1
    if points < FEWEST:
        raise SurrogateError(f"a committee learns from runs at {FEWEST} points at least; there are {points}")
    rng, every = np.random.default_rng(seed), Triangle.joined([run.found.triangle for run in runs])
    order = np.sort(chosen(every, settings.functions, settings.intercept))
    known = Whitened.of(every, order)
    offset, slope = _members(runs, order, known, settings, seed)
    states = States.of(_runs(runs, order, known), space.to_unit([run.point for run in runs]), space, len(slope), rng)
    drawn, size = rng.standard_normal((ENVIRONMENTS, len(order))), np.sqrt(every.variance)

    def predictions(X: Floats) -> Floats:
        means, widths = states(X)
        middle = np.einsum("bnm,bm->bn", means, slope) + offset[:, None]
        return np.asarray((middle[:, :, None] + np.einsum("bnm,bm,km->bnk", widths, slope, drawn)) / size)

    return predictions


def _members(
    runs: Sequence[Run], order: NDArray[np.int64], known: Whitened, settings: SymmetryPotentialSettings, seed: int
) -> tuple[Floats, Floats]:
    """Return how far each member's energy is from all members' at the mean environment (B,), and its slopes (B, m)."""
    rng, steps, fits = np.random.default_rng([seed, 1]), np.arange(len(order)), []
    triangles = [run.found.triangle.take(order) for run in runs]
    for _ in range(settings.members):
        weights = rng.exponential(size=len(triangles))
        fits.append(fitted(Triangle.joined(triangles, weights / weights.mean()), steps, settings.intercept))
    unsaid = _unsaid(runs, order, settings.intercept)
    size = unsaid.s * np.sqrt(unsaid.b)
    drawn = size * rng.standard_normal((settings.members, len(order))) @ unsaid.known.W.T
    coefficients = np.array([fit.coefficients for fit in fits]) + drawn
    constants = np.array([fit.intercept for fit in fits]) - drawn @ unsaid.known.centre
    if settings.intercept:
        constants += size * rng.standard_normal(settings.members)
    coefficients, constants = coefficients - coefficients.mean(axis=0), constants - constants.mean()
    return constants + coefficients @ known.centre, np.linalg.solve(known.W, coefficients.T).T


def _unsaid(runs: Sequence[Run], order: NDArray[np.int64], intercept: bool) -> Believed:
    """Return the errors of the fit to all runs, calibrated by leaving them out in turn."""
    every = Triangle.joined([run.found.triangle.take(order) for run in runs])
    errors = Believed.of(every, fitted(every, np.arange(len(order)), intercept), intercept)
    wrong, h = left_out(runs, order, intercept)
    return errors.calibrated(h, wrong)


def _runs(runs: Sequence[Run], order: NDArray[np.int64], known: Whitened) -> Floats:
    """Return means and logarithms of standard deviations (T, 2 m) of the whitened functions of each run."""
    found = []
    for run in runs:
        white = (run.found.X[:, order] - known.centre) @ known.W
        found.append(np.concatenate([white.mean(axis=0), np.log(np.maximum(white.std(axis=0), NARROWEST))]))
    return np.array(found)
