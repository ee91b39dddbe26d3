"""A visitor of a shared workshop in a browser: in by the link, from the shop to a trace, one cookie for both ports."""

import threading
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from playwright.sync_api import Browser, expect

from common.serving.http_server import Server
from tests.browser.conftest import SLOW
from workshop.share.__main__ import servers
from workshop.share.room import Room
from workshop.stack.local.scratch import free_ports

JAEGER = "http://127.0.0.1:1"


def shop(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A shop's page with a link to a trace, as the gateway knows it."""
    start_response("200 OK", [("Content-Type", "text/html")])
    return [f'<h1>Shop</h1><a href="{JAEGER}/trace/{SLOW}" target="_blank" rel="noopener">its trace</a>'.encode()]


@pytest.fixture
def room(console_url: str) -> Iterator[Room]:
    """An open room: that shop, and the console of these tests."""
    ports = free_ports(3)
    behind = Server(shop, ("127.0.0.1", ports[2]), threads=2, most_body=1000)
    found = Room("127.0.0.1", ports[0], ports[1], "token", f"http://127.0.0.1:{ports[2]}", console_url, JAEGER)
    doors, stopped = servers(found), threading.Event()

    def run(server: Server) -> None:
        while not stopped.is_set():
            server.step(0.05)

    threads = [threading.Thread(target=run, args=[each]) for each in (doors[0], behind)]
    for thread in threads:
        thread.start()
    yield found
    stopped.set()
    for thread in threads:
        thread.join()
    for server in (*doors, behind):
        server.finish(1)


def test_a_visitor_comes_in_and_follows_the_link_to_a_trace(browser: Browser, room: Room) -> None:
    """The waterfall draws itself: its scripts come through the door, too; the way back leads to the room's shop."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(room.console)
        expect(page.get_by_role("heading")).to_have_text("Forbidden")
        page.goto(room.link)
        expect(page).to_have_url(f"{room.shop}/")
        with context.expect_page() as opening:
            page.get_by_text("its trace").click()
        trace = opening.value
        expect(trace).to_have_url(f"{room.console}/trace/{SLOW}")
        expect(trace.locator(".row").first).to_be_visible()
        assert trace.get_by_role("navigation").get_by_role("link").all_inner_texts() == ["Traces", "Services", "Shop"]
        trace.get_by_role("link", name="Traces", exact=True).click()
        expect(trace.locator("#results a.open-trace").first).to_be_visible()
        trace.get_by_label("Open a trace by its id").fill(SLOW[:32].upper())
        trace.keyboard.press("Enter")
        expect(trace).to_have_url(f"{room.console}/trace/{SLOW}")


@pytest.mark.parametrize(("width", "height"), [(390, 800), (1280, 720), (1920, 1080)])
def test_the_projectors_page_fits_and_is_drawn(browser: Browser, room: Room, width: int, height: int) -> None:
    """The code is whole in the window, square and white beneath in the dark scheme, too; no policy stops its style."""
    with browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark") as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(room.projector)
        box = page.locator("svg").bounding_box()
        assert box
        assert box["width"] == pytest.approx(box["height"], abs=1)
        assert box["width"] > min(width, height) / 2
        assert box["x"] >= 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert box["y"] + box["height"] <= height
        assert page.locator("svg").evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(255, 255, 255)"
        assert said == []
