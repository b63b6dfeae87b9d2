"""What is compared between a trajectory that was found and the true one.

Both are looked at at up to `LOOKS` times of molecular dynamics. Errors are statistical ones: of g(r) from its
fluctuations over the times, of the velocity autocorrelation from those over the atoms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.numeric import Floats
from softal.simulators.least_action.settings import PICOSECONDS, SIGMA, LeastActionSettings
from softal.simulators.least_action.truth import Truth
from softal.simulators.observables.rdf import RadialDistribution
from softal.simulators.statistics import mean_and_error
from softal.theory.least_action.action import Action
from softal.trial import Array, Observation

LOOKS = 100  # times at which trajectories are compared, at most
FINE = 4  # times as many points at which the action is judged: at its own points it can be nought and mean nothing

VALUE_UNITS = {
    "rmsd": "sigma",
    "rmsd_largest": "sigma",
    "rmsd_momenta": "(m epsilon)^(1/2)",
    "energy_drift": "epsilon",
    "energy_error": "epsilon",
    "action": "epsilon^(3/2) m^(1/2)/sigma",
    "loss": "epsilon^(3/2) m^(1/2)/sigma",
}
COUNTS = ("iterations", "products", "converged")
VALUES = (*VALUE_UNITS, *COUNTS)
ARRAYS = {  # name -> unit of the values, unit of the grid
    "rmsd_of_time": ("sigma", "ps"),
    "rmsd_momenta_of_time": ("(m epsilon)^(1/2)", "ps"),
    "energy_of_time": ("epsilon", "ps"),
    "g_true": ("", "angstrom"),
    "g_found": ("", "angstrom"),
    "vaf_true": ("", "ps"),
    "vaf_found": ("", "ps"),
}
SYMBOLS = {"ps": "t", "angstrom": "r"}


@dataclass(frozen=True)
class Found:
    """A trajectory that was found.

    Attributes:
        action: that was minimised.
        parameters: where, (n,).
        loss: L there.
        iterations, products: of the optimiser.
        converged: whether L came to its tolerance or fell no more.
    """

    action: Action
    parameters: Floats
    loss: float
    iterations: int
    products: int
    converged: bool


def compare(settings: LeastActionSettings, truth: Truth, found: Found) -> Observation:
    """Return the observation that a trajectory and the true one make."""
    every = max(1, settings.steps // LOOKS)
    t, q, v = truth.times[::every], truth.positions[::every], truth.velocities[::every]
    representation = found.action.representation
    q_found, v_found, _ = representation.sampled(t).motion(found.parameters)
    rmsd, momenta = (_rmsd(one, other) for one, other in ((q_found, q), (v_found, v)))
    energy = _energy(found.action, q_found, v_found) / settings.particles
    known = truth.energy / settings.particles
    values = {
        "rmsd": float(np.sqrt(np.mean(rmsd**2))),
        "rmsd_largest": float(rmsd.max()),
        "rmsd_momenta": float(np.sqrt(np.mean(momenta**2))),
        "energy_drift": float(np.ptp(energy)),
        "energy_error": float(np.abs(energy - known).max()),
        "action": _fine_action(found),
        "loss": found.loss,
        "iterations": float(found.iterations),
        "products": float(found.products),
        "converged": float(found.converged),
    }
    arrays = {
        "rmsd_of_time": _of_time(rmsd, t, "sigma"),
        "rmsd_momenta_of_time": _of_time(momenta, t, ARRAYS["rmsd_momenta_of_time"][0]),
        "energy_of_time": _of_time(energy - known, t, "epsilon"),
        "g_true": _g(settings, q),
        "g_found": _g(settings, q_found),
        "vaf_true": _vaf(v, t),
        "vaf_found": _vaf(v_found, t),
    }
    return Observation(values, {}, arrays)


def _rmsd(x: Floats, y: Floats) -> Floats:
    """Return the root of the mean over the atoms of |x_i - y_i|^2, at each time (P,)."""
    return np.asarray(np.sqrt(np.mean(np.sum((x - y) ** 2, axis=2), axis=1)))


def _energy(action: Action, q: Floats, v: Floats) -> Floats:
    kinetic = 0.5 * np.sum(action.masses[None, :, None] * v**2, axis=(1, 2))
    return np.asarray(action.potential.linearised(q).energy + kinetic)


def _fine_action(found: Found) -> float:
    """Return S_OM on points between those that it was minimised on."""
    action, representation = found.action, found.action.representation
    grid = representation.grid(FINE * len(action.grid.times))
    fine = Action(action.potential, action.masses, representation, grid)
    return fine.at(found.parameters).terms.action


def _of_time(values: Floats, t: Floats, unit: str) -> Array:
    return Array(values, None, t * PICOSECONDS, unit, "ps")


def _g(settings: LeastActionSettings, q: Floats) -> Array:
    length = settings.box_length * SIGMA
    distribution = RadialDistribution(length, length / 2, settings.r_bin)
    mean, error = mean_and_error(np.array([distribution.compute(one * SIGMA) for one in q]))
    return Array(mean, error, distribution.r_values, "", "angstrom")


def _vaf(v: Floats, t: Floats) -> Array:
    """Return < v(0).v(t) > / < v(0)^2 > over the atoms."""
    products = np.sum(v[0] * v, axis=2) / np.mean(np.sum(v[0] ** 2, axis=1))
    error = products.std(axis=1, ddof=1) / np.sqrt(products.shape[1])
    return Array(products.mean(axis=1), error, t * PICOSECONDS, "", "ps")
