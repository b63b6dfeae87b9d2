"""Reads the sections that name a kind: simulator, strategy, surrogate and learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel

from softal.errors import Problem, SoftalError
from softal.kinds.own_modules import importable
from softal.kinds.validation import join, show, strictly_filled

T = TypeVar("T")


@dataclass(frozen=True)
class Chosen(Generic[T]):
    """A kind that a campaign file names, with its settings.

    Attributes:
        kind: as in the file: a built-in name, a plug-in, or `module:Class`.
        found: the class.
        settings: an instance of its `Settings`; None only while a file is read whose settings are wrong.
    """

    kind: str
    found: type[T]
    settings: BaseModel | None

    def build(self, *arguments: Any) -> T:
        """Make an instance: `found(*arguments, settings)`."""
        found: Any = self.found
        return cast(T, found(*arguments, self.settings))


def read_kind(
    place: str, data: object, find: Callable[[str], type[T]], folder: Path, problems: list[Problem]
) -> Chosen[T] | None:
    """Read `kind` or `{kind: ..., settings...}`.

    Where the kind is not known, None comes back; where its settings are wrong, it comes back without them, so that
    the rest of the file can be held against its class. The problems are added to the list either way.

    Args:
        place: the section.
        data: what stands there.
        find: returns the class of a kind.
        folder: of the campaign file, in which a user's own modules are found.
        problems: grows.
    """
    kind, settings, where = _kind_and_settings(place, data)
    if not isinstance(kind, str) or not kind:
        said = "is missing" if kind is _MISSING else f"{show(kind)} is given"
        problems.append(
            Problem(where, f"{said}; allowed: the name of a kind (`softal kinds` lists them), or module:Class")
        )
        return None
    try:
        with importable(folder, kind):
            found = find(kind)
    except SoftalError as error:
        problems.append(Problem(where, str(error)))
        return None
    except Exception as error:  # found, but nothing can be made of it, such as a function without a signature
        problems.append(Problem(where, f"{kind!r} cannot be used: {type(error).__name__}: {error}"))
        return None
    model: type[BaseModel] = found.Settings  # type: ignore[attr-defined]
    return Chosen(kind, found, read_settings(place, settings, model, folder, problems))


def read_settings(
    place: str, data: Mapping[str, Any], model: type[BaseModel], folder: Path, problems: list[Problem]
) -> BaseModel | None:
    """Fill a model of settings, which learns the campaign file's folder from its validation context."""
    filled, found = strictly_filled(model, data, {"folder": folder}, place)
    problems += found
    return filled


_MISSING = object()


def _kind_and_settings(place: str, data: object) -> tuple[object, dict[str, Any], str]:
    """Return the kind, its settings, and where the kind stands."""
    if not isinstance(data, Mapping):
        return data, {}, place
    settings = {str(key): value for key, value in data.items() if key != "kind"}
    if "kind" not in data and "command" in data:
        return "command", settings, join(place, "command")
    return data.get("kind", _MISSING), settings, join(place, "kind")
