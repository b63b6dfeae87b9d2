"""`softal status`, `trials`, `best`, `predict` and `report`: what a campaign has found, whether or not it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from softal.about import command
from softal.commands.options import AsJson, Folder, OwnCode


def status(folder: Folder, as_json: AsJson = False, own_code: OwnCode = False) -> None:
    """Show how a campaign stands."""
    from softal.answer import edges
    from softal.cards.text import duration, percent
    from softal.orchestrator.campaign import Campaign
    from softal.terminal.console import (
        answer_text,
        objective_text,
        point_text,
        show_changes,
        show_mapping,
        show_warnings,
    )
    from softal.terminal.output import Terminal, print_json
    from softal.tracking.standing import OPEN

    campaign = Campaign.open(folder, own_code=own_code)
    found = campaign.status()
    if as_json:
        print_json(found.to_json())
        return
    given = f" ({found.given} of them by user)" if found.given else ""
    dropped = f", {found.dropped} dropped" if found.dropped else ""
    shown: dict[str, Any] = {
        "campaign": found.name,
        "state": found.state + (f" ({found.reason})" if found.reason else ""),
        "trials": f"{found.done} done{given}, {found.running} running, {found.failed} failed, {found.waiting} waiting"
        + dropped,
    }
    if found.best is not None:
        names = campaign.spec.space.names
        if found.answer is not None:
            shown["answer"] = answer_text(found.answer, campaign.spec.objective.names[0], names)
        shown["best trial"] = f"{objective_text(found.best)}  {point_text(found.best, names)}  (trial {found.best.id})"
    if found.utilisation is not None:
        shown["workers busy"] = percent(found.utilisation)
        shown["trials per hour"] = f"{found.trials_per_hour:.1f}"
    if found.active:
        shown["running time"] = duration(found.active)
    if found.changed:
        shown["changed since launch"] = f"{', '.join(found.changed)}: softal resume says what to do"
    if found.state == OPEN:
        shown["go on with"] = command("ask", folder)
    elif found.state in ("stopped", "interrupted", "failed"):
        again = ["--retry-failed"] * (found.failed > 0 and not found.done)
        shown["go on with"] = command("resume", folder, *again)
    show_mapping(Terminal(), shown, commands=("go on with",))
    show_changes(Terminal(), found.changes)
    if found.answer is not None:
        show_warnings(Terminal(), edges.warnings(campaign.spec.space, found.answer.edges))


def trials(
    folder: Folder,
    as_json: AsJson = False,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last so many.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write them as a table (CSV); - is the standard output.")] = None,
    own_code: OwnCode = False,
) -> None:
    """List all trials."""
    from softal.orchestrator.campaign import Campaign
    from softal.orchestrator.trial_table import write_trials
    from softal.terminal.console import show_parts, show_trials
    from softal.terminal.output import Terminal, print_json
    from softal.trial import TrialState

    campaign = Campaign.open(folder, own_code=own_code)
    found = [trial for trial in campaign.list_trials() if not failed or trial.state is TrialState.FAILED]
    found = found[-last:] if last else found
    if csv is not None:
        write_trials(csv, found, campaign.spec.space)
    if as_json:
        print_json([trial.shown() for trial in found])
    elif csv is None:
        objective = campaign.spec.objective
        show_trials(Terminal(), found, campaign.spec.space.names, objective.names, objective)
        show_parts(Terminal(), found, objective)


def best(folder: Folder, as_json: AsJson = False, own_code: OwnCode = False) -> None:
    """Show the answer: the best point with its error, or the Pareto front of several objectives."""
    from softal.errors import CampaignStateError
    from softal.orchestrator.campaign import Campaign
    from softal.orchestrator.summary import find_best
    from softal.terminal.console import show_finding, show_trials
    from softal.terminal.output import Terminal, print_json

    campaign = Campaign.open(folder, own_code=own_code)
    objective = campaign.spec.objective
    if objective.learning:
        raise CampaignStateError("this campaign learns everywhere: it has no best point; see softal predict")
    if not objective.single:
        front = campaign.pareto_front
        if not front and (unmet := campaign.unmet()):
            raise CampaignStateError(unmet)
        if as_json:
            print_json([trial.shown() for trial in front])
        else:
            show_trials(Terminal(), front, campaign.spec.space.names, objective.names)
        return
    finding = find_best(campaign)
    if finding is None:
        raise CampaignStateError(campaign.unmet() or f"no trial of {folder} is done yet")
    if as_json:
        print_json(finding.to_json())
    else:
        show_finding(Terminal(), finding, campaign.spec.space)


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
    from softal.orchestrator.campaign import Campaign
    from softal.orchestrator.points import read_points
    from softal.orchestrator.predictions import predict_points, predicts_curves, write_curves
    from softal.terminal.output import Terminal, print_json

    if arrays and out is None:
        raise SpaceError("--arrays is given without --out FILE")
    campaign = Campaign.open(folder, own_code=own_code)
    wanted = as_json or out is not None
    rows = predict_points(campaign, read_points(campaign.spec.space, at or [], points), curves=wanted)
    if out is not None:
        write_curves(out, rows, [name.strip() for name in arrays.split(",")] if arrays else None)
    if as_json:
        print_json(rows)
        return
    from softal.terminal.console import show_predictions

    show_predictions(Terminal(), rows, out, more=predicts_curves(campaign))


def compare(
    folders: Annotated[list[Path], typer.Argument(help="The campaigns' folders of state, two or more.")],
    page: Annotated[Path, typer.Option(help="Where to write the page.")] = Path("comparison.html"),
    as_json: AsJson = False,
    own_code: OwnCode = False,
) -> None:
    """Show campaigns with one objective side by side: what each found, after how many trials, in what they differ."""
    from softal.orchestrator.campaign import Campaign
    from softal.orchestrator.comparison import compare as compared
    from softal.terminal.console import relative, show_table
    from softal.terminal.output import Terminal, print_json

    found = compared([Campaign.open(folder, own_code=own_code) for folder in folders])
    written = found.write(page)
    if as_json:
        print_json(found.rows())
        return
    out = Terminal()
    show_table(out, found.table())
    if found.differences:
        out.say(("In what they differ", "bold"))
        show_table(out, found.apart())
    out.say(("Page", "bold"), f"  {relative(written)}")


def report(folder: Folder, own_code: OwnCode = False) -> None:
    """Write the report: one HTML page that needs nothing else."""
    from softal.orchestrator.campaign import Campaign
    from softal.terminal.console import relative

    print(relative(Campaign.open(folder, own_code=own_code).report()))
