"""Whether Ray is still there: the raylet of this machine, and the GCS, which are its heart and its head.

Ray's own calls do not say so: without the GCS they wait for a minute, and then end the whole process. So one looks
whether somebody listens at their ports.
"""

from __future__ import annotations

import socket
import time

import ray

REFUSED, SILENT = 5.0, 30.0  # seconds until a GCS that refuses to answer, or does not, is taken for gone
ANSWERS = 1.0  # seconds in which a GCS on another machine answers
LOOK = 1.0  # seconds between looks


class Pulse:
    """Feels the pulse of the Ray that this process has joined."""

    def __init__(self) -> None:
        context = ray.get_runtime_context()
        mine = [node for node in ray.nodes() if node["NodeID"] == context.get_node_id()]
        self._raylet = next(((node["NodeManagerAddress"], int(node["NodeManagerPort"])) for node in mine), None)
        host, _, port = context.gcs_address.rpartition(":")
        self._gcs = (host.strip("[]"), int(port)) if port.isdecimal() else None
        self._failing = 0.0  # since when the GCS does not answer; 0 while it does
        self._looked = 0.0
        self.doubtful = False  # whether the GCS does not answer just now: no call of Ray's that needs it should be made
        self.gone: str | None = None  # what is not there any more, for good

    def feel(self, *, at_once: bool = False) -> str | None:
        """Return what is not there any more, in words; None where all is well, or may be so again."""
        now = time.monotonic()
        if self.gone or (now - self._looked < LOOK and not at_once):
            return self.gone
        self._looked = now
        if self._raylet and _listens(self._raylet) is False:
            self.gone = "its raylet on this machine has ended"
        elif self._gcs:
            self._feel_gcs(self._gcs, now)
        return self.gone

    def _feel_gcs(self, address: tuple[str, int], now: float) -> None:
        listens = _listens(address)
        self.doubtful = listens is not True
        self._failing = (self._failing or now) if self.doubtful else 0.0
        if self.doubtful and now - self._failing >= (REFUSED if listens is False else SILENT):
            self.gone = "its GCS at {}:{} {}".format(*address, "has ended" if listens is False else "does not answer")


def _listens(address: tuple[str, int]) -> bool | None:
    """Return whether somebody listens at an address; None where nobody knows, since no answer comes at all."""
    try:
        socket.create_connection(address, ANSWERS).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    return True
