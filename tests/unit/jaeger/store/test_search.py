"""A search finds the traces that a plain reading of every span finds."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from services.jaeger.store.search import Query, find
from services.jaeger.store.store import Store
from services.jaeger.store.trace import KINDS
from services.jaeger.store.values import as_string
from tests.unit.jaeger.otlp_strategies import a_request, a_span, many_examples, named

names = st.sampled_from(["a", "b"])
few_values = st.sampled_from(
    [
        AnyValue(string_value="1"),
        AnyValue(int_value=1),
        AnyValue(double_value=1.0),
        AnyValue(double_value=12.5),
        AnyValue(bool_value=True),
        AnyValue(string_value="true"),
        AnyValue(bytes_value=b"\x00\x01\xff"),
        AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)])),
        AnyValue(),
        AnyValue(int_value=-1),
    ]
)
few_attributes = st.lists(st.builds(KeyValue, key=names, value=few_values), max_size=2, unique_by=lambda i: i.key)
few_spans = st.builds(
    Span,
    trace_id=st.sampled_from([b"trace-number-one", b"trace-number-two"]),
    span_id=st.binary(min_size=8, max_size=8),
    name=names,
    kind=st.integers(0, 5),
    start_time_unix_nano=st.integers(10, 14),
    end_time_unix_nano=st.integers(14, 18),
    attributes=few_attributes,
    events=st.lists(st.builds(Span.Event, attributes=few_attributes), max_size=1),
    links=st.lists(st.builds(Span.Link, attributes=few_attributes), max_size=1),
    status=st.builds(Status, code=st.integers(0, 2)),
)
few_scopes = st.builds(InstrumentationScope, name=names, attributes=few_attributes)
few_resources = st.builds(
    ResourceSpans,
    resource=st.builds(lambda n, more: Resource(attributes=[*named(n), *more]), names, few_attributes),
    scope_spans=st.lists(st.builds(ScopeSpans, scope=few_scopes, spans=st.lists(few_spans, max_size=2)), max_size=2),
)
few_requests = st.builds(ExportTraceServiceRequest, resource_spans=st.lists(few_resources, max_size=3))
asked = st.dictionaries(
    st.sampled_from(["a", "b", "resource.a", "error", "span.status", "span.kind", "scope.name", "service.name"]),
    st.sampled_from(["1", "12.5", "true", "false", "[1]", "", "AAH/", "-1", "a", "error", "ok", "server"]),
    max_size=2,
)
queries = st.builds(
    Query,
    service=st.sampled_from(["", "a", "b"]),
    operation=st.sampled_from(["", "a", "b"]),
    start_min=st.integers(9, 13),
    start_max=st.integers(11, 15),
    duration_min=st.integers(0, 5),
    duration_max=st.integers(0, 8),
    attributes=asked,
)


def span_has(key: str, value: str, resource: Resource, scope: InstrumentationScope, span: Span) -> bool:
    """Whether a span has the attribute, or, for the special keys, what they stand for."""
    if key == "error":
        return span.status.code == {"true": 2, "1": 2, "false": 1}.get(value, -1)
    if key == "span.status":
        return span.status.code == {"ok": 1, "error": 2}.get(value, 0)
    if key == "span.kind":
        return span.kind == (KINDS.index(value) if value in KINDS else 0)
    if key == "scope.name":
        return scope.name == value
    holders = [resource] if key.startswith("resource.") else [resource, scope, span, *span.events, *span.links]
    wanted = key.removeprefix("resource."), value
    return any((item.key, as_string(item.value)) == wanted for holder in holders for item in holder.attributes)


def expected(request: ExportTraceServiceRequest, query: Query) -> set[bytes]:
    """The traces that have a span with everything that is asked for."""
    return {
        span.trace_id
        for r in request.resource_spans
        for s in r.scope_spans
        for span in s.spans
        if query.service in ("", r.resource.attributes[0].value.string_value)
        and query.operation in ("", span.name)
        and query.start_min <= span.start_time_unix_nano <= query.start_max
        and query.duration_min <= span.end_time_unix_nano - span.start_time_unix_nano
        and (not query.duration_max or span.end_time_unix_nano - span.start_time_unix_nano <= query.duration_max)
        and all(span_has(key, value, r.resource, s.scope, span) for key, value in query.attributes.items())
    }


@many_examples
@given(few_requests, queries)
def test_a_search_finds_what_reading_every_span_finds(request: ExportTraceServiceRequest, query: Query) -> None:
    """Looking through the serialized spans first never loses or adds a trace."""
    ids = [span.span_id + bytes([span.kind]) for r in request.resource_spans for s in r.scope_spans for span in s.spans]
    if len(set(ids)) < len(ids):
        return
    store = Store(max_traces=100, max_bytes=2**30)
    store.add(ExportTraceServiceRequest.FromString(request.SerializeToString()))
    assert {trace.trace_id for trace in find(store, query)} == expected(request, query)


def test_the_newest_traces_come_first_and_no_more_than_asked_for() -> None:
    """A limit keeps the traces that came last."""
    store = Store(max_traces=100, max_bytes=2**30)
    for number in range(10):
        store.add(a_request(a_span(trace_id=number.to_bytes(16))))
    found = find(store, Query(service="order", limit=3))
    assert [int.from_bytes(trace.trace_id) for trace in found] == [9, 8, 7]
