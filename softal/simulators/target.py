"""What a mapping at `minimize` or `maximize` means to a simulator that has targets of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TargetContext:
    """What a simulator may know besides the mapping.

    Attributes:
        kind: of the simulator, as in the campaign file.
        settings: the simulator's, by name, with those that follow from the objective's earlier targets; only these
            where the file's are wrong.
        looked_in: folders in which a relative path is looked up, in this order: that of the campaign file, the one
            where softal was launched, the one where it runs.
    """

    kind: str
    settings: Mapping[str, Any]
    looked_in: tuple[Path, ...]

    def find(self, path: Path | str) -> Path:
        """Return the first folder of that path that there is, absolute; where it would be first if there is none."""
        there = (base / path for base in self.looked_in if _is_folder(base / path))
        return next(there, self.looked_in[0] / path).resolve()


@dataclass(frozen=True)
class Meaning:
    """What a target means.

    Attributes:
        value: the value of the simulator's observations that is minimized or maximized.
        settings: of the simulator that follow, as they would stand in the campaign file; they replace those there.
    """

    value: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False
