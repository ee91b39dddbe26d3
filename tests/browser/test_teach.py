"""The teacher's page in a browser: a fault really switched on and off before a room, by mouse, by keyboard, for all."""

import json
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import TEACHER
from tests.browser.test_layout import LAYOUT
from tests.integration.conftest import Stack

NAME = "swallowed-error"
STEP = 90_000  # ms; a busy machine's proof


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A whole system."""
    stack = Stack(tmp_path_factory.mktemp("taught"), seed_movements=500_000)
    with stack.running():
        yield stack


@pytest.fixture
def closed(page: Page) -> Page:
    """The page of a system that is not up."""
    page.goto(f"/teach/{TEACHER}")
    return page


def changed(stack: Stack) -> list[str]:
    """What a scenario changed, and what became of it."""
    found = json.loads(stack.must("changes", "--json"))
    return [each["state"] for each in found if each["by"].endswith(f"scenario {NAME}")]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_fault_is_switched_on_and_off(browser: Browser, taught: Stack, scripts: bool) -> None:
    """The proof comes while it happens, its name only for who clicks; the trace is a click away; gone at the end."""
    taught.must("checkout")
    before = len(changed(taught))
    with browser.new_context(viewport={"width": 1280, "height": 720}, java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto(taught.must("teach").strip())
        assert page.url.endswith("/teach")
        card = page.locator(".card", has=page.locator(f'input[name=name][value="{NAME}"]'))
        number = (card.locator("h3").text_content() or "").strip()
        assert NAME not in page.locator("main").inner_text()
        card.get_by_role("button").press("Enter")
        expect(page.locator("#stop")).to_be_visible()
        expect(card.get_by_role("button")).to_be_disabled()
        expect(page.locator("#said")).to_have_text(re.compile(f"{number} is on, and proved: after"), timeout=STEP)
        expect(page.locator("#stop")).to_have_count(0)
        assert NAME not in page.locator("main").inner_text()
        expect(card.locator("h3")).to_have_text(re.compile("on$"))
        assert changed(taught)[before:] == ["done"]
        if scripts:
            assert page.evaluate(LAYOUT) == []
            page.locator("#proof summary").click()
            expect(page.locator("#words")).to_contain_text("42703")
            assert page.evaluate(LAYOUT) == []
            assert Axe().run(page).violations_count == 0
        card.get_by_role("button", name=f"Switch {number.lower()} off").click()
        if scripts:
            # Each switch closes what was open; what is opened then stays so when it has come to its end.
            expect(page.locator("#words")).to_be_hidden()
            page.locator("#proof summary").click()
        expect(page.locator("#said")).to_have_text(re.compile(f"{number} is off, and gone: after"), timeout=STEP)
        if scripts:
            expect(page.locator("#words")).to_contain_text("gone, proved in")
            expect(page.locator("#words")).to_be_visible()
    assert changed(taught)[before:] == ["undone"]


def test_the_trace_that_proves_it_opens(browser: Browser, taught: Stack) -> None:
    """By the link below the sentence; load goes on and off meanwhile."""
    with browser.new_context(viewport={"width": 1280, "height": 720}) as context:
        page = context.new_page()
        page.set_default_timeout(STEP)
        page.goto(taught.must("teach").strip())
        card = page.locator(".card", has=page.locator(f'input[name=name][value="{NAME}"]'))
        card.get_by_role("button").click()
        expect(page.locator("#proof-trace")).to_be_visible(timeout=STEP)
        page.fill("input[name=users]", "1")
        page.click("#load-on")
        expect(page.locator("#load-said")).to_contain_text("checkouts/s", timeout=STEP)
        page.click("#load-off")
        expect(page.locator("#load-on")).to_be_visible(timeout=STEP)
        page.click("#proof-trace")
        expect(page.locator(".row").first).to_be_visible()
        page.go_back()
        page.click("#reset")
        expect(page.locator("#said")).to_have_text(re.compile("All is as it should be"), timeout=STEP)
        expect(page.locator("main")).to_contain_text("No scenario is on.")
    assert set(changed(taught)) == {"undone"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_use_it(closed: Page, scheme: str) -> None:
    """axe-core finds nothing, with names closed and open."""
    closed.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for _ in range(2):
        found = Axe().run(closed)
        assert found.violations_count == 0, found.generate_report()
        closed.click("#names")


def test_names_are_shown_one_by_one_or_all(closed: Page) -> None:
    """By keyboard, too; none is shown before."""
    text = closed.locator("main").inner_text()
    assert "Scenario 1" in text and "missing-index" not in text and "lost-header" not in text
    closed.locator("#name-1 summary").focus()
    closed.keyboard.press("Enter")
    assert closed.locator("details[open]").count() == 1
    closed.click("#names")
    expect(closed.locator("#names")).to_have_attribute("aria-pressed", "true")
    text = closed.locator("main").inner_text()
    assert "missing-index" in text and "lost-header" in text
    closed.click("#names")
    assert closed.locator("details[open]").count() == 0


def test_what_cannot_be_started_says_so_on_the_page(closed: Page) -> None:
    """The system is not up: the command's own sentence, behind the click, and that it did not come to its end."""
    closed.click("#reset")
    expect(closed.locator("#said")).to_have_text(re.compile("The reset did not come to its end: exit code 1"))
    closed.locator("#proof summary").click()
    expect(closed.locator("#words")).to_contain_text("error: nothing is up here")
