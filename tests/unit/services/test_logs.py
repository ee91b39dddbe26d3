"""The log lines' shape."""

import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace

from common import logs
from common.logs import LogFormatter, logging_config


def line(message: str, *arguments: object, **extra: object) -> dict[str, object]:
    """What the formatter makes of a record."""
    record = logging.makeLogRecord({"name": "n", "levelname": "INFO", "msg": message, "args": arguments, **extra})
    return dict(json.loads(LogFormatter().format(record)))


def test_a_line_says_time_service_level_and_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The members that every line has come first, in this order; extras follow."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "order")
    made = line("order %s confirmed", "o-1", total_cents=12)
    assert list(made)[:4] == ["time", "service", "level", "message"]
    assert made["message"] == "order o-1 confirmed"
    assert (made["service"], made["level"], made["total_cents"]) == ("order", "INFO", 12)
    assert "trace_id" not in made


def test_a_line_inside_a_span_names_it() -> None:
    """trace_id and span_id are those of the span in which the line was written."""
    context = trace.SpanContext(0xABC, 0x12, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)):
        made = line("hello")
    assert made["trace_id"] == f"{0xABC:032x}"
    assert made["span_id"] == f"{0x12:016x}"


def test_a_line_stays_one_line() -> None:
    """A newline in a message is escaped, a traceback is a member."""
    record = logging.makeLogRecord({"msg": "one\ntwo"})
    assert "\n" not in LogFormatter().format(record)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Logging as pytest had it, after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = handlers, level


def test_lines_go_to_a_file_as_well_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_logging: None
) -> None:
    """The same lines, in a file that is bounded: the one before is kept, no more."""
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    file = tmp_path / "order.log"
    logging.config.dictConfig(logging_config("INFO", str(file)))
    for number in range(100):
        logging.getLogger("order").info("line %d", number)
    assert json.loads(file.read_text().splitlines()[-1])["message"] == "line 99"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["order.log", "order.log.1"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 4_500


@pytest.mark.parametrize("file", ["", "/nowhere/order.log", "/proc/order.log"])
def test_a_file_that_cannot_be_written_costs_nothing(file: str) -> None:
    """A service starts and logs without it."""
    assert list(logging_config("INFO", file)["handlers"]) == ["stdout"]
