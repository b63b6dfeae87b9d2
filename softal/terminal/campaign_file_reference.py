"""Writes the reference of the campaign file, `docs/campaign-file.md`, from the models that read it.

python -m softal.terminal.campaign_file_reference > docs/campaign-file.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from softal import simulators, strategies, surrogates
from softal.kinds.description import Row, rows_of
from softal.orchestrator.campaign_file.objective import MatchSettings
from softal.orchestrator.campaign_file.settings import (
    BudgetSettings,
    CampaignFile,
    ClusterSettings,
    TrackingSettings,
    WorkersSettings,
)
from softal.orchestrator.campaign_file.targets import TargetSettings
from softal.simulators import Outputs, Simulator
from softal.space.expressions import FUNCTIONS
from softal.space.parameters import Choice, Derived, Fixed, Integer, Real
from softal.terminal.catalogue import declared_by

HEAD = """\
# The campaign file

<!-- Made by `make docs` from the models that read the file; changes made here are lost. -->

A campaign is one YAML file. `softal validate FILE` checks it, `softal launch FILE` runs it. Every mistake is reported
at once, one line each, with its place (`space.sigma.low`), the value, and what is allowed; nothing starts before the
file is right.

```yaml
name: argon
simulator: {kind: argon, particles: 864}
space:
  epsilon: {low: 80, high: 160, unit: K}
  sigma: {low: 3.0, high: 3.8, unit: angstrom}
objective:
  match: {structure_factor: data/argon_yarnell_1973_sk.csv}
budget: {trials: 40}
strategy: bayesian
```
"""
NEEDED = """\
These are what most files have; `softal init FOLDER` writes one for a simulation of your own.
"""
READ = """\
All of them have defaults that serve most campaigns.
"""
SCALARS = """\
Paths are relative to the file's folder, where Python modules of your own are found, too. A duration is a number of
seconds, or text such as `45 s`, `10 min`, `1 h 30 min`; an amount of memory is a number of bytes, or text such as
`500 MB`, `2 GiB`. Scalars are read as YAML 1.2 has them: `1e-3` is a number, `off` and `yes` are text. Refused
are tags, keys that stand twice, and numbers that are not finite.
"""
SPACE = """\
A mapping of names to parameters. A name is one of Python's, and none of the functions below. Each parameter is one of
the following; every kind takes a `unit`, which is shown in tables and plots.
"""
CONSTRAINTS = """\
A list of inequalities with `<=` or `>=`. Every point that is proposed satisfies them. Each is of one of two kinds:

- linear in parameters with a linear scale: `2*x + y <= 3`, `0 <= x - y <= 1`;
- between products and powers of parameters on log scales, with positive numbers: `k2 <= 4*k1`, `k1*k2 <= 1e-12`,
  `1e-8 <= k2/k1**2 <= 4`, `sqrt(k1*k2) <= 1e-6`; these are linear in the logarithms.

Real and whole numbers may stand in both, and so may fixed numbers and what is derived from them in the same way. No
constraint holds a parameter with a linear scale beside one on a log scale: where that is wanted, the first gets
`log: true`, too.
"""
EXPRESSIONS = """\
Derived parameters and constraints are arithmetic: numbers, parameters, `+ - * / ** %`, parentheses, `pi`, and the
functions {functions}.
A derived parameter may be calculated from other derived ones.
"""
OBJECTIVE = """\
One or several of the following; several make a Pareto front, and `learn` stands alone.

| Key | Value | Meaning |
|---|---|---|
| `minimize` | name of a value, or a list of names | the smaller the better |
| `maximize` | name of a value, or a list of names | the larger the better |
| `match` | mapping of arrays to tables, and of values to targets | distance from [references](references.md) |
| `learn` | name of a value, or a list of names | a surrogate that is good everywhere; there is no best trial |
| `subject_to` | an inequality of a value, or a list of them | what the outcome must be, see below |

`minimize` and `maximize` also take a phase that a trained classifier knows, instead of a name or among the list:
`maximize: {phase: qc12, classifier: runs/hcss_phases}` is the value `P_qc12` of a simulator with the setting
`classifier`, which this sets. The classifier is the folder of the campaign that trained a `phase_classifier`, or of
that learner; a relative path is looked up beside the campaign file, then where softal runs. Your own simulators may
understand [mappings of their own](simulators.md#targets-of-its-own).

`match: {S_k: table.csv}` is short for `match: {S_k: {reference: table.csv}}`. Several arrays make one objective,
`mismatch`: the root of the weighted mean of their squared distances chi, which are recorded as the values
`chi_<array>`. Groups with names make several: `match: {R_chi: {g_SiO: a.csv, g_OO: b.csv}, neutron: {F_q: c.csv}}` has
the objectives `R_chi` and `neutron`. Each array takes:
"""
TARGETS = """\
Values with [targets](references.md#targets) stand beside arrays, or alone. `(value - target) / tolerance` is recorded
as `deviation_<value>`, and the objective is the root of the weighted mean of the squares of these and of
`chi / tolerance` of the arrays: 1 where each is at its tolerance. Each value takes:
"""
SUBJECT_TO = """\
`subject_to` bounds values that the simulator returns, beside `minimize`, `maximize` or `match`:

```yaml
objective:
  maximize: diffusion
  subject_to: [pressure <= 5 MPa, 0.7 < density <= 0.8, equilibrated == 1]
```

Each is one value between numbers, by `<=`, `<`, `>=`, `>`; `==` is for marks that are 0 or 1. A number may have a unit
where the simulator says that of the value. They are known only after a simulation (`constraints` are between
parameters, and are known before): a trial that violates one is done, teaches the models, and is shown as violating; but
it is neither the best nor on the Pareto front, and neither `target` nor `stagnation` of the budget counts it.
`bayesian` models each value as a Gaussian process with its error (a mark by a classifier) and multiplies its
acquisition functions by the probability that all hold; while no point is known where they probably do, that
probability alone is maximised, and the proposal's note says so. `cmaes` ranks trials that violate behind all others, by
how much they do, in units of each value's spread. `sobol`, `random`, `grid` and `table` take no notice.
"""
SIMULATOR = """\
A kind with its settings; your own `module:Class` (a `Simulator`) or `module:function` (point -> mapping of values); or
any executable by `command:`, which is the kind `command`.
"""
STRATEGY = "A kind with its settings, or just its name; also your own `module:Class`. `bayesian` if left out.\n"
LEARNER = """\
A kind with its settings, or just its name; also your own `module:Class`. None if left out.

It learns something else than the objective from what simulations return. A campaign may have a surrogate and a learner:
strategies and answers ask the surrogate, whoever wants phases or dynamics asks the learner. A learner's kind under
`surrogate:`, as files of the first version have it, means this learner and the surrogate `gp`.
"""
SURROGATE = "A kind with its settings, or just its name; also your own `module:Class`, or `none`. `auto` if left out.\n"


PARAMETERS: tuple[type[BaseModel], ...] = (Real, Integer, Choice, Fixed, Derived)
SECTIONS: dict[str, type[BaseModel]] = {
    "budget": BudgetSettings,
    "workers": WorkersSettings,
    "cluster": ClusterSettings,
    "tracking": TrackingSettings,
}


EVERYONE = ("name", "simulator", "space", "objective", "budget", "strategy")


def page() -> str:
    """Return the whole page; an error if one of the built-in kinds cannot be imported."""
    functions = ", ".join(f"`{name}`" for name in FUNCTIONS)
    rows = {row.key: row for row in rows_of(CampaignFile) if "." not in row.key}
    rare = [row for key, row in rows.items() if key not in EVERYONE]
    parts = [
        HEAD,
        _section("What everyone needs", NEEDED, table(map(_linked, (rows[key] for key in EVERYONE)))),
        _section("What some need", READ, table(map(_linked, rare)), SCALARS),
        _section("`space`", SPACE, *map(_parameter, PARAMETERS)),
        _section(
            "`objective`",
            OBJECTIVE,
            table(rows_of(MatchSettings)),
            TARGETS,
            table(rows_of(TargetSettings)),
            SUBJECT_TO,
        ),
        *(_settings(key) for key in ("budget", "workers")),
        _section("`simulator`", SIMULATOR, *_kinds(simulators.SIMULATORS, simulators.find)),
        _section("`strategy`", STRATEGY, *_kinds(strategies.STRATEGIES, strategies.find)),
        _section("`surrogate`", SURROGATE, *_kinds(surrogates.SURROGATES, surrogates.find)),
        _section("`learner`", LEARNER, *_kinds(surrogates.LEARNERS, surrogates.find_learner)),
        _section("`constraints`", CONSTRAINTS, EXPRESSIONS.format(functions=functions)),
        *(_settings(key) for key in ("cluster", "tracking")),
    ]
    return "\n".join(parts)


def table(rows: Iterable[Row]) -> str:
    """Return a Markdown table of settings."""
    lines = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    for row in rows:
        cells = (f"`{row.key}`", row.type, row.default, row.description)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else "It has no settings.\n"


def _linked(row: Row) -> Row:
    """Return a row that says where there is more of its key."""
    alone = row.key in ("name", "seed", "start_from")
    return row if alone else replace(row, description=f"{row.description} ([more](#{row.key}))")


def _settings(key: str) -> str:
    return _section(f"`{key}`", _summary(SECTIONS[key]), table(rows_of(SECTIONS[key])))


def _section(title: str, *parts: str) -> str:
    return "\n".join([f"## {title}\n", *(part for part in parts if part)])


def _parameter(model: type[BaseModel]) -> str:
    rows = [row for row in rows_of(model) if row.key != "unit"]
    return f"### {model.__name__}\n\n{_summary(model)}\n{table(rows)}"


def _kinds(kinds: Mapping[str, str], find: Callable[[str], Any]) -> list[str]:
    return [_kind(kind, find(kind)) for kind in kinds]


def _kind(kind: str, found: Any) -> str:
    more = _takes_and_returns(found) if issubclass(found, Simulator) else ""
    return f"### `{kind}`\n\n{_summary(found)}\n{more}{table(rows_of(found.Settings))}"


def _summary(documented: object) -> str:
    """Return the first paragraph of a docstring."""
    text = inspect.getdoc(documented) or ""
    return " ".join(text.split("\n\n")[0].split()) + "\n"


def _takes_and_returns(found: Any) -> str:
    lines = []
    parameters, outputs = declared_by(found)
    if isinstance(parameters, Mapping):
        lines += ["| Parameter | Meaning | Default |", "|---|---|---|"]
        for name, meaning in parameters.items():
            lines.append(f"| `{name}` | {meaning} | {found.defaults.get(name, 'required')} |")
        lines.append("")
    if isinstance(outputs, Outputs):
        for what, names in (("Values", outputs.values), ("Arrays", outputs.arrays)):
            lines.append(f"{what}: {', '.join(f'`{name}`' for name in sorted(names)) or 'none'}.\n")
    return "\n".join(lines) + "\n" if lines else ""


if __name__ == "__main__":
    sys.stdout.write(page())
