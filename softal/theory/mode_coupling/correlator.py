"""Correlators F(t) with their memory on a grid of times whose step doubles.

    J^-1 F^(d)(t) + S^-1 F(t) + int_0^t N(t - t') F'(t') dt' = 0,    F(0) = S,

with d = 1 (overdamped) or d = 2 (Newtonian, F'(0) = 0), for matrices F (s, s, n) that are independent of each other but
for N, a functional of F at the same time. A block is POINTS + 1 times, i h. Its first half comes from the expansion for
short times or, when h has doubled, from every second point before; the second half is solved step by step:

    F^(1)_i = (3 F_i - 4 F_{i-1} + F_{i-2}) / (2 h),    F^(2)_i = (2 F_i - 5 F_{i-1} + 4 F_{i-2} - F_{i-3}) / h^2,

both stable for any h, so that vibrations may be faster than the step. In the convolution each interval takes the mean
of the function that is young there and the difference of the other one (X^I_i is X's mean over step i), hence

    A F_i = N_i (S - F^I_1) + what is known,    A = w J^-1 + S^-1 + N^I_1,    w = 3 / (2 h) or 2 / h^2,

which is iterated, since N_i depends on F_i. Errors are of the order of (h / t)^2, that is of 1 / POINTS^2.

Source: M. Fuchs, W. Goetze, I. Hofacker, A. Latz, J. Phys.: Condens. Matter 3, 5047 (1991); the second derivative is
J. C. Houbolt's, J. Aeronaut. Sci. 17, 540 (1950).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.mode_coupling.glass import scales
from softal.theory.mode_coupling.kernels import history, product
from softal.theory.mode_coupling.liquid import inverse

Dynamics = Literal["overdamped", "newtonian"]
Memory = Callable[[Floats], Floats]

ITERATIONS = 2000  # for a step: a few are usual, tens are needed at the plateau near the critical point
EXTRAPOLATE = 4  # iterations after which their geometric series is summed


class Correlator:
    """F and N at the times of one block, in arrays (points + 1, s, s, n).

    Args:
        S: (s, s, n) initial values.
        S_inverse: (s, s, n) their inverses.
        rates: (s, n) J.
        dynamics: overdamped or newtonian.
        step: h of the first block [time].
        points: intervals in a block, a multiple of 4.
        tolerance: change of F in the last iteration of a step, relative to S.
    """

    def __init__(
        self,
        S: Floats,
        S_inverse: Floats,
        rates: Floats,
        dynamics: Dynamics,
        step: float,
        points: int,
        tolerance: float,
    ) -> None:
        self.S, self.S_inverse, self.dynamics = S, S_inverse, dynamics
        self.h, self.points, self.tolerance = step, points, tolerance
        self.scale = scales(S)
        self._inertia = np.zeros_like(S)  # J^-1
        self._inertia[np.arange(len(S)), np.arange(len(S))] = 1.0 / rates
        self.F, self.N, self.F_mean, self.N_mean = (np.zeros((points + 1, *S.shape)) for _ in range(4))
        self._history = np.empty_like(S)

    def begin(self, i: int, memory: Memory) -> None:
        """Set F_i and N_i in the first half of the first block from the expansion for short times.

        Overdamped: S - J t + J M J t^2 / 2; Newtonian: S - J t^2 / 2 + J M J t^4 / 24, with M = S^-1 + N(0).
        """
        t = i * self.h
        if i == 0:
            self._set(0, self.S, memory(self.S))
            return
        J = np.zeros_like(self.S)
        diagonal = np.arange(len(J))
        J[diagonal, diagonal] = 1.0 / self._inertia[diagonal, diagonal]
        u, v = (t, t**2 / 2) if self.dynamics == "overdamped" else (t**2 / 2, t**4 / 24)
        F = self.S - J * u + product(product(J, self.S_inverse + self.N[0]), J) * v
        self._set(i, F, memory(F))

    def advance(self, i: int, memory: Memory) -> None:
        """Solve for F_i and N_i, where all before are known.

        Raises:
            TheoryError: where the iteration does not converge.
        """
        F = self.F
        if i == self.points // 2 + 1:  # A is the same for all of a block
            self._A_inverse = inverse(self._weight * self._inertia + self.S_inverse + self.N_mean[1])
        known = self._known(i)
        remainder = self.S - self.F_mean[1]
        guess, last = 3 * F[i - 1] - 3 * F[i - 2] + F[i - 3], np.inf * self.S
        for iteration in range(ITERATIONS):
            N_i = memory(guess)
            new = product(self._A_inverse, known + product(N_i, remainder))
            new = (new + new.transpose(1, 0, 2)) / 2  # symmetric but for the error of the step
            change = (new - guess) / self.scale
            if np.max(np.abs(change)) < self.tolerance:
                self._set(i, new, N_i)
                return
            guess = new + (self.scale * _remaining(change, last) if iteration % EXTRAPOLATE == EXTRAPOLATE - 1 else 0.0)
            last = change
        raise TheoryError(f"mode coupling: no solution found at t = {i * self.h:.4g} in {ITERATIONS} iterations")

    def double(self) -> None:
        """Go on to the block of twice the step: its first half is every second point of this one."""
        half = self.points // 2
        for X in (self.F, self.N):
            X[: half + 1] = X[::2].copy()
        for X in (self.F_mean, self.N_mean):
            X[1 : half + 1] = (X[2::2] + X[1::2]) / 2
        self.h *= 2

    @property
    def _weight(self) -> float:
        return 1.5 / self.h if self.dynamics == "overdamped" else 2.0 / self.h**2

    def _known(self, i: int) -> Floats:
        F, N, F_mean, N_mean, half = self.F, self.N, self.F_mean, self.N_mean, i // 2
        history(i, F, F_mean, N, N_mean, self._history)
        if self.dynamics == "overdamped":
            before = (4 * F[i - 1] - F[i - 2]) / (2 * self.h)
        else:
            before = (5 * F[i - 1] - 4 * F[i - 2] + F[i - 3]) / self.h**2
        return np.asarray(
            product(self._inertia, before)
            - product(N[i - half], F[half])
            + product(N[i - 1], F_mean[1])
            + product(N_mean[1], F[i - 1])
            + self._history
        )

    def _set(self, i: int, F: Floats, N: Floats) -> None:
        self.F[i], self.N[i] = F, N
        if i:
            self.F_mean[i], self.N_mean[i] = (F + self.F[i - 1]) / 2, (N + self.N[i - 1]) / 2


def _remaining(change: Floats, last: Floats) -> Floats:
    """Return the sum of the changes to come, if each is the one before times q: near the plateau q is close to 1."""
    q = float(np.sum(change * last) / np.sum(last * last))
    return change * (q / (1 - q)) if 0.0 < q < 0.99999 else np.zeros_like(change)
