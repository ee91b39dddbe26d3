"""Tail sampling: which traces are kept, whole or not at all."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from services.jaeger.receiving import sampling
from services.jaeger.receiving.sampling import TailSampling
from services.jaeger.store.store import Store

MS = 1_000_000
FIRST, SECOND = b"\x01" * 16, b"\x02" * 16


class Sampled:
    """A store behind tail sampling, and a clock that stands until it is moved."""

    def __init__(self, percentage: float) -> None:
        self.now = 100.0
        self.store = Store(5000, 10_000_000)
        self.sampling = TailSampling(self.store, percentage, lambda: self.now)

    def send(self, *spans: Span, service: str = "shop") -> tuple[int, str]:
        """A batch of one service."""
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = service
        resource.scope_spans.add(spans=spans)
        return self.sampling.add(request)

    def after(self, seconds: float) -> int:
        """So much later: how many spans are stored."""
        self.now += seconds
        self.sampling.decide()
        return self.store.spans


def span(trace: bytes, number: int, ms: float = 1, *, start: int = 0, error: bool = False) -> Span:
    """A span; `start` in ms."""
    code = Status.STATUS_CODE_ERROR if error else Status.STATUS_CODE_UNSET
    begin = 10**18 + start * MS
    return Span(
        trace_id=trace,
        span_id=number.to_bytes(8, "big"),
        name="work",
        start_time_unix_nano=begin,
        end_time_unix_nano=begin + int(ms * MS),
        status=Status(code=code),
    )


def test_errors_and_slow_traces_are_kept_whole() -> None:
    """Two seconds after a trace's first span, with what came before it was known, of all services."""
    sampled = Sampled(0)
    sampled.send(span(FIRST, 1), span(SECOND, 2), service="gateway")
    assert sampled.after(1.5) == 0
    sampled.send(span(FIRST, 3, error=True), service="order")
    assert sampled.after(0.4) == 0
    assert sampled.after(0.2) == 2
    sampled.send(span(b"\x03" * 16, 4, 150), service="gateway")
    sampled.send(span(b"\x03" * 16, 5, 150, start=150), service="order")
    assert sampled.after(2.1) == 4


@pytest.mark.parametrize("late", [True, False], ids=["kept", "dropped"])
def test_what_comes_late_goes_where_its_trace_went(late: bool) -> None:
    """A worker's span of the same trace, a minute later."""
    sampled = Sampled(0)
    sampled.send(span(FIRST, 1, error=late))
    before = sampled.after(3)
    assert before == (1 if late else 0)
    sampled.send(span(FIRST, 2))
    assert sampled.after(60) == (2 if late else 0)


def test_of_the_others_a_share_is_kept_and_the_same_each_time() -> None:
    """By the trace's id: ten percent of many, and all or none at the ends."""
    ids = [(number * 0x9E3779B97F4A7C15 % 2**56).to_bytes(16, "big") for number in range(1, 2001)]
    kept = {}
    for percentage in (0, 10, 100):
        sampled = Sampled(percentage)
        sampled.send(*(span(each, 1) for each in ids))
        kept[percentage] = sampled.after(3)
    assert kept[0] == 0
    assert 150 < kept[10] < 250
    assert kept[100] == 2000


def test_it_is_bounded_and_ends_with_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many that wait are decided on early, what is remembered is bounded, and the end waits for nobody."""
    monkeypatch.setattr(sampling, "MOST_BYTES", 2000)  # three spans and a bit
    monkeypatch.setattr(sampling, "MOST_DECISIONS", 2)
    sampled = Sampled(100)
    for number in range(1, 6):
        sampled.send(span(bytes([number] * 16), number))
    assert sampled.store.spans == 2
    sampled.sampling.finish()
    assert sampled.store.spans == 5
    assert len(sampled.sampling._decided) == 2


def test_a_broken_span_of_a_kept_trace_is_rejected_as_ever() -> None:
    """Its batch came too early to say so; the store has counted it."""
    sampled = Sampled(100)
    broken = span(FIRST, 1)
    broken.span_id = b"short"
    assert sampled.send(broken, span(FIRST, 2)) == (0, "")
    assert sampled.after(3) == 1
    assert sampled.store.rejected == 1
