"""Where the straight line leads: the trajectory of m q'' = s F(q) between two configurations, followed from s = 0 on.

    python benchmarks/least_action_branches.py --duration 0.1 0.2 --seeds 1 2 3

Without forces (s = 0) the straight line is the only trajectory between two ends. It is followed by its arc length, with
exact Newton steps, to s = 1, where the forces are those of argon. Where it turns back at a fold before that, two
trajectories vanish together, and the true one belongs to a branch that no straight line leads to.

Source: H. B. Keller, Numerical solution of bifurcation and nonlinear eigenvalue problems (1977).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from least_action import action_of, settings_for

from softal.numeric import Floats
from softal.simulators.least_action.truth import Truth, simulate
from softal.theory.least_action.action import Action

LONGEST, SHORTEST = 2.0, 1e-6  # steps of the arc
CLOSE = 1e-9  # of a corrector's last change
TURN = 0.9  # cosine of the angle between two tangents, at least


class Branch:
    """m q'' - s F(q) on prolate functions, with its derivatives as matrices.

    Args:
        action: whose ends, functions and forces.
    """

    def __init__(self, action: Action) -> None:
        self.action, representation = action, action.representation
        self._functions = representation.functions(action.grid.times)  # type: ignore[attr-defined]
        self._shape = representation.ends.start.shape
        self.size = representation.size * int(np.prod(self._shape))

    def at(self, x: Floats, s: float) -> tuple[Floats, Floats, Floats]:
        """Return the residual (R,), its derivative by x (R, n) and by s (R,)."""
        phi, _, second = self._functions
        q, _, a = self.action.sampled.motion(x)
        near, d = self.action.linearised(q), int(np.prod(self._shape))
        hessian = np.empty((len(q), d, d))
        for k in range(d):
            unit = np.zeros((len(q), d))
            unit[:, k] = 1
            hessian[:, :, k] = near.hessian_product(unit.reshape(q.shape)).reshape(len(q), d)
        J = np.einsum("tn,tij->tinj", phi, s * hessian)
        i = np.arange(d)
        J[:, i, :, i] += second[None]
        return (a - s * near.forces).ravel(), J.reshape(len(q) * d, -1), -near.forces.ravel()


def follow(branch: Branch, limit: float) -> tuple[Floats | None, float, int, int]:
    """Return parameters at s = 1, None where it does not come there within so many seconds; largest s, folds, steps."""
    x, s, step = np.zeros(branch.size), 0.0, 0.1
    tangent, slope = _tangent(branch, x, s)
    largest, folds, steps, begin = s, 0, 0, time.process_time()
    while time.process_time() - begin < limit and step > SHORTEST and s > -0.2:
        there = _corrected(branch, x, s, tangent, slope, step)
        if there is None:
            step /= 2
            continue
        new, rise = _tangent(branch, *there, tangent, slope)
        if new @ tangent / branch.size + rise * slope < TURN:
            step /= 2
            continue
        folds, steps = folds + (rise * slope < 0), steps + 1
        if (s - 1) * (there[1] - 1) <= 0:
            return _at_one(branch, x + (there[0] - x) * (1 - s) / (there[1] - s)), 1.0, folds, steps
        x, s, tangent, slope, step = *there, new, rise, min(1.5 * step, LONGEST)
        largest = max(largest, s)
    return None, largest, folds, steps


def _tangent(
    branch: Branch, x: Floats, s: float, before: Floats | None = None, rise: float = 1.0
) -> tuple[Floats, float]:
    """Return dx and ds of a unit of arc, forwards as before; the arc is |dx|^2/n + ds^2."""
    _, J, by_s = branch.at(x, s)
    change = np.linalg.solve(J, -by_s)
    forwards = 1.0 if before is None else np.sign(before @ change / branch.size + rise)
    unit = forwards / np.sqrt(change @ change / branch.size + 1)
    return unit * change, float(unit)


def _corrected(
    branch: Branch, x: Floats, s: float, tangent: Floats, slope: float, step: float
) -> tuple[Floats, float] | None:
    """Return where the branch is a step further; None where Newton's method does not come to it."""
    y, at = x + step * tangent, s + step * slope
    for _ in range(6):
        residual, J, by_s = branch.at(y, at)
        a, b = np.linalg.solve(J, np.column_stack([-residual, -by_s])).T
        short = step - (tangent @ (y - x) / branch.size + slope * (at - s))
        ds = (short - tangent @ a / branch.size) / (tangent @ b / branch.size + slope)
        y, at = y + a + b * ds, at + ds
        size = np.sqrt(np.mean((a + b * ds) ** 2)) + abs(ds)
        if not size < 5 * step + 1:
            return None
        if size < CLOSE:
            return y, float(at)
    return None


def _at_one(branch: Branch, x: Floats) -> Floats:
    for _ in range(8):
        residual, J, _ = branch.at(x, 1.0)
        x = x - np.linalg.solve(J, residual)
    return x


def rmsd(action: Action, truth: Truth, x: Floats) -> float:
    """Return the RMSD of positions over all times [sigma]."""
    q = action.representation.sampled(truth.times).motion(x)[0]
    return float(np.sqrt(np.mean(np.sum((q - truth.positions) ** 2, axis=2))))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--particles", type=int, default=32)
    parser.add_argument("--duration", type=float, nargs="+", default=[0.1, 0.2], help="[ps]")
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--limit", type=float, default=60.0, help="processor seconds of each branch")
    given = parser.parse_args()
    for duration in given.duration:
        for seed in given.seeds:
            settings = settings_for(given.particles, duration)
            truth = simulate(settings, seed)
            action = action_of(settings, truth, "prolate", given.points, given.points, 0.0)
            x, largest, folds, steps = follow(Branch(action), given.limit)
            what = f"turns back at s = {largest:.3f}" if x is None else f"RMSD {rmsd(action, truth, x):.1e} at s = 1"
            print(
                f"{given.particles} atoms, {duration:g} ps, seed {seed}: {what}; {folds} folds, {steps} steps",
                flush=True,
            )


if __name__ == "__main__":
    main()
