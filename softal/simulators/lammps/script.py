"""What an input script of LAMMPS says of itself: which variables it takes, which files it reads, in which units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from softal.reading import MAX_TEXT, is_file, read_bytes
from softal.references.readers.names import keyword
from softal.trial import Value

_USED = re.compile(r"\$\{(\w+)\}|\bv_(\w+)|\$([A-Za-z_])")  # ${name}, v_name in formulas, $x
_VARIABLE = re.compile(r"^\s*variable\s+(?P<name>\w+)\s+(?P<style>\w+)(?P<rest>.*)$", re.MULTILINE)
_WORD = re.compile(r"[^\s\"']+")
# Units of thermo columns by the `units` of the script; reduced ones have none that is known before a run.
_ENERGIES = ("poteng", "kineng", "toteng", "e_pair", "e_vdwl", "e_coul", "e_mol", "e_bond", "e_angle", "enthalpy")
_PRESSURES = ("press", "pxx", "pyy", "pzz", "pxy", "pxz", "pyz")
_UNITS = {"real": ("kcal/mol", "atm"), "metal": ("eV", "bar")}


@dataclass(frozen=True)
class Script:
    """An input script, with those that it includes by their names.

    Attributes:
        path: absolute path.
        text: without comments, continued lines joined.
    """

    path: Path
    text: str

    @classmethod
    def of(cls, path: Path) -> Script:
        """Read a script; OSError, or ValueError where it is no text, or an included one is not there."""
        return cls(path, "\n".join(_read(path, path.parent, set())))

    @cached_property
    def defaults(self) -> dict[str, Value]:
        """First values of its `index` variables, which the command line replaces."""
        found = {}
        for one in _VARIABLE.finditer(self.text):
            words = one["rest"].split()
            if one["style"] == "index" and words and one["name"] not in found:
                found[one["name"]] = _value(words[0])
        return found

    @cached_property
    def own(self) -> frozenset[str]:
        """Variables that it sets itself, so that nobody else can."""
        return frozenset(
            one["name"] for one in _VARIABLE.finditer(self.text) if one["style"] not in ("index", "delete")
        )

    @cached_property
    def used(self) -> frozenset[str]:
        """Variables that it uses, and does not set itself."""
        found = {next(filter(None, one.groups())) for one in _USED.finditer(self.text)}
        return frozenset(found - self.own)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Files beside it that its words name, by their paths from its folder."""
        folder = self.path.parent
        words = {word for word in _WORD.findall(self.text) if "$" not in word and not Path(word).is_absolute()}
        return tuple(sorted(word for word in words if ".." not in Path(word).parts and is_file(folder / word)))

    def unit_of(self, column: str) -> str:
        """Return the unit of a thermo column; empty where it is not known."""
        style = re.search(r"^\s*units\s+(\w+)", self.text, re.MULTILINE)
        energy, pressure = _UNITS.get(style[1] if style else "", ("", ""))
        name = keyword(column)
        if not energy or name in ("temp", "density"):
            return {"temp": "K", "density": "g/cm^3"}[name] if energy else ""
        return energy if name in _ENERGIES else pressure if name in _PRESSURES else ""


def _read(path: Path, folder: Path, seen: set[Path]) -> Iterator[str]:
    seen.add(path)
    text = read_bytes(path, MAX_TEXT).decode("utf-8", errors="replace")
    text = re.sub(r"&[ \t]*\r?\n", " ", text)
    lines = [line.partition("#")[0] for line in text.splitlines()]
    yield from lines
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] in ("include", "jump") and "$" not in words[1] and words[1] != "SELF":
            included = folder / words[1]
            if not included.is_file():
                raise ValueError(f"it includes {words[1]}, and there is no file {included}")
            if included not in seen:
                yield from _read(included, folder, seen)


def _value(text: str) -> Value:
    try:
        return float(text)
    except ValueError:
        return text.strip("\"'")
