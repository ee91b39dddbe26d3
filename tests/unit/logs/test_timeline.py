"""Log lines and spans on one timeline."""

from rich.console import Console

from tests.unit.traces.trace_shapes import T0, call, server, span, trace
from workshop.logs.log_lines import LogLine
from workshop.logs.timeline import Timeline
from workshop.traces.model.trace import Trace


def shop() -> Trace:
    """The gateway calls the order service."""
    return trace(
        server("gateway", "POST /checkout", 0, 50.5, call("gateway", "POST http://order/orders", 2, 48,
            server("order", "POST /orders", 3, 47.2, span("order", "ProcessOrder", 4, 40))))
    )  # fmt: skip


def line(made: Trace, ms: int, service: str, name: str, message: str, **fields: object) -> LogLine:
    """A line of a span, with the millisecond that its service writes; an unknown name: of no span that came."""
    ids = [each.span_id for each in made.spans if each.service == service and each.name == name]
    level = str(fields.get("level", "INFO"))
    return LogLine(
        T0 + ms * 1_000_000, service, level, message, made.trace_id, ids[0] if ids else "f" * 16, dict(fields)
    )


def printed(timeline: Timeline, width: int = 100) -> str:
    """The timeline as it looks on a terminal of that width."""
    console = Console(width=width, record=True, highlight=False)
    with console.capture() as capture:
        console.print(timeline)
    return capture.get()


def test_lines_stand_under_their_spans() -> None:
    """Indented by one more than the span, at the offset at which they were written."""
    made = shop()
    found = Timeline(made.trace_id, made, [line(made, 10, "order", "ProcessOrder", "stock reserved")])
    rows = printed(found).splitlines()
    assert "4 spans, 1 log line of 1 service" in rows[0]
    process = next(row for row in rows if "ProcessOrder" in row)
    written = next(row for row in rows if "stock reserved" in row)
    assert written.index("stock") == process.index("ProcessOrder") + 2
    assert rows.index(written) > rows.index(process)


def test_a_callees_last_word_is_before_its_callers() -> None:
    """Though both are of the same millisecond, and the caller's came first."""
    made = shop()
    lines = [
        line(made, 50, "gateway", "POST /checkout", "gateway answered"),
        line(made, 50, "order", "POST /orders", "order answered"),
    ]
    told = [entry.line.message for entry in Timeline(made.trace_id, made, lines).entries if entry.line]
    assert told == ["order answered", "gateway answered"]


def test_a_line_is_not_before_its_span() -> None:
    """A cut millisecond must not put it there."""
    made = shop()
    entries = Timeline(made.trace_id, made, [line(made, 3, "order", "ProcessOrder", "first")]).entries
    names = [entry.line.message if entry.line else entry.span.name for entry in entries if entry.span]
    assert names.index("first") == names.index("ProcessOrder") + 1


def test_a_line_whose_span_is_lost_is_shown() -> None:
    """At the left edge, in its time."""
    made = shop()
    (entry,) = [e for e in Timeline(made.trace_id, made, [line(made, 20, "payment", "?", "paid")]).entries if e.line]
    assert (entry.depth, entry.span, round(entry.offset_ms)) == (0, None, 21)


def test_without_the_trace_the_lines_remain() -> None:
    """Offsets then count from the first line."""
    made = shop()
    lines = [line(made, 10, "order", "?", "a"), line(made, 30, "order", "?", "b")]
    text = printed(Timeline(made.trace_id, None, lines))
    assert "2 log lines of 1 service" in text
    assert "21 ms" in text


def test_the_end_of_a_traceback_is_shown() -> None:
    """Its last line says what it was; the rest is in the log."""
    made = shop()
    bad = line(made, 9, "order", "ProcessOrder", "no", level="ERROR", exc_info="Traceback\n  File\nValueError: x\n")
    text = printed(Timeline(made.trace_id, made, [bad]))
    assert "ValueError: x" in text
    assert "Traceback" not in text


def test_a_message_cannot_steer_the_terminal() -> None:
    """Control characters from a log are shown, not obeyed."""
    made = shop()
    text = printed(Timeline(made.trace_id, made, [line(made, 9, "order", "ProcessOrder", "a\x1b[2Jb\r[red]c")]))
    assert "\x1b" not in text and "[red]c" in text


def test_of_a_large_trace_only_what_leads_to_lines_is_shown() -> None:
    """A thousand spans would hide ten lines."""
    made = trace(
        server("a", "GET /", 0, 1000, *(span("a", f"step {n}", n, 1) for n in range(500)), span("a", "work", 600, 50))
    )
    found = Timeline(made.trace_id, made, [line(made, 610, "a", "work", "done")])
    assert len(found.entries) == 3
    assert "500 spans without log lines left out" in printed(found)


def test_as_data() -> None:
    """All that the line holds, and where it belongs."""
    made = shop()
    data = Timeline(made.trace_id, made, [line(made, 9, "order", "ProcessOrder", "x", status=201)]).as_json()
    assert len(data["spans"]) == 4
    (only,) = data["lines"]
    assert (only["span"], only["status"], only["depth"]) == ("ProcessOrder", 201, 4)
