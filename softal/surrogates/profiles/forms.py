r"""How the curve of one array is made of coefficients, with all that is known of it built in.

    positive:  rho = rho_0 exp(f),   rho_0 the mean density within the support, or a constant
    else:      rho = rho_0 + f
    f = sum_j c_j B_j(tau), or a coefficient for each bin where no support is known (`places`)

zero beyond the support; scaled (positive) or shifted to the known integral; and read from half of a symmetric curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.outputs import Known
from softal.space.expressions import Expression
from softal.surrogates.profiles.data import Curves
from softal.surrogates.profiles.places import KNOTS, Places, depths, places, spline
from softal.trial import Value

LOWEST = 1e-3  # of the scale: what is lower counts as nothing where logarithms are taken
WRONG = 0.1  # relative difference of the typical integral from what is said of it that is refused
SIGNIFICANT = 5.0  # standard errors above zero beyond the support that are refused


@dataclass(frozen=True)
class Frame:
    """What is known of a curve at n points.

    Attributes:
        scale: (n,) rho_0.
        integral: (n,) None where it is not known.
        support, contact: (n,) None without a support.
        spans: (n, T) what of the grid the knots stand for, of half a symmetric curve; None without a support.
        places: of the half curve's bins; None where coefficients are bins.
    """

    scale: Floats
    integral: Floats | None
    support: Floats | None
    contact: Floats | None
    spans: Floats | None
    places: Places | None


@dataclass(frozen=True)
class Shared:
    """What arrays have in common at the same points: values of expressions, and places."""

    values: dict[str, Floats] = field(default_factory=dict)
    places: dict[object, tuple[Places, Floats]] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """The form of one array.

    Attributes:
        name, unit, grid_unit: of the array.
        grid: (K,).
        known: of it.
        constant: rho_0 where no integral is known.
        unmeasured: (K,) bins that no trial has; what is predicted there is NaN.
    """

    name: str
    grid: Floats
    known: Known
    constant: float
    unmeasured: NDArray[np.bool_]
    unit: str = ""
    grid_unit: str = ""

    @classmethod
    def of(cls, name: str, curves: Curves, known: Known) -> Form:
        """Return the form of an array's curves, for what is known of it.

        Raises:
            SurrogateError: a symmetric array has a grid that is not symmetric.
        """
        grid = curves.grid
        if known.symmetric and not np.allclose(grid + grid[::-1], grid[0] + grid[-1], atol=1e-6 * np.ptp(grid)):
            raise SurrogateError(f"array {name!r} is said to be symmetric, but its grid is not")
        typical = float(np.nanmean(np.abs(curves.values))) or 1.0
        unmeasured = np.asarray(~np.isfinite(curves.values).any(axis=0), dtype=np.bool_)
        return cls(name, grid, known, typical, unmeasured, curves.unit, curves.grid_unit)

    @cached_property
    def size(self) -> int:
        """Number of bins of which the curve is read: K, or half of them."""
        return -(-len(self.grid) // 2) if self.known.symmetric else len(self.grid)

    @cached_property
    def count(self) -> int:
        """T, number of coefficients."""
        if self.known.support is None:
            return self.size
        return KNOTS if self.known.symmetric else 2 * KNOTS

    @cached_property
    def along(self) -> Floats:
        """Places (T,) of the knots: tau, or from 0 to 1 from the first bin to the last where there is no support."""
        if self.known.support is None:
            return np.linspace(0.0, 1.0, self.count)
        low = 0.0 if self.known.symmetric else -1.0
        return np.clip(low + (1 - low) * (np.arange(self.count) - 1) / (self.count - 3), low, 1.0)

    def natural(self, rho: Floats, spread: Floats, frame: Frame) -> Floats:
        """Return standard deviations (n, size) of curves (n, size), of those of f at the knots (n, T)."""
        std = spread if frame.places is None else frame.places.of(spread)
        if self.known.positive:
            return np.asarray(rho * std)
        return std if frame.places is None else std * frame.places.inside

    @property
    def ends(self) -> Floats:
        """Weights (e, T) of the coefficients at the end of a curve with a support, or at both."""
        at = np.array([1.0] if self.known.symmetric else [-1.0, 1.0])
        first, weight = spline(at, min(at[0], 0.0), self.count)
        found = np.zeros((len(at), self.count))
        for i in range(4):
            found[np.arange(len(at)), first + i] = weight[:, i]
        return found

    @cached_property
    def distance(self) -> Floats:
        """Distance (size,) of the bins from the middle, with a sign where the curve is not symmetric."""
        away = self.grid - (self.grid[0] + self.grid[-1]) / 2
        return np.asarray(np.abs(away[: self.size]) if self.known.symmetric else away)

    @cached_property
    def widths(self) -> Floats:
        """Width (size,) of the bins, of both halves where the curve is symmetric."""
        edges = np.concatenate([[1.5 * self.grid[0] - 0.5 * self.grid[1]], (self.grid[1:] + self.grid[:-1]) / 2])
        edges = np.append(edges, 1.5 * self.grid[-1] - 0.5 * self.grid[-2])
        widths = np.diff(edges)
        return np.asarray(self._both(widths) if self.known.symmetric else widths)

    def _both(self, widths: Floats) -> Floats:
        both = widths + widths[::-1]
        if len(widths) % 2:
            both[len(widths) // 2] /= 2
        return np.asarray(both[: self.size])

    # From and to halves.

    def folded(self, curves: Curves) -> tuple[Floats, Floats]:
        """Return values and errors (n, size): both halves' mean where the curve is symmetric.

        Curves whose halves are equal to the last digits were folded before, and their errors are those of the fold.
        """
        values, errors = curves.values, curves.errors
        if not self.known.symmetric:
            return values, errors
        there = np.isfinite(values)
        weight = np.where(there, 1.0, 0.0)
        total = weight + weight[:, ::-1]
        mean = (np.nan_to_num(values) + np.nan_to_num(values[:, ::-1])) / np.where(total > 0, total, np.nan)
        variance = np.where(there, errors**2, 0.0)
        error = np.sqrt(variance + variance[:, ::-1]) / np.where(total > 0, total, np.nan)
        same = np.isclose(values, values[:, ::-1], rtol=1e-9, atol=0).all(axis=1)
        error[same] = errors[same]
        middle = len(self.grid) // 2
        if len(self.grid) % 2:
            error[:, middle] = errors[:, middle]
        return mean[:, : self.size], error[:, : self.size]

    def unfolded(self, half: Floats) -> Floats:
        """Return curves (..., K) of halves (..., size)."""
        if not self.known.symmetric:
            return half
        whole = np.empty((*half.shape[:-1], len(self.grid)))
        whole[..., : self.size] = half
        whole[..., self.size :] = half[..., : len(self.grid) // 2][..., ::-1]
        return whole

    # At points.

    @cached_property
    def expressions(self) -> dict[str, Expression]:
        """What is known as expressions of the parameters, by name."""
        texts = {name: getattr(self.known, name) for name in ("support", "contact", "integral")}
        return {name: Expression(text) for name, text in texts.items() if text is not None}

    def facts(self, columns: Mapping[str, Floats], n: int, known: dict[str, Floats]) -> dict[str, Floats]:
        """Return support, contact and integral (n,), as far as they are known, at points with these columns.

        `known` keeps values of expressions that several arrays have in common.

        Raises:
            SurrogateError: one has no value above 0 at a point.
        """
        found: dict[str, Floats] = {}
        for name, expression in self.expressions.items():
            key = expression.text
            if key not in known:
                known[key] = expression.on(columns)
            values = known[key] if known[key].ndim else np.full(n, known[key])
            right = np.isfinite(values) if name == "integral" else (values > 0) & (values < np.inf)
            if not right.all():
                i = int(np.argmin(right))
                at = ", ".join(f"{key} = {columns[key][i]:g}" for key in sorted(expression.names))
                raise SurrogateError(f"array {self.name!r}: {name} `{expression.text}` is {values[i]:g} at {at}")
            found[name] = values
        return found

    def frame(self, columns: Mapping[str, Floats], n: int, shared: Shared) -> Frame:
        """Return the frame of n points; arrays share values of the same expressions, and places of the same support."""
        facts = self.facts(columns, n, shared.values)
        support, integral = facts.get("support"), facts.get("integral")
        contact = facts.get("contact", support)
        length = 2 * support if support is not None else np.full(n, float(np.sum(self.widths)))
        positive = integral is not None and self.known.positive
        scale = integral / length if positive else np.full(n, self.constant)  # type: ignore[operator]
        if support is None or contact is None:
            return Frame(scale, integral, None, None, None, None)
        key = (support.tobytes(), contact.tobytes(), self.known.symmetric, self.grid.tobytes())
        if key not in shared.places:
            contact = np.minimum(contact, support)
            spans = depths(self.along, support, contact)[1] * self._inner
            shared.places[key] = places(self.distance, support, contact), spans
        own, spans = shared.places[key]
        return Frame(scale, integral, support, contact, spans, own)

    @cached_property
    def _inner(self) -> Floats:
        """Weights (T,) of the knots in an integral over tau: knots that lie on one another count as one."""
        steps = np.diff(self.along)
        return np.asarray(np.append(0.0, steps) + np.append(steps, 0.0))

    def curves(self, f: Floats, frame: Frame) -> Floats:
        """Return the half curves (n, size) of f (n, size) at the bins."""
        rho = frame.scale[:, None] * np.exp(np.minimum(f, 20.0)) if self.known.positive else f + self.offset(frame)
        if frame.places is not None:
            rho *= frame.places.inside
        if frame.integral is None:
            return rho
        total = rho @ self.widths
        if self.known.positive:
            return rho * (frame.integral / total)[:, None]
        inside = np.ones_like(rho) if frame.places is None else frame.places.inside
        return rho + inside * ((frame.integral - total) / (inside @ self.widths))[:, None]

    def offset(self, frame: Frame) -> Floats:
        """Return what is added to f (n, 1) where the curve is not positive: its mean, where that is known."""
        length = 2 * frame.support if frame.support is not None else float(np.sum(self.widths))
        known = frame.integral / length if frame.integral is not None else np.zeros(len(frame.scale))
        return np.asarray(known)[:, None]

    def check(self, values: Floats, errors: Floats, frame: Frame, trials: Sequence[int]) -> None:
        """Hold what is said to be known against half curves.

        Raises:
            SurrogateError: the integral is another one, or there is something beyond the support.
        """
        if frame.places is not None:
            beyond = (
                ~frame.places.inside & (values > SIGNIFICANT * np.nan_to_num(errors)) & (values > self.constant / 5)
            )
            if beyond.any():
                i, k = (int(one[0]) for one in np.nonzero(beyond))
                assert frame.support is not None
                raise SurrogateError(
                    f"trial {trials[i]}, array {self.name!r}: {values[i, k]:.3g} at a distance of "
                    f"{abs(self.distance[k]):.4g} from the middle; `support` says 0 beyond {frame.support[i]:.4g}"
                )
        if frame.integral is not None and not self.unmeasured.any():
            found = np.nansum(values * self.widths, axis=1)
            apart = (found - frame.integral) / np.maximum(np.abs(frame.integral), 1e-9 * self.constant)
            i = int(np.argsort(np.abs(apart))[len(apart) // 2])
            if abs(apart[i]) > WRONG:
                raise SurrogateError(
                    f"trial {trials[i]}, array {self.name!r}: its integral is {found[i]:.4g}; `integral` says "
                    f"{frame.integral[i]:.4g}"
                )


def columns_of(
    points: Sequence[Mapping[str, Value]], names: Sequence[str], defaults: Mapping[str, float]
) -> dict[str, Floats]:
    """Return parameter -> its values (n,) at points, or at those that lack it the default; texts are NaN."""
    return {name: _numbers([point.get(name, defaults.get(name, np.nan)) for point in points]) for name in names}


def _numbers(values: list[Value]) -> Floats:
    if {type(value) for value in values} <= {int, float}:
        return np.array(values, dtype=np.float64)
    return np.array([float(v) if isinstance(v, int | float | np.number) else np.nan for v in values])
