"""`softal launch` and `softal resume`: they run a campaign, and exit with its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from softal.about import command
from softal.commands.options import AsJson, Changes, Dashboard, Detach, File, Runs

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign


def launch(
    file: File,
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the campaign, instead of the file's.")] = None,
    changes: Changes = None,
    detach: Detach = False,
    dashboard: Dashboard = None,
    as_json: AsJson = False,
) -> None:
    """Run a campaign."""
    from softal.orchestrator.campaign import Campaign

    campaign = Campaign.from_yaml(file, runs=runs, name=name, changes=changes or ())
    if detach:
        campaign.refuse_existing()
        named = ["--name", name] if name else []
        changed = _shown_changes(changes)
        _detach(["launch", str(file.resolve()), "--runs", str(runs.resolve()), *named, *changed], dashboard, campaign)
        return
    _run(campaign, None, as_json=as_json)


def resume(
    folder: Annotated[Path, typer.Argument(help="The campaign's folder of state, or its file.")],
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="With a file: the name that it was launched with.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="New limit of trials.")] = None,
    hours: Annotated[float | None, typer.Option(min=0, help="New limit of hours.")] = None,
    target: Annotated[float | None, typer.Option(help="New target of the objective.")] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Another Ray than the file's cluster.address, for this and later sessions: HOST:PORT, "
            "ray://HOST:PORT, auto, or local for one that is started here."
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed trials again, at their points and with their seeds.")
    ] = False,
    accept_changes: Annotated[
        bool,
        typer.Option(
            "--accept-changes",
            help="Go on though files that it is made of have changed: losses are computed anew by changed references, "
            "and changed programs run new trials.",
        ),
    ] = False,
    changes: Changes = None,
    detach: Detach = False,
    dashboard: Dashboard = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a campaign that was stopped or interrupted, with changes, or with more budget."""
    from softal.orchestrator.campaign import Campaign

    file = folder.is_file()
    campaign = Campaign.from_yaml(folder, runs=runs, name=name) if file else Campaign.open(folder, own_code=True)
    more = {"trials": trials, "hours": hours, "target": target}
    if detach:
        options = [part for key, value in more.items() if value is not None for part in (f"--{key}", str(value))]
        options += ["--address", address] if address is not None else []
        options += ["--retry-failed"] * retry_failed + ["--accept-changes"] * accept_changes
        options += _shown_changes(changes)
        _detach(["resume", str(campaign.folder.resolve()), *options], dashboard, campaign)
        return
    going: dict[str, Any] = {"address": address, "retry_failed": retry_failed, "accept_changes": accept_changes}
    _run(campaign, going | {"changes": changes or ()}, as_json=as_json, **more)


def _shown_changes(changes: Sequence[str] | None) -> list[str]:
    """Return the options of a detached command, which everybody sees; CampaignStateError where one has a password."""
    from softal.errors import CampaignStateError
    from softal.passwords import redacted

    options = [part for change in changes or () for part in ("--set", change)]
    if any(redacted(option) != option for option in options):
        raise CampaignStateError(
            "with --detach, what --set gives is shown on Ray's dashboard: a password belongs in the campaign's file"
        )
    return options


class CampaignEnded(SystemExit):
    """A campaign has ended, with this exit code, whatever became of what was printed."""


def _run(
    campaign: Campaign,
    resume: Mapping[str, Any] | None,
    *,
    as_json: bool,
    **more: Any,
) -> None:
    """Run a campaign with a display, print what it found and exit with its code; `resume` is how it goes on, if so."""
    from softal.errors import CampaignFileError, CampaignStateError, JournalError, SoftalError
    from softal.orchestrator.campaign import Silent
    from softal.terminal.console import Display, relative
    from softal.terminal.output import Terminal, harmless, print_json
    from softal.terminal.sessions import announce, summarize
    from softal.tracking.database import DATABASE

    go: Any = campaign.launch if resume is None else partial(campaign.resume, **resume, **more)
    try:
        if as_json:
            ending = go(Silent())
            print_json(campaign.status().to_json() | {"report": str(ending.report) if ending.report else None})
            raise CampaignEnded(ending.exit_code)
        out = Terminal()
        shown = campaign.with_changes(resume["changes"]) if resume else campaign
        with Display(out, shown.spec.space, shown.budget_with(**more)) as display:
            ending = go(display, announce=harmless(partial(announce, out, campaign, resume is not None)))
    except (CampaignFileError, CampaignStateError, JournalError):
        raise  # nothing was started, or the text says what to do
    except SoftalError as error:
        if not (campaign.folder / DATABASE).exists():
            raise  # nothing was started
        again = command("resume", relative(campaign.folder))
        raise SoftalError(f"{error}\nGo on with: {again}") from error
    harmless(summarize)(out, campaign, ending)
    raise CampaignEnded(ending.exit_code)


def _detach(arguments: list[str], dashboard: str | None, campaign: Campaign) -> None:
    from softal.orchestrator.cluster.submission import submit
    from softal.terminal.console import relative
    from softal.terminal.output import Terminal

    job, address = submit(arguments, dashboard)
    folder = relative(campaign.folder)
    out = Terminal()
    out.say(f"Submitted as Ray job {job} to {address}.")
    out.say(f"  how it stands  {command('status', folder)}")
    out.say(f"  its output     ray job logs --address {address} -f {job}")
    out.say(f"  stop it        ray job stop --address {address} {job}")
