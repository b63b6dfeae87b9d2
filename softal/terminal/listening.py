"""Which ports of a Ray of the user's listen, and to whom: by the sockets that the system knows."""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from softal.orchestrator.cluster import private

LISTENS = "0A"  # in /proc/net/tcp
# What a process of Ray's is, by its command line; the first that is found in it counts.
PARTS = {
    "gcs_server": "GCS",
    "/raylet/raylet": "raylet",
    "dashboard/dashboard.py": "dashboard",
    "dashboard/agent.py": "metrics agent",
    "ray::DashboardAgent": "metrics agent",
    "runtime_env/agent/main.py": "runtime environments",
    "ray::RuntimeEnvAgent": "runtime environments",
    "ray/_private/log_monitor": "log monitor",
    "ray/autoscaler": "autoscaler",
    "default_worker.py": "workers",
    "ray::": "workers",
    "softal": "softal itself",
}


@dataclass(frozen=True)
class Listening:
    """A port that listens.

    Attributes:
        part: of Ray: GCS, raylet, workers and agents ...
        address: on which it listens.
        port: its number.
    """

    part: str
    address: str
    port: int

    @property
    def open(self) -> bool:
        """Whether other machines reach it, where no firewall is in between."""
        return not ipaddress.ip_address(self.address).is_loopback


def listening(proc: Path = Path("/proc")) -> list[Listening]:
    """Return the ports on which Ray's processes of this user listen; empty where there are none, or not on Linux."""
    sockets = dict(_sockets(proc))
    found = []
    for process in proc.iterdir() if proc.is_dir() else ():
        if process.name.isdigit() and (part := _part(process)):
            own = {target for target in _links(process / "fd") if target in sockets}
            found += [Listening(part, *sockets[target]) for target in own]
    return sorted(found, key=lambda one: (one.part, one.port))


def _sockets(proc: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """Give what a descriptor of each listening socket links to, with address and port."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text(encoding="utf-8").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if len(fields) > 9 and fields[3] == LISTENS:
                address, _, port = fields[1].partition(":")
                yield f"socket:[{fields[9]}]", (_address(address), int(port, 16))


def _address(text: str) -> str:
    """Return the address that the system writes as words of 32 bits, each with its bytes in the machine's order."""
    words = [bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8)]
    found = ipaddress.ip_address(b"".join(words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _part(process: Path) -> str | None:
    """Return which part of Ray a process of this user is, softal itself among them; None where it is none."""
    try:
        if process.stat().st_uid != os.geteuid():
            return None
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has ended
        return None
    return next((part for text, part in PARTS.items() if text in command), None)


def _links(folder: Path) -> Iterator[str]:
    try:
        for descriptor in folder.iterdir():
            yield str(descriptor.readlink())
    except OSError:  # it has ended, or is another user's
        return


def ports_in_words(found: list[Listening]) -> str:
    """Return which parts listen to whom, in one line; what will be where no Ray runs."""
    if not found:
        return (
            "no Ray of yours runs. One that softal starts listens on all interfaces: GCS, raylet, workers and softal "
            "itself for whoever has the token, figures for everybody"
        )
    parts = dict.fromkeys(one.part for one in found if one.open)
    to_all = [f"{part} ({_numbers(one.port for one in found if one.part == part and one.open)})" for part in parts]
    closed = sum(not one.open for one in found)
    said = f"reached from other machines: {', '.join(to_all)}" if to_all else "none is reached from other machines"
    return f"{said}; {closed} only from this one"


def _numbers(ports: Iterator[int]) -> str:
    listed = sorted(set(ports))
    return ", ".join(map(str, listed[:4])) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")


def token_in_words() -> tuple[str, str]:
    """Return how Ray's token is kept, and what to do where it is open to others."""
    path = private.token_path()
    if os.environ.get(private.MODE, "token").lower() != "token":
        return "none, by RAY_AUTH_MODE: whoever reaches Ray's ports runs code as you", "unset RAY_AUTH_MODE"
    if path is None:
        return f"in the environment ({private.TOKEN})", ""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return f"none yet; the first launch makes {path} for you alone", ""
    if mode & private.OTHERS:
        return f"others can read {path} ({mode:04o}), and run code as you with it", f"chmod 600 {path}"
    return f"{path}, for you alone", ""
