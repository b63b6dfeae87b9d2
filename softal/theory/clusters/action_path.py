"""A path between two clusters by least action, with ends that meet and a first guess in which no atoms do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.numeric import Floats
from softal.theory.clusters.band import straight
from softal.theory.clusters.stationary import energy as energy_of
from softal.theory.least_action.action import Action, Lambdas
from softal.theory.least_action.optimisers import GaussNewton, Nadam, Optimiser, minimise
from softal.theory.least_action.potentials import LennardJones
from softal.theory.least_action.representations import REPRESENTATIONS, Ends

BEND = 0.05  # of the straight line at random [sigma]


@dataclass(frozen=True)
class ActionPath:
    """What least action found.

    Attributes:
        times: (P,) [sigma (m / epsilon)^(1/2)], from 0 to T.
        frames: (P, N, d) [sigma].
        energies: potential energies (P,) [epsilon].
        loss: L.
        iterations, evaluations: of the optimiser; of gradients and Hessian products of one configuration.
    """

    times: Floats
    frames: Floats
    energies: Floats
    loss: float
    iterations: int
    evaluations: int

    @property
    def length(self) -> float:
        """Eq. 7: the length in the space of all coordinates [sigma]."""
        steps = np.diff(self.frames, axis=0).reshape(len(self.frames) - 1, -1)
        return float(np.sum(np.linalg.norm(steps, axis=1)))


def least_action_path(
    start: Floats,
    end: Floats,
    *,
    duration: float,
    points: int,
    width: int,
    representation: str,
    optimiser: str,
    iterations: int,
    lambdas: Lambdas,
    energy: float | None,
    seed: int,
    inner: int = 200,
    rate: float = 1e-3,
) -> ActionPath:
    """Minimise the Onsager-Machlup action between two configurations of free atoms of mass 1.

    Args:
        start, end: (N, d) [sigma], aligned.
        duration: T [sigma (m / epsilon)^(1/2)].
        points: at which equations of motion are to hold.
        width: functions, or hidden units.
        representation, optimiser: names in `REPRESENTATIONS`, `OPTIMISERS`.
        iterations: of the optimiser, at most.
        lambdas: weights.
        energy: E_0 [epsilon]; None leaves its term out.
        seed: of the bend of the first guess, and of hidden units.
        inner: LSMR iterations of a step, at most.
        rate: of NADAM.

    Raises:
        TheoryError: end points that cannot be, E_0 below the potential energy of one of them.
    """
    ends = Ends(start, end, duration)
    family = REPRESENTATIONS[representation](ends, width)
    action = Action(LennardJones.free(start.shape[1]), 1.0, family, family.grid(points), lambdas, energy)
    rng = np.random.default_rng(seed)
    guess = straight(start, end, 2 * points + 1, rng, BEND)
    parameters = family.nearest(np.linspace(0, duration, len(guess)), guess, seed)
    made: Optimiser = (
        Nadam(action, parameters, rate) if optimiser == "nadam" else GaussNewton(action, parameters, inner)
    )
    minimise(made, iterations)
    times = np.linspace(0, duration, points + 1, dtype=np.float64)
    frames = np.ascontiguousarray(family.sampled(times).motion(made.parameters)[0])
    energies = np.array([energy_of(frame) for frame in frames])
    return ActionPath(times, frames, energies, made.total, made.iterations, (made.products + made.iterations) * points)
