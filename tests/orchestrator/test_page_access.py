"""Who may ask the page of `softal serve`: this machine, with this start's token; only the page may change anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from patience import PATIENCE
from served import Site, behind_a_prefix, make, publish, served, trials_of

from softal.service.explorer.access import HEADERS, new_token
from softal.service.explorer.routes import MAX_BODY, STATIC

pytestmark = pytest.mark.learning

CANCEL = "/api/cancel"
OTHERS = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", ""]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    campaign = make(tmp_path_factory.mktemp("access"))
    publish(campaign, trials_of(campaign))
    with served(campaign) as found:
        yield found


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize("path", ["/", "/api/campaign", "/report", "/page.js"])
def test_another_host_is_refused(host: str, path: str, site: Site) -> None:
    assert site.get(path, Host=host)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:8080"])
def test_this_machine_is_served(host: str, site: Site) -> None:
    assert site.get("/", Host=host)[0] == 200


@pytest.mark.parametrize("cookie", [None, "softal-1=x", "softal-{port}=x", "softal-{port}="])
@pytest.mark.parametrize("path", ["/", "/page.js", "/plotly.js", "/api/campaign", "/api/events", "/report", "/nothing"])
def test_nothing_without_the_token(path: str, cookie: str | None, site: Site) -> None:
    given = cookie.format(port=site.server.port) if cookie else None
    status, _, content = site.get(path, Cookie=given)
    assert status == 401
    assert b"open the address that `softal serve` has printed" in content


def test_the_address_gives_the_cookie_and_nothing_else_does(site: Site) -> None:
    status, headers, _ = site.get(f"/?token={site.server.token}", Cookie=None)
    assert status == 200
    [cookie] = headers.get_all("Set-Cookie")
    assert cookie == f"{site.cookie}; HttpOnly; SameSite=Strict"
    assert site.get("/?token=wrong", Cookie=None)[0] == 401
    assert site.get("/")[1]["Set-Cookie"] is None


def test_a_program_sends_the_token_itself(site: Site) -> None:
    assert site.get("/api/campaign", Cookie=None, Authorization=f"Bearer {site.server.token}")[0] == 200
    assert site.get("/api/campaign", Cookie=None, Authorization="Bearer x")[0] == 401


def test_each_start_has_its_own_token() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) >= 32 for token in tokens)


@pytest.mark.parametrize("path", [CANCEL, "/api/simulate", "/api/add"])
@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1"])
def test_only_the_page_changes_something(origin: str | None, path: str, site: Site) -> None:
    assert site.post(path, {}, Origin=origin).status == 403


def test_the_page_changes_something_and_only_by_post_with_the_token(site: Site) -> None:
    assert site.post(CANCEL, {}).status == 200
    assert site.post(CANCEL, {}, Cookie=None).status == 401
    assert site.ask("POST", f"{CANCEL}?token={site.server.token}", {}, Cookie=None, Origin="null").status == 401
    assert site.get(CANCEL)[0] == 405
    assert site.ask("PUT", CANCEL, {}, Origin=f"http://127.0.0.1:{site.port}").status == 405


def test_the_browser_says_that_another_site_asks(site: Site) -> None:
    assert site.post(CANCEL, {}, Sec_Fetch_Site="cross-site").status == 403
    assert site.post(CANCEL, {}, Sec_Fetch_Site="same-site").status == 403
    assert site.post(CANCEL, {}, Sec_Fetch_Site="same-origin", Origin="https://hub.example").status == 200


def test_a_preflight_of_another_site_is_refused(site: Site) -> None:
    answer = site.ask("OPTIONS", CANCEL, Origin="http://evil.example", Access_Control_Request_Method="POST")
    assert answer.status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_what_is_sent_is_json_and_short(site: Site) -> None:
    assert site.post("/api/add", {"simulation": 0}, Content_Type="text/plain").status == 400
    assert site.post("/api/add", {"x": "x" * MAX_BODY}).status == 400
    assert site.post("/api/add", [1]).json() == {"error": "the request's content is no JSON mapping"}


@pytest.mark.parametrize(
    "path", ["/../server.py", "/server.py", "/%2e%2e/model.py", "/api", "/page.html/..", "/api/predict/", "/page.html"]
)
def test_nothing_else_is_served(path: str, site: Site) -> None:
    assert site.get(path)[0] == 404


@pytest.mark.parametrize("path", ["/", *(f"/{name}" for name in STATIC)])
def test_the_page_is_whole_and_guarded(path: str, site: Site) -> None:
    status, headers, content = site.get(path)
    assert status == 200
    for name, text in HEADERS.items():
        assert headers[name] == text
    assert "'unsafe" not in headers["Content-Security-Policy"]
    outside = set(re.findall(rb"https?://[^\"' )]+", content)) - {b"http://www.w3.org/2000/svg"}
    assert outside == set()
    assert b"innerHTML" not in content
    assert not re.findall(rb"<script(?![^>]*src=)|<style|\son[a-z]+=|style=", content) or path != "/"


def test_the_report_can_ask_nothing(site: Site) -> None:
    """Its scripts are in it, so it is of no origin."""
    policy = site.get("/report")[1]["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy
    assert "default-src 'none'" in policy


def test_behind_a_prefix(site: Site) -> None:
    with behind_a_prefix(site) as proxied:
        assert proxied.port != site.port
        status, headers, _ = proxied.get(f"/?token={site.server.token}", Cookie=None)
        assert status == 200
        assert "Path" not in headers["Set-Cookie"], "the browser takes the path of the address that it sees"
        assert proxied.json("/api/campaign")["name"] == "pages"
        assert proxied.post(CANCEL, {}).status == 200
        assert proxied.post(CANCEL, {}, Origin=f"http://127.0.0.1:{site.port + 1}").status == 403


def test_behind_a_proxy_that_does_not_say_its_name(site: Site) -> None:
    with behind_a_prefix(site, forwarded=False) as proxied:
        assert proxied.post(CANCEL, {}).status == 403
        assert proxied.post(CANCEL, {}, Sec_Fetch_Site="same-origin").status == 200


def test_events_come_as_they_are(site: Site) -> None:
    connection = HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    connection.request("GET", "/api/events", headers={"Cookie": site.cookie})
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    lines = [answer.readline() for _ in range(5)]
    assert lines[0] == b"event: simulation\n"
    assert lines[3] == b"event: campaign\n"
    connection.close()
