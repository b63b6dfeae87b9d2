"""Where GROMACS is, and what it says where it ends with an error."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from softal.simulators.process import LONGEST_ERROR, READ, STDERR

NAMES = ("gmx", "gmx_d", "gmx_mpi", "gmx_mpi_d")
INSTALLATION = (
    "apt-get install gromacs, conda install -c conda-forge gromacs, or `source .../bin/GMXRC` of another installation"
)
MISSING = f"GROMACS is not found: there is no `gmx` on the path; {INSTALLATION}, or give `program:`"
PATIENCE = 60  # of `gmx --version` [s]
# How errors begin: exceptions have a title of their own in each class, such as `Inconsistency in user input:`.
_END = re.compile(
    r"^Program: .*?\n\n(?P<title>[A-Z][^\n]*):\n(?P<text>.*?)(?:\n\nFor more information|\Z)", re.MULTILINE | re.DOTALL
)
# What grompp has said before it gives up for the number of its errors or warnings.
_COUNTED = re.compile(r"There (?:was|were) \d+ error|Too many warnings")
_BEFORE = re.compile(r"^(?P<kind>ERROR|WARNING) \d+ (?P<text>\[.*?)\n(?=\n|\Z)", re.MULTILINE | re.DOTALL)


def find(name: str | None) -> str | None:
    """Return the path of the executable of this name, or else of the first one on the path; None without any."""
    return next((path for one in ([name] if name else NAMES) if (path := shutil.which(one))), None)


def is_mpi(path: str) -> bool:
    """Whether an executable takes its processes from an MPI library, and no `-nt`."""
    return "_mpi" in Path(path).name


def version(path: str) -> str:
    """Return the version of GROMACS; RuntimeError, in one line, if it does not run."""
    try:
        ran = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{path} does not run: {error}") from None
    found = re.search(r"^GROMACS version:\s*(\S+)", ran.stdout, re.MULTILINE)
    if ran.returncode != 0 or found is None:
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise RuntimeError(f"{path} does not run: {said[-1] if said else f'exit code {ran.returncode}'}")
    return found[1]


def reason(workdir: Path) -> str:
    """Return in one line why gmx has ended, from its `Fatal error:`; empty where it did not say."""
    text = (workdir / STDERR).read_text(encoding="utf-8", errors="replace")[-READ:]
    last = next(iter(list(_END.finditer(text))[-1:]), None)
    if last is None:
        return ""
    said = last["text"]
    if _COUNTED.match(said):
        own = text[text.rfind(":-) GROMACS", 0, last.start()) + 1 : last.start()]
        kind = "WARNING" if said.startswith("Too") else "ERROR"
        said = "; ".join(found["text"] for found in _BEFORE.finditer(own) if found["kind"] == kind) or said
        said += " (`grompp: [-maxwarn, 1]` would go on)" if kind == "WARNING" else ""
    title = "" if last["title"] == "Fatal error" else f"{last['title']}: "
    line = " ".join(f"{title}{said}".split())
    return line if len(line) <= 2 * LONGEST_ERROR else f"{line[: 2 * LONGEST_ERROR]}..."
