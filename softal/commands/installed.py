"""`softal kinds` and `softal doctor`: what there is on this machine."""

from __future__ import annotations

from softal.commands.options import AsJson


def kinds(as_json: AsJson = False) -> None:
    """List every simulator, strategy and surrogate with its settings."""
    from softal.terminal.catalogue import catalogue, show_catalogue
    from softal.terminal.output import Terminal, print_json

    found = catalogue()
    if as_json:
        print_json(found)
    else:
        show_catalogue(Terminal(), found)


def doctor(as_json: AsJson = False) -> None:
    """Say which engines, cores, GPUs and ports are found here."""
    from softal.terminal.doctor import examine, show_examination
    from softal.terminal.output import Terminal, print_json

    found = examine()
    if as_json:
        print_json(found)
    else:
        show_examination(Terminal(), found)
