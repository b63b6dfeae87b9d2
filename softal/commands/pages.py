"""`softal ui` and `softal serve`: pages in the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from softal.commands.options import Folder

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign


def ui(folder: Folder, port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 5000) -> None:
    """Open MLflow's UI on a campaign."""
    from softal.orchestrator.campaign import Campaign
    from softal.service.pages import serve_mlflow

    serve_mlflow(Campaign.open(folder), port, say=_say)


def serve(
    folder: Folder, port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=0, max=65535)] = 8080
) -> None:
    """Serve a page on which sliders move what is predicted, and which simulates, on this machine only."""
    from softal.service.pages import serve_predictions

    serve_predictions(opened(folder, _say), port, say=_say)


def opened(folder: Path, say: Callable[[str], object]) -> Campaign:
    """Open a campaign with its author's modules, or, where these have gone, without, which is said."""
    from softal.errors import CampaignFileError
    from softal.orchestrator.campaign import Campaign

    try:
        return Campaign.open(folder, own_code=True)
    except CampaignFileError as error:
        campaign = Campaign.open(folder)
        say(f"The page shows what was found, and simulates nothing: {error.problems[0]}")
        return campaign


def _say(text: str) -> None:
    from softal.terminal.output import Terminal, plain

    Terminal().print(plain(text), soft_wrap=True)
