"""What is measured in a run of the Kob-Andersen mixture, and the marks of runs that are no equilibrated liquid.

`relaxation_A` and `relaxation_B` are int F_s d log10 t from t = 0.01 tau to `t_max`, in decades: unlike the 1/e times
they are there for every state. `aging` is the difference of the sampling's two halves in standard errors, the largest
of energy, pressure and F_s of A where it is nearest to 1/e.
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.simulators.engines.base import Frame
from softal.simulators.kob_andersen.run import Samples
from softal.simulators.kob_andersen.settings import KobAndersenSettings
from softal.simulators.observables.crystal import crystalline
from softal.simulators.observables.dynamics import decades, decay_time_and_error
from softal.simulators.observables.force_distribution import distributions as with_forces
from softal.simulators.observables.partial_rdf import PartialDistributions
from softal.simulators.observables.partial_structure_factor import PartialStructureFactors
from softal.simulators.statistics import aging_of, mean_and_error
from softal.theory.kob_andersen import PAIR_NAMES, SPECIES
from softal.trial import Array, Observation

VALUES = (
    "potential_energy",
    "pressure",
    "temperature",
    "relaxation_A",
    "relaxation_B",
    "simulated_time",
    "crystalline",
    "crystallized",
    "equilibrated",
    "aging",
)
VALUE_UNITS = {
    "potential_energy": "epsilon", "pressure": "epsilon/sigma^3", "temperature": "epsilon", "simulated_time": "tau",
    "crystalline": "1",
}  # fmt: skip
OPTIONAL = ("tau_A", "tau_B")
ARRAYS = {  # name -> unit of the values, unit of the grid
    **{f"S_{pair}": ("", "1/sigma") for pair in PAIR_NAMES},
    **{f"F_s_{kind}": ("", "tau") for kind in SPECIES},
    **{f"msd_{kind}": ("sigma^2", "tau") for kind in SPECIES},
    **{f"g_{pair}": ("", "sigma") for pair in PAIR_NAMES},
}
SYMBOLS = {"sigma": "r", "1/sigma": "k", "tau": "t"}  # of grids, by their units
MCT_ARRAYS = {f"F_mct_{kind}": ("", "tau") for kind in SPECIES}

K_BIN, K_BINS = 0.4, 100  # the grid of S(k): k_i = (i - 1/2) 0.4, i = 1 ... 100 [1/sigma]
G_FRAMES, CRYSTAL_FRAMES = 20, 5  # configurations whose g(r), and surroundings, are looked at

K_VALUES: Floats = np.asarray((np.arange(K_BINS) + 0.5) * K_BIN)


def observe(settings: KobAndersenSettings, samples: Samples, rng: np.random.Generator) -> Observation:
    """Return the observation that a run's samples make; `rng` chooses the wave vectors of S(k)."""
    count, t_max = len(samples.system.positions), settings.t_max
    series: dict[str, Floats] = {
        "potential_energy": np.array([frame.potential_energy / count for frame in samples.frames]),
        "pressure": np.array([frame.pressure for frame in samples.frames]),
        "temperature": np.array([frame.temperature for frame in samples.frames]),
        "relaxation_A": decades(samples.t, samples.F_s[0], t_max),
        "relaxation_B": decades(samples.t, samples.F_s[1], t_max),
    }
    values, errors = {}, {}
    for name, one in series.items():
        values[name], errors[name] = (float(number) for number in mean_and_error(np.asarray(one)))
    for name, F in zip(OPTIONAL, samples.F_s, strict=True):
        if (found := decay_time_and_error(samples.t, F)) is not None:
            values[name], errors[name] = found
    values |= _marks(settings, samples, series) | {"simulated_time": samples.simulated_time}
    return Observation(values, errors, _arrays(settings, samples, rng))


def _marks(settings: KobAndersenSettings, samples: Samples, series: dict[str, Floats]) -> dict[str, float]:
    aging = aging_of([series["potential_energy"], series["pressure"], _near_tau(samples)])
    last = samples.frames[-CRYSTAL_FRAMES:]
    part = float(np.mean([crystalline(frame.positions, samples.system.box_length) for frame in last]))
    return {
        "crystalline": part,
        "crystallized": float(part >= settings.crystal_threshold),
        "equilibrated": float(samples.relaxed and aging < settings.aging_threshold),
        "aging": aging,
    }


def _near_tau(samples: Samples) -> Floats:
    """Return F_s of A of each origin, where its mean is nearest to 1/e, shape (origins,)."""
    F = samples.F_s[0]
    return np.asarray(F[:, int(np.argmin(np.abs(F.mean(axis=0) - np.exp(-1))))])


def _arrays(settings: KobAndersenSettings, samples: Samples, rng: np.random.Generator) -> dict[str, Array]:
    arrays = structure(samples, rng) | distributions(settings, samples)
    for index, kind in enumerate(SPECIES):
        arrays[f"F_s_{kind}"] = _array(f"F_s_{kind}", samples.F_s[index], samples.t)
        arrays[f"msd_{kind}"] = _array(f"msd_{kind}", samples.msd[index], samples.t)
    return arrays


def structure(samples: Samples, rng: np.random.Generator) -> dict[str, Array]:
    """Return S_AA, S_AB, S_BB on K_VALUES."""
    system = samples.system
    factors = PartialStructureFactors(system.particle_types, system.box_length, K_VALUES, rng)
    S = np.array([factors.compute(frame.positions) for frame in samples.frames])
    return {f"S_{pair}": _array(f"S_{pair}", S[:, index], K_VALUES) for index, pair in enumerate(PAIR_NAMES)}


def distributions(settings: KobAndersenSettings, samples: Samples) -> dict[str, Array]:
    """Return g_AA, g_AB, g_BB."""
    system = samples.system
    r_max = settings.end_of_g(system.box_length)
    partial = PartialDistributions(system.particle_types, system.box_length, r_max, settings.r_bin)
    frames = _some(samples.frames, G_FRAMES)
    positions, forces = [frame.positions for frame in frames], [frame.forces for frame in frames]
    kT = float(np.mean([frame.temperature for frame in samples.frames]))  # at constant energy, too
    found = with_forces(partial, positions, forces, kT)
    return {f"g_{n}": Array(*g, partial.r_values, *ARRAYS[f"g_{n}"]) for n, g in zip(PAIR_NAMES, found, strict=True)}


def _some(frames: list[Frame], count: int) -> list[Frame]:
    """Return at most `count` of the frames, evenly spaced."""
    return frames[:: -(-len(frames) // count)]


def _array(name: str, series: Floats, grid: Floats) -> Array:
    mean, error = mean_and_error(series)
    return Array(mean, error, grid, *ARRAYS[name])
