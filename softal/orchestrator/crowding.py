"""Whether a campaign's simulations have the machine's CPUs for themselves: said in a line where they have not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.provenance import usable_cpus
from softal.tracking.database import DATABASE
from softal.tracking.journal import Journal
from softal.tracking.lock import in_use


def remarks(campaign: Campaign, slots: int, cpus: int | None = None) -> Iterator[str]:
    """Give a line where simulations want more CPUs than this machine has, and for each campaign that runs here, too.

    Args:
        campaign: that begins, with simulations on this machine.
        slots: how many of them at a time.
        cpus: of this machine; None is what this process may use.
    """
    cpus = usable_cpus() if cpus is None else cpus
    each = campaign.spec.workers.cpus
    own = slots * each
    if own > cpus:
        yield (
            f"{slots} simulations of {_cpus(each)} each want {own:g}, this machine has {cpus}: they share them, and "
            "each takes longer"
        )
    for other in running_beside(campaign.folder):
        theirs = other.spec.workers.concurrent * other.spec.workers.cpus
        yield f"{other.folder} runs on this machine, too: together they want {own + theirs:g} of its {_cpus(cpus)}"


def running_beside(folder: Path) -> Iterator[Campaign]:
    """Give the other campaigns in the same folder that run on this machine."""
    for database in sorted(folder.parent.glob(f"*/{DATABASE}")):
        other = database.parent
        if other.resolve() == folder.resolve() or not in_use(other):
            continue
        try:
            with Journal.open(other) as journal:
                host = journal.info.get("host")
            if host == os.uname().nodename:
                yield Campaign.open(other)
        except SoftalError:  # whatever is wrong with it is its own to say
            continue


def _cpus(count: float) -> str:
    return f"{count:g} CPU{'s' * (count != 1)}"
