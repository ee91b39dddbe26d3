"""The store: bounds, whole oldest traces, duplicates, any order."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.jaeger.store.store import MAX_SPAN, Store
from services.jaeger.store.summary import dependencies, summary
from tests.unit.jaeger.otlp_strategies import a_request, a_span, examples


def a_store(max_traces: int = 100, max_bytes: int = 2**30) -> Store:
    """A store with these bounds."""
    return Store(max_traces, max_bytes)


def a_trace(number: int, spans: int = 3) -> ExportTraceServiceRequest:
    """A batch with a trace of so many spans, each the child of the one before."""
    ids = [b"", *(n.to_bytes(8) for n in range(1, spans + 1))]
    return a_request(
        *(
            a_span(trace_id=number.to_bytes(16), span_id=span_id, parent_span_id=parent_id)
            for parent_id, span_id in pairwise(ids)
        )
    )


def test_the_oldest_traces_go_whole_when_there_are_too_many() -> None:
    """Beyond the bound on traces the ones that came first go, with all their spans."""
    store = a_store(max_traces=3)
    for number in range(1, 6):
        store.add(a_trace(number))
    assert [int.from_bytes(trace_id) for trace_id in store.traces] == [3, 4, 5]
    status = store.status()
    assert (status["traces"], status["spans"], status["evicted_traces"]) == (3, 9, 2)


def test_the_oldest_traces_go_when_they_take_too_much_memory() -> None:
    """The bound on memory holds after every batch, whatever the spans hold."""
    store = a_store(max_bytes=100_000)
    for number in range(1, 200):
        store.add(a_request(a_span(trace_id=number.to_bytes(16), attributes={"text": "x" * (number * 37 % 4000)})))
        assert store.size <= 100_000
    assert store.evicted > 0
    assert int.from_bytes(next(reversed(store.traces))) == 199


def test_nothing_is_left_of_traces_that_went() -> None:
    """Services and operations that no stored span has are forgotten, and so is their memory."""
    store = a_store(max_traces=1)
    for number in range(1, 50):
        store.add(a_request(a_span(trace_id=number.to_bytes(16), name=f"work {number}"), service=f"service {number}"))
    assert [operation.service for operation in store.known_operations()] == ["service 49"]
    assert len(store.sources.values) == len(store.operations.values) == 1
    alone = a_store()
    alone.add(a_request(a_span(trace_id=(49).to_bytes(16), name="work 49"), service="service 49"))
    assert store.size == alone.size


@pytest.mark.parametrize("spans", [3, 500], ids=["few spans", "many spans"])
def test_a_batch_that_is_sent_twice_is_stored_once(spans: int) -> None:
    """A retry of a batch, whole or in parts, adds nothing."""
    store, batch = a_store(), a_trace(1, spans)
    store.add(batch)
    store.add(batch)
    store.add(a_request(*list(batch.resource_spans[0].scope_spans[0].spans)[: spans // 2]))
    assert store.status()["spans"] == spans
    assert store.status()["duplicate_spans"] == spans + spans // 2


def test_a_client_and_a_server_span_may_share_an_id() -> None:
    """Spans of one id but two kinds (Zipkin's way) are two spans."""
    store = a_store()
    store.add(a_request(a_span(kind=2), a_span(kind=3)))
    assert store.status()["spans"] == 2


@examples
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_spans_may_come_in_any_order_and_over_many_batches(seed: int, spans: int) -> None:
    """Summary and dependencies do not depend on how the spans of a trace came."""
    batch = a_trace(1, spans)
    whole, parts = a_store(), a_store()
    whole.add(batch)
    shuffled = list(batch.resource_spans[0].scope_spans[0].spans)
    random.Random(seed).shuffle(shuffled)
    for span in shuffled:
        parts.add(a_request(span))
        dependencies(parts, 0, 2**64)  # Asked in between: what is remembered of a trace must not go stale.
    [one], [other] = whole.traces.values(), parts.traces.values()
    assert summary(parts, other) == summary(whole, one)
    expected = {("order", "order"): spans - 1} if spans > 1 else {}
    assert dependencies(parts, 0, 2**64) == dependencies(whole, 0, 2**64) == expected


def test_a_span_that_is_too_large_is_rejected_and_its_neighbours_are_not() -> None:
    """Part of a batch may be rejected; the answer counts it and says why."""
    store = a_store()
    too_large = a_span(span_id=b"too-big!", attributes={"text": "x" * MAX_SPAN})
    rejected, reason = store.add(a_request(a_span(), too_large))
    assert (rejected, store.status()["spans"]) == (1, 1)
    assert b"too-big!".hex() in reason


def test_spans_whose_ids_have_a_wrong_length_are_rejected() -> None:
    """Ids are 16 and 8 bytes long; none at all is an id of zeros, as in Jaeger."""
    store = a_store()
    bad = [a_span(trace_id=b"short"), a_span(span_id=b"short"), a_span(parent_span_id=b"short")]
    assert store.add(a_request(*bad))[0] == 3
    assert store.add(a_request(a_span(trace_id=b"", span_id=b"")))[0] == 0
    assert list(store.traces) == [bytes(16)]


def test_one_trace_cannot_push_all_others_out() -> None:
    """A trace that grows without end is cut at half of the memory."""
    store = a_store(max_bytes=200_000)
    store.add(a_request(a_span(trace_id=b"another trace...")))
    rejected = 0
    for number in range(1, 2000):
        rejected += store.add(a_request(a_span(span_id=number.to_bytes(8), attributes={"text": "x" * 200})))[0]
    assert rejected > 0
    assert b"another trace..." in store.traces
