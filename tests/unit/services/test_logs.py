"""The log lines' shape."""

import json
import logging

import pytest
from opentelemetry import trace

from common.logs import LogFormatter


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
