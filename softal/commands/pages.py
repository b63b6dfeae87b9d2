"""`softal ui` and `softal serve`: pages in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from softal.commands.options import Folder


def ui(folder: Folder, port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 5000) -> None:
    """Open MLflow's UI on a campaign."""
    from softal.orchestrator.campaign import Campaign
    from softal.service.pages import serve_mlflow
    from softal.terminal.output import Terminal

    serve_mlflow(Campaign.open(folder), port, say=lambda text: Terminal().print(text, soft_wrap=True))


def serve(
    folder: Folder, port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=0, max=65535)] = 8080
) -> None:
    """Serve a page on which sliders move what is predicted, and which simulates, on this machine only."""
    from softal.orchestrator.campaign import Campaign
    from softal.service.pages import serve_predictions
    from softal.terminal.output import Terminal

    serve_predictions(
        Campaign.open(folder, own_code=True), port, say=lambda text: Terminal().print(text, soft_wrap=True)
    )
