"""`softal ask` and `softal tell`: campaigns whose trials people do, without a launch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from softal.about import command
from softal.commands.options import AsJson, Changes, Folder, Runs

if TYPE_CHECKING:
    from softal.orchestrator.by_hand.asking import Asked
    from softal.orchestrator.by_hand.telling import Told
    from softal.orchestrator.campaign import Campaign
    from softal.orchestrator.status import Status
    from softal.terminal.output import Terminal
    from softal.trial import Trial


def ask(
    what: Annotated[Path, typer.Argument(help="A campaign's folder of state, or its file, which begins it.")],
    n: Annotated[int, typer.Option("-n", min=0, max=10_000, help="How many points; 0 shows what is not told yet.")] = 1,
    csv: Annotated[
        Path | None, typer.Option(help="Write them as a sheet (CSV) to be filled in, too; - is the standard output.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="New limit of trials.")] = None,
    hours: Annotated[float | None, typer.Option(min=0, help="New limit of hours.")] = None,
    target: Annotated[float | None, typer.Option(help="New target of the objective.")] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on where files that the campaign is made of have changed.")
    ] = False,
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="With a file: name of the campaign, instead of the file's.")] = None,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Ask a campaign for points whose experiments or simulations you do yourself; softal tell takes the results."""
    from softal.errors import CampaignStateError
    from softal.orchestrator.by_hand.sheet import columns, refuse_existing, write_sheet
    from softal.orchestrator.campaign import Campaign
    from softal.terminal.output import Terminal, print_json

    if csv is not None:
        refuse_existing(csv)
    if what.is_file():
        campaign = Campaign.from_yaml(what, runs=runs, name=name, changes=changes or ())
    else:
        campaign = Campaign.open(what, own_code=True)
    asked = campaign.ask(n, trials=trials, hours=hours, target=target, accept_changes=accept_changes)
    over = not (asked or asked.before) and asked.why is not None
    if over:
        campaign.catch_up()
    if n and not asked:
        raise CampaignStateError(f"there is nothing to do: {asked.why}{_how_on(campaign, asked, over=over)}")
    spec = campaign.spec
    if csv is not None:
        write_sheet(csv, asked.trials if n else asked.before, spec.space, columns(spec.objective, spec.built.outputs))
    if as_json:
        print_json(asked.to_json() | {"folder": str(campaign.folder)})
    elif csv is None or str(csv) != "-":
        _show_asked(Terminal(), campaign, asked, csv)


def _how_on(campaign: Campaign, asked: Asked, *, over: bool) -> str:
    from softal.terminal.console import relative

    if over:
        return f". With more budget: {command('ask', relative(campaign.folder), '--trials', 'N')}"
    return f" ({_numbers(asked.before)})" if asked.before else ""


def _show_asked(out: Terminal, campaign: Campaign, asked: Asked, csv: Path | None) -> None:
    from softal.orchestrator.by_hand.sheet import columns
    from softal.terminal.console import relative, show_points

    spec, folder = campaign.spec, relative(campaign.folder)
    if asked:
        show_points(out, asked.trials, spec.space)
    if asked.before:
        verb = "was" if len(asked.before) == 1 else "were"
        out.say(f"{_numbers(asked.before).capitalize()} {verb} asked for before and not told yet" + ":" * (not asked))
        if not asked:
            show_points(out, asked.before, spec.space)
    if asked.why is not None and asked:
        out.say(f"No more than these: {asked.why}.")
    if csv is not None:
        out.say(("Sheet", "bold"), f"  {csv}; fill it in, then: {command('tell', folder, csv)}")
        return
    for trial in (asked.trials or asked.before)[:1]:
        values = [f"{value}=NUMBER" for value in columns(spec.objective, spec.built.outputs)]
        out.say(("Tell results", "bold"), f"  {command('tell', folder, trial.id, *values)}")


def tell(
    folder: Folder,
    what: Annotated[str, typer.Argument(help="The number of a trial, or a sheet (CSV) of results.")],
    results: Annotated[
        list[str] | None,
        typer.Argument(help="Of one trial: density=0.76 density_error=0.01; T=312.5 where a parameter was another."),
    ] = None,
    failed: Annotated[str | None, typer.Option(help="There is no result; why.")] = None,
    correct: Annotated[bool, typer.Option("--correct", help="Replace what was told before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a campaign the results of trials that it was asked for; it learns from them."""
    from softal.orchestrator.campaign import Campaign, Silent
    from softal.terminal.console import Steps, relative
    from softal.terminal.output import Terminal, print_json

    campaign = Campaign.open(folder, own_code=True)
    told = _told(campaign, what, results or [], failed, correct)
    out = Terminal(quiet=as_json)
    _show_told(out, campaign, told)
    done = campaign.catch_up(Silent() if as_json else Steps(out)) if told.trials else None
    status = campaign.status()
    report = None if done is None or done.report is None else relative(done.report)
    if as_json:
        shown = {"trials": [trial.shown() for trial in told.trials], "known": list(told.known)}
        print_json(shown | {"state": status.state, "reason": status.reason, "report": report})
        return
    _show_standing(out, campaign, status, report)


def _told(campaign: Campaign, what: str, words: list[str], failed: str | None, correct: bool) -> Told:
    from softal.errors import SpaceError
    from softal.orchestrator.by_hand.sheet import read_words
    from softal.orchestrator.by_hand.telling import Told

    if not what.isdecimal():
        if words or failed is not None:
            raise SpaceError(f"{what!r} is given; the number of a trial is allowed before its results")
        return campaign.tell_sheet(what, correct=correct)
    spec = campaign.spec
    observation, at = read_words(words, spec.space, spec.objective, spec.built.outputs)
    results = observation if observation.values or failed is None else None
    return Told([campaign.tell(int(what), results, failed=failed, at=at, correct=correct)], [])


def _show_told(out: Terminal, campaign: Campaign, told: Told) -> None:
    from softal.terminal.console import objective_text

    best = campaign.best if campaign.spec.objective.single and not campaign.spec.objective.learning else None
    for trial in told.trials:
        what = f"failed: {trial.reason}" if trial.reason else objective_text(trial)
        out.say(f"Told trial {trial.id}: {what}", ", the best so far" if best and best.id == trial.id else "")
    if told.known:
        out.say(f"  {len(told.known)} were told before")
    if not told.trials:
        out.say("Nothing new is told.")


def _show_standing(out: Terminal, campaign: Campaign, status: Status, report: str | None) -> None:
    from softal.terminal.console import relative

    folder = relative(campaign.folder)
    if status.state == "open":
        left = f"{status.running} not told yet" if status.running else "none is under way"
        out.say(f"{status.done} done, {status.failed} failed, {left}. Ask for more: {command('ask', folder)}")
    else:
        out.say(f"{status.state.capitalize()}: {status.reason}. {command('best', folder)} shows the answer.")
    if report is not None:
        out.say(("Report", "bold"), f"  {report}")


def _numbers(trials: tuple[Trial, ...]) -> str:
    ids = ", ".join(str(trial.id) for trial in trials)
    return f"trial {ids}" if len(trials) == 1 else f"trials {ids}"
