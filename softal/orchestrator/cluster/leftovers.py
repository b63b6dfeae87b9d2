"""What Ray's dashboard leaves behind when it is ended: the folder through which its server of forks takes orders.

Python removes such a temporary folder (`pymp-...`) when a process ends by itself; the dashboard is killed. So its
temporary files are in a folder that is removed after it, or, where this process is killed, too, at the next start.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from softal.orchestrator.cluster.starting import put_in_place
from softal.temporary import sweep, temporary_folder

_folders = ExitStack()  # of the dashboards that this process has started


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
