"""Addresses of SQLite databases, in which `%`, `?` and `#` of a path are written as in other addresses."""

from __future__ import annotations

import string
import urllib.parse
from pathlib import Path

SQLITE = "sqlite:///"
_OTHERS = "".join(set(string.printable) - set("%?#"))


def address_of(file: Path) -> str:
    """Return the address of a database by its absolute path."""
    path = str(file)
    return f"{SQLITE}{urllib.parse.quote(path, safe=_OTHERS) if set('%?#') & set(path) else path}"


def file_of(address: str) -> Path | None:
    """Return the file of a database by its address; None where it is in no file of SQLite's."""
    if not address.startswith(SQLITE):
        return None
    return Path(urllib.parse.unquote(address.removeprefix(SQLITE).partition("?")[0]))
