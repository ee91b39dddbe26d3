"""A line of our services' logs, and how it is read. Light: the console needs nothing else of the stack."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service's log; `time` is in Unix nanoseconds, though the services write milliseconds.

    Ids are empty for what was written outside of any trace; `fields` is all that the line holds.
    """

    time: int
    service: str
    level: str
    message: str
    trace_id: str = ""
    span_id: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def parse(text: str) -> LogLine | None:
    """A line as our services write it; None for any other."""
    try:
        entry = json.loads(text)
        moment = datetime.fromisoformat(entry["time"])
        return LogLine(
            time=round(moment.timestamp() * 1e6) * 1000,
            service=str(entry["service"]),
            level=str(entry["level"]),
            message=str(entry["message"]),
            trace_id=str(entry.get("trace_id") or ""),
            span_id=str(entry.get("span_id") or ""),
            fields=entry,
        )
    except (ValueError, TypeError, KeyError):
        return None
