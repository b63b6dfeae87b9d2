"""What MPICH keeps in /dev/shm goes with the process that has it, and what killed ones have left at the next start."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from softal.simulators.engines import shared_memory
from softal.simulators.engines.lammps import Lammps

pytestmark = pytest.mark.skipif(not shared_memory.FOLDER.is_dir(), reason="there is no /dev/shm")

KILLED = """
import os, signal
from pathlib import Path
import numpy as np
from softal.simulators.engines import Box, Mie, System
from softal.simulators.engines.lammps import Lammps
positions = np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])
system = System(positions, np.zeros((2, 3)), Box.cube(8.0), Mie(epsilon=1.0, sigma=1.0, cutoff=2.5), 1.0)
engine = Lammps(system, kT=1.0, dt=0.001, thermostat_time=0.1, seed=1)
maps = Path("/proc/self/maps").read_text().splitlines()
print(*[line.split(maxsplit=5)[5] for line in maps if "mpich_shm" in line], sep="|", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.physics
@pytest.mark.skipif(not Lammps.available(), reason="LAMMPS is not installed")
def test_a_process_that_ran_lammps_leaves_nothing_when_it_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    for segment in filter(None, done.stdout.strip().split("|")):  # there are none with another MPI
        assert segment.endswith(" (deleted)")
        assert not Path(segment.removesuffix(" (deleted)")).exists()


@pytest.fixture
def left() -> Iterator[list[Path]]:
    """Files as killed processes leave them: an old one, a new one, an old one that this process has mapped."""
    paths = [shared_memory.FOLDER / f"mpich_shm_test{os.getpid():x}_{number}" for number in range(3)]
    for path in paths:
        path.write_bytes(bytes(mmap.PAGESIZE))
    for path in (paths[0], paths[2]):
        os.utime(path, (time.time() - 3600,) * 2)
    yield paths
    for path in paths:
        path.unlink(missing_ok=True)


def test_what_killed_processes_have_left_is_removed(left: list[Path]) -> None:
    with left[2].open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ):
        shared_memory.sweep()
        assert [path.exists() for path in left] == [False, True, True]
    shared_memory.sweep()
    assert [path.exists() for path in left] == [False, True, False]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_what_another_user_has_stays(left: list[Path]) -> None:
    os.chown(left[0], 4321, 4321)
    shared_memory.sweep()
    assert left[0].exists()
