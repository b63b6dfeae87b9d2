"""The user's own modules, beside a campaign file: looked for last, but for the one that is named.

A `random.py` or `scipy.py` beside the file must not stand in for the library, which others import, too. So the folder
stands at the end of `sys.path`, and only the module that a campaign names is looked for there first.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from types import ModuleType

from softal.errors import SoftalError
from softal.kinds.inputs import input_file

INSTALLED = ("site-packages", "dist-packages")  # folders of libraries
_last: list[str] = []  # folders of campaigns at the end of sys.path, the newest first


class _Named(MetaPathFinder):
    """Finds one module in one folder, before anybody else looks for it."""

    def __init__(self, name: str, folder: str) -> None:
        self.name, self.folder = name, folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module is; None for every other one."""
        return PathFinder.find_spec(fullname, [self.folder]) if fullname == self.name and path is None else None


@contextmanager
def importable(folder: Path, kind: str = "") -> Iterator[None]:
    """Make the modules in `folder` importable, from now on: they may import each other later.

    Args:
        folder: of the campaign file.
        kind: `module:name`, of which the module is imported from there within, where it is there.

    Raises:
        SoftalError: if the module has the name of a library.
    """
    entry = str(folder.resolve())
    if entry not in sys.path or entry in _last:  # else Python put it there, or the user
        put_last(entry)
    module = kind.partition(":")[0]
    name = module.partition(".")[0]
    here = _places(folder.resolve(), name)
    if ":" not in kind or not any(path.is_file() for path in here):
        yield
        return
    for path in [*here, *_places(folder.resolve(), module.replace(".", os.sep))]:
        input_file(path)
    _refuse_library(name, here)
    _forget_namesake(name, here)
    finder = _Named(name, entry)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def put_last(entry: str) -> None:
    """Put a folder at the end of `sys.path`, wherever it stood, before those of other campaigns."""
    _last[:] = [entry, *(other for other in _last if other != entry)]
    sys.path[:] = [other for other in sys.path if other not in _last] + _last
    importlib.invalidate_caches()


def loaded_from(folder: Path) -> list[str]:
    """Return the names of the modules that are loaded from a folder, packages among them, but not what is in those."""
    found = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if "." not in name}
    return sorted(name for name, file in found.items() if file and Path(file) in _places(folder, name))


def prefer(folder: Path, names: Sequence[str]) -> None:
    """Find these modules in a folder for the rest of this process, and everything else that is there after libraries.

    For processes that work for a campaign, and are sent what is made of its author's classes.
    """
    put_last(str(folder))
    for name in names:
        _forget_namesake(name, _places(folder, name))
        for finder in [one for one in sys.meta_path if isinstance(one, _Named) and one.name == name]:
            sys.meta_path.remove(finder)
        sys.meta_path.insert(0, _Named(name, str(folder)))


def _places(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}.py", folder / name / "__init__.py"]


def _refuse_library(name: str, here: Sequence[Path]) -> None:
    """Raise SoftalError where others would get this module in place of a library of the same name."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded is not None and Path(loaded) in here and name not in sys.stdlib_module_names:
        return  # it is what others import, such as softal itself in the folder that it is developed in
    installed = loaded is not None and any(part in Path(loaded).parts for part in INSTALLED)
    if name in sys.stdlib_module_names or name in _required() or installed:
        file = next(path for path in here if path.is_file())
        raise SoftalError(f"{file} has the name of a library, `{name}`, which others import: give it another name")


@cache
def _required() -> frozenset[str]:
    """Return softal, and the libraries that it needs."""
    named: list[str] = []
    with suppress(PackageNotFoundError):
        named = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires("softal") or ()]
    return frozenset(name.lower().replace("-", "_") for name in ["softal", *named])


def _forget_namesake(name: str, here: Sequence[Path]) -> None:
    """Let `simulation.py` of this folder win over one of the same name that another campaign's folder has loaded."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded and Path(loaded) not in here:
        for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
            del sys.modules[known]
