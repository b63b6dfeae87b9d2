"""The command `softal simulate`: parses, calls `softal.orchestrator.single_runs.simulate`, prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from softal import about


def simulate(
    what: Annotated[str, typer.Argument(help="A campaign's file or folder, or a simulator's kind, such as silica.")],
    at: Annotated[str | None, typer.Option(help="The point, such as 'epsilon=120,sigma=3.4'.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the simulator: particles=375. Repeat it.")
    ] = None,
    fidelity: Annotated[float, typer.Option(help="Part of the full simulation's cost, in (0, 1].")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the first run; the others have the next ones.", min=0)] = 0,
    repeats: Annotated[int, typer.Option(help="Runs with different seeds, to be averaged.", min=1)] = 1,
    workers: Annotated[int, typer.Option(help="Runs at the same time.", min=1)] = 1,
    arrays: Annotated[str | None, typer.Option(help="With --out: which arrays, such as g_SiO,g_OO.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the arrays as a table (CSV).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Run a simulator outside any campaign, and write its curves."""
    from softal.errors import SpaceError
    from softal.orchestrator.single_runs.curve_files import check_names, check_target, write_curves
    from softal.orchestrator.single_runs.experiment import read_experiment
    from softal.orchestrator.single_runs.simulate import simulate as run

    if not 0 < fidelity <= 1:
        raise SpaceError(f"--fidelity {fidelity:g} is given; a number above 0 and up to 1 is allowed")
    names = [name.strip() for name in (arrays or "").split(",") if name.strip()]
    if names and out is None:
        raise SpaceError("--arrays is given without --out FILE")
    if out is not None:
        check_target(out)
    experiment = read_experiment(what, at, setting or [], fidelity=fidelity, seed=seed, repeats=repeats)
    outputs = experiment.simulator.build().outputs
    if outputs is not None:
        check_names(names, outputs.arrays)
    from softal.terminal.console import Runs, show_simulation
    from softal.terminal.output import Terminal

    with Runs(Terminal(stderr=True, quiet=as_json), repeats) as shown:
        result = run(experiment, workers, shown.done)
    command = about.command(*sys.argv[1:])
    files = write_curves(out, result.observation.arrays, experiment, command, names) if out else []
    if as_json:
        print(json.dumps(result.to_json(experiment) | {"files": [str(path) for path in files]}, indent=2))
        return
    show_simulation(Terminal(), experiment, result, files)
