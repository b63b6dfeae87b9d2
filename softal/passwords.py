"""Passwords in addresses such as `http://alice:secret@host`: hidden wherever an address is shown or stored.

A campaign keeps its file with `***` in a password's place. The password itself comes from the environment, or from a
file of the campaign's folder that only its owner can read.
"""

from __future__ import annotations

import os
import re
import urllib.parse
from pathlib import Path

from softal.errors import CampaignStateError

HIDDEN = "***"
VARIABLE = "SOFTAL_MLFLOW_PASSWORD"
FILE = "mlflow-password"  # in the campaign's folder
# scheme://user:password@, where the password may hold `/` or `@` as some write them, but `host:5000/a@b` has none.
_IN_ADDRESS = re.compile(r"(\b[A-Za-z][\w+.-]*://[^\s/@:'\"<>]*:)(?!\d{1,5}[/?#])([^\s'\"<>]+)(?=@)")
_IN_QUERY = re.compile(r"([?&;](?:password|passwd|pwd)=)([^\s&;#'\"<>]+)", re.IGNORECASE)
_USER = re.compile(r"([A-Za-z][\w+.-]*://)([^\s/@:]*)(?::(?!\d{1,5}[/?#])(\S*))?@(?=[^@]*$)")


def redacted(text: str) -> str:
    """Return a text with `***` in the place of every password of an address in it."""
    return _IN_QUERY.sub(rf"\1{HIDDEN}", _IN_ADDRESS.sub(rf"\1{HIDDEN}", text))


def in_query(uri: str) -> bool:
    """Whether a password stands in the query of an address."""
    return _IN_QUERY.search(uri) is not None


def password_of(uri: str) -> str | None:
    """Return the password that an address holds; None where there is none, or where it is hidden."""
    found = _USER.match(uri)
    return None if found is None or found[3] in (None, HIDDEN) else urllib.parse.unquote(found[3])


def keep(uri: str | None, folder: Path) -> None:
    """Write the password of an address into a file of the folder, which only its owner can read; for `complete`."""
    password = password_of(uri) if uri else None
    if password is None:
        return
    path = folder / FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(password + "\n")


def complete(uri: str, folder: Path) -> str:
    """Return an address with its password, where it names a user whose password is not in it.

    The password is that of the environment variable SOFTAL_MLFLOW_PASSWORD, or else the content of `mlflow-password` in
    the folder. Where the address has no password, not even a hidden one, there need be none.

    Args:
        uri: the address, such as `postgresql://alice@host/db` or `http://alice:***@host`.
        folder: of the campaign.

    Raises:
        CampaignStateError: if a hidden password is nowhere to be found, or if others can read the file.
    """
    found = _USER.match(uri)
    if found is None or not (found[2] or found[3]) or password_of(uri) is not None:
        return uri
    password = os.environ.get(VARIABLE) or _kept(folder / FILE)
    if password is None and found[3] == HIDDEN:
        raise CampaignStateError(
            f"the password of {uri} is needed: set the environment variable {VARIABLE}, or write it into "
            f"{folder / FILE}, a file that only you can read (chmod 600)"
        )
    if password is None:
        return uri
    return f"{found[1]}{found[2]}:{urllib.parse.quote(password, safe='')}@{uri[found.end() :]}"


def _kept(path: Path) -> str | None:
    try:
        if path.stat().st_mode & 0o077:
            raise CampaignStateError(f"others can read the password in {path}: chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip("\r\n") or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CampaignStateError(f"the password in {path} cannot be read: {error}") from None
