"""Who shares a machine's CPUs is told so in a line when a campaign begins."""

from __future__ import annotations

import os
from collections.abc import Callable

from softal.orchestrator import crowding
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.trial import Trial

Make = Callable[..., Campaign]


def test_more_simulations_than_cpus_are_said(make_campaign: Make) -> None:
    campaign = make_campaign(workers={"concurrent": 4, "cpus": 2})
    assert list(crowding.remarks(campaign, 4, cpus=8)) == []
    assert list(crowding.remarks(campaign, 4, cpus=2)) == [
        "4 simulations of 2 CPUs each want 8, this machine has 2: they share them, and each takes longer"
    ]
    small = make_campaign(workers={"concurrent": 100, "cpus": 0.02})
    assert list(crowding.remarks(small, 100, cpus=2)) == []


def test_a_campaign_that_runs_beside_is_named_while_it_runs(make_campaign: Make) -> None:
    other, campaign = make_campaign(name="other"), make_campaign(workers={"concurrent": 1})
    said: list[list[str]] = []

    class Looking:
        def trial_finished(self, trial: Trial, improved: bool) -> None:
            said.append(list(crowding.remarks(campaign, 1, cpus=4)))

        def tick(self, status: object) -> None: ...

        def message(self, text: str) -> None: ...

    other.launch(Looking(), executor=in_process)
    assert said[0] == [f"{other.folder} runs on this machine, too: together they want 3 of its 4 CPUs"]
    assert list(crowding.remarks(campaign, 1, cpus=4)) == []
    assert list(crowding.remarks(other, 2, cpus=os.cpu_count())) == list(crowding.remarks(other, 2))
