"""What a user's file with `build(simulation, ...)` says of itself, without running it: which parameters it takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from softal.reading import MAX_TEXT, read_bytes
from softal.trial import Value

BUILD = "build"


@dataclass(frozen=True)
class Script:
    """A file with the function `build`.

    Attributes:
        path: absolute path.
        arguments: those of `build` after the first one, which is the simulation.
    """

    path: Path
    arguments: ast.arguments

    @classmethod
    def of(cls, path: Path) -> Script:
        """Read a file; OSError, or ValueError where it is no Python or has no such function."""
        try:
            tree = ast.parse(read_bytes(path, MAX_TEXT), str(path))
        except SyntaxError as error:
            raise ValueError(f"line {error.lineno}: {error.msg}") from None
        found = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == BUILD]
        if not found or not [*found[-1].args.posonlyargs, *found[-1].args.args]:
            raise ValueError("it has no function `def build(simulation, ...)`")
        return cls(path, found[-1].args)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that `build` takes besides the simulation."""
        return frozenset(name for name, _ in self._named())

    @cached_property
    def defaults(self) -> dict[str, Value]:
        """What arguments are that may be left out."""
        return {name: value for name, default in self._named() if (value := _value(default)) is not None}

    @property
    def takes_any(self) -> bool:
        """Whether `build` takes names that it does not list."""
        return self.arguments.kwarg is not None

    def _named(self) -> Iterator[tuple[str, ast.expr | None]]:
        """Give name and default of each argument; those whose default is no number, text or truth are no parameters."""
        given = self.arguments
        places = [*given.posonlyargs, *given.args]
        missing: list[ast.expr | None] = [None] * (len(places) - len(given.defaults))
        pairs = zip([*places, *given.kwonlyargs], [*missing, *given.defaults, *given.kw_defaults], strict=True)
        for argument, default in list(pairs)[1:]:
            if default is None or _value(default) is not None:
                yield argument.arg, default


def _value(node: ast.expr | None) -> Value | None:
    try:
        value = None if node is None else ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, int | float | str) else None
