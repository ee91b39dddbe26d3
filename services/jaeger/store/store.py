"""The traces, in memory, bounded: the oldest whole traces go when there are too many or they take too much."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from services.jaeger.store.lean import LeanSpans
from services.jaeger.store.tables import Operation, Source, Table, named
from services.jaeger.store.trace import KINDS, NO_ID, RECORD, Calls, Record, Trace, frame_head

MAX_SPAN = 2**20  # bytes; a span beyond it is rejected
MAX_PARTS = 10_000  # attributes, events or links; a span with more of one is rejected
SHARED_CALLS = 1000  # shapes of traces that are remembered


@dataclass(frozen=True)
class Snapshot:
    """A trace as it was at one moment, decoded; later batches do not change it."""

    trace_id: bytes
    records: list[Record]
    spans: Sequence[Any]
    sources: dict[int, Source]


class Store:
    """The traces by id, oldest first. Every method may be called from any thread."""

    def __init__(self, max_traces: int, max_bytes: int) -> None:
        self.max_traces = max_traces
        self.max_bytes = max_bytes
        self.lock = threading.RLock()
        self.traces: dict[bytes, Trace] = {}
        self.operations: Table[Operation] = Table()
        self.sources: Table[Source] = Table()
        self.received = self.duplicates = self.rejected = self.evicted = self.spans = 0
        self._trace_bytes = 0
        self._calls: dict[Calls, Calls] = {}
        self._started = time.monotonic()

    @property
    def size(self) -> int:
        """Bytes of memory that the traces take, roughly."""
        return self._trace_bytes + self.operations.size + self.sources.size

    def add(self, request: ExportTraceServiceRequest) -> tuple[int, str]:
        """Store a batch. How many of its spans were rejected, and why the last of them was."""
        rejected, reason = 0, ""
        for resource_spans in request.resource_spans:
            service = named(resource_spans.resource)
            resource = resource_spans.resource.SerializeToString(deterministic=True)
            for scope_spans in resource_spans.scope_spans:
                source = Source(
                    service,
                    resource,
                    resource_spans.schema_url,
                    scope_spans.scope.SerializeToString(deterministic=True),
                    scope_spans.schema_url,
                )
                with self.lock:
                    for span in scope_spans.spans:
                        if problem := self._add_span(span, source):
                            rejected, reason = rejected + 1, problem
                    self._evict()
        with self.lock:
            self.rejected += rejected
        return rejected, reason

    def _add_span(self, span: Span, source: Source) -> str:
        """Store one span; says why when it cannot be."""
        trace_id, span_id, parent_id = span.trace_id, span.span_id, span.parent_span_id
        if len(trace_id) != 16 or len(span_id) != 8:
            trace_id, span_id = trace_id or bytes(16), span_id or NO_ID
            if len(trace_id) != 16 or len(span_id) != 8:
                return "a trace id should be 16 bytes long, a span id 8"
        if len(parent_id) not in (0, 8):
            return "a parent span id should be 8 bytes long"
        name = span.name
        if not name:
            name = span.name = "empty-span-name"
        body = span.SerializeToString()
        size = len(body)
        if size > MAX_SPAN:
            return f"span {span_id.hex()} is {size} bytes long: {MAX_SPAN} are the most"
        if max(len(span.attributes), len(span.events), len(span.links)) > MAX_PARTS:
            return f"span {span_id.hex()} has more than {MAX_PARTS} attributes, events or links"
        trace = self.traces.get(trace_id)
        if trace is None:
            trace = self.traces[trace_id] = Trace(trace_id)
            self._trace_bytes += trace.size
        elif len(trace.blob) + size > self.max_bytes // 2:
            return f"trace {trace_id.hex()} is full: one trace may take half of JAEGER_MAX_MB"
        kind = span.kind if 0 < span.kind < len(KINDS) else 0
        self.received += 1
        if trace.has(span_id + (parent_id or NO_ID) + kind.to_bytes()):
            self.duplicates += 1
            return ""
        start, end = span.start_time_unix_nano, span.end_time_unix_nano
        end = max(start, end)
        before = trace.size
        trace.records += RECORD.pack(
            span_id,
            parent_id,
            kind,
            span.status.code & 0xFF,
            start,
            end,
            self.operations.take(Operation(source.service, name, kind)),
            self.sources.take(source),
            len(trace.blob),
        )
        trace.blob += frame_head(size) + body
        trace.earliest = min(trace.earliest, start)
        trace.latest = max(trace.latest, end)
        trace.calls = None
        self._trace_bytes += trace.size - before
        self.spans += 1
        return ""

    def _evict(self) -> None:
        """Let the oldest traces go until both bounds hold again."""
        while self.traces and (len(self.traces) > self.max_traces or self.size > self.max_bytes):
            trace = self.traces.pop(next(iter(self.traces)))
            for record in trace:
                self.operations.give_back(record.operation)
                self.sources.give_back(record.source)
            self._trace_bytes -= trace.size
            self.spans -= len(trace)
            self.evicted += 1

    def snapshot(self, trace_id: bytes) -> Snapshot | None:
        """One trace, decoded; None when it is not here."""
        with self.lock:
            trace = self.traces.get(trace_id)
            if trace is None:
                return None
            records, blob = list(trace), bytes(trace.blob)
            sources = {number: self.sources.values[number] for number in {record.source for record in records}}
        return Snapshot(trace_id, records, LeanSpans.FromString(blob).spans, sources)

    def shared_calls(self, calls: Calls) -> Calls:
        """The same calls, kept once for all traces that have them."""
        if len(self._calls) > SHARED_CALLS:
            self._calls.clear()
        return self._calls.setdefault(calls, calls)

    def known_operations(self) -> list[Operation]:
        """The operations of all stored spans."""
        with self.lock:
            return list(self.operations.ids)

    def status(self) -> dict[str, int]:
        """The bounds and how much of them is used."""
        with self.lock:
            return {
                "traces": len(self.traces),
                "max_traces": self.max_traces,
                "spans": self.spans,
                "bytes": self.size,
                "max_bytes": self.max_bytes,
                "received_spans": self.received,
                "duplicate_spans": self.duplicates,
                "rejected_spans": self.rejected,
                "evicted_traces": self.evicted,
                "uptime_seconds": int(time.monotonic() - self._started),
            }
