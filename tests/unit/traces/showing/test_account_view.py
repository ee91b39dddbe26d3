"""The account in the terminal."""

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.traces.trace_shapes import call, checkout, server, span, sql, trace
from workshop.traces.model.trace import Trace
from workshop.traces.showing.account_view import WORDS, AccountView
from workshop.traces.time.account import account
from workshop.traces.time.charging import KINDS


def printed(made: Trace, width: int = 120, *, full: bool = False) -> list[str]:
    """The account's lines, as wide as asked."""
    console = Console(width=width, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(AccountView(account(made), full=full))
    return capture.get().splitlines()


def test_every_kind_has_a_word() -> None:
    """A kind that the account knows is never printed without a name."""
    assert set(WORDS) == set(KINDS)


def test_the_account_of_a_checkout() -> None:
    """The longest line first, with share, time, kind, who and what; waits for somebody are marked."""
    lines = printed(checkout(sum_ms=812))
    assert lines[0].startswith("gateway POST /checkout  ")
    assert lines[2].split()[:4] == ["92%", "812", "ms", "statement"] and "inventory" in lines[2]
    assert any("external call" in line and "payment → 127.0.0.1:8084" in line for line in lines)
    assert any("way there" in line and "order → inventory" in line and "for somebody: queue" in line for line in lines)


def test_what_is_small_is_one_line_unless_asked_for() -> None:
    """Twelve lines and the sum of the others; `full` shows all."""
    made = trace(server("s", "GET /", 0, 1000, *[span("s", f"step {'x' * n}", 10 * n, 9) for n in range(40)]))
    assert printed(made)[-1].strip().endswith("29 more lines: --full shows all")
    assert not any("more line" in line for line in printed(made, full=True))


def test_time_after_the_answer_and_behind_an_orphan_is_said() -> None:
    """Where in the trace it was, and whether a span above it is missing."""
    made = trace(
        server("s", "GET /", 0, 100, span("s", "late", 200, 50, follows=True)),
        server("pay", "POST /pay", 20, 60, sql("pay", "SELECT 1", 25, 50), parent_id="00000000000000aa"))  # fmt: skip
    text = "\n".join(printed(made))
    assert "250 ms, the answer after 100 ms" in text
    assert "late (after the answer)" in text and "SELECT 1 (behind a missing span)" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """At any width, with names of any length; and nothing from a trace steers the terminal."""
    made = trace(server("s\x1b[31m" * 9, "GET /" + "x" * 90, 0, 900, call("s", "GET http://b/" + "y" * 300, 1, 800)))
    lines = printed(made, width)
    assert all(cell_len(line) <= width for line in lines[1:]) and "\x1b" not in "".join(lines)
