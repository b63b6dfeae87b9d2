"""Launch a campaign as a Ray job, which goes on when the user logs out."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from softal.errors import SoftalError

DASHBOARD = "http://127.0.0.1:8265"


def submit(arguments: Sequence[str], dashboard: str | None = None) -> tuple[str, str]:
    """Submit `softal` with `arguments` to the cluster whose dashboard is at `dashboard`.

    The job runs on the cluster's head node with this Python, so softal, the campaign file and the folder of state must
    be there under the same paths.

    Returns:
        the job's id, and the dashboard's address.

    Raises:
        SoftalError: if no cluster answers there.
    """
    from ray.job_submission import JobSubmissionClient

    address = dashboard or os.environ.get("RAY_API_SERVER_ADDRESS", DASHBOARD)
    command = shlex.join([sys.executable, "-P", "-m", "softal.typer_cli", *arguments])
    try:
        client = JobSubmissionClient(address)
        # The dashboard's own variables must not reach the job; its folder is ours, for relative paths.
        job = client.submit_job(entrypoint=f"cd {shlex.quote(str(Path.cwd()))} && exec {command}")
    except Exception as error:  # connection refused, no token, an old server: each its own class
        raise SoftalError(
            f"no Ray cluster takes jobs at {address} ({str(error).strip().splitlines()[0]}). "
            "Start one with `ray start --head`, or name its dashboard with --dashboard http://HOST:8265"
        ) from error
    return str(job), address
