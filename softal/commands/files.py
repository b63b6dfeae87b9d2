"""`softal init` and `softal validate`: the campaign file, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softal.about import command
from softal.commands.options import AsJson, Changes, File


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write the example.")] = Path(),
    kind: Annotated[
        str, typer.Option(help="function: a Python function. command: any executable. by_hand: people do it.")
    ] = "function",
) -> None:
    """Write an example campaign, to be changed into your own."""
    from softal.terminal.examples import BY_HAND, example_kinds, write_example
    from softal.terminal.output import Terminal

    if kind not in example_kinds():
        raise typer.BadParameter(f"{kind!r} is given; allowed are {', '.join(example_kinds())}", param_hint="--kind")
    written = write_example(kind, folder)
    out = Terminal()
    for path in written:
        out.print(f"wrote {path}", soft_wrap=True)
    then = command("ask", written[0], "-n", "3") if kind == BY_HAND else command("launch", written[0])
    out.print(f"Look at it, then: {then}", soft_wrap=True)


def validate(file: File, changes: Changes = None, as_json: AsJson = False) -> None:
    """Check a campaign file and say everything that is wrong with it."""
    from softal.errors import CampaignFileError, Problem
    from softal.orchestrator.campaign import Campaign
    from softal.simulators.by_hand import ByHand
    from softal.terminal.output import Terminal, print_json

    campaign = Campaign.from_yaml(file, changes=changes or ())
    by_hand = isinstance(campaign.spec.built, ByHand)
    if problems := [] if by_hand else campaign.check():
        raise CampaignFileError([Problem("simulator", problem) for problem in problems])
    spec, given = campaign.spec, campaign.given()
    if as_json:
        print_json(
            {
                "file": str(file),
                "name": spec.name,
                "parameters": list(spec.space.names),
                "batch": campaign.batch,
                "given": sum(len(found.trials) for found in given.values()),
                "problems": [],
            }
        )
        return
    from softal.terminal.remarks import hints

    batch = campaign.batch
    at_once = f", each of up to {batch} points at once" if batch > 1 else ""
    goals = ", ".join(spec.objective.goals)
    dimension = f"{spec.space.dimension} free parameter{'s' * (spec.space.dimension != 1)}"
    how = "by hand" if by_hand else f"{spec.workers.concurrent} simulations at a time{at_once}"
    Terminal().tell(
        (f"{file} is right.", "green"),
        f" {spec.name}: {goals}; {dimension} ({', '.join(spec.space.names)}), {how}.",
    )
    for said, found in given.items():
        outside = f", {len(found.outside)} others are outside of its ranges" if found.outside else ""
        Terminal().tell(f"  it starts from {len(found.trials)} results of {said}{outside}")
    if by_hand:
        Terminal().say(f"  points to do: {command('ask', file)}")
    for line in hints(spec.space, spec.objective, spec.built, spec.strategy.found, spec.budget.trials):
        Terminal().tell(("Note", "yellow"), f"  {line}")
