"""Curves as the page shows them, plain data: predicted at a point, along one parameter, beside a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from softal.cards.arrays import log_axes
from softal.numeric import NORMAL_95, Floats
from softal.orchestrator.single_runs.curve_files import grid_column
from softal.outputs import Outputs
from softal.service.explorer.plain import plain, rounded
from softal.space import Space
from softal.space.parameters import Choice
from softal.trial import Point, Trial

Curves = Mapping[str, tuple[Floats, Floats, Floats]]  # array -> grid (k,), mean (n, k), standard deviation (n, k)
FAMILY = 9  # curves along a parameter, at most


def described(curves: Curves, outputs: Outputs, likely: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Return what the page must know of each array before it draws it.

    Args:
        curves: at any points.
        outputs: what the simulator declares.
        likely: array -> lowest and highest mean over the space, so that axes stand still.
    """
    return [
        {
            "name": name,
            "grid": rounded(grid),
            "symbol": outputs.symbols.get(name, "grid"),
            "grid_unit": outputs.grid_units.get(name, ""),
            "unit": outputs.array_units.get(name, ""),
            "log": log_axes(name, grid, outputs),
            "range": likely[name],
        }
        for name, (grid, _, _) in curves.items()
        if name not in outputs.pictured
    ]


def shown(curves: Curves) -> dict[str, Any]:
    """Return mean and half width of the 95 % band of each array at the first of the points."""
    return {
        name: {"mean": rounded(mean[0]), "half": rounded(NORMAL_95 * std[0])} for name, (_, mean, std) in curves.items()
    }


def along(space: Space, point: Point, name: str) -> list[Point]:
    """Return points along one free parameter, the others as they are: evenly from one end to the other, or its choices.

    Where constraints leave some of them out, these are missing.
    """
    parameter = space.parameters[name]
    if isinstance(parameter, Choice):
        points = [{**point, name: choice} for choice in parameter.choices[:FAMILY]]
        U = space.to_unit([space.complete({n: one[n] for n in space.names}) for one in points])
    else:
        U = np.repeat(space.to_unit([point]), FAMILY, axis=0)
        U[:, space.names.index(name)] = np.linspace(0.0, 1.0, FAMILY)
    U = space.snap(U)
    U = U[np.sort(np.unique(U[:, space.names.index(name)], return_index=True)[1])]
    return space.from_unit(U[space.feasible(U)])


def family(curves: Curves) -> dict[str, Any]:
    """Return the means of each array at all points."""
    return {name: [rounded(row) for row in mean] for name, (_, mean, _) in curves.items()}


def compared(trial: Trial, curves: Curves, values: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Return a simulation beside the prediction at its point.

        z = (simulated - predicted) / sqrt(standard error^2 + standard deviation^2)

    Predictions are interpolated to the simulation's grid; beyond their own there are none. Where nothing is predicted,
    or the simulation gives no error, z stands without it, or is missing.

    Args:
        trial: with its arrays.
        curves: at its point alone.
        values: value -> predicted mean and standard deviation there.
    """
    observation = trial.observation
    assert observation is not None
    arrays = {}
    for name, array in observation.arrays.items():
        one = plain(array)
        if one is None:
            continue
        one["z"] = None
        if name in curves:
            mean, std = _on(np.asarray(array.grid), *curves[name])
            errors = np.zeros(len(mean)) if array.errors is None else np.nan_to_num(array.errors)
            one |= {"mean": rounded(mean), "std": rounded(std), "z": rounded(_z(array.values - mean, errors, std))}
        arrays[name] = one
    return {"arrays": arrays, "values": [_value(trial, name, values) for name in _names(trial, values)]}


def table(name: str, curves: Curves, unit: str, sweep: tuple[str, list[Point], Curves] | None) -> str:
    """Return a CSV table of one array: prediction, standard deviation, and a column for each curve of a sweep."""
    grid, mean, std = curves[name]
    columns = {grid_column(unit): grid, name: mean[0], f"{name}_std": std[0]}
    if sweep is not None:
        parameter, points, found = sweep
        columns |= {
            f"{name} ({parameter} = {p[parameter]})": row for p, row in zip(points, found[name][1], strict=True)
        }
    return _csv(columns)


def table_beside(name: str, beside: Mapping[str, Any], unit: str) -> str:
    """Return a CSV table of one array of a simulation: values, errors, the prediction at the same places, and z."""
    one = beside["arrays"][name]
    parts = {"": "values", "_error": "errors", "_predicted": "mean", "_predicted_std": "std", "_z": "z"}
    columns = {f"{name}{end}": one[part] for end, part in parts.items() if one.get(part) is not None}
    return _csv({grid_column(unit): one["grid"], **columns})


def _csv(columns: Mapping[str, Any]) -> str:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(f'"{name}"' if "," in name else name for name in columns)]
    lines += [",".join("" if cell is None or not np.isfinite(cell) else f"{cell:.7g}" for cell in row) for row in rows]
    return "\n".join(lines) + "\n"


def _on(grid: Floats, own: Floats, mean: Floats, std: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation at the places of another grid, NaN beyond their own."""
    on_grid, deviation = (np.interp(grid, own, part[0], left=np.nan, right=np.nan) for part in (mean, std))
    return on_grid, deviation


def _z(difference: Floats, errors: Floats, std: Floats) -> Floats:
    wide = np.sqrt(errors**2 + std**2)
    return np.asarray(np.divide(difference, wide, out=np.full(len(wide), np.nan), where=wide > 0))


def _names(trial: Trial, values: Mapping[str, Any]) -> list[str]:
    known = {**(trial.observation.values if trial.observation else {}), **trial.objective}
    return sorted(known, key=lambda name: (name not in values, name))


def _value(trial: Trial, name: str, values: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    assert trial.observation is not None
    value = trial.objective.get(name, trial.observation.values.get(name, np.nan))
    error = trial.objective_errors.get(name, trial.observation.errors.get(name))
    found: dict[str, Any] = {"name": name, "value": value, "error": error, "mean": None, "std": None, "z": None}
    if name in values:
        mean, std = values[name]
        z = _z(np.array([value - mean]), np.array([error or 0.0]), np.array([std]))
        found |= {"mean": mean, "std": std, "z": rounded(z)[0]}
    return found
