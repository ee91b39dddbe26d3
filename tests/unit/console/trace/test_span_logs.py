"""A span's log lines on the trace page."""

import json
from pathlib import Path
from typing import Any

import pytest

from workshop.console.trace import span_logs
from workshop.console.trace.span_logs import by_span
from workshop.traces.model.trace import Span, Trace

TRACE_ID = "5ca1ab1e" * 4
START = 1_795_449_600_000_000_000


def trace() -> Trace:
    """One span of 10 ms."""
    return Trace([Span(TRACE_ID, "0" * 15 + "1", None, "order", "POST /orders", "server", START, START + 10_000_000)])


def line(**changes: Any) -> str:
    """A log line as the services write it."""
    written = {"time": "2026-11-23T16:00:00.004+00:00", "service": "order", "level": "INFO", "message": "confirmed"}
    return json.dumps({**written, "trace_id": TRACE_ID, "span_id": "0" * 15 + "1", **changes})


def test_lines_of_the_trace_are_found_by_span(tmp_path: Path) -> None:
    """Those of this trace, by span, with their time from its start; what is no line of ours is passed over."""
    (tmp_path / "order.log").write_text(
        "\n".join([line(), line(trace_id="0" * 32), line(span_id=""), "no JSON " + TRACE_ID, line(level="ERROR")])
    )
    found = by_span(str(tmp_path), trace())
    assert [each["level"] for each in found["0" * 15 + "1"]] == ["INFO", "ERROR"]
    assert found["0" * 15 + "1"][0] == {"at": 4.0, "level": "INFO", "message": "confirmed"}


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    """Neither an unset folder nor an absent one costs the page."""
    assert by_span("", trace()) == {}
    assert by_span(str(tmp_path / "absent"), trace()) == {}


@pytest.mark.parametrize("chunk", [1, 7, 211, 100_000])
def test_lines_are_found_wherever_a_chunk_is_cut(tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, in order, in the middle of others, with and without a last end of line."""
    monkeypatch.setattr(span_logs, "CHUNK_BYTES", chunk)
    others = [line(trace_id="0" * 32, message="another's")] * 3
    mine = [line(message=f"step {number}") for number in range(4)]
    for end in ("", "\n"):
        (tmp_path / "order.log").write_text("\n".join([*others, *mine[:2], "", *others, *mine[2:]]) + end)
        found = by_span(str(tmp_path), trace())
        assert sorted(each["message"] for each in found["0" * 15 + "1"]) == [f"step {number}" for number in range(4)]


def test_what_was_written_long_before_a_trace_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long log costs a recent trace's page no more than a short one."""
    monkeypatch.setattr(span_logs, "CHUNK_BYTES", 1_000)
    old = line(time="2026-11-23T15:00:00.000+00:00", message="of another day")
    (tmp_path / "order.log").write_text("\n".join([old] * 1_000 + [line()]) + "\n")
    found = by_span(str(tmp_path), trace())["0" * 15 + "1"]
    assert "confirmed" in [each["message"] for each in found] and len(found) < 10
