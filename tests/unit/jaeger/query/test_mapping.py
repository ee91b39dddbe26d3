"""Whatever trace comes in: it comes out the same through v3, and as the mapping says through the old form."""

import base64
import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from services.jaeger.query import legacy, v3
from services.jaeger.receiving import otlp
from services.jaeger.store.search import Query, find
from services.jaeger.store.store import Snapshot, Store
from services.jaeger.store.summary import summary
from tests.unit.jaeger.otlp_strategies import Holder, examples, requests

KINDS = ("", "internal", "server", "client", "producer", "consumer")


def stored(request: ExportTraceServiceRequest) -> list[Snapshot]:
    """The traces of the request, having gone through a store."""
    store = Store(max_traces=100, max_bytes=2**30)
    assert store.add(ExportTraceServiceRequest.FromString(request.SerializeToString())) == (0, "")
    snapshots = [store.snapshot(trace_id) for trace_id in store.traces]
    return [snapshot for snapshot in snapshots if snapshot]


def in_order(holder: Holder) -> Any:
    """The message with its attributes in alphabetical order and nothing left implicit."""
    found = sorted(holder.attributes, key=lambda item: item.key)
    del holder.attributes[:]
    for item in found:
        item.value.SetInParent()
        for inner in item.value.kvlist_value.values if item.value.HasField("kvlist_value") else ():
            inner.value.SetInParent()
        holder.attributes.append(item)
    if isinstance(holder, Span):
        holder.status.SetInParent()
        for part in (*holder.events, *holder.links):
            in_order(part)
    return holder


def flat(request: ExportTraceServiceRequest) -> list[tuple[bytes, ...]]:
    """Every span with its resource and scope, serialized, sorted."""
    return sorted(
        (
            in_order(r.resource).SerializeToString(deterministic=True),
            r.schema_url.encode(),
            in_order(s.scope).SerializeToString(deterministic=True),
            s.schema_url.encode(),
            in_order(span).SerializeToString(deterministic=True),
        )
        for r in request.resource_spans
        for s in r.scope_spans
        for span in s.spans
    )


@examples
@given(requests())
def test_a_trace_comes_out_of_v3_as_it_came_in(request: ExportTraceServiceRequest) -> None:
    """Reading v3's JSON as OTLP JSON gives the spans that were sent, with their resources and scopes."""
    answer = otlp.from_json(v3.trace_json(stored(request)).encode())
    assert flat(answer) == flat(request)


def go_value(value: AnyValue) -> Any:
    """A value as it stands inside a list or map of the old form."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [go_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: go_value(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value" and not math.isfinite(value.double_value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value.double_value)]
    return getattr(value, kind) if kind else None


def expected_tag(key: str, value: AnyValue) -> dict[str, Any]:
    """The tag that an attribute becomes."""
    kind = value.WhichOneof("value")
    plain = go_value(value)
    if kind == "int_value":
        return {"key": key, "type": "int64", "value": plain if abs(plain) < 2**53 else str(plain)}
    if kind in ("array_value", "kvlist_value"):
        return {"key": key, "type": "string", "value": plain}
    types = {"bool_value": "bool", "double_value": "float64", "bytes_value": "binary"}
    return {"key": key, "type": types.get(str(kind), "string"), "value": "" if plain is None else plain}


def opened(tag: dict[str, Any], value: AnyValue) -> dict[str, Any]:
    """A tag whose value, if it is the JSON of a list or map, is read."""
    return {**tag, "value": json.loads(tag["value"])} if value.WhichOneof("value") in LISTS else tag


LISTS = ("array_value", "kvlist_value")


def tag(key: str, value: str) -> dict[str, Any]:
    """A tag of text."""
    return {"key": key, "type": "string", "value": value}


def check_tags(found: list[dict[str, Any]], holder: Holder) -> None:
    """The tags are the holder's attributes, in alphabetical order."""
    attributes = sorted(holder.attributes, key=lambda item: item.key)
    assert [opened(t, a.value) for t, a in zip(found, attributes, strict=True)] == [
        expected_tag(item.key, item.value) for item in attributes
    ]


def check_span(found: dict[str, Any], span: Span, scope: Any) -> None:
    """A span of the old form is the span that was sent, by the mapping."""
    before = [tag(f"otel.scope.{part}", getattr(scope, part)) for part in ("name", "version") if getattr(scope, part)]
    after = [tag("span.kind", KINDS[span.kind])] if span.kind else []
    after += {
        0: [],
        1: [tag("otel.status_code", "OK")],
        2: [tag("otel.status_code", "ERROR"), {"key": "error", "type": "bool", "value": True}],
    }[span.status.code]
    after += [tag("otel.status_description", span.status.message)] if span.status.message else []
    after += [tag("w3c.tracestate", span.trace_state)] if span.trace_state else []
    tags = found["tags"]
    assert tags[: len(before)] == before
    assert tags[len(tags) - len(after) :] == after
    check_tags(tags[len(before) : len(tags) - len(after)], span)
    assert found["operationName"] == span.name
    assert found["startTime"] == span.start_time_unix_nano // 1000
    assert found["duration"] == max(0, span.end_time_unix_nano - span.start_time_unix_nano) // 1000
    parents = [r for r in found["references"] if r["refType"] == "CHILD_OF"]
    assert [r["spanID"] for r in parents] == [span.parent_span_id.hex()] * any(span.parent_span_id)
    follows = [r["spanID"] for r in found["references"] if r["refType"] == "FOLLOWS_FROM"]
    assert follows == [link.span_id.hex() for link in span.links if any(link.trace_id + link.span_id)]
    for log, event in zip(found["logs"], sorted(span.events, key=lambda e: e.time_unix_nano), strict=True):
        assert log["timestamp"] == event.time_unix_nano // 1000
        fields = log["fields"]
        if event.name and not any(item.key == "event" for item in event.attributes):
            assert fields[0] == tag("event", event.name)
            fields = fields[1:]
        check_tags(fields, event)


def check_process(found: dict[str, Any], resource: Resource) -> None:
    """A process of the old form is the resource, its service name apart."""
    service, *_ = [item.value.string_value for item in resource.attributes if item.key == "service.name"]
    assert found["serviceName"] == service
    others = [item for item in resource.attributes if item.key != "service.name"]
    check_tags(found["tags"], Resource(attributes=others))


@examples
@given(requests())
def test_a_trace_comes_out_of_the_old_form_as_the_mapping_says(request: ExportTraceServiceRequest) -> None:
    """Tags, logs, references, processes and times of every span are what the mapping makes of it."""
    traces = {t["traceID"]: t for t in (json.loads(legacy.trace_json(snapshot)) for snapshot in stored(request))}
    sent = [(r.resource, s.scope, span) for r in request.resource_spans for s in r.scope_spans for span in s.spans]
    assert sum(len(trace["spans"]) for trace in traces.values()) == len(sent)
    for resource, scope, span in sent:
        trace = traces[span.trace_id.hex().removeprefix("0" * 16)]
        [found] = [found for found in trace["spans"] if found["spanID"] == span.span_id.hex()]
        check_span(found, span, scope)
        check_process(trace["processes"][found["processID"]], resource)


@examples
@given(requests(), st.lists(st.tuples(st.integers(0, 2**20), st.binary(max_size=3)), min_size=1, max_size=4))
def test_a_damaged_batch_is_refused_or_can_be_read(
    batch: ExportTraceServiceRequest, damage: list[tuple[int, bytes]]
) -> None:
    """Bytes that are cut, changed or put in never lead to a trace that cannot be shown, listed or searched."""
    body = bytearray(batch.SerializeToString())
    for at, instead in damage:
        place = at % (len(body) + 1)
        body[place : place + 1] = instead
    store = Store(max_traces=100, max_bytes=2**30)
    try:
        store.add(otlp.from_protobuf(bytes(body)))
    except otlp.BadRequest:
        assert not store.traces
        return
    snapshots = [snapshot for snapshot in map(store.snapshot, store.traces) if snapshot]
    assert len(json.loads(v3.trace_json(snapshots))) == 1
    for snapshot in snapshots:
        assert json.loads(legacy.trace_json(snapshot))["spans"]
    assert len(find(store, Query(attributes={"a": "1"}))) <= len(store.traces)
    for trace in store.traces.values():
        assert json.dumps(summary(store, trace))
