"""Molecular dynamics in words that every engine understands: particles in a box, what acts on them, NVT or NVE.

Units are any consistent set of [energy], [length] and [mass]; then time is in sqrt([mass] [length]^2 / [energy]),
temperature in [energy] (k_B = 1, called kT) and pressure in [energy]/[length]^3. These are HOOMD-blue's conventions,
and LAMMPS's `units lj`.

Convention of the cutoff: U(r) of each pair is exactly what its `PairPotential` says, zero from its cutoff on. A Mie
potential is cut and, unless `shift` is set, not shifted. The same positions must give the same energy and forces in
every engine; a test holds this. Walls and charges add to the energy of the pairs (`engines/interactions.py`); an
engine that cannot express them says so when it is started.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from types import TracebackType
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError, SoftalError
from softal.numeric import Floats
from softal.simulators.engines.box import Box
from softal.simulators.engines.interactions import AXES, Charges, Wall
from softal.simulators.engines.potential import PairPotential

SKIN = 0.1  # of the neighbour lists, of the longest cutoff
BLOWN_UP = 20.0  # times the hottest temperature that was set: no thermostat lets an intact liquid get there


@dataclass(frozen=True)
class System:
    """Particles of one or several kinds in a box, and what acts on them: pairs, walls and charges.

    Attributes:
        positions: shape (N, 3), within [0, L) [length].
        velocities: shape (N, 3) [length/time].
        box: its edges, and along which of them it is periodic.
        potential: between all pairs; or one for each pair of kinds (a, b), a <= b.
        mass: of every particle, or of each kind, shape (len(kinds),) [mass].
        types: kind of each particle, an index into `kinds`, shape (N,); all 0 if not given.
        kinds: names of the kinds.
        walls: planes across open axes.
        charges: of the kinds; None is none.

    Raises:
        SimulationError: a cutoff is longer than half a periodic edge, a wall stands outside the box or across a
            periodic axis, or the charges' energy has no sum.
    """

    positions: Floats
    velocities: Floats
    box: Box
    potential: PairPotential | Mapping[tuple[int, int], PairPotential]
    mass: float | Floats = 1.0
    types: NDArray[np.intp] | None = None
    kinds: tuple[str, ...] = ("A",)
    walls: tuple[Wall, ...] = ()
    charges: Charges | None = None

    def __post_init__(self) -> None:
        if self.cutoff > self.box.narrowest / 2:
            raise SimulationError(
                f"the cutoff {self.cutoff:.4g} is longer than half the box, {self.box.narrowest / 2:.4g}: "
                "use more particles or a shorter cutoff"
            )
        for wall in self.walls:
            edge = self.box.edges[wall.axis]
            if self.box.periodic[wall.axis] or not 0 <= wall.position <= edge:
                raise SimulationError(
                    f"a wall at {AXES[wall.axis]} = {wall.position:g} needs an open box there, from 0 to {edge:g}"
                )
            if wall.charge and (self.charges is None or wall.axis != 2):
                raise SimulationError("a charged wall needs charges, and stands across z")
        if self.charges is not None:
            self.charges.check(self.box, self.particle_types, self.walls)

    @property
    def box_length(self) -> float:
        """L of a periodic cube [length]; SimulationError where the box is none."""
        return self.box.length

    @property
    def pairs(self) -> dict[tuple[int, int], PairPotential]:
        """The potential of each pair of kinds (a, b), a <= b."""
        every = combinations_with_replacement(range(len(self.kinds)), 2)
        one = self.potential
        return {pair: one[pair] if isinstance(one, Mapping) else one for pair in every}

    @property
    def cutoff(self) -> float:
        """The longest of the cutoffs [length]."""
        every = [potential.cutoff for potential in self.pairs.values()]
        return max([*every, self.charges.cutoff] if self.charges else every)

    @property
    def masses(self) -> Floats:
        """Mass of each kind, shape (len(kinds),) [mass]."""
        return np.broadcast_to(np.asarray(self.mass, dtype=np.float64), len(self.kinds))

    @property
    def particle_types(self) -> NDArray[np.intp]:
        """Kind of each particle, shape (N,)."""
        return np.zeros(len(self.positions), dtype=np.intp) if self.types is None else self.types

    @property
    def density(self) -> float:
        """Number density [1/length^3]."""
        return len(self.positions) / self.box.volume

    @property
    def kept_momenta(self) -> int:
        """Number of axes along which nothing but the particles themselves acts: their total momentum is constant."""
        return 3 - len({wall.axis for wall in self.walls})


@dataclass(frozen=True)
class Frame:
    """One instant of a simulation: positions (N, 3) within the box, and what belongs to them.

    Attributes:
        potential_energy: of all particles [energy], with the cutoff's convention above, without tails.
        temperature: kT = 2 K / (3 N - f) [energy], f the number of `System.kept_momenta`.
        pressure: with the virial of the cut potential [energy/length^3], without tails, and without walls, which have
            `Wall.push`.
        forces: on the particles (N, 3) [energy/length], where they were asked for.
    """

    positions: Floats
    potential_energy: float
    temperature: float
    pressure: float
    forces: Floats | None = None


class Engine(ABC):
    """A running NVT simulation (Bussi-Donadio-Parrinello thermostat; source: J. Chem. Phys. 126, 014101 (2007)).

    After `release_thermostat` the energy is constant. Use it as a context manager. With one thread it is deterministic
    for a given seed.

    Args:
        system: where it starts.
        kT: temperature [energy].
        dt: time step [time].
        thermostat_time: time constant of the thermostat [time].
        seed: of the thermostat's random numbers, any non-negative integer.
        threads: CPU threads.
        gpu: whether to run on a GPU.
        skin: how far neighbour lists reach beyond the cutoffs [length]; a tenth of the longest if None. It has no part
            in the results: lists are made anew before a particle can come in unseen.

    Attributes:
        name: in the campaign file.
        title: what people call it.
        installation: what to do where it is not installed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    installation: ClassVar[str]

    def __init__(
        self,
        system: System,
        *,
        kT: float,
        dt: float,
        thermostat_time: float,
        seed: int,
        threads: int = 1,
        gpu: bool = False,
        skin: float | None = None,
    ) -> None:
        self.system = system
        self._skin = SKIN * system.cutoff if skin is None else skin
        self._hottest = kT
        self._steps = 0
        with self._explained():
            self._start(kT, dt, thermostat_time, seed, threads, gpu)

    @classmethod
    @abstractmethod
    def available(cls) -> bool:
        """Whether the engine can be imported here."""

    def run(self, steps: int) -> None:
        """Advance by `steps` time steps.

        Raises:
            SimulationError: if the engine fails or the system blows up, saying what to do.
        """
        self._steps += steps
        with self._explained():
            self._run(steps)
        kT = self._temperature()
        if not math.isfinite(kT) or kT > BLOWN_UP * self._hottest:
            raise SimulationError(self._blown_up(f"the temperature came to {kT:.3g}, {self._hottest:.3g} was set"))

    def set_thermostat(self, kT: float, dt: float, thermostat_time: float, seed: int) -> None:
        """Go on with another temperature, time step and time constant."""
        self._hottest = max(self._hottest, kT)
        with self._explained():
            self._set_thermostat(kT, dt, thermostat_time, seed)

    def release_thermostat(self) -> None:
        """Go on at constant energy, until `set_thermostat` is called."""
        with self._explained():
            self._release_thermostat()

    def set_velocities(self, velocities: Floats) -> None:
        """Go on with other velocities, shape (N, 3) [length/time], in the order of System.positions."""
        with self._explained():
            self._set_velocities(velocities)

    def forget_heat(self, kT: float) -> None:
        """Take `kT` as the temperature that a blow-up is measured by, after a system has been cooled."""
        self._hottest = kT

    def frame(self, *, forces: bool = False) -> Frame:
        """Return the present instant, with its forces if wanted; SimulationError if its energy is not a number."""
        with self._explained():
            frame = replace(self._frame(), forces=self.forces()) if forces else self._frame()
        if not (math.isfinite(frame.potential_energy) and math.isfinite(frame.pressure)):
            raise SimulationError(self._blown_up(f"the energy came to {frame.potential_energy}"))
        return frame

    @abstractmethod
    def unwrapped(self) -> Floats:
        """Return positions that go on beyond the box's faces, shape (N, 3) [length].

        They are continuous in time, so that differences of two instants are displacements; at the start they are
        those of System.positions.
        """

    @abstractmethod
    def forces(self) -> Floats:
        """Return the force on each particle, shape (N, 3) [energy/length], in the order of System.positions."""

    def close(self) -> None:  # noqa: B027 (an engine without anything to free need not say so)
        """Free the engine's memory; the engine cannot be used any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _explained(self) -> _Explained:
        return _Explained(self)

    def _said(self, error: Exception) -> str:
        """Return what of an engine's error its users are to read."""
        return str(error)

    def _blown_up(self, what: str) -> str:
        return (
            f"the simulation blew up within {self._steps} steps ({self.name}): {what}. "
            "A shorter time step, or a range of parameters without such steep potentials, helps"
        )

    @abstractmethod
    def _start(self, kT: float, dt: float, thermostat_time: float, seed: int, threads: int, gpu: bool) -> None: ...

    @abstractmethod
    def _run(self, steps: int) -> None: ...

    @abstractmethod
    def _set_thermostat(self, kT: float, dt: float, thermostat_time: float, seed: int) -> None: ...

    @abstractmethod
    def _release_thermostat(self) -> None: ...

    @abstractmethod
    def _set_velocities(self, velocities: Floats) -> None: ...

    @abstractmethod
    def _temperature(self) -> float: ...

    @abstractmethod
    def _frame(self) -> Frame: ...


class _Explained:
    """Turns whatever an engine raises into a SimulationError that names the engine and the step."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # KeyboardInterrupt and the like are not the engine's; our own errors are already explained.
        if isinstance(error, Exception) and not isinstance(error, SoftalError):
            reason = " ".join(self._engine._said(error).split()) or type(error).__name__
            raise SimulationError(self._engine._blown_up(f"{self._engine.name} says {reason!r}")) from error
