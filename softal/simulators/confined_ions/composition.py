"""How many ions there are of each kind in which box, so that it is neutral.

A salt of valencies z_p and z_n dissolves into groups of z_p / g negative and |z_n| / g positive ions, g their greatest
common divisor; its concentration c counts the negative ones over the whole slab. Charged walls bring counter-ions, of
the salt's own kind with the opposite sign.

`exact`: the box's side is chosen, near 10 or 15 nm, such that whole numbers of groups and counter-ions make
concentration and surface charge right. Without surface charge both always are; with one the surface charge is exact,
and of the numbers of counter-ions within AREA of the box's area the one is taken that makes c most nearly right
(`Composition.salt`).

`paper`: the sides are 10 or 15 nm, N_- = int(0.6022 c V) rounded up to a multiple of z_p, N_+ = |z_n| N_- / z_p, and
counter-ions int(2 sigma A / z), to which the surface charge is fitted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from softal.errors import SimulationError
from softal.simulators.confined_ions.settings import CHARGE_DENSITY, MOLAR, ConfinedIonsSettings

AREA = 0.25  # by which the box's area may differ from what was asked for, of it
MOST_IONS = 2000
DENSEST = 0.5  # packing fraction; hard spheres freeze at 0.494


@dataclass(frozen=True)
class State:
    """What is between the planes, and where they are.

    Attributes:
        h: distance of the planes [nm].
        z_p, z_n: valencies, z_p > 0 > z_n.
        c: concentration of the salt's negative ions [mol/l].
        d_p, d_n: diameters [nm].
        surface_charge: of each plane [C/m^2].
    """

    h: float
    z_p: int
    z_n: int
    c: float
    d_p: float
    d_n: float
    surface_charge: float = 0.0

    @property
    def counter_valency(self) -> int:
        """Valency of the ions that compensate the walls; 0 where these are not charged."""
        if not self.surface_charge:
            return 0
        return self.z_p if self.surface_charge < 0 else self.z_n


@dataclass(frozen=True)
class Composition:
    """Ions in a box.

    Attributes:
        N_p, N_n: number of ions, with counter-ions.
        side: of the box along x and y [nm].
        plane: charge of each wall [e/nm^2].
        salt: concentration of the salt's negative ions, as it is [mol/l].
    """

    N_p: int
    N_n: int
    side: float
    plane: float
    salt: float

    @property
    def ions(self) -> int:
        """All of them."""
        return self.N_p + self.N_n


def compose(settings: ConfinedIonsSettings, state: State) -> Composition:
    """Return the composition of a state.

    Raises:
        SimulationError: in one line why there is none: no ion, no counter-ion, or too many.
    """
    divisor = math.gcd(state.z_p, -state.z_n)
    group = state.z_p // divisor, -state.z_n // divisor  # negative, positive ions of one
    counter, side = state.counter_valency, settings.about(state.c)
    wanted = 2 * abs(state.surface_charge) * CHARGE_DENSITY  # [e/nm^2] of both walls
    if counter and not _whole(settings, wanted * side**2 / abs(counter)):
        raise SimulationError(_too_little_charge(settings, state, side))
    if settings.composition == "paper":
        groups, counters, area = _as_in_the_paper(state, side, group[0], wanted)
    else:
        groups, counters, area = _exact(state, side, group[0], wanted)
    if groups < 1:
        raise SimulationError(_no_ion(state, side, group[0]))
    N_n, N_p = groups * group[0], groups * group[1]
    salt = N_n / (MOLAR * area * state.h)
    N_p, N_n = (N_p + counters, N_n) if counter > 0 else (N_p, N_n + counters)
    found = Composition(N_p, N_n, math.sqrt(area), -counters * counter / (2 * area), salt)
    _check(state, found)
    return found


def _whole(settings: ConfinedIonsSettings, counters: float) -> int:
    return int(counters) if settings.composition == "paper" else round(counters)


def _as_in_the_paper(state: State, side: float, negative: int, wanted: float) -> tuple[int, int, float]:
    """Return groups, counter-ions and area [nm^2]."""
    area = side**2
    N_n = state.z_p * math.ceil(int(MOLAR * state.c * area * state.h) / state.z_p)
    counters = int(wanted * area / abs(state.counter_valency)) if wanted else 0
    return N_n // negative, counters, area


def _exact(state: State, side: float, negative: int, wanted: float) -> tuple[int, int, float]:
    """Return groups, counter-ions and area [nm^2]."""
    per_area = MOLAR * state.c * state.h / negative  # groups [1/nm^2]
    if not wanted:
        groups = round(per_area * side**2)
        return groups, 0, max(groups, 1) / per_area
    per_counter = abs(state.counter_valency) / wanted  # area [nm^2]
    middle = side**2 / per_counter
    first, last = math.ceil((1 - AREA) * middle), math.floor((1 + AREA) * middle)
    tried = range(first, last + 1) if last >= first else [max(1, round(middle))]

    def wrong(counters: int) -> tuple[float, float]:
        groups = per_area * counters * per_counter
        return round(abs(round(groups) / groups - 1), 4), abs(counters / middle - 1)

    counters = min(tried, key=wrong)
    return round(per_area * counters * per_counter), counters, counters * per_counter


def _no_ion(state: State, side: float, negative: int) -> str:
    least = negative / (MOLAR * side**2 * state.h)
    return (
        f"c = {state.c:g} mol/l is {state.c * MOLAR * side**2 * state.h:.2g} negative ions in a box of {side:g} x "
        f"{side:g} x {state.h:g} nm: there is none; allowed: {least:.2g} mol/l and more, or a larger setting `side`"
    )


def _too_little_charge(settings: ConfinedIonsSettings, state: State, side: float) -> str:
    one = abs(state.counter_valency) / (2 * CHARGE_DENSITY * side**2)
    least = one if settings.composition == "paper" else one / 2
    return (
        f"surface_charge = {state.surface_charge:g} C/m^2 is less than a counter-ion of valency "
        f"{state.counter_valency:+d} compensates on two planes of {side:g} x {side:g} nm; allowed: 0, {least:.2g} and "
        "more in magnitude, or a larger setting `side`"
    )


def _check(state: State, found: Composition) -> None:
    if found.ions > MOST_IONS:
        raise SimulationError(
            f"h = {state.h:g}, c = {state.c:g} mol/l and surface_charge = {state.surface_charge:g} are {found.ions} "
            f"ions in a box of {found.side:.3g} nm a side; allowed: {MOST_IONS}, or a smaller setting `side`"
        )
    volume = math.pi / 6 * (found.N_p * state.d_p**3 + found.N_n * state.d_n**3)
    if (packing := volume / (found.side**2 * state.h)) > DENSEST:
        raise SimulationError(
            f"the ions fill {packing:.0%} of the room between the planes: they would freeze; allowed: {DENSEST:.0%}, "
            "by a lower c or smaller d"
        )
