"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(help="The campaign's folder of state, such as runs/argon.")]
File = Annotated[Path, typer.Argument(help="The campaign file (YAML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder in which each campaign has its folder of state.")]
OwnCode = Annotated[
    bool, typer.Option("--own-code", help="Import the campaign's own modules, for a surrogate or cards of its own.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="A change to the file, such as strategy=bayesian or budget.trials=20. Repeat it."),
]
Detach = Annotated[bool, typer.Option("--detach", help="Submit it to a running Ray cluster as a job.")]
Dashboard = Annotated[str | None, typer.Option(help="With --detach: the cluster's dashboard address.")]
