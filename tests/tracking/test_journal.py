"""The journal keeps every trial through every death."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from softal.errors import CampaignStateError, JournalError
from softal.objective import minimize
from softal.tracking.journal import Journal
from softal.tracking.lock import in_use
from softal.tracking.tables import NEWER, VERSION
from softal.trial import USER, Array, Observation, Trial, TrialState


@pytest.fixture
def journal(tmp_path: Path):
    with Journal.create(tmp_path / "run", "name: test\n", {"name": "test", "state": "running"}) as opened:
        yield opened


def done(trial_id: int, **more) -> Trial:
    arrays = {"s_k": Array.of([1.0, 2.0], [0.1, 0.2], [0.5, 1.0], unit="", grid_unit="1/angstrom")}
    observation = Observation({"energy": -1.5}, {"energy": 0.1}, arrays, {"log": Path("stdout.txt")})
    return Trial(
        trial_id,
        {"x": 0.1 + 0.2, "n": 3, "phase": "fcc"},
        seed=7,
        state=TrialState.DONE,
        observation=observation,
        objective={"energy": -1.5},
        objective_errors={"energy": 0.1},
        notes={"generation": 2},
        proposed_by="cmaes",
        host="node",
        started=1.0,
        finished=2.0,
        **more,
    )


def test_trials_come_back_as_they_were_written(journal: Journal):
    (stored,) = journal.write([done(0)])
    read = journal.trial(0)
    assert read is not None
    assert replace(read, observation=None) == replace(stored, observation=None)
    assert read.point == {"x": 0.1 + 0.2, "n": 3, "phase": "fcc"}
    assert read.observation.values == {"energy": -1.5}
    for part in ("values", "errors", "grid"):
        np.testing.assert_array_equal(
            getattr(read.observation.arrays["s_k"], part), getattr(stored.observation.arrays["s_k"], part)
        )
    assert read.observation.arrays["s_k"].grid_unit == "1/angstrom"


@pytest.mark.parametrize("seconds", [0.01, 10.0])
def test_arrays_of_quick_trials_are_in_the_database(journal: Journal, seconds: float):
    arrays = {
        "curve": Array.of([1.0, 2.0, 4.0], [0.1, 0.2, 0.3], [0.0, 0.5, 1.0], grid_unit="nm"),
        "column": Array.of(np.arange(6.0).reshape(2, 3)[:, 1]),  # not contiguous
        "number": Array.of(3.0),
        "nothing": Array.of([]),
    }
    trial = replace(done(7), finished=1.0 + seconds, observation=Observation({"energy": 1.0}, {}, arrays))
    journal.write([trial])
    assert any(journal.folder.glob("arrays/*/*.npz")) == (seconds > 1)
    for found in (journal.arrays(7), next(journal.told(0, journal.seq, arrays=True)).observation.arrays):
        assert found.keys() == arrays.keys()
        assert found["curve"].grid_unit == "nm"
        for name, array in arrays.items():
            assert found[name].values.shape == array.values.shape
            np.testing.assert_array_equal(found[name].values, array.values)
            assert (found[name].errors is None, found[name].grid is None) == (array.errors is None, array.grid is None)
        np.testing.assert_array_equal(found["curve"].errors, [0.1, 0.2, 0.3])
        np.testing.assert_array_equal(found["curve"].grid, [0.0, 0.5, 1.0])


def test_large_arrays_of_quick_trials_are_files(journal: Journal):
    large = {"image": Array.of(np.zeros((400, 400)))}
    journal.write([replace(done(0), finished=1.01, observation=Observation({"energy": 1.0}, {}, large))])
    assert [path.name for path in journal.folder.glob("arrays/*/*.npz")] == ["000000.npz"]
    assert journal.arrays(0)["image"].values.shape == (400, 400)


def test_a_journal_of_an_older_version_has_no_table_of_arrays(journal: Journal):
    journal.write([done(0)])
    _older(journal, 0, "DROP TABLE arrays; DROP TABLE steps")
    folder = journal.folder
    journal.close()
    with Journal.open(folder) as reader:
        assert reader.arrays(0).keys() == {"s_k"}
    next(folder.glob("arrays/*/*.npz")).unlink()
    with Journal.open(folder) as reader:
        assert reader.arrays(0) == {}
    with Journal.open(folder, read_only=False) as resumed:
        resumed.write([replace(done(1), finished=1.01)])
        assert resumed.arrays(1).keys() == {"s_k"}


def test_a_full_disk_leaves_nothing_open(journal: Journal):
    """What is written when there is room again is kept, and sequence numbers go on as if nothing had been tried."""
    journal.write([done(0)])
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(JournalError, match="full; make room, then go on with softal resume"):
        journal.write([done(number, reason="x" * 10_000) for number in range(1, 9)])
    journal._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert journal.seq == 1
    journal.set_info(state="stopped")
    with Journal.open(journal.folder) as reader:
        assert reader.info["state"] == "stopped"
        assert [trial.id for trial in reader.trials()] == [0]
    (again,) = journal.write([done(1)])
    assert again.told == 2


def test_an_error_in_the_middle_leaves_nothing_open(journal: Journal):
    with pytest.raises(sqlite3.Error):
        journal.write([done(0), replace(done(1), seed=object())])
    journal.set_info(state="stopped")
    with Journal.open(journal.folder) as reader:
        assert (reader.info["state"], reader.trials()) == ("stopped", [])


def test_a_journal_of_the_first_version_gets_what_it_lacks(journal: Journal):
    journal.write([done(0)])
    _older(journal, 0, "DROP TABLE steps; DROP TABLE versions")
    journal.close()
    old = journal.folder / "surrogate" / "versions.jsonl"
    old.parent.mkdir()
    old.write_text('{"version": 1, "trials": 5}\n{"version": 2, "trials": 9}\n{"version": 3, "tri')
    with Journal.open(journal.folder) as reader:
        assert reader.version == 0
        assert len(reader.trials()) == 1
        assert [record["trials"] for record in reader.versions()] == [5, 9]
    with Journal.open(journal.folder, read_only=False) as migrated:
        assert migrated.version == VERSION
        assert migrated._db.execute("SELECT count(*) FROM steps").fetchone() == (0,)
        assert len(migrated.trials()) == 1
        migrated.add_version({"version": 3, "trials": 12})
        old.unlink()
        assert [record["trials"] for record in migrated.versions()] == [5, 9, 12]
        assert [record["trials"] for record in migrated.versions(after=2)] == [12]


def test_a_journal_without_marks_of_trials_is_read_and_gets_them(journal: Journal):
    journal.write([done(0), done(1)])
    _older(journal, 1)
    folder = journal.folder
    journal.close()
    objective = minimize("energy")
    with Journal.open(folder) as reader:
        assert [(trial.dropped, trial.outside) for trial in reader.trials()] == [(None, False)] * 2
        assert len(reader.scores(objective)) == 2
    with Journal.open(folder, read_only=False) as migrated:
        assert migrated.version == VERSION
        dropped = replace(migrated.trials()[0], state=TrialState.DROPPED, dropped="wrong density")
        migrated.amend([dropped], changes=[])
        assert migrated.trials()[0] == dropped
        assert migrated.trial(0).observation.arrays.keys() == {"s_k"}, "arrays stay where they are"
        assert (len(migrated.scores(objective)), migrated.run) == (1, 2)


def _older(journal: Journal, version: int, statements: str = "") -> None:
    """Make the journal one of an older version."""
    marks = "; ".join(f"ALTER TABLE trials DROP COLUMN {column}" for column in NEWER)
    journal._db.executescript(f"{statements}; {marks}; PRAGMA user_version = {version}")


def test_proposals_that_never_began_are_taken_away_from_the_end_alone(journal: Journal):
    waiting = [Trial(i, done(i).point) for i in range(7)]
    waiting[2] = replace(waiting[2], attempts=1)  # it was interrupted
    waiting[4] = replace(waiting[4], proposed_by=USER)  # somebody asked for it
    journal.write([done(0), *waiting[1:]])
    assert journal.remove_newest([TrialState.PROPOSED]) == 2
    assert [trial.id for trial in journal.trials()] == [0, 1, 2, 3, 4]
    assert journal.seq == 7, "numbers of changes do not come again"


@pytest.mark.parametrize("read_only", [True, False])
def test_a_journal_of_a_newer_softal_is_refused(journal: Journal, read_only: bool):
    journal._db.execute(f"PRAGMA user_version = {VERSION + 1}")
    journal.close()
    with pytest.raises(CampaignStateError, match=r"newer softal.*version 3.*up to 2.*update softal"):
        Journal.open(journal.folder, read_only=read_only)
    assert not in_use(journal.folder)


def test_a_follower_sees_each_change_once(journal: Journal):
    follower = Journal.open(journal.folder)
    journal.write([Trial(0, {"x": 1.0}), Trial(1, {"x": 2.0})])
    changed, seq = follower.changes(0)
    assert [trial.id for trial in changed] == [0, 1]
    journal.write([done(0)])
    changed, last = follower.changes(seq)
    assert [(trial.id, trial.state) for trial in changed] == [(0, TrialState.DONE)]
    assert follower.changes(last) == ([], last)
    follower.close()


def test_told_gives_the_order_of_finishing_and_stays(journal: Journal):
    journal.write([Trial(0, {"x": 1.0}), Trial(1, {"x": 2.0})])
    (second,) = journal.write([done(1)])
    (first,) = journal.write([done(0)])
    assert second.told < first.told
    (again,) = journal.write([second])
    assert again.told == second.told
    assert [trial.id for trial in journal.told(0, journal.seq)] == [1, 0]
    assert [trial.id for trial in journal.told(second.told, journal.seq)] == [0]


def test_counts(journal: Journal):
    journal.write([Trial(0, {"x": 1.0}), done(1), replace(done(2), state=TrialState.FAILED, reason="blew up")])
    counts = journal.counts()
    assert (counts[TrialState.PROPOSED], counts[TrialState.DONE], counts[TrialState.FAILED]) == (1, 1, 1)
    assert journal.trials(TrialState.FAILED)[0].reason == "blew up"
    assert journal.trials(TrialState.FAILED)[0].observation is None


def test_a_second_writer_and_a_second_campaign_are_refused(journal: Journal):
    assert in_use(journal.folder)
    with pytest.raises(CampaignStateError, match=f"in use by process {os.getpid()}"):
        Journal.open(journal.folder, read_only=False)
    journal.close()
    assert not in_use(journal.folder)
    with pytest.raises(CampaignStateError, match="holds a campaign already"):
        Journal.create(journal.folder, "", {})


def test_no_campaign(tmp_path: Path):
    with pytest.raises(CampaignStateError, match="holds no campaign"):
        Journal.open(tmp_path)


def test_a_reader_cannot_write(journal: Journal):
    with Journal.open(journal.folder) as reader, pytest.raises(JournalError, match="readonly"):
        reader.set_info(state="done")


def test_a_foreign_reader_does_no_harm_after_a_sync(journal: Journal):
    journal.write([Trial(0, {"x": 1.0})])
    journal.sync()
    journal.write([Trial(1, {"x": 2.0})])
    query = f"import sqlite3; c = sqlite3.connect({str(journal.folder / 'journal.sqlite')!r}); "
    query += "print(c.execute('SELECT count(*) FROM trials').fetchone()[0]); c.close()"
    asked = subprocess.run([sys.executable, "-c", query], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "2"
    journal.write([Trial(2, {"x": 3.0})])
    with Journal.open(journal.folder) as reader:
        assert len(reader.trials()) == 3


WRITER = """
import sys
from pathlib import Path
from softal.tracking.journal import Journal
from softal.trial import Trial
journal = Journal.create(Path(sys.argv[1]), "", {"name": "killed"})
for i in range(10**9):
    journal.write([Trial(i, {"x": float(i)})])
    print(i, flush=True)
"""


@pytest.mark.parametrize("survive", [1, 50, 400])
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path, survive: int):
    folder = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True) as writer:
        acknowledged = [int(writer.stdout.readline()) for _ in range(survive)][-1]
        writer.send_signal(signal.SIGKILL)
    with Journal.open(folder, read_only=False) as journal:
        ids = [trial.id for trial in journal.trials()]
        assert ids[: acknowledged + 1] == list(range(acknowledged + 1))
        journal.write([Trial(len(ids), {"x": 0.0})])


# What people do by hand.


@pytest.fixture
def signed(tmp_path: Path):
    """A journal that knows its campaign's id, with a trial whose arrays are in a file."""
    with Journal.create(tmp_path / "run", "name: test\n", {"name": "test", "id": "a" * 32, "state": "running"}) as made:
        made.write([done(0)])
        yield made


def test_a_lock_file_that_is_removed_lets_nobody_else_in(signed: Journal):
    lock = signed.folder / "lock"
    lock.unlink()
    assert in_use(signed.folder)
    with pytest.raises(CampaignStateError, match="is in use by another process"):
        Journal.open(signed.folder, read_only=False)
    lock.unlink()  # the one that the refused one has made
    signed.sync()
    assert lock.read_text().splitlines()[0] == "a" * 32
    with pytest.raises(CampaignStateError, match=f"is in use by process {os.getpid()}"):
        Journal.open(signed.folder, read_only=False)
    assert signed.displaced is None
    signed.close()
    assert not in_use(signed.folder)
    Journal.open(signed.folder, read_only=False).close()


@pytest.mark.parametrize("removed", ["journal", "with its files", "folder"])
def test_a_journal_that_is_removed_while_it_is_written_loses_nothing(signed: Journal, removed: str):
    folder = signed.folder
    with Journal.open(folder) as reader:
        assert len(reader.trials()) == 1
        if removed == "folder":
            shutil.rmtree(folder)
        else:
            for path in folder.glob("journal.sqlite*" if removed == "with its files" else "journal.sqlite"):
                path.unlink()
        assert len(reader.trials()) == 1, "there is no other yet"
        signed.write([done(1)])
        signed.sync()
        assert [trial.id for trial in reader.trials()] == [0, 1], "who reads it follows"
    assert signed.displaced is not None
    assert "was removed while its campaign ran; what was in it was written back" in signed.displaced
    assert f"softal resume {folder}" in signed.displaced
    signed.set_info(state="failed")
    with pytest.raises(CampaignStateError, match="is in use by"):
        Journal.open(folder, read_only=False)
    signed.close()
    with Journal.open(folder, read_only=False) as again:
        assert [trial.id for trial in again.trials()] == [0, 1]
        assert (again.info["state"], again.info["id"]) == ("failed", "a" * 32)
        assert again._one("PRAGMA integrity_check") == "ok"


def test_a_journal_that_is_replaced_is_kept_beside_the_other(signed: Journal, tmp_path: Path):
    with Journal.create(tmp_path / "other", "name: other\n", {"name": "other", "id": "b" * 32}):
        pass
    with Journal.open(signed.folder) as reader:
        (tmp_path / "other" / "journal.sqlite").replace(signed.folder / "journal.sqlite")
        signed.write([done(1)])
        assert reader.info["name"] == "test", "it does not read another campaign's"
    assert signed.displaced is not None
    assert "what was in it is kept in journal.saved.sqlite" in signed.displaced
    signed.close()
    with Journal.open(signed.folder) as other:
        assert (other.info["name"], other.trials()) == ("other", [])
    (signed.folder / "journal.saved.sqlite").replace(signed.folder / "journal.sqlite")
    with Journal.open(signed.folder) as again:
        assert [trial.id for trial in again.trials()] == [0, 1]


def test_arrays_of_another_campaign_are_refused(signed: Journal, tmp_path: Path):
    with Journal.create(tmp_path / "other", "name: other\n", {"name": "other", "id": "b" * 32}) as other:
        other.write([done(0)])
        mine, foreign = (next(one.folder.glob("arrays/*/*.npz")) for one in (signed, other))
    assert signed.arrays(0).keys() == {"s_k"}
    shutil.copyfile(foreign, mine)
    with pytest.raises(JournalError, match=r"000000.npz is of another campaign \(b+\) than journal.sqlite beside it"):
        signed.trial(0)


def test_arrays_without_an_id_are_read(signed: Journal):
    path = next(signed.folder.glob("arrays/*/*.npz"))
    with np.load(path) as stored:
        parts = {name: stored[name] for name in stored if name != "campaign"}
        assert len(parts) == len(stored.files) - 1
    np.savez(path, **parts)
    assert signed.arrays(0).keys() == {"s_k"}


def test_another_working_folder_takes_nothing_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with Journal.create(Path("run"), "name: test\n", {"name": "test", "id": "a" * 32}) as made:
        monkeypatch.chdir("/")
        made.write([replace(done(0), finished=1.01)])
        made.sync()
        assert made.displaced is None
    assert not Path("/run/journal.sqlite").exists()
    assert (tmp_path / "run" / "lock").read_text() == "a" * 32 + "\n"
