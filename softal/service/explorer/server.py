"""The server of the page, on the standard library's: a few fixed paths, GET only, this machine only.

    /                  the page          /api/campaign       what `Explorer.describe` returns
    /page.css /page.js its files         /api/predict?x=1&…  the prediction at a point
    /report            the report        /api/slices?x=1&…   and the slices through it

Any web page that the user visits can send requests here. It cannot read the answers, unless it makes its own name
stand for 127.0.0.1 (DNS rebinding): then the Host header has that name, and the request is refused.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from softal.errors import SoftalError
from softal.service.explorer.model import Explorer, to_json

LOCAL = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
STATIC = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"
HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store"}
MAX_QUERY = 20_000


def make_server(explorer: Explorer, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server of the page that is bound to the port; run it with `serve_forever`."""

    class OfThisExplorer(_Requests):
        pass

    OfThisExplorer.explorer = explorer
    server = ThreadingHTTPServer((host, port), OfThisExplorer)
    server.daemon_threads = True
    return server


class _Requests(BaseHTTPRequestHandler):
    explorer: Explorer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "softal", ""
    timeout = 60

    def do_GET(self) -> None:
        if not LOCAL.fullmatch(self.headers.get("Host", "")):
            self._refuse(HTTPStatus.FORBIDDEN, "only 127.0.0.1 and localhost are served")
            return
        try:
            self._answer()
        except SoftalError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        if parts.path in STATIC:
            name, kind = STATIC[parts.path]
            content = (files("softal.service.explorer") / name).read_bytes()
            self._send(HTTPStatus.OK, kind, content, {"Content-Security-Policy": POLICY})
        elif parts.path == "/report":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.explorer.report().read_bytes())
        elif parts.path in ("/api/campaign", "/api/predict", "/api/slices"):
            self._json(HTTPStatus.OK, self._ask(parts.path, parts.query))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"{parts.path} is not served")

    def _ask(self, path: str, query: str) -> dict[str, Any]:
        if path == "/api/campaign":
            return self.explorer.describe()
        if len(query) > MAX_QUERY:
            raise SoftalError(f"the query is longer than {MAX_QUERY} characters")
        entry = dict(parse_qsl(query, keep_blank_values=True))
        return self.explorer.predict(entry) if path == "/api/predict" else self.explorer.slices(entry)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._json(status, {"error": reason})

    def _json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._send(status, "application/json", to_json(content))

    def _send(self, status: HTTPStatus, kind: str, content: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            **HEADERS,
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            **(more or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the user."""
