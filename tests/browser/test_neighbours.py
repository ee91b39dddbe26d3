"""The panel that tells who held what a trace waited for, on what a deadlock left."""

import gzip
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from services.jaeger.settings import Settings as JaegerSettings
from tests.browser.serving import serving
from tests.unit.jaeger.stand_in import StandIn
from workshop.console.app import create_app
from workshop.console.settings import Settings
from workshop.scenarios import recording
from workshop.traces.model.trace import Trace

DEADLOCK = recording.paths()["deadlock"]


@pytest.fixture(scope="module")
def jaeger() -> Iterator[StandIn]:
    """A stand-in with the recording of a deadlock."""
    stand_in = StandIn(JaegerSettings(bind=("127.0.0.1", 0), otlp_bind=("127.0.0.1", 0)))
    told = json.loads(gzip.decompress(DEADLOCK.read_bytes()))
    document = json.dumps({"resourceSpans": told["resourceSpans"]}).encode()
    assert stand_in.export(document, "application/json").status_code == 200
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="module")
def console_url(jaeger: StandIn) -> Iterator[str]:
    """A console that reads it."""
    with serving(create_app(Settings(jaeger_url=jaeger.query_url))) as url:
        yield url


@pytest.fixture(scope="module")
def longest() -> Trace:
    """The checkout that waited longest."""
    return max(recording.load(DEADLOCK).traces, key=lambda trace: trace.root.duration)


def test_the_holder_is_a_click_away(page: Page, longest: Trace) -> None:
    """Nothing is asked for until the panel is opened; then a wait leads to its span, and a holder to its trace's."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/trace/{longest.trace_id}")
    page.wait_for_selector("[data-ready]")
    assert not [url for url in asked if url.endswith("/neighbours")]
    page.get_by_text("Who held what it waited for?").click()
    found = page.locator("#neighbours-found")
    expect(found).to_contain_text("waits for what others held")
    expect(found.locator(".among > li")).to_contain_text("deadlock: inventory SELECT product was ended")
    first = found.locator("ol:not(.among) > li").first
    expect(first).to_contain_text("inventory SELECT product waited")
    expect(first.locator(".verdict")).to_have_text("likely held by")
    expect(first.locator(".detail").first).to_contain_text("had a transaction on product open")
    first.locator("h3 a").click()
    expect(page.locator("#details")).to_contain_text("SELECT product")
    page.keyboard.press("Escape")
    holder = first.locator(".evidence a").first
    assert longest.trace_id not in (holder.get_attribute("href") or "")
    holder.click()
    page.wait_for_url("**/trace/*#*")
    expect(page.locator("#details")).to_contain_text("SELECT product")
    assert longest.trace_id not in page.url


def test_while_others_are_looked_for_it_asks_again(page: Page, longest: Trace) -> None:
    """An answer of 429 is told, and the next one shown; one that fails says what to do."""
    answers = iter([429, 429, 200, 502])

    def answer(route: Route) -> None:
        status = next(answers)
        body = json.dumps({"among": [], "verdict": "it waited for nothing", "waits": [], "more": 0})
        route.fulfill(status=status, body=body, content_type="application/json")

    page.route("**/neighbours", answer)
    page.goto(f"/trace/{longest.trace_id}")
    page.get_by_text("Who held what it waited for?").click()
    expect(page.locator("#neighbours-found")).to_contain_text("Others are being looked for")
    expect(page.locator("#neighbours-found")).to_contain_text("It waited for nothing.")
    page.get_by_text("Who held what it waited for?").click()
    page.get_by_text("Who held what it waited for?").click()
    expect(page.locator("#neighbours-found")).to_contain_text("open it again")


def test_a_quiet_page_keeps_it_until_somebody_asks(page: Page, longest: Trace) -> None:
    """It is a part of the answer."""
    page.goto(f"/trace/{longest.trace_id}?quiet")
    expect(page.locator("#neighbours")).to_be_hidden()
    page.keyboard.press("a")
    expect(page.locator("#neighbours")).to_be_visible()
