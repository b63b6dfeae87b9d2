"""Programs of GROMACS, one after another in a trial's folder: grompp and mdrun, energy, and what the user asks for."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from softal.errors import InvalidObservation, SimulationError
from softal.simulators.base import Context
from softal.simulators.gromacs import program
from softal.simulators.gromacs.inputs import Inputs
from softal.simulators.gromacs.settings import ENERGY, GromacsSettings
from softal.simulators.process import STDERR, describe_exit, launcher_words, quoted_tail, run_program

LAST = ("topol.tpr", "confout.gro", "state.cpt")  # of the last run, as gmx calls them by itself
ANSWERS = "answers.txt"
# What `gmx energy` says of a term that it does not know, and its list of those that it does: `  1  LJ-(SR)   2  ...`.
UNKNOWN = re.compile(r"^String '(?P<term>.*)' does not match anything", re.MULTILINE)
LISTED = re.compile(r"(?<=\s)\d+  (?P<term>\S+)")


class Runs:
    """Programs of gmx that run one after another in a trial's folder."""

    def __init__(self, path: str, settings: GromacsSettings, context: Context) -> None:
        self.path, self.settings, self.context = path, settings, context
        self.begun = time.monotonic()
        self.cpus = max(1, int(context.cpus))

    def simulate(self, inputs: Inputs) -> None:
        """Run each .mdp from where the one before has ended."""
        workdir, begin = self.context.workdir, ["-c", inputs.gro]
        for name in inputs.mdp:
            stem, last = Path(name).stem, name == inputs.mdp[-1]
            tpr, gro, cpt = (f"{stem}.tpr", f"{stem}.gro", f"{stem}.cpt") if not last else LAST
            more = map(str, self.settings.grompp)
            self.gmx("grompp", "-f", name, *begin, "-p", inputs.top, "-o", tpr, *more)
            self._mdrun("-s", tpr, *([] if last else ["-deffnm", stem]))
            if not (workdir / gro).is_file():
                raise SimulationError(f"gmx mdrun did not write {gro}{quoted_tail(workdir)}")
            begin = ["-c", gro, *(["-t", cpt] if (workdir / cpt).is_file() else [])]

    def _mdrun(self, *arguments: str) -> None:
        launcher, more = self.settings.launcher, map(str, self.settings.mdrun)
        if launcher is not None:
            threads = ["-ntomp", "1"]
        else:
            threads = ["-ntomp" if program.is_mpi(self.path) else "-nt", str(self.cpus)]
        self.gmx("mdrun", *arguments, *threads, *more, launcher=launcher_words(launcher or "", self.cpus))

    def write_energies(self) -> None:
        """Let `gmx energy` write the series of the terms that are asked for.

        Raises:
            InvalidObservation: for one that the run does not have, with those that it has.
        """
        terms = {str(column) for column in self.settings.logged.values()}
        if not terms:
            return
        workdir = self.context.workdir
        asked = [re.sub(r"\s+", "-", term.strip()) for term in sorted(terms)]  # as gmx has them
        before = (workdir / STDERR).stat().st_size
        try:
            self.gmx("energy", "-o", ENERGY, *map(str, self.settings.energy), answers=asked)
        finally:
            said = (workdir / STDERR).read_bytes()[before:].decode(errors="replace")
            if unknown := UNKNOWN.search(said):
                listed = said.partition("-----\n")[2].partition("\n\n")[0]
                known = ", ".join(found["term"] for found in LISTED.finditer(f" {listed}"))
                raise InvalidObservation(f"gmx energy has no term {unknown['term']!r}; it has {known}")

    def gmx(self, *words: str, launcher: list[str] | None = None, answers: list[str] | tuple[str, ...] = ()) -> None:
        """Run a program of gmx.

        Raises:
            SimulationError: with its reason where it fails.
        """
        workdir = self.context.workdir
        environment = {**os.environ, "GMX_NO_QUOTES": "1", "OMP_NUM_THREADS": str(self.cpus)}
        if words[0] == "mdrun":  # which is told by its arguments, and minds if both do
            del environment["OMP_NUM_THREADS"]
        stdin = os.devnull
        if answers:
            stdin = ANSWERS
            (workdir / ANSWERS).write_text("".join(f"{one}\n" for one in answers), encoding="utf-8")
        command, limits = [*(launcher or []), self.path, *words], (self.context.walltime, self.context.output_limit)
        code = run_program(command, workdir, environment, *limits, stdin=stdin, begun=self.begun)
        if code != 0:
            reason = program.reason(workdir)
            ended = f": {reason}" if reason else f" {describe_exit(code)}{quoted_tail(workdir)}"
            raise SimulationError(f"gmx {words[0]}{ended}")
