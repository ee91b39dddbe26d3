"""One trace in every form that a file can have."""

import base64
import json
from collections.abc import Callable
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.unit.traces.sources.recorded_jaeger import RECORDED
from workshop.traces.model.trace import Trace

TRACE = "5ca1ab1e00000000000000000000a001"
T0 = 1_760_000_000_000_000_000


def message() -> TracesData:
    """The trace as OTLP's protobuf: a shop, its slow statement that failed, a link, an event, values of every kind."""
    data = TracesData()
    resource = data.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    scope.scope.name = "hand-made"
    root = scope.spans.add(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes(7) + b"\x01",
        name="GET /x",
        kind=2,
        start_time_unix_nano=T0,
        end_time_unix_nano=T0 + 300_000_000,
    )
    root.attributes.add(key="big").value.int_value = 9_007_199_254_740_993
    root.attributes.add(key="share").value.double_value = 0.5
    root.attributes.add(key="gift").value.bool_value = True
    root.attributes.add(key="tags").value.array_value.values.add().string_value = "a"
    below = scope.spans.add(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes(7) + b"\x02",
        parent_span_id=bytes(7) + b"\x01",
        name="SELECT a",
        kind=3,
        start_time_unix_nano=T0 + 10_000_000,
        end_time_unix_nano=T0 + 260_000_000,
    )
    below.attributes.add(key="db.system").value.string_value = "postgresql"
    below.events.add(name="exception", time_unix_nano=T0 + 20_000_000)
    below.links.add(trace_id=bytes.fromhex("ab" * 16), span_id=bytes.fromhex("cd" * 8))
    below.status.code, below.status.message = 2, "it broke"
    return data


def otlp(*, snake: bool = False, ids_in_base64: bool = False) -> dict[str, Any]:
    """The same as JSON."""
    document = MessageToDict(message(), preserving_proto_field_name=snake)
    if not ids_in_base64:
        _with_hex_ids(document)
    return dict(document)


def _with_hex_ids(value: Any) -> None:
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _with_hex_ids(each)
    if isinstance(value, dict):
        for key in value:
            if key.replace("_", "").lower() in ("traceid", "spanid", "parentspanid"):
                value[key] = base64.b64decode(value[key]).hex()


def jaeger() -> dict[str, Any]:
    """The same as Jaeger's page downloads it."""
    tags = [
        {"key": "span.kind", "type": "string", "value": "client"},
        {"key": "otel.status_code", "type": "string", "value": "ERROR"},
        {"key": "otel.status_description", "type": "string", "value": "it broke"},
        {"key": "db.system", "type": "string", "value": "postgresql"},
        {"key": "otel.scope.name", "type": "string", "value": "hand-made"},
    ]
    root_tags = [
        {"key": "span.kind", "type": "string", "value": "server"},
        {"key": "otel.scope.name", "type": "string", "value": "hand-made"},
        {"key": "big", "type": "int64", "value": "9007199254740993"},
        {"key": "share", "type": "float64", "value": 0.5},
        {"key": "gift", "type": "bool", "value": True},
        {"key": "tags", "type": "string", "value": ["a"]},
    ]
    parent = {"refType": "CHILD_OF", "traceID": TRACE, "spanID": "0000000000000001"}
    link = {"refType": "FOLLOWS_FROM", "traceID": "ab" * 16, "spanID": "cd" * 8}
    log = {"timestamp": T0 // 1000 + 20_000, "fields": [{"key": "event", "type": "string", "value": "exception"}]}
    root = {"spanID": "0000000000000001", "operationName": "GET /x", "startTime": T0 // 1000, "duration": 300_000}
    below = {
        "spanID": "0000000000000002",
        "operationName": "SELECT a",
        "startTime": T0 // 1000 + 10_000,
        "duration": 250_000,
    }
    return {
        "data": [
            {
                "traceID": TRACE,
                "spans": [
                    {"traceID": TRACE, **root, "tags": root_tags, "processID": "p1"},
                    {
                        "traceID": TRACE,
                        **below,
                        "references": [parent, link],
                        "tags": tags,
                        "logs": [log],
                        "processID": "p1",
                    },
                ],
                "processes": {"p1": {"serviceName": "shop"}},
            }
        ]
    }


def grafana(*, wire: bool) -> dict[str, Any]:
    """The same as a data frame of Grafana's: as a data source answers it, or as Explore's inspector downloads it."""
    rows = []
    for span in jaeger()["data"][0]["spans"]:
        tags = {tag["key"]: tag["value"] for tag in span["tags"]}
        own = ("span.kind", "otel.status_code", "otel.status_description", "otel.scope.name")
        parent, *links = span.get("references", [{}])
        kept = [{"key": key, "value": value} for key, value in tags.items() if key not in own]
        rows.append(
            {
                "traceID": TRACE,
                "spanID": span["spanID"],
                "parentSpanID": parent.get("spanID", ""),
                "operationName": span["operationName"],
                "serviceName": "shop",
                "kind": tags["span.kind"],
                "statusCode": 2 if "otel.status_code" in tags else 0,
                "statusMessage": tags.get("otel.status_description", ""),
                "instrumentationLibraryName": "hand-made",
                "serviceTags": [{"key": "service.name", "value": "shop"}],
                "startTime": span["startTime"] / 1000,
                "duration": span["duration"] / 1000,
                "logs": [
                    {"timestamp": log["timestamp"] / 1000, "fields": log["fields"]} for log in span.get("logs", [])
                ],
                "references": links or None,
                "tags": [{**tag, "value": 9007199254740993} if tag["key"] == "big" else tag for tag in kept],
            }
        )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if wire:
        fields = [{"name": name, "type": "string"} for name in columns]
        return {"schema": {"refId": "A", "fields": fields}, "data": {"values": list(columns.values())}}
    return {"fields": [{"name": name, "config": {}, "values": values} for name, values in columns.items()], "length": 2}


def facts(trace: Trace) -> list[tuple[object, ...]]:
    """What every form tells of a trace; times to the microsecond."""
    return [
        (
            span.span_id,
            span.parent_id,
            span.service,
            span.name,
            span.kind,
            span.start // 1000,
            span.end // 1000,
            span.status,
            span.status_message,
            span.scope,
            sorted(span.attributes.items(), key=str),
            [(event.name, event.time // 1000) for event in span.events],
            [(link.trace_id, link.span_id) for link in span.links],
        )
        for span in trace.spans
    ]


def framed(*messages: bytes) -> bytes:
    """Messages as the collector's file exporter writes them when they are not lines of text."""
    return b"".join(len(each).to_bytes(4, "big") + each for each in messages)


def dumped(document: Any) -> bytes:
    """JSON as bytes."""
    return json.dumps(document).encode()


FORMS: dict[str, Callable[[], bytes]] = {
    "OTLP, camelCase": lambda: dumped(otlp()),
    "OTLP, snake_case": lambda: dumped(otlp(snake=True)),
    "OTLP, ids in base64": lambda: dumped(otlp(ids_in_base64=True)),
    "OTLP, indented, over many lines": lambda: json.dumps(otlp(), indent=2).encode(),
    "OTLP, two documents one after another": lambda: json.dumps(otlp(), indent=2).encode() * 2,
    "Tempo's answer": lambda: dumped({"batches": otlp(ids_in_base64=True)["resourceSpans"]}),
    "Tempo's answer, v2": lambda: dumped({"trace": otlp(ids_in_base64=True), "status": "COMPLETE", "metrics": {}}),
    "Jaeger's v3 answer": lambda: dumped({"result": otlp()}),
    "protobuf": lambda: message().SerializeToString(),
    "protobuf with its length in front": lambda: framed(message().SerializeToString(), message().SerializeToString()),
    "Jaeger's JSON": lambda: dumped(jaeger()),
    "Jaeger's JSON, one trace of it": lambda: dumped(jaeger()["data"][0]),
    "Grafana's data source's answer": lambda: dumped(
        {"results": {"A": {"status": 200, "frames": [grafana(wire=True)]}}}
    ),
    "Grafana's download": lambda: dumped([grafana(wire=False)]),
    "Grafana's panel data": lambda: dumped({"state": "Done", "series": [grafana(wire=True)]}),
    "a list of documents": lambda: dumped([otlp(), {"resourceMetrics": []}]),
    "one document a line": lambda: dumped(otlp()) + b"\r\n\r\n" + dumped({"resourceLogs": []}) + b"\r\n",
}


def recorded() -> dict[str, dict[str, Any]]:
    """What a real Jaeger 2.20 answered, by request."""
    entries = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    return {entry["request"]: entry for entry in entries}
