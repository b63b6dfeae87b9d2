"""Trajectories as functions of parameters, with velocities and accelerations in closed form.

    Sines        q(t) = line + sum_n c_n sin(n pi t / T), eq. 3 of the paper (Passerone and Parrinello)
    Polynomials  q(t) = line + sum_n c_n p_n(t), polynomials up to degree n + 1 (Chebyshev's space)
    Prolate      the same with accelerations of limited bandwidth, which waste no points at the ends
    Network      q(t) = W tanh(u t + b) + c: one hidden layer that all coordinates share

All but the network keep both end points exactly, and are linear in their parameters. These are scaled such that second
derivatives of the functions are orthonormal over the time: then the Jacobian of m q'' - F is the mass plus what the
potential does within a time step of that order, and needs no other preconditioner (spectral integration: L. Greengard,
SIAM J. Numer. Anal. 28, 1071 (1991)). A sine series of a trajectory whose acceleration does not vanish at the ends
converges as n^-3 only, since each of its terms has none there. Polynomials converge exponentially, but need pi points
for each wave length in the middle of the time, where their points are pi/2 times as far apart as equal steps; prolate
functions need little more than two.

Parameters are one vector (n,), so that optimisers need not know what they are; positions are (P, N, d) [sigma].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from softal.errors import TheoryError
from softal.numeric import Floats

Motion = tuple[Floats, Floats, Floats]  # positions, velocities, accelerations at P times, (P, N, d) each


@dataclass(frozen=True)
class Grid:
    """Times at which equations of motion are to hold.

    Attributes:
        times: (P,) [time].
        weights: of an integral over the time, (P,) [time].
    """

    times: Floats
    weights: Floats

    @classmethod
    def uniform(cls, duration: float, steps: int) -> Grid:
        """Return times from 0 to T in equal steps, both ends included, each with the step as its weight (eq. 5)."""
        return cls(np.linspace(0, duration, steps + 1, dtype=np.float64), np.full(steps + 1, duration / steps))

    @classmethod
    def midpoints(cls, duration: float, points: int) -> Grid:
        """Return the middles of equal steps."""
        return cls(
            np.asarray((np.arange(points) + 0.5) * (duration / points), dtype=np.float64),
            np.full(points, duration / points),
        )

    @classmethod
    def gauss(cls, duration: float, points: int) -> Grid:
        """Return Gauss and Legendre's points, at which polynomials of degree 2 P - 1 are integrated exactly."""
        x, weights = legendre.leggauss(points)
        return cls(
            np.asarray((x + 1) * (duration / 2), dtype=np.float64),
            np.asarray(weights * (duration / 2), dtype=np.float64),
        )


@dataclass(frozen=True)
class Ends:
    """What is known of a trajectory: where it begins and ends, and how long it takes.

    Attributes:
        start, end: (N, d) [sigma]; in a periodic box the end goes on beyond its faces.
        duration: T [time].

    Raises:
        TheoryError: shapes that differ, coordinates that are not finite, a duration that is not positive.
    """

    start: Floats
    end: Floats
    duration: float

    def __post_init__(self) -> None:
        if self.start.ndim != 2 or self.start.shape != self.end.shape:
            raise TheoryError(f"the end points have the shapes {self.start.shape} and {self.end.shape}; "
                              "allowed: two equal ones (atoms, dimensions)")  # fmt: skip
        if not (np.all(np.isfinite(self.start)) and np.all(np.isfinite(self.end))):
            raise TheoryError("the end points hold coordinates that are not finite")
        if not 0 < self.duration < np.inf:
            raise TheoryError(f"the duration is {self.duration:g}; allowed: a finite number above 0")

    def line(self, times: Floats) -> Floats:
        """Return the straight line between the ends at `times` (P,), shape (P, N, d)."""
        return np.asarray(self.start + (times / self.duration)[:, None, None] * (self.end - self.start))

    @property
    def reversed(self) -> Ends:
        """The same, backwards."""
        return Ends(self.end, self.start, self.duration)


class Sampled(ABC):
    """A representation at given times: its motion, and how it changes with the parameters."""

    @abstractmethod
    def motion(self, parameters: Floats) -> Motion:
        """Return positions, velocities and accelerations."""

    @abstractmethod
    def push(self, parameters: Floats, change: Floats) -> Motion:
        """Return the motion's derivative along a change of the parameters (n,)."""

    @abstractmethod
    def pull(self, parameters: Floats, motion: Motion) -> Floats:
        """Return the transposed derivative, (n,), applied to the shape of a motion."""


class Representation(ABC):
    """A family of trajectories between two end points; see the module.

    Attributes:
        exact_ends: whether every one of them has the end points.
    """

    exact_ends: bool

    def __init__(self, ends: Ends, size: int) -> None:
        if size < 1:
            raise TheoryError(f"a trajectory of {size} functions is asked for; allowed: 1 or more")
        self.ends, self.size = ends, size

    @abstractmethod
    def grid(self, points: int) -> Grid:
        """Return the times that suit it best."""

    @abstractmethod
    def sampled(self, times: Floats) -> Sampled:
        """Return it at `times` (P,)."""

    @abstractmethod
    def nearest(self, times: Floats, positions: Floats, seed: int = 0) -> Floats:
        """Return parameters (n,) of a trajectory near positions (P, N, d) at `times` (P,).

        seed: of what is random.
        """

    def straight(self, seed: int = 0) -> Floats:
        """Return parameters (n,) of the straight line, or nearly so."""
        times = np.linspace(0, self.ends.duration, 4 * self.size)
        return self.nearest(times, self.ends.line(times), seed)


class LinearBasis(Representation):
    """The straight line, and functions that vanish at both ends; parameters (size, N, d) as one vector."""

    exact_ends = True

    @abstractmethod
    def functions(self, times: Floats) -> Motion:
        """Return the functions and their first and second derivatives, (P, size) each."""

    def sampled(self, times: Floats) -> Sampled:
        """Return it at `times` (P,)."""
        return _SampledBasis(self, times)

    def nearest(self, times: Floats, positions: Floats, seed: int = 0) -> Floats:
        """Return the parameters (n,) of the trajectory nearest to positions (P, N, d) at `times` (P,)."""
        apart = (positions - self.ends.line(times)).reshape(len(times), -1)
        return np.asarray(np.linalg.lstsq(self.functions(times)[0], apart, rcond=1e-8)[0].ravel())


class _SampledBasis(Sampled):
    def __init__(self, basis: LinearBasis, times: Floats) -> None:
        ends = basis.ends
        velocity = (ends.end - ends.start) / ends.duration
        self._shape, self._size = ends.start.shape, basis.size
        self._functions = basis.functions(times)
        self._line, self._velocity = ends.line(times), velocity

    def motion(self, parameters: Floats) -> Motion:
        q, v, a = self.push(parameters, parameters)
        return self._line + q, self._velocity + v, a

    def push(self, parameters: Floats, change: Floats) -> Motion:
        columns = change.reshape(self._size, -1)
        q, v, a = ((phi @ columns).reshape(len(phi), *self._shape) for phi in self._functions)
        return q, v, a

    def pull(self, parameters: Floats, motion: Motion) -> Floats:
        total = np.zeros((self._size, int(np.prod(self._shape))))
        for phi, x in zip(self._functions, motion, strict=True):
            total += phi.T @ x.reshape(len(phi), -1)
        return total.ravel()


class Sines(LinearBasis):
    """Sines of half periods 1 to `size`."""

    def grid(self, points: int) -> Grid:
        """Return midpoints, on which the sines are orthogonal."""
        return Grid.midpoints(self.ends.duration, points)

    def functions(self, times: Floats) -> Motion:
        """Return sqrt(2) sin(w t) / w^2 and its derivatives, w = n pi / T, (P, size) each."""
        w = np.arange(1, self.size + 1) * (np.pi / self.ends.duration)
        phase, root = np.outer(times, w), np.sqrt(2)
        return root * np.sin(phase) / w**2, root * np.cos(phase) / w, -root * np.sin(phase)


class Prolate(LinearBasis):
    """Functions whose second derivatives are the first `size` prolate spheroidal wave functions psi_n(x; c).

    On x = 2 t / T - 1 they are the most concentrated of all functions without frequencies above 2 c / T, orthonormal;
    with c = 0 they are Legendre polynomials. Their expansion in these has eigenvectors of a matrix with three bands.

    Args:
        ends: of the trajectory.
        size: number of functions.
        fill: c in units of pi size / 2, at which `size` functions are just enough for all frequencies up to c.

    Source: H. Xiao, V. Rokhlin, N. Yarvin, Inverse Problems 17, 805 (2001).
    """

    fill = 0.8  # of 0 to 0.8 the best for liquid argon, 20 to 30 points over 1 ps

    def __init__(self, ends: Ends, size: int, fill: float | None = None) -> None:
        super().__init__(ends, size)
        self._c = (self.fill if fill is None else fill) * np.pi * size / 2

    def grid(self, points: int) -> Grid:
        """Return the zeros of psi_P, with weights that integrate psi_0 to psi_(P - 1)."""
        coefficients = prolate_functions(points + 1, self._c)
        x = _zeros(coefficients[:, -1], points)
        at_zeros = legendre.legval(x, coefficients[:, :-1])  # (P functions, P zeros)
        weights: Floats = np.asarray(np.linalg.solve(at_zeros, 2 * coefficients[0, :-1]), dtype=np.float64)
        half = self.ends.duration / 2
        return Grid((x + 1) * half, weights * half)

    def functions(self, times: Floats) -> Motion:
        """Return the functions and their derivatives, (P, size) each; x = 2 t / T - 1."""
        half = self.ends.duration / 2
        x = times / half - 1
        second = np.sqrt(2) * prolate_functions(self.size, self._c)
        first = legendre.legint(second)
        zeroth = legendre.legint(first)
        at_ends = legendre.legval(np.array([-1.0, 1.0]), zeroth)  # (size, 2)
        slope, middle = (at_ends[:, 1] - at_ends[:, 0]) / 2, (at_ends[:, 1] + at_ends[:, 0]) / 2
        zeroth[0] -= middle
        zeroth[1] -= slope
        first[0] -= slope
        scales = (half**2, half, 1.0)
        q, v, a = (s * legendre.legval(x, c).T for s, c in zip(scales, (zeroth, first, second), strict=True))
        return q, v, a


class Polynomials(Prolate):
    """Polynomials with degrees 2 to `size` + 1, whose second derivatives are Legendre's; Gauss points."""

    fill = 0.0


def prolate_functions(count: int, c: float) -> Floats:
    """Return Legendre coefficients (m, count) of psi_0 to psi_(count - 1), orthonormal on [-1, 1]."""
    size = 2 * count + int(c) + 30
    k = np.arange(size, dtype=np.float64)
    diagonal = k * (k + 1) + (2 * k * (k + 1) - 1) / ((2 * k + 3) * (2 * k - 1)) * c**2
    beside = (k + 2) * (k + 1) / ((2 * k + 3) * np.sqrt((2 * k + 1) * (2 * k + 5))) * c**2
    matrix = np.diag(diagonal) + np.diag(beside[:-2], 2) + np.diag(beside[:-2], -2)
    vectors = np.linalg.eigh(matrix)[1][:, :count]
    return np.asarray(vectors * np.sqrt(k + 0.5)[:, None])


def _zeros(coefficients: Floats, count: int) -> Floats:
    """Return the `count` zeros of a Legendre series in (-1, 1)."""
    from scipy.optimize import brentq

    x = np.cos(np.linspace(np.pi, 0, 40 * count + 1))
    y = legendre.legval(x, coefficients)
    places = np.flatnonzero(np.sign(y[:-1]) != np.sign(y[1:]))
    return np.array([brentq(legendre.legval, x[i], x[i + 1], (coefficients,), xtol=1e-15) for i in places[:count]])


class Network(Representation):
    """One hidden layer of `size` tanh units; see the module.

    tau = 2 t / T - 1 goes in; parameters are u and b (size,), W (size, N d) and c (N d,), one after another. The paper
    does not name its activation; tanh has all derivatives.
    """

    exact_ends = False

    def grid(self, points: int) -> Grid:
        """Return equal steps with both ends, as the paper has them."""
        return Grid.uniform(self.ends.duration, points)

    def sampled(self, times: Floats) -> Sampled:
        """Return it at `times` (P,)."""
        return _SampledNetwork(self, times)

    def nearest(self, times: Floats, positions: Floats, seed: int = 0) -> Floats:
        """Return hidden units at random, and the last layer that comes nearest to positions (P, N, d) at `times`."""
        rng, size = np.random.default_rng(seed), self.size
        # Each unit bends somewhere within the time; slopes up to what resolves a few of the periods of a liquid.
        u = rng.uniform(1.0, 8.0, size) * rng.choice([-1.0, 1.0], size)
        b = -u * rng.uniform(-1.2, 1.2, size)
        hidden = np.tanh(np.outer(2 * times / self.ends.duration - 1, u) + b)
        design = np.column_stack([hidden, np.ones(len(times))])
        # Of all last layers that do it the one with the least weights, within rounding.
        last = np.linalg.lstsq(design, positions.reshape(len(times), -1), rcond=1e-10)[0]
        return np.concatenate([u, b, last.ravel()])


class _SampledNetwork(Sampled):
    def __init__(self, network: Network, times: Floats) -> None:
        self._size, self._shape = network.size, network.ends.start.shape
        self._rate = 2 / network.ends.duration
        self._tau = times * self._rate - 1

    def _split(self, parameters: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        n = self._size
        last = parameters[2 * n :].reshape(n + 1, -1)
        return parameters[:n], parameters[n : 2 * n], last[:n], last[n]

    def _derivatives(self, u: Floats, b: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return tanh and its first three derivatives at all units, (P, size) each."""
        h = np.tanh(np.outer(self._tau, u) + b)
        h1 = 1 - h * h
        return h, h1, -2 * h * h1, h1 * (6 * h * h - 2)

    def motion(self, parameters: Floats) -> Motion:
        u, b, W, c = self._split(parameters)
        h, h1, h2, _ = self._derivatives(u, b)
        speed = u * self._rate
        return self._shaped(h @ W + c), self._shaped((h1 * speed) @ W), self._shaped((h2 * speed**2) @ W)

    def push(self, parameters: Floats, change: Floats) -> Motion:
        u, b, W, _ = self._split(parameters)
        du, db, dW, dc = self._split(change)
        h, h1, h2, h3 = self._derivatives(u, b)
        speed, faster, inner = u * self._rate, du * self._rate, np.outer(self._tau, du) + db
        q = h @ dW + dc + (h1 * inner) @ W
        v = (h1 * speed) @ dW + (h2 * inner * speed + h1 * faster) @ W
        a = (h2 * speed**2) @ dW + (h3 * inner * speed**2 + 2 * h2 * speed * faster) @ W
        return self._shaped(q), self._shaped(v), self._shaped(a)

    def pull(self, parameters: Floats, motion: Motion) -> Floats:
        u, b, W, _ = self._split(parameters)
        q, v, a = (x.reshape(len(x), -1) for x in motion)
        h, h1, h2, h3 = self._derivatives(u, b)
        speed = u * self._rate
        dW = h.T @ q + (h1 * speed).T @ v + (h2 * speed**2).T @ a
        on_q, on_v, on_a = q @ W.T, v @ W.T, a @ W.T
        inner = h1 * on_q + h2 * speed * on_v + h3 * speed**2 * on_a  # what the argument u tau + b does
        du = self._tau @ inner + self._rate * np.sum(h1 * on_v + 2 * h2 * speed * on_a, axis=0)
        return np.concatenate([du, inner.sum(axis=0), dW.ravel(), q.sum(axis=0)])

    def _shaped(self, x: Floats) -> Floats:
        return x.reshape(len(x), *self._shape)


REPRESENTATIONS: dict[str, type[Representation]] = {
    "sines": Sines,
    "polynomials": Polynomials,
    "prolate": Prolate,
    "network": Network,
}
