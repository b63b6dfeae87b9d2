"""A measured or simulated relaxation: F(t) with its standard errors, and how far a calculated one is from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats

LOWEST, HIGHEST = -0.1, 1.01  # of F; it begins at 1 and ends at a plateau or, within its noise, at 0
FIRST = 0.9  # least F at the first time, where that is not 0
SIGMAS = 5.0  # standard errors that F may rise by, or differ from 1 at t = 0
RISE = 0.02  # that it may rise by where no errors are known
LEAST_TIMES = 5
UNBOUND = 1e6  # mean squared difference of an F that grows exponentially


@dataclass(frozen=True)
class Relaxation:
    """F at n times.

    Attributes:
        t: (n,) [time], ascending, not negative.
        F: (n,).
        errors: standard errors of F, (n,); None where they are not known.
        name: what is called so in errors.

    Raises:
        TheoryError: saying in one line where it is no relaxation from 1 that F's errors allow.
    """

    t: Floats
    F: Floats
    errors: Floats | None = None
    name: str = "F_s"

    def __post_init__(self) -> None:
        problem = self._wrong_times() or self._wrong_values()
        if problem:
            raise TheoryError(f"{self.name} {problem}")

    def after(self, t_min: float) -> Relaxation:
        """Return the part from t_min on; it need not begin at 1."""
        part = object.__new__(Relaxation)
        rows = self.t >= t_min
        if rows.sum() < LEAST_TIMES:
            raise TheoryError(
                f"{self.name} has {rows.sum()} times from t_min = {t_min:g} on; allowed: {LEAST_TIMES} or more, it "
                f"ends at {self.t[-1]:g}"
            )
        if not np.ptp(self.F[rows]):
            raise TheoryError(f"{self.name} from t_min = {t_min:g} on {_constant(self.F[rows])}")
        errors = None if self.errors is None else self.errors[rows]
        for name, value in (("t", self.t[rows]), ("F", self.F[rows]), ("errors", errors), ("name", self.name)):
            object.__setattr__(part, name, value)
        return part

    @property
    def noise(self) -> float:
        """Mean squared standard error; 0 where it is not known."""
        return 0.0 if self.errors is None else float(np.mean(self.errors**2))

    def error(self, F: Floats) -> Floats:
        """Return the mean squared difference of curves F (P, n), as (P,); infinite where one grows without bound."""
        with np.errstate(all="ignore"):
            found = np.mean((F - self.F) ** 2, axis=1)
        return np.where(found < UNBOUND, found, np.inf)

    def r2(self, F: Floats) -> Floats:
        """Return 1 - sum (F - F_i)^2 / sum (F_i - mean F_i)^2 of curves F (P, n), as (P,)."""
        return np.asarray(1 - self.error(F) / np.var(self.F))

    def _wrong_times(self) -> str | None:
        t, F = self.t, self.F
        if t.shape != F.shape or t.ndim != 1 or len(t) < LEAST_TIMES:
            return f"has {t.shape} times and {F.shape} values; allowed: as many of both, {LEAST_TIMES} or more"
        for what, numbers in (
            ("time", t),
            ("value", F),
            *((("error", self.errors),) if self.errors is not None else ()),
        ):
            if not np.all(np.isfinite(numbers)):
                return f"has the {what} {numbers[~np.isfinite(numbers)][0]:g}; allowed: finite numbers"
        if t[0] < 0:
            return f"has the time {t[0]:g}; allowed: 0 and above"
        if np.any(np.diff(t) <= 0):
            i = int(np.argmax(np.diff(t) <= 0))
            return f"has the time {t[i + 1]:g} after {t[i]:g}; allowed: ascending times"
        return None

    def _wrong_values(self) -> str | None:
        t, F = self.t, self.F
        errors = np.zeros(len(F)) if self.errors is None else self.errors
        if np.any(errors < 0):
            return f"has the error {errors[errors < 0][0]:g}; allowed: 0 and above"
        outside = (F < LOWEST) | (F > HIGHEST)
        if outside.any():
            i = int(np.argmax(outside))
            return f"is {F[i]:g} at t = {t[i]:g}; allowed: {LOWEST:g} to {HIGHEST:g}"
        if t[0] == 0 and abs(F[0] - 1) > max(1e-4, SIGMAS * errors[0]):
            return f"is {F[0]:g} at t = 0; allowed: 1, since F_s(0) = 1"
        if F[0] < FIRST:
            return f"begins at {F[0]:g} (t = {t[0]:g}); allowed: 1 at t = 0, or at least {FIRST:g} at the first time"
        if not np.ptp(F):
            return _constant(F)
        return self._rises(errors)

    def _rises(self, errors: Floats) -> str | None:
        lowest = np.array([int(np.argmin(self.F[: i + 1])) for i in range(len(self.F))])
        rise = self.F - self.F[lowest]
        known = self.errors is not None
        most = SIGMAS * np.hypot(errors, errors[lowest]) + 1e-6 if known else np.full(len(rise), RISE)
        if not np.any(rise > most):
            return None
        i = int(np.argmax(rise - most))
        why = f"{SIGMAS:g} standard errors, {most[i]:.2g}" if known else f"{RISE:g} where no errors are given"
        return (
            f"rises from {self.F[lowest[i]]:.4g} at t = {self.t[lowest[i]]:g} to {self.F[i]:.4g} at t = {self.t[i]:g}; "
            f"allowed: by {why}: a relaxation decays"
        )


def _constant(F: Floats) -> str:
    return f"is {F[0]:g} at all times; allowed: a relaxation, which decays"
