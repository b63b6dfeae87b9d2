"""A user's own simulation with GROMACS, as it is: the kind `gromacs`.

```yaml
simulator:
  kind: gromacs
  mdp: argon.mdp                 # or several runs, each from where the one before has ended: [em.mdp, npt.mdp]
  top: argon.top
  gro: argon.gro
  values: [Density, Potential]   # terms of `gmx energy`
  analysis: ["rdf -f traj_comp.xtc -s topol.tpr -ref Ar -sel Ar"]
  arrays: {g_r: rdf.xvg}
```

Parameters are placeholders, `{{ epsilon }}`, in any of the files, and in what the topology includes from its folder;
softal fills in `seed`, `fidelity`, `trial` and `cpus`, too. For each .mdp it runs `gmx grompp` and `gmx mdrun`, then
`gmx energy` for the values and each line of `analysis`, in the trial's folder. Files have the names that gmx gives
them, topol.tpr, traj_comp.xtc, ener.edr, confout.gro; those of earlier runs are called as their .mdp, em.tpr, em.gro.

Generators that GROMACS would seed itself (`gen-seed` and `ld-seed` of -1, or none) have the trial's seed. A run of less
than the full fidelity has so many of the last .mdp's `nsteps`, if no file uses `fidelity` in another way.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from softal.errors import SimulationError
from softal.simulators.asked import copy_beside, matching
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.gromacs import mdp, program
from softal.simulators.gromacs.inputs import Inputs
from softal.simulators.gromacs.runs import Runs
from softal.simulators.gromacs.settings import GromacsSettings
from softal.simulators.gromacs.units import unit_of
from softal.simulators.process import STDERR, STDOUT
from softal.trial import Observation, Point

MAX_SEED = 2**31 - 1  # of `gen-seed`
RESERVED = ("seed", "fidelity", "trial", "cpus")


class Gromacs(Simulator):
    """Runs grompp, mdrun, energy and other programs of GROMACS; placeholders in the user's files are the parameters."""

    Settings: ClassVar[type[GromacsSettings]] = GromacsSettings
    waits: ClassVar[bool] = True

    @cached_property
    def inputs(self) -> Inputs:
        """The user's files."""
        return Inputs.of(self.settings.mdp, self.settings.top, self.settings.gro)

    @cached_property
    def parameters(self) -> Mapping[str, str] | None:  # type: ignore[override]
        """The placeholders in the files."""
        names = self.inputs.names
        return {name: f"a placeholder in {names[name]}" for name in sorted(names) if name not in RESERVED}

    @property
    def outputs(self) -> Outputs | None:  # type: ignore[override]
        """Values, with the units of GROMACS, and arrays."""
        settings: GromacsSettings = self.settings
        return settings.outputs(unit_of)

    def check(self) -> list[str]:
        """Say that GROMACS is not here."""
        return [] if program.find(self.settings.program) else [program.MISSING]

    def remarks(self) -> list[str]:
        """Say which generators have the same seed in all trials."""
        said = ((name, mdp.fixed_seeds(self.inputs.texts[name])) for name in self.inputs.mdp)
        return [
            f"{name} has {' and '.join(fixed)}, in all trials the same; -1 lets each trial have its own"
            for name, fixed in said
            if fixed
        ]

    def run(self, point: Point, context: Context) -> Observation:
        """Run the user's files at `point`, and read the results.

        Raises:
            SimulationError: with the text of gmx's `Fatal error:` where it ends with one; for its walltime, and results
                that are missing or not finite.
        """
        settings: GromacsSettings = self.settings
        found = program.find(settings.program)
        if found is None:
            raise SimulationError(program.MISSING)
        self._write_inputs(point, context)
        runs = Runs(found, settings, context)
        runs.simulate(self.inputs)
        runs.write_energies()
        for one in settings.analysis:
            runs.gmx(*shlex.split(one.run), answers=one.answers)
        programs = "gmx" if settings.analysis else "gmx mdrun, without any program in `analysis`,"
        return settings.observation(context.workdir, programs, (STDOUT, STDERR, "md.log"))

    def _write_inputs(self, point: Point, context: Context) -> None:
        inputs, workdir = self.inputs, context.workdir
        if unused := sorted(point.keys() - inputs.names.keys()):
            raise SimulationError(f"no file of GROMACS uses the parameter {unused[0]!r}")
        seed = 1 + (context.seed - 1) % MAX_SEED
        given = {"seed": seed, "fidelity": context.fidelity, "trial": context.trial, "cpus": max(1, int(context.cpus))}
        try:
            texts = inputs.filled({**given, **point})
            for name in inputs.mdp:
                texts[name] = mdp.with_entries(texts[name], mdp.seeded(texts[name], seed))
            if context.fidelity != 1 and "fidelity" not in inputs.names:
                last = inputs.mdp[-1]
                texts[last] = mdp.with_entries(texts[last], mdp.scaled_steps(texts[last], context.fidelity))
        except ValueError as error:
            raise SimulationError(str(error)) from None
        folder: Path = self.settings.top.parent
        copy_beside(folder, set(matching(folder, self.settings.files)) - texts.keys(), workdir)
        for name, text in texts.items():
            (workdir / name).parent.mkdir(parents=True, exist_ok=True)
            (workdir / name).write_text(text, encoding="utf-8", errors="surrogateescape")
