"""Reads many damaged files, and says of each whether softal did as it should: a result, or an error of its own.

    python tests/fuzzing.py --each 10000              `make fuzz`
    python tests/fuzzing.py journals --each 500 --first 0 --keep /tmp/defects

The i-th damaged file of a kind is the same in each run. Files are read in a process of their own, which has little
memory to spare, and is ended where a file takes too long.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzzed import KINDS, Kind

SECONDS = 5.0  # of the processor that a file may take
HANGS = 90.0  # seconds by the clock after which a process is ended, on a machine that has other work
BYTES = 10**9  # that a file may take


@dataclass(frozen=True)
class Outcome:
    """What came of one file.

    Attributes:
        number: of the file, among those of its kind.
        what: `fine`, `refused` (an error of softal's own), or a defect, in words.
        seconds: of the processor.
        detail: the error.
    """

    number: int
    what: str
    seconds: float
    detail: str = ""

    @property
    def right(self) -> bool:
        """Whether softal did as it should."""
        return self.what in ("fine", "refused")


def outcomes(kind: str, count: int, first: int = 0, keep: Path | None = None) -> Iterator[Outcome]:
    """Give what comes of each of `count` damaged files, of the one with number `first` on; defects are kept."""
    with tempfile.TemporaryDirectory() as scratch:
        number, last = first, first + count
        while number < last:
            for outcome in _read_by(kind, number, last, Path(scratch), keep):
                yield outcome
                number = outcome.number + 1


def _read_by(kind: str, first: int, last: int, scratch: Path, keep: Path | None) -> Iterator[Outcome]:
    """Give the outcomes that one process says; one more where it ends or hangs before its last file."""
    words = [sys.executable, __file__, kind, "--child", scratch, "--first", first, "--each", last - first]
    words += ["--keep", keep] if keep else []
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    number = first
    with (
        (scratch / "said").open("w+b") as errors,
        subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, stderr=errors, env=environment) as process,
    ):
        assert process.stdout is not None
        while select.select([process.stdout], [], [], HANGS)[0] and (line := process.stdout.readline()):
            outcome = Outcome(**json.loads(line))
            number = outcome.number + 1
            yield outcome
        code = process.poll()
        process.kill()
        if number < last:
            said = "it hangs" if code is None and process.wait() == -9 else "the process died"
            errors.seek(0)
            yield Outcome(number, said, HANGS, errors.read()[-2000:].decode(errors="replace"))


def read_all(kind: Kind, name: str, first: int, last: int, scratch: Path, keep: Path | None) -> None:
    """Read damaged files in this process, and say what came of each on standard output."""
    good, folder = scratch / "good", scratch / "damaged"
    if not good.exists():
        good.mkdir()
        kind.make(good)
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what readers print goes elsewhere
    limited = False
    for number in range(first, last):
        rng = random.Random(f"{name} {number}")
        _made(kind, good, folder, rng)
        before, begun = _peak(), time.process_time()
        what, detail = _read(kind, folder, rng)
        seconds = time.process_time() - begun
        if number >= first + 20 and not limited:  # by now all is imported that files need
            limited = True
            resource.setrlimit(resource.RLIMIT_AS, (_size() + 3 * BYTES, resource.RLIM_INFINITY))
        if what in ("fine", "refused"):
            if seconds > SECONDS and number > first + 20:
                what = f"it takes more than {SECONDS:g} s"
            elif _peak() - before > BYTES and number > first + 20:
                what = "it takes more than 1 GB"
        outcome = Outcome(number, what, round(seconds, 3), detail[-3000:])
        if keep and not outcome.right:
            shutil.copytree(folder, keep / f"{name}-{number}", symlinks=True, dirs_exist_ok=True)
        print(json.dumps(outcome.__dict__), file=said, flush=True)


def _made(kind: Kind, good: Path, folder: Path, rng: random.Random) -> Path:
    folder.mkdir(exist_ok=True)
    kind.spoil(good, folder, rng)
    return folder


def _read(kind: Kind, folder: Path, rng: random.Random) -> tuple[str, str]:
    from softal.errors import SoftalError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind.read(folder, rng)
    except SoftalError as error:
        if _of_memory(error):
            return "it asks for too much memory", str(error)
        return "refused", str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if "softal" in f.filename or "fuzz" in f.filename
        ]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return f"{type(error).__name__} at {place}", traceback.format_exc()
    return "fine", ""


def _of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main() -> int:
    """Read files of all kinds, or of those that are named, and list what went wrong; 1 where anything did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--each", type=int, default=500, help="files of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--keep", type=Path, help="folder for the files that show a defect")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        (name,) = given.kinds
        read_all(KINDS[name], name, given.first, given.first + given.each, given.child, given.keep)
        return 0
    wrong = 0
    for name in given.kinds or KINDS:
        begun, slowest = time.monotonic(), 0.0
        counts: Counter[str] = Counter()
        shown: dict[str, Outcome] = {}
        for outcome in outcomes(name, given.each, given.first, given.keep):
            counts[outcome.what] += 1
            slowest = max(slowest, outcome.seconds)
            if not outcome.right:
                shown.setdefault(outcome.what, outcome)
        defects = sum(counts[what] for what in shown)
        took = f"the slowest {slowest:.1f} s, all {time.monotonic() - begun:.0f} s"
        counted = f"{counts['fine']} fine, {counts['refused']} refused, {defects} defects"
        print(f"{name}: {counted} of {given.each}; {took}", flush=True)
        for what, one in shown.items():
            print(f"  {counts[what]} x {what}, such as number {one.number}:")
            print("    " + "\n    ".join(one.detail.strip().splitlines()[-12:]))
        wrong += defects
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
