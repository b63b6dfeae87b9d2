"""Liquid argon with a Mie n-m potential: the kind `argon`.

Molecular dynamics in NVT of a few hundred atoms at a neutron-scattering experiment's temperature and density. A run is

1. melting: from an fcc lattice at a temperature at which no such lattice lasts, other velocities for every seed;
2. quenching to the temperature, and equilibration;
3. sampling: S(k) and g(r) every `sample_every`, energy and pressure with them; `fidelity` scales its length;
4. the same without S(k) and g(r) at a second temperature and density, where `second_state` gives one.

Energy and pressure are those of the full potential: the share beyond the cutoff is added with g(r) = 1. A potential
that makes a crystal stable at this density may freeze, as it should; S(k) then has Bragg peaks.

With the defaults a run takes about 9 s on one core, and R = |S - S_ref| / |S_ref| against the neutron data of
campaigns/data/argon_yarnell_1973_sk.csv (0.3 < k < 6 1/angstrom) repeats within 0.0014 (standard deviation over seeds).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.references import Reference
from softal.simulators.argon.settings import ArgonSettings
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.engines.base import Engine, Frame, System
from softal.simulators.engines.box import Box
from softal.simulators.engines.potential import Mie
from softal.simulators.engines.protocol import Stage, check_temperature, follow, missing, started
from softal.simulators.engines.start import face_centred_cubic, thermal_velocities
from softal.simulators.observables.force_distribution import distributions
from softal.simulators.observables.partial_rdf import PartialDistributions
from softal.simulators.observables.rdf import RadialDistribution
from softal.simulators.observables.structure_factor import StructureFactor
from softal.simulators.observables.threads import limited_threads
from softal.simulators.statistics import mean_and_error
from softal.trial import Array, Observation, Point

MASS = 39.948  # [u]; static properties do not depend on it, it sets the time scale
# Energies in k_B K, lengths in angstrom and masses in u make times in sqrt(u angstrom^2 / (k_B K)) = 1.0966875 ps.
PICOSECOND = 1 / 1.0966875  # CODATA 2018
MEGAPASCAL = 13.80649  # k_B K / angstrom^3 in MPa
GAS_CONSTANT = 8.314462618e-3  # k_B K for each atom of a mole in kJ/mol (CODATA 2018)
MIN_FRAMES = 10  # fewer give no standard error worth the name
MELT = 4.0  # melting temperature's multiple of the well's depth, or of the repulsion at the lattice's distance
QUENCH = 0.05  # time constant of the thermostat while it takes the melt's heat away [ps]
# Of the thermostat otherwise [ps]: short, as only static properties are wanted; the error of the mean temperature grows
# with its root.
THERMOSTAT = 0.2
VALUE_UNITS = {
    "potential_energy": "K",
    "enthalpy_of_vaporization": "kJ/mol",
    "pressure": "MPa",
    "temperature": "K",
    "peak_height": "1",
    "peak_position": "1/angstrom",
}
SECOND_UNITS = {"second_pressure": "MPa", "second_potential_energy": "K"}


class Argon(Simulator):
    """Liquid argon: epsilon, sigma, n (and m) -> S(k), g(r), energy, pressure."""

    Settings: ClassVar[type[ArgonSettings]] = ArgonSettings
    parameters: Mapping[str, str] | None = {
        "epsilon": "K (depth of the well over k_B)",
        "sigma": "angstrom (where the potential is zero)",
        "n": "repulsive exponent",
        "m": "attractive exponent",
    }
    defaults: Mapping[str, float] = {"n": 12.0, "m": 6.0}

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays; those of the second state where there is one."""
        units = VALUE_UNITS if self.settings.second_state is None else VALUE_UNITS | SECOND_UNITS
        return Outputs(
            values=frozenset(units),
            arrays=frozenset({"structure_factor", "radial_distribution"}),
            grid_units={"structure_factor": "1/angstrom", "radial_distribution": "angstrom"},
            symbols={"structure_factor": "k", "radial_distribution": "r"},
            value_units=units,
            ranges=dict.fromkeys(("temperature", "peak_height", "peak_position"), (0.0, math.inf)),
        )

    def check(self) -> list[str]:
        """Say which engine is missing, or that the cutoff cannot fit into the box."""
        return missing(self.settings.engine)

    def check_reference(self, reference: Reference) -> str | None:
        """Say that a reference goes beyond what is simulated, or is negative somewhere."""
        covered = {
            "structure_factor": (2 * math.pi / self._box_length, float(self.settings.k_max)),
            "radial_distribution": (self.settings.r_bin / 2, self._box_length / 2),
        }
        if np.any(reference.values < 0):
            return f"is negative at {reference.grid[np.argmax(reference.values < 0)]:g}; S(k) and g(r) are not"
        return reference.beyond(*covered[reference.array])

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values: potential_energy [K per atom], enthalpy_of_vaporization [kJ/mol], pressure [MPa], temperature [K],
          peak_height (of S(k)) and peak_position [1/angstrom]; second_pressure [MPa] and second_potential_energy
          [K per atom] where there is a second state; all but peak_position with standard errors;
        - arrays: structure_factor on k [1/angstrom], radial_distribution on r [angstrom].

        Raises:
            SimulationError: if the system blows up, or the parameters describe no potential.
        """
        *seeds, second = np.random.SeedSequence(context.seed).spawn(3)
        with limited_threads(context.cpus):
            observation = self._observe(*self._sample(point, context, seeds))
            if self.settings.second_state is None:
                return observation
            values, errors = self._at_second_state(point, context, second)
        return Observation({**observation.values, **values}, {**observation.errors, **errors}, observation.arrays)

    def _at_second_state(
        self, point: Point, context: Context, seed: np.random.SeedSequence
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Return pressure and potential energy of the second state, and their standard errors."""
        state = self.settings.second_state.model_dump()
        there = Argon({**self.settings.model_dump(), "second_state": None, **state})
        series = there._series(*there._sample(point, context, seed.spawn(2)))
        there._check_temperature(float(np.mean(series["temperature"])))
        found = {name: mean_and_error(series[name.removeprefix("second_")]) for name in SECOND_UNITS}
        return (
            {name: float(mean) for name, (mean, _) in found.items()},
            {name: float(error) for name, (_, error) in found.items()},
        )

    def _sample(
        self, point: Point, context: Context, seeds: Sequence[np.random.SeedSequence]
    ) -> tuple[System, Mie, list[Frame]]:
        """Return what was started, its potential and the configurations of the sampling."""
        potential = self._potential(point)
        system = self._system(potential, np.random.default_rng(seeds[0]))
        melting, *stages = self._stages(self._melting_temperature(potential), seeds[1])
        threads, gpu = max(1, int(context.cpus)), context.gpus > 0
        with started(self.settings.engine, system, melting, threads=threads, gpu=gpu) as engine:
            engine.run(melting.steps)
            follow(engine, *stages)
            engine.forget_heat(self.settings.temperature)
            return system, potential, [self._next(engine) for _ in range(self._frames(context.fidelity))]

    def _potential(self, point: Point) -> Mie:
        epsilon, sigma, n, m = (_number(name, {**self.defaults, **point}) for name in ("epsilon", "sigma", "n", "m"))
        return Mie(epsilon, sigma, self.settings.cutoff * sigma, n, m)

    def _system(self, potential: Mie, rng: np.random.Generator) -> System:
        settings = self.settings
        box_length = self._box_length
        positions = face_centred_cubic(settings.particles, box_length)
        velocities = thermal_velocities(settings.particles, self._melting_temperature(potential), MASS, rng)
        return System(positions, velocities, Box.cube(box_length), potential, MASS)

    @property
    def _box_length(self) -> float:
        return float((self.settings.particles / self.settings.number_density) ** (1 / 3))

    def _melting_temperature(self, potential: Mie) -> float:
        """Return a temperature [K] at which an fcc lattice of this density melts within a picosecond.

        Inverse powers of r freeze where kT is of the order of their energy at the lattice's nearest distance.
        """
        nearest = math.cbrt(math.sqrt(2) / self.settings.number_density)
        repulsion = potential.coefficient * potential.epsilon * math.pow(potential.sigma / nearest, potential.n)
        return max(MELT * potential.epsilon, MELT * repulsion, float(self.settings.temperature))

    def _melting_timestep(self, melt: float) -> float:
        """Return a step [time] in which a hot atom goes as far as a cold one does in a `timestep`."""
        return self._timestep * math.sqrt(float(self.settings.temperature) / melt)

    @property
    def _timestep(self) -> float:
        return float(self.settings.timestep * 1e-3 * PICOSECOND)

    def _stages(self, melt: float, seeds: np.random.SeedSequence) -> tuple[Stage, Stage, Stage]:
        """Return melting, quench and equilibration."""
        settings, short = self.settings, self._melting_timestep(melt)
        first = int(seeds.generate_state(1)[0])
        quench, sample = (int(seed) for seed in seeds.spawn(1)[0].generate_state(2))

        def stage(kT: float, dt: float, thermostat: float, seed: int, time: float) -> Stage:
            return Stage(kT, dt, thermostat * PICOSECOND, seed, math.ceil(time * PICOSECOND / dt))

        return (
            stage(melt, short, THERMOSTAT, first, settings.melting),
            stage(settings.temperature, short, QUENCH, quench, 20 * QUENCH),
            stage(settings.temperature, self._timestep, THERMOSTAT, sample, settings.equilibration),
        )

    def _frames(self, fidelity: float) -> int:
        return max(MIN_FRAMES, round(fidelity * float(self.settings.sampling / self.settings.sample_every)))

    def _next(self, engine: Engine) -> Frame:
        engine.run(max(1, round(self.settings.sample_every * PICOSECOND / self._timestep)))
        return engine.frame(forces=self.settings.forces)

    def _observe(self, system: System, potential: Mie, frames: list[Frame]) -> Observation:
        settings = self.settings
        structure = StructureFactor(system.box_length, settings.k_max, settings.k_bin)
        S_k = np.array([structure.compute(frame.positions) for frame in frames])
        # g(r) of one configuration costs as much as S(k) and is far less noisy: every fourth is enough.
        arrays = {
            "structure_factor": _array(S_k, structure.k_values, "1/angstrom"),
            "radial_distribution": self._radial_distribution(system, frames[::4]),
        }
        series = self._series(system, potential, frames)
        peak = int(np.argmax(arrays["structure_factor"].values))
        series["peak_height"] = S_k[:, peak]
        values = {name: float(np.mean(samples)) for name, samples in series.items()}
        self._check_temperature(values["temperature"])
        errors = {name: float(mean_and_error(samples)[1]) for name, samples in series.items()}
        values["peak_position"] = float(structure.k_values[peak])
        return Observation(values, errors, arrays)

    def _radial_distribution(self, system: System, frames: list[Frame]) -> Array:
        length, settings = system.box_length, self.settings
        if not settings.forces:
            distribution = RadialDistribution(length, length / 2, settings.r_bin)
            g_r = np.array([distribution.compute(frame.positions) for frame in frames])
            return _array(g_r, distribution.r_values, "angstrom")
        partial = PartialDistributions(system.particle_types, length, length / 2, settings.r_bin)
        positions, forces = [frame.positions for frame in frames], [frame.forces for frame in frames]
        [(values, errors)] = distributions(partial, positions, forces, settings.temperature)
        return Array(values, errors, partial.r_values, "", "angstrom")

    def _series(self, system: System, potential: Mie, frames: list[Frame]) -> dict[str, NDArray[np.float64]]:
        density = system.density
        energy = np.array([frame.potential_energy for frame in frames]) / len(system.positions)
        pressure = np.array([frame.pressure for frame in frames])
        energy += potential.energy_tail(density)
        return {
            "potential_energy": energy,
            "enthalpy_of_vaporization": enthalpy_of_vaporization(energy, self.settings.temperature),
            "pressure": (pressure + potential.pressure_tail(density)) * MEGAPASCAL,
            "temperature": np.array([frame.temperature for frame in frames]),
        }

    def _check_temperature(self, mean: float) -> None:
        settings = self.settings
        check_temperature(mean, settings.temperature, f"{settings.timestep:g} fs", unit=" K", what="potential")


def enthalpy_of_vaporization(potential_energy: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return the molar enthalpy of vaporisation into the ideal gas, R T - U [kJ/mol].

    H_gas - H_liquid = U_gas - U_liquid + P (V_gas - V_liquid), with a gas that is ideal (U_gas = 0, P V_gas = R T) and
    without P V_liquid (2 J/mol at argon's triple point). A vapour that is not ideal makes the measured one smaller by
    H_ideal - H_vapour, for argon at 85 K by 0.06 kJ/mol.

    Args:
        potential_energy: U of each atom over k_B [K].
        temperature: [K].

    Source: W. L. Jorgensen, J. D. Madura, C. J. Swenson, J. Am. Chem. Soc. 106, 6638 (1984).
    """
    return GAS_CONSTANT * (temperature - potential_energy)


def _number(name: str, point: Point) -> float:
    value = point.get(name)
    if value is None or isinstance(value, (str, bool)):
        raise SimulationError(f"argon needs a number for the parameter {name!r}, not {value!r}")
    return float(value)


def _array(series: NDArray[np.float64], grid: NDArray[np.float64], grid_unit: str) -> Array:
    mean, error = mean_and_error(series)
    return Array(mean, error, grid, "", grid_unit)
