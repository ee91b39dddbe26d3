"""What a search and Jaeger's lists tell, without a trace's spans."""

from dataclasses import dataclass
from typing import Any

from workshop.traces.model.trace import Trace
from workshop.traces.sources import ids

SETTLED = 10.0  # seconds after a trace's last span from which on nothing is expected to be added to it


@dataclass(slots=True, frozen=True)
class TraceSummary:
    """A trace as a search lists it. Times are Unix nanoseconds; a trace without root has an empty root name."""

    trace_id: str
    root_service: str
    root_name: str
    start: int
    end: int
    span_count: int
    error_count: int
    orphan_count: int
    services: dict[str, int]

    @property
    def ms(self) -> float:
        """Milliseconds from the first start to the last end."""
        return (self.end - self.start) / 1e6


def under_way(trace: TraceSummary, now: float) -> bool:
    """Whether spans of the trace are still to come: it lacks its root or a parent, and its last span is recent.

    `now` is in Unix seconds.
    """
    whole = bool(trace.root_name or trace.root_service) and not trace.orphan_count
    return not whole and now - trace.end / 1e9 < SETTLED


@dataclass(slots=True, frozen=True)
class Operation:
    """A span name that a service uses; `kind` is `server`, `client`, …"""

    name: str
    kind: str


@dataclass(slots=True, frozen=True)
class Dependency:
    """How many calls a service made to another one, or within itself."""

    parent: str
    child: str
    calls: int


def summarise(trace: Trace) -> TraceSummary:
    """The summary that a search would list for the trace."""
    services: dict[str, int] = {}
    for span in trace.spans:
        services[span.service] = services.get(span.service, 0) + 1
    root = trace.root if trace.roots else None
    return TraceSummary(
        trace_id=trace.trace_id,
        root_service=root.service if root else "",
        root_name=root.name if root else "",
        start=trace.start,
        end=trace.end,
        span_count=len(trace),
        error_count=sum(span.is_error for span in trace.spans),
        orphan_count=len(trace.orphans),
        services=services,
    )


def from_answer(raw: dict[str, Any]) -> TraceSummary:
    """A summary as `/api/v3/trace-summaries` answers it."""
    return TraceSummary(
        trace_id=ids.trace_id(raw["traceId"]),
        root_service=raw.get("rootServiceName", ""),
        root_name=raw.get("rootOperationName", ""),
        start=int(raw.get("minStartTimeUnixNano", 0)),
        end=int(raw.get("maxEndTimeUnixNano", 0)),
        span_count=int(raw.get("spanCount", 0)),
        error_count=int(raw.get("errorSpanCount", 0)),
        orphan_count=int(raw.get("orphanSpanCount", 0)),
        services={each["name"]: int(each.get("spanCount", 0)) for each in raw.get("services") or ()},
    )
