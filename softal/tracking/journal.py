"""The journal: the durable record of a campaign, from which everything else can be rebuilt.

One SQLite database in WAL mode, `journal.sqlite`, with the arrays beside it as `arrays/<thousands>/<id>.npz`; those of
trials that take less time than a file are in the database. The loop alone writes it, holding a lock on the folder; any
number of readers on the same machine follow it. Every change of a trial's row gets the next sequence number, so a
reader that remembers the last one asks only for what is new.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.numpy import load, save

from softal.about import SURROGATE
from softal.errors import CampaignStateError
from softal.objective import Objective
from softal.objective.scores import Rows, Scores
from softal.reading import read_json
from softal.tracking import array_files, tables
from softal.tracking.database import DATABASE, Database
from softal.tracking.lock import Lock
from softal.tracking.sound import check_columns, check_info, guarded
from softal.trial import USER, Array, Point, Trial, TrialState

CHUNK = 500  # rows that are read at once


class Journal(Database):
    """The record of one campaign; open it with `create` or `open`."""

    def __init__(self, folder: Path, *, read_only: bool, lock: Lock | None = None) -> None:
        super().__init__(folder, read_only=read_only, lock=lock)
        self._seq = 0
        self._up_to_date = False  # whether it is known to have all columns

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
                database.executescript(tables.SCHEMA)
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
            if (version := journal.version) > tables.VERSION:
                known = f"its journal is of version {version}, and this softal knows up to {tables.VERSION}"
                raise CampaignStateError(f"{folder} was made by a newer softal: {known}; update softal")
            if not read_only:
                journal._prepare()
        except BaseException:
            journal._abandon()
            raise
        return journal

    def _prepare(self) -> None:
        with self._guarded():
            self._set_up()
            if self.version < tables.VERSION:
                self._migrate()
            self._seq = int(self._one("SELECT max(seq) FROM trials") or 0)
            assert self._lock is not None
            self._lock.sign(str(self.info.get("id", "")))

    def _migrate(self) -> None:
        """Make what a journal of an older version lacks, all of it or nothing."""
        rows = [(record["version"], json.dumps(record)) for record in self.versions()]
        with self._transaction():
            for table in tables.TABLES:
                self._db.execute(table)
            self._db.executemany(tables.ADD_VERSION, rows)
            for column in tables.ADD_COLUMNS:
                self._db.execute(column)
            self._db.execute(f"PRAGMA user_version = {tables.VERSION}")

    @property
    def _select(self) -> str:
        """The query of trials; a journal of an older version lacks columns until it is opened for writing."""
        return tables.SELECT if self._whole else tables.OLD_SELECT

    @property
    def _whole(self) -> bool:
        """Whether it has all columns."""
        self._up_to_date = self._up_to_date or self.version >= tables.WITH_MARKS
        return self._up_to_date

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

    @property
    def run(self) -> int:
        """How many trials have run, those that were dropped since included."""
        with self._guarded():
            return int(self._one("SELECT count(*) FROM trials WHERE told IS NOT NULL"))

    def trials(self, *states: TrialState, arrays: bool = False) -> list[Trial]:
        """Return all trials, or those in `states`, in the order of their ids; with their arrays only if asked."""
        return list(self.read(*states, arrays=arrays))

    def read(self, *states: TrialState, arrays: bool = False) -> Iterator[Trial]:
        """Give the same trials one after the other: of many, only a few are in memory at a time."""
        where = f" WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._read(f"{self._select}{where} ORDER BY id", [str(state) for state in states], arrays)

    def some(self, ids: Iterable[int]) -> list[Trial]:
        """Return the trials with these ids, in this order, without arrays; KeyError where there is no such trial."""
        wanted = list(ids)
        found = {trial.id: trial for part in self._among(wanted, self._select) for trial in self._decoded(part)}
        return [found[i] for i in wanted]

    def points(self, ids: Iterable[int]) -> list[Point]:
        """Return the points of the trials with these ids, in this order; KeyError where there is no such trial."""
        wanted, found = list(ids), dict[int, Point]()
        for part in self._among(wanted, "SELECT id, point FROM trials"):
            with self._guarded():
                said = tables.loads([row[1] for row in part])
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
        query = f"{self._select} WHERE state = ? ORDER BY id DESC LIMIT ?"
        return list(self._read(query, (str(state), count)))[::-1]

    def trial(self, trial_id: int) -> Trial | None:
        """Return one trial with its arrays."""
        return next(self._read(f"{self._select} WHERE id = ?", (trial_id,), arrays=True), None)

    def changes(self, since: int, limit: int = 1000) -> tuple[list[Trial], int]:
        """Return the trials that changed after `since`, oldest change first, and the last sequence number seen."""
        with self._guarded():
            rows = self._db.execute(f"{self._select} WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit)).fetchall()
        return self._decoded(rows), rows[-1][1] if rows else since

    def told(self, after: int, upto: int, *, arrays: bool = False) -> Iterator[Trial]:
        """Give the trials that finished with sequence numbers in (after, upto], in that order."""
        return self._read(f"{self._select} WHERE told > ? AND told <= ? ORDER BY told", (after, upto), arrays)

    def _read(self, query: str, values: Sequence[Any], arrays: bool = False) -> Iterator[Trial]:
        with self._guarded():
            rows = self._db.execute(query, values)
        while some := self._some_of(rows):
            yield from self._decoded(some, arrays)

    def _some_of(self, rows: sqlite3.Cursor) -> list[Any]:
        with self._guarded():
            return rows.fetchmany(CHUNK)

    def _decoded(self, rows: Sequence[Sequence[Any]], arrays: bool = False) -> list[Trial]:
        with self._guarded():
            return [
                Trial.from_json(record, self.arrays(record["id"]) if arrays else None)
                for record in tables.records(rows)
            ]

    def scores(self, objective: Objective) -> Scores:
        """Return the results of all trials that count as arrays."""
        names = ("id", "point", "fidelity", "objective", "objective_errors", *(["vals"] if objective.outcomes else []))
        shown = ["values" if name == "vals" else name for name in names]
        counts = "state = 'done'" + (" AND outside IS NOT 1" if self._whole else "")

        def found() -> Iterator[Rows]:
            rows = self._db.execute(f"SELECT {', '.join(names)} FROM trials WHERE {counts} ORDER BY id")
            while some := rows.fetchmany(CHUNK):
                columns: dict[str, Any] = dict(zip(shown, zip(*some, strict=True), strict=True))
                columns |= {name: tables.loads(columns[name]) for name in shown if name in tables.AS_JSON}
                check_columns(columns)
                parts = [columns[name] for name in shown]
                yield Rows(*parts, *([] if objective.outcomes else [[{}] * len(some)]))

        with self._guarded():
            return Scores.read(objective, found(), self.points)

    def busy_seconds(self) -> float:
        """Return the time that trials took together which have run, be they dropped since or not [s]."""
        query = "SELECT total(finished - started) FROM trials WHERE state IN ('done', 'failed', 'dropped')"
        with self._guarded():
            return float(self._one(query))

    def versions(self, after: int = 0, *, of: str | None = None) -> list[dict[str, Any]]:
        """Return the records of versions whose number is larger, in their order: all, or of the surrogate, the learner.

        Args:
            after: this number.
            of: `surrogate` or `learner`, as records say by a key of this name; those without it are the surrogate's.
        """
        with self._guarded():
            if self.version < tables.WITH_VERSIONS:
                found = [record for record in tables.old_versions(self.folder) if record["version"] > after]
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

    @property
    def given(self) -> int:
        """How many finished trials are the user's: given to the campaign, or asked of it."""
        query = "SELECT count(*) FROM trials WHERE proposed_by = ? AND state IN ('done', 'failed')"
        with self._guarded():
            return int(self._one(query, (USER,)))

    def arrays(self, trial_id: int) -> dict[str, Array]:
        """Return a trial's arrays; empty where it has none."""
        with self._guarded():
            said = self._one("SELECT arrays FROM trials WHERE id = ?", (trial_id,))
            units = read_json(said) if said else {}
            check_columns({"arrays": [units]})
        stored = self._parts(trial_id) if units else {}
        if not stored:
            return {}
        with guarded(array_files.path_of(self.folder, trial_id)):
            return array_files.made_of(stored, units)

    def _parts(self, trial_id: int) -> dict[str, Any]:
        """Return the stored parts of a trial's arrays, by `<array>/<part>`."""
        path = array_files.path_of(self.folder, trial_id)
        if path.exists():
            return array_files.read(path, self.campaign)
        with self._guarded():
            if self.version < tables.WITH_VERSIONS and not self._one(
                "SELECT 1 FROM sqlite_master WHERE name = 'arrays'"
            ):
                return {}  # a campaign of an older version, opened for reading
            content = self._one("SELECT content FROM arrays WHERE id = ?", (trial_id,))
            return load(content) if content else {}

    # What the loop writes.

    def set_info(self, **info: Any) -> None:
        """Store facts about the campaign, each JSON."""
        self._execute(tables.ADD_INFO, _facts(info))

    def amend(self, trials: Iterable[Trial], **info: Any) -> None:
        """Store what has changed of trials that are there, all but their arrays, and facts, in one transaction.

        Readers are told of them in the order in which they finished.
        """
        amended = sorted(trials, key=lambda trial: (trial.told is None, trial.told or 0, trial.id))

        def amend() -> None:
            rows = [tables.amended(trial, self._seq + i) for i, trial in enumerate(amended, start=1)]
            with self._transaction():
                self._db.executemany(tables.AMEND, rows)
                self._db.executemany(tables.ADD_INFO, _facts(info))
            self._seq += len(rows)

        self._patiently(amend)

    def remove_newest(self, states: Sequence[TrialState]) -> int:
        """Take away the latest trials as long as they have never begun and are in these states; return how many.

        A trial before them stays whatever it is, since numbers have no gaps.
        """
        named = ", ".join(f"'{state}'" for state in states)
        kept = (
            f"SELECT coalesce(max(id), -1) FROM trials WHERE attempts > 0 OR state NOT IN ({named}) OR proposed_by = ?"
        )
        with self._guarded():
            last = int(self._one(kept, (USER,)))
            count = int(self._one("SELECT count(*) FROM trials WHERE id > ?", (last,)))
        self._execute("DELETE FROM trials WHERE id > ?", [(last,)])
        return count

    def add_version(self, record: Mapping[str, Any]) -> None:
        """Store the record of a version of surrogate or learner: JSON, with its number as `version`, and `of`."""
        self._execute(tables.ADD_VERSION, [(record["version"], json.dumps(record))])

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
                parts = array_files.parts_of(trial.observation.arrays)
                if array_files.within(trial, parts):
                    contents.append((trial.id, save(parts)))
                else:
                    array_files.write(array_files.path_of(self.folder, trial.id), parts, self.campaign)
            rows.append(tables.row(trial, seq, told))
            stored.append(trial if told == trial.told else tables.with_told(trial, told))
        if rows:
            with self._transaction():
                self._db.executemany(tables.UPSERT, rows)
                self._db.executemany(tables.ADD_ARRAYS, contents)
            self._seq = seq
        return stored


def _facts(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key, json.dumps(value)) for key, value in info.items()]
