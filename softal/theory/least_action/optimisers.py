"""Minimising the action: Levenberg-Marquardt on its residuals without any matrix, and NADAM as the paper has it.

Both are classes with a state that is a few arrays and numbers, which `to_arrays` returns and `from_arrays` takes: going
on from there gives what going on at once would have given.

Sources: K. Levenberg, Q. Appl. Math. 2, 164 (1944); D. Marquardt, SIAM J. Appl. Math. 11, 431 (1963); the damping after
H. B. Nielsen (IMM-REP-1999-05, Technical University of Denmark); LSMR: D. Fong, M. Saunders, SIAM J. Sci. Comput. 33,
2950 (2011); T. Dozat, Incorporating Nesterov momentum into Adam, ICLR Workshop (2016).
"""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.least_action.action import Action, Residuals

# Accuracy of a linearised step, of LSMR's tests. Directions that hardly matter (singular values of some 1e-3 of liquid
# argon over 1 ps, of largest ones of some 20) need it: with 1e-4 they are left out, and L stays where it is.
INNER = 1e-6
FIRST_DAMPING = 1e-4
LEAST_DAMPING = 1e-10
RELIEF = 1 / 5  # least factor of the damping after a good step; Nielsen has 1/3
TOLERANCE = 1e-14  # of L
STUCK = 2.0**20  # the damping has been raised twenty times in a row
DECAYS, TINY = (0.9, 0.999), 1e-8  # of NADAM


class Optimiser(ABC):
    """Makes an action smaller, iteration by iteration.

    Attributes:
        parameters: where it is, (n,).
        total: L there.
        iterations: how many it has done.
        products: how many products with the Jacobian or its transpose, which are what the time goes into.
        stuck: whether further iterations change nothing.
    """

    kind: str
    stall: int  # iterations in which L falls by a thousandth where it still goes on

    def __init__(self, action: Action, parameters: Floats) -> None:
        self.action, self.parameters = action, np.array(parameters)
        self.iterations, self.products, self.stuck = 0, 0, False
        self._here: Residuals | None = None
        if not np.isfinite(self.total):
            raise TheoryError("the trajectory to begin with has atoms on top of each other: another start is needed")

    @property
    def here(self) -> Residuals:
        """The residuals at `parameters`."""
        if self._here is None:
            self._here = self.action.at(self.parameters)
        return self._here

    @property
    def total(self) -> float:
        """L at `parameters`."""
        return self.here.total

    @abstractmethod
    def step(self) -> None:
        """Do one iteration."""

    @abstractmethod
    def to_arrays(self) -> dict[str, Floats]:
        """Return the state."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, action: Action, state: Mapping[str, Floats]) -> Self:
        """Return an optimiser that goes on where another was."""


class GaussNewton(Optimiser):
    """Levenberg-Marquardt: min |J d + r|^2 + mu |d|^2 by LSMR, mu less after good steps and more after bad ones.

    Args:
        action: what to minimise.
        parameters: where to begin, (n,).
        inner: most LSMR iterations of a step.
    """

    kind = "gauss_newton"
    stall = 20

    def __init__(self, action: Action, parameters: Floats, inner: int = 1000) -> None:
        super().__init__(action, parameters)
        self.inner, self.damping, self._growth = inner, FIRST_DAMPING, 2.0

    def step(self) -> None:
        """Do one iteration: a linearised step, which is taken where it makes L smaller."""
        here = self.here
        change = self._solved(-here.values)
        linear = here.values + here.push(change)
        expected = here.total - float(linear @ linear)
        there = self.action.at(self.parameters + change)
        gain = (here.total - there.total) / expected if expected > 0 else -1.0
        self.iterations += 1
        if np.isfinite(there.total) and gain > 0:
            self.parameters, self._here = self.parameters + change, there
            self.damping = max(self.damping * max(RELIEF, 1 - (2 * gain - 1) ** 3), LEAST_DAMPING)
            self._growth = 2.0
        else:
            self.damping, self._growth = self.damping * self._growth, 2 * self._growth
        self.stuck = self._growth > STUCK

    def _solved(self, wanted: Floats) -> Floats:
        """Return the change d (n,) for which J d is nearest to `wanted` (R,), damped."""
        from scipy.sparse.linalg import LinearOperator, lsmr

        here, n = self.here, len(self.parameters)
        J: Any = LinearOperator((len(wanted), n), matvec=here.push, rmatvec=here.pull, dtype=np.float64)
        found = lsmr(J, wanted, damp=np.sqrt(self.damping), atol=INNER, btol=INNER, maxiter=self.inner)
        self.products += 2 * int(found[2])
        return np.asarray(found[0])

    def to_arrays(self) -> dict[str, Floats]:
        """Return the state."""
        numbers = [self.iterations, self.products, self.inner, self.damping, self._growth]
        return {"parameters": self.parameters.copy(), "numbers": np.array(numbers, dtype=np.float64)}

    @classmethod
    def from_arrays(cls, action: Action, state: Mapping[str, Floats]) -> Self:
        """Return an optimiser that goes on where another was."""
        numbers = _numbers(state, 5)
        one = cls(action, _like(state, "parameters", action), int(numbers[2]))
        one.iterations, one.products = int(numbers[0]), int(numbers[1])
        one.damping, one._growth = float(numbers[3]), float(numbers[4])
        return one


class Nadam(Optimiser):
    """NADAM: Adam with Nesterov's momentum.

    Args:
        action: what to minimise.
        parameters: where to begin, (n,).
        rate: learning rate.
    """

    kind = "nadam"
    stall = 500

    def __init__(self, action: Action, parameters: Floats, rate: float = 1e-3) -> None:
        super().__init__(action, parameters)
        self.rate = rate
        self._mean, self._square = np.zeros_like(self.parameters), np.zeros_like(self.parameters)

    def step(self) -> None:
        """Do one iteration: one gradient."""
        gradient, first, second = self.here.gradient, DECAYS[0], DECAYS[1]
        self.iterations, self.products = self.iterations + 1, self.products + 1
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient**2
        k = self.iterations
        ahead = first * self._mean / (1 - first ** (k + 1)) + (1 - first) * gradient / (1 - first**k)
        self.parameters = self.parameters - self.rate * ahead / (np.sqrt(self._square / (1 - second**k)) + TINY)
        self._here = None
        if not np.all(np.isfinite(self.parameters)):
            raise TheoryError(f"NADAM diverged in iteration {k}: a smaller rate than {self.rate:g} is needed")

    def to_arrays(self) -> dict[str, Floats]:
        """Return the state."""
        numbers = np.array([self.iterations, self.products, self.rate])
        return {"parameters": self.parameters.copy(), "numbers": numbers, "mean": self._mean, "square": self._square}

    @classmethod
    def from_arrays(cls, action: Action, state: Mapping[str, Floats]) -> Self:
        """Return an optimiser that goes on where another was."""
        numbers = _numbers(state, 3)
        one = cls(action, _like(state, "parameters", action), float(numbers[2]))
        one.iterations, one.products = int(numbers[0]), int(numbers[1])
        one._mean, one._square = _like(state, "mean", action), _like(state, "square", action)
        return one


def _numbers(state: Mapping[str, Floats], count: int) -> Floats:
    numbers = np.asarray(state.get("numbers", ()), dtype=np.float64)
    if numbers.shape != (count,) or not np.all(np.isfinite(numbers)):
        raise TheoryError("the saved state is of another optimiser, or damaged")
    return numbers


def _like(state: Mapping[str, Floats], name: str, action: Action) -> Floats:
    found, wanted = np.array(state.get(name, ()), dtype=np.float64), action.representation.straight().shape
    if found.shape != wanted or not np.all(np.isfinite(found)):
        raise TheoryError(f"the saved {name} have the shape {found.shape}, the trajectory needs {wanted}, all finite")
    return found


Reason = Literal["converged", "stalled", "iterations"]


def minimise(
    optimiser: Optimiser,
    iterations: int,
    *,
    tolerance: float = TOLERANCE,
    stall: int | None = None,
    look: Callable[[Optimiser], object] | None = None,
) -> Reason:
    """Iterate until L <= `tolerance`, nothing gets better, or there have been so many iterations in all.

    Args:
        optimiser: goes on from where it is.
        iterations: at which it ends, those before included.
        tolerance: of L [epsilon^2/sigma^2 time].
        stall: iterations in which L has to fall by a thousandth; None is the optimiser's own.
        look: is called with the optimiser before the first iteration and after each.
    """
    stall = optimiser.stall if stall is None else stall
    past = [optimiser.total]
    if look:
        look(optimiser)
    while optimiser.total > tolerance:
        if optimiser.stuck or (len(past) > stall and min(past[-stall:]) > (1 - 1e-3) * min(past[:-stall])):
            return "stalled"
        if optimiser.iterations >= iterations:
            return "iterations"
        optimiser.step()
        past.append(optimiser.total)
        if look:
            look(optimiser)
    return "converged"


def save(optimiser: Optimiser, path: Path) -> None:
    """Write an optimiser's state, from which `restored` goes on."""
    np.savez(path, kind=np.array(optimiser.kind), **optimiser.to_arrays())  # type: ignore[arg-type]


def restored(action: Action, path: Path) -> Optimiser:
    """Return the optimiser that was saved; TheoryError where it is damaged, or of another trajectory."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            state = {name: saved[name] for name in saved.files}
        kind = OPTIMISERS[str(state.pop("kind"))]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise TheoryError(f"{path} holds no saved state of an optimiser") from error
    return kind.from_arrays(action, state)


OPTIMISERS: dict[str, type[Optimiser]] = {"gauss_newton": GaussNewton, "nadam": Nadam}
