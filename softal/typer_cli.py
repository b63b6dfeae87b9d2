"""The command line: `softal COMMAND`, which takes one from `softal.commands`, and what becomes of errors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from softal.about import __version__
from softal.commands import by_hand, data, files, installed, looking, pages, particles, sessions
from softal.commands.sessions import CampaignEnded
from softal.commands.simulate import simulate

app = typer.Typer(
    help="Active learning for soft-matter simulations: decide what to simulate next.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    files.init, files.validate, sessions.launch, sessions.resume, looking.status, looking.trials, looking.best,
    looking.predict, looking.compare, data.add, data.repeat, data.drop, by_hand.ask, by_hand.tell, simulate,
    particles.classify, looking.report, pages.ui, pages.serve, installed.kinds, installed.doctor,
):  # fmt: skip
    app.command()(command)

FINISHED, FAILED, WRONG_USE = 0, 1, 2


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"softal {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; every error that softal knows is one message and an exit code, without a traceback.

    What cannot be printed changes nothing of what a campaign does, nor of its exit code. Other commands only print:
    where that does not work, they have failed; but not where their reader has left, as `head -1` does.
    """
    from softal.terminal import streams

    streams.secure()
    try:
        code = _code()
    except CampaignEnded as end:
        sys.exit(end.code)
    if code == FINISHED and (why := streams.lost()):
        _say_error(f"not all could be written to the standard output: {why}")
        code = FAILED
    sys.exit(code)


def _code() -> int | str | None:
    """Run the command line and return its exit code; CampaignEnded passes through."""
    from softal.errors import CampaignFileError, CampaignStateError, SoftalError, SpaceError

    try:
        app()
    except CampaignEnded:
        raise
    except SystemExit as end:
        return end.code or FINISHED
    except CampaignFileError as error:
        for problem in error.problems:
            _say_error(str(problem))
        return WRONG_USE
    except (CampaignStateError, SpaceError) as error:
        _say_error(str(error))
        return WRONG_USE
    except SoftalError as error:
        _say_error(str(error))
        return FAILED
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # a folder that is read-only, full, or not there
        from softal.reading import of_system

        _say_error(of_system(error))
        return FAILED
    return FINISHED


def _say_error(text: str) -> None:
    from softal.terminal.output import Terminal

    Terminal(stderr=True).say((text, "red"))


if __name__ == "__main__":
    main()
