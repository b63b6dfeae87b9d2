"""A plain Python function as a simulator: `simulator: {kind: module:function}`.

    def simulate(point): ...                    the point as a dictionary
    def simulate(point, context): ...           and the Context: workdir, seed, fidelity, cpus ...
    def simulate(epsilon, sigma, n=12): ...     each parameter of the point by its name
    def simulate(epsilon, *, seed, workdir): ...   and whatever of the Context is asked for by name

What may be returned is told in softal.simulators.results.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from softal.errors import SimulationError
from softal.settings import Settings
from softal.simulators.base import Context, Simulator, validate_observation
from softal.simulators.results import to_observation
from softal.trial import Observation, Point

POINT, CONTEXT = "point", "context"
FROM_CONTEXT = frozenset(field.name for field in fields(Context)) | {CONTEXT}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class FunctionSettings(Settings):
    """A function has no settings besides its kind."""


class FunctionSimulator(Simulator):
    """Calls `function`; made by `simulator_class`."""

    Settings: ClassVar[type[FunctionSettings]] = FunctionSettings
    function: ClassVar[Callable[..., Any]]
    accepted: ClassVar[Mapping[str, inspect.Parameter]]  # by name
    whole: ClassVar[str | None]  # the parameter that takes the whole point
    open: ClassVar[bool]  # whether it takes names that it does not list

    def run(self, point: Point, context: Context) -> Observation:
        """Call the function and make an Observation of what it returns."""
        results = type(self).function(**self._arguments(point, context))
        return validate_observation(to_observation(results), self.outputs)

    def _arguments(self, point: Point, context: Context) -> dict[str, Any]:
        offered = {CONTEXT: context, **{name: getattr(context, name) for name in FROM_CONTEXT - {CONTEXT}}}
        if self.whole is not None:
            named = {name: offered[name] for name in self.accepted if name in offered and name != self.whole}
            return {self.whole: dict(point), **named}
        taken = point if self.open else {name: value for name, value in point.items() if name in self.accepted}
        arguments = {**{name: offered[name] for name in self.accepted if name in offered}, **taken}
        required = [name for name, parameter in self.accepted.items() if parameter.default is parameter.empty]
        if missing := [name for name in required if name not in arguments]:
            raise SimulationError(f"{_name(type(self).function)}() needs {missing[0]!r}, which the point does not have")
        return arguments


def simulator_class(function: Callable[..., Any]) -> type[Simulator]:
    """Return the simulator class that calls `function`; its parameters are the function's."""
    signature = list(inspect.signature(function).parameters.values())
    accepted = {parameter.name: parameter for parameter in signature if parameter.kind in NAMED}
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in signature)
    whole = next(iter(accepted), None)
    whole = whole if whole is not None and _takes_point(accepted[whole]) else None
    own = {name: parameter for name, parameter in accepted.items() if name not in FROM_CONTEXT}
    attributes = {
        "__module__": getattr(function, "__module__", __name__),
        "__doc__": inspect.getdoc(function) or f"The function {_name(function)}.",
        "function": staticmethod(function),
        "accepted": accepted,
        "whole": whole,
        "open": takes_any,
        "parameters": None if whole or takes_any else dict.fromkeys(own, ""),
        "defaults": {name: one.default for name, one in own.items() if one.default is not one.empty},
    }
    return type(f"FunctionSimulator_{_name(function)}", (FunctionSimulator,), attributes)


def _takes_point(parameter: inspect.Parameter) -> bool:
    """Whether the first parameter takes the whole point: by its name, or by an annotation as a mapping."""
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return parameter.name == POINT or text.split("[")[0].rpartition(".")[2] in {"dict", "Dict", "Mapping", "Point"}


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
