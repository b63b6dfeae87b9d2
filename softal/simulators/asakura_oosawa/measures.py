"""What is measured in a run of colloids in ideal polymer.

The contact value is that of y(r) = g(r) exp(-z_p lens(r)), which is smooth where g(r) is steep, by a parabola through
its five bins up to 1.1 sigma, times exp(z_p lens(sigma)). It is linear in the bins, so that it has a series and an
error of its own. It is the cores' part of the pressure, the rest is the virial of the effective interaction:

    beta P = rho + 2 pi / 3 rho (N - 1) / V g(sigma) - dU / dV.

P is the pressure over that of the reservoir, z_p kT: the mixture in osmotic equilibrium with it has the sum of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.observables.rdf import RadialDistribution
from softal.simulators.statistics import aging_of, mean_and_error
from softal.space.parameters import Fixed
from softal.theory.many_body.depletion import particle_energies
from softal.trial import Array, Observation

if TYPE_CHECKING:
    from softal.simulators.monte_carlo.colloids import Depleted
    from softal.simulators.monte_carlo.system import Configuration
    from softal.surrogates.symmetry_potential.symmetry_potential import SymmetryPotential

BIN, NEAR = 0.02, 5  # [sigma] of g(r), and how many bins the contact value is made of
FAR = 0.5  # part of the environments that a learned potential may not know before a run is refused
USUAL = 0.4  # q where a point has none
LEARNED_FROM = ("configurations", "boxes", "particle_energies")
ARRAYS = {"g_r": "", "configurations": "sigma", "boxes": "sigma", "particle_energies": "sigma^3"}
VALUE_UNITS = {
    "energy": "kT", "many_body": "kT", "free_volume": "", "polymers": "1/sigma^3", "contact": "",
    "pressure": "kT/sigma^3", "drift": "", "acceptance": "",
}  # fmt: skip
LEARNED = {"energy_error": "kT", "far": ""}  # values of runs with a learned potential


class Measured:
    """Series of one run.

    Args:
        colloids: what runs, in a cube.
        r_max: end of g(r), adjusted to whole bins [sigma].
    """

    def __init__(self, colloids: Depleted, r_max: float) -> None:
        self._colloids = colloids
        self._rdf = RadialDistribution(float(colloids.box[0]), round(r_max / BIN - 1e-9) * BIN, BIN)
        self._series: dict[str, list[float]] = {}
        self._g_r: list[Floats] = []
        self._kept: list[Configuration] = []

    def measure(self, *, keep: bool) -> None:
        """Add the present configuration to the series, and keep it."""
        colloids, n = self._colloids, len(self._colloids.positions)
        free, z_p = colloids.free_volume, colloids.potential.z_p
        self._g_r.append(self._rdf.compute(colloids.positions))
        found = {"energy": colloids.energy / n, "many_body": z_p * colloids.shared / n}
        found |= {"free_volume": free, "polymers": z_p * free, "contact": self._contact(self._g_r[-1])}
        impacts = 2 * np.pi / 3 * (n - 1) / float(colloids.box.prod()) * found["contact"]
        found["pressure"] = colloids.density * (1 + impacts) + colloids.virial
        for name, value in found.items():
            self._series.setdefault(name, []).append(value)
        if keep:
            self._kept.append(colloids.configuration)

    def _contact(self, g_r: Floats) -> float:
        first = int(np.searchsorted(self._rdf.r_values, 1.0))
        r, pair = self._rdf.r_values[first : first + NEAR], self._colloids.potential.energy
        y = g_r[first : first + NEAR] * np.exp(pair(r))
        parabola = np.linalg.lstsq(np.vander(r - 1, 3), y, rcond=None)[0]
        return float(parabola[-1] * np.exp(-pair(1.0)))

    def observation(self, folder: Path | None, learned: SymmetryPotential | None) -> Observation:
        """Return means, errors and arrays; with a folder the configurations as a file there, too.

        Raises:
            SimulationError: if most environments are far from what a learned potential knows.
        """
        series = {name: np.array(one) for name, one in self._series.items()}
        values = {name: float(one.mean()) for name, one in series.items()}
        errors = {name: float(mean_and_error(one)[1]) for name, one in series.items()} if len(self._g_r) > 1 else {}
        drift = aging_of([series["energy"], series["free_volume"]])
        values |= {"drift": drift, "acceptance": self._colloids.acceptance["translation"]}
        values |= {} if learned is None else self._known(learned)
        return Observation(values, errors, self._arrays(), self._artifacts(folder))

    def _known(self, learned: SymmetryPotential) -> dict[str, float]:
        far = far_from(learned, self._kept)
        error = np.mean([np.mean(learned.energies(one.positions, one.box)[1] ** 2) for one in self._kept])
        return {"far": far, "energy_error": self._colloids.potential.z_p * float(error**0.5)}

    def _arrays(self) -> dict[str, Array]:
        mean, error = mean_and_error(np.array(self._g_r))
        kept, q = self._kept, self._colloids.potential.q
        shares = [particle_energies(one.positions, one.box, q) for one in kept]
        found = [[one.positions for one in kept], [one.box for one in kept], shares]
        learned = {
            name: Array.of(np.array(one), unit=ARRAYS[name]) for name, one in zip(LEARNED_FROM, found, strict=True)
        }
        errors = error if len(self._g_r) > 1 else None
        return {"g_r": Array(mean, errors, self._rdf.r_values, "", "sigma"), **learned}

    def _artifacts(self, folder: Path | None) -> dict[str, Path]:
        if folder is None:
            return {}
        from softal.simulators.monte_carlo.trajectory import write_gsd

        path = folder / "trajectory.gsd"
        write_gsd(path, self._kept)
        return {"trajectory.gsd": path}


def far_from(learned: SymmetryPotential, kept: Sequence[Configuration]) -> float:
    """Return the part of the environments that are far from all that a potential was learned from.

    Raises:
        SimulationError: if most of them are.
    """
    far = float(np.mean([learned.far(one.positions, one.box) for one in kept]))
    if far > FAR:
        raise SimulationError(
            f"{far:.0%} of the environments are far from all that the potential was learned from; allowed: "
            f"{FAR:.0%}. Learn from states like this one, too"
        )
    return far


def learned_q(path: Path, learned: SymmetryPotential) -> float:
    """Return the diameter of the polymers [sigma] at which the potential in a folder was learned.

    Raises:
        SimulationError: if there were several.
    """
    found = learned.space.parameters.get("q")
    if not isinstance(found, Fixed | None):
        raise SimulationError(f"the potential in {path} was learned at several q; allowed: one")
    return USUAL if found is None else float(found.value)
