"""Traces in Jaeger's older form, that of `/api/traces`: tags, logs, references and processes, times in microseconds.

The mapping is OpenTelemetry's, https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/, as Jaeger 2
applies it. The JSON is put together as text, for the reason given in `v3`.
"""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from services.jaeger.query.v3 import CACHED, double_json, sorted_by_key
from services.jaeger.store.store import Snapshot
from services.jaeger.store.tables import Source
from services.jaeger.store.trace import KINDS, NO_ID, Record
from services.jaeger.store.values import as_string

SAFE_INTEGER = 2**53 - 1  # JavaScript's largest exact integer
STATUS_TAGS = {
    1: ['{"key":"otel.status_code","type":"string","value":"OK"}'],
    2: ['{"key":"otel.status_code","type":"string","value":"ERROR"}', '{"key":"error","type":"bool","value":true}'],
}


def trace_json(snapshot: Snapshot) -> str:
    """One trace: its spans, and the processes that they belong to."""
    trace_id = old_trace_id(snapshot.trace_id)
    processes: dict[bytes, str] = {}
    origins: dict[int, tuple[str, list[str]]] = {}
    for number, source in snapshot.sources.items():
        process = processes.setdefault(source.resource, f"p{len(processes) + 1}")
        origins[number] = process, _scope_tags(source)
    here = {record.span_id for record in snapshot.records}
    spans = [
        _span(trace_id, record, span, origins[record.source], here)
        for record, span in zip(snapshot.records, snapshot.spans, strict=True)
    ]
    named = ",".join(f'"{name}":{_process(resource)}' for resource, name in processes.items())
    return f'{{"traceID":"{trace_id}","spans":[{",".join(spans)}],"processes":{{{named}}},"warnings":null}}'


def _span(trace_id: str, record: Record, span: Any, origin: tuple[str, list[str]], here: set[bytes]) -> str:
    span_id, parent_id, kind, status, start, end, _, _, _ = record
    process, scope_tags = origin
    tags = scope_tags + sorted_by_key(span.attributes, _tag)
    if kind:
        tags.append(KIND_TAGS[kind])
    if serialized := span.status:
        tags += STATUS_TAGS.get(status, ())
        if message := Status.FromString(serialized).message:
            tags.append(string_tag("otel.status_description", message))
    if state := span.trace_state:
        tags.append(string_tag("w3c.tracestate", state))
    references = "" if parent_id == NO_ID else _reference("CHILD_OF", trace_id, parent_id)
    if links := span.links:
        references = ",".join(filter(None, (references, *map(_link, links))))
    logs = _logs(events) if (events := span.events) else ""
    unusual = start >= end or (parent_id != NO_ID and parent_id not in here)
    return (
        f'{{"traceID":"{trace_id}","spanID":"{span_id.hex()}","operationName":{quote(span.name)},'
        f'"references":[{references}],"startTime":{start // 1000},"duration":{(end - start) // 1000},'
        f'"tags":[{",".join(tags)}],"logs":[{logs}],"processID":"{process}",'
        f'"warnings":{_warnings(record, span, here) if unusual else "null"}}}'
    )


def old_trace_id(trace_id: bytes) -> str:
    """The id in hex: 16 digits when the upper half is zero, else 32."""
    return trace_id.hex() if any(trace_id[:8]) else trace_id[8:].hex()


def _reference(kind: str, trace_id: str, span_id: bytes) -> str:
    return f'{{"refType":"{kind}","traceID":"{trace_id}","spanID":"{span_id.hex()}"}}'


def _link(serialized: bytes) -> str:
    link = Span.Link.FromString(serialized)
    if not any(link.trace_id) and not any(link.span_id):
        return ""
    # OpenTracing's bridge says with this attribute that a link was a parent.
    said = {item.key: item.value.string_value for item in link.attributes}
    child = said.get("opentracing.ref_type") == "child_of"
    trace_id = old_trace_id(link.trace_id.rjust(16, b"\0"))
    return _reference("CHILD_OF" if child else "FOLLOWS_FROM", trace_id, link.span_id.rjust(8, b"\0"))


def _logs(serialized: Iterable[bytes]) -> str:
    events = [Span.Event.FromString(item) for item in serialized]
    return ",".join(map(_log, sorted(events, key=lambda event: event.time_unix_nano)))


def _log(event: Span.Event) -> str:
    fields = _tags(event.attributes)
    if event.name and not any(item.key == "event" for item in event.attributes):
        fields.insert(0, string_tag("event", event.name))
    return f'{{"timestamp":{event.time_unix_nano // 1000},"fields":[{",".join(fields)}]}}'


def _tags(attributes: Iterable[KeyValue]) -> list[str]:
    return sorted_by_key([item.SerializeToString() for item in attributes], _tag)


def _process(serialized: bytes) -> str:
    service, others = "", []
    for item in Resource.FromString(serialized).attributes:
        if item.key == "service.name":
            service = item.value.string_value
        else:
            others.append(item)
    return f'{{"serviceName":{quote(service)},"tags":[{",".join(_tags(others))}]}}'


def _scope_tags(source: Source) -> list[str]:
    scope = InstrumentationScope.FromString(source.scope)
    parts = (("otel.scope.name", scope.name), ("otel.scope.version", scope.version))
    return [string_tag(key, value) for key, value in parts if value]


def string_tag(key: str, value: str) -> str:
    """A tag, in JSON."""
    return f'{{"key":{quote(key)},"type":"string","value":{quote(value)}}}'


KIND_TAGS = [string_tag("span.kind", kind) for kind in KINDS]


@lru_cache(CACHED)
def _tag(serialized: bytes) -> tuple[str, str]:
    attribute = KeyValue.FromString(serialized)
    kind, value = _typed(attribute.value)
    return attribute.key, f'{{"key":{quote(attribute.key)},"type":"{kind}","value":{value}}}'


def _typed(value: AnyValue) -> tuple[str, str]:
    """The value's type in the old form, and the value in JSON."""
    kind = value.WhichOneof("value")
    if kind == "int_value":
        number = value.int_value
        return "int64", str(number) if abs(number) <= SAFE_INTEGER else f'"{number}"'
    if kind == "bool_value":
        return "bool", "true" if value.bool_value else "false"
    if kind == "double_value":
        return "float64", double_json(value.double_value)
    if kind == "bytes_value":
        return "binary", quote(base64.b64encode(value.bytes_value).decode())
    return "string", quote(as_string(value))


def _warnings(record: Record, span: Any, here: set[bytes]) -> str:
    """What Jaeger warns of: a span that ends before or when it starts, a parent that is not there."""
    found = []
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    if end <= start:
        found.append(
            "Negative duration detected, sanitizing end timestamp. Original end timestamp: "
            f"{_utc(end)}, adjusted to: {_utc(start + 1)}"
        )
    if record.parent_id != NO_ID and record.parent_id not in here:
        found.append(f"parent span ID={record.parent_id.hex()} is not in the trace; skipping clock skew adjustment")
    return json.dumps(found)


def _utc(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"
