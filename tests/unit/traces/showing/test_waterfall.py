"""The waterfall: what it prints, at every width, and as data."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.unit.traces.time.test_critical_path import trees
from tests.unit.traces.trace_shapes import call, checkout, link, server, span, sql, trace
from workshop.traces import wording
from workshop.traces.model.trace import Trace
from workshop.traces.showing import rows
from workshop.traces.showing.waterfall import Waterfall, as_json


def printed(made: Trace, width: int = 120, *, colour: bool = False, **options: object) -> list[str]:
    """The waterfall's lines, as wide as asked."""
    console = Console(width=width, force_terminal=colour, highlight=False, color_system="truecolor" if colour else None)
    with console.capture() as capture:
        console.print(Waterfall(made, **options))  # type: ignore[arg-type]
    return capture.get().splitlines()


def line_with(lines: list[str], text: str) -> str:
    """The one line that has the text."""
    (found,) = [line for line in lines if text in line]
    return found


def test_the_slow_statement_is_marked() -> None:
    """The longest leg has its mark, its bar, and the last line."""
    lines = printed(checkout(sum_ms=812))
    row = line_with(lines[2:-1], "SELECT stock_movement")
    assert row.startswith("▶  inventory") and "812 ms" in row and row.count("█") > 25
    assert lines[-1].startswith("longest leg: 812 ms, 92% of the critical path: inventory SELECT sku, sum(quantity)")
    assert sum(line.startswith("▶") for line in lines) == 1


def test_statements_and_calls_can_be_told_apart() -> None:
    """A name that is a mere verb gets its tables, or its address."""
    text = "\n".join(printed(checkout(), 200))
    for expected in (
        "INSERT INTO orders",
        "SELECT sku FROM product",
        "POST 127.0.0.1:8083/charges",
        "UPDATE orders SET",
    ):
        assert expected in text
    narrow = "\n".join(printed(checkout(), 80))
    assert "SELECT product" in narrow and "SELECT stock_movement" in narrow


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Whatever the width: lines fit, and rows keep one line each."""
    made = checkout(sum_ms=812)
    lines = printed(made, width)
    assert max(map(cell_len, lines)) <= width
    assert sum(bool(re.search(r"[█━░]", line)) for line in lines) == len(made)


def test_a_narrow_terminal_shows_no_bars() -> None:
    """A line for each span all the same: how long, and what."""
    made = checkout(sum_ms=812)
    lines = printed(made, 40)
    assert max(map(cell_len, lines)) <= 40
    assert sum(bool(re.match(r"..\s+[\d.]+ (?:ms|s|µs) ", line)) for line in lines) == len(made)


def test_wide_terminals_are_used() -> None:
    """The bar grows with the terminal."""
    assert max(map(cell_len, printed(checkout(sum_ms=812), 200))) > 190


def test_colour_only_on_a_terminal() -> None:
    """Piped output has no escape sequences."""
    assert "\x1b[" not in "\n".join(printed(checkout()))
    assert "\x1b[" in "\n".join(printed(checkout(), colour=True))


def test_repeats_become_one_line() -> None:
    """Thirty-seven statements are one row with their total; --full shows each."""
    made = trace(server("s", "GET /", 0, 90, *[sql("s", f"SELECT {n} FROM item", 2 + 2 * n, 2) for n in range(37)]))
    lines = printed(made)
    assert "74 ms" in line_with(lines[2:-1], "× 37 SELECT")
    assert len(lines) == 5 and len(printed(made, collapse=False)) == 3 + 38


def test_a_failed_repeat_is_not_hidden() -> None:
    """One that failed among many that did not has its own row."""
    calls = [call("s", f"GET http://api/items/{n}", 2 + 2 * n, 2, status=500 if n == 7 else 200) for n in range(20)]
    lines = printed(trace(server("s", "GET /", 0, 90, *calls)))
    assert line_with(lines, "× 19 GET") and line_with(lines, "GET api/items/7").startswith(" ✗")


def test_errors_orphans_and_links_are_shown() -> None:
    """What is wrong with a span stands in its row and in the heading."""
    made = trace(
        server("s", "GET /", 0, 9, span("s", "work", 1, 5, status="error")),
        span("w", "job", 2, 0.5, parent_id="00000000000000ff", links=link("ab" * 16, "cd" * 8)),
    )
    lines = printed(made, 160)
    assert "1 error" in lines[0] and "1 orphan" in lines[0]
    assert line_with(lines[:-1], "work").startswith("▶✗")
    assert "job (its parent is missing) (links to trace abababab…)" in line_with(lines, "job")


def test_a_long_tail_does_not_squeeze_the_answer() -> None:
    """Work that goes on for a minute after the answer is named, and the answer's own time still fills the bar."""
    made = trace(server("s", "POST /", 0, 40, span("w", "later", 10, 60_000, kind="consumer")))
    lines = printed(made)
    assert line_with(lines[2:-1], "POST /  ").count("█") > 30
    assert "work went on for 59.97 s after POST / had ended" in "\n".join(lines)


def test_plain_characters_where_the_terminal_has_no_others() -> None:
    """An ASCII terminal gets #, - and |."""
    import io

    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    Console(file=file, width=100, highlight=False).print(Waterfall(checkout()))
    file.seek(0)
    assert "####" in file.read()


def test_a_name_cannot_steer_the_terminal() -> None:
    """Escape sequences and line breaks in names are made visible instead."""
    text = "\n".join(printed(trace(server("s\x1b[2J", "GET /\n\x1b]0;owned\x07\u202e", 0, 9))))
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text and "�" in text


def test_a_large_trace_shows_what_matters() -> None:
    """Of thousands of different spans the failed one and the slow one are among the rows."""
    children = [
        span("s", f"step {chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}", n, 0.5) for n in range(5000)
    ]
    slow, failed = span("s", "the slow one", 5000, 900), span("s", "the failed one", 5900, 0.1, status="error")
    lines = printed(trace(server("s", "GET /", 0, 6000, *children, slow, failed)))
    assert len(lines) <= 205 and any("the slow one" in line for line in lines)
    assert any("the failed one" in line for line in lines) and "4,80" in lines[-2] and "--full" in lines[-2]


def test_a_chain_of_a_hundred_thousand_spans() -> None:
    """The deepest trace is drawn without recursion, and its tree stays narrow."""
    made = spans_in_a_chain(100_000)
    assert max(map(cell_len, printed(made, 100))) <= 100


def spans_in_a_chain(count: int) -> Trace:
    """Each span is the only child of the one before."""
    from workshop.traces.model.trace import Span

    return Trace(
        Span("t", f"{i:016x}", f"{i - 1:016x}" if i else None, "a", f"s{i}", "internal", i, 1_000_000 - i)
        for i in range(count)
    )


def test_as_data() -> None:
    """The rows as JSON say the same as the picture, in ms."""
    data = as_json(rows.table(checkout(sum_ms=812)))
    assert data["longest_leg"]["service"] == "inventory" and data["longest_leg"]["ms"] == 812
    assert data["span_count"] == len(data["rows"]) and data["rows"][0]["depth"] == 0
    statement = next(row for row in data["rows"] if row["longest_leg"])
    assert statement["critical_ms"] == statement["self_ms"] == statement["duration_ms"] == 812


@given(trees(), st.integers(30, 160))
@settings(max_examples=80, deadline=None)
def test_any_trace_can_be_drawn(made: Trace, width: int) -> None:
    """Whatever the shape: no line too wide, every span in a row, critical time adds up."""
    assert max(map(cell_len, printed(made, max(width, 60)))) <= max(width, 60)
    table = rows.table(made)
    assert sum(row.inside for row in table.rows) == len(made)
    assert sum(row.critical for row in table.rows) == made.root.duration


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 ms"), (0.42, "0.42 ms"), (3.44, "3.4 ms"), (9.96, "10 ms"), (812.4, "812 ms"), (999.6, "1.00 s"),
     (1234, "1.23 s"), (59_999, "1 min 0 s"), (125_000, "2 min 5 s"), (-808, "-808 ms")],
)  # fmt: skip
def test_durations(ms: float, text: str) -> None:
    """About three digits and the unit."""
    assert wording.duration(ms) == text
