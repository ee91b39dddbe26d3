"""Two regions of the plot compared, by mouse and by keyboard."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import FAST, SLOW
from tests.browser.test_following import choose_around

REGION = """async () => {
  const { plot } = await import("/static/search/search.js");
  return [plot.region, plot.kept, plot.data.from, plot.data.to];
}"""


BEGAN = """async (id) => {
  const { plot } = await import("/static/search/search.js");
  return plot.data.dots.find((dot) => dot[4] === id)[0];
}"""


def test_two_regions_are_compared(page: Page) -> None:
    """The first is kept as before and stays drawn, the second leads to what changed."""
    page.goto("/")
    choose_around(page, FAST)
    page.get_by_role("button", name="Compare with another region").click()
    expect(page.locator("#region")).to_have_text("Before: 1 trace. Choose the region that is compared with it. Drop")
    choose_around(page, SLOW)
    expect(page.locator("#region")).to_contain_text("Before: 1 trace. 1 trace drawn in this region: p50 872 ms")
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.locator("h1")).to_have_text("What changed between two regions")
    expect(page.locator(".summary .total")).to_have_text("61 ms → 872 ms")
    expect(page.locator(".suspects tbody tr").first).to_contain_text("inventory")
    page.locator(".suspects a").first.click()
    page.wait_for_url(f"**/trace/{SLOW}#*")


def test_two_regions_by_keyboard(page: Page) -> None:
    """Arrows make a region and move it, with Shift its edge; b keeps it, b again compares."""
    page.goto("/")
    page.wait_for_selector(".u-over")
    slow = page.evaluate(BEGAN, SLOW)
    # From the slow checkout to the one of 1.63 s, a minute later: whenever the test runs, whatever others have sent.
    page.goto(f"/?from={round(slow - 1_000)}&to={round(slow + 65_000)}")
    page.wait_for_selector(".u-over")
    page.keyboard.press("p")
    expect(page.locator("#plot")).to_be_focused()
    page.keyboard.press("ArrowRight")
    first, _, start, end = page.evaluate(REGION)
    assert first["to"] == end and abs(first["from"] - (end - (end - start) / 3)) < 1
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    # At the plot's left edge; the later ones are let go.
    moved, kept, _, _ = page.evaluate(REGION)
    assert moved["from"] == start and kept is None
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#region")).to_contain_text("1 trace drawn in this region: p50 872 ms")
    page.keyboard.press("b")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#region")).to_contain_text("Before: 1 trace. 1 trace drawn in this region: p50 1.63 s")
    page.keyboard.press("Escape")  # the region …
    expect(page.locator("#region")).to_contain_text("Before: 1 trace. Choose the region")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#region")).to_contain_text("Before: 1 trace. 1 trace drawn in this region: p50 1.63 s")
    page.keyboard.press("b")
    page.wait_for_url("**/changes?*")
    expect(page.locator(".summary .total")).to_have_text("872 ms → 1.63 s")


def test_a_quiet_page_keeps_who_is_suspected(page: Page) -> None:
    """Until somebody asks."""
    page.goto("/")
    page.keyboard.press("q")
    choose_around(page, FAST)
    page.keyboard.press("b")
    choose_around(page, SLOW)
    page.keyboard.press("b")
    expect(page.locator(".summary .total")).to_have_text("61 ms → 872 ms")
    expect(page.locator(".suspects")).to_be_hidden()
    page.keyboard.press("q")
    expect(page.locator(".suspects")).to_be_visible()
