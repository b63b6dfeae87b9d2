"""A journal that was removed, or replaced by another file, while a process writes it: what is in it is still there.

The database stays readable for who has it open, with its write-ahead log, so that it can be written to a file again. So
it is where only one of the files beside it was removed: whoever opens it then reads what was long ago, or nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from itertools import product
from pathlib import Path

from softal.about import command
from softal.errors import JournalError
from softal.reading import in_a_line, read_json
from softal.tracking.lock import identity

BESIDE = ("-wal", "-shm")  # SQLite's files beside a database
SAVED = "journal.saved.sqlite"  # where it is put where its name is taken


Identities = tuple[tuple[int, int] | None, ...]  # of the files beside a database


def beside(path: Path) -> Identities:
    """Return what tells the files beside a database from others that come to have their names."""
    return tuple(identity(path.with_name(path.name + end)) for end in BESIDE)


def taken(before: Identities, now: Identities) -> str | None:
    """Return the end of the name of the first of them that is gone, or is another file; None where none is.

    SQLite makes them when the database is first used, and removes them with its last connection.
    """
    ends = zip(BESIDE, before, now, strict=True)
    return next((end for end, known, found in ends if known is not None and found != known), None)


def id_in(path: Path) -> str | None:
    """Return the id that the journal in a file says, whosever log lies beside it; None where it says none."""
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        found = database.execute("SELECT value FROM info WHERE key = 'id'").fetchone()
    return None if found is None else str(read_json(found[0]))


def write_back(database: sqlite3.Connection, path: Path, known: Identities, *, ours: bool) -> Path:
    """Write a database to the path that it had, or beside it where another file is now; close it; return where it is.

    Args:
        database: open.
        path: that it had.
        known: of the files beside it, which must not be taken for another database's.
        ours: whether the file at that path is still its own.

    Raises:
        JournalError: if that cannot be done.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(draft)) as copy:
            database.backup(copy)
        database.close()  # before another one has its name: with it go the files beside it, by their names
        target = path if ours or not path.exists() else path.with_name(SAVED)
        stale = [target, *([path] if beside(path)[0] == known[0] else [])]
        for one, end in product(stale, BESIDE):
            one.with_name(one.name + end).unlink(missing_ok=True)
        draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise JournalError(
            f"{path} was removed or replaced while its campaign ran, and cannot be written back: {in_a_line(error)}"
        ) from error
    return target


def told(path: Path, now: str, end: str | None) -> str:
    """Return what has happened to a journal that was written back under a name, and what to do, in a line.

    Args:
        path: of the journal.
        now: its name.
        end: of the name of the file beside it that was taken away; None where it was the journal itself.
    """
    again = command("resume", path.parent)
    if now == path.name:
        gone = f"{path}{end or ''}"
        return f"{gone} was removed while its campaign ran; what was in it was written back. Go on with: {again}"
    return (
        f"{path} was replaced by another file while its campaign ran; what was in it is kept in {now}. "
        f"Put that back as {path.name}, and go on with: {again}"
    )
