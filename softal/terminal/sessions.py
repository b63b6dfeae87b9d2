"""What is printed when a campaign begins to run, and when it has ended."""

from __future__ import annotations

from softal.about import command
from softal.cards.text import duration
from softal.orchestrator import crowding
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.cluster.probe import named
from softal.orchestrator.loop.session import Ending
from softal.orchestrator.summary import find_best
from softal.terminal.console import relative, show_finding, show_trials, status_text
from softal.terminal.output import Terminal
from softal.terminal.remarks import hints, remarks, unconstrained


def announce(out: Terminal, campaign: Campaign, resume: bool, dashboard: str | None, slots: int) -> None:
    """Print what is run, and where to look meanwhile."""

    spec, folder = campaign.spec, relative(campaign.folder)
    here = named(spec.cluster.address) is None  # Ray was started here
    goals = ", ".join(spec.objective.goals)
    verb = "Resuming" if resume else "Launching"
    out.say(f"{verb} ", (spec.name, "bold"), f": {goals} over {', '.join(spec.space.names)}")
    fewer = "" if slots == spec.workers.concurrent else f" (of {spec.workers.concurrent}: no more fit on this Ray)"
    out.say(f"  workers    {slots}{fewer}")
    out.say(f"  state      {folder}")
    if dashboard:
        out.say(f"  dashboard  {dashboard}  (its token: ray get-auth-token)")
    elif here:
        out.say("  dashboard  none: Ray's did not come up; the machine may be too busy, or the port taken")
    out.say(f"  MLflow     {command('ui', folder)}")
    shared = crowding.remarks(campaign, slots) if here else ()
    for line in (*shared, *hints(spec.space, spec.objective, spec.built, spec.strategy.found, spec.budget.trials)):
        out.tell(("Note", "yellow"), f"  {line}")


def summarize(out: Terminal, campaign: Campaign, ending: Ending) -> None:
    """Print how the session ended, what was found and where to look."""

    found = campaign.status()
    folder = relative(campaign.folder)
    colour = {"finished": "green", "failed": "red"}.get(ending.state, "yellow")
    after = f", after {duration(found.active)}." if ending.state != "failed" else ""
    out.say((ending.state.capitalize(), colour), f": {ending.reason}{after}")
    out.say(f"  {status_text(found)}")
    objective = campaign.spec.objective
    if unmet := campaign.unmet():
        out.say(("Best", "bold"), f"  {unmet}")
    elif not objective.single and not objective.learning:
        out.say(("Pareto front", "bold"))
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
        out.say(("Note", "yellow"), f"  {line}")
    if ending.report:
        out.say(("Report", "bold"), f"     {relative(ending.report)}")
    out.say(("MLflow", "bold"), f"     {command('ui', folder)}")
    out.say(("Dashboard", "bold"), "  Ray's, at the address above while a campaign runs")
    if ending.mirror_behind:
        out.say(f"MLflow lacks {ending.mirror_behind} trials: when it answers, {again} mirrors them.")
    if ending.state not in ("finished", "failed"):  # the reason of a failure says what to do
        out.say(("Go on with", "bold"), f" {again}")
