"""The database of a journal while it is open: its connection and lock, transactions, and what may become of its file.

A commit survives the death of the process at once, and the loss of power after `sync()`, which the loop calls every
second: a synced write for each trial would cost more than a short trial does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from softal.errors import NoRoomForJournal
from softal.reading import read_json
from softal.tracking import displaced
from softal.tracking.lock import Lock, identity
from softal.tracking.sound import guarded

T = TypeVar("T")

DATABASE = "journal.sqlite"
READER_WAITS, WRITER_WAITS = 5.0, 60.0  # for another program that has locked the database [s]


class Database:
    """The database of one campaign, open for reading or, under its lock, for writing.

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

    def close(self) -> None:
        """Close the database and give back the lock."""
        if self._lock:
            self.without_room = lambda error: False
            with contextlib.suppress(NoRoomForJournal):  # it is written already
                self.sync()
            self._lock.release()
            self._lock = None
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
