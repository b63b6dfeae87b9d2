"""Find the class behind a `kind`: a built-in name, an entry point, or `module:Class` of the user's own.

Whoever only looks at a campaign runs none of its author's code: within `unread`, nothing that is named `module:Class`
is imported, and a class without content stands for it.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from typing import Any, TypeVar

from pydantic import ConfigDict

from softal.errors import SoftalError
from softal.kinds.settings import Settings

T = TypeVar("T")
OURS = "softal."  # modules that come with softal
# Classes of ours that campaigns of the first version name, and where they are now.
MOVED = {"softal.orchestrator.notebook:InPython": "softal.orchestrator.campaign_file.in_python:InPython"}


_unread: ContextVar[bool] = ContextVar("unread", default=False)


@contextmanager
def unread() -> Iterator[None]:
    """Import nothing that is named `module:Class` in here, but what comes with softal."""
    token = _unread.set(True)
    try:
        yield
    finally:
        _unread.reset(token)


def is_own(kind: object) -> bool:
    """Return whether a kind is code of a campaign's author: neither built in, nor a plug-in that was installed."""
    return isinstance(kind, str) and ":" in kind and not kind.startswith(OURS)


class Anything(Settings):
    """Settings of a class that is not there."""

    model_config = ConfigDict(extra="allow", frozen=True)


def stands_for(kind: str, base: type[T]) -> type[T] | None:
    """Return a class that stands for code that is not to be imported, and can do nothing; None where it may be."""
    if not (_unread.get() and is_own(kind)):
        return None

    def absent(*arguments: Any, **named: Any) -> Any:
        raise SoftalError(f"{kind!r} is code of the campaign's author, which looking at a campaign does not run")

    missing = dict.fromkeys(getattr(base, "__abstractmethods__", ()), absent)
    return type(base.__name__, (base,), {**missing, "Settings": Anything, "kind": kind})


def names(builtin: Mapping[str, str], group: str) -> dict[str, str]:
    """Return kind -> `module:attribute` of everything built in or installed as a plug-in."""
    return {**_plugins(group, tuple(sys.path)), **builtin}


@cache
def _plugins(group: str, path: tuple[str, ...]) -> dict[str, str]:
    """Return what is installed in these folders: to read all their metadata takes as long as all else in a file."""
    return {entry.name: entry.value for entry in entry_points(group=group)}


def resolve(kind: str, builtin: Mapping[str, str], group: str) -> Any:
    """Return the object behind `kind`; SoftalError names what is allowed or why the import failed."""
    target = builtin.get(kind, MOVED.get(kind, kind))
    if ":" not in target:
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
    if (absent := stands_for(kind, base)) is not None:
        return absent
    found = resolve(kind, builtin, group)
    if inspect.isclass(found) and issubclass(found, base):
        return found
    raise SoftalError(f"{kind!r} is not a {base.__name__} class")
