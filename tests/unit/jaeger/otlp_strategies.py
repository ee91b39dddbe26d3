"""Any OTLP trace request, for property tests, and small helpers to build one by hand."""

import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

# No deadline: how long an example takes says nothing on a busy machine.
examples = settings(deadline=None, max_examples=60)
many_examples = settings(deadline=None, max_examples=250)

Holder = Resource | InstrumentationScope | Span | Span.Event | Span.Link

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
counts = st.sampled_from([0, 0, 0, 1, 2**32 - 1])
times = st.one_of(st.integers(1_795_449_600_000_000_000, 1_795_449_700_000_000_000), st.integers(0, 2**64 - 1))
trace_ids = st.binary(min_size=16, max_size=16)
span_ids = st.binary(min_size=8, max_size=8)

scalars = st.one_of(
    st.builds(AnyValue, string_value=texts),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, double_value=st.one_of(st.floats(allow_nan=False), st.just(math.nan))),
    st.builds(AnyValue, bytes_value=st.binary(max_size=6)),
    st.just(AnyValue()),
)


def pairs(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[list[KeyValue]]:
    """Attributes whose keys differ, as OTLP demands."""
    one = st.builds(KeyValue, key=st.one_of(st.sampled_from(["a", "event", "http.route"]), texts), value=values)
    return st.lists(one, max_size=4, unique_by=lambda item: item.key)


values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda items: AnyValue(array_value=ArrayValue(values=items)), st.lists(inner, max_size=3)),
        st.builds(lambda items: AnyValue(kvlist_value=KeyValueList(values=items)), pairs(inner)),
    ),
    max_leaves=4,
)
attributes = pairs(values)
events = st.builds(Span.Event, time_unix_nano=times, name=texts, attributes=attributes, dropped_attributes_count=counts)
links = st.builds(
    Span.Link,
    trace_id=trace_ids,
    span_id=span_ids,
    trace_state=texts,
    attributes=attributes,
    dropped_attributes_count=counts,
    flags=counts,
)
spans = st.builds(
    Span,
    trace_id=st.sampled_from([b"trace-number-one", b"trace-number-two", bytes(8) + b"64 bits."]),
    span_id=span_ids,
    parent_span_id=st.one_of(st.just(b""), span_ids),
    trace_state=texts,
    flags=counts,
    name=texts.filter(bool),
    kind=st.integers(0, 5),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=attributes,
    dropped_attributes_count=counts,
    events=st.lists(events, max_size=2),
    dropped_events_count=counts,
    links=st.lists(links, max_size=2),
    dropped_links_count=counts,
    status=st.builds(Status, code=st.integers(0, 2), message=texts),
)
scopes = st.builds(
    InstrumentationScope, name=texts, version=texts, attributes=attributes, dropped_attributes_count=counts
)
resources = st.builds(
    lambda name, others, dropped: Resource(
        attributes=[*named(name), *(item for item in others if item.key != "service.name")],
        dropped_attributes_count=dropped,
    ),
    texts.filter(bool),
    attributes,
    counts,
)


def named(service: str) -> list[KeyValue]:
    """The attributes of a resource that has a service name and nothing else."""
    return [KeyValue(key="service.name", value=AnyValue(string_value=service))]


@st.composite
def requests(draw: st.DrawFn) -> ExportTraceServiceRequest:
    """A request whose spans all have ids of their own."""
    rest = iter(draw(st.lists(spans, max_size=6, unique_by=lambda span: span.span_id)))
    request = ExportTraceServiceRequest()
    for span in rest:
        both = [span, *filter(None, [next(rest, None)])]
        scope_spans = ScopeSpans(scope=draw(scopes), schema_url=draw(texts), spans=both)
        request.resource_spans.append(
            ResourceSpans(resource=draw(resources), schema_url=draw(texts), scope_spans=[scope_spans])
        )
    return request


def a_span(**fields: Any) -> Span:
    """A span of the trace b"trace-number-one", 1 ms long, unless told otherwise; attributes as a dict of strings."""
    told = fields.pop("attributes", {})
    start = fields.setdefault("start_time_unix_nano", 1_795_449_600_000_000_000)
    defaults = {
        "trace_id": b"trace-number-one",
        "span_id": b"span-one",
        "name": "work",
        "kind": 2,
        "end_time_unix_nano": start + 10**6,
    }
    told = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in told.items()]
    return Span(**(defaults | fields), attributes=told)


def a_request(*spans: Span, service: str = "order") -> ExportTraceServiceRequest:
    """A request with these spans of one service."""
    resource_spans = ResourceSpans(resource=Resource(attributes=named(service)), scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[resource_spans])
