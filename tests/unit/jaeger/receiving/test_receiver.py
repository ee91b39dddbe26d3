"""OTLP/HTTP as exporters speak it: encodings, limits, failures, many at once."""

import gzip
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from services.jaeger.receiving import otlp
from services.jaeger.store.store import MAX_SPAN
from tests.unit.jaeger.otlp_strategies import a_request, a_span
from tests.unit.jaeger.stand_in import StandIn

LIMIT = 1_000_000
PROTOBUF, JSON = "application/x-protobuf", "application/json"
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def small(start_stand_in: Callable[..., StandIn]) -> StandIn:
    """A stand-in that takes bodies of one megabyte at most."""
    return start_stand_in(max_body=LIMIT)


def trace_of(number: int) -> bytes:
    """A serialized batch with one span of the trace of this number."""
    return bytes(a_request(a_span(trace_id=number.to_bytes(16))).SerializeToString())


def test_a_span_of_the_opentelemetry_exporter_can_be_read_at_once(stand_in: StandIn) -> None:
    """What the SDK's own exporter sends is there as soon as its request is answered."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=stand_in.otlp_url)))
    with provider.get_tracer("test").start_as_current_span("work", attributes={"answer": 42}) as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
    [found] = stand_in.json(f"/api/traces/{trace_id}")["data"][0]["spans"]
    assert found["operationName"] == "work"
    assert {"key": "answer", "type": "int64", "value": 42} in found["tags"]


def test_gzip_is_unpacked(stand_in: StandIn) -> None:
    """A gzipped protobuf batch is taken in."""
    response = stand_in.export(gzip.compress(trace_of(1)), Content_Encoding="gzip")
    assert (response.status_code, response.content) == (200, b"")
    assert stand_in.get(f"/api/traces/{1:032x}").status_code == 200


def test_json_may_spell_its_values_in_every_way_that_the_protocol_allows(stand_in: StandIn) -> None:
    """64-bit numbers as text or not, bytes in base64, ids in either case, unknown fields and nulls ignored."""
    span = {
        "traceId": "000000000000000000000000000000AB",
        "spanId": "00000000000000ab",
        "parentSpanId": "",
        "name": "n",
        "kind": 3,
        "startTimeUnixNano": "1795449600000000000",
        "endTimeUnixNano": 1795449600000001000,
        "newField": {},
        "status": None,
        "links": [{"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1"}],
        "attributes": [
            {"key": "number", "value": {"intValue": 7}},
            {"key": "text", "value": {"intValue": "8"}},
            {"key": "bytes", "value": {"bytesValue": "AAH/"}},
            {"key": "none"},
            {"key": "future", "value": {"newValue": 1}},
        ],
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}], "new": 1}]}).encode()
    assert stand_in.export(body, "application/json; charset=utf-8").json() == {"partialSuccess": {}}
    [found] = stand_in.json(f"/api/traces/{0xAB:x}")["data"][0]["spans"]
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    assert tags == {"number": 7, "text": 8, "bytes": "AAH/", "none": "", "future": "", "span.kind": "client"}
    assert (found["duration"], found["references"][0]["spanID"]) == (1, f"{1:016x}")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"3",
        b'"text"',
        b"null",
        b"{",
        b"\xff\xfe",
        b'{"resourceSpans": "text"}',
        b'{"resourceSpans": [3]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 3}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "ab"}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "\\ud800"}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "18446744073709551616"}]}]}]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: body[:80].decode("latin-1"),
)
def test_json_that_is_no_batch_is_refused_with_a_reason(stand_in: StandIn, body: bytes) -> None:
    """400 and a sentence, whatever the body is."""
    response = stand_in.export(body, "application/json")
    assert response.status_code == 400
    assert response.json()["code"] == 3
    assert len(response.json()["message"]) > 10


@pytest.mark.parametrize(
    "body",
    [b"\xff\xff\xff", b"\x0a\x05ab", trace_of(2)[:-3], b"\x0a" * 1001],
    ids=["no tag", "cut length", "cut batch", "nested"],
)
def test_broken_protobuf_is_refused_with_a_reason(stand_in: StandIn, body: bytes) -> None:
    """400 and a google.rpc.Status that says why."""
    response = stand_in.export(body)
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/x-protobuf")
    assert "protobuf" in Status.FromString(response.content).message


def test_broken_gzip_is_refused(stand_in: StandIn) -> None:
    """400 for what is cut short, and for what has something behind it."""
    packed = gzip.compress(trace_of(3))
    for body in (packed[:-5], b"", packed + b"more", packed + packed):
        assert stand_in.export(body, Content_Encoding="gzip").status_code == 400


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(small: StandIn) -> None:
    """A small body that unpacks to more than the limit is refused; at the limit it is looked at."""
    for bomb in (gzip.compress(bytes(100 * LIMIT)), gzip.compress(bytes(LIMIT + 1))):
        assert len(bomb) < LIMIT
        response = small.export(bomb, Content_Encoding="gzip")
        assert response.status_code == 413
        assert "larger" in Status.FromString(response.content).message
    assert small.export(gzip.compress(bytes(LIMIT)), Content_Encoding="gzip").status_code == 400  # Not a batch.


def test_a_body_over_the_limit_is_refused_without_reading_it(small: StandIn) -> None:
    """413 as soon as the header tells the length."""
    with socket.create_connection(("127.0.0.1", small.server.otlp_port), timeout=30) as client:
        client.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000001\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
def test_other_content_encodings_are_not_supported(stand_in: StandIn, encoding: str) -> None:
    """415, and what is supported."""
    response = stand_in.export(trace_of(4), Content_Encoding=encoding)
    assert response.status_code == 415
    assert "gzip" in response.text


def test_rejected_spans_are_told_as_partial_success(stand_in: StandIn) -> None:
    """200, how many spans were not taken, and why; in the encoding of the request."""
    too_large = a_request(a_span(), a_span(span_id=b"too-big!", attributes={"text": "x" * MAX_SPAN}))
    response = stand_in.export(too_large.SerializeToString())
    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert (response.status_code, partial.rejected_spans) == (200, 1)
    assert "are the most" in partial.error_message
    span = {"name": "x" * MAX_SPAN}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    assert stand_in.export(body, "application/json").json()["partialSuccess"]["rejectedSpans"] == "1"


def within(tag: bytes, inner: bytes) -> bytes:
    """A field of this tag with these bytes (protobuf's wire format)."""
    size, head = len(inner), bytearray()
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return tag + bytes([*head, size]) + inner


def in_span(inner: bytes) -> bytes:
    """A batch with one span."""
    return within(b"\x0a", within(b"\x12", within(b"\x12", inner)))


MILLIONS = 3_000_000
NOTHINGS: dict[str, tuple[str, bytes]] = {
    "resources": (PROTOBUF, b"\x0a\x00" * MILLIONS),
    "scopes of one resource": (PROTOBUF, within(b"\x0a", b"\x12\x00" * MILLIONS)),
    "scopes of many": (PROTOBUF, b"\x0a\x02\x12\x00" * 2_000_000),
    "spans of one scope": (PROTOBUF, within(b"\x0a", within(b"\x12", b"\x12\x00" * MILLIONS))),
    "spans of many": (PROTOBUF, b"\x0a\x04\x12\x02\x12\x00" * 1_300_000),
    "attributes": (PROTOBUF, in_span(b"\x4a\x00" * MILLIONS)),
    "events": (PROTOBUF, in_span(b"\x5a\x00" * MILLIONS)),
    "links": (PROTOBUF, in_span(b"\x6a\x00" * MILLIONS)),
    "attributes of an event": (PROTOBUF, in_span(within(b"\x5a", b"\x1a\x00" * MILLIONS))),
    "attributes of a resource": (PROTOBUF, within(b"\x0a", within(b"\x0a", b"\x0a\x00" * MILLIONS))),
    "values of a list": (PROTOBUF, in_span(within(b"\x4a", within(b"\x12", within(b"\x2a", b"\x0a\x00" * MILLIONS))))),
    "unknown fields": (PROTOBUF, b"\xa0\x06\x01" * 2_500_000),
    "JSON objects": (JSON, b'{"resourceSpans":[' + b"{}," * 2_500_000 + b"{}]}"),
    "JSON lists": (JSON, b'{"a":[' + b"[]," * 2_500_000 + b"[]]}"),
    "JSON texts": (JSON, b'{"a":[' + b'"ab",' * 1_500_000 + b"0]}"),
    "JSON members": (JSON, b"{" + b",".join(b'"%x":0' % number for number in range(700_000)) + b"}"),
    "deep JSON": (JSON, b'{"resourceSpans":' + b"[" * MILLIONS),
}


@pytest.mark.parametrize("name", NOTHINGS)
def test_a_batch_of_millions_of_nothings_is_refused(stand_in: StandIn, name: str) -> None:
    """What is small on the wire and large once read ends in 413, packed or not, and the next batch is taken."""
    content_type, body = NOTHINGS[name]
    for sent, encoding in ((body, "identity"), (gzip.compress(body, 1), "gzip")):
        assert stand_in.export(sent, content_type, Content_Encoding=encoding).status_code == 413
    assert stand_in.export(trace_of(5)).content == b""


MEASURE = """
import resource, sys
from services.jaeger.receiving import otlp
from google.protobuf import json_format
kind, path = sys.argv[1:]
body = open(path, "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    (otlp.from_json if kind.endswith("json") else otlp.from_protobuf)(body)
except otlp.TooLarge:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // (1024 if sys.platform == "darwin" else 1))
"""


@pytest.mark.parametrize("name", NOTHINGS)
def test_what_is_refused_takes_no_memory(tmp_path: Path, name: str) -> None:
    """It is counted before an object is made: 7 MB of empty resources took 800 MB."""
    content_type, body = NOTHINGS[name]
    path = tmp_path / "body"
    path.write_bytes(body)
    command = [sys.executable, "-c", MEASURE, content_type, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) < 8 * 1024  # KiB


def test_a_large_honest_batch_is_taken(stand_in: StandIn) -> None:
    """Several thousand spans with attributes, as a collector batches them, are within every bound."""
    attributes = {f"attribute.{number}": f"value {number}" for number in range(12)}
    spans = [a_span(trace_id=b"an-honest-batch.", span_id=n.to_bytes(8), attributes=attributes) for n in range(1, 8193)]
    body = a_request(*spans).SerializeToString()
    assert len(body) > 2_000_000
    assert stand_in.export(body).content == b""
    stored = stand_in.json(f"/api/traces/{b'an-honest-batch.'.hex()}")["data"][0]["spans"]
    assert len(stored) == 8192


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("zero", ["traceId", "spanId"])
def test_an_id_of_zeros_is_told(stand_in: StandIn, content_type: str, zero: str) -> None:
    """OpenTelemetry calls it invalid: it is stored, as Jaeger does, and the exporter gets a warning."""
    ids = {"traceId": "ab" * 16, "spanId": "cd" * 8, zero: "0" * (32 if zero == "traceId" else 16)}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**ids, "name": "n"}]}]}]}).encode()
    if content_type == JSON:
        partial = stand_in.export(body, JSON).json()["partialSuccess"]
        assert (partial["rejectedSpans"], "zeros" in partial["errorMessage"]) == ("0", True)
    else:
        answer = stand_in.export(otlp.from_json(body).SerializeToString())
        told = ExportTraceServiceResponse.FromString(answer.content).partial_success
        assert (told.rejected_spans, "zeros" in told.error_message) == (0, True)


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"resourceSpans": 3}', b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":3}]}]}]}']
)
def test_a_reason_is_said_once(stand_in: StandIn, body: bytes) -> None:
    """Not again in front of itself."""
    message = stand_in.export(body, JSON).json()["message"]
    assert message.count("not an OTLP trace request") == 1


def test_exporters_may_send_at_once(start_stand_in: Callable[..., StandIn]) -> None:
    """Eight exporters, each with a part of every trace: nothing is lost, nothing is mixed up."""
    stand_in = start_stand_in()
    failures = []

    def export(exporter: int) -> None:
        for number in range(1, 51):
            span = a_span(trace_id=number.to_bytes(16), span_id=(exporter + 1).to_bytes(8))
            body = a_request(span, service=f"service {exporter}").SerializeToString()
            if stand_in.post(body) != 200:
                failures.append((exporter, number))

    threads = [threading.Thread(target=export, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert stand_in.json("/status")["spans"] == 400
    for number in (1, 50):
        [trace] = stand_in.json(f"/api/traces/{number:x}")["data"]
        assert {process["serviceName"] for process in trace["processes"].values()} == {f"service {n}" for n in range(8)}


def test_slow_clients_do_not_keep_others_waiting(stand_in: StandIn) -> None:
    """Fifty clients that stop in the middle of their request take no thread; a whole request is answered."""
    slow = [socket.create_connection(("127.0.0.1", stand_in.server.otlp_port), timeout=30) for _ in range(50)]
    try:
        for client in slow[:25]:
            client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        for client in slow[25:]:
            client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
        assert stand_in.export(trace_of(6)).status_code == 200
        assert stand_in.get("/api/v3/services").status_code == 200
    finally:
        for client in slow:
            client.close()


def test_a_client_that_does_not_read_its_answers_keeps_no_other_waiting(stand_in: StandIn) -> None:
    """More clients than threads ask for much and read nothing; the next one is still answered."""
    spans = [a_span(trace_id=b"a-large-trace...", span_id=n.to_bytes(8)) for n in range(1, 10_001)]
    stand_in.export(a_request(*spans).SerializeToString())
    ask = f"GET /api/traces/{b'a-large-trace...'.hex()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    deaf = [socket.create_connection(("127.0.0.1", stand_in.server.query_port), timeout=30) for _ in range(8)]
    try:
        for client in deaf:
            client.sendall(ask)
        assert stand_in.get("/healthz").json() == {"status": "ok"}
        assert len(stand_in.json(f"/api/traces/{b'a-large-trace...'.hex()}")["data"][0]["spans"]) == 10_000
    finally:
        for client in deaf:
            client.close()
