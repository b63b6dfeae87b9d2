"""What is compared between a trajectory that was found and the true one.

Both are looked at at up to `LOOKS` times of molecular dynamics. Errors are statistical ones: of g(r) from its
fluctuations over the times, of the velocity autocorrelation from those over the atoms.

Without the truth, what is wrong with a trajectory is known from its ends, forces and energy. The `defect` estimates its
RMSD from them, in quadrature: the change of the positions that makes up for the ends that it misses and for the forces
R = m q'' - F that are left over, which are integrated twice over the time, as if the forces did not change with it,

    dq(t) = line between the ends' deviations + int g(t, s) R(s)/m ds,    g(t, s) = min(t, s) (T - max(t, s)) / T,

and T |<E> - E_0| / p, which is what a momentum does that is wrong by as much as the energy per atom says.
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
from softal.theory.least_action.optimisers import Optimiser
from softal.theory.least_action.representations import Grid
from softal.trial import Array, Observation

LOOKS = 100  # times at which trajectories are compared, at most
SMOOTH = 200  # times, at least, at which forces are integrated
SPARSE = 50  # all of so many first iterations are looked at, and then one in 51, 52, ... of them
FINE = 4  # times as many points at which the action is judged: at its own points it can be nought and mean nothing

VALUE_UNITS = {
    "rmsd": "sigma",
    "rmsd_largest": "sigma",
    "rmsd_momenta": "(m epsilon)^(1/2)",
    "rmsd_ends": "sigma",
    "defect": "sigma",
    "energy_drift": "epsilon",
    "energy_error": "epsilon",
    "action": "epsilon^(3/2) m^(1/2)/sigma",
    "loss": "epsilon^(3/2) m^(1/2)/sigma",
}
COUNTS = ("iterations", "products", "converged")
LOGS = {"log_rmsd": "rmsd", "log_defect": "defect"}  # decimal ones, which a model follows over decades
VALUES = (*VALUE_UNITS, *COUNTS)
FLOOR = 1e-16  # of what a logarithm is taken of
PATHS = 4  # atoms whose paths are kept: those that went farthest
ARRAYS = {  # name -> unit of the values, unit of the grid
    "rmsd_of_time": ("sigma", "ps"),
    "rmsd_momenta_of_time": ("(m epsilon)^(1/2)", "ps"),
    "energy_of_time": ("epsilon", "ps"),
    "g_true": ("", "angstrom"),
    "g_found": ("", "angstrom"),
    "vaf_true": ("", "ps"),
    "vaf_found": ("", "ps"),
    "rmsd_by_iteration": ("sigma", ""),
    "loss_by_iteration": ("epsilon^(3/2) m^(1/2)/sigma", ""),
}
PICTURED = ("paths_true", "paths_found")  # (times of rmsd_of_time, PATHS, 3) [sigma], from where each atom began
SYMBOLS = {"ps": "t", "angstrom": "r", "": "iteration"}


@dataclass(frozen=True)
class Found:
    """A trajectory that was found.

    Attributes:
        action: that was minimised.
        parameters: where, (n,).
        loss: L there.
        iterations, products: of the optimiser that came to it.
        converged: whether L came to its tolerance or fell no more.
        seen: iteration, RMSD [sigma] and L (n,) each, on the way.
    """

    action: Action
    parameters: Floats
    loss: float
    iterations: int
    products: int
    converged: bool
    seen: tuple[Floats, Floats, Floats]


class Progress:
    """Looks at an optimiser on its way, at each iteration at first and at distances that grow with their number.

    Args:
        truth: what it looks for.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth, self._next, self._rows = truth, 0, list[tuple[float, float, float]]()

    def __call__(self, optimiser: Optimiser, *, last: bool = False) -> None:
        """Look, if it is time to."""
        done = bool(self._rows) and self._rows[-1][0] == optimiser.iterations
        if done or (optimiser.iterations < self._next and not last):
            return
        q = optimiser.action.representation.sampled(self._truth.times).motion(optimiser.parameters)[0]
        rmsd = float(np.sqrt(np.mean(_rmsd(q, self._truth.positions) ** 2)))
        self._rows.append((float(optimiser.iterations), rmsd, optimiser.total))
        self._next = optimiser.iterations + 1 + optimiser.iterations // SPARSE

    @property
    def seen(self) -> tuple[Floats, Floats, Floats]:
        """Iteration, RMSD, L; (n,) each."""
        iteration, rmsd, loss = np.array(self._rows).T
        return iteration, rmsd, loss


def compare(settings: LeastActionSettings, truth: Truth, found: Found) -> Observation:
    """Return the observation that a trajectory and the true one make."""
    every = max(1, settings.steps // LOOKS)
    t, q, v = truth.times[::every], truth.positions[::every], truth.velocities[::every]
    representation = found.action.representation
    q_found, v_found, _ = representation.sampled(t).motion(found.parameters)
    rmsd, momenta = (_rmsd(one, other) for one, other in ((q_found, q), (v_found, v)))
    energy = _energy(found.action, q_found, v_found) / settings.particles
    known = truth.energy / settings.particles
    at_ends = representation.sampled(truth.times[[0, -1]]).motion(found.parameters)[0]
    ends = float(np.sqrt(np.mean(_rmsd(at_ends, truth.positions[[0, -1]]) ** 2)))
    values = {
        "rmsd": float(np.sqrt(np.mean(rmsd**2))),
        "rmsd_largest": float(rmsd.max()),
        "rmsd_momenta": float(np.sqrt(np.mean(momenta**2))),
        "rmsd_ends": ends,
        "defect": defect(found.action, found.parameters, truth.energy),
        "energy_drift": float(np.ptp(energy)),
        "energy_error": float(np.abs(energy - known).max()),
        "action": _fine_action(found),
        "loss": found.loss,
        "iterations": float(found.iterations),
        "products": float(found.products),
        "converged": float(found.converged),
    }
    values |= {name: float(np.log10(max(values[of], FLOOR))) for name, of in LOGS.items()}
    iteration, *seen = found.seen
    farthest = np.sort(np.argsort(np.sum((q[-1] - q[0]) ** 2, axis=1))[-PATHS:])
    arrays = {
        "rmsd_of_time": _of_time(rmsd, t, "sigma"),
        "rmsd_momenta_of_time": _of_time(momenta, t, ARRAYS["rmsd_momenta_of_time"][0]),
        "energy_of_time": _of_time(energy - known, t, "epsilon"),
        "g_true": _g(settings, q),
        "g_found": _g(settings, q_found),
        "vaf_true": _vaf(v, t),
        "vaf_found": _vaf(v_found, t),
        "rmsd_by_iteration": Array(seen[0], None, iteration, "sigma"),
        "loss_by_iteration": Array(seen[1], None, iteration, VALUE_UNITS["loss"]),
        "paths_true": Array(q[:, farthest] - q[0, farthest], unit="sigma"),
        "paths_found": Array(q_found[:, farthest] - q[0, farthest], unit="sigma"),
    }
    return Observation(values, {}, arrays)


def _rmsd(x: Floats, y: Floats) -> Floats:
    """Return the root of the mean over the atoms of |x_i - y_i|^2, at each time (P,)."""
    return np.asarray(np.sqrt(np.mean(np.sum((x - y) ** 2, axis=2), axis=1)))


def _energy(action: Action, q: Floats, v: Floats) -> Floats:
    kinetic = 0.5 * np.sum(action.masses[None, :, None] * v**2, axis=(1, 2))
    return np.asarray(action.potential.linearised(q).energy + kinetic)


def defect(action: Action, parameters: Floats, energy: float) -> float:
    """Return an estimate of the RMSD without the truth, from the energy E_0 of all atoms; see the module [sigma]."""
    ends = action.representation.ends
    T, count = ends.duration, len(action.masses)
    t = Grid.midpoints(T, max(SMOOTH, FINE * len(action.grid.times))).times
    q, v, a = action.representation.sampled(t).motion(parameters)
    left_over = a - action.potential.linearised(q).forces / action.masses[None, :, None]
    response = np.minimum.outer(t, t) * (T - np.maximum.outer(t, t)) / T
    first, last = action.representation.sampled(np.array([0.0, T])).motion(parameters)[0]
    missed = np.multiply.outer(1 - t / T, ends.start - first) + np.multiply.outer(t / T, ends.end - last)
    change = missed + np.tensordot(response * (T / len(t)), left_over, axes=1)
    momentum = np.sqrt(np.mean(np.sum((action.masses[None, :, None] * v) ** 2, axis=2)))
    off = (np.mean(_energy(action, q, v)) - energy) / count
    return float(np.sqrt(np.mean(np.sum(change**2, axis=2)) + (T * off / momentum) ** 2))


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
    """Return < v(0).v(t) > / < v(0)^2 > over the atoms, with the standard error of that ratio."""
    products = np.sum(v[0] * v, axis=2)
    vaf = products.mean(axis=1) / products[0].mean()
    scatter = products - np.multiply.outer(vaf, products[0])  # of the numerator about what the denominator explains
    error = scatter.std(axis=1, ddof=1) / (np.sqrt(products.shape[1]) * products[0].mean())
    return Array(vaf, error, t * PICOSECONDS, "", "ps")
