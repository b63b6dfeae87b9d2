"""Minima and saddles, to rounding: quenches, Newton's method, and what the Hessian says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.clusters import kernels, saddle_kernels

QUENCHED = 1e-7  # largest component of the gradient of a minimum [epsilon/sigma]
EXACT = 1e-9  # of a point that Newton's method has been at
LONGEST = 0.1  # step of a quench [sigma]
MOST = 20_000  # gradients of a quench
VANISHING = 1e-6  # of a saddle, at most
FLAT = 1e-5  # curvature of a rigid motion, at most [epsilon/sigma^2]
CLOSEST = 0.5  # of two atoms [sigma]


@dataclass(frozen=True)
class Quench:
    """A minimum that a configuration was brought to: energy [epsilon], x (N, d), gradients it took."""

    energy: float
    x: Floats
    evaluations: int


def energy(x: Floats) -> float:
    """Return V [epsilon] of x (N, d)."""
    return float(kernels.energy_gradient(np.ascontiguousarray(x), np.empty_like(x)))


def gradient(x: Floats) -> Floats:
    """Return dV/dx (N, d) [epsilon/sigma]."""
    g = np.empty_like(x)
    kernels.energy_gradient(np.ascontiguousarray(x), g)
    return g


def hessian(x: Floats) -> Floats:
    """Return the second derivatives of V at x (N, d), (N d, N d) [epsilon/sigma^2]."""
    h = np.empty((x.size, x.size))
    kernels.hessian(np.ascontiguousarray(x), h)
    return h


def quench(x: Floats, tolerance: float = QUENCHED, longest: float = LONGEST) -> Quench:
    """Minimise V from x (N, d).

    Args:
        x: where to begin.
        tolerance: of the largest component of the gradient [epsilon/sigma].
        longest: length of a step [sigma]; short ones stay in the basin.
    """
    x = np.array(x, dtype=np.float64, order="C")
    found, _, used = kernels.minimise(x, np.zeros(x.size), tolerance, MOST, longest)
    return Quench(float(found), x, int(used))


def check_atoms(x: Floats, name: str) -> None:
    """Raise TheoryError where a configuration is no cluster: not finite, atoms on top of each other."""
    if x.ndim != 2 or x.shape[1] not in (2, 3) or len(x) < 3:
        raise TheoryError(f"the {name} has the shape {x.shape}; allowed: (atoms, 2 or 3), 3 atoms or more")
    if not np.all(np.isfinite(x)):
        raise TheoryError(f"the {name} holds coordinates that are not finite")
    apart = np.linalg.norm(x[:, None] - x[None], axis=2) + np.diag(np.full(len(x), np.inf))
    i, j = (int(k) for k in np.unravel_index(np.argmin(apart), apart.shape))
    if apart[i, j] < CLOSEST:
        raise TheoryError(
            f"the {name} has atoms on top of each other: {min(i, j)} and {max(i, j)} are {apart[i, j]:.3g} sigma "
            f"apart; allowed: {CLOSEST:g} or more"
        )


@dataclass(frozen=True)
class Stationary:
    """A point where the gradient vanishes, and its Hessian.

    Attributes:
        energy: V [epsilon].
        x: (N, d) [sigma].
        gradient: its largest component [epsilon/sigma].
        curvatures: eigenvalues of the Hessian without rigid motions, in order [epsilon/sigma^2].
        mode: eigenvector of the lowest one, (N, d).
    """

    energy: float
    x: Floats
    gradient: float
    curvatures: Floats
    mode: Floats

    @property
    def index(self) -> int:
        """How many curvatures are negative: 0 of a minimum, 1 of a saddle."""
        return int(np.sum(self.curvatures < -FLAT))


def is_bowl(x: Floats) -> bool:
    """Say whether no curvature at x (N, d) is negative: by Cholesky's decomposition, 30 times faster than `exact`."""
    h = np.empty((x.size, x.size))
    saddle_kernels.lifted_hessian(np.ascontiguousarray(x), h)
    try:
        np.linalg.cholesky(h + FLAT * np.eye(len(h)))
    except np.linalg.LinAlgError:
        return False
    return True


def exact(x: Floats, turns: int = 8) -> Stationary:
    """Return the stationary point next to x (N, d), by Newton's method without rigid motions.

    The Hessian is that at the point itself. Where Newton's method leads away, the point is returned with the gradient
    that it has, so look at `gradient`.
    """
    x = np.array(x, dtype=np.float64, order="C")
    h, d = np.empty((x.size, x.size)), x.shape[1]
    rigid = d * (d + 1) // 2
    for turn in range(turns):
        saddle_kernels.lifted_hessian(x, h)
        values, vectors = np.linalg.eigh(h)
        # Rigid motions are lifted to one value; they are those vectors that overlap with them.
        of_rigid = np.argsort(np.sum((saddle_kernels.rigid_motions(x) @ vectors) ** 2, axis=0))[-rigid:]
        inner = np.ones(x.size, dtype=bool)
        inner[of_rigid] = False
        g = gradient(x).ravel()
        size = float(np.max(np.abs(g)))
        if size < EXACT or turn == turns - 1:
            break
        along = vectors[:, inner].T @ g
        curvature = values[inner]
        step = vectors[:, inner] @ (along / np.where(np.abs(curvature) < 1e-3, 1e-3, curvature))
        x -= (step * min(1.0, 0.1 / max(float(np.linalg.norm(step)), 1e-300))).reshape(x.shape)
    first = int(np.flatnonzero(inner)[0])
    return Stationary(energy(x), x, size, np.asarray(values[inner]), vectors[:, first].reshape(x.shape))
