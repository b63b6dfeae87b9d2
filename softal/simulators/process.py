"""Runs a user's program such that nothing of it is left over: not at its end, its walltime, nor our own death."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from softal.errors import SimulationError, WalltimeExceeded
from softal.simulators.printed import bounded

STDOUT, STDERR, EXIT_CODE = "stdout.txt", "stderr.txt", "exit_code.txt"
RUN = "SOFTAL_RUN"  # variable of the environment of a program and of all that it starts
READ = 100_000  # characters at the end of a stream in which an error is looked for
LONGEST_ERROR = 300  # characters of one that are quoted
# `ERROR: Lost atoms`, `ValueError: ...`, `Fatal error:`, `Segmentation fault`; not `error = 0.1`, nor `0 errors`.
ERROR = re.compile(
    r"(?:\b(?:\w*error|fatal|exception|\w*exception)\b\s*(?::|!|\(|\bin\b|\bon\b|$)|^\W*(?:error|fatal)\b(?!\s*=)"
    r"|segmentation fault|\babort(?:ed|ing)?\b)",
    re.IGNORECASE,
)
# The program waits for a word from us, so that it cannot start before its watcher; without the word, it never does.
GATE = 'read -r go && exec "$@" < "$0"'
# Waits for our death, which closes its standard input, and then kills the program's process group.
WATCH = 'read -r line; kill -9 "-$1"'  # dash knows no `--`


def run_program(
    arguments: Sequence[str] | str,
    workdir: Path,
    environment: Mapping[str, str],
    walltime: float | None,
    limit: int | None = None,
    whole: Collection[str] = (),
    *,
    stdin: str = os.devnull,
    begun: float | None = None,
) -> int:
    """Run a program in `workdir` and return its exit code (negative: the signal that ended it).

    Its output goes to stdout.txt and stderr.txt there, its exit code to exit_code.txt. It gets a process group of its
    own, and whatever of the group is left when the program ends is killed. What it starts in other groups is known by
    `RUN` in its environment, too, which is `workdir`.

    Args:
        arguments: the program and its arguments; as one text, it goes through the shell.
        workdir: working folder.
        environment: all environment variables.
        walltime: when it is killed [s]; None is never.
        limit: of each of the two files [bytes], whose middle is left out beyond it; None is any number.
        whole: names of those that are left as they are.
        stdin: file in `workdir`, or absolute path, of what it reads from its standard input.
        begun: when the first of several programs began, by `time.monotonic`: the walltime is that of all of them, and
            what this one writes is added to what the others have written. None where it is alone.

    Raises:
        SimulationError: if it cannot be started.
        WalltimeExceeded: if it was killed.
    """
    command = ["/bin/sh", "-c", arguments] if isinstance(arguments, str) else list(arguments)
    program_file = str(workdir / command[0]) if "/" in command[0] else command[0]
    if shutil.which(program_file, path=environment.get("PATH", os.defpath)) is None:
        wrong = "it is not executable" if Path(program_file).is_file() else "no such file or command"
        raise SimulationError(f"{command[0]!r} cannot be started: {wrong}")
    left = walltime if walltime is None or begun is None else walltime - (time.monotonic() - begun)
    for name in (STDOUT, STDERR) if begun is None else ():
        (workdir / name).unlink(missing_ok=True)
    with (workdir / STDOUT).open("a+b") as stdout, (workdir / STDERR).open("a+b") as stderr:
        program = subprocess.Popen(
            ["/bin/sh", "-c", GATE, stdin, *command],
            cwd=workdir,
            env={**environment, RUN: str(workdir)},
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        streams = [one for name, one in ((STDOUT, stdout), (STDERR, stderr)) if name not in whole]
        with bounded(streams, limit), _group_ends(program):
            try:
                code = program.wait(None if left is None else max(0.0, left))
            except subprocess.TimeoutExpired:
                raise WalltimeExceeded(
                    f"ran longer than its walltime of {walltime:g} s and was stopped{quoted_tail(workdir)}"
                ) from None
    (workdir / EXIT_CODE).write_text(f"{code}\n", encoding="utf-8")
    return code


@contextlib.contextmanager
def _group_ends(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the program's whole process group at the end of the block, or at our own death, whichever comes first."""
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", WATCH, "softal-watcher", str(program.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # what kills our process group must leave it alive
    )
    try:
        assert program.stdin is not None
        with contextlib.suppress(BrokenPipeError), program.stdin:
            program.stdin.write(b"go\n")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        watcher.kill()
        watcher.communicate()


def launcher_words(launcher: str, cpus: int) -> list[str]:
    """Return the words of what starts several processes, such as `mpirun -np {cpus}`."""
    return [part.replace("{cpus}", str(cpus)) for part in shlex.split(launcher)]


def describe_exit(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        hint = {126: " (not executable)", 127: " (command not found)"}.get(code, "")
        return f"ended with exit code {code}{hint}"
    hint = "; the machine may be out of memory" if -code == signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-code).name}{hint}"


def quoted_tail(workdir: Path, lines: int = 5, characters: int = 500) -> str:
    """Return what the output says of an end, for a reason: its last error, and its last lines; empty without any.

    The last lines are those of stderr, or else of stdout; the error is the last line of either that looks like one, and
    may stand far above the end, or in the other stream.
    """
    ends = {name: _end_of(workdir / name) for name in (STDERR, STDOUT) if (workdir / name).is_file()}
    shown = next((name for name, text in ends.items() if text), None)
    if shown is None:
        return ""
    tail = " | ".join(ends[shown].splitlines()[-lines:])[-characters:]
    errors = [
        f"; {name} says: {error}" for name, text in ends.items() if (error := _last_error(text)) and error not in tail
    ]
    return f"{''.join(errors)}; {shown} ends: {tail}"


def last_line(path: Path) -> str:
    """Return the last line of a file that is not empty; what stands before it is not read."""
    with path.open("rb") as file:
        size, read = file.seek(0, os.SEEK_END), READ
        while True:
            file.seek(max(0, size - read))
            lines = file.read().decode(errors="replace").rstrip().splitlines()
            if len(lines) > 1 or read >= size:
                return lines[-1] if lines else ""
            read *= 4


def last_error(workdir: Path, streams: Sequence[str] = (STDERR, STDOUT)) -> str:
    """Return the last line of the first stream that looks like an error; empty where there is none in any."""
    return next((error for name in streams if (error := _last_error(_end_of(workdir / name)))), "")


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - READ))
        return file.read().decode(errors="replace").strip()


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    at = next((i for i in reversed(range(len(lines))) if ERROR.search(lines[i])), None)
    if at is None:
        return ""
    # GROMACS's `Fatal error:` stands above what it means.
    more = next((line for line in lines[at + 1 :] if line), "") if lines[at].endswith(":") else ""
    return f"{lines[at]} {more}".strip()[:LONGEST_ERROR]
