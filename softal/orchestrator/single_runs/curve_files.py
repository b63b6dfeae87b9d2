"""Writes simulated curves as tables, in whose header stands how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from softal.errors import CampaignStateError, SpaceError
from softal.kinds.validation import unknown
from softal.orchestrator.single_runs.experiment import Experiment
from softal.orchestrator.single_runs.simulate import same_grid
from softal.references.units import canonical, dimension
from softal.trial import Array

ABSCISSAS = {
    "length": "r", "reduced length": "r", "inverse length": "k", "reduced inverse length": "k", "angle": "angle",
    "time": "t", "reduced time": "t",
}  # fmt: skip


def check_target(path: Path) -> None:
    """Raise CampaignStateError where a file cannot be written, before anything is simulated."""
    if path.suffix.lower() != ".csv":
        raise CampaignStateError(f"--out {path} is given; a name that ends in .csv is allowed")
    if path.exists() or path.is_symlink():
        raise CampaignStateError(f"--out {path} is there already; remove it, or choose another name")
    if not path.resolve().parent.is_dir():
        raise CampaignStateError(f"--out {path}: there is no folder {path.resolve().parent}")


def check_names(names: Sequence[str], known: frozenset[str]) -> None:
    """Raise SpaceError for an array that the simulator does not return."""
    for name in names:
        if name not in known:
            raise SpaceError(f"--arrays: {unknown(name, known, 'array of the simulator')}")


def write_curves(
    path: Path, arrays: Mapping[str, Array], experiment: Experiment, command: str, names: Sequence[str] = ()
) -> list[Path]:
    """Write arrays with their errors as CSV: `r_angstrom,g_SiO,g_OO,g_SiO_error,g_OO_error`.

    Arrays on one grid share a table. The first table is `path`; of further grids, each has one beside it, with the name
    of its first array added.

    Args:
        path: of the first table.
        arrays: by name; those without a grid are left out.
        experiment: how they were made, for the header.
        command: that made them, likewise.
        names: which arrays, in their order; empty is all.

    Returns:
        The files.

    Raises:
        SpaceError: if there is no such array, or none on a grid.
        CampaignStateError: if a file cannot be written.
    """
    check_names(names, frozenset(arrays))
    chosen = {name: arrays[name] for name in names or arrays if arrays[name].grid is not None}
    if not chosen:
        raise SpaceError(
            f"no array on a grid was returned to be written; arrays returned: {', '.join(arrays) or 'none'}"
        )
    written: list[Path] = []
    for group in _groups(chosen):
        target = path if not written else path.with_name(f"{path.stem}_{group[0]}{path.suffix}")
        try:
            # "x": a file that is there already stays.
            with target.open("x", encoding="utf-8") as stream:
                stream.write(_table({name: chosen[name] for name in group}, experiment, command))
        except OSError as error:
            raise CampaignStateError(f"{target} cannot be written: {error}") from error
        written.append(target)
    return written


def _groups(arrays: Mapping[str, Array]) -> list[list[str]]:
    """Return the names of the arrays that lie on the same grid."""
    groups: list[list[str]] = []
    for name, array in arrays.items():
        group = next((group for group in groups if same_grid(array, arrays[group[0]])), None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return groups


def _table(arrays: Mapping[str, Array], experiment: Experiment, command: str) -> str:
    first = next(iter(arrays.values()))
    assert first.grid is not None
    columns = {grid_column(first.grid_unit): first.grid, **{name: array.values for name, array in arrays.items()}}
    columns |= {f"{name}_error": array.errors for name, array in arrays.items() if array.errors is not None}
    rows = zip(*columns.values(), strict=True)
    lines = [*(f"# {line}" for line in _header(arrays, experiment, command)), ",".join(columns)]
    return "\n".join(lines + [",".join(f"{cell:.7g}" for cell in row) for row in rows]) + "\n"


def _header(arrays: Mapping[str, Array], experiment: Experiment, command: str) -> list[str]:
    first = next(iter(arrays.values()))
    seeds, runs = experiment.seeds, len(experiment.seeds)
    errors = "standard errors from the scatter between the runs" if runs > 1 else "those of the run itself"
    units = {array.unit for array in arrays.values()}
    stated = f"{canonical(first.grid_unit) or '1'}, {units.pop() or '1'}" if len(units) == 1 else ""
    return [
        f"Synthetic: simulated by softal {version('softal')}, {datetime.now(UTC):%Y-%m-%d}; not measured.",
        f"command: {command}",
        f"simulator: {experiment.kind} {json.dumps(experiment.settings)}",
        f"point: {json.dumps(experiment.point)}",
        f"fidelity: {experiment.fidelity:g}; runs: {runs}, seeds {seeds[0]} to {seeds[-1]}, averaged; errors: {errors}",
        *([f"units: {stated}"] if stated else []),
    ]


def grid_column(unit: str) -> str:
    """Return the name of a column with a grid in this unit, from which a reader knows the unit: `r_angstrom`."""
    known = dimension(unit)
    word = canonical(unit).replace("1/", "inv_").replace("^", "")
    return f"{ABSCISSAS.get(known, 'grid')}_{word}" if known and known != "no dimension" else "grid"
