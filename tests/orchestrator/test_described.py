"""What a campaign is, by which campaigns are compared."""

from __future__ import annotations

from softal.orchestrator.campaign_file.schema import parse_text
from softal.orchestrator.described import described

TEXT = """
simulator: {kind: argon, engine: lammps, particles: 500}
space: {epsilon: {low: 80, high: 160, unit: K, log: true}, n: {low: 9, high: 18, integer: true},
  sigma: 3.4, m: {choices: [6, 7]}}
objective: {minimize: pressure}
strategy: {kind: bayesian, n_initial: 4, refinement: {radius: 0.3}}
budget: {trials: 60, hours: 1}
tracking: {mlflow: 'postgresql://alice:secret@host/db'}
"""


def test_kinds_settings_space_and_budget_in_short_texts(tmp_path) -> None:
    assert described(parse_text(TEXT, tmp_path, "argon")) == {
        "simulator": "argon", "simulator.engine": "lammps", "simulator.particles": "500",
        "strategy": "bayesian", "strategy.n_initial": "4", "strategy.refinement.radius": "0.3",
        "surrogate": "gp", "learner": "none",
        "space.epsilon": "80 to 160 K log", "space.n": "9 to 18 integer", "space.sigma": "3.4",
        "space.m": "choices [6, 7]", "budget.trials": "60", "budget.hours": "1",
    }  # fmt: skip
