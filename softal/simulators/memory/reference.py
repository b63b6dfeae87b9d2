"""Relaxations whose memory functions are looked for: F_s of a species from a table, as `softal simulate` writes it.

Columns: the time first, then F_s_A and F_s_B, and their standard errors as F_s_A_error and F_s_B_error where they are
known.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from softal.errors import SoftalError
from softal.kinds.settings import Settings
from softal.reading import read_json, read_text
from softal.references.readers import Table, read_table
from softal.theory.kob_andersen import mct_temperature
from softal.theory.relaxation import Relaxation
from softal.trial import Array

_POINT = re.compile(r"^#\s*point:\s*(?P<point>\{.*\})\s*$", re.MULTILINE)
FREE_FLIGHT = 0.1  # [tau] until which particles of these mixtures move freely


class ReferenceSettings(Settings):
    """What both kinds of simulators of memory functions take."""

    species: Literal["A", "B"] = Field("A", description="whose F_s it is: of the columns F_s_A and F_s_B")
    t_min: float = Field(
        FREE_FLIGHT,
        ge=0,
        allow_inf_nan=False,
        description="first time that counts [tau]; before 0.1 particles move freely, which the overdamped memory "
        "equation follows only by a memory function that is negative there",
    )
    lasso: float = Field(1e-10, ge=0, allow_inf_nan=False, description="weight of (|c| + sum |w_i|) / rate in the loss")

    def relaxation(self, path: Path) -> Relaxation:
        """Return the part of a reference that counts; SoftalError, in one line, where it is no relaxation."""
        return read_relaxation(path, self.species).after(self.t_min)


def read_relaxation(path: Path, species: str) -> Relaxation:
    """Read F_s of a species from a table.

    Raises:
        SoftalError: naming the file, and the column, time or value that is wrong, and what is allowed.
    """
    try:
        table = read_table(path)
        name = f"F_s_{species}"
        F, errors = _column(table, name), _column(table, f"{name}_error", needed=False)
    except (OSError, ValueError) as error:
        raise SoftalError(f"{path}: {error}") from error
    return Relaxation(table.columns[0], table.columns[F], None if errors is None else table.columns[errors],
                      f"{path}: {name}")  # fmt: skip


def _column(table: Table, name: str, needed: bool = True) -> Any:
    found = next((i for i, label in enumerate(table.labels) if i > 0 and label == name), None)
    if found is None and needed:
        raise ValueError(f"it has no column {name!r}; its columns are {', '.join(table.labels) or 'not named'}")
    return found


def state_of(path: Path) -> dict[str, float]:
    """Return T and T/T_mct of the state point that a table's header names; nothing where it names none."""
    found = _POINT.search(read_text(path))
    try:
        point = read_json(found["point"]) if found else {}
        T = float(point["T"])
        T_mct = mct_temperature(point.get("interaction", "LJ"), float(point.get("rho", 1.2)))
    except (KeyError, TypeError, ValueError):
        return {}
    return {"T": T, "T_over_Tmct": T / T_mct}


def arrays(relaxation: Relaxation, F: Any, memory: Any) -> dict[str, Array]:
    """Return F_s (n,) and M (n,) beside the F_s that is looked for, on its times."""
    t, time = relaxation.t, {"grid_unit": "tau"}
    return {
        "F_s": Array.of(F, grid=t, **time),
        "memory": Array.of(memory, grid=t, unit="1/tau", **time),
        "F_s_reference": Array.of(relaxation.F, relaxation.errors, t, **time),
    }
