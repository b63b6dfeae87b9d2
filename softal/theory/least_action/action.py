"""The Onsager-Machlup action of a trajectory with its boundary and energy terms, as a sum of squares.

    L = sum_t w_t |m q''(t) + dV/dq|^2 + lambda_1 |q(0) - Q_0|^2 + lambda_2 |q(T) - Q_T|^2
        + lambda_3 mean_t (E(t) - E_0)^2

Source: B. Wang, S. Jackson, A. Nakano, K. Nomura, P. Vashishta, R. Kalia, M. Stevens, J. Chem. Inf. Model. 62, 3346
(2022), eq. 4 to 6; eq. 5 leaves the masses out, eq. 2 has them. w_t = dt there; other grids have other weights.

L = |r|^2 with the residuals r of the four terms one after another. Jacobian products take one Hessian product of the
potential each, so that gradients cost as much as two or three energies, and Gauss-Newton needs no matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.least_action.potentials import LennardJones, Linearised, Lists, Potential
from softal.theory.least_action.representations import Grid, Motion, Representation

OVERLAP = 1e6  # potential energy of an atom that no liquid or cluster has [epsilon]


@dataclass(frozen=True)
class Lambdas:
    """Weights of the terms beside the action: start, end [epsilon^2/sigma^4 time] and energy [time/sigma^2]."""

    start: float = 1.0
    end: float = 1.0
    energy: float = 0.0

    def __post_init__(self) -> None:
        for name in ("start", "end", "energy"):
            if not 0 <= getattr(self, name) < np.inf:
                raise TheoryError(f"lambda of the {name} is {getattr(self, name):g}; allowed: a number from 0 on")


@dataclass(frozen=True)
class Terms:
    """The terms of L, each with its lambda: action, start, end, energy; `total` is L."""

    action: float
    start: float
    end: float
    energy: float

    @property
    def total(self) -> float:
        """L."""
        return self.action + self.start + self.end + self.energy


class Action:
    """L of trajectories in a representation; see the module.

    Args:
        potential: V.
        masses: of all atoms, or of each (N,) [mass].
        representation: of the trajectory, with its end points.
        grid: times and weights.
        lambdas: of the other terms.
        energy: E_0 [epsilon]; None leaves its term out.
    """

    def __init__(
        self,
        potential: Potential,
        masses: float | Floats,
        representation: Representation,
        grid: Grid,
        lambdas: Lambdas = Lambdas(),
        energy: float | None = None,
    ) -> None:
        ends = representation.ends
        count = len(ends.start)
        self.masses = np.broadcast_to(np.asarray(masses, dtype=np.float64), (count,)).copy()
        if not np.all((self.masses > 0) & np.isfinite(self.masses)):
            raise TheoryError("a mass is not a finite number above 0")
        self.potential, self.representation, self.grid, self.lambdas = potential, representation, grid, lambdas
        self.energy = energy
        self._check_ends()
        self.sampled = representation.sampled(grid.times)
        self._soft = None if representation.exact_ends else representation.sampled(np.array([0.0, ends.duration]))
        self._lists: Lists | None = None

    def _check_ends(self) -> None:
        ends = self.representation.ends
        potential = self.potential.linearised(np.stack([ends.start, ends.end])).energy
        most = OVERLAP * len(ends.start)
        for name, U in zip(("start", "end"), potential.tolist(), strict=True):
            if not np.isfinite(U) or most < U:
                raise TheoryError(f"the {name} has atoms on top of each other: its potential energy is {U:.3g}")
            if self.energy is not None and self.energy < U:
                raise TheoryError(
                    f"the energy E_0 is {self.energy:.9g}, below the {name}'s potential energy {U:.9g}; "
                    "allowed: at least that"
                )

    def at(self, parameters: Floats) -> Residuals:
        """Return the residuals at parameters (n,), and their derivatives."""
        return Residuals(self, parameters)

    def linearised(self, q: Floats) -> Linearised:
        """Return the potential at q (P, N, d), with lists of pairs that are kept as long as they are good."""
        if not isinstance(self.potential, LennardJones):
            return self.potential.linearised(q)
        if self._lists is None:
            self._lists = self.potential.lists(q)
        return self._lists.linearised(q)

    @property
    def soft_ends(self) -> bool:
        """Whether the end points have terms of their own."""
        return self._soft is not None

    def ends_of(self, parameters: Floats) -> Floats:
        """Return the positions at 0 and T, (2, N, d)."""
        assert self._soft is not None
        return self._soft.motion(parameters)[0]

    def push_ends(self, parameters: Floats, change: Floats) -> Floats:
        """Return the change of the positions at 0 and T, (2, N, d)."""
        assert self._soft is not None
        return self._soft.push(parameters, change)[0]

    def pull_ends(self, parameters: Floats, on_ends: Floats) -> Floats:
        """Return the transposed derivative of `ends_of`, (n,)."""
        assert self._soft is not None
        nothing = np.zeros_like(on_ends)
        return self._soft.pull(parameters, (on_ends, nothing, nothing))


class Residuals:
    """r at given parameters, with products of its Jacobian.

    Attributes:
        values: r (R,).
        motion: positions, velocities, accelerations (P, N, d).
        energies: E(t) (P,) [epsilon].
    """

    def __init__(self, action: Action, parameters: Floats) -> None:
        self._action, self._parameters = action, parameters
        self.motion: Motion = action.sampled.motion(parameters)
        q, v, a = self.motion
        self._near = action.linearised(q)
        self._mass = action.masses[None, :, None]
        self._root = np.sqrt(action.grid.weights)[:, None, None]
        self.energies: Floats = self._near.energy + 0.5 * np.sum(self._mass * v**2, axis=(1, 2))
        self._end_roots = np.sqrt([action.lambdas.start, action.lambdas.end])[:, None, None]
        of_energy = action.energy is not None and action.lambdas.energy > 0
        self._energy_root = np.sqrt(action.lambdas.energy / len(q)) if of_energy else None
        parts = [self._root * (self._mass * a - self._near.forces)]
        if action.soft_ends:
            ends = action.representation.ends
            parts.append(self._end_roots * (action.ends_of(parameters) - np.stack([ends.start, ends.end])))
        if self._energy_root is not None:
            parts.append(self._energy_root * (self.energies - action.energy))
        self._parts = parts
        self.values: Floats = _flat(parts)

    @property
    def total(self) -> float:
        """L = |r|^2."""
        return float(self.values @ self.values)

    @property
    def terms(self) -> Terms:
        """The four terms of L."""
        squares = [float(np.sum(part**2)) for part in self._parts]
        ends = [float(np.sum(one**2)) for one in self._parts[1]] if self._action.soft_ends else [0.0, 0.0]
        return Terms(squares[0], ends[0], ends[1], squares[-1] if self._energy_root is not None else 0.0)

    @property
    def gradient(self) -> Floats:
        """dL/dparameters (n,)."""
        return 2 * self.pull(self.values)

    def push(self, change: Floats) -> Floats:
        """Return the Jacobian times a change of the parameters (n,), as (R,)."""
        action = self._action
        dq, dv, da = action.sampled.push(self._parameters, change)
        parts = [self._root * (self._mass * da + self._near.hessian_product(dq))]
        if action.soft_ends:
            parts.append(self._end_roots * action.push_ends(self._parameters, change))
        if self._energy_root is not None:
            v = self.motion[1]
            parts.append(self._energy_root * np.sum(self._mass * v * dv - self._near.forces * dq, axis=(1, 2)))
        return _flat(parts)

    def pull(self, values: Floats) -> Floats:
        """Return the transposed Jacobian times values (R,), as (n,)."""
        action, shape = self._action, self.motion[0].shape
        weighted = self._root * values[: int(np.prod(shape))].reshape(shape)
        on_q, on_v, on_a = self._near.hessian_product(weighted), np.zeros(shape), self._mass * weighted
        if self._energy_root is not None:
            on_energy = (self._energy_root * values[-len(self.energies) :])[:, None, None]
            on_q -= on_energy * self._near.forces
            on_v += on_energy * self._mass * self.motion[1]
        pulled = action.sampled.pull(self._parameters, (on_q, on_v, on_a))
        if action.soft_ends:
            begin, size = int(np.prod(shape)), 2 * int(np.prod(shape[1:]))
            on_ends = self._end_roots * values[begin : begin + size].reshape(2, *shape[1:])
            pulled += action.pull_ends(self._parameters, on_ends)
        return pulled


def _flat(parts: list[Floats]) -> Floats:
    return np.concatenate([part.ravel() for part in parts])
