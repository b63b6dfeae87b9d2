"""Liquid silica with Buckingham's potential: the kind `silica`.

Molecular dynamics in NVT of SiO2, 2.2 g/cm^3 at 3600 K, as in H. Liu, Z. Fu, Y. Li, N. F. A. Sabri, M. Bauchy, MRS
Commun. 9, 593 (2019). The potential is in `silica_potential`, a run's protocol and what ends it early in `silica_run`,
what is measured in `silica_structure`. `fidelity` is the part of the full run's cost (`silica_settings.extent`).

Parameters that a point leaves out are those of the setting `potential`. A campaign whose space has no Si-Si parameter
so has Si-Si as it is there: none but Coulomb's and the core in BKS (the default) and ML, CHIK's own in CHIK.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.references import Reference
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.engines.protocol import missing
from softal.simulators.observables.threads import limited_threads
from softal.simulators.silica.potential import CUTOFF, PARAMETERS, PRESETS, BuckinghamDSF, silica_potentials
from softal.simulators.silica.run import Run
from softal.simulators.silica.settings import SilicaSettings, extent
from softal.simulators.silica.structure import ARRAYS, Q_MIN, SYMBOLS, VALUE_UNITS, VALUES, observe
from softal.trial import Observation, Point

# First maxima that a reference's g(r) may have [angstrom].
FIRST_MAXIMUM = {"g_SiO": (1.3, 2.0), "g_OO": (2.2, 3.2), "g_SiSi": (2.6, 3.6)}
SHORTEST_REFERENCE, WIDEST_BIN = 5.0, 0.2  # [angstrom]
FAR, FAR_TOLERANCE = 0.75, 0.25  # part of r from which on g is near 1, and how near


class Silica(Simulator):
    """Liquid silica: charge, A, rho, C of Si-O, O-O (and Si-Si) -> partial g(r), angles, neutron F(Q), pressure ..."""

    Settings: ClassVar[type[SilicaSettings]] = SilicaSettings
    parameters: Mapping[str, str] | None = PARAMETERS
    defaults: Mapping[str, float] = PRESETS["BKS"]
    outputs: Outputs | None = Outputs(
        values=frozenset(VALUES),
        arrays=frozenset(ARRAYS),
        grid_units={name: grid_unit for name, (_, grid_unit) in ARRAYS.items()},
        array_units={name: unit for name, (unit, _) in ARRAYS.items()},
        symbols=SYMBOLS,
        value_units=VALUE_UNITS,
        ranges={
            **dict.fromkeys(("temperature", "coordination_SiO", "coordination_OSi"), (0.0, math.inf)),
            **dict.fromkeys(("angle_OSiO_mean", "angle_SiOSi_mean"), (0.0, 180.0)),
        },
    )

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self.defaults = PRESETS[self.settings.potential]

    def check(self) -> list[str]:
        """Say which engine is missing, or that atoms or box do not fit."""
        settings, problems = self.settings, missing(self.settings.engine)
        if settings.particles % 3:
            nearest = 3 * max(1, round(settings.particles / 3))
            problems.append(f"particles = {settings.particles} is not a multiple of 3: SiO2 needs it; say {nearest}")
        smallest = extent(settings, 1e-12).atoms
        half, needed = settings.box_length(smallest) / 2, max(CUTOFF, settings.r_max)
        if half < needed:
            enough = 3 * math.ceil((2 * needed) ** 3 * settings.number_density / 3)
            what = "the potential's cutoff" if needed == CUTOFF else "r_max"
            problems.append(
                f"a box of {smallest} atoms has half a side of {half:.2f} angstrom, less than {what}, {needed:g}: "
                f"particles = {enough} or more are needed"
            )
        return problems

    def refuses(self, point: Point) -> str | None:
        """Say which pair collapses, as its curve tells."""
        try:
            self._potentials(point)
        except SimulationError as error:
            return str(error)
        return None

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values: coordination_SiO, coordination_OSi, angle_OSiO_mean and angle_SiOSi_mean [degree], pressure [GPa],
          potential_energy [eV per atom], temperature [K], all with standard errors;
        - arrays, with standard errors: g_SiO, g_OO, g_SiSi on r [angstrom], angle_OSiO and angle_SiOSi [1/degree] on
          theta [degree], neutron_fq [barn per steradian per atom] on Q [1/angstrom].

        Raises:
            SimulationError: if the parameters describe no liquid, saying why.
        """
        potentials = self._potentials(point)
        size = extent(self.settings, context.fidelity)
        with limited_threads(context.cpus) as threads:
            run = Run(self.settings, size, potentials, context.seed, threads=threads, gpu=context.gpus > 0)
            return observe(self.settings, run.system, run.frames())

    def _potentials(self, point: Point) -> Mapping[tuple[int, int], BuckinghamDSF]:
        return silica_potentials({name: _number(name, {**self.defaults, **point}) for name in PARAMETERS})

    def check_reference(self, reference: Reference) -> str | None:
        """Say in one line what is wrong with a reference: its unit, its reach, its bins, or its limit at large r."""
        settings = self.settings
        if reference.array in FIRST_MAXIMUM:
            problem = _wrong_distribution(reference, *FIRST_MAXIMUM[reference.array])
            reach = (settings.r_bin / 2, settings.r_max - settings.r_bin / 2)
        elif reference.array == "neutron_fq":
            problem, reach = None, (Q_MIN, settings.Q_max)
        else:
            return None
        return problem or reference.beyond(*reach)


def _wrong_distribution(reference: Reference, low: float, high: float) -> str | None:
    r, g = reference.grid, reference.values
    first = _first_maximum(r, g)
    for unit, size in (("nm", 10.0), ("pm", 0.01), ("bohr", 0.529177)):
        if not low <= first <= high and low <= first * size <= high:
            return f"has its first maximum at r = {first:.4g}: it looks like {unit}: give unit: {unit}"
    if not low <= first <= high:
        return f"has its first maximum at r = {first:.4g} angstrom, in silica it is between {low:g} and {high:g}"
    if r[-1] < SHORTEST_REFERENCE:
        return f"ends at r = {r[-1]:.4g}, at least {SHORTEST_REFERENCE:g} angstrom are needed"
    widest = float(np.diff(r[r <= SHORTEST_REFERENCE]).max())
    if widest > WIDEST_BIN * (1 + 1e-9):
        return f"has fewer bins than needed: they are {widest:.3g} angstrom wide, {WIDEST_BIN:g} is the most"
    far = float(np.mean(g[r > FAR * r[-1]]))
    if abs(far - 1) > FAR_TOLERANCE:
        return f"is {far:.3g} on the average at the end of r: a pair distribution function goes to 1"
    return None


def _first_maximum(r: Floats, g: Floats) -> float:
    """Return where the first stretch above half of the largest value is highest."""
    above = g > 0.5 * g.max()
    begin = int(np.argmax(above))
    end = begin + int(np.argmin(np.append(above[begin:], False)))
    return float(r[begin + np.argmax(g[begin:end])])


def _number(name: str, point: Point) -> float:
    value = point.get(name)
    if value is None or isinstance(value, (str, bool)):
        raise SimulationError(f"silica needs a number for the parameter {name!r}, not {value!r}")
    return float(value)
