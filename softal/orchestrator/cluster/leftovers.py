"""What a Ray of ours leaves behind when it is ended: its session, 2 MB and more of logs, and its dashboard's folder.

Ray removes no session. And the dashboard is killed, so that Python does not remove the temporary folder (`pymp-...`)
through which its server of forks takes orders. So both are in folders that are removed after it, or, where this process
is killed, too, at the next start.
"""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from softal.orchestrator.cluster.starting import put_in_place
from softal.temporary import sweep, temporary_folder

PREFIX, LATEST = "ray-", "ray"  # of the folders of sessions, and of a link to the latest one, for Prometheus
_folders = ExitStack()  # of the sessions and dashboards that this process has started


def session_folder(within: Path) -> Path:
    """Make a folder for the sessions of one Ray, removed when that has ended; `ray` leads to the latest one."""
    sweep(within, PREFIX)
    folder = _folders.enter_context(temporary_folder(within, PREFIX))
    with suppress(OSError):  # an older softal had a folder of this name
        link = folder / "link"
        link.symlink_to(folder.name)
        link.replace(within / LATEST)
    return folder


def remove_later(session: Path) -> None:
    """Remove a session that is in Ray's own folder when Ray has ended."""
    _folders.callback(shutil.rmtree, session, ignore_errors=True)


@contextmanager
def of_dashboards(within: Path) -> Iterator[None]:
    """Let a dashboard that is started in here have its temporary files in a folder of their own.

    Args:
        within: folder with a path that is short enough for sockets.
    """
    from ray._private import ray_constants, services

    def with_folder(start: Callable[..., Any]) -> Callable[..., Any]:
        def started(command: list[str], process_type: str, *arguments: Any, **options: Any) -> Any:
            if process_type == ray_constants.PROCESS_TYPE_DASHBOARD:
                options["env_updates"] = {"TMPDIR": str(_folders.enter_context(temporary_folder(within)))}
            return start(command, process_type, *arguments, **options)

        return started

    sweep(within)
    with put_in_place(services, "start_ray_process", with_folder):
        yield


def remove() -> None:
    """Remove them, once Ray has ended."""
    _folders.close()


atexit.register(remove)  # where its start was broken off; Ray, which is imported later, ends what it has started before
