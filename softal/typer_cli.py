"""The command line: parses, calls `softal.orchestrator`, prints. Libraries that are slow to import wait until used."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from softal.terminal.simulate import simulate

if TYPE_CHECKING:
    from rich.console import Console

    from softal.orchestrator.campaign import Campaign
    from softal.orchestrator.loop.session import Ending

app = typer.Typer(
    help="Active learning for soft-matter simulations: decide what to simulate next.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(help="The campaign's folder of state, such as runs/argon.")]
File = Annotated[Path, typer.Argument(help="The campaign file (YAML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder in which each campaign has its folder of state.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="A change to the file, such as strategy=bayesian or budget.trials=20. Repeat it."),
]

FINISHED, FAILED, WRONG_USE = 0, 1, 2


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write the example.")] = Path(),
    kind: Annotated[str, typer.Option(help="function: a Python function. command: any executable.")] = "function",
) -> None:
    """Write an example campaign, to be changed into your own."""
    from softal.terminal.examples import example_kinds, write_example

    if kind not in example_kinds():
        raise typer.BadParameter(f"{kind!r} is given; allowed are {', '.join(example_kinds())}", param_hint="--kind")
    written = write_example(kind, folder)
    out = _console()
    for path in written:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    out.print(f"Look at it, then: softal launch {written[0]}", markup=False, soft_wrap=True)


@app.command()
def validate(file: File, changes: Changes = None, as_json: AsJson = False) -> None:
    """Check a campaign file and say everything that is wrong with it."""
    from softal.errors import CampaignFileError, Problem
    from softal.orchestrator.campaign import Campaign

    campaign = Campaign.from_yaml(file, changes=changes or ())
    if problems := campaign.check():
        raise CampaignFileError([Problem("simulator", problem) for problem in problems])
    spec = campaign.spec
    if as_json:
        _print_json(
            {
                "file": str(file),
                "name": spec.name,
                "parameters": list(spec.space.names),
                "batch": campaign.batch,
                "problems": [],
            }
        )
        return
    from rich.markup import escape

    from softal.terminal.remarks import hints

    batch = campaign.batch
    at_once = f", each of up to {batch} points at once" if batch > 1 else ""
    goals = escape(", ".join(spec.objective.goals))
    _console().print(
        f"[green]{escape(str(file))} is right.[/green] {spec.name}: {goals}; {spec.space.dimension} free parameters "
        f"({', '.join(spec.space.names)}), {spec.workers.concurrent} simulations at a time{at_once}.",
        soft_wrap=True,
    )
    for line in hints(spec.space):
        _console().print(f"[yellow]Note[/yellow]  {escape(line)}", soft_wrap=True)


@app.command()
def launch(
    file: File,
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the campaign, instead of the file's.")] = None,
    changes: Changes = None,
    detach: Annotated[bool, typer.Option("--detach", help="Submit it to a running Ray cluster as a job.")] = False,
    dashboard: Annotated[str | None, typer.Option(help="With --detach: the cluster's dashboard address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a campaign."""
    from softal.orchestrator.campaign import Campaign

    campaign = Campaign.from_yaml(file, runs=runs, name=name, changes=changes or ())
    if detach:
        campaign.refuse_existing()
        named = ["--name", name] if name else []
        changed = [part for change in changes or () for part in ("--set", change)]
        _detach(["launch", str(file.resolve()), "--runs", str(runs.resolve()), *named, *changed], dashboard, campaign)
        return
    _run(campaign, resume=False, as_json=as_json)


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(help="The campaign's folder of state, or its file.")],
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="With a file: the name that it was launched with.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="New limit of trials.")] = None,
    hours: Annotated[float | None, typer.Option(min=0, help="New limit of hours.")] = None,
    target: Annotated[float | None, typer.Option(help="New target of the objective.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed trials again, at their points and with their seeds.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Submit it to a running Ray cluster as a job.")] = False,
    dashboard: Annotated[str | None, typer.Option(help="With --detach: the cluster's dashboard address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a campaign that was stopped or interrupted, or give a finished one more budget."""
    from softal.orchestrator.campaign import Campaign

    file = folder.is_file()
    campaign = Campaign.from_yaml(folder, runs=runs, name=name) if file else Campaign.open(folder)
    more = {"trials": trials, "hours": hours, "target": target}
    if detach:
        options = [part for key, value in more.items() if value is not None for part in (f"--{key}", str(value))]
        options += ["--retry-failed"] * retry_failed
        _detach(["resume", str(campaign.folder.resolve()), *options], dashboard, campaign)
        return
    _run(campaign, resume=True, as_json=as_json, retry_failed=retry_failed, **more)


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show how a campaign stands."""
    from softal.answer import edges
    from softal.terminal.console import answer_text, duration, objective_text, point_text, show_mapping, show_warnings

    campaign = _open(folder)
    found = campaign.status()
    if as_json:
        _print_json(found.to_json())
        return
    shown: dict[str, Any] = {
        "campaign": found.name,
        "state": found.state + (f" ({found.reason})" if found.reason else ""),
        "trials": f"{found.done} done, {found.running} running, {found.failed} failed, {found.waiting} waiting",
    }
    if found.best is not None:
        names = campaign.spec.space.names
        if found.answer is not None:
            shown["answer"] = answer_text(found.answer, campaign.spec.objective.names[0], names)
        shown["best trial"] = f"{objective_text(found.best)}  {point_text(found.best, names)}  (trial {found.best.id})"
    if found.utilisation is not None:
        shown["workers busy"] = f"{found.utilisation:.1%}"
        shown["trials per hour"] = f"{found.trials_per_hour:.1f}"
    shown["running time"] = duration(found.active)
    if found.state in ("stopped", "interrupted", "failed"):
        shown["go on with"] = f"softal resume {folder}" + " --retry-failed" * (found.failed > 0 and not found.done)
    show_mapping(_console(), shown)
    if found.answer is not None:
        show_warnings(_console(), edges.warnings(campaign.spec.space, found.answer.edges))


@app.command()
def trials(
    folder: Folder,
    as_json: AsJson = False,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last so many.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
) -> None:
    """List all trials."""
    from softal.terminal.console import show_parts, show_trials
    from softal.trial import TrialState

    campaign = _open(folder)
    found = [trial for trial in campaign.list_trials() if not failed or trial.state is TrialState.FAILED]
    found = found[-last:] if last else found
    if as_json:
        _print_json([trial.shown() for trial in found])
    else:
        objective = campaign.spec.objective
        show_trials(_console(), found, campaign.spec.space.names, objective.names, objective)
        show_parts(_console(), found, objective)


@app.command()
def best(folder: Folder, as_json: AsJson = False) -> None:
    """Show the answer: the best point with its error, or the Pareto front of several objectives."""
    from softal.errors import CampaignStateError
    from softal.orchestrator.summary import find_best
    from softal.terminal.console import show_finding, show_trials

    campaign = _open(folder)
    objective = campaign.spec.objective
    if objective.learning:
        raise CampaignStateError("this campaign learns everywhere: it has no best point; see softal predict")
    if not objective.single:
        front = campaign.pareto_front
        if not front and (unmet := campaign.unmet()):
            raise CampaignStateError(unmet)
        if as_json:
            _print_json([trial.shown() for trial in front])
        else:
            show_trials(_console(), front, campaign.spec.space.names, objective.names)
        return
    finding = find_best(campaign)
    if finding is None:
        raise CampaignStateError(campaign.unmet() or f"no trial of {folder} is done yet")
    if as_json:
        _print_json(finding.to_json())
    else:
        show_finding(_console(), finding, campaign.spec.space)


@app.command()
def predict(
    folder: Folder,
    at: Annotated[list[str] | None, typer.Option(help="A point, such as 'epsilon=120,sigma=3.4'. Repeat it.")] = None,
    points: Annotated[Path | None, typer.Option(help="A CSV or JSON file of points.")] = None,
    arrays: Annotated[str | None, typer.Option(help="With --out: which curves, such as density_p,density_n.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write predicted curves as a table (CSV).")] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the objective at points of your choice, and curves where the campaign has a learner of them."""
    from softal.errors import SpaceError
    from softal.orchestrator.predictions import predict_points, read_points, write_curves

    if arrays and out is None:
        raise SpaceError("--arrays is given without --out FILE")
    campaign = _open(folder)
    rows = predict_points(campaign, read_points(campaign.spec.space, at or [], points))
    if out is not None:
        write_curves(out, rows, [name.strip() for name in arrays.split(",")] if arrays else None)
    if as_json:
        _print_json(rows)
        return
    from softal.terminal.console import show_predictions

    show_predictions(_console(), rows, out)


app.command()(simulate)


@app.command()
def report(folder: Folder) -> None:
    """Write the report: one HTML page that needs nothing else."""
    from softal.terminal.console import relative

    typer.echo(relative(_open(folder).report()))


@app.command()
def ui(folder: Folder, port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 5000) -> None:
    """Open MLflow's UI on a campaign."""
    from softal.service.pages import serve_mlflow

    serve_mlflow(_open(folder), port, say=lambda text: _console().print(text, soft_wrap=True))


@app.command()
def serve(
    folder: Folder, port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=0, max=65535)] = 8080
) -> None:
    """Serve a page on which sliders move what is predicted, and which simulates, on this machine only."""
    from softal.service.pages import serve_predictions

    serve_predictions(_open(folder), port, say=lambda text: _console().print(text, soft_wrap=True))


@app.command()
def kinds(as_json: AsJson = False) -> None:
    """List every simulator, strategy and surrogate with its settings."""
    from softal.terminal.catalogue import catalogue, show_catalogue

    found = catalogue()
    if as_json:
        _print_json(found)
    else:
        show_catalogue(_console(), found)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say which engines, cores, GPUs and ports are found here."""
    from softal.terminal.doctor import examine, show_examination

    found = examine()
    if as_json:
        _print_json(found)
    else:
        show_examination(_console(), found)


def main() -> None:
    """Run the command line; every error that softal knows is one message and an exit code, without a traceback."""
    from softal.errors import CampaignFileError, CampaignStateError, SoftalError, SpaceError

    try:
        app()
    except CampaignFileError as error:
        for problem in error.problems:
            _say_error(str(problem))
        sys.exit(WRONG_USE)
    except (CampaignStateError, SpaceError) as error:
        _say_error(str(error))
        sys.exit(WRONG_USE)
    except SoftalError as error:
        _say_error(str(error))
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # a folder that is read-only, full, or not there
        from softal.reading import of_system

        _say_error(of_system(error))
        sys.exit(FAILED)


def _run(campaign: Campaign, *, resume: bool, as_json: bool, retry_failed: bool = False, **more: Any) -> None:
    """Run a campaign with a display, print what it found and exit with its code."""
    from rich.console import Console

    from softal.errors import CampaignFileError, CampaignStateError, JournalError, SoftalError
    from softal.orchestrator.campaign import Silent
    from softal.terminal.console import Display, relative

    go: Any = partial(campaign.resume, retry_failed=retry_failed, **more) if resume else campaign.launch
    try:
        if as_json:
            ending = go(Silent())
            _print_json(campaign.status().to_json() | {"report": str(ending.report) if ending.report else None})
            sys.exit(ending.exit_code)
        out = Console(highlight=False)
        with Display(out, campaign.spec.space, campaign.budget_with(**more)) as display:
            ending = go(
                display,
                announce=lambda address, slots: _announce(out, campaign, resume, address, slots),
            )
    except (CampaignFileError, CampaignStateError, JournalError):
        raise  # nothing was started, or the text says what to do
    except SoftalError as error:
        raise SoftalError(f"{error}\nGo on with: softal resume {relative(campaign.folder)}") from error
    _summarize(out, campaign, ending)
    sys.exit(ending.exit_code)


def _announce(out: Console, campaign: Campaign, resume: bool, dashboard: str | None, slots: int) -> None:
    from rich.markup import escape

    from softal.terminal.console import relative
    from softal.terminal.remarks import hints

    spec, folder = campaign.spec, relative(campaign.folder)
    goals = ", ".join(spec.objective.goals)
    verb = "Resuming" if resume else "Launching"
    out.print(f"{verb} [bold]{spec.name}[/bold]: {goals} over {', '.join(spec.space.names)}", soft_wrap=True)
    fewer = "" if slots == spec.workers.concurrent else f" (of {spec.workers.concurrent}: no more fit on this Ray)"
    out.print(f"  workers    {slots}{fewer}", soft_wrap=True)
    out.print(f"  state      {folder}", soft_wrap=True)
    if dashboard:
        out.print(f"  dashboard  {dashboard}  (its token: ray get-auth-token)", soft_wrap=True)
    elif campaign.spec.cluster.address is None and "RAY_ADDRESS" not in os.environ:  # Ray was started here
        out.print("  dashboard  none: Ray's did not come up in time, which happens on a busy machine", soft_wrap=True)
    out.print(f"  MLflow     softal ui {folder}", soft_wrap=True)
    for line in hints(spec.space):
        out.print(f"[yellow]Note[/yellow]  {escape(line)}", soft_wrap=True)


def _summarize(out: Console, campaign: Campaign, ending: Ending) -> None:
    """Print how the session ended, what was found and where to look."""
    from rich.markup import escape

    from softal.orchestrator.summary import find_best
    from softal.terminal.console import duration, relative, show_finding, show_trials, status_text
    from softal.terminal.remarks import remarks, unconstrained

    found = campaign.status()
    folder = relative(campaign.folder)
    colour = {"finished": "green", "failed": "red"}.get(ending.state, "yellow")
    how = f"[{colour}]{ending.state.capitalize()}[/{colour}]: {escape(ending.reason)}"
    out.print(f"{how}, after {duration(found.active)}." if ending.state != "failed" else how, soft_wrap=True)
    out.print(f"  {status_text(found)}", soft_wrap=True)
    objective = campaign.spec.objective
    if unmet := campaign.unmet():
        out.print(f"[bold]Best[/bold]  {escape(unmet)}", soft_wrap=True)
    elif not objective.single and not objective.learning:
        out.print("[bold]Pareto front[/bold]")
        show_trials(out, campaign.pareto_front, campaign.spec.space.names, objective.names)
    else:
        with out.status("Looking for the optimum by the surrogate ..."):
            finding = find_best(campaign)
        if finding is not None:
            show_finding(out, finding, campaign.spec.space)
    version = (campaign.versions or [{}])[-1]
    with campaign.scored(unconstrained(objective)) as (_, scores):
        lines = list(remarks(campaign.spec.space, objective, scores, version))
    for line in lines:
        out.print(f"[yellow]Note[/yellow]  {escape(line)}", soft_wrap=True)
    if ending.report:
        out.print(f"[bold]Report[/bold]     {relative(ending.report)}", soft_wrap=True)
    out.print(f"[bold]MLflow[/bold]     softal ui {folder}", soft_wrap=True)
    out.print("[bold]Dashboard[/bold]  Ray's, at the address above while a campaign runs", soft_wrap=True)
    if ending.mirror_behind:
        out.print(f"MLflow lacks {ending.mirror_behind} trials: when it answers, softal resume {folder} mirrors them.")
    if ending.state not in ("finished", "failed"):  # the reason of a failure says what to do
        out.print(f"[bold]Go on with[/bold] softal resume {folder}", soft_wrap=True)


def _detach(arguments: list[str], dashboard: str | None, campaign: Campaign) -> None:
    from softal.orchestrator.cluster.submission import submit
    from softal.terminal.console import relative

    job, address = submit(arguments, dashboard)
    folder = relative(campaign.folder)
    out = _console()
    out.print(f"Submitted as Ray job {job} to {address}.", soft_wrap=True)
    out.print(f"  how it stands  softal status {folder}", soft_wrap=True)
    out.print(f"  its output     ray job logs --address {address} -f {job}", soft_wrap=True)
    out.print(f"  stop it        ray job stop --address {address} {job}", soft_wrap=True)


def _open(folder: Path) -> Campaign:
    from softal.orchestrator.campaign import Campaign

    return Campaign.open(folder)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, indent=2, default=str))


def _say_error(text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text(text, style="red"), soft_wrap=True)


if __name__ == "__main__":
    main()
