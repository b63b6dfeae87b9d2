"""A user's files for GROMACS, with placeholders: run parameters, topology and what it includes, coordinates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from softal.kinds.inputs import input_file
from softal.reading import MAX_TEXT, is_file, read_bytes
from softal.simulators import placeholders
from softal.simulators.gromacs.mdp import without_comments

_INCLUDE = re.compile(r"^[ \t]*#include[ \t]+[\"<](?P<name>[^\">\n]+)[\">]", re.MULTILINE)
_BEGIN = placeholders.DELIMITERS[0]


@dataclass(frozen=True)
class Inputs:
    """The files of a user.

    Attributes:
        texts: path in the trial's folder -> template, without comments but in coordinates.
        mdp: names in `texts` of the run parameters, in the order of the runs.
        top: name of the topology.
        gro: name of the coordinates.
    """

    texts: Mapping[str, str]
    mdp: tuple[str, ...]
    top: str
    gro: str

    @classmethod
    def of(cls, mdp: tuple[Path, ...], top: Path, gro: Path) -> Inputs:
        """Read the files.

        Raises:
            OSError, ValueError: if one cannot be read or is no template, if two have the same name, if a run would
                write over the coordinates, or if the topology includes what is not within its folder.
        """
        found = {str(path.relative_to(top.parent)): text for path, text in _topology(top, set())}
        for path in mdp:
            _add(found, path, without_comments(_text(path)))
        _add(found, gro, _text(gro))
        for path in mdp[:-1]:
            if path.with_suffix(gro.suffix).name == gro.name:
                raise ValueError(f"the run {path.name} would write over {gro.name}; give one of them another name")
        inputs = cls(found, tuple(path.name for path in mdp), top.name, gro.name)
        _ = inputs.names  # raises, too
        return inputs

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of each placeholder -> the first file that has it."""
        where: dict[str, str] = {}
        for file, text in self.texts.items():
            if _BEGIN not in text:
                continue
            try:
                found = placeholders.template_names(text)
            except ValueError as error:
                raise ValueError(f"{file}: {error}") from None
            where = dict.fromkeys(sorted(found), file) | where
        return where

    def filled(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return path -> text with its placeholders replaced; ValueError for what cannot be."""
        return {file: _filled(file, text, values) for file, text in self.texts.items()}


def _filled(file: str, text: str, values: Mapping[str, Any]) -> str:
    if _BEGIN not in text:
        return text
    try:
        return placeholders.render(text, values)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _topology(path: Path, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    """Give a topology and what it includes from its folder; GROMACS finds its own force fields itself."""
    seen.add(path)
    text = without_comments(_text(path))
    yield path, text
    for found in _INCLUDE.finditer(text):
        name = found["name"]
        included = path.parent / name
        if Path(name).is_absolute() or not is_file(included) or included in seen:
            continue
        if ".." in Path(name).parts:
            raise ValueError(f"{path.name} includes {name}, which is not in its folder: put it there")
        input_file(included)
        yield from _topology(included, seen)


def _add(texts: dict[str, str], path: Path, text: str) -> None:
    if path.name in texts:
        raise ValueError(f"two files are called {path.name}; each needs a name of its own")
    texts[path.name] = text


def _text(path: Path) -> str:
    return read_bytes(path, MAX_TEXT).decode("utf-8", errors="surrogateescape").replace("\r\n", "\n")
