"""Tail sampling: of each trace all spans or none, decided two seconds after the first of them has come.

The policies are those of the collector's tail_sampling processor in otel-collector.yaml: a trace with an error is kept,
one that took a quarter of a second is kept, and of the others so many percent.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Status

from services.jaeger.store.store import Store

WAIT_SECONDS = 2.0
SLOW_NS = 250_000_000
MOST_BYTES = 16 * 2**20  # that wait; beyond them the oldest trace is decided on at once
SPAN_BYTES = 500  # that a span takes beside what is in it
MOST_DECISIONS = 50_000  # that are remembered, for spans that come late
RANDOM_BITS = 56  # of a trace id: https://www.w3.org/TR/trace-context-2/#random-trace-id-flag


@dataclass
class _Waiting:
    since: float
    parts: list[ResourceSpans] = field(default_factory=list)
    bytes: int = 0
    error: bool = False
    start: int = 2**64
    end: int = 0


class TailSampling:
    """In front of a store; takes what it takes. `percentage` of the traces that are neither in error nor slow are kept.

    `decide` has to be called now and then. Safe for several threads. `clock` gives seconds.
    """

    def __init__(self, store: Store, percentage: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._percentage, self._clock = store, percentage, clock
        self._waiting: dict[bytes, _Waiting] = {}  # the oldest first
        self._bytes = 0
        self._decided: dict[bytes, bool] = {}
        self._lock = threading.Lock()

    def add(self, request: ExportTraceServiceRequest) -> tuple[int, str]:
        """Take a batch. How many of its spans were rejected at once, and why the last of them was."""
        now = self._clock()
        late = ExportTraceServiceRequest()
        with self._lock:
            for trace_id, part in _by_trace(request):
                kept = self._decided.get(trace_id)
                if kept is None:
                    self._wait(trace_id, part, now)
                elif kept:
                    late.resource_spans.append(part)
            while self._bytes > MOST_BYTES:
                self._decide(next(iter(self._waiting)))
        return self._store.add(late)

    def decide(self) -> None:
        """Keep or drop the traces that have waited long enough."""
        until = self._clock() - WAIT_SECONDS
        with self._lock:
            for trace_id in [each for each, waiting in self._waiting.items() if waiting.since <= until]:
                self._decide(trace_id)

    def finish(self) -> None:
        """Decide on all that wait, at the end."""
        with self._lock:
            for trace_id in list(self._waiting):
                self._decide(trace_id)

    def _wait(self, trace_id: bytes, part: ResourceSpans, now: float) -> None:
        waiting = self._waiting.setdefault(trace_id, _Waiting(now))
        waiting.parts.append(part)
        size = part.ByteSize() + SPAN_BYTES * sum(len(scope.spans) for scope in part.scope_spans)
        waiting.bytes += size
        self._bytes += size
        for scope in part.scope_spans:
            for span in scope.spans:
                waiting.error |= span.status.code == Status.STATUS_CODE_ERROR
                waiting.start = min(waiting.start, span.start_time_unix_nano)
                waiting.end = max(waiting.end, span.end_time_unix_nano)

    def _decide(self, trace_id: bytes) -> None:
        waiting = self._waiting.pop(trace_id)
        self._bytes -= waiting.bytes
        kept = waiting.error or waiting.end - waiting.start >= SLOW_NS or self._chosen(trace_id)
        self._decided[trace_id] = kept
        for old in list(islice(self._decided, max(len(self._decided) - MOST_DECISIONS, 0))):
            del self._decided[old]
        if kept:
            self._store.add(ExportTraceServiceRequest(resource_spans=waiting.parts))

    def _chosen(self, trace_id: bytes) -> bool:
        """The same answer for the same trace, wherever it is asked."""
        number = int.from_bytes(trace_id, "big") & (2**RANDOM_BITS - 1)
        return bool(number < self._percentage / 100 * 2**RANDOM_BITS)


def _by_trace(request: ExportTraceServiceRequest) -> Iterator[tuple[bytes, ResourceSpans]]:
    """A batch in pieces, each of one trace, one resource and one scope."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            found: dict[bytes, ResourceSpans] = {}
            for span in scope.spans:
                part = found.get(span.trace_id)
                if part is None:
                    part = found[span.trace_id] = ResourceSpans(
                        resource=resource.resource, schema_url=resource.schema_url
                    )
                    part.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url)
                part.scope_spans[0].spans.append(span)
            yield from found.items()
