"""The page of `softal serve` in a real browser: Debian's Chromium without a screen, driven by Playwright."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
from patience import PATIENCE
from served import Site, behind_a_prefix, make, make_curves, publish, served, trials_of

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.learning,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium"),
]

SLOW = 150.0  # ms from a move to its curve, if the machine had nothing else to do; it takes a third of that
# Plotly's bundle brings styles of a map library along, which the page's policy keeps out, and which nothing here needs.
KEPT_OUT = "Applying inline style violates"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(make_curves(tmp_path_factory.mktemp("browser"))) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that containers and root do not have; the page is ours.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def wrong() -> list[str]:
    """What the browser complains of."""
    return []


@pytest.fixture
def page(browser: Any, wrong: list[str]) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    assert [text for text in wrong if KEPT_OUT not in text] == []
    assert len(wrong) <= 1, "the policy keeps out more than is known"


def until(page: Any, expression: str) -> None:
    """Wait until that is so; the page's policy forbids Playwright's own way, by `eval`."""
    end = time.monotonic() + PATIENCE
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"it did not come to that: {expression}"
        page.wait_for_timeout(50)


def visit(page: Any, site: Site, at: str = "charge=0.4&layers=3") -> None:
    page.goto(f"{site.address}#{at}")
    page.wait_for_selector(".plot .main-svg")
    until(page, "document.querySelector('.slices svg')")


def type_in(page: Any, name: str, text: str) -> None:
    page.fill(f'[aria-label="{name}, typed"]', text)
    page.keyboard.press("Tab")


def curve(page: Any) -> list[float]:
    """Return the predicted curve as Plotly has it."""
    drawn: list[float] = page.evaluate("document.querySelector('.plot').data[2].y")
    return drawn


def drag(page: Any, name: str, places: list[float]) -> None:
    page.locator(f"#at-{name}").evaluate(
        """async (slider, places) => {
          for (const place of places) {
            slider.value = place;
            slider.dispatchEvent(new Event("input"));
            await new Promise((done) => setTimeout(done, 60));
          }
        }""",
        places,
    )


def test_the_curve_follows_the_slider(page: Any, site: Site) -> None:
    visit(page, site)
    assert "token" not in page.url, "the address may be copied"
    before = curve(page)
    drag(page, "charge", [0.1 + 0.02 * i for i in range(20)])
    until(page, "performance.getEntriesByName('slider to curve').length >= 15")
    until(page, "location.hash.includes('charge=0.532')")
    page.wait_for_timeout(300)
    assert curve(page) != before
    expected = site.json("/api/curves", charge=0.532, layers=3)["curves"]["density"]["mean"]
    assert curve(page) == pytest.approx(expected)
    took = page.evaluate("performance.getEntriesByName('slider to curve').map((entry) => entry.duration)")
    share = min(1.0, (os.cpu_count() or 1) / max(os.getloadavg()[0], 0.01))  # of a machine that has other work, too
    assert statistics.median(took) * share < SLOW


def test_the_address_is_a_link_to_the_point(page: Any, site: Site) -> None:
    visit(page, site, "charge=0.25&layers=5&.along=layers")
    assert page.input_value('[aria-label="charge, typed"]') == "0.25"
    assert page.input_value('[aria-label="layers, typed"]') == "5"
    assert page.input_value("#sweep") == "layers"
    until(page, "document.querySelector('.plot').data.length === 9")
    assert page.inner_text("#family").split() == ["1", "2", "3", "4", "5", "6"]
    href = page.get_attribute(".array .head a", "href")
    assert ".along=layers" in href
    assert page.evaluate("async (href) => (await fetch(href)).status", href) == 200


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("charge", "3", "3 is given; a number from 0.1 to 1 is allowed"),
        ("charge", "much", "much is given; a number from 0.1 to 1 is allowed"),
        ("layers", "2.5", "2.5 is given; a whole number from 1 to 6 is allowed"),
    ],
)
def test_bad_numbers_are_told_beside_the_field(name: str, text: str, message: str, page: Any, site: Site) -> None:
    visit(page, site)
    before = curve(page)
    type_in(page, name, text)
    assert page.inner_text(f"#wrong-{name}") == message
    assert curve(page) == before
    type_in(page, name, "1")
    page.wait_for_selector(f"#wrong-{name}", state="hidden") if name == "layers" else None


def test_constraints_and_refusals_are_told_beside_the_field(page: Any, site: Site) -> None:
    visit(page, site)
    type_in(page, "layers", "6")
    type_in(page, "charge", "0.93")
    until(page, "document.getElementById('wrong-layers').textContent.includes('outside of 10*charge')")
    assert "outside of 10*charge + layers <= 15" in page.inner_text("#wrong-charge")
    type_in(page, "layers", "3")
    type_in(page, "charge", "1")
    until(page, "document.getElementById('wrong-charge').textContent.includes('up to 0.95 is allowed')")
    page.wait_for_selector("#refusal:not([hidden])")
    assert page.is_disabled("#simulate")
    page.fill("#fidelity", "2")
    assert page.inner_text("#wrong-fidelity") == "2 is given; a number above 0 and up to 1 is allowed"


def test_a_simulation_is_drawn_over_its_prediction(page: Any, site: Site) -> None:
    visit(page, site, "charge=0.35&layers=4")
    page.fill("#seed", "5")
    until(page, "document.getElementById('command').value.includes('--seed 5')")
    assert re.fullmatch(r"softal simulate \S+/walls --at charge=0.35,layers=4 --seed 5", page.input_value("#command"))
    page.click("#simulate")
    page.wait_for_selector("#result:not([hidden])")
    traces = page.evaluate("document.querySelector('.plot').data.map((trace) => [trace.mode, trace.yaxis ?? 'y'])")
    assert traces[-2:] == [["markers", "y"], ["markers", "y2"]]
    assert page.locator("#values tr").count() >= 2
    assert ".simulation=" in page.get_attribute(".array .head a", "href")
    drag(page, "charge", [0.6])
    page.wait_for_selector("#result", state="hidden")
    page.click("#to-simulated")
    page.wait_for_selector("#result:not([hidden])")


def test_a_simulation_is_cancelled(page: Any, site: Site) -> None:
    visit(page, site)
    page.fill("#fidelity", "0.5")
    page.click("#simulate")
    page.wait_for_selector("#cancel:not([hidden])")
    assert page.is_disabled("#simulate")
    page.wait_for_timeout(1000)
    page.click("#cancel")
    until(page, "document.getElementById('progress').textContent.startsWith('Cancelled')")
    assert not page.is_visible("#bar")


@pytest.mark.ray
def test_a_simulation_is_added_and_learned(page: Any, tmp_path: Any) -> None:
    with served(make_curves(tmp_path)) as own:
        visit(page, own)
        page.click("#simulate")
        page.wait_for_selector("#add:not([hidden])")
        page.click("#add")
        until(page, "document.getElementById('progress').textContent.includes('It is trial 12')")
        until(page, "document.getElementById('learned').textContent === '13 trials'")
        until(page, "document.getElementById('training').textContent === ''")
        assert not page.is_visible("#add")
        page.close()


def test_on_a_narrow_screen(page: Any, site: Site) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    visit(page, site)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    tops = [page.locator(what).bounding_box()["y"] for what in ("#point", ".array", "#simulation", "#targets")]
    assert tops == sorted(tops), "the curve stands right below the sliders"
    plot, section = (page.locator(what).bounding_box() for what in (".plot .main-svg >> nth=0", ".array"))
    assert plot["x"] >= section["x"]
    assert plot["x"] + plot["width"] <= section["x"] + section["width"]
    assert plot["height"] <= section["height"]


def test_behind_a_prefix(page: Any, site: Site) -> None:
    with behind_a_prefix(site, forwarded=False) as proxied:
        visit(page, proxied)
        assert proxied.prefix in page.url
        page.fill("#seed", "9")
        page.click("#simulate")
        page.wait_for_selector("#result:not([hidden])")
        page.close()


def test_a_campaign_of_values_has_its_slices(page: Any, tmp_path: Any) -> None:
    campaign = make(tmp_path)
    publish(campaign, trials_of(campaign))
    with served(campaign) as own:
        page.goto(own.address)
        until(page, "document.querySelectorAll('.slices svg').length === 4")
        assert page.locator(".plot").count() == 0
        assert not page.is_visible("#above")
        before = page.inner_text(".head b")
        type_in(page, "epsilon", "150")
        until(page, f"document.querySelector('.head b').textContent !== {before!r}")
        page.select_option("#at-solvent", label="<b>poor</b>")
        until(page, "location.hash.includes('poor')")
        page.close()


def test_the_report_opens_without_rights(page: Any, site: Site) -> None:
    visit(page, site)
    page.click("text=Report")
    page.wait_for_selector(".js-plotly-plot .main-svg")
    assert page.evaluate("window.origin") == "null"


def test_without_the_token_there_is_nothing(browser: Any, site: Site) -> None:
    context = browser.new_context()
    opened = context.new_page()
    assert opened.goto(site.address.partition("?")[0]).status == 401
    context.close()
