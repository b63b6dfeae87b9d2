"""`softal classify`: which crystal each particle of one's own configurations is in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from softal.commands.options import AsJson


def classify(
    file: Annotated[list[Path], typer.Argument(help="Configurations: GSD, extended XYZ or LAMMPS dumps.")],
    learner: Annotated[Path, typer.Option(help="Folder of a campaign that learned what particles are in.")],
    out: Annotated[
        Path | None, typer.Option(help="The GSD file to be written, of one file; else NAME.classified.gsd, here.")
    ] = None,
    species: Annotated[
        str | None, typer.Option(help="The file's types in the learner's order, large ones first, such as 'B,A'.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write the last frame of one file as a picture (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which structure each particle of your own configurations is in, in files that OVITO shows."""
    from softal.errors import SpaceError
    from softal.orchestrator.classified import classify as run
    from softal.orchestrator.classified import particle_learner
    from softal.terminal.output import Terminal, print_json
    from softal.terminal.particles import show_classified, show_picture

    for name, given in (("--out", out), ("--picture", picture)):
        if given is not None and len(file) > 1:
            raise SpaceError(f"{name} is given with {len(file)} files; allowed: with one")
    names = [name.strip() for name in (species or "").split(",") if name.strip()]
    loaded = particle_learner(learner)
    found = [run(one, loaded, out, names, picture) for one in file]
    if as_json:
        print_json([one.to_json() for one in found])
        return
    for one in found:
        show_classified(Terminal(), one)
    if picture is not None:
        show_picture(Terminal(), picture, found[0].names)
