"""Looks, in seconds, whether a Ray can be joined or started: Ray itself may take a quarter of an hour to give up.

A probe opens a connection and makes a call that Ray's servers answer at once, if only with the wish for a token. So a
host that swallows packets, a port on which nobody listens, a process that hangs, and a server that is none of Ray's are
told apart before anything is written, and Ctrl-C ends the waiting.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from softal.errors import SoftalError
from softal.orchestrator.campaign_file.settings import ADDRESS
from softal.orchestrator.cluster import private
from softal.passwords import redacted
from softal.reading import in_a_line

VARIABLE = "RAY_ADDRESS"
PATIENCE = 10.0  # for all of a probe [s]
LATE = f"no answer within {PATIENCE:g} s"
HEAD, CLIENT = "head of a Ray", "server of Ray Client"
SERVERS = {  # a call that each answers, its port, and a call for which it wants a token, if for any
    HEAD: ("/grpc.health.v1.Health/Check", 6379, "/ray.rpc.NodeInfoGcsService/CheckAlive"),
    CLIENT: ("/ray.rpc.RayletDriver/ClusterInfo", 10001, "/ray.rpc.RayletDriver/ClusterInfo"),
}
NO_TOKEN = (
    "it wants a token: set RAY_AUTH_MODE=token, with what `ray get-auth-token` prints on its head in RAY_AUTH_TOKEN or "
    "~/.ray/auth_token"
)
FILES, FILES_EACH = 100, 3  # open files of Ray's head without workers, and for each


def named(address: str | None) -> str | None:
    """Return the address of the Ray that a campaign joins, None where it starts one of its own.

    Args:
        address: `cluster.address` of the campaign's file; null and `auto` leave it to RAY_ADDRESS, if that is set.
    """
    if address in (None, "auto"):
        address = os.environ.get(VARIABLE) or address  # inside a Ray job, or where the user says so
    return None if address == "local" else address


def refuse(address: str | None, concurrent: int, *, resumed: bool = False) -> None:
    """Raise SoftalError, with the way out, where no Ray can be joined or started.

    Args:
        address: `cluster.address` of the campaign's file.
        concurrent: trials at once.
        resumed: whether the campaign was launched before, so that its file is what it is.
    """
    joined, ray = named(address), sys.modules.get("ray")
    if joined is None:
        runs = ray is not None and ray.is_initialized()  # in this process
        if not runs and (wrong := limits(concurrent)):
            raise SoftalError(f"Ray cannot be started: {wrong}")
    elif wrong := unreachable(joined):
        way_out = "" if wrong == NO_TOKEN else f". {_way_out(address, resumed)}"
        raise SoftalError(f"Ray cannot be joined at {redacted(joined)} ({_source(address)}): {wrong}{way_out}")


def unreachable(address: str) -> str | None:
    """Return why no Ray answers at an address, within 10 s; None where one does.

    Args:
        address: `host:port`, `ray://host:port`, or `auto`.
    """
    return _within(PATIENCE, lambda until: _found(address, until), LATE)


def limits(concurrent: int) -> str | None:
    """Return which limit of this machine's does not let a Ray start for so many trials at once; None where all do."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # Ray raises its own limit as far as that
    needed = FILES + FILES_EACH * concurrent
    if files != resource.RLIM_INFINITY and files < needed:
        of = f"workers.concurrent: {concurrent}"
        return f"a process may have {files} files open, and Ray needs {needed} ({of}); ulimit -n 4096"
    if private.folder() is not None:
        return None
    folder = temporary()
    size = len(os.fsencode(folder / "ray")) + len(private.SOCKET)
    if size > private.LONGEST:
        return (
            f"the path of a socket has at most {private.LONGEST} bytes, and its own would have {size} in the temporary "
            f"folder {folder}; name a shorter one, such as RAY_TMPDIR=/tmp"
        )
    return None


def temporary() -> Path:
    """Return the folder in which a Ray of our own makes its folder, where that is left to Ray."""
    return Path(os.environ.get(private.OWN_FOLDER, os.environ.get("TMPDIR", "/tmp")))


def _source(address: str | None) -> str:
    return VARIABLE if address in (None, "auto") and os.environ.get(VARIABLE) else "cluster.address"


def _way_out(address: str | None, resumed: bool) -> str:
    if _source(address) == VARIABLE:
        return f"Start it, or `unset {VARIABLE}` for a Ray of the campaign's own"
    if resumed:
        return (
            "Start it (`ray start --head`), or name another one by --address HOST:PORT; --address local starts one for "
            "the campaign"
        )
    return "Start it (`ray start --head`), or name another one; `cluster: {address: local}` starts one for the campaign"


def _within(patience: float, work: Callable[[float], str | None], late: str) -> str | None:
    """Return what `work(until)` does, or `late` where it takes longer; Ctrl-C ends the waiting.

    In a thread, since the look-up of a name can neither be interrupted nor be given a limit.
    """
    said: list[str | None] = []
    thread = threading.Thread(target=lambda: said.append(work(time.monotonic() + patience)), daemon=True)
    thread.start()
    thread.join(patience)
    return said[0] if said else late


def _found(address: str, until: float) -> str | None:
    if address != "auto":
        return _answers(address, until, tokens=os.environ.get("RAY_AUTH_MODE", "").lower() == "token")
    last = _last_here()
    if last is None:
        return "no Ray runs on this machine"
    wrong = _answers(last, until, tokens=True)  # Ray takes its token along where it finds the address itself
    return wrong and f"the last one of this machine was at {last}: {wrong}"


def _last_here() -> str | None:
    """Return the address of the Ray that runs on this machine, or that did; None where there is none."""
    from ray._private.services import canonicalize_bootstrap_address

    try:
        found: str | None = canonicalize_bootstrap_address("auto")
    except ConnectionError:
        return None
    return found


def _answers(address: str, until: float, *, tokens: bool) -> str | None:
    parts = ADDRESS.fullmatch(address)
    if parts is None:
        return "host:port or ray://host:port is needed, such as head:6379"
    host, port = parts["host"].strip("[]"), int(parts["port"])
    try:
        socket.create_connection((host, port), timeout=_left(until)).close()
    except socket.gaierror as error:
        return f"the host's name cannot be resolved ({error.strerror})"
    except TimeoutError:
        return LATE
    except (OSError, OverflowError) as error:  # OverflowError: of a port above 65535
        return in_a_line(error)
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return None  # to ask it takes certificates, which are Ray's business
    return _ask(CLIENT if parts["client"] else HEAD, f"{parts['host']}:{port}", until, tokens)


def _ask(service: str, address: str, until: float, tokens: bool) -> str | None:
    """Return what is wrong with who answers calls at an address, for one who has `tokens`; None where it is Ray's."""
    import grpc

    def answered(method: str) -> Any:
        try:
            channel.unary_unary(method)(b"", timeout=_left(until))
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    serving, port, guarded = SERVERS[service]
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:  # as Ray has it
        code = answered(serving)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return LATE
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNIMPLEMENTED):
            return f"what answers there is no {service}, whose port is {port} by default"
        if not tokens and answered(guarded) is grpc.StatusCode.UNAUTHENTICATED:
            return NO_TOKEN
    return None


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())
