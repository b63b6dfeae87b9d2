"""Strategies: what proposes points. `STRATEGIES` lists the built-in kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from softal.kinds import registry
from softal.kinds.settings import Settings
from softal.objective import Objective
from softal.space import Space
from softal.strategies.base import Strategy

__all__ = ["GROUP", "STRATEGIES", "Settings", "Strategy", "build", "find"]

GROUP = "softal.strategies"
STRATEGIES = {
    "random": "softal.strategies.random:Random",
    "sobol": "softal.strategies.sobol:Sobol",
    "grid": "softal.strategies.grid:Grid",
    "table": "softal.strategies.table:Table",
    "cmaes": "softal.strategies.cmaes.cmaes:CMAES",
    "bayesian": "softal.strategies.bayesian:Bayesian",
    "committee": "softal.strategies.committee.committee:Committee",
    "mixture": "softal.strategies.mixture:Mixture",
}


def find(kind: str) -> type[Strategy]:
    """Return the strategy class of `kind`: built-in, plug-in or `module:Class`; SoftalError where there is none."""
    return registry.resolve_class(kind, STRATEGIES, GROUP, Strategy)  # type: ignore[type-abstract]


def build(
    kind: str,
    space: Space,
    objective: Objective,
    seed: int = 0,
    settings: BaseModel | Mapping[str, Any] | None = None,
) -> Strategy:
    """Make the strategy of `kind`; StrategyError where it cannot serve the space or the objective."""
    return find(kind)(space, objective, seed, settings)
