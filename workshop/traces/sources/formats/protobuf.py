"""OTLP in protobuf: one message, or the collector's file exporter, which writes each with its length in front.

Gives documents in the form of OTLP's JSON, so that there is one reader.
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from workshop.traces.sources.formats.odd import Notes, printable

LENGTH = 4  # bytes of a length, big end first
_FIRST = b"\x0a"  # field 1, which is all that a TracesData has, as a length-delimited value

_VALUES = {
    "bool_value": "boolValue",
    "int_value": "intValue",
    "double_value": "doubleValue",
}


def messages(data: bytes, notes: Notes) -> Iterator[bytes] | None:
    """The messages of a file in which each has its length in front; None when it is no such file.

    The first must be whole; a last one that is not is noted, as is one of a length that cannot be.
    """
    length = int.from_bytes(data[:LENGTH], "big")
    if not 0 < length <= len(data) - LENGTH or data[:1] in b"{[ \n":
        return None
    return _messages(data, notes)


def _messages(data: bytes, notes: Notes) -> Iterator[bytes]:
    position, number = 0, 0
    while position < len(data):
        length = int.from_bytes(data[position : position + LENGTH], "big")
        position += LENGTH
        number += 1
        notes.place = f"message {number}"
        if position + length > len(data):
            notes.add("the last message is half written", "the rest is read")
            return
        yield data[position : position + length]
        position += length


def document(data: bytes) -> dict[str, Any] | None:
    """The message as OTLP's JSON would have it; None when it is no TracesData.

    Metrics and logs have the same outer fields: without one span that has ids of the right length it is none of ours.
    """
    if not data.startswith(_FIRST):
        return None
    try:
        found = TracesData.FromString(data)
    except DecodeError:
        return None
    spans = [s for resource in found.resource_spans for scope in resource.scope_spans for s in scope.spans]
    if not any(len(each.trace_id) == 16 and len(each.span_id) == 8 for each in spans):
        return None
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _pairs(resource.resource.attributes)},
                "scopeSpans": [
                    {"scope": {"name": scope.scope.name}, "spans": [_span(each) for each in scope.spans]}
                    for scope in resource.scope_spans
                ],
            }
            for resource in found.resource_spans
        ]
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": printable(span.name),
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano,
        "endTimeUnixNano": span.end_time_unix_nano,
        "attributes": _pairs(span.attributes),
        "events": [
            {"name": e.name, "timeUnixNano": e.time_unix_nano, "attributes": _pairs(e.attributes)} for e in span.events
        ],
        "links": [
            {"traceId": x.trace_id.hex(), "spanId": x.span_id.hex(), "attributes": _pairs(x.attributes)}
            for x in span.links
        ],
        "status": {"code": span.status.code, "message": printable(span.status.message)},
    }


def _pairs(attributes: "list[KeyValue] | Any") -> list[dict[str, Any]]:
    return [{"key": each.key, "value": _value(each.value)} for each in attributes]


def _value(value: AnyValue) -> dict[str, Any]:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return {"stringValue": printable(value.string_value)}
    if kind in _VALUES:
        return {_VALUES[kind]: getattr(value, kind)}
    if kind == "array_value":
        return {"arrayValue": {"values": [_value(each) for each in value.array_value.values]}}
    if kind == "kvlist_value":
        return {"kvlistValue": {"values": _pairs(value.kvlist_value.values)}}
    return {"bytesValue": value.bytes_value.hex()} if kind == "bytes_value" else {}
