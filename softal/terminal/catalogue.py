"""Every kind that can be named in a campaign file: built-in, or installed as a plug-in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from softal import simulators, strategies, surrogates
from softal.kinds import registry
from softal.kinds.description import rows_of
from softal.simulators.base import Outputs, Simulator

if TYPE_CHECKING:
    from rich.console import Console

SECTIONS: dict[str, tuple[Mapping[str, str], str, Callable[[str], Any]]] = {
    "simulators": (simulators.SIMULATORS, simulators.GROUP, simulators.find),
    "strategies": (strategies.STRATEGIES, strategies.GROUP, strategies.find),
    "surrogates": (surrogates.SURROGATES, surrogates.GROUP, surrogates.find),
    "learners": (surrogates.LEARNERS, surrogates.LEARNER_GROUP, surrogates.find_learner),
}
OWN = {
    "simulators": "or your own: module:function (point -> values), module:Class (a Simulator); any program by command",
    "strategies": "or your own: module:Class (a Strategy)",
    "surrogates": "or your own: module:Class (a Surrogate); none goes without",
    "learners": "or your own: module:Class (a Learner)",
}


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """Return section -> kinds, each `{kind, origin, target, summary, settings, parameters, values, arrays}`.

    Simulators have `batch`, too: how many points they evaluate at once; None where that needs settings.

    `settings` is a list of `{name, type, default, description}`; `parameters` a list of `{name, meaning, default}`, or
    None where anything goes; `values` and `arrays` are the names that a simulator declares, or None. A kind that cannot
    be imported has `error` instead of these.
    """
    return {
        section: [
            _entry(section, kind, target, "built-in" if kind in builtin else "plug-in", find)
            for kind, target in registry.names(builtin, group).items()
        ]
        for section, (builtin, group, find) in SECTIONS.items()
    }


def _entry(section: str, kind: str, target: str, origin: str, find: Callable[[str], Any]) -> dict[str, Any]:
    entry = {"kind": kind, "origin": origin, "target": target}
    try:
        found = find(kind)
        described = {"summary": _summary(found), "settings": _settings(found)}
        return entry | described | (_takes_and_returns(found) if section == "simulators" else {})
    except Exception as error:  # one broken plug-in must not hide the others
        return entry | {"error": str(error) or type(error).__name__}


def _summary(found: Any) -> str:
    return (inspect.getdoc(found) or "").split("\n")[0]


def _settings(found: Any) -> list[dict[str, str]]:
    return [
        {
            "name": row.key,
            "type": row.type.replace("`", ""),
            "default": row.default.replace("`", ""),
            "description": row.description.replace("`", ""),
        }
        for row in rows_of(found.Settings)
    ]


def declared_by(found: type[Simulator]) -> tuple[object, object]:
    """Return parameters and outputs; where they depend on settings, those of the default ones, if these suffice."""
    source = _source(found, "parameters", "outputs")
    return (None, None) if source is None else (source.parameters, source.outputs)


def _source(found: type[Simulator], *names: str) -> Any:
    """Return what has these attributes: the class, or a simulator with the default settings where they need some.

    None is where these do not suffice.
    """
    if not any(isinstance(_as_written(found, name), property) for name in names):
        return found
    try:
        return found()
    except Exception:  # a setting without a default, or a user's own class, which can raise anything
        return None


def _as_written(found: type, name: str) -> object:
    """Return a class attribute as it stands there, a property as a property."""
    return next((vars(base)[name] for base in found.__mro__ if name in vars(base)), None)


def _takes_and_returns(found: type[Simulator]) -> dict[str, Any]:
    """Return parameters and outputs; None where they are not declared."""
    parameters, outputs = declared_by(found)
    return {
        "parameters": [
            {"name": name, "meaning": meaning, "default": found.defaults.get(name)}
            for name, meaning in parameters.items()
        ]
        if isinstance(parameters, Mapping)
        else None,
        "values": sorted(outputs.values) if isinstance(outputs, Outputs) else None,
        "arrays": sorted(outputs.arrays) if isinstance(outputs, Outputs) else None,
        "batch": getattr(_source(found, "batch"), "batch", None),
    }


def show_catalogue(console: Console, found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Print the catalogue for people."""
    from rich.text import Text

    for section, entries in found.items():
        console.rule(Text(section.capitalize(), style="bold"), align="left")
        for entry in entries:
            _show_entry(console, entry)
        if section in OWN:
            console.print(Text(OWN[section], style="dim"))
        console.print()


def _default(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _show_entry(console: Console, entry: Mapping[str, Any]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    title = Text(entry["kind"], style="bold green")
    if entry["origin"] != "built-in":
        title.append(f"  plug-in {entry['target']}", style="dim")
    if "error" in entry:
        console.print(title.append("  not available", style="red"))
        console.print(Padding(Text(entry["error"], style="red"), (0, 0, 0, 2)))
        return
    console.print(title.append(f"  {entry['summary']}", style="not bold default"))
    rows = [(row["name"], row["type"], row["default"], row["description"]) for row in entry["settings"]]
    _show_rows(console, "settings", rows)
    taken = [
        (row["name"], "", "required" if row["default"] is None else _default(row["default"]), row["meaning"])
        for row in entry.get("parameters") or ()
    ]
    _show_rows(console, "parameters", taken)
    if (entry.get("batch") or 1) > 1:
        console.print(Padding(Text(f"up to {entry['batch']} points at once", style="dim"), (0, 0, 0, 2)))
    for what in ("values", "arrays"):
        if entry.get(what):
            console.print(Padding(Text.assemble((f"{what}  ", "dim"), ", ".join(entry[what])), (0, 0, 0, 2)))


def _show_rows(console: Console, title: str, rows: list[tuple[str, str, str, str]]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    console.print(Padding(Text(title, style="dim"), (0, 0, 0, 2)))
    table = Table(show_header=False, box=None, pad_edge=False)
    for style, share in (("bold", 2), ("cyan", 2), ("default", 2), ("default", 5)):
        table.add_column(style=style, overflow="fold", ratio=share)
    for name, kind, default, description in rows:
        shown = Text("required", style="yellow") if default == "required" else Text(default, style="dim")
        table.add_row(Text(name), Text(kind), shown, Text(description))
    console.print(Padding(table, (0, 0, 0, 4)))
