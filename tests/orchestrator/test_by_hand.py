"""What people do in a campaign's folder by hand: files are removed, or are another campaign's."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import Driver, Listening
from patience import PATIENCE

from softal.errors import CampaignStateError, JournalError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.simulators.engines import shared_memory
from softal.temporary import PREFIX
from softal.trial import Trial, TrialState

Make = Callable[..., Campaign]


class Removes(Listening):
    """Removes the journal, or a file of it, when so many trials are finished."""

    def __init__(self, folder: Path, trials: int, what: str = "journal.sqlite*") -> None:
        super().__init__()
        self.folder, self.left, self.what, self.finished = folder, trials, what, 0

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        self.finished += 1
        if self.finished == self.left:
            for path in self.folder.glob(self.what):
                path.unlink()


@pytest.mark.learning
def test_a_journal_removed_while_a_campaign_runs_stops_it_and_loses_nothing(make_campaign: Make) -> None:
    campaign = make_campaign(
        surrogate="gp", budget={"trials": 60}, simulator={"kind": "simulations:Bowl", "seconds": 0.1}
    )
    listener = Removes(campaign.folder, 4)
    with pytest.raises(JournalError, match=r"journal\.sqlite was removed .* written back\. Go on with: softal resume "):
        campaign.launch(listener, executor=in_process)
    assert listener.finished < 30, "it was noticed at the next write"
    status = campaign.status()
    assert (status.state, status.running) == ("failed", 0)
    assert "was removed while its campaign ran" in status.reason
    done = {trial.id: trial for trial in campaign.list_trials() if trial.state is TrialState.DONE}
    assert len(done) == listener.finished
    assert Campaign.open(campaign.folder).resume(executor=in_process).state == "finished"
    trials = {trial.id: trial for trial in campaign.list_trials()}
    assert len(trials) == 60
    assert {number: trials[number] for number in done} == done, "a finished trial was run again"


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_a_file_beside_the_journal_that_is_removed_is_noticed_and_loses_nothing(make_campaign: Make, end: str) -> None:
    """SQLite goes on with the removed file, and whoever opens the journal meanwhile does not see what is in it."""
    seconds = {
        "kind": "simulations:Bowl",
        "seconds": 0.1,
    }  # so that the loop looks between trials, on a busy machine, too
    campaign = make_campaign(budget={"trials": 40}, simulator=seconds)
    listener = Removes(campaign.folder, 4, f"journal.sqlite{end}")
    with pytest.raises(JournalError, match=rf"journal\.sqlite{end} was removed .* back\. Go on with: softal resume "):
        campaign.launch(listener, executor=in_process)
    assert listener.finished < 20, "it was noticed at the next write"
    status = campaign.status()
    assert (status.state, status.running, status.done) == ("failed", 0, listener.finished)
    before = {trial.id: trial for trial in campaign.list_trials() if trial.state is TrialState.DONE}
    assert campaign.resume(executor=in_process).state == "finished"
    after = {trial.id: trial for trial in campaign.list_trials()}
    assert len(after) == 40
    assert {number: after[number] for number in before} == before, "a finished trial was run again"


@pytest.mark.learning
def test_another_campaigns_files_are_refused(make_campaign: Make) -> None:
    one, two = (make_campaign(name=name, surrogate="gp", budget={"trials": 6}) for name in ("one", "two"))
    for campaign in (one, two):
        campaign.launch(executor=in_process)
    assert one.surrogate.provenance["campaign_id"] == one.id != two.id
    shutil.rmtree(one.folder / "surrogate")
    shutil.copytree(two.folder / "surrogate", one.folder / "surrogate", symlinks=True)
    with pytest.raises(CampaignStateError, match=r"latest is of another campaign than journal\.sqlite beside it"):
        _ = one.surrogate
    assert one.latest_surrogate is None
    assert one.status().answer is not None, "the rest of the campaign is there"
    for path in two.folder.glob("journal.sqlite*"):
        path.unlink()
    before = sorted(two.folder.rglob("*"))
    with pytest.raises(CampaignStateError) as caught:
        two.launch(executor=in_process)
    assert str(caught.value) == (
        f"{two.folder} has files of a campaign whose journal.sqlite is gone (surrogate). Put that back and go on with "
        f"softal resume {two.folder}, move the folder away, or start another one beside it: "
        "softal launch FILE --name OTHER."
    )
    assert sorted(two.folder.rglob("*")) == before


@pytest.mark.parametrize(
    "left", ["journal.sqlite-wal", "journal.saved.sqlite", "arrays/000/000001.npz", "trials/000001/x"]
)
def test_each_kind_of_leftover_counts(make_campaign: Make, left: str) -> None:
    campaign = make_campaign()
    path = campaign.folder / left
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    with pytest.raises(CampaignStateError, match=rf"is gone \({left.partition('/')[0]}\)"):
        campaign.launch(executor=in_process)


def test_what_is_no_campaigns_is_no_leftover(make_campaign: Make) -> None:
    """A folder that was made for it, notes, what a driver leaves that was killed before its journal was complete."""
    campaign = make_campaign()
    (campaign.folder / "trials").mkdir(parents=True)
    for name in ("notes.txt", "lock", "journal.sqlite.new"):
        (campaign.folder / name).write_text("")
    assert campaign.launch(executor=in_process).state == "finished"


def test_the_next_start_removes_what_killed_processes_left(
    make_campaign: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    segment = shared_memory.FOLDER / f"mpich_shm_test{os.getpid():x}_0"
    left = tmp_path / f"{PREFIX}12-ab"
    left.mkdir()
    segment.write_bytes(b"")
    os.utime(segment, (time.time() - 3600,) * 2)
    assert make_campaign(budget={"trials": 1}).launch(executor=in_process).state == "finished"
    assert [path.exists() for path in (left, segment)] == [False, False]


@pytest.mark.long
@pytest.mark.ray
def test_neither_a_lock_nor_a_journal_that_is_removed_costs_a_trial(tmp_path: Path, ray_address: str) -> None:
    driver = Driver(tmp_path, seconds=0.1, trials=8, mlflow="'off'", grace=60, ray=ray_address)
    driver.let_run(2)
    process = driver.launch()
    driver.wait_for(2, process)
    (driver.state / "lock").unlink()
    code, output = driver.resume()
    assert code == 2
    assert "is in use by" in output
    for path in driver.state.glob("journal.sqlite*"):
        path.unlink()
    driver.wait_until((driver.state / "journal.sqlite").exists, process)  # what runs now is all that still runs
    driver.let_run(4)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "was removed while its campaign ran; what was in it was written back" in output
    assert "Traceback" not in output
    driver.let_run(8)
    code, output = driver.resume()
    assert code == 0, output
    counts = driver.runs()
    assert sorted(counts) == list(range(8))
    assert {counts[number] for number in range(4)} == {1}, "a finished trial was run again"
