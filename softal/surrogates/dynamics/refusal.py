"""Where dynamics must not be predicted: colder than what was equilibrated, inside the crystal, outside the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.outputs import Flaws
from softal.space import Space
from softal.space.parameters import Fixed, Integer, Real
from softal.surrogates.dynamics.data import DynamicsData, state_of
from softal.theory.kob_andersen import mct_temperature
from softal.trial import Value

NEIGHBOURHOOD = 0.05  # densities are neighbours within this part of each other
COLDER = 0.05  # part of T by which a state may be colder than the coldest one simulated


@dataclass(frozen=True)
class Known:
    """States that were simulated.

    Attributes:
        states: (T, rho, interaction, mark) each, the mark in words.
        elsewhere: marks of states that became something else, such as a crystal.
    """

    states: tuple[tuple[float, float, str, str], ...]
    elsewhere: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: DynamicsData, flaws: Flaws) -> Known:
        """Return those of data."""
        each = zip(data.points, data.marks, strict=True)
        elsewhere = sorted(flaws.word(mark) for mark in flaws.elsewhere)
        return cls(tuple((*state_of(point), mark) for point, mark in each), tuple(elsewhere))

    @classmethod
    def from_json(cls, found: Sequence[Sequence[Any]], elsewhere: Sequence[str]) -> Known:
        """Make it of its `states` and marks as JSON has them."""
        states = tuple((float(T), float(rho), str(name), str(mark)) for T, rho, name, mark in found)
        return cls(states, tuple(elsewhere))

    def refuses(self, point: Mapping[str, Value]) -> str | None:
        """Return why dynamics at a point (T, rho, interaction) is not known; None where it is."""
        T, rho, interaction = state_of(point)
        liquid = self._of(interaction, "")
        if not liquid:
            return f"interaction: {interaction} is given; no liquid of it in equilibrium was simulated"
        if reason := self._beyond(rho, [density for _, density in liquid], interaction):
            return reason
        if found := self._nearest_elsewhere(T, rho, interaction):
            nearest, mark = found
            at = f"T = {nearest[0]:g}, rho = {nearest[1]:g}"
            return f"T: {T:g} at rho = {rho:g} ({interaction}) is given; the simulation next to it, {at}, {mark}"
        return self._too_cold(T, rho, interaction, liquid)

    def _of(self, interaction: str, mark: str) -> list[tuple[float, float]]:
        return [(T, rho) for T, rho, name, why in self.states if name == interaction and why == mark]

    def _beyond(self, rho: float, densities: list[float], interaction: str) -> str | None:
        low, high = (1 - NEIGHBOURHOOD) * min(densities), (1 + NEIGHBOURHOOD) * max(densities)
        if low <= rho <= high:
            return None
        return (
            f"rho: {rho:g} is given; {low:.4g} to {high:.4g} is allowed, around the liquids of {interaction} simulated"
        )

    def _nearest_elsewhere(self, T: float, rho: float, interaction: str) -> tuple[tuple[float, float], str] | None:
        """Return the state that is no liquid any more, and its mark, that is nearer than any liquid one."""
        marked = {state: mark for mark in self.elsewhere for state in self._of(interaction, mark)}
        distance = {state: _distance((T, rho), state, interaction) for state in marked}
        if not distance:
            return None
        nearest = min(marked, key=lambda state: distance[state])
        liquids = [_distance((T, rho), state, interaction) for state in self._of(interaction, "")]
        return (nearest, marked[nearest]) if distance[nearest] < min(liquids) else None

    def _too_cold(self, T: float, rho: float, interaction: str, liquid: list[tuple[float, float]]) -> str | None:
        """Compare with the coldest liquids at neighbouring densities, interpolated in T / T_mct between these."""
        reduced = [(known / mct_temperature(interaction, density), density) for known, density in liquid]
        densities = sorted({density for _, density in liquid})
        # A single warm liquid, at a density of its own, does not hide the colder ones at densities beside it.
        coldest = [min(x for x, other in reduced if abs(np.log(other / one)) <= NEIGHBOURHOOD) for one in densities]
        limit = float(np.interp(rho, densities, coldest))
        limit *= (1 - COLDER) * mct_temperature(interaction, rho)
        if limit <= T:
            return None
        return (
            f"T: {T:g} at rho = {rho:g} ({interaction}) is given; at least {limit:.4g} is allowed, "
            f"{100 * COLDER:g} % below the coldest liquid in equilibrium that was simulated around it"
        )


def outside(space: Space, point: Mapping[str, Value]) -> str | None:
    """Return which number of a point lies outside the space; None where none does."""
    for name, value in point.items():
        parameter = space.parameters.get(name)
        if isinstance(value, str):
            continue
        if isinstance(parameter, Real | Integer) and not parameter.low <= value <= parameter.high:
            return f"{name}: {value:g} is given; {parameter.low:g} to {parameter.high:g} is allowed"
        if isinstance(parameter, Fixed) and not isinstance(parameter.value, str) and value != parameter.value:
            return f"{name}: {value:g} is given; {parameter.value:g} is allowed"
    return None


def _distance(a: tuple[float, float], b: tuple[float, float], interaction: str) -> float:
    """Return the distance of states (T, rho) in ln T and ln rho, in units of what makes them neighbours."""
    reduced = [T / mct_temperature(interaction, rho) for T, rho in (a, b)]
    return float(np.hypot(np.log(reduced[0] / reduced[1]), np.log(a[1] / b[1]))) / NEIGHBOURHOOD
