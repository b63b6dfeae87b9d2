"""What the page's server answers: the page and its files, what is learned, simulations, and events as they happen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.resources import files
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from softal.errors import SpaceError
from softal.kinds.validation import unknown
from softal.orchestrator.points import complete_point
from softal.service.explorer.curves import table_beside
from softal.service.explorer.model import Explorer
from softal.service.explorer.plain import to_json
from softal.service.explorer.simulations import Simulations, read_run

STATIC = {
    "page.css": "text/css", "page.js": "text/javascript", "controls.js": "text/javascript",
    "curves.js": "text/javascript", "elements.js": "text/javascript", "scales.js": "text/javascript",
    "simulation.js": "text/javascript", "slices.js": "text/javascript",
}  # fmt: skip
# The report has its scripts and styles in it; in a sandbox it is of no origin, and can ask this server nothing.
REPORT_POLICY = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:"
)
MAX_QUERY, MAX_BODY = 20_000, 20_000
LOOKS = 0.25  # seconds between looks at the simulation
VERSIONS = 4  # looks after which it is looked for new versions and results, too
BEAT = 60  # looks after which something is sent, so that nobody takes the connection for dead


class Site:
    """What the routes answer with.

    Args:
        explorer: of the campaign.
        simulations: that the page runs.
        stopping: says that the server is about to end.
    """

    def __init__(self, explorer: Explorer, simulations: Simulations, stopping: Callable[[], bool]) -> None:
        self.explorer, self.simulations, self._stopping = explorer, simulations, stopping

    def routes(self) -> list[Route]:
        """Return all that is served."""
        get: dict[str, Any] = {
            "/": self.page, "/plotly.js": self.plotly, "/report": self.report,
            "/api/campaign": self.campaign, "/api/predict": self.predict, "/api/curves": self.curves,
            "/api/slices": self.slices, "/api/trials": self.trials, "/api/table": self.table,
            "/api/simulation": self.simulation, "/api/events": self.events,
        }  # fmt: skip
        post: dict[str, Any] = {"/api/simulate": self.simulate, "/api/cancel": self.cancel, "/api/add": self.add}
        routes = [Route(path, answer, methods=["GET"]) for path, answer in get.items()]
        routes += [Route(f"/{name}", self.static, methods=["GET"]) for name in STATIC]
        return routes + [Route(path, answer, methods=["POST"]) for path, answer in post.items()]

    # The page.

    def page(self, request: Request) -> Response:
        """Return the page."""
        return Response(_content("page.html"), media_type="text/html")

    def static(self, request: Request) -> Response:
        """Return one of the page's files."""
        name = request.url.path.removeprefix("/")
        return Response(_content(name), media_type=STATIC[name])

    def plotly(self, request: Request) -> Response:
        """Return Plotly's library, which the report has in it, too."""
        from plotly.offline import get_plotlyjs

        headers = {"Cache-Control": "private, max-age=3600"}  # 5 MB, which may come a long way through a proxy
        return Response(get_plotlyjs(), media_type="text/javascript", headers=headers)

    def report(self, request: Request) -> Response:
        """Return the report, written again where the campaign has gone on since."""
        headers = {"Content-Security-Policy": REPORT_POLICY}
        return FileResponse(self.explorer.report(), media_type="text/html", headers=headers)

    # What is learned.

    def campaign(self, request: Request) -> Response:
        """Return what the page must know of the campaign."""
        return _json(self.explorer.describe())

    def predict(self, request: Request) -> Response:
        """Return the values at a point."""
        point, _ = _asked(request)
        return _json(self.explorer.predict(point))

    def curves(self, request: Request) -> Response:
        """Return values and curves at a point."""
        point, options = _asked(request)
        return _json(self.explorer.curves(point, options.get("along") or None))

    def slices(self, request: Request) -> Response:
        """Return values along each parameter."""
        point, _ = _asked(request)
        return _json(self.explorer.slices(point))

    def trials(self, request: Request) -> Response:
        """Return arrays of trials."""
        _, options = _asked(request)
        ids = [int(part) for part in options.get("ids", "").split(",") if part.isdecimal()]
        return _json(self.explorer.trials.arrays(ids, options.get("arrays", "").split(",")))

    def table(self, request: Request) -> Response:
        """Return a curve as CSV."""
        point, options = _asked(request)
        name = options.get("array", "")
        if "simulation" in options:
            beside = self.explorer.beside(self.simulations.kept(_whole(options["simulation"])))
            if name not in beside["arrays"]:
                raise SpaceError(f"array: {unknown(name, beside['arrays'], 'curve of the simulation')}")
            text = table_beside(name, beside, self.explorer.outputs.grid_units.get(name, ""))
        else:
            text = self.explorer.table(point, name, options.get("along") or None)
        file = f"{self.explorer.campaign.spec.name}_{name}.csv"
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{_quoted(file)}"}
        return Response(text, media_type="text/csv", headers=headers)

    # Simulations.

    def simulation(self, request: Request) -> Response:
        """Return how the simulation stands, or a result beside its prediction."""
        point, options = _asked(request)
        if "number" in options:
            trial = self.simulations.kept(_whole(options["number"]))
            found = {"trial": trial.id, "point": trial.point, "seed": trial.seed, "fidelity": trial.fidelity}
            return _json(found | self.explorer.beside(trial))
        expected = None
        if point:
            [u] = self.explorer.space.to_unit([complete_point(self.explorer.space, point)])
            expected = self.explorer.trials.expected_seconds(u, 1.0)
        return _json(self.simulations.to_json() | {"expected": expected})

    async def simulate(self, request: Request) -> Response:
        """Begin a simulation."""
        said = await _body(request)

        def begin() -> Response:
            fidelity, seed = read_run(said.get("fidelity", 1.0), said.get("seed", 0))
            entry = said.get("point")
            if not isinstance(entry, Mapping):
                raise SpaceError("point: a mapping of names to values is needed")
            point = complete_point(self.explorer.space, entry)
            [u] = self.explorer.space.to_unit([point])
            expected = self.explorer.trials.expected_seconds(u, fidelity)
            return _json(self.simulations.start(point, seed, fidelity, expected).to_json())

        return await run_in_threadpool(begin)

    def cancel(self, request: Request) -> Response:
        """Stop the simulation that runs."""
        return _json(self.simulations.cancel().to_json())

    async def add(self, request: Request) -> Response:
        """Make a simulation a trial of the campaign."""
        number = (await _body(request)).get("simulation")
        if not isinstance(number, int):
            raise SpaceError(f"simulation: {number!r} is given; the number of one is needed")
        trial = await run_in_threadpool(self.simulations.add, number)
        return _json({"trial": trial.id})

    # Events.

    async def events(self, request: Request) -> Response:
        """Send what changes, as it changes."""
        headers = {"X-Accel-Buffering": "no"}  # proxies of nginx's kind would wait for more
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers=headers)

    async def _changes(self) -> AsyncIterator[str]:
        sent: dict[str, Any] = {}
        look = 0
        while not self._stopping():
            now = {"simulation": self.simulations.to_json()}
            if look % VERSIONS == 0:
                now["campaign"] = await run_in_threadpool(self._standing)
            for name, what in now.items():
                known = {**what, "run": {**what["run"], "elapsed": None}} if "run" in what else what
                if sent.get(name) != known:
                    sent[name] = known
                    yield f"event: {name}\ndata: {to_json(what).decode()}\n\n"
            look += 1
            if look % BEAT == 0:
                yield ": still here\n\n"
            await asyncio.sleep(LOOKS)

    def _standing(self) -> dict[str, Any]:
        self.explorer.refresh()
        self.explorer.trials.follow()
        return {"version": self.explorer.version, "done": len(self.explorer.trials)}


def _content(name: str) -> bytes:
    return (files("softal.service.explorer") / name).read_bytes()


def _json(content: Any, status: int = 200) -> Response:
    return Response(to_json(content), status, media_type="application/json")


def _asked(request: Request) -> tuple[dict[str, str], dict[str, str]]:
    """Return the point that an address gives, and what else it says."""
    if len(request.url.query) > MAX_QUERY:
        raise SpaceError(f"the query is longer than {MAX_QUERY} characters")
    given = dict(request.query_params)
    point = {name: text for name, text in given.items() if not name.startswith(".") and name != "token"}
    return point, {name.removeprefix("."): text for name, text in given.items() if name.startswith(".")}


async def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise SpaceError("the request's content is not application/json")
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MAX_BODY:
            raise SpaceError(f"the request is longer than {MAX_BODY} bytes")
    try:
        said = json.loads(content)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise SpaceError("the request's content is no JSON mapping")
    return said


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise SpaceError(f"simulation: {text!r} is given; the number of one is needed")
    return int(text)


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
