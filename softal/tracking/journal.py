"""The journal: the durable record of a campaign, from which everything else can be rebuilt.

One SQLite database in WAL mode, `journal.sqlite`, with the arrays beside it as `arrays/<thousands>/<id>.npz`; those of
trials that take less time than a file are in the database. The loop alone writes it, holding a lock on the folder; any
number of readers on the same machine follow it. Every change of a trial's row gets the next sequence number, so a
reader that remembers the last one asks only for what is new.

A commit survives the death of the process at once, and the loss of power after `sync()`, which the loop calls every
second: a synced write for each trial would cost more than a short trial does.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from softal.about import SURROGATE
from softal.errors import CampaignStateError, JournalError, NoRoomForJournal
from softal.objective import Objective
from softal.objective.scores import Rows, Scores
from softal.reading import read_json, read_npz
from softal.tracking import displaced
from softal.tracking.lock import Lock, campaign_of, identity, in_use
from softal.tracking.sound import check_columns, check_info, guarded
from softal.trial import Array, Point, Trial, TrialState

__all__ = ["DATABASE", "Journal", "campaign_of", "in_use"]

T = TypeVar("T")

DATABASE = "journal.sqlite"
VERSION = 1  # of the tables, kept as SQLite's user_version; the first journals said nothing, which is 0
PARTS = ("values", "errors", "grid")  # of an array
COLUMNS = (
    "id", "seq", "state", "point", "seed", "fidelity", "proposed_by", "notes", "vals", "errors", "arrays", "artifacts",
    "objective", "objective_errors", "reason", "proposed", "started", "finished", "host", "attempts", "asked_after",
    "told",
)  # fmt: skip
NAMES = tuple("values" if column == "vals" else column for column in COLUMNS)  # as `Trial.to_json` has them
AS_JSON = ("point", "notes", "values", "errors", "arrays", "artifacts", "objective", "objective_errors")
CHUNK = 500  # rows that are read at once
ARRAYS = "CREATE TABLE IF NOT EXISTS arrays (id INTEGER PRIMARY KEY, content BLOB NOT NULL)"
STEPS = """
CREATE TABLE IF NOT EXISTS steps (trial INTEGER, step INTEGER, vals, errors, PRIMARY KEY (trial, step)) WITHOUT ROWID
"""  # intermediate results of trials, for which there is room
VERSIONS = (
    "CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY, record TEXT NOT NULL)"  # of surrogate, learner
)
ADD_VERSION = "INSERT OR REPLACE INTO versions VALUES (?, ?)"
OLD_VERSIONS = Path(SURROGATE) / "versions.jsonl"  # where the first journals had them
TABLES = (ARRAYS, STEPS, VERSIONS)  # that a journal of an older version may lack
OF = "campaign"  # in a file of arrays, the campaign's id; those of the first version have none
SCHEMA = f"""
CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE trials (id INTEGER PRIMARY KEY, {", ".join(COLUMNS[1:])});
{"; ".join(TABLES)};
PRAGMA user_version = {VERSION};
CREATE INDEX trials_seq ON trials (seq);
CREATE INDEX trials_told ON trials (told) WHERE told IS NOT NULL;
CREATE INDEX trials_state ON trials (state);
"""
SELECT = f"SELECT {', '.join(COLUMNS)} FROM trials"
READER_WAITS, WRITER_WAITS = 5.0, 60.0  # for another program that has locked the database [s]
SHORT = 0.1  # trials that take less than this [s] have their arrays in the database: a file takes several ms to sync
SMALL = 1_000_000  # bytes that a trial may have there
UPSERT = f"INSERT OR REPLACE INTO trials ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


class Journal:
    """The record of one campaign; open it with `create` or `open`.

    Attributes:
        folder: of the campaign.
        read_only: whether it was opened for reading.
        without_room: is told that the disk is full and waits; whether what was being written is to be tried again.
        displaced: what has happened where somebody took the file of a journal that is written away, or its lock; what
            was in it is kept, and can be written on.
    """

    def __init__(self, folder: Path, *, read_only: bool, lock: Lock | None = None) -> None:
        self.folder = folder
        self.read_only = read_only
        self._lock = lock
        self.displaced: str | None = None
        self._synced = True
        self._seq = 0
        self.without_room: Callable[[NoRoomForJournal], bool] = lambda error: False
        self._campaign: str | None = None
        self._connect(folder / DATABASE)

    def _connect(self, path: Path) -> None:
        self._path = path.absolute()  # whoever changes the working folder takes nothing away
        uri = f"{path.resolve().as_uri()}?mode={'ro' if self.read_only else 'rwc'}"
        wait = READER_WAITS if self.read_only else WRITER_WAITS
        self._db = sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None, check_same_thread=False)
        self._identity = identity(path)
        self._beside: displaced.Identities = (None, None)

    @classmethod
    def create(cls, folder: Path, text: str, info: Mapping[str, Any]) -> Journal:
        """Begin the journal of a new campaign.

        Args:
            folder: made here; must not hold a campaign yet.
            text: the campaign file.
            info: facts about the campaign, each JSON (`name`, `id`, `created`, `seed`, `versions` ...).

        Raises:
            CampaignStateError: if the folder holds a campaign already.
        """
        with guarded(folder / DATABASE):
            folder.mkdir(parents=True, exist_ok=True)
            lock = Lock(folder)
        if (folder / DATABASE).exists():
            lock.release()
            raise CampaignStateError(f"{folder} holds a campaign already")
        # The database gets its name only when it is complete: a driver killed while creating it leaves nothing behind.
        rows = [(key, json.dumps(value)) for key, value in {**info, "text": text}.items()]
        draft = folder / f"{DATABASE}.new"
        with guarded(folder / DATABASE):
            draft.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(draft)) as database:
                database.executescript(SCHEMA)
                database.executemany("INSERT INTO info VALUES (?, ?)", rows)
                database.commit()
            draft.rename(folder / DATABASE)
        journal = cls(folder, read_only=False, lock=lock)
        journal._prepare()
        return journal

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = True) -> Journal:
        """Open the journal in `folder`.

        One of an older softal gets the tables that it lacks when it is opened for writing.

        Raises:
            CampaignStateError: if there is none, if another process is writing it, or if a newer softal made it.
        """
        if not (folder / DATABASE).is_file():
            raise CampaignStateError(f"{folder} holds no campaign (no {DATABASE} in it)")
        with guarded(folder / DATABASE):
            journal = cls(folder, read_only=read_only, lock=None if read_only else Lock(folder))
        try:
            if (version := journal.version) > VERSION:
                known = f"its journal is of version {version}, and this softal knows up to {VERSION}"
                raise CampaignStateError(f"{folder} was made by a newer softal: {known}; update softal")
            if not read_only:
                journal._prepare()
        except BaseException:
            journal._abandon()
            raise
        return journal

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Make one error of softal's own, which says what to do, of whatever the database raises."""
        with guarded(self._shown):
            if self.read_only and identity(self._path) not in (None, self._identity):
                self._follow()
            yield

    @property
    def _shown(self) -> Path:
        """The database's path as people know it."""
        return self.folder / self._path.name

    def _follow(self) -> None:
        """Read the file that has come to have the journal's name, if it is this campaign's: it was written back."""
        self._identity = identity(self._path)
        campaign = self.campaign
        with contextlib.suppress(sqlite3.Error, ValueError):  # it is none
            if displaced.id_in(self._path) == campaign:
                self._connect(self._path)

    @property
    def campaign(self) -> str | None:
        """The campaign's id; None where the journal does not say."""
        if self._campaign is None:
            self._campaign = self._id()
        return self._campaign

    def _id(self) -> str | None:
        said = self._one("SELECT value FROM info WHERE key = 'id'")
        return None if said is None else str(read_json(said))

    def _keep(self) -> None:
        """Write the journal back where its file was taken away while we write it."""
        ours, now = identity(self._path) == self._identity, displaced.beside(self._path)
        taken = displaced.taken(self._beside, now) if ours else None
        if ours and taken is None:
            self._beside = now
            return
        path = displaced.write_back(self._db, self._path, self._beside, ours=ours)
        self.displaced = displaced.told(self._shown, path.name, taken)
        self._connect(path)
        self._set_up()

    @property
    def version(self) -> int:
        """The version of its tables."""
        with self._guarded():
            return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _prepare(self) -> None:
        with self._guarded():
            self._set_up()
            if self.version < VERSION:
                self._migrate()
            self._seq = int(self._one("SELECT max(seq) FROM trials") or 0)
            assert self._lock is not None
            self._lock.sign(str(self.info.get("id", "")))

    def _set_up(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._identity = identity(self._path)  # once it is open: on some file systems a first writer changes it

    def _one(self, query: str, values: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row; None where there is none."""
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]

    def _abandon(self) -> None:
        """Close a database that turned out not to be one."""
        if self._lock:
            self._lock.release()
            self._lock = None
        self._db.close()

    def _migrate(self) -> None:
        """Make what a journal of an older version lacks, all of it or nothing."""
        rows = [(record["version"], json.dumps(record)) for record in self.versions()]
        with self._transaction():
            for table in TABLES:
                self._db.execute(table)
            self._db.executemany(ADD_VERSION, rows)
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Close the database and give back the lock."""
        if self._lock:
            self.without_room = lambda error: False
            with contextlib.suppress(NoRoomForJournal):  # it is written already
                self.sync()
            self._lock.release()
            self._lock = None
        self._db.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What readers ask.

    @property
    def info(self) -> dict[str, Any]:
        """Facts about the campaign: `name`, `id`, `state`, `text` (the campaign file), `versions` ..."""
        with self._guarded():
            found = {key: read_json(value) for key, value in self._db.execute("SELECT key, value FROM info")}
            check_info(found)
            return found

    @property
    def seq(self) -> int:
        """The last sequence number."""
        if not self.read_only:
            return self._seq
        with self._guarded():
            return int(self._one("SELECT max(seq) FROM trials") or 0)

    @property
    def last_told(self) -> int:
        """The sequence number at which a trial finished last; 0 where none has."""
        with self._guarded():
            return int(self._one("SELECT max(told) FROM trials") or 0)

    def trials(self, *states: TrialState, arrays: bool = False) -> list[Trial]:
        """Return all trials, or those in `states`, in the order of their ids; with their arrays only if asked."""
        return list(self.read(*states, arrays=arrays))

    def read(self, *states: TrialState, arrays: bool = False) -> Iterator[Trial]:
        """Give the same trials one after the other: of many, only a few are in memory at a time."""
        where = f" WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._read(f"{SELECT}{where} ORDER BY id", [str(state) for state in states], arrays)

    def some(self, ids: Iterable[int]) -> list[Trial]:
        """Return the trials with these ids, in this order, without arrays; KeyError where there is no such trial."""
        wanted = list(ids)
        found = {trial.id: trial for part in self._among(wanted, SELECT) for trial in self._decoded(part)}
        return [found[i] for i in wanted]

    def points(self, ids: Iterable[int]) -> list[Point]:
        """Return the points of the trials with these ids, in this order; KeyError where there is no such trial."""
        wanted, found = list(ids), dict[int, Point]()
        for part in self._among(wanted, "SELECT id, point FROM trials"):
            with self._guarded():
                said = _loads([row[1] for row in part])
                check_columns({"point": said})
            found |= zip((row[0] for row in part), said, strict=True)
        return [found[i] for i in wanted]

    def _among(self, ids: Sequence[int], query: str) -> Iterator[list[Sequence[Any]]]:
        """Give the rows of these ids in parts."""
        for first in range(0, len(ids), CHUNK):
            part = ids[first : first + CHUNK]
            with self._guarded():
                rows = self._db.execute(f"{query} WHERE id IN ({', '.join('?' * len(part))})", part).fetchall()
            yield rows

    def latest(self, state: TrialState, count: int) -> list[Trial]:
        """Return the trials in a state with the highest ids, at most so many, in the order of their ids."""
        query = f"{SELECT} WHERE state = ? ORDER BY id DESC LIMIT ?"
        return list(self._read(query, (str(state), count)))[::-1]

    def trial(self, trial_id: int) -> Trial | None:
        """Return one trial with its arrays."""
        return next(self._read(f"{SELECT} WHERE id = ?", (trial_id,), arrays=True), None)

    def changes(self, since: int, limit: int = 1000) -> tuple[list[Trial], int]:
        """Return the trials that changed after `since`, oldest change first, and the last sequence number seen."""
        with self._guarded():
            rows = self._db.execute(f"{SELECT} WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit)).fetchall()
        return self._decoded(rows), rows[-1][1] if rows else since

    def told(self, after: int, upto: int, *, arrays: bool = False) -> Iterator[Trial]:
        """Give the trials that finished with sequence numbers in (after, upto], in that order."""
        return self._read(f"{SELECT} WHERE told > ? AND told <= ? ORDER BY told", (after, upto), arrays)

    def _read(self, query: str, values: Sequence[Any], arrays: bool = False) -> Iterator[Trial]:
        with self._guarded():
            rows = self._db.execute(query, values)
        while some := self._some_of(rows):
            yield from self._decoded(some, arrays)

    def _some_of(self, rows: sqlite3.Cursor) -> list[Any]:
        with self._guarded():
            return rows.fetchmany(CHUNK)

    def _decoded(self, rows: Sequence[Sequence[Any]], arrays: bool = False) -> list[Trial]:
        """Return the trials of rows.

        Each column of JSON is read as one text, which is faster, and shares its names. Columns that say the same share
        what they say, and those that say nothing one empty mapping: they are a third of what many trials hold.
        """
        with self._guarded():
            columns: dict[str, Sequence[Any]] = dict(zip(NAMES, zip(*rows, strict=True), strict=True)) if rows else {}
            texts = {columns[name] for name in AS_JSON} if rows else ()
            said: dict[Any, Sequence[Any]] = {
                column: _loads(column) if any(column) else [{}] * len(rows) for column in texts
            }
            columns |= {name: said[columns[name]] for name in AS_JSON if rows}
            columns.pop("seq", None)
            check_columns(columns)
            records = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
            return [Trial.from_json(record, self.arrays(record["id"]) if arrays else None) for record in records]

    def scores(self, objective: Objective) -> Scores:
        """Return the results of all trials that count as arrays."""
        names = ("id", "point", "fidelity", "objective", "objective_errors", *(["vals"] if objective.outcomes else []))
        shown = ["values" if name == "vals" else name for name in names]

        def found() -> Iterator[Rows]:
            rows = self._db.execute(f"SELECT {', '.join(names)} FROM trials WHERE state = 'done' ORDER BY id")
            while some := rows.fetchmany(CHUNK):
                columns: dict[str, Any] = dict(zip(shown, zip(*some, strict=True), strict=True))
                columns |= {name: _loads(columns[name]) for name in shown if name in AS_JSON}
                check_columns(columns)
                parts = [columns[name] for name in shown]
                yield Rows(*parts, *([] if objective.outcomes else [[{}] * len(some)]))

        with self._guarded():
            return Scores.read(objective, found(), self.points)

    def busy_seconds(self) -> float:
        """Return the time that finished trials took together [s]."""
        query = "SELECT total(finished - started) FROM trials WHERE state IN ('done', 'failed')"
        with self._guarded():
            return float(self._one(query))

    def versions(self, after: int = 0, *, of: str | None = None) -> list[dict[str, Any]]:
        """Return the records of versions whose number is larger, in their order: all, or of the surrogate, the learner.

        Args:
            after: this number.
            of: `surrogate` or `learner`, as records say by a key of this name; those without it are the surrogate's.
        """
        with self._guarded():
            if self.version < VERSION:
                found = [record for record in _old_versions(self.folder) if record["version"] > after]
            else:
                query = "SELECT record FROM versions WHERE version > ? ORDER BY version"
                found = [read_json(record) for (record,) in self._db.execute(query, (after,))]
            check_columns({"version": found})
            return [record for record in found if of in (None, record.get("of", SURROGATE))]

    def counts(self) -> dict[TrialState, int]:
        """Return how many trials are in each state."""
        with self._guarded():
            found = dict(self._db.execute("SELECT state, count(*) FROM trials GROUP BY state").fetchall())
            check_columns({"state": list(found)})
            return {state: found.get(str(state), 0) for state in TrialState}

    def arrays(self, trial_id: int) -> dict[str, Array]:
        """Return a trial's arrays; empty where it has none."""
        with self._guarded():
            said = self._one("SELECT arrays FROM trials WHERE id = ?", (trial_id,))
            units = read_json(said) if said else {}
            check_columns({"arrays": [units]})
        stored = self._parts(trial_id) if units else {}
        if not stored:
            return {}
        with guarded(self._arrays_path(trial_id)):
            return {name: Array.of(*_three(stored, name), **units[name]) for name in units}

    def _parts(self, trial_id: int) -> dict[str, Any]:
        """Return the stored parts of a trial's arrays, by `<array>/<part>`."""
        path = self._arrays_path(trial_id)
        if path.exists():
            with guarded(path):
                parts = dict(read_npz(path, path.stat().st_size))  # they are not compressed
            self._refuse_foreign(path, parts.pop(OF, None))
            return parts
        with self._guarded():
            if self.version < VERSION and not self._one("SELECT 1 FROM sqlite_master WHERE name = 'arrays'"):
                return {}  # a campaign of an older version, opened for reading
            content = self._one("SELECT content FROM arrays WHERE id = ?", (trial_id,))
            return load(content) if content else {}

    def _refuse_foreign(self, path: Path, campaign: NDArray[Any] | None) -> None:
        """Raise JournalError where a file of arrays says that it is of another campaign."""
        found = None if campaign is None else campaign.tobytes().decode("ascii", "replace")
        if found is not None and self.campaign is not None and found != self.campaign:
            raise JournalError(
                f"{path} is of another campaign ({found:.40}) than {DATABASE} beside it ({self.campaign:.40}): put "
                "back files that belong together, or launch the campaign again under another name"
            )

    # What the loop writes.

    def set_info(self, **info: Any) -> None:
        """Store facts about the campaign, each JSON."""
        rows = [(key, json.dumps(value)) for key, value in info.items()]
        self._execute("INSERT OR REPLACE INTO info VALUES (?, ?)", rows)

    def add_version(self, record: Mapping[str, Any]) -> None:
        """Store the record of a version of surrogate or learner: JSON, with its number as `version`, and `of`."""
        self._execute(ADD_VERSION, [(record["version"], json.dumps(record))])

    def write(self, trials: Iterable[Trial]) -> list[Trial]:
        """Store the trials in one transaction and return them as stored.

        A trial that is finished gets `told`, its place in the order of telling, when it is first stored so.
        """
        return self._patiently(partial(self._write, list(trials)))

    def _write(self, trials: Sequence[Trial]) -> list[Trial]:
        stored: list[Trial] = []
        rows, contents, seq = [], [], self._seq
        for trial in trials:
            seq += 1
            told = trial.told if trial.told is not None or not trial.state.finished else seq
            if trial.observation and trial.observation.arrays:
                parts = _parts_of(trial.observation.arrays)
                if _quick(trial) and sum(part.nbytes for part in parts.values()) <= SMALL:
                    contents.append((trial.id, save(parts)))
                else:
                    with guarded(self._arrays_path(trial.id)):
                        self._save_arrays(trial.id, parts)
            rows.append(_row(trial, seq, told))
            stored.append(trial if told == trial.told else _with_told(trial, told))
        if rows:
            with self._transaction():
                self._db.executemany(UPSERT, rows)
                self._db.executemany("INSERT OR REPLACE INTO arrays VALUES (?, ?)", contents)
            self._seq = seq
        return stored

    def _execute(self, query: str, rows: Sequence[Sequence[Any]]) -> None:
        def execute() -> None:
            with self._transaction():
                self._db.executemany(query, rows)

        self._patiently(execute)

    def _patiently(self, write: Callable[[], T]) -> T:
        """Write; where there is no room, as often as whoever waits for it says so."""
        while True:
            try:
                return write()
            except NoRoomForJournal as error:
                if not self.without_room(error):
                    raise

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all of it or, on an error such as a full disk, nothing."""
        with self._guarded():
            self._keep()
            self._db.execute("BEGIN")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite itself rolls back after some errors
                    self._db.execute("ROLLBACK")
                raise
        self._synced = False

    def sync(self) -> None:
        """Make what was written survive the loss of power, and see to the lock."""
        with guarded(self.folder):
            holder = self._lock.renew() if self._lock else None
        if holder:
            self.displaced = f"{self.folder} was taken by {holder}, since its lock was removed: let one of both go on"
        if not self._synced:
            self._patiently(self._checkpoint)
            self._synced = True

    def _checkpoint(self) -> None:
        with self._guarded():
            # A checkpoint syncs the write-ahead log and the database. To open and close these files here for an fsync
            # would drop SQLite's locks on them (POSIX drops all of a process), and another reader would delete the log.
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _arrays_path(self, trial_id: int) -> Path:
        return self.folder / "arrays" / f"{trial_id // 1000:03d}" / f"{trial_id:06d}.npz"

    def _save_arrays(self, trial_id: int, parts: Mapping[str, NDArray[np.float64]]) -> None:
        path = self._arrays_path(trial_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        own = {OF: np.frombuffer(self.campaign.encode(), np.uint8)} if self.campaign else {}
        with draft.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **own, **parts)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(path)


def _old_versions(folder: Path) -> list[dict[str, Any]]:
    """Return the records that a campaign of the first version has in a file; a kill may have cut the last one off."""
    path, records = folder / OLD_VERSIONS, []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with contextlib.suppress(ValueError):
            records.append(json.loads(line))
    return records


def _quick(trial: Trial) -> bool:
    return trial.started is not None and trial.finished is not None and trial.finished - trial.started < SHORT


def _parts_of(arrays: Mapping[str, Array]) -> dict[str, NDArray[np.float64]]:
    return {
        f"{name}/{part}": np.asarray(getattr(array, part), order="C")
        for name, array in arrays.items()
        for part in PARTS
        if getattr(array, part) is not None
    }


def _three(stored: Mapping[str, Any], name: str) -> tuple[Any, Any, Any]:
    """Return values, errors and grid of an array; None where there is no such part."""
    values, errors, grid = (stored.get(f"{name}/{part}") for part in PARTS)
    return values, errors, grid


def _with_told(trial: Trial, told: int | None) -> Trial:
    # dataclasses.replace is ten times slower, and this stands in the loop's way from trial to trial.
    copy = object.__new__(Trial)
    copy.__dict__.update(trial.__dict__, told=told)
    return copy


def _row(trial: Trial, seq: int, told: int | None) -> Sequence[Any]:
    record = trial.to_json() | {"seq": seq, "told": told}
    record |= {name: json.dumps(record[name]) if record[name] else None for name in AS_JSON}
    record["point"] = record["point"] or "{}"
    return [record[name] for name in NAMES]


def _loads(texts: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return what each of the texts says, all read as one; nothing is said of an empty mapping."""
    found: list[dict[str, Any]] = json.loads(f"[{','.join([text or '{}' for text in texts])}]")
    return found
