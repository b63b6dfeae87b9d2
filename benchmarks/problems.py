"""The problems: what is simulated, within which bounds, what it is compared with, and which costs are to be reached.

The cost is always R, the relative L2 distance of simulated arrays from references: `match` of a campaign file.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import closed_forms
import numpy as np
import yaml

from softal.objective import Objective, match
from softal.orchestrator.workers.job import Job, Outcome, Task
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox
from softal.references import load_reference
from softal.simulators.base import Simulator
from softal.simulators.silica.potential import PRESETS
from softal.space import Space
from softal.trial import Point

HERE = Path(__file__).resolve().parent
CAMPAIGNS = HERE.parent / "campaigns"
COST = "R"
WIDER = 0.3  # of the span of published values, added to the bounds of silica's parameters on each side


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        label: its name in tables and figures.
        bounds: low and high of each parameter.
        objective: one match, named R.
        costs: that are to be reached, for the table.
        budget: evaluations of each method; `budgets` has exceptions.
        seconds: what an evaluation takes, for the plan [s].
        walltime: after which an evaluation has failed [s].
        optimum: where R would be 0 without noise, if that is known.
    """

    name: str
    label: str
    simulator: Simulator | tuple[str, dict[str, Any]]
    bounds: Mapping[str, tuple[float, float]]
    objective: Objective
    costs: tuple[float, ...]
    budget: int
    seconds: float
    budgets: Mapping[str, int] = field(default_factory=dict)
    fidelity: float = 1.0
    walltime: float = 60.0
    optimum: Mapping[str, float] | None = None

    @property
    def space(self) -> Space:
        return Space({name: {"low": low, "high": high} for name, (low, high) in self.bounds.items()})

    def budget_of(self, method: str) -> int:
        """Return the evaluations of a chain of this method."""
        return self.budgets.get(method, self.budget)

    def sandbox(self) -> Sandbox:
        """Return a process that evaluates points, as softal's workers have one."""
        job = Job("benchmark", HERE, HERE, self.simulator, self.objective, walltime=self.walltime)
        return Sandbox(job, pack(job, HERE))

    def evaluate(self, sandbox: Sandbox, point: Point, seed: int, number: int) -> Outcome:
        """Evaluate the point; the simulation's randomness is that of (seed, number), whoever proposes."""
        return sandbox.evaluate(Task(number, point, evaluation_seed(seed, number), self.fidelity))

    def fingerprint(self) -> str:
        """Return a short text that differs where the problem does."""
        kind = self.simulator if isinstance(self.simulator, tuple) else type(self.simulator).__name__
        references = [
            [ref.array, list(ref.range), ref.weight, ref.grid.tolist(), ref.values.tolist()]
            for component in self.objective.components
            for ref in component.references
        ]
        content = json.dumps([kind, sorted(self.bounds.items()), references, self.fidelity])
        return f"{zlib.crc32(content.encode()):08x}"


def evaluation_seed(seed: int, number: int) -> int:
    """Return the seed of a chain's evaluation."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _closed_form(name: str, label: str, curve: closed_forms.Curve, **rest: Any) -> Problem:
    objective = match({"h": curve.target()}, name=COST)
    return Problem(name, label, curve, curve.bounds, objective, optimum=curve.optimum, **rest)


def spill() -> Problem:
    """The environmental model function: 4 parameters, 12 outputs."""
    return _closed_form(
        "spill",
        "Chemical spill",
        closed_forms.Spill(),
        costs=(0.03, 0.01, 0.003, 0.001),
        budget=60,
        budgets={"gp_ei": 150},
        seconds=0.001,
    )


def rosenbrock() -> Problem:
    """Rosenbrock's function in 5 dimensions: 8 outputs."""
    return _closed_form(
        "rosenbrock", "Rosenbrock, 5 parameters", closed_forms.Rosenbrock(), costs=(3.0, 1.0, 0.3, 0.1), budget=60,
        budgets={"gp_ei": 150},
        seconds=0.001,
    )  # fmt: skip


def liquid() -> Problem:
    """g(r) by liquid-state theory: 6 parameters, 1 % noise."""
    return _closed_form(
        "liquid", "Liquid, HNC, 6 parameters", closed_forms.Liquid(), costs=(0.05, 0.03, 0.02, 0.012), budget=60,
        budgets={"gp_ei": 150}, seconds=0.01,
    )  # fmt: skip


def argon() -> Problem:
    """The S(k) of campaigns/argon.yaml with a shorter sampling, and bounds whose middle is not argon."""
    campaign = yaml.safe_load((CAMPAIGNS / "argon.yaml").read_text())
    settings = {key: value for key, value in campaign["simulator"].items() if key not in ("kind", "second_state")}
    settings |= {"particles": 500, "melting": 2.0, "equilibration": 8.0, "sampling": 40.0}
    given = campaign["objective"]["match"]["structure_factor"]
    low, high = given["range"]
    reference = load_reference("structure_factor", CAMPAIGNS / given["reference"], range=(low, high))
    bounds = {"epsilon": (70.0, 200.0), "sigma": (2.8, 3.6), "n": (8.0, 24.0)}  # [K], [angstrom]
    return Problem(
        "argon", "Liquid argon, MD", ("argon", settings), bounds, match({"structure_factor": reference}, name=COST),
        costs=(0.05, 0.03, 0.02, 0.017), budget=25, seconds=1.25,
    )  # fmt: skip


SILICA = ("q_Si", "A_SiO", "rho_SiO", "C_SiO", "A_OO", "rho_OO", "C_OO")


def silica_bounds() -> dict[str, tuple[float, float]]:
    """Return the span of BKS, CHIK and ML, wider by 30 % of it on each side; no C is negative."""
    bounds = {}
    for name in SILICA:
        published = [preset[name] for preset in PRESETS.values()]
        low, high = min(published), max(published)
        margin = WIDER * (high - low)
        bounds[name] = (max(0.0, low - margin), high + margin)
    return bounds


def silica() -> Problem:
    """Liquid silica at 3600 K, 375 atoms, 3 + 3 ps: the paper's seven parameters and cost."""
    table = CAMPAIGNS / "data" / "silica_chik_synthetic_gr.csv"
    references = {array: load_reference(array, table, range=(0.0, 6.0)) for array in ("g_SiO", "g_OO", "g_SiSi")}
    return Problem(
        "silica", "Liquid silica, MD", ("silica", {}), silica_bounds(), match(references, name=COST),
        costs=(0.15, 0.1, 0.07, 0.05), budget=30, budgets={"gp_ei": 300, "composite": 40}, seconds=2.3, fidelity=0.0375,
    )  # fmt: skip


PROBLEMS: dict[str, Callable[[], Problem]] = {one.__name__: one for one in (silica, argon, liquid, spill, rosenbrock)}


@cache
def problem(name: str) -> Problem:
    """Return the problem of this name."""
    return PROBLEMS[name]()
