"""Makes an Observation of what a user's function or program returns.

Under each name may stand

    1.5, True, numpy scalar            a value; so is numpy's array([1.5])
    (1.5, 0.1)                         a value and its standard error; also {"value": 1.5, "error": 0.1}
    {"series": [1.4, 1.6, ...]}        a time series: its mean, with the error from its autocorrelation
    [1, 2, 3], numpy array             an array
    {"values": [...], "errors": [...], "grid": [...], "unit": "...", "grid_unit": "..."}, softal.trial.Array
                                       an array with its errors and the grid that it lies on
    pathlib.Path                       a file to keep
    None, NaN, a word                  a value that is not available, which only an objective that needs it minds
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from softal.errors import InvalidObservation, SimulationError
from softal.simulators.statistics import mean_and_error
from softal.trial import Array, Observation

FORMS = "a number, (value, error), {'value', 'error'}, {'series'}, an array, {'values', 'errors', 'grid'} or a Path"


def to_observation(results: Any) -> Observation:
    """Return the observation that `results`, name -> one of the forms above, describe.

    Raises:
        InvalidObservation: naming what cannot be understood.
    """
    if isinstance(results, Observation):
        return _without_missing(results)
    if not isinstance(results, Mapping):
        raise InvalidObservation(
            f"a simulation returns names and values, such as {{'energy': -1.5}}, not {_shown(results)}"
        )
    observation = Observation()
    for name, result in results.items():
        if not isinstance(name, str):
            raise InvalidObservation(f"the name {name!r} of a result is not a text")
        try:
            _add(observation, name, result)
        except (TypeError, ValueError, SimulationError) as error:
            raise InvalidObservation(f"{name!r} is {_shown(result)}: {error}; allowed are {FORMS}") from error
    return _without_missing(observation)


def _without_missing(observation: Observation) -> Observation:
    """Return the observation with values that are no finite numbers among the missing ones.

    Raises:
        InvalidObservation: if nothing else is left: that is no result.
    """
    bad = {name: str(value) for name, value in observation.values.items() if not np.isfinite(value)}
    missing = {**observation.missing, **bad}
    values = {name: value for name, value in observation.values.items() if name not in bad}
    if missing and not (values or observation.arrays or observation.artifacts):
        name, what = next(iter(missing.items()))
        raise InvalidObservation(f"value {name!r} is {what}; allowed are {FORMS}")
    errors = {name: error for name, error in observation.errors.items() if name not in bad and not np.isnan(error)}
    if missing or len(errors) < len(observation.errors):
        return replace(observation, values=values, errors=errors, missing=missing)
    return observation


def _add(observation: Observation, name: str, result: Any) -> None:
    if result is None or isinstance(result, str):
        observation.missing[name] = _shown(result)
    elif isinstance(result, Path):
        observation.artifacts[name] = result
    elif isinstance(result, Array):
        observation.arrays[name] = result
    elif isinstance(result, Mapping):
        _add_mapping(observation, name, dict(result))
    elif isinstance(result, tuple) and len(result) == 2:
        observation.values[name], observation.errors[name] = _number(result[0]), _number(result[1])
    elif isinstance(result, (Real, np.bool_)) or getattr(result, "shape", None) in ((), (1,)):
        observation.values[name] = _number(np.asarray(result).item())
    else:
        observation.arrays[name] = Array.of(_numbers(result))


def _add_mapping(observation: Observation, name: str, result: dict[str, Any]) -> None:
    if set(result) == {"series"}:
        mean, error = mean_and_error(_numbers(result["series"]))
        if mean.ndim == 0:
            _add_value(observation, name, float(mean), float(error))
        else:
            observation.arrays[name] = Array(mean, None if np.isnan(error).any() else error)
    elif "value" in result and set(result) <= {"value", "error"}:
        known = result.get("error") is not None
        _add_value(observation, name, _number(result["value"]), _number(result["error"]) if known else np.nan)
    elif "values" in result and set(result) <= {"values", "errors", "grid", "unit", "grid_unit"}:
        parts = {key: None if result.get(key) is None else _numbers(result[key]) for key in ("errors", "grid")}
        units = {key: str(result[key]) for key in ("unit", "grid_unit") if key in result}
        observation.arrays[name] = Array.of(_numbers(result["values"]), parts["errors"], parts["grid"], **units)
    else:
        raise ValueError(f"its keys are {', '.join(map(str, result)) or 'none'}")


def _add_value(observation: Observation, name: str, value: float, error: float) -> None:
    observation.values[name] = value
    if not np.isnan(error):
        observation.errors[name] = error


def _number(number: Any) -> float:
    if isinstance(number, (str, bytes)) or number is None:
        raise TypeError(f"{number!r} is not a number")
    return float(number)


def _numbers(numbers: Any) -> Any:
    array = np.asarray(numbers)
    if array.dtype.kind not in "biuf":
        raise TypeError("it does not hold numbers only")
    return array.astype(np.float64)


def _shown(result: Any) -> str:
    text = repr(result)
    return text if len(text) <= 60 else f"{text[:57]}..."
