"""The command line: parses, calls `softal.orchestrator`, prints. Libraries that are slow to import wait until used."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from softal.about import command
from softal.terminal.simulate import simulate

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign
    from softal.orchestrator.loop.session import Ending
    from softal.terminal.output import Terminal

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
OwnCode = Annotated[
    bool, typer.Option("--own-code", help="Import the campaign's own modules, for a surrogate or cards of its own.")
]
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
        out.print(f"wrote {path}", soft_wrap=True)
    out.print(f"Look at it, then: {command('launch', written[0])}", soft_wrap=True)


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
    from softal.terminal.remarks import hints

    batch = campaign.batch
    at_once = f", each of up to {batch} points at once" if batch > 1 else ""
    goals = ", ".join(spec.objective.goals)
    _say(
        _console(),
        (f"{file} is right.", "green"),
        f" {spec.name}: {goals}; {spec.space.dimension} free parameters ({', '.join(spec.space.names)}), "
        f"{spec.workers.concurrent} simulations at a time{at_once}.",
    )
    for line in hints(spec.space):
        _say(_console(), ("Note", "yellow"), f"  {line}")


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
    from softal.errors import CampaignStateError
    from softal.orchestrator.campaign import Campaign
    from softal.passwords import redacted

    campaign = Campaign.from_yaml(file, runs=runs, name=name, changes=changes or ())
    if detach:
        campaign.refuse_existing()
        named = ["--name", name] if name else []
        changed = [part for change in changes or () for part in ("--set", change)]
        if any(redacted(change) != change for change in changed):
            raise CampaignStateError(
                "with --detach, what --set gives is shown on Ray's dashboard: a password belongs in the campaign's file"
            )
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
    campaign = Campaign.from_yaml(folder, runs=runs, name=name) if file else _open(folder, own_code=True)
    more = {"trials": trials, "hours": hours, "target": target}
    if detach:
        options = [part for key, value in more.items() if value is not None for part in (f"--{key}", str(value))]
        options += ["--retry-failed"] * retry_failed
        _detach(["resume", str(campaign.folder.resolve()), *options], dashboard, campaign)
        return
    _run(campaign, resume=True, as_json=as_json, retry_failed=retry_failed, **more)


@app.command()
def status(folder: Folder, as_json: AsJson = False, own_code: OwnCode = False) -> None:
    """Show how a campaign stands."""
    from softal.answer import edges
    from softal.terminal.console import answer_text, duration, objective_text, point_text, show_mapping, show_warnings

    campaign = _open(folder, own_code)
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
        again = ["--retry-failed"] * (found.failed > 0 and not found.done)
        shown["go on with"] = command("resume", folder, *again)
    show_mapping(_console(), shown)
    if found.answer is not None:
        show_warnings(_console(), edges.warnings(campaign.spec.space, found.answer.edges))


@app.command()
def trials(
    folder: Folder,
    as_json: AsJson = False,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last so many.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    own_code: OwnCode = False,
) -> None:
    """List all trials."""
    from softal.terminal.console import show_parts, show_trials
    from softal.trial import TrialState

    campaign = _open(folder, own_code)
    found = [trial for trial in campaign.list_trials() if not failed or trial.state is TrialState.FAILED]
    found = found[-last:] if last else found
    if as_json:
        _print_json([trial.shown() for trial in found])
    else:
        objective = campaign.spec.objective
        show_trials(_console(), found, campaign.spec.space.names, objective.names, objective)
        show_parts(_console(), found, objective)


@app.command()
def best(folder: Folder, as_json: AsJson = False, own_code: OwnCode = False) -> None:
    """Show the answer: the best point with its error, or the Pareto front of several objectives."""
    from softal.errors import CampaignStateError
    from softal.orchestrator.summary import find_best
    from softal.terminal.console import show_finding, show_trials

    campaign = _open(folder, own_code)
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
    own_code: OwnCode = False,
) -> None:
    """Predict the objective at points of your choice, and curves where the campaign has a learner of them."""
    from softal.errors import SpaceError
    from softal.orchestrator.predictions import predict_points, predicts_curves, read_points, write_curves

    if arrays and out is None:
        raise SpaceError("--arrays is given without --out FILE")
    campaign = _open(folder, own_code)
    wanted = as_json or out is not None
    rows = predict_points(campaign, read_points(campaign.spec.space, at or [], points), curves=wanted)
    if out is not None:
        write_curves(out, rows, [name.strip() for name in arrays.split(",")] if arrays else None)
    if as_json:
        _print_json(rows)
        return
    from softal.terminal.console import show_predictions

    show_predictions(_console(), rows, out, more=predicts_curves(campaign))


app.command()(simulate)


@app.command()
def report(folder: Folder, own_code: OwnCode = False) -> None:
    """Write the report: one HTML page that needs nothing else."""
    from softal.terminal.console import relative

    print(relative(_open(folder, own_code).report()))


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

    serve_predictions(_open(folder, own_code=True), port, say=lambda text: _console().print(text, soft_wrap=True))


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
    """Run the command line; every error that softal knows is one message and an exit code, without a traceback.

    What cannot be printed changes nothing of what a campaign does, nor of its exit code. Other commands only print:
    where that does not work, they have failed; but not where their reader has left, as `head -1` does.
    """
    from softal.terminal import streams

    streams.secure()
    try:
        code = _code()
    except CampaignEnded as end:
        sys.exit(end.code)
    if code == FINISHED and (why := streams.lost()):
        _say_error(f"not all could be written to the standard output: {why}")
        code = FAILED
    sys.exit(code)


class CampaignEnded(SystemExit):
    """A campaign has ended, with this exit code, whatever became of what was printed."""


def _code() -> int | str | None:
    """Run the command line and return its exit code; CampaignEnded passes through."""
    from softal.errors import CampaignFileError, CampaignStateError, SoftalError, SpaceError

    try:
        app()
    except CampaignEnded:
        raise
    except SystemExit as end:
        return end.code or FINISHED
    except CampaignFileError as error:
        for problem in error.problems:
            _say_error(str(problem))
        return WRONG_USE
    except (CampaignStateError, SpaceError) as error:
        _say_error(str(error))
        return WRONG_USE
    except SoftalError as error:
        _say_error(str(error))
        return FAILED
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # a folder that is read-only, full, or not there
        from softal.reading import of_system

        _say_error(of_system(error))
        return FAILED
    return FINISHED


def _run(campaign: Campaign, *, resume: bool, as_json: bool, retry_failed: bool = False, **more: Any) -> None:
    """Run a campaign with a display, print what it found and exit with its code."""
    from softal.errors import CampaignFileError, CampaignStateError, JournalError, SoftalError
    from softal.orchestrator.campaign import Silent
    from softal.terminal.console import Display, relative
    from softal.terminal.output import harmless
    from softal.tracking.database import DATABASE

    go: Any = partial(campaign.resume, retry_failed=retry_failed, **more) if resume else campaign.launch
    try:
        if as_json:
            ending = go(Silent())
            _print_json(campaign.status().to_json() | {"report": str(ending.report) if ending.report else None})
            raise CampaignEnded(ending.exit_code)
        out = _console()
        with Display(out, campaign.spec.space, campaign.budget_with(**more)) as display:
            ending = go(
                display,
                announce=harmless(partial(_announce, out, campaign, resume)),
            )
    except (CampaignFileError, CampaignStateError, JournalError):
        raise  # nothing was started, or the text says what to do
    except SoftalError as error:
        if not (campaign.folder / DATABASE).exists():
            raise  # nothing was started
        again = command("resume", relative(campaign.folder))
        raise SoftalError(f"{error}\nGo on with: {again}") from error
    harmless(_summarize)(out, campaign, ending)
    raise CampaignEnded(ending.exit_code)


def _announce(out: Terminal, campaign: Campaign, resume: bool, dashboard: str | None, slots: int) -> None:
    from softal.orchestrator.cluster.probe import named
    from softal.terminal.console import relative
    from softal.terminal.remarks import hints

    spec, folder = campaign.spec, relative(campaign.folder)
    goals = ", ".join(spec.objective.goals)
    verb = "Resuming" if resume else "Launching"
    _say(out, f"{verb} ", (spec.name, "bold"), f": {goals} over {', '.join(spec.space.names)}")
    fewer = "" if slots == spec.workers.concurrent else f" (of {spec.workers.concurrent}: no more fit on this Ray)"
    _say(out, f"  workers    {slots}{fewer}")
    _say(out, f"  state      {folder}")
    if dashboard:
        _say(out, f"  dashboard  {dashboard}  (its token: ray get-auth-token)")
    elif named(campaign.spec.cluster.address) is None:  # Ray was started here
        _say(out, "  dashboard  none: Ray's did not come up; the machine may be too busy, or the port taken")
    _say(out, f"  MLflow     {command('ui', folder)}")
    for line in hints(spec.space):
        _say(out, ("Note", "yellow"), f"  {line}")


def _summarize(out: Terminal, campaign: Campaign, ending: Ending) -> None:
    """Print how the session ended, what was found and where to look."""
    from softal.orchestrator.summary import find_best
    from softal.terminal.console import duration, relative, show_finding, show_trials, status_text
    from softal.terminal.remarks import remarks, unconstrained

    found = campaign.status()
    folder = relative(campaign.folder)
    colour = {"finished": "green", "failed": "red"}.get(ending.state, "yellow")
    after = f", after {duration(found.active)}." if ending.state != "failed" else ""
    _say(out, (ending.state.capitalize(), colour), f": {ending.reason}{after}")
    _say(out, f"  {status_text(found)}")
    objective = campaign.spec.objective
    if unmet := campaign.unmet():
        _say(out, ("Best", "bold"), f"  {unmet}")
    elif not objective.single and not objective.learning:
        _say(out, ("Pareto front", "bold"))
        show_trials(out, campaign.pareto_front, campaign.spec.space.names, objective.names)
    else:
        with out.status("Looking for the optimum by the surrogate ...", spinner="line"):
            finding = find_best(campaign)
        if finding is not None:
            show_finding(out, finding, campaign.spec.space)
    version = (campaign.versions or [{}])[-1]
    with campaign.scored(unconstrained(objective)) as (_, scores):
        lines = list(remarks(campaign.spec.space, objective, scores, version))
    again = command("resume", folder)
    for line in lines:
        _say(out, ("Note", "yellow"), f"  {line}")
    if ending.report:
        _say(out, ("Report", "bold"), f"     {relative(ending.report)}")
    _say(out, ("MLflow", "bold"), f"     {command('ui', folder)}")
    _say(out, ("Dashboard", "bold"), "  Ray's, at the address above while a campaign runs")
    if ending.mirror_behind:
        _say(out, f"MLflow lacks {ending.mirror_behind} trials: when it answers, {again} mirrors them.")
    if ending.state not in ("finished", "failed"):  # the reason of a failure says what to do
        _say(out, ("Go on with", "bold"), f" {again}")


def _detach(arguments: list[str], dashboard: str | None, campaign: Campaign) -> None:
    from softal.orchestrator.cluster.submission import submit
    from softal.terminal.console import relative

    job, address = submit(arguments, dashboard)
    folder = relative(campaign.folder)
    out = _console()
    _say(out, f"Submitted as Ray job {job} to {address}.")
    _say(out, f"  how it stands  {command('status', folder)}")
    _say(out, f"  its output     ray job logs --address {address} -f {job}")
    _say(out, f"  stop it        ray job stop --address {address} {job}")


def _open(folder: Path, own_code: bool = False) -> Campaign:
    """Open a campaign to look at it; with its own code where it is to run, or where the user says so."""
    from softal.orchestrator.campaign import Campaign

    return Campaign.open(folder, own_code=own_code)


def _console(**options: Any) -> Terminal:
    from softal.terminal.output import Terminal

    return Terminal(**options)


def _say(out: Terminal, *parts: str | tuple[str, str]) -> None:
    """Print a line of parts, some of them with a style; whatever they hold is printed as it is."""
    from rich.text import Text

    out.print(Text.assemble(*parts), soft_wrap=True)


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, default=str))


def _say_error(text: str) -> None:
    _say(_console(stderr=True), (text, "red"))


if __name__ == "__main__":
    main()
