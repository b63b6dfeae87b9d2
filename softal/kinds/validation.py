"""Turns pydantic's errors into problems that a user understands: the place, the value, and what is allowed."""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from softal.errors import Problem

MAX_SHOWN = 80  # characters of a value that a message repeats


def problems_in(
    error: ValidationError,
    model: type[BaseModel],
    data: object,
    place: str = "",
    only: Callable[[ErrorDetails], bool] = lambda detail: True,
) -> list[Problem]:
    """Return one problem for each wrong place.

    A validator of a whole model names the key that it means by beginning with it: `low: 3 is not below ...`.

    Args:
        error: what the model raised.
        model: the model that was to be filled.
        data: what it was to be filled with; tells the places in the file from the names of pydantic's union members.
        place: where the model stands, such as `space.sigma`.
        only: which errors count.
    """
    messages: dict[str, list[str]] = {}
    for detail in filter(only, error.errors(include_url=False)):
        path = _path_in(data, detail)
        message = _message(detail, model, path)
        key, colon, rest = message.partition(": ")
        if colon and key in names_of(_model_at(model, path) or model):  # a model's validator that names a key of its
            path, message = [*path, key], rest
        said = messages.setdefault(join(place, *path), [])
        if message not in said:
            said.append(message)
    return [Problem(where, _combined(said)) for where, said in messages.items()]


def strictly_filled(
    model: type[BaseModel], data: Mapping[str, Any], context: Mapping[str, Any], place: str = ""
) -> tuple[BaseModel | None, list[Problem]]:
    """Return a model of settings, or None and what is wrong with them.

    Args:
        model: the model of the settings.
        data: the settings, plain data.
        context: for the model's validators.
        place: where the settings stand.
    """
    found: list[Problem] = []
    filled = None
    try:
        # Strict, so that neither `true` nor "3" is a number; as JSON, so that a list is a tuple and text is a path.
        return model.model_validate_json(json.dumps(dict(data)), strict=True, context=context), []
    except ValidationError as error:
        found = problems_in(error, model, data, place, only=_coerced)
    except Exception:  # a plug-in's own validators can raise anything: said below
        found = []
    try:
        # Not strict, since a plug-in's own validators may make other objects of what they are given.
        filled = model.model_validate(dict(data), context=context)
    except ValidationError as error:
        found += [p for p in problems_in(error, model, data, place) if p.place not in {q.place for q in found}]
    except Exception as error:
        found.append(Problem(place, f"cannot be used: {type(error).__name__}: {error}"))
    return (None if found else filled), found


def _coerced(detail: ErrorDetails) -> bool:
    """Whether an error in strict mode is about a value that would be made into a number or true or false."""
    given = isinstance(detail["input"], bool | str | int | float)
    return given and detail["type"] in ("int_type", "float_type", "bool_type")


def join(*parts: object) -> str:
    """Join the parts of a place: `join("space", "sigma", "low")` is `space.sigma.low`."""
    return ".".join(str(part) for part in parts if part != "")


def unknown(word: object, allowed: Iterable[str], what: str = "key") -> str:
    """Say that a word is not known, which one is nearest to it, and which there are."""
    names = sorted(allowed)
    return f"{show(word)} is not a known {what}{did_you_mean(word, names)}; allowed: {', '.join(names) or 'none'}"


def did_you_mean(word: object, names: Iterable[str]) -> str:
    """Return which of the names is nearest to a word, in parentheses after a space; nothing where none is near."""
    near = difflib.get_close_matches(str(word), list(names), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def show(value: object) -> str:
    """Return a value as it may stand in a message: on one line, and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def _path_in(data: object, detail: ErrorDetails) -> list[int | str]:
    path: list[int | str] = []
    for step in detail["loc"]:
        inside_mapping = isinstance(data, Mapping) and step in data
        inside_list = isinstance(data, Sequence) and not isinstance(data, str) and isinstance(step, int)
        if inside_mapping or (inside_list and isinstance(step, int) and step < len(data)):  # type: ignore[arg-type]
            data = data[step]  # type: ignore[index]
            path.append(step)
    if detail["type"] in ("missing", "missing_argument") and detail["loc"]:
        path.append(detail["loc"][-1])
    return path


def _message(detail: ErrorDetails, model: type[BaseModel], path: list[int | str]) -> str:
    if detail["type"] == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        return unknown(path[-1], names_of(owner) if owner else ())
    if detail["type"] == "missing":
        return f"is missing{_described(model, path)}"
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if detail["type"] in ("value_error", "assertion_error"):
        return text  # our own validators name the value themselves
    wanted, found = re.subn(r"^\w+ should ", "but it must ", text)
    return f"{show(detail['input'])} is given{',' if found else ':'} {wanted}"


def _combined(messages: Sequence[str]) -> str:
    """Members of a union fail each for its own reason: say the value once, and every reason."""
    starts = {message.split(", but it must be ")[0] for message in messages}
    if len(messages) > 1 and len(starts) == 1 and all(", but it must be " in message for message in messages):
        return f"{starts.pop()}, but it must be " + " or ".join(m.split(", but it must be ", 1)[1] for m in messages)
    return "; ".join(messages)


def names_of(model: type[BaseModel]) -> list[str]:
    """Return the keys that a model takes."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _described(model: type[BaseModel], path: list[int | str]) -> str:
    owner = _model_at(model, path[:-1])
    info = owner.model_fields.get(str(path[-1])) if owner else None
    return f": {info.description}" if info and info.description else ""


def _model_at(model: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel] | None:
    current: object = model
    for step in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            info = current.model_fields.get(str(step))
            current = info.annotation if info else None
        else:
            current = next(iter(reversed(typing.get_args(current))), None)
        current = _only_model(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _only_model(annotation: Any) -> object:
    """Return the model inside `Model | None` or `Annotated[Model, ...]`."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        return _only_model(members[0]) if members else None
    return annotation
