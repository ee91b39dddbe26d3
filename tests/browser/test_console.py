"""The console in a browser: what a person does with it, by mouse and by keyboard."""

import json
import re
import time

from playwright.sync_api import Page, expect

from tests.browser.conftest import DECLINED, FAST, FULL, HOSTILE, HUGE, HUGE_SPANS, REPEATS, SLOW
from tests.unit.console.console_traces import checkout, step
from tests.unit.jaeger.stand_in import StandIn
from workshop.traces import wording

# Where a trace's dot is in the window, in px.
DOT = """async (id) => {
  const { plot } = await import("/static/search/search.js");
  const [x, y] = plot.at(plot.data.dots.find((dot) => dot[4] === id));
  const { left, top } = plot.uplot.over.getBoundingClientRect();
  return [left + x, top + y];
}"""


def click_dot(page: Page, trace_id: str) -> None:
    """Clicks on a trace's dot in the plot."""
    page.wait_for_selector(".u-over")
    page.mouse.move(*page.evaluate(DOT, trace_id))
    page.mouse.click(*page.evaluate(DOT, trace_id))


STATEMENT = "0" * 15 + "6"


def test_from_the_list_to_the_slow_statement(page: Page) -> None:
    """A dot in the plot opens its trace, the marked row is the slow span, and a click shows what it is."""
    page.goto("/")
    click_dot(page, SLOW)
    page.wait_for_url(f"**/trace/{SLOW}")
    expect(page.locator(".summary .total")).to_have_text("872 ms")
    expect(page.locator(".row.longest")).to_have_count(1)
    page.locator(".row.longest .label").click()
    details = page.locator("#details")
    expect(details.locator("h2")).to_contain_text("SELECT sum(quantity) FROM stock_movement")
    expect(details.locator(".big")).to_have_text("812 ms")
    expect(details.locator(".attributes").first).to_contain_text("rows")
    expect(details).to_contain_text("1 event")
    expect(details.get_by_role("link", name="trace abababab")).to_have_attribute(
        "href", f"/trace/{'ab' * 16}#{'cd' * 8}"
    )


def test_only_the_slow_span_is_a_solid_bar(page: Page) -> None:
    """Parents that merely wait are thin lines: the longest leg is the one hot bar, and as long as its time."""
    page.goto(f"/trace/{SLOW}")
    hot = page.locator(".own.hot")
    expect(hot).to_have_count(1)
    bar, whole = hot.bounding_box(), page.locator(".row.longest .bar").bounding_box()
    assert bar and whole
    assert abs(bar["width"] / whole["width"] - 812 / 872) < 0.01
    lines = [box["height"] for box in (each.bounding_box() for each in page.locator(".extent:not(.leaf)").all()) if box]
    assert max(lines) * 3 < bar["height"]


def test_the_diagnosis_leads_to_its_evidence(page: Page) -> None:
    """A finding's proof is a link that selects the span."""
    page.goto(f"/trace/{SLOW}")
    page.locator("#diagnosis .evidence a").first.click()
    expect(page.locator(".row.selected .label")).to_have_text("SELECT stock_movement")
    assert page.url.endswith(f"#{STATEMENT}")
    page.keyboard.press("Escape")
    expect(page.locator("#diagnosis")).to_be_visible()


def test_a_waterfall_by_keyboard(page: Page) -> None:
    """Arrows walk and fold the tree, letters jump, and the selected span is told to a screen reader."""
    page.goto(f"/trace/{DECLINED}")
    rows = page.locator(".row")
    expect(rows).to_have_count(7)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#scroller")).to_have_attribute("aria-activedescendant", "row-0")
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(rows).to_have_count(7)
    page.keyboard.press("e")
    expect(page.locator(".row.selected")).to_contain_text("✗")
    expect(page.locator("#details .failure")).to_contain_text("402 the card was declined")
    page.keyboard.press("End")
    page.keyboard.press("k")
    expect(page.locator(".row.selected .label")).to_have_text("SELECT stock_movement")
    page.keyboard.press("z")
    expect(page.locator(".tick").first).not_to_have_text("0 ms")
    page.keyboard.press("0")
    expect(page.locator(".tick").first).to_have_text("0 ms")
    page.keyboard.press("d")
    expect(page.locator("#panel")).to_be_hidden()


def test_repeats_are_one_line_until_opened(page: Page) -> None:
    """Eight runs of one statement are a line with their number and sum; the arrow shows them one by one."""
    page.goto(f"/trace/{REPEATS}")
    folded = page.locator(".row", has=page.locator(".times"))
    expect(folded.locator(".times")).to_have_text("× 8")
    expect(folded.locator(".length")).to_have_text("Σ 72 ms")
    expect(page.locator(".row")).to_have_count(3)
    for key in ("j", "j", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".row")).to_have_count(10)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".row")).to_have_count(3)


def test_work_after_the_answer_does_not_press_the_rest_together(page: Page) -> None:
    """The root's own time is shown first, what comes long after it on demand."""
    page.goto(f"/trace/{REPEATS}")
    expect(page.locator(".tick").last).to_have_text("110 ms")
    page.get_by_role("button", name="Whole time").click()
    expect(page.locator(".tick").last).to_have_text("5.00 s")


def test_find_marks_spans_and_walks_through_them(page: Page) -> None:
    """Names and attributes are searched, and n goes from one to the next."""
    page.goto(f"/trace/{SLOW}")
    page.keyboard.press("/")
    page.keyboard.type("url.full=http")
    expect(page.locator("#found")).to_have_text("3 spans")
    page.keyboard.press("Enter")
    expect(page.locator(".row.selected .label")).to_have_text("POST /orders")
    page.keyboard.press("n")
    expect(page.locator(".row.selected .label")).to_have_text("POST /reservations")


def test_the_list_of_keys(page: Page) -> None:
    """A question mark shows the keys, and Escape closes them again."""
    page.goto(f"/trace/{SLOW}")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    expect(page.locator("#help")).to_contain_text("to the longest leg")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_a_link_to_a_span_selects_it(page: Page) -> None:
    """The address names the selected span: it can be sent to someone."""
    page.goto(f"/trace/{SLOW}#{STATEMENT}")
    expect(page.locator(".row.selected .label")).to_have_text("SELECT stock_movement")
    expect(page.locator("#details")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile(r"#0{15}5$"))


def test_two_chosen_traces_are_compared_in_the_order_of_choosing(page: Page) -> None:
    """The first box is before, the second after; the leg that changed is marked."""
    page.goto("/")
    page.locator(f'input[value="{SLOW}"]').check()
    page.locator(f'input[value="{FAST}"]').check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(f"**/compare/{SLOW}...{FAST}")
    expect(page.locator("h1")).to_have_text("14.3 times as fast")
    expect(page.locator("tr.biggest")).to_contain_text("stock_movement")
    page.keyboard.press("s")
    page.wait_for_url(f"**/compare/{FAST}...{SLOW}")


def test_the_list_by_keyboard(page: Page) -> None:
    """j walks through the traces, x chooses, c compares."""
    page.goto("/?sort=longest")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    page.keyboard.press("c")
    page.wait_for_url(f"**/compare/{FULL}...{SLOW}")


def test_filters_narrow_the_list_and_stay_in_the_address(page: Page) -> None:
    """Choosing a service searches at once; a least duration leaves the slow trace; nothing empty is in the address."""
    page.goto("/?service=*")
    page.locator("#more summary").click()
    page.locator("#service").select_option("gateway")
    expect(page.locator(".traces tbody tr")).to_have_count(5)
    page.locator("#more summary").click()
    page.get_by_label("At least").fill("600ms")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".traces tbody tr")).to_have_count(2)
    expect(page.locator("#more summary")).to_have_text("Filters ≥ 600ms")
    assert "min=600ms" in page.url
    assert "attributes" not in page.url


def test_the_map_shows_where_the_time_goes(page: Page) -> None:
    """The hot node is the one in which the traces spent most, and its edge has calls and p50."""
    page.goto("/services")
    expect(page.locator(".node")).not_to_have_count(0)
    expect(page.locator(".node.hot")).to_have_count(1)
    expect(page.locator(".edge-label", has_text="p50")).not_to_have_count(0)
    expect(page.locator("table.edges tr", has_text="inventory (postgresql)")).to_contain_text("812 ms")


def test_scripts_in_a_trace_do_not_run(page: Page) -> None:
    """Markup in names, values, events and errors is shown as text on every page, also in what scripts draw."""
    for path in ("/?service=*", f"/trace/{HOSTILE}", f"/compare/{HOSTILE}...{HOSTILE}", "/services"):
        page.goto(path)
        expect(page.locator("main")).to_contain_text("<img src=x")
        assert page.locator("main img").count() == 0
        assert page.evaluate("window.hacked") is None
    page.goto(f"/trace/{HOSTILE}")
    for key in ("ArrowDown", "ArrowDown", "e", "l"):
        page.keyboard.press(key)
        expect(page.locator("#details")).to_contain_text("<script>")
        assert page.locator("#details img, #details script, #details a[href^=javascript]").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_trace_of_thousands_of_spans_is_drawn_as_it_is_scrolled(page: Page) -> None:
    """5,000 spans are one long list of which only what is in sight is in the page."""
    page.goto(f"/trace/{HUGE}")
    page.wait_for_selector("body[data-ready]")
    scroller = page.locator("#scroller")
    expect(page.locator(".summary")).to_contain_text(f"{HUGE_SPANS:,} spans")
    assert page.locator(".row").count() < 100
    height = scroller.evaluate("element => element.scrollHeight")
    assert height >= HUGE_SPANS * 30
    for part in (0.25, 0.5, 0.99):
        scroller.evaluate("(element, part) => { element.scrollTop = element.scrollHeight * part }", part)
        number = round(HUGE_SPANS * part)
        expect(page.locator(".row .label", has_text=re.compile(rf"^{step(number + 2)}$"))).to_have_count(1)
        assert page.locator(".row").count() < 100
    page.keyboard.press("End")
    expect(page.locator(".row.selected")).to_contain_text(step(HUGE_SPANS))


def test_a_trace_that_comes_late_appears_by_itself(page: Page, jaeger: StandIn) -> None:
    """A link that is faster than its trace: the page asks again, and keeps the selected span."""
    late = "f" * 32
    page.goto(f"/trace/{late}#{STATEMENT}")
    expect(page.locator("main")).to_contain_text("up to a second")
    document = checkout(late, time.time_ns() - 10**9, 300)
    assert jaeger.export(json.dumps(document).encode(), "application/json").status_code == 200
    expect(page.locator(".row.selected .label")).to_have_text("SELECT stock_movement")


def test_dark_and_light(page: Page) -> None:
    """The page follows the system until a person chooses, and remembers the choice."""
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("t")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.goto("/services")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light


def test_live_mode_shows_new_traces(page: Page, jaeger: StandIn) -> None:
    """With Live on, a new checkout turns up in the list without a click."""
    page.goto("/?service=gateway")
    page.keyboard.press("l")
    new = "9" * 32
    jaeger.export(json.dumps(checkout(new, time.time_ns() - 10**9, 5)).encode(), "application/json")
    expect(page.locator(f'a.open-trace[href="/trace/{new}"]')).to_be_visible()


def test_durations_are_written_as_in_the_terminal(page: Page) -> None:
    """The script that writes durations and the Python that does agree on every size."""
    values = [0, 0.0042, 0.42, 0.996, 9.94, 9.96, 99.6, 812.4, 999.6, 1234.5, 59_994, 60_000, 125_400]
    page.goto("/")
    written = page.evaluate(
        "async (values) => { const { duration } = await import('/static/format.js'); return values.map(duration); }",
        values,
    )
    assert written == [wording.duration(value) for value in values]
