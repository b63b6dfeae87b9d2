"""A plain Python function as a simulator: `simulator: {kind: module:function}`.

    def simulate(point): ...                    the point as a dictionary
    def simulate(point, context): ...           and the Context: workdir, seed, fidelity, cpus ...
    def simulate(epsilon, sigma, n=12): ...     each parameter of the point by its name
    def simulate(epsilon, *, seed, workdir): ...   and whatever of the Context is asked for by name

It runs in the trial's own folder, so that files of concurrent trials do not meet. What may be returned is told in
softal.simulators.results. `@batched(64)` before a function says that it takes many points at once, as
softal.simulators.batches tells; files that such a function writes are its own care.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from softal.errors import SimulationError
from softal.kinds.settings import Settings
from softal.simulators import batches
from softal.simulators.base import Context, Simulator, validate_observation
from softal.simulators.results import to_observation
from softal.trial import Observation, Point

POINT, CONTEXT = "point", "context"
POINTS, CONTEXTS = "points", "contexts"  # of a function that takes many
FROM_CONTEXT = frozenset(field.name for field in fields(Context)) - {"output_limit"} | {CONTEXT}  # that of programs
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
    runs_in_folder: bool = True

    def run(self, point: Point, context: Context) -> Observation:
        """Call the function and make an Observation of what it returns."""
        arguments = self._arguments(point, context)
        try:
            results = type(self).function(**arguments)
        except FileNotFoundError as error:
            _say_where(error, type(self).function)
            raise
        return validate_observation(to_observation(results), self.outputs)

    def _arguments(self, point: Point, context: Context) -> dict[str, Any]:
        offered = {CONTEXT: context, **{name: getattr(context, name) for name in FROM_CONTEXT - {CONTEXT}}}
        if self.whole is not None:
            named = {name: offered[name] for name in self.accepted if name in offered and name != self.whole}
            return {self.whole: dict(point), **named}
        taken = point if self.open else {name: value for name, value in point.items() if name in self.accepted}
        return self._complete({**{name: offered[name] for name in self.accepted if name in offered}, **taken})

    def _complete(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments where none is missing."""
        required = [name for name, parameter in self.accepted.items() if parameter.default is parameter.empty]
        if missing := [name for name in required if name not in arguments]:
            raise SimulationError(f"{_name(type(self).function)}() needs {missing[0]!r}, which the point does not have")
        return arguments


class BatchedFunctionSimulator(FunctionSimulator):
    """Calls a `function` of many points; made by `simulator_class`."""

    def run(self, point: Point, context: Context) -> Observation:
        """Call the function with this point alone."""
        [result] = self.run_batch([point], [context])
        if isinstance(result, Exception):
            raise result
        return validate_observation(result, self.outputs)

    def run_batch(self, points: Sequence[Point], contexts: Sequence[Context]) -> list[Observation | Exception]:
        """Call the function once, and make an Observation of what it returns for each point."""
        results = type(self).function(**self._together(points, contexts))
        return batches.observations(results, len(points))

    def _together(self, points: Sequence[Point], contexts: Sequence[Context]) -> dict[str, Any]:
        wanted = [name for name in self.accepted if name in FROM_CONTEXT - {CONTEXT}]
        arguments: dict[str, Any] = {name: [getattr(context, name) for context in contexts] for name in wanted}
        arguments |= {CONTEXTS: list(contexts)} if CONTEXTS in self.accepted else {}
        if self.whole is not None:
            return arguments | {self.whole: [dict(point) for point in points]}
        taken = points[0] if self.open else [name for name in points[0] if name in self.accepted]
        return self._complete(arguments | {name: np.array([point[name] for point in points]) for name in taken})


def simulator_class(function: Callable[..., Any]) -> type[Simulator]:
    """Return the simulator class that calls `function`; its parameters are the function's."""
    size = getattr(function, batches.SIZE, None)
    base = FunctionSimulator if size is None else BatchedFunctionSimulator
    signature = list(inspect.signature(function).parameters.values())
    accepted = {parameter.name: parameter for parameter in signature if parameter.kind in NAMED}
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in signature)
    whole = next(iter(accepted), None)
    takes_all = _takes_point if size is None else _takes_points
    whole = whole if whole is not None and takes_all(accepted[whole]) else None
    of_context = FROM_CONTEXT if size is None else FROM_CONTEXT | {CONTEXTS}
    own = {name: parameter for name, parameter in accepted.items() if name not in of_context}
    attributes = {
        "__module__": getattr(function, "__module__", __name__),
        "__doc__": inspect.getdoc(function) or f"The function {_name(function)}.",
        "function": staticmethod(function),
        "accepted": accepted,
        "whole": whole,
        "open": takes_any,
        "parameters": None if whole or takes_any else dict.fromkeys(own, ""),
        "defaults": {name: one.default for name, one in own.items() if one.default is not one.empty},
        "batch": size or 1,
    }
    return type(f"{base.__name__}_{_name(function)}", (base,), attributes)


def _say_where(error: FileNotFoundError, function: Callable[..., Any]) -> None:
    """Let an error of a relative path say where functions run, if the file is beside the code."""
    name, code = error.filename, getattr(function, "__code__", None)
    if not isinstance(name, str) or code is None or Path(name).is_absolute():
        return
    beside = Path(code.co_filename).parent
    if (beside / name).exists():
        error.strerror = (
            f"{error.strerror} in the trial's folder, where functions run, but in {beside}: give its whole path, "
            "such as Path(__file__).parent / ..."
        )


def _takes_point(parameter: inspect.Parameter) -> bool:
    """Whether the first parameter takes the whole point: by its name, or by an annotation as a mapping."""
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return parameter.name == POINT or text.split("[")[0].rpartition(".")[2] in {"dict", "Dict", "Mapping", "Point"}


def _takes_points(parameter: inspect.Parameter) -> bool:
    """Whether the first parameter of a function of many takes the whole points."""
    return parameter.name == POINTS


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
