"""MLflow's pages to look at: its server's own application, of which only what reads is let through.

MLflow's server asks nobody who they are, so that every user of this machine could change or delete runs and artifacts.
uvicorn runs it: `uvicorn --factory softal.tracking.mlflow_pages:app`, with the database in `MLFLOW_BACKEND_STORE_URI`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

READING = ("GET", "HEAD", "OPTIONS")
# Searches whose terms are too long for an address; a GraphQL query of MLflow's pages asks for runs, and changes none.
SEARCHES = re.compile(
    r"/graphql|/(ajax-)?api/[23]\.0/mlflow/("
    r"(experiments|runs|logged-models|datasets|traces|issues)/search|experiments/search-datasets"
    r"|registered-models/get-latest-versions|traces/(batchGetInfos|metrics|calculate-filter-correlation))"
)
# What a GET reaches that is not the campaign's: addresses elsewhere, and programs that the server runs.
ELSEWHERE = re.compile(r"/gateway(/|$)|/gateway-proxy|/assistant(/|$)|/mlflow/gateway/")
REFUSAL = (
    "softal ui shows the campaign and changes nothing: this request would change something. The campaign itself writes "
    "what is in MLflow; to change it, stop this and use MLflow's own server on its database."
)


class ReadOnly:
    """Passes on requests that read, and refuses all others with 403."""

    def __init__(self, whole: Application) -> None:
        self.whole = whole

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and reads(scope["method"], scope["path"])):
            await self.whole(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            content = json.dumps({"error_code": "PERMISSION_DENIED", "message": REFUSAL}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": content})


def reads(method: str, path: str) -> bool:
    """Return whether a request changes nothing."""
    if ELSEWHERE.search(path):
        return False
    return method in READING or (method == "POST" and SEARCHES.fullmatch(path) is not None)


def app() -> ReadOnly:
    """Return MLflow's application for the database that the environment names; the files are in this folder."""
    from mlflow.server import constants

    database = os.environ["MLFLOW_BACKEND_STORE_URI"]
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: database,
        constants.REGISTRY_STORE_URI_ENV_VAR: database,
        constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: "./mlartifacts",
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
    }
    from mlflow.server.fastapi_app import app as whole
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(database, database, "mlflow-artifacts:/")  # says now what is wrong with them
    return ReadOnly(whole)
