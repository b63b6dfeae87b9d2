"""The tables of a journal, and how a trial is a row of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from softal.about import SURROGATE
from softal.tracking.sound import check_columns
from softal.trial import Trial

VERSION = 2  # of the tables, kept as SQLite's user_version; the first journals said nothing, which is 0
WITH_VERSIONS, WITH_MARKS = 1, 2  # since when there is the table of versions, and NEWER columns of trials
COLUMNS = (
    "id", "seq", "state", "point", "seed", "fidelity", "proposed_by", "notes", "vals", "errors", "arrays", "artifacts",
    "objective", "objective_errors", "reason", "proposed", "started", "finished", "host", "attempts", "asked_after",
    "told", "dropped", "outside",
)  # fmt: skip
NEWER = ("dropped", "outside")
NAMES = tuple("values" if column == "vals" else column for column in COLUMNS)  # as `Trial.to_json` has them
AS_JSON = ("point", "notes", "values", "errors", "arrays", "artifacts", "objective", "objective_errors")
ARRAYS = "CREATE TABLE IF NOT EXISTS arrays (id INTEGER PRIMARY KEY, content BLOB NOT NULL)"
STEPS = """
CREATE TABLE IF NOT EXISTS steps (trial INTEGER, step INTEGER, vals, errors, PRIMARY KEY (trial, step)) WITHOUT ROWID
"""  # intermediate results of trials, for which there is room
VERSIONS = (
    "CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY, record TEXT NOT NULL)"  # of surrogate, learner
)
OLD_VERSIONS = Path(SURROGATE) / "versions.jsonl"  # where the first journals had them
TABLES = (ARRAYS, STEPS, VERSIONS)  # that a journal of an older version may lack
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
OLD_SELECT = f"SELECT {', '.join(f'NULL AS {c}' if c in NEWER else c for c in COLUMNS)} FROM trials"
ADD_COLUMNS = [f"ALTER TABLE trials ADD COLUMN {column}" for column in NEWER]
UPSERT = f"INSERT OR REPLACE INTO trials ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
AMENDED = [column for column in COLUMNS if column not in ("id", "arrays")]
AMEND = f"UPDATE trials SET {', '.join(f'{column} = ?' for column in AMENDED)} WHERE id = ?"
ADD_INFO = "INSERT OR REPLACE INTO info VALUES (?, ?)"
ADD_ARRAYS = "INSERT OR REPLACE INTO arrays VALUES (?, ?)"
ADD_VERSION = "INSERT OR REPLACE INTO versions VALUES (?, ?)"


def row(trial: Trial, seq: int, told: int | None) -> Sequence[Any]:
    """Return the row of a trial, with its sequence number and that at which it finished."""
    record = trial.to_json() | {"seq": seq, "told": told}
    record |= {name: json.dumps(record[name]) if record[name] else None for name in AS_JSON}
    record["point"] = record["point"] or "{}"
    return [record[name] for name in NAMES]


def amended(trial: Trial, seq: int) -> Sequence[Any]:
    """Return what AMEND takes: the row of a trial but for its arrays, and its number."""
    cells = dict(zip(COLUMNS, row(trial, seq, trial.told), strict=True))
    return [*(cells[column] for column in AMENDED), trial.id]


def with_told(trial: Trial, told: int | None) -> Trial:
    """Return the same trial, with the sequence number at which it finished."""
    # dataclasses.replace is ten times slower, and this stands in the loop's way from trial to trial.
    copy = object.__new__(Trial)
    copy.__dict__.update(trial.__dict__, told=told)
    return copy


def records(rows: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Give the trials of rows as `Trial.from_json` reads them.

    Each column of JSON is read as one text, which is faster, and shares its names. Columns that say the same share
    what they say, and those that say nothing one empty mapping: they are a third of what many trials hold.

    Raises:
        ValueError: where cells are of types that a journal does not have.
    """
    columns: dict[str, Sequence[Any]] = dict(zip(NAMES, zip(*rows, strict=True), strict=True)) if rows else {}
    texts = {columns[name] for name in AS_JSON} if rows else ()
    said: dict[Any, Sequence[Any]] = {column: loads(column) if any(column) else [{}] * len(rows) for column in texts}
    columns |= {name: said[columns[name]] for name in AS_JSON if rows}
    columns.pop("seq", None)
    check_columns(columns)
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def loads(texts: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return what each of the texts says, all read as one; nothing is said of an empty mapping."""
    found: list[dict[str, Any]] = json.loads(f"[{','.join([text or '{}' for text in texts])}]")
    return found


def old_versions(folder: Path) -> list[dict[str, Any]]:
    """Return the records that a campaign of the first version has in a file; a kill may have cut the last one off."""
    path, records = folder / OLD_VERSIONS, []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with contextlib.suppress(ValueError):
            records.append(json.loads(line))
    return records
