"""A reference, and how far a simulated array is from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from softal.errors import InvalidObservation
from softal.references.units import canonical, factor
from softal.trial import Array

MIN_COVERAGE = 0.9  # a simulated array must reach over this part of the reference's range to be compared with it


@dataclass(frozen=True)
class Reference:
    """A measured or published array that a simulated one is compared with.

    Attributes:
        array: name of the observation's array.
        grid, values: shape (k,), ascending grid.
        range: part of the grid that counts, in its units.
        weight: of this array among several in one match.
        tolerance: the distance chi that counts as one beside other parts of the match.
        grid_unit, value_unit: of grid and range, and of the values; empty where they are not known.
        source: the file that it comes from.
    """

    array: str
    grid: NDArray[np.float64]
    values: NDArray[np.float64]
    range: tuple[float, float] = (-np.inf, np.inf)
    weight: float = 1.0
    grid_unit: str = ""
    value_unit: str = ""
    source: str = ""
    tolerance: float = 1.0

    def converted(self, grid_unit: str = "", value_unit: str = "") -> Reference:
        """Return the reference in other units; where a unit is not known, or empty, the numbers stay as they are.

        Raises:
            SoftalError: if a unit cannot be converted.
        """
        along = factor(self.grid_unit, grid_unit) if self.grid_unit and grid_unit else 1.0
        across = factor(self.value_unit, value_unit) if self.value_unit and value_unit else 1.0
        return replace(
            self,
            grid=self.grid * along,
            values=self.values * across,
            range=(self.range[0] * along, self.range[1] * along),
            grid_unit=grid_unit or self.grid_unit,
            value_unit=value_unit or self.value_unit,
        )

    @property
    def size(self) -> int:
        """Number of the reference's grid points within `range`."""
        return int(np.sum(self._wanted()))

    def _wanted(self) -> NDArray[np.bool_]:
        return np.asarray((self.grid >= self.range[0]) & (self.grid <= self.range[1]))

    def beyond(self, low: float, high: float) -> str | None:
        """Say so where too little of the reference lies between `low` and `high`, which a simulation covers."""
        wanted = self.grid[self._wanted()]
        covered = float(np.mean((wanted >= low) & (wanted <= high)))
        if covered >= MIN_COVERAGE:
            return None
        ends = f"{wanted[0]:g} to {wanted[-1]:g} {self.grid_unit}".rstrip()
        return (
            f"goes from {ends}, of which the simulation covers {low:g} to {high:g}, {covered:.0%} of the points; "
            f"at least {MIN_COVERAGE:.0%} are needed: give `range: [low, high]`"
        )

    def compare(self, simulated: Array) -> tuple[float, float]:
        """Return the relative L2 distance chi and its standard error (NaN where the simulation has none).

        chi = sqrt(sum (y - y_ref)^2 / sum y_ref^2) over the reference's grid points within `range` that the simulation
        covers. Its error follows from those of the simulated values s, taken as independent.

        Raises:
            InvalidObservation: if the simulation has no grid or covers too little of the range.
        """
        residual, slopes, errors = self._relative(simulated)
        inside = residual[np.isfinite(residual)]
        chi = float(np.linalg.norm(inside))
        if errors is None:
            return chi, np.nan
        if chi == 0:
            return 0.0, float(np.linalg.norm(slopes @ errors))
        return chi, float(np.linalg.norm((slopes.T @ inside / chi) * errors))

    def residual(self, simulated: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the relative residual whose length is chi, and its variance, both of shape (`size`,).

        r = (W s - y_ref) / |y_ref|, W interpolating linearly onto the reference's grid; var r = W^2 var s / |y_ref|^2.
        Grid points that the simulation does not cover are NaN in both; the variance is NaN where no error is known.

        Raises:
            InvalidObservation: as `compare`.
        """
        residual, slopes, errors = self._relative(simulated)
        variance = np.full(len(residual), np.nan)
        if errors is not None:
            variance[np.isfinite(residual)] = slopes**2 @ errors**2
        return residual, variance

    def _relative(
        self, simulated: Array
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
        """Return r with NaN where it is not covered, d r / d s where it is, and the errors of s."""
        if simulated.grid is None:
            raise InvalidObservation(f"array {self.array!r} has no grid to be compared on")
        for what, unit, own in (
            ("grid", simulated.grid_unit, self.grid_unit),
            ("values", simulated.unit, self.value_unit),
        ):
            if unit and own and canonical(unit) != canonical(own):
                raise InvalidObservation(f"the {what} of array {self.array!r} is in {unit}, the reference in {own}")
        grid, values, errors = _ascending(simulated)
        wanted = self._wanted()
        covered = wanted & (self.grid >= grid[0]) & (self.grid <= grid[-1])
        if covered.sum() < max(2, MIN_COVERAGE * wanted.sum()):
            low, high = self.grid[wanted][[0, -1]] if wanted.any() else self.range
            raise InvalidObservation(
                f"array {self.array!r} reaches from {grid[0]:g} to {grid[-1]:g}, the reference from {low:g} to {high:g}"
            )
        reference = self.values[covered]
        norm = np.linalg.norm(reference)
        slopes = _interpolation(self.grid[covered], grid) / norm
        residual = np.full(int(wanted.sum()), np.nan)
        residual[covered[wanted]] = slopes @ values - reference / norm
        return residual, slopes, errors


def _ascending(array: Array) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    assert array.grid is not None
    order = np.argsort(array.grid, kind="stable")
    errors = None if array.errors is None else np.nan_to_num(array.errors[order])
    return array.grid[order], array.values[order], errors


def _interpolation(x: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return W, shape (len(x), len(grid)), such that W @ y interpolates y linearly at x."""
    right = np.clip(np.searchsorted(grid, x), 1, len(grid) - 1)
    width = grid[right] - grid[right - 1]
    fraction = np.divide(x - grid[right - 1], width, out=np.zeros_like(x), where=width > 0)
    weights = np.zeros((len(x), len(grid)))
    rows = np.arange(len(x))
    weights[rows, right - 1] = 1 - fraction
    weights[rows, right] += fraction
    return weights
