"""Looks at this machine: what softal needs, what it finds, and what to do about what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softal.errors import EngineUnavailable
from softal.orchestrator import provenance
from softal.orchestrator.cluster.probe import limits, named, unreachable
from softal.simulators.engines import ENGINES, find, title
from softal.simulators.gromacs import program as gromacs
from softal.terminal.listening import listening, ports_in_words, token_in_words

if TYPE_CHECKING:
    from rich.console import Console

OK, WARNING, ABSENT = "ok", "warning", "absent"
MISSING = "not installed"
GIB = 2**30
ROOM = 5 * GIB  # of disk: trajectories and MLflow's database
PATIENCE = 120  # of one check in a process of its own [s]; a first import from a slow disk takes long
PORTS = {8265: "Ray's dashboard", 5000: "MLflow's UI"}
ELSEWHERE = {
    8265: "Ray's dashboard takes the next free port, or cluster.dashboard_port of the campaign file",
    5000: "softal ui takes the next free port, or --port",
}
# Each engine is really run, in a process of its own that may crash: two atoms, ten steps. The version goes to stdout.
TRY_ENGINE = """
import sys
import numpy as np
from importlib.metadata import version
from softal.simulators.engines import Box, Mie, System, find
positions = np.array([[1.0, 1.0, 1.0], [2.2, 1.0, 1.0]])
system = System(positions, np.zeros((2, 3)), Box.cube(8.0), Mie(epsilon=1.0, sigma=1.0, n=12.0, cutoff=2.5))
with find(sys.argv[1])(system, kT=1.0, dt=0.001, thermostat_time=0.1, seed=1) as engine:
    engine.run(10)
    engine.frame()
try:
    print(version(sys.argv[1]))
except Exception:
    print(__import__(sys.argv[1]).__version__)
"""
TRY_TORCH = """
import torch
count = torch.cuda.device_count() if torch.cuda.is_available() else 0
print("; ".join(f"{torch.cuda.get_device_name(i)}, {torch.cuda.get_device_properties(i).total_memory / 2**30:.0f} GiB"
                for i in range(count)))
"""


def examine(runs: Path = Path("runs")) -> dict[str, Any]:
    """Return `{ok, checks: [{name, state, found, advice}]}`; `ok` says whether there is nothing to warn of.

    A check's state is ok, warning, or absent: not there, but not needed.

    Args:
        runs: folder in which campaigns would have their folders of state.
    """
    engines = [_engine(name) for name in ENGINES]
    if any(check["state"] == OK for check in engines):  # one engine is enough
        engines = [check | {"state": ABSENT} if check["found"] == MISSING else check for check in engines]
    checks = [
        _python(),
        *engines,
        _gromacs(),
        _cores(),
        _memory(),
        _gpus(),
        _disk(runs),
        _writable(runs),
        *(_port(port) for port in PORTS),
        _package("ray", "pip install 'ray[default,tune]'"),
        _running_ray(),
        _token(),
        _open_ports(),
        _package("mlflow", "pip install mlflow"),
    ]
    return {
        "ok": all(check["state"] != WARNING for check in checks),
        "checks": checks,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
    }


def show_examination(console: Console, found: Mapping[str, Any]) -> None:
    """Print the examination for people: a line for each thing, with advice where something is missing."""
    from rich.table import Table
    from rich.text import Text

    marks = {OK: ("ok", "green"), WARNING: ("warning", "bold yellow"), ABSENT: ("none", "dim")}
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for check in found["checks"]:
        text = Text(check["found"])
        if check["advice"]:
            text.append(f"\n{check['advice']}", style="dim" if check["state"] != WARNING else "yellow")
        table.add_row(Text(*marks[check["state"]]), check["name"], text)
    console.print(table)
    versions = "  ".join(f"{name} {version}" for name, version in found["versions"].items())
    console.print(Text(f"\n{versions}", style="dim"))


def _check(name: str, found: str, advice: str = "", state: str | None = None) -> dict[str, str]:
    return {"name": name, "state": state or (WARNING if advice else OK), "found": found, "advice": advice}


def _python() -> dict[str, str]:
    advice = "" if sys.version_info >= (3, 11) else "softal needs Python 3.11 or newer"
    return _check("Python", f"{platform.python_version()} at {sys.executable}", advice)


def _engine(name: str) -> dict[str, str]:
    try:
        engine = find(name)
    except EngineUnavailable as missing:
        return _check(title(name), MISSING, str(missing))
    code, out, error = _in_a_process(TRY_ENGINE, name)
    if code == 0:
        return _check(engine.title, f"{out}, ran two atoms")
    return _check(engine.title, f"installed, but it fails: {error}", engine.installation)


def _gromacs() -> dict[str, str]:
    """Say which GROMACS the kind `gromacs` would run, which nothing else needs."""
    path = gromacs.find(None)
    if path is None:
        return _check("GROMACS", MISSING, f"for `kind: gromacs`: {gromacs.INSTALLATION}", ABSENT)
    try:
        return _check("GROMACS", f"{gromacs.version(path)} at {path}")
    except RuntimeError as error:
        return _check("GROMACS", str(error), gromacs.INSTALLATION)


def _in_a_process(code: str, *arguments: str) -> tuple[int, str, str]:
    """Run code in a Python of its own; return its exit code, and the last lines of its output and of its errors."""
    command = [sys.executable, "-c", code, *arguments]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return 1, "", f"no answer within {PATIENCE} s"
    error = _last_line(ran.stderr) or _last_line(ran.stdout)
    if ran.returncode < 0:
        error = f"killed by signal {-ran.returncode} {error}".rstrip()
    return ran.returncode, _last_line(ran.stdout), error


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _cores() -> dict[str, str]:
    usable = provenance.usable_cpus()
    limit = _cgroup_cores()
    found = f"{usable} of {os.cpu_count()}"
    if limit is not None and limit < usable:
        return _check("cores", f"{found}, held to {limit:g} by a cgroup", f"workers.concurrent up to {max(1, limit):g}")
    return _check("cores", found)


def _cgroup_cores() -> float | None:
    """Return how many cores a container may use; None without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _memory() -> dict[str, str]:
    try:
        lines = (line.split(":") for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
        kilobytes = {name: int(value.split()[0]) for name, value in lines}
    except (OSError, ValueError):
        return _check("memory", "unknown on this system", state=OK)
    total, free = (kilobytes.get(name, 0) * 1024 / GIB for name in ("MemTotal", "MemAvailable"))
    advice = "Ray and its agents take about 2 GiB, besides the simulations" if free < 3 else ""
    return _check("memory", f"{free:.1f} GiB free of {total:.1f} GiB", advice)


def _gpus() -> dict[str, str]:
    code, devices, error = _in_a_process(TRY_TORCH)
    driver = _nvidia_smi()
    if code != 0:
        return _check("GPUs", f"PyTorch fails: {error}", "pip install torch")
    if devices:
        return _check("GPUs", devices)
    if driver:
        return _check("GPUs", f"{driver}, which PyTorch cannot use", "install PyTorch for CUDA: https://pytorch.org")
    return _check("GPUs", "none; simulations and surrogates run on the CPU", state=ABSENT)


def _nvidia_smi() -> str:
    """Return the devices that NVIDIA's driver sees, or nothing."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        ran = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (subprocess.SubprocessError, OSError):
        return ""
    return "; ".join(ran.stdout.split("\n")).strip("; ")


def _disk(runs: Path) -> dict[str, str]:
    free = shutil.disk_usage(_nearest(runs)).free
    advice = f"below {ROOM / GIB:g} GiB a long campaign may fill the disk; --runs puts its state elsewhere"
    return _check("disk", f"{free / GIB:.1f} GiB free at {_nearest(runs)}", advice if free < ROOM else "")


def _writable(runs: Path) -> dict[str, str]:
    place = _nearest(runs)
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return _check("state", f"{runs.resolve()} can be written")
    return _check("state", f"{place} cannot be written", "--runs puts a campaign's state elsewhere")


def _nearest(path: Path) -> Path:
    """Return the path, or its nearest parent that is there."""
    path = path.resolve()
    return next(place for place in (path, *path.parents) if place.exists())


def _port(port: int) -> dict[str, str]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just given back is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return _check(f"port {port}", f"taken{_holder(port)} ({PORTS[port]})", ELSEWHERE[port])
    return _check(f"port {port}", f"free ({PORTS[port]})")


def _holder(port: int) -> str:
    """Return who listens on a port of this machine, as far as /proc tells this user."""
    try:
        lines = [
            line.split()
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]
        ]
        inodes = {f"socket:[{line[9]}]" for line in lines if line[3] == "0A" and int(line[1].split(":")[1], 16) == port}
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and inodes & _sockets(process):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f" by process {process.name}, {command[:80]}"
    except (OSError, ValueError, IndexError):
        pass
    return ""


def _sockets(process: Path) -> set[str]:
    found = set()
    try:
        for descriptor in (process / "fd").iterdir():
            found.add(str(descriptor.readlink()))
    except OSError:  # another user's, or gone
        pass
    return found


def _package(name: str, installation: str) -> dict[str, str]:
    version = provenance.versions().get(name)
    title = {"ray": "Ray", "mlflow": "MLflow"}[name]
    return _check(title, version) if version else _check(title, MISSING, installation)


def _token() -> dict[str, str]:
    return _check("Ray's token", *token_in_words())


def _open_ports() -> dict[str, str]:
    """Say which ports of a running Ray of the user's other machines reach, or which would be."""
    found = listening()
    advice = "a firewall keeps others away: docs/clusters.md lists them all"
    return _check("Ray's ports", ports_in_words(found), advice if any(one.open for one in found) else "", OK)


def _running_ray() -> dict[str, str]:
    """Say which Ray a campaign would join; without RAY_ADDRESS each launch starts its own."""
    name = "Ray cluster"
    address = named(None)
    if address is None:
        if wrong := limits(1):
            return _check(name, f"a launch cannot start a Ray of its own: {wrong}", wrong.rpartition("; ")[2])
        said = os.environ.get("RAY_ADDRESS") or "not set"
        return _check(name, f"RAY_ADDRESS is {said}: a launch starts a Ray of its own", state=OK)
    if wrong := unreachable(address):
        return _check(name, f"RAY_ADDRESS is {address}, where none can be joined: {wrong}", "unset RAY_ADDRESS")
    return _check(name, f"RAY_ADDRESS is {address}, which answers: a launch joins it", state=OK)
