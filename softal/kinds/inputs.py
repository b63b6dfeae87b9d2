"""The files that a campaign is made of: which they are, what was in them, and copies for when they have gone.

Whoever reads a file that a campaign file names asks `input_file` for its place. While a campaign file is read within
`noting`, that notes the file; within `kept_in`, it answers with the copy that was made when the campaign was launched.

Files of the role LOSSES, references, say how good finished trials are. A campaign goes by their copies until it is told
that they have changed, so that all of its losses are of the same references. All others count for NEW trials alone.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from softal.about import FOLDER
from softal.reading import MAX_TEXT, is_file, read_bytes

FOLDER_OF_COPIES = "inputs"  # in a campaign's folder; a copy lies in it as the file does in the file system
LARGEST_COPY = 32 * 2**20  # bytes of a file of which a copy is kept
LOSSES, NEW = "losses", "new trials"  # what a file counts for

_noted: ContextVar[dict[Path, str] | None] = ContextVar("noted", default=None)
_copies: ContextVar[tuple[Path, bool] | None] = ContextVar("copies", default=None)


@contextmanager
def noting() -> Iterator[Mapping[Path, str]]:
    """Give what is noted within: path -> role."""
    found: dict[Path, str] = {}
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


@contextmanager
def kept_in(campaign: Path, *, only_losses: bool) -> Iterator[None]:
    """Have files from their copies in a campaign's folder, where there are any; or only those of the role LOSSES."""
    token = _copies.set((campaign / FOLDER_OF_COPIES, only_losses))
    try:
        yield
    finally:
        _copies.reset(token)


def input_file(path: Path, role: str = NEW) -> Path:
    """Note a file that a campaign file names, with the modules beside it that it imports; return where it is read."""
    place = Path(os.path.normpath(Path.cwd() / path))
    noted = _noted.get()
    if noted is not None and (place not in noted or role == LOSSES):  # a simulator may read a reference, too
        noted |= dict.fromkeys(_with_imports(place), role)
    if (copies := _copies.get()) is None:
        return path
    root, only_losses = copies
    copy = _copy_of(place, root)
    return copy if (role == LOSSES or not only_losses) and is_file(copy) else path


def described(inputs: Mapping[Path, str], folder: Path) -> dict[str, dict[str, Any]]:
    """Return path -> content and role of those that are there; paths from the campaign file's folder."""
    there = {path: role for path, role in inputs.items() if is_file(path)}
    return {
        _named(path, folder): {"sha256": digest(path), "stat": _stat(path), "for": role}
        for path, role in sorted(there.items())
    }


def changed(known: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return path -> role of the files whose content is another one than a journal knows; not those that have gone."""
    found = {}
    for name, said in known.items():
        path = folder / name
        with contextlib.suppress(OSError, ValueError):
            if isinstance(said, Mapping) and is_file(path) and not _is_same(path, said):
                found[name] = str(said.get("for", NEW))
    return found


def _is_same(path: Path, known: Mapping[str, Any]) -> bool:
    """Whether a file has the content that is known; one that nobody has written since is not read."""
    return _stat(path) == known.get("stat") or digest(path) == known.get("sha256")


def _stat(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def keep(inputs: Mapping[Path, str], campaign: Path) -> None:
    """Copy files into a campaign's folder, but for large ones; where that cannot be, the campaign runs all the same."""
    for path in inputs:
        with contextlib.suppress(OSError):
            if is_file(path) and path.stat().st_size <= LARGEST_COPY:
                copy = _copy_of(path, campaign / FOLDER_OF_COPIES)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.unlink(missing_ok=True)  # it may be read-only; and where nothing can be written, none is better
                shutil.copyfile(path, copy)
                copy.chmod(path.stat().st_mode & copy.stat().st_mode)  # what is private stays so


def _copy_of(path: Path, root: Path) -> Path:
    return root / path.relative_to(path.anchor)


def _named(path: Path, folder: Path) -> str:
    """Return a path from the folder of the campaign file: they may move together."""
    apart = os.path.commonpath([path, folder]) == path.anchor
    return str(path) if apart else os.path.relpath(path, folder)


def _with_imports(path: Path) -> list[Path]:
    """Return a file, and, where it is a module of Python, those beside it that it imports, and so on."""
    found, waiting = {path: None}, [path]
    while waiting:
        module = waiting.pop()
        new = [one for one in _imported(module, path.parent) if one not in found]
        found |= dict.fromkeys(new)
        waiting += new
    return list(found)


def _imported(module: Path, folder: Path) -> Iterator[Path]:
    """Give the files in `folder` that a module imports by name, or from its own package."""
    if module.suffix != ".py":
        return
    try:
        tree = ast.parse(read_bytes(module, MAX_TEXT))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            wanted = [(folder, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.parents[node.level - 1] if node.level else folder
            parts = [part for part in [node.module] if part]
            wanted = [(base, ".".join([*parts, alias.name])) for alias in node.names]
        else:
            continue
        for base, name in wanted:
            yield from _files_of(base, name)


def _files_of(base: Path, name: str) -> Iterator[Path]:
    """Give the files that `a.b.c` may be in a folder: those of its packages, and of the module."""
    place = base
    for part in name.split("."):
        place = place / part
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if is_file(path) and not path.is_relative_to(FOLDER):
                yield path
