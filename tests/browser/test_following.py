"""The plot's regions and marks, quiet pages, and messages that are followed: what a teacher shows a room."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import FAST, SLOW
from tests.unit.console.console_traces import document, span
from tests.unit.jaeger.stand_in import StandIn

# The corners, in px of the window, of a rectangle round one trace's dot.
AROUND = """async (id) => {
  const { plot } = await import("/static/search/search.js");
  const [x, y] = plot.at(plot.data.dots.find((dot) => dot[4] === id));
  const { left, top } = plot.uplot.over.getBoundingClientRect();
  return [left + x - 12, top + y - 12, left + x + 12, top + y + 12];
}"""


def choose_around(page: Page, trace_id: str) -> None:
    """Draws a rectangle round a trace's dot with the mouse."""
    page.wait_for_selector(".u-over")
    left, top, right, bottom = page.evaluate(AROUND, trace_id)
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, bottom, steps=4)
    page.mouse.up()


def test_a_region_of_the_plot_is_told_and_listed(page: Page) -> None:
    """How many it holds and how long they took; a link lists exactly them, and Escape drops the region."""
    page.goto("/")
    choose_around(page, SLOW)
    expect(page.locator("#region")).to_contain_text("1 trace drawn in this region: p50 872 ms, p95 872 ms")
    page.keyboard.press("Escape")
    expect(page.locator("#region")).to_be_hidden()
    choose_around(page, SLOW)
    page.get_by_role("link", name="List them").click()
    expect(page.locator("a.open-trace")).to_have_count(1)
    expect(page.locator("a.open-trace")).to_have_attribute("href", f"/trace/{SLOW}")


def test_a_change_of_the_index_stands_between_the_traces(page: Page) -> None:
    """The mark is drawn between the slow checkout and the fast one, with its words."""
    page.goto("/")
    page.wait_for_selector(".u-over")
    ink = page.evaluate(
        """async (ids) => {
          const { plot } = await import("/static/search/search.js");
          const [mark] = plot.data.marks;
          const [slow, fast] = ids.map((id) => plot.data.dots.find((dot) => dot[4] === id)[0]);
          const x = Math.round(plot.uplot.valToPos(mark.at, "x", true));
          const drawn = plot.uplot.ctx.getImageData(x, plot.uplot.bbox.top + 40, 1, 1).data;
          return [mark.text, slow < mark.at && mark.at < fast, drawn[3] > 0];
        }""",
        [SLOW, FAST],
    )
    assert ink == ["index created", True, True]


def test_quiet_marks_say_that_something_was_changed_and_not_what(page: Page) -> None:
    """Its words are the answer to a riddle; the index's are not, which the lesson is about."""
    page.goto("/")
    page.wait_for_selector(".u-over")
    page.evaluate(
        """async () => {
          const { plot } = await import("/static/search/search.js");
          const at = (plot.data.from + plot.data.to) / 2;
          const marks = [["order: release x", true], ["index created", false]];
          plot.data.marks = marks.map(([text, answer]) => ({ at, text, answer }));
          const { ctx } = plot.uplot, fill = ctx.fillText;
          ctx.fillText = (text, ...where) => { (window.written ??= []).push(text); fill.call(ctx, text, ...where); };
        }"""
    )
    for words, other in (("a change", "order: release x"), ("order: release x", "a change")):
        page.evaluate("window.written = []")
        page.click("#quiet")
        written = page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done(window.written)))")
        assert "index created" in written
        assert words in written
        assert other not in written


def test_marks_close_to_one_another_are_not_written_on_each_other(page: Page) -> None:
    """Words that have no room are left out, not those of the latest; each mark has its line."""
    page.goto("/")
    page.wait_for_selector(".u-over")
    boxes, lines, latest = page.evaluate(
        """async () => {
          const { plot } = await import("/static/search/search.js");
          const { from, to } = plot.data, boxes = [], { ctx } = plot.uplot;
          plot.data.marks = Array.from({ length: 24 }, (_, number) => {
            return { at: from + (to - from) * number / 23, text: `order: release number ${number}`, answer: false };
          });
          let lines = 0, latest = false;
          const move = ctx.moveTo, fill = ctx.fillText;
          ctx.fillText = (text, x, y) => {
            const width = ctx.measureText(text).width;
            if (text.startsWith("order")) boxes.push(ctx.textAlign === "left" ? [x, x + width, y] : [x - width, x, y]);
            latest ||= text.endsWith(" 23");
            fill.call(ctx, text, x, y);
          };
          ctx.moveTo = (x, y) => { lines += y === plot.uplot.bbox.top; move.call(ctx, x, y); };
          plot.uplot.redraw(false);
          await new Promise((done) => requestAnimationFrame(done));
          return [boxes, lines, latest];
        }"""
    )
    assert lines >= 24 and 6 < len(boxes) < 24 and latest
    for number, (left, right, row) in enumerate(boxes):
        for other_left, other_right, other_row in boxes[:number]:
            assert row != other_row or right <= other_left or left >= other_right


def test_tab_does_not_walk_through_the_dots(page: Page) -> None:
    """The plot is no stop of the keyboard's: the list below has its traces."""
    page.goto("/?service=*")
    page.wait_for_selector(".u-over")
    assert page.locator("#plot :is(a, button, input, [tabindex])").count() == 0
    page.locator("#more summary").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name === 'id'"):
            break
    assert page.evaluate("document.activeElement.closest('.traces') !== null")


def test_a_quiet_page_keeps_the_answer_until_somebody_asks(page: Page) -> None:
    """Banner, diagnosis and orange bar wait, also after a reload; asking shows them on this page alone."""
    page.goto(f"/trace/{SLOW}?quiet")
    hot = "getComputedStyle(document.querySelector('.own.hot')).backgroundColor"
    plain = page.evaluate(hot)
    for path in (f"/trace/{SLOW}", f"/compare/{SLOW}...{FAST}"):
        page.goto(path)
        expect(page.locator(".summary .leg")).to_be_hidden()
    page.goto(f"/trace/{SLOW}")
    expect(page.locator("#diagnosis h2")).to_be_hidden()
    page.get_by_role("button", name="Show the answer").click()
    expect(page.locator(".summary .leg")).to_be_visible()
    expect(page.locator("#diagnosis h2")).to_have_text("1 problem found")
    assert page.evaluate(hot) != plain
    page.reload()
    expect(page.locator(".summary .leg")).to_be_hidden()
    page.keyboard.press("q")
    expect(page.locator(".summary .leg")).to_be_visible()
    page.goto("/services")
    expect(page.locator("#quiet")).to_have_attribute("aria-pressed", "false")


@pytest.fixture
def teach(teaching: Path) -> Iterator[Callable[[str], None]]:
    """Begins a class, as `make up TEACH=1` does at that time; it is over after the test."""

    def begin(when: str) -> None:
        teaching.write_text(when)

    yield begin
    teaching.unlink()


def test_a_class_has_quiet_pages_until_a_browser_chooses(page: Page, teach: Callable[[str], None]) -> None:
    """Nobody typed ?quiet; who chose to see answers is asked anew by the next class, and sees them when none is on."""
    answer = page.locator(".summary .leg")
    page.goto(f"/trace/{SLOW}")
    expect(answer).to_be_visible()
    teach("first")
    page.reload()
    expect(answer).to_be_hidden()
    page.keyboard.press("a")
    expect(answer).to_be_visible()
    page.reload()
    expect(answer).to_be_hidden()
    page.keyboard.press("q")
    page.reload()
    expect(answer).to_be_visible()
    teach("second")
    page.reload()
    expect(answer).to_be_hidden()
    page.keyboard.press("q")
    page.keyboard.press("q")
    teach("")
    page.reload()
    expect(answer).to_be_visible()
    for text, shown in (("?quiet", False), ("?quiet=off", True)):
        page.goto(f"/trace/{SLOW}{text}")
        expect(answer).to_be_visible(visible=shown)


def test_a_message_is_followed_to_its_receiver_and_back(page: Page, jaeger: StandIn) -> None:
    """The sender's page names who received and leads there, the receiver's page leads back to the very span."""
    sender, receiver, start = "5" * 32, "6" * 32, time.time_ns() - 30 * 10**9
    topic = {"messaging.destination.name": "order.confirmed"}
    sent = span(sender, 1, 0, "send order.confirmed", 4, start, start + 10**6, attributes=topic)
    handled = span(
        receiver, 2, 0, "process order.confirmed", 5, start + 9 * 10**6, start + 10**7, attributes=topic,
        links=[{"traceId": sender, "spanId": f"{1:016x}"}],
    )  # fmt: skip
    for made in (document({"order": [sent]}), document({"order-worker": [handled]})):
        assert jaeger.export(json.dumps(made).encode(), "application/json").status_code == 200
    page.goto(f"/trace/{sender}")
    expect(page.locator("#received")).to_have_text("order-worker process order.confirmed 8.0 ms later")
    page.locator("#received a").click()
    page.wait_for_url(f"**/trace/{receiver}#*")
    page.get_by_role("link", name="trace 55555555").first.click()
    page.wait_for_url(f"**/trace/{sender}#{1:016x}")
    expect(page.locator("#details")).to_contain_text("Received by")


def test_a_trace_is_downloaded_as_a_file(page: Page) -> None:
    """Its name is the trace's id, and it opens again under Files."""
    page.goto(f"/trace/{SLOW}")
    for name, kind in (("OTLP JSON", "otlp"), ("Jaeger JSON", "jaeger")):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name).click()
        assert waiting.value.suggested_filename == f"{SLOW}.{kind}.json"
        page.goto("/open")
        page.locator("input[type=file]").set_input_files(waiting.value.path())
        page.locator("main button", has_text="Open").click()
        expect(page.locator(".summary .total")).to_have_text("872 ms")
        page.goto(f"/trace/{SLOW}")
