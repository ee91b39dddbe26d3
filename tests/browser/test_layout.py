"""Every page at every size, light and dark: nothing empty, cut, covered or outside of the window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import DECLINED, FAST, FULL, OUTAGE, REPEATS, SLOW, TEACHER

LAYOUT = (Path(__file__).parent / "layout.js").read_text()
# Width and height in CSS pixels, and how many of the screen's pixels one has: 1280 by 720 at 150 % is the fourth.
SIZES = {
    "phone": (390, 844, 2.0),
    "half": (800, 600, 1.0),
    "laptop": (1280, 720, 1.0),
    "laptop at 150%": (853, 480, 1.5),
    "projector": (1920, 1080, 1.0),
    "projector at 150%": (1280, 720, 1.5),
}
PAGES = {
    "search": "/",
    "search, all kinds": "/?service=*",
    "search, nothing": "/?min=1m",
    "slow": f"/trace/{SLOW}",
    "whole": f"/trace/{FULL}",
    "declined": f"/trace/{DECLINED}",
    "outage": f"/trace/{OUTAGE}",
    "repeats": f"/trace/{REPEATS}",
    "span": f"/trace/{FULL}#{'0' * 15}9",
    "compare whole": f"/compare/{FULL}...{FAST}",
    "map": "/services",
    "files": "/open",
    "teacher": f"/teach/{TEACHER}",
    "missing": "/trace/" + "4" * 32 + "?try=5",
}


@pytest.fixture(params=SIZES)
def window(request: pytest.FixtureRequest, browser: Browser, console_url: str) -> Iterator[Page]:
    """A window of a size."""
    width, height, scale = SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=scale, base_url=console_url
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def drawn(page: Page, path: str) -> None:
    """Opens a page and waits until its scripts have drawn."""
    page.goto(path)
    if path.startswith("/trace/") and page.locator("#trace-data").count():
        page.wait_for_selector("body[data-ready]")
    if page.locator("#map").count():
        page.wait_for_selector(".map svg")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_is_whole(window: Page, path: str) -> None:
    """Boxes are measured, in light and in dark, with filters open and closed, quiet and not."""
    drawn(window, path)
    assert window.evaluate(LAYOUT) == []
    window.emulate_media(color_scheme="dark")
    assert window.evaluate(LAYOUT) == []
    if window.locator("#names").count():
        window.locator("#names").click()
        assert window.evaluate(LAYOUT) == []
    if window.locator("#more").count():
        window.locator("#more summary").click()
        assert window.evaluate(LAYOUT) == []
    window.locator("#quiet").click()
    assert window.evaluate(LAYOUT) == []


def test_what_matters_is_in_the_first_view(window: Page) -> None:
    """The list begins above the fold, and so does the waterfall; both have their first lines there."""
    height = window.viewport_size["height"] if window.viewport_size else 0
    drawn(window, "/")
    first = window.locator(".traces tbody tr").first.bounding_box()
    assert first and first["y"] + first["height"] <= height
    drawn(window, f"/trace/{FULL}")
    line = window.locator(".row").nth(1).bounding_box()
    assert line and line["y"] + line["height"] <= height


def test_fifteen_lines_fit_720_pixels(browser: Browser, console_url: str) -> None:
    """A checkout is seen whole on a laptop; on a large screen the panel takes its part of the room."""
    for width, height in ((1280, 720), (1920, 1080)):
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=console_url)
        page = context.new_page()
        drawn(page, f"/trace/{FULL}")
        assert page.locator(".row").count() == 15
        last = page.locator(".row").nth(14).bounding_box()
        assert last and last["y"] + last["height"] <= height
        panel = page.locator(".panel").bounding_box()
        assert panel and panel["width"] >= width * 0.25
        context.close()


def test_the_measure_finds_what_it_looks_for(page: Page) -> None:
    """Each kind of fault, made on purpose, is told."""
    faults = {
        "is empty": "document.querySelector('.split').style.cssText = 'height: 0; flex: none; overflow: hidden'",
        "is cut at": "document.querySelector('.row .label').style.maxWidth = '20px'",
        "lies on": "document.querySelector('.what').style.marginLeft = '-120px'",
        "is outside of the window": "document.querySelector('.id').style.cssText = 'position: fixed; left: -50px'",
        "px wide in a window": "document.querySelector('.tools').style.cssText = 'min-width: 3000px; flex: none';"
        "document.body.style.cssText = 'overflow: visible; height: auto'",
        "covers a bar": "document.querySelector('.row .bar').append(Object.assign(document.createElement('b'), "
        "{ textContent: '872 ms', style: 'position: absolute; left: 40%' }))",
    }
    for words, fault in faults.items():
        drawn(page, f"/trace/{FULL}")
        assert page.evaluate(LAYOUT) == []
        page.evaluate(fault)
        assert any(words in told for told in page.evaluate(LAYOUT)), words
    drawn(page, "/services")
    page.evaluate("document.querySelector('.edge-label').setAttribute('transform', 'translate(95 0)')")
    assert any("of the map" in told for told in page.evaluate(LAYOUT))
