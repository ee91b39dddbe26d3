"""OTLP trace requests, as they come over HTTP, to protobuf messages.

https://opentelemetry.io/docs/specs/otlp/#otlphttp and #json-protobuf-encoding: ids in JSON are hex, not base64.
"""

import base64
import json
import zlib
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.jaeger.receiving.counting import messages

HEX_IDS = {"traceId": 16, "trace_id": 16, "spanId": 8, "span_id": 8, "parentSpanId": 8, "parent_span_id": 8}

# More than an honest batch holds, however large; beyond them a few bytes could keep this process busy for a minute.
MAX_SOURCES = 10_000  # resources, and scopes
MAX_SPANS = 50_000
MAX_MESSAGES = 300_000  # spans, attributes, values, …: in JSON each is an object
MAX_JSON_VALUES = 1_200_000  # at most so many members and elements, however small

ZERO_ID = "a span has a trace id or a span id of nothing but zeros, which is invalid: it was stored as it came"


class BadRequest(ValueError):
    """The body is not an OTLP trace request; the message says why."""


class TooLarge(ValueError):
    """The body is larger than a limit, or holds more than one."""


def gunzip(body: bytes, limit: int) -> bytes:
    """Unpack at most limit bytes; TooLarge beyond them, however small the packed body is (a gzip bomb)."""
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = member.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequest(f"not gzip: {error}") from None
    if len(unpacked) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes once unpacked")
    if not member.eof:
        raise BadRequest("the gzip data ends too early")
    if member.unused_data:
        raise BadRequest("there is something after the gzip data")
    return unpacked


def invalid_id(request: ExportTraceServiceRequest) -> str:
    """What is wrong with a span's ids, though they can be stored; empty when nothing is."""
    spans = (span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans)
    return "" if all(any(span.trace_id) and any(span.span_id) for span in spans) else ZERO_ID


def from_protobuf(body: bytes) -> ExportTraceServiceRequest:
    """Read a binary request; BadRequest when it is none, TooLarge when it holds too much."""
    request = ExportTraceServiceRequest()
    try:
        if messages(body, MAX_MESSAGES) > MAX_MESSAGES:
            raise TooLarge(f"the batch holds more than {MAX_MESSAGES} messages: spans, attributes, values, …")
        request.ParseFromString(body)
    except TooLarge:
        raise
    except (DecodeError, ValueError) as error:
        raise BadRequest(f"not an OTLP trace request in protobuf: {error}") from None
    return bounded(request)


def bounded(request: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """The same request; TooLarge when it holds more than any honest one."""
    resources = request.resource_spans
    if len(resources) > MAX_SOURCES or sum(len(one.scope_spans) for one in resources) > MAX_SOURCES:
        raise TooLarge(f"the batch holds more than {MAX_SOURCES} resources or scopes")
    if sum(len(scope.spans) for one in resources for scope in one.scope_spans) > MAX_SPANS:
        raise TooLarge(f"the batch holds more than {MAX_SPANS} spans")
    return request


def from_json(body: bytes) -> ExportTraceServiceRequest:
    """Read a request in JSON, unknown fields ignored; BadRequest when it is none, TooLarge when it holds too much."""
    from google.protobuf import json_format  # Only JSON needs it: most exporters never load it.

    if body.count(b"{") > MAX_MESSAGES:
        raise TooLarge(f"the batch holds more than {MAX_MESSAGES} JSON objects")
    if sum(map(body.count, (b"{", b"[", b",", b":"))) > MAX_JSON_VALUES:
        raise TooLarge(f"the batch holds more than {MAX_JSON_VALUES} JSON values")
    request = ExportTraceServiceRequest()
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise ValueError("an object was expected")
        for span in _spans(document):
            _ids_to_base64(span)
            for link in _objects(span.get("links")):
                _ids_to_base64(link)
        json_format.ParseDict(document, request, ignore_unknown_fields=True)
    except (ValueError, RecursionError, json_format.ParseError) as error:
        raise BadRequest(f"not an OTLP trace request in JSON: {error}") from None
    return bounded(request)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _spans(document: dict[str, Any]) -> list[dict[str, Any]]:
    resources = _objects(document.get("resourceSpans", document.get("resource_spans")))
    scopes = [s for r in resources for s in _objects(r.get("scopeSpans", r.get("scope_spans")))]
    return [span for scope in scopes for span in _objects(scope.get("spans"))]


def _ids_to_base64(holder: dict[str, Any]) -> None:
    """Rewrite the hex ids of a span or link to what protobuf's own JSON reader takes."""
    for name, size in HEX_IDS.items():
        value = holder.get(name)
        if value is None:
            continue
        try:
            raw = bytes.fromhex(value)
        except (TypeError, ValueError):
            raise ValueError(f"{name} {value!r} is not hexadecimal") from None
        if len(raw) not in (0, size):
            raise ValueError(f"{name} {value!r} is {len(raw)} bytes long: {size} were expected")
        holder[name] = base64.b64encode(raw).decode()
