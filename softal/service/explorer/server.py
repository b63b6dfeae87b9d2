"""The server of the page: Starlette on uvicorn, this machine only, this start's token only (see `access`).

    GET  /  page.css  *.js  plotly.js     the page and its files
         report                           the report
         api/campaign                     what `Explorer.describe` returns
         api/predict?x=1&…                values at a point
         api/curves?x=1&…                 values and curves at a point; `.along=x`: and a family along x
         api/slices?x=1&…                 values along each parameter
         api/trials?.ids=3,7&.arrays=g_r  arrays of trials
         api/table?.array=g_r&x=1&…       CSV of a curve; `.along=x`, or `.simulation=0` beside a prediction
         api/simulation                   how the simulation stands; `.number=0`: a result beside its prediction
         api/events                       server-sent events: new versions and results, the simulation's progress
    POST api/simulate, api/cancel, api/add

What begins with a dot is no parameter. All addresses are relative, so that the page works behind a proxy's prefix.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from softal.errors import CampaignStateError, SoftalError
from softal.service.explorer.access import guard, new_token
from softal.service.explorer.model import Explorer
from softal.service.explorer.routes import Site
from softal.service.explorer.simulations import Simulations


class Server:
    """The page on a port of this machine.

    Args:
        explorer: of the campaign.
        host, port: 0 is any free port.

    Attributes:
        token: of this start.
        port: that is served.
    """

    def __init__(self, explorer: Explorer, host: str, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._socket.listen(128)  # whoever opens the address as soon as it is printed waits for the first answer
        self.host, self.port, self.token = host, int(self._socket.getsockname()[1]), new_token()
        self.simulations = Simulations(explorer.campaign)
        site = Site(explorer, self.simulations, lambda: self._server.should_exit)
        handlers: dict[Any, Any] = {
            SoftalError: _mistake, HTTPException: _not_served, ClientDisconnect: _left, Exception: _broken
        }  # fmt: skip
        app = Starlette(routes=site.routes(), exception_handlers=handlers)
        app.router.redirect_slashes = False
        settings = uvicorn.Config(
            guard(self.token, self.port)(app), log_level="critical", log_config=None, access_log=False, lifespan="off",
            ws="none", http="h11", server_header=False, timeout_graceful_shutdown=2, timeout_keep_alive=60,
        )  # fmt: skip
        self._server = uvicorn.Server(settings)

    @property
    def address(self) -> str:
        """The address of the page, without the token."""
        return f"http://{self.host}:{self.port}/"

    def serve(self) -> None:
        """Serve until Ctrl-C, SIGTERM, SIGHUP or `stop`; then end the simulation that runs."""
        try:
            with _hung_up(self.stop):
                self._server.run(sockets=[self._socket])
        finally:
            self.simulations.close()
            self._socket.close()

    def stop(self) -> None:
        """Let `serve` return; for other threads."""
        self._server.should_exit = True


@contextlib.contextmanager
def _hung_up(stop: Callable[[], None]) -> Iterator[None]:
    """Stop at SIGHUP, of which uvicorn takes no care: raised within its loop, Ctrl-C would leave open pages waiting."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # as nohup has it
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda *_: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _mistake(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 409 if isinstance(error, CampaignStateError) else 400)


def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reasons = {404: f"{request.url.path} is not served", 405: f"{request.url.path} does not take {request.method}"}
    return JSONResponse({"error": reasons.get(error.status_code, error.detail)}, error.status_code)


def _left(request: Request, error: Exception) -> Response:
    """Answer whoever broke off while sending, and hears it no more."""
    return Response(status_code=400)


def _broken(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 500)
