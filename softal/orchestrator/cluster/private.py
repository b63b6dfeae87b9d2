"""What others on this machine must not get at of a Ray of ours: its token, and the folder of its sessions.

Ray itself makes its token with the modes of the umask, mostly so that everybody can read it, and whoever has it runs
code as its owner. Its folder, `/tmp/ray`, it opens to everybody: logs, sockets, and what tasks are made of.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"  # Ray's variables
OWN_FOLDER = "RAY_TMPDIR"
LONGEST = 107  # bytes of the path of a socket
SOCKET = "/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"  # of Ray, in its folder
OTHERS = 0o077  # what anybody but the owner may do


def keep_token(*, make: bool) -> None:
    """Let nobody but the user read Ray's token, which is made first where there is none.

    Nothing is done where the user has said otherwise, by `RAY_AUTH_MODE` or `RAY_AUTH_TOKEN`. What cannot be done here
    (a home that is read-only, a file of another user) is left to Ray, which says what it needs.

    Args:
        make: whether one is made; a cluster that is joined has its own.
    """
    path = token_path()
    if path is None:
        return
    with suppress(OSError):
        if make and not path.exists():
            _write_token(path)
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & OTHERS:
            path.chmod(0o600)


def token_path() -> Path | None:
    """Return the file in which Ray looks for its token; None where it takes none, or none from a file."""
    if os.environ.get(MODE, "token").lower() != "token" or os.environ.get(TOKEN):
        return None
    return Path(os.environ.get(TOKEN_PATH) or Path.home() / ".ray" / "auth_token")


def _write_token(path: Path) -> None:
    """Make a token at once as a whole, since another campaign may read it; one that has come meanwhile stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".auth_token.", dir=path.parent)  # of mode 0600
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(secrets.token_hex(32))
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def folder() -> Path | None:
    """Return a folder that only the user can enter, for those of Ray's sessions; None leaves Ray its own.

    It is where the user says, by `RAY_TMPDIR`, or among temporary folders. It is left to Ray where no path is short
    enough for its sockets.
    """
    said = os.environ.get(OWN_FOLDER)
    bases = [os.path.abspath(said)] if said else dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))  # noqa: PTH100
    return next((found for base in bases for found in _private(Path(base))), None)


def close(session: Path) -> None:
    """Let nobody but the user enter the folder of a session that Ray has made in a folder of its own."""
    with suppress(OSError):
        session.chmod(0o700)


def _private(base: Path) -> Iterator[Path]:
    """Give the user's own folder in `base`, where it is short enough for Ray's in it and can be made.

    Ray opens its own folder to everybody, so it is the one above that is closed. Another user may have made one of
    this name; then there is one of a random name.
    """
    own = base / f"softal-{os.geteuid()}"
    if not _is_short(own):
        return
    with suppress(OSError):
        with suppress(FileExistsError):
            own.mkdir(mode=0o700, parents=True)
        if _is_ours(own):
            yield own
        elif _is_short(own.with_name(f"{own.name}-00000000")):
            yield Path(tempfile.mkdtemp(prefix=f"{own.name}-", dir=base))


def _is_short(own: Path) -> bool:
    """Return whether sockets of a session in a folder of ours in this one have paths that are short enough."""
    return len(os.fsencode(own / "ray-00000000")) + len(SOCKET) <= LONGEST


def _is_ours(path: Path) -> bool:
    """Return whether it is a folder of the user's that nobody else can enter, or could be made that."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return False
    if found.st_mode & OTHERS:
        path.chmod(0o700)
    return True
