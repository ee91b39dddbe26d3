"""The hunt: logs without ids and durations, the complaint, and the answer that is kept."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from workshop.logs.log_lines import LogLine
from workshop.shop import history, hunt, hunt_logs
from workshop.shop.hunt import Bought
from workshop.stack.errors import StackError
from workshop.stack.settings import current

MINE, OTHER = "1" * 32, "2" * 32
SECOND = 1_795_516_267  # 2026-11-24 10:31:07 UTC


def line(message: str, trace_id: str = MINE, **fields: object) -> LogLine:
    """A line of the order service, written at 10:31:07.045."""
    return LogLine(SECOND * 10**9 + 45_000_000, "order", "INFO", message, trace_id, "a" * 16, fields)


def answered(trace_id: str = MINE) -> LogLine:
    """The line about an answered request."""
    fields = {"method": "POST", "path": "/orders", "status": 201, "bytes": 156, "duration_ms": 430.5}
    return line("POST /orders answered 201 in 430.5 ms", trace_id, **fields)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    return tmp_path


def test_an_access_line_is_in_the_common_log_format() -> None:
    """With whole seconds, and without the duration that our JSON has."""
    assert hunt_logs.access_line(answered()) == (
        '127.0.0.1 - - [24/Nov/2026:10:31:07 +0000] "POST /orders HTTP/1.1" 201 156'
    )


def test_an_application_says_what_it_did() -> None:
    """As Python's logging writes it, to the millisecond."""
    assert hunt_logs.application_line(line("order 7 confirmed")) == "2026-11-24 10:31:07,045 INFO order 7 confirmed"


def test_no_log_has_an_id_or_a_duration() -> None:
    """Whatever the JSON beside it holds."""
    files = hunt_logs.logs_of([line("order 7 received"), answered(), answered(OTHER), line("order 7 confirmed")])
    assert {name: len(lines) for name, lines in files.items()} == {"order.access.log": 2, "order.log": 2}
    text = "".join(each.text for lines in files.values() for each in lines)
    assert MINE not in text and OTHER not in text and "a" * 16 not in text
    assert not re.search(r"\bms\b|430", text)


def test_lines_that_nobody_can_tell_apart_are_counted() -> None:
    """Same second, same path, same size: the log does not say whose is whose. A name tells."""
    later = replace(answered(OTHER), time=answered().time + 10**9)
    files = hunt_logs.logs_of([line("order 7 received"), answered(OTHER), answered(), later, line("order 8", OTHER)])
    assert {name: hunt_logs.alike(lines, MINE) for name, lines in files.items()} == {
        "order.access.log": 2,
        "order.log": 1,
    }
    assert hunt_logs.alike(files["order.log"], "3" * 32) == 0


def test_the_lines_meant_are_known_by_number() -> None:
    """They are counted from 1, as grep -n does."""
    files = hunt_logs.logs_of([answered(OTHER), answered(), answered(OTHER)])
    assert list(hunt_logs.numbers(files["order.access.log"], MINE)) == [2]


def test_postgresqls_own_log_is_left_as_it_is_but_for_the_hunts_switch() -> None:
    """Its zone is another; a statement of several lines belongs to the line that it began on; what is older goes."""
    raw = [
        "2026-11-24 05:20:00.000 EST [7] LOG:  too old",
        "\tand what belongs to it",
        '2026-11-24 05:31:06.000 EST [7] LOG:  parameter "log_min_duration_statement" changed to "100"',
        "2026-11-24 05:31:07.100 EST [9] LOG:  duration: 228.1 ms  execute <unnamed>: SELECT sku",
        "\tFROM stock_movement",
        "2026-11-24 05:31:07.100 EST [9] DETAIL:  Parameters: $1 = '{SKU-00001}'",
    ]
    assert hunt_logs.postgres_log(raw, SECOND - 60) == raw[3:]


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        ("10:00", "around ten o'clock"),
        ("10:02", "around ten o'clock"),
        ("15:21", "around twenty past three"),
        ("15:31", "around half past three"),
        ("15:34", "around twenty-five to four"),
        ("12:50", "around ten to one"),
        ("23:58", "around twelve o'clock"),
        ("00:16", "around a quarter past twelve"),
    ],
)
def test_a_customer_tells_the_time_roughly(clock: str, told: str) -> None:
    """To five minutes, and not in digits."""
    assert hunt_logs.about(datetime.fromisoformat(f"2026-11-24T{clock}:00")) == told


def bought(order_id: str, trace_id: str = MINE) -> Bought:
    """A confirmed checkout."""
    return Bought("customer-01", SECOND, 430.5, order_id, trace_id)


def test_the_end_of_the_orders_number_tells_it_from_the_others() -> None:
    """Three characters, or as many as it takes."""
    assert hunt.suffix(bought("aaaa31c"), [bought("aaaa31c"), bought("aaaa31d")]) == "31c"
    assert hunt.suffix(bought("aab131c"), [bought("aab131c"), bought("aab231c")]) == "131c"


def test_a_hunt_is_told_without_its_answer(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither on the screen nor in the files; the answer is kept beside them, and `make trace` means it then."""
    files = hunt_logs.logs_of([answered(OTHER), line("order 7-31c received"), answered()])
    folder = hunt.write(current(), files, bought("7-31c"), 1)
    hunt.show(files, folder, bought("7-31c"), "31c", 1)
    printed = capsys.readouterr().out
    assert "The order number ends in …31c." in printed
    assert "LEVEL=2" in printed
    assert MINE not in printed and "430" not in printed
    assert not any(MINE in path.read_text() for path in folder.iterdir())
    assert hunt.read_answer()["lines"] == {"order.access.log": [2], "order.log": [1]}
    assert history.entries() == []
    assert hunt.solve()["trace_id"] == MINE
    assert [entry["kind"] for entry in history.entries()] == ["hunt"]


def test_an_old_hunts_files_go(state: Path) -> None:
    """Or the next one would be searched in them."""
    folder = hunt.write(current(), {"a.log": []}, bought("7-31c"), 1)
    hunt.write(current(), {"b.log": []}, bought("7-31c"), 1)
    assert [path.name for path in folder.iterdir()] == ["b.log"]


@pytest.mark.parametrize("kept", [None, "half a", json.dumps({"trace_id": MINE, "lines": {}})])
def test_without_a_hunt_there_is_no_solution(state: Path, kept: str | None) -> None:
    """And the next step is told, also when what is there is of an earlier version."""
    if kept is not None:
        (state / "hunt-answer.json").write_text(kept)
    with pytest.raises(StackError, match="no hunt yet: make hunt"):
        hunt.read_answer()
