"""MLflow's database of a campaign that was moved, or copied: it names the files by the paths that they had."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

ARTIFACTS = "mlartifacts"  # beside a database of ours


def find_again(database: Path) -> bool:
    """Let MLflow's runs find the files beside their database where it lies now; return whether they did not.

    MLflow has no relative paths, nor a way to change one, so that this changes its tables. Files that were never meant
    to lie beside the database stay where they are.

    Args:
        database: MLflow's, in SQLite.

    Raises:
        sqlite3.Error: if the database cannot be written.
    """
    here = database.resolve().parent / ARTIFACTS
    if not (database.exists() and here.is_dir()):
        return False
    with closing(sqlite3.connect(database, timeout=20)) as connection, connection:
        places = {place for (place,) in connection.execute("SELECT artifact_location FROM experiments") if place}
        old = [place for place in places if place != here.as_uri() and _was_here(connection, place, here)]
        for place in old:
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (here.as_uri(), len(place) + 1, place, len(place) + 1, f"{place}/"),
                )
    return bool(old)


def _was_here(connection: sqlite3.Connection, place: str, here: Path) -> bool:
    """Whether files of that place have come here: it is not there any more, or its runs have files here."""
    if not (place.startswith("file:") and place.endswith(f"/{ARTIFACTS}")):
        return False
    query = "SELECT artifact_uri FROM runs WHERE substr(artifact_uri, 1, ?) = ?"
    runs = connection.execute(query, (len(place) + 1, f"{place}/"))
    gone = not Path(unquote(urlsplit(place).path)).exists()
    return gone or any((here / unquote(uri[len(place) + 1 :])).exists() for (uri,) in runs)
