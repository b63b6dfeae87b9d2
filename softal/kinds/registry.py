"""Find the class behind a `kind`: a built-in name, an entry point, or `module:Class` of the user's own."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any, TypeVar

from softal.errors import SoftalError

T = TypeVar("T")
# Classes of ours that campaigns of the first version name, and where they are now.
MOVED = {"softal.orchestrator.notebook:InPython": "softal.orchestrator.campaign_file.in_python:InPython"}


def names(builtin: Mapping[str, str], group: str) -> dict[str, str]:
    """Return kind -> `module:attribute` of everything built in or installed as a plug-in."""
    plugins = {entry.name: entry.value for entry in entry_points(group=group)}
    return {**plugins, **builtin}


def resolve(kind: str, builtin: Mapping[str, str], group: str) -> Any:
    """Return the object behind `kind`; SoftalError names what is allowed or why the import failed."""
    target = builtin.get(kind, MOVED.get(kind, kind))
    if ":" not in target:  # to look for plug-ins means to read the metadata of everything that is installed
        known = names(builtin, group)
        target = known.get(kind, kind)
    module_name, colon, attribute = target.partition(":")
    if not colon:
        close = get_close_matches(kind, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise SoftalError(f"{kind!r} is not known: {hint}allowed are {', '.join(sorted(known))}, or 'module:Class'")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise SoftalError(f"{target!r} ended Python while it was imported (exit code {error.code})") from error
    except BaseException as error:  # a user's module can raise anything while it is imported
        raise SoftalError(f"{target!r} cannot be imported: {type(error).__name__}: {error}") from error
    return found


def resolve_class(kind: str, builtin: Mapping[str, str], group: str, base: type[T]) -> type[T]:
    """Return the subclass of `base` behind `kind`; SoftalError where there is none."""
    found = resolve(kind, builtin, group)
    if inspect.isclass(found) and issubclass(found, base):
        return found
    raise SoftalError(f"{kind!r} is not a {base.__name__} class")
