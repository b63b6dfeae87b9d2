"""Who may ask: this machine's user alone, who has the token of this start.

Any web page that the user visits can send requests to 127.0.0.1, and so can any program of another user of the machine.

- The token is printed in the page's address at the start, and then lives in a cookie that no script can read (HttpOnly)
  and that no other site's page can send (SameSite=Strict). Programs send `Authorization: Bearer <token>`.
- A web page that makes its own name stand for 127.0.0.1 (DNS rebinding) has that name in the Host header: only names of
  this machine are served.
- What changes something is a POST whose Origin is the page's own: by the Host header, by what a proxy says that it was
  (X-Forwarded-Host, which no web page can send), or by the browser's word (Sec-Fetch-Site), which is the same behind
  proxies that rewrite addresses.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
READING = ("GET", "HEAD")
NO_TOKEN = "the token is missing or of an earlier start: open the address that `softal serve` has printed"


def new_token() -> str:
    """Return a token for one start, of 192 random bits."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Access:
    """Middleware that lets through only what the module says, and gives every answer its headers.

    Attributes:
        app: what is guarded.
        token: of this start.
        port: that is served; cookies are of a machine, so each start on it has its own name.
    """

    app: ASGIApp
    token: str
    port: int

    @property
    def cookie(self) -> str:
        """The cookie's name."""
        return f"softal-{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        refused = self._refusal(request)
        carrying = refused is None and self._same(request.query_params.get("token"))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"]).mutablecopy()
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if carrying:
                    # Without a path, it is that of the address which the browser sees, also behind a proxy's prefix.
                    headers.append("Set-Cookie", f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict")
                message = {**message, "headers": headers.raw}
            await send(message)

        await (self.app if refused is None else refused)(scope, receive, guarded)

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to what is refused; None where it may be answered."""
        if not LOCAL.fullmatch(request.headers.get("host", "")):
            return _refuse("only 127.0.0.1 and localhost are served")
        if not self._known(request):
            return _refuse(NO_TOKEN, 401)
        if request.method not in READING and not _of_the_page(request.headers):
            return _refuse("only the page itself may change something: its Origin is another one")
        return None

    def _known(self, request: Request) -> bool:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._same(bearer.strip()):
            return True
        if self._same(request.cookies.get(self.cookie)):
            return True
        return request.method in READING and self._same(request.query_params.get("token"))

    def _same(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self.token.encode())


def guard(token: str, port: int) -> Callable[[ASGIApp], ASGIApp]:
    """Return what puts the guard before an application."""
    return lambda app: Access(app, token, port)


def _of_the_page(headers: Headers) -> bool:
    origin, site = headers.get("origin", ""), headers.get("sec-fetch-site")
    if not origin or site not in (None, "same-origin"):
        return False
    own = {headers.get("host", "").lower(), *_forwarded(headers)}
    return site == "same-origin" or urlsplit(origin).netloc.lower() in own


def _forwarded(headers: Headers) -> list[str]:
    return [part.strip().lower() for part in headers.get("x-forwarded-host", "").split(",") if part.strip()]


def _refuse(reason: str, status: int = 403) -> Response:
    return JSONResponse({"error": reason}, status)
