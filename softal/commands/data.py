"""`softal add`, `repeat` and `drop`: results that a campaign is given, trials asked of it, and those that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from softal.about import command
from softal.commands.options import AsJson, Folder

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign

Given = Annotated[Path, typer.Argument(help="A table of results (CSV), or another campaign's folder of state.")]


def add(folder: Folder, results: Given, as_json: AsJson = False) -> None:
    """Give a campaign results that you have: it learns from them, and its budget stays as it is."""
    from softal.orchestrator.campaign import Campaign
    from softal.terminal.output import Terminal, plain, print_json

    campaign = Campaign.open(folder, own_code=True)
    added = campaign.add_results(results)
    if as_json:
        print_json(added.to_json())
        return
    out, given, new = Terminal(), added.given, len(added.trials)
    numbers = f" as {_numbers([trial.id for trial in added.trials])}" if new else ""
    out.say(f"Added {new} result{'s' * (new != 1)} to {folder}{numbers}, proposed by user.")
    if added.known:
        out.say(f"  {added.known} were there already")
    if given.unfinished:
        out.say(f"  {given.unfinished} left out: their trials are not done")
    if given.outside:
        out.say(f"  {len(given.outside)} left out, outside of the campaign's ranges, such as {plain(given.outside[0])}")
    if given.columns:
        out.say(f"  left out, since they are no numbers: the columns {plain(', '.join(given.columns))}")
    if new:
        out.say(f"The campaign learns from them when it goes on: {_going_on(campaign)}")


def repeat(
    folder: Folder,
    trial: Annotated[int, typer.Option(min=0, help="Number of the trial whose point is run again.")],
    times: Annotated[int, typer.Option("--times", "-n", min=1, max=10_000, help="How often.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Ask for more runs of a trial's point, each with a seed of its own: the answer's error falls with them."""
    from softal.orchestrator.campaign import Campaign
    from softal.terminal.output import Terminal, print_json

    campaign = Campaign.open(folder)
    asked = [one.id for one in campaign.repeat(trial, times)]
    if as_json:
        print_json({"trials": asked})
        return
    verb = "waits" if len(asked) == 1 else "wait"
    Terminal().say(f"{_numbers(asked).capitalize()} {verb} to run at the point of trial {trial}: {_going_on(campaign)}")


def _going_on(campaign: Campaign) -> str:
    """Return the command with which a campaign goes on."""
    from softal.simulators.by_hand import ByHand

    return command("ask" if isinstance(campaign.spec.built, ByHand) else "resume", campaign.folder)


def drop(
    folder: Folder,
    trials: Annotated[list[int], typer.Argument(min=0, help="Numbers of the trials.")],
    why: Annotated[str, typer.Option(help="Why they are wrong, for whoever looks at the campaign later.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Let dropped trials count again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Drop trials that are wrong: they stay to be seen, with the reason, and count for nothing."""
    from softal.orchestrator.campaign import Campaign
    from softal.terminal.output import Terminal, plain, print_json

    campaign = Campaign.open(folder, own_code=True)
    found = campaign.drop(*trials, why=why, undo=undo)
    learned = campaign.relearn()
    if as_json:
        shown = [{"id": one.id, "state": str(one.state), "dropped": one.dropped} for one in found]
        print_json({"trials": shown, "learned": learned})
        return
    out = Terminal()
    for one in found:
        out.say(f"Trial {one.id} is {one.state}" + (f": {plain(one.dropped)}" if one.dropped else ""))
    if learned:
        out.say(f"  learned anew   the {' and the '.join(learned)}")
    out.say(f"  what is found  {command('best', folder)}")
    out.say(f"  go on with     {command('resume', folder)}")


def _numbers(ids: list[int]) -> str:
    return f"trial {ids[0]}" if len(ids) == 1 else f"trials {ids[0]} to {ids[-1]}"
