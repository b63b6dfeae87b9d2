r"""What is measured in a run of ions between planes.

Profiles are the best of counts and forces (`observables.combination`), on a grid of z/h that does not depend on the
point, and folded about z = 0, since both walls are alike: averaged over the halves, on z/h from -1/2 to 0. Of the
folded ones,

    contact   at z = -(h/2 - d/2), where the walls' energy is kT; between bins a straight line
    mid       at z = 0: the last bin
    peak      the largest bin: noise makes it a little too large

pressure is that on a wall, the push of the ions on it and the pull of all other charges on its own (contact theorem):

    P = < push > / A - 2 pi l_B kT (sigma / e)^2 = kT sum_i rho_i(contact) - sigma^2 / (2 epsilon).
"""

from __future__ import annotations

import math

import numpy as np

from softal.numeric import Floats
from softal.outputs import Flaws, Known, Outputs
from softal.simulators.confined_ions.composition import Composition, State
from softal.simulators.confined_ions.run import KINDS, Samples
from softal.simulators.confined_ions.settings import (
    CHARGE_DENSITY,
    KT_KILOJOULE_PER_MOLE,
    KT_ZEPTOJOULE,
    MOLAR,
    SIZE,
    TEMPERATURE,
    ConfinedIonsSettings,
)
from softal.simulators.observables.combination import Combined, combined
from softal.simulators.observables.density_profile import folded, with_total
from softal.simulators.statistics import mean_and_error
from softal.trial import Array, Observation

FEATURES = ("contact", "mid", "peak")
VALUE_UNITS = {
    **{f"{feature}_{kind}": "mol/l" for feature in FEATURES for kind in KINDS},
    "pressure": "MPa",
    "potential_energy": "kJ/mol",
    "temperature": "K",
    "simulated_time": "ps",
    "side": "nm",
    "salt": "mol/l",
}
COUNTS = ("ions", "ion_steps", "gain", "aging", "equilibrated")  # values without a unit
ARRAYS = tuple(f"density_{kind}{which}" for which in ("", "_folded") for kind in KINDS)
DENSITY, GRID = "mol/l", "z/h"
FLAWS = Flaws({"equilibrated": 0.0})
DEFAULTS = {"z_p": 1.0, "z_n": -1.0, "d": SIZE, "d_p": 0.0, "d_n": 0.0, "surface_charge": 0.0}
# Counter-ions of both walls over the slab [mol/l], times the valency and h [nm].
COUNTER_IONS = 2 * CHARGE_DENSITY / MOLAR
INTEGRALS = {
    "p": f"-c*z_n/z_p + {COUNTER_IONS:.10g}*max(-surface_charge, 0)/(z_p*h)",
    "n": f"c + {COUNTER_IONS:.10g}*max(surface_charge, 0)/(-z_n*h)",
}


def known_of(kind: str, composition: str) -> Known:
    """Return what is known of the profile of a kind, p or n, over z/h: walls' cores, contact, number of ions."""
    d = f"(d_{kind} + d*(1 - min(1, ceil(d_{kind}))))"  # d_p = 0 is d
    return Known(
        positive=True,
        symmetric=True,
        support=f"(h - 0.8*{d})/(2*h)",  # where the walls' energy is 43 kT
        contact=f"(h - {d})/(2*h)",
        integral=INTEGRALS[kind] if composition == "exact" else None,
        defaults=DEFAULTS,
    )


OUTPUTS = Outputs(
    values=frozenset({*VALUE_UNITS, *COUNTS}),
    arrays=frozenset(ARRAYS),
    array_units=dict.fromkeys(ARRAYS, DENSITY),
    symbols=dict.fromkeys(ARRAYS, GRID),
    value_units=VALUE_UNITS,
    ranges={
        name: (0.0, math.inf)
        for name in (*VALUE_UNITS, "ions", "ion_steps", "aging")
        if name not in ("pressure", "potential_energy")
    },
    marks=frozenset(FLAWS.marks),
    flaws=FLAWS,
    known={f"density_{kind}": known_of(kind, "exact") for kind in KINDS},
)


def observe(settings: ConfinedIonsSettings, state: State, composition: Composition, samples: Samples) -> Observation:
    """Return the observation that a run's samples make."""
    whole = [_profile(settings, one) for one in samples.estimates]
    halves = [_profile(settings, folded(one)) for one in samples.estimates]
    grid = (np.arange(settings.bins) + 0.5) / settings.bins - 0.5
    arrays: dict[str, Array] = {}
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    for kind, one, half, d in zip(KINDS, whole, halves, (state.d_p, state.d_n), strict=True):
        arrays[f"density_{kind}"] = _array(one, grid)
        arrays[f"density_{kind}_folded"] = _array(half, grid[: settings.bins // 2])
        for feature, (rho, spread) in _features(half, grid[: settings.bins // 2], -0.5 + d / (2 * state.h)).items():
            values[f"{feature}_{kind}"], errors[f"{feature}_{kind}"] = rho, spread
    for name, (series, unit, shift) in _means(settings, composition, samples).items():
        mean, error = mean_and_error(series)
        values[name], errors[name] = float(mean) * unit - shift, float(error) * unit
    seen = [half.gain[half.values > 0] for half in halves]
    values |= {
        "simulated_time": samples.simulated_time,
        "side": composition.side,
        "salt": composition.salt,
        "ions": float(composition.ions),
        "ion_steps": samples.steps * composition.ions / 1e6,
        "gain": float(np.median(np.concatenate(seen))),
        "aging": samples.aging,
        "equilibrated": float(samples.relaxed and samples.aging < settings.aging_threshold),
    }
    return Observation(values, errors, arrays)


def _profile(settings: ConfinedIonsSettings, estimates: Floats) -> Combined:
    """Return the profile of estimates (3, blocks, bins) [1/nm^3]."""
    return combined(with_total(estimates) if settings.forces else estimates[:1])


def _array(profile: Combined, grid: Floats) -> Array:
    return Array(profile.values / MOLAR, profile.errors / MOLAR, grid, DENSITY, "")


def _features(half: Combined, grid: Floats, contact: float) -> dict[str, tuple[float, float]]:
    """Return contact, mid and peak density with errors [mol/l] of a folded profile on z/h."""
    rho, error = half.values / MOLAR, half.errors / MOLAR
    peak = int(np.argmax(rho))
    found = {
        "contact": (np.interp(contact, grid, rho), np.interp(contact, grid, error)),
        "mid": (rho[-1], error[-1]),
        "peak": (rho[peak], error[peak]),
    }
    return {name: (float(value), float(spread)) for name, (value, spread) in found.items()}


def _means(
    settings: ConfinedIonsSettings, composition: Composition, samples: Samples
) -> dict[str, tuple[Floats, float, float]]:
    """Return of each value its series, the unit of the series, and what is taken from the mean."""
    pull = settings.charge_square_pressure * composition.plane**2 * KT_ZEPTOJOULE
    return {
        "potential_energy": (samples.series["energy"], KT_KILOJOULE_PER_MOLE, 0.0),
        "temperature": (samples.series["temperature"], TEMPERATURE, 0.0),
        "pressure": (samples.series["push"], KT_ZEPTOJOULE, pull),
    }
