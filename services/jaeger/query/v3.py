"""Traces in the form of `/api/v3`: OTLP JSON, ids in hex, 64-bit numbers as strings, attributes in alphabetical order.

The JSON is put together as text: building and dumping dictionaries takes three times as long, and a trace may
have 10,000 spans.
"""

import base64
import math
from collections.abc import Iterable
from functools import _lru_cache_wrapper, lru_cache
from json.encoder import encode_basestring_ascii as quote
from operator import itemgetter
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from services.jaeger.store.store import Snapshot
from services.jaeger.store.tables import Source

CACHED = 2048  # attributes; those of a trace repeat themselves
NUMBERS = (  # 64-bit ones are text in JSON
    ("flags", "flags", ""),
    ("kind", "kind", ""),
    ("start_time_unix_nano", "startTimeUnixNano", '"'),
    ("end_time_unix_nano", "endTimeUnixNano", '"'),
)
DROPPED = (
    ("dropped_attributes_count", "droppedAttributesCount"),
    ("dropped_events_count", "droppedEventsCount"),
    ("dropped_links_count", "droppedLinksCount"),
)
SMALL = 256  # bytes; longer ones are not kept: they would take the memory and hardly repeat


def trace_json(snapshots: Iterable[Snapshot]) -> str:
    """The spans of the traces under their resources and scopes, as TracesData in JSON."""
    by_resource: dict[tuple[bytes, str], dict[Source, list[str]]] = {}
    for snapshot in snapshots:
        trace_id = snapshot.trace_id.hex()
        for record, span in zip(snapshot.records, snapshot.spans, strict=True):
            source = snapshot.sources[record.source]
            scopes = by_resource.setdefault((source.resource, source.resource_schema), {})
            scopes.setdefault(source, []).append(_span(trace_id, span))
    resources = [_resource(resource, schema, scopes) for (resource, schema), scopes in by_resource.items()]
    return f'{{"resourceSpans":[{",".join(resources)}]}}'


def _resource(serialized: bytes, schema: str, scopes: dict[Source, list[str]]) -> str:
    resource = Resource.FromString(serialized)
    scope_spans = ",".join(_scope(source, spans) for source, spans in scopes.items())
    return _object(
        f'"resource":{_object(_attributes(resource))}', f'"scopeSpans":[{scope_spans}]', _text("schemaUrl", schema)
    )


def _scope(source: Source, spans: list[str]) -> str:
    scope = InstrumentationScope.FromString(source.scope)
    named = _object(_text("name", scope.name), _text("version", scope.version), _attributes(scope))
    return _object(f'"scope":{named}', f'"spans":[{",".join(spans)}]', _text("schemaUrl", source.scope_schema))


def _span(trace_id: str, span: Any) -> str:
    fields = [f'{{"traceId":"{trace_id}","spanId":"{(span.span_id or bytes(8)).hex()}","name":{quote(span.name)}']
    if parent := span.parent_span_id:
        fields.append(f'"parentSpanId":"{parent.hex()}"')
    if state := span.trace_state:
        fields.append(f'"traceState":{quote(state)}')
    for field, name, quotes in NUMBERS:
        if number := getattr(span, field):
            fields.append(f'"{name}":{quotes}{number}{quotes}')
    if attributes := span.attributes:
        fields.append(f'"attributes":[{",".join(sorted_by_key(attributes, _attribute))}]')
    if events := span.events:
        fields.append(f'"events":[{",".join(map(_event, events))}]')
    if links := span.links:
        fields.append(f'"links":[{",".join(map(_link, links))}]')
    for field, name in DROPPED:
        if number := getattr(span, field):
            fields.append(f'"{name}":{number}')
    status = span.status
    fields.append(f'"status":{_status(status)}}}' if status else '"status":{}}')
    return ",".join(fields)


def _status(serialized: bytes) -> str:
    status = Status.FromString(serialized)
    return _object(_text("message", status.message), _count("code", status.code))


def _event(serialized: bytes) -> str:
    event = Span.Event.FromString(serialized)
    return _object(_nanos("timeUnixNano", event.time_unix_nano), _text("name", event.name), _attributes(event))


def _link(serialized: bytes) -> str:
    link = Span.Link.FromString(serialized)
    return _object(
        f'"traceId":"{link.trace_id.hex()}","spanId":"{link.span_id.hex()}"',
        _text("traceState", link.trace_state),
        _attributes(link),
        _count("flags", link.flags),
    )


def _attributes(holder: Resource | InstrumentationScope | Span.Event | Span.Link) -> str:
    """The attributes in alphabetical order and how many were dropped; nothing when there are none."""
    found = sorted_by_key([item.SerializeToString() for item in holder.attributes], _attribute)
    listed = f'"attributes":[{",".join(found)}]' if found else ""
    return _join((listed, _count("droppedAttributesCount", holder.dropped_attributes_count)))


def sorted_by_key(attributes: Iterable[bytes], convert: "_lru_cache_wrapper[tuple[str, str]]") -> list[str]:
    """Convert each serialized attribute to its key and JSON; the JSON in the order of the keys."""
    found = [convert(item) if len(item) <= SMALL else convert.__wrapped__(item) for item in attributes]
    found.sort(key=itemgetter(0))
    return [json for _, json in found]


@lru_cache(CACHED)
def _attribute(serialized: bytes) -> tuple[str, str]:
    attribute = KeyValue.FromString(serialized)
    return attribute.key, f'{{"key":{quote(attribute.key)},"value":{_value(attribute.value)}}}'


def _value(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return f'{{"stringValue":{quote(value.string_value)}}}'
    if kind == "int_value":
        return f'{{"intValue":"{value.int_value}"}}'
    if kind == "bool_value":
        return f'{{"boolValue":{"true" if value.bool_value else "false"}}}'
    if kind == "double_value":
        return f'{{"doubleValue":{double_json(value.double_value)}}}'
    if kind == "bytes_value":
        return f'{{"bytesValue":"{base64.b64encode(value.bytes_value).decode()}"}}'
    if kind == "array_value":
        return f'{{"arrayValue":{{"values":[{",".join(map(_value, value.array_value.values))}]}}}}'
    if kind == "kvlist_value":
        pairs = (f'{{"key":{quote(item.key)},"value":{_value(item.value)}}}' for item in value.kvlist_value.values)
        return f'{{"kvlistValue":{{"values":[{",".join(pairs)}]}}}}'
    return "{}"


def double_json(number: float) -> str:
    """A double in JSON, where NaN and the infinities are strings (protobuf's JSON mapping)."""
    if math.isfinite(number):
        return repr(number)
    return '"NaN"' if math.isnan(number) else '"Infinity"' if number > 0 else '"-Infinity"'


def _object(*fields: str) -> str:
    return "{" + _join(fields) + "}"


def _join(fields: Iterable[str]) -> str:
    return ",".join(filter(None, fields))


def _text(name: str, value: str) -> str:
    return f'"{name}":{quote(value)}' if value else ""


def _count(name: str, value: int) -> str:
    return f'"{name}":{value}' if value else ""


def _nanos(name: str, value: int) -> str:
    return f'"{name}":"{value}"' if value else ""
