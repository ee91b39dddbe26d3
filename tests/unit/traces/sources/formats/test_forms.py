"""One trace in every form is one trace."""

import json
from typing import Any

import pytest
from backports import zstd

from tests.unit.traces.sources.formats.same_trace import (
    FORMS,
    T0,
    TRACE,
    dumped,
    facts,
    framed,
    jaeger,
    message,
    otlp,
    recorded,
)
from workshop.traces.sources.files import UnknownFormat, read_bytes


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_trace(form: str) -> None:
    """Ids, times, kinds, status, values, events and links."""
    (trace,) = read_bytes(FORMS[form](), "file").traces
    (plain,) = read_bytes(FORMS["OTLP, camelCase"](), "file").traces
    assert trace.trace_id == TRACE and facts(trace) == facts(plain)
    assert dict(plain.root.attributes) == {"big": 9007199254740993, "share": 0.5, "gift": True, "tags": ["a"]}


def zipkin(**fields: Any) -> dict[str, Any]:
    """A span as Zipkin has it."""
    raw = {"traceId": "abc", "id": "1", "timestamp": T0 // 1000, "duration": 5000, "kind": "SERVER", "name": "get"}
    return raw | {"localEndpoint": {"serviceName": "web"}} | fields


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (
            {"schema": {"fields": [{"name": "traceID"}, {"name": "traceName"}]}, "data": {"values": [["a"], ["b"]]}},
            "traceName",
        ),
        ({"fields": [{"name": "time", "values": [1]}, {"name": "cpu", "values": [2]}]}, "time, cpu"),
        ({"schema": {"fields": []}, "data": None}, "nothing"),
    ],
)
def test_another_table_of_grafanas_is_refused(frame: dict[str, Any], said: str) -> None:
    """A search's answer, or numbers: in one sentence with the columns that were found."""
    with pytest.raises(UnknownFormat) as error:
        read_bytes(dumped({"results": {"A": {"frames": [frame]}}}), "file")
    assert "a table of Grafana's without spans" in str(error.value) and said in str(error.value)


def test_spans_as_elasticsearch_gives_them() -> None:
    """Jaeger's storage, searched by hand: documents in hits, or one a line."""
    trace = jaeger()["data"][0]
    documents = [
        {"_index": "jaeger-span-2026-11-27", "_source": {**span, "process": trace["processes"]["p1"]}}
        for span in trace["spans"]
    ]
    (plain,) = read_bytes(dumped(jaeger()), "file").traces
    for data in (
        dumped({"took": 3, "hits": {"total": {"value": 2}, "hits": documents}}),
        b"\n".join(map(dumped, documents)),
    ):
        (found,) = read_bytes(data, "file").traces
        assert facts(found) == facts(plain)


@pytest.mark.parametrize("cut", [40, 200, 333])
def test_a_download_that_was_cut_off_is_told_to_be_so(cut: int) -> None:
    """One document that ends early is refused with the question whether it is whole."""
    with pytest.raises(UnknownFormat) as error:
        read_bytes(dumped(otlp())[:-cut], "file")
    assert str(error.value).endswith("; is it whole?") and "unterminated" not in str(error.value).lower()


def test_zipkin() -> None:
    """Kinds, both endpoints, an error's words, annotations, and one id for both sides of a call."""
    spans = [
        zipkin(kind="CLIENT", remoteEndpoint={"serviceName": "db", "port": 5432}, tags={"error": "refused"}),
        zipkin(shared=True, timestamp=T0 // 1000 + 1000, duration=2000, localEndpoint={"serviceName": "api"}),
        zipkin(id="2", parentId="1", kind=None, localEndpoint={"serviceName": "api"}, duration=500, name=None),
        zipkin(id="3", parentId="1", annotations=[{"timestamp": T0 // 1000, "value": "ws"}], timestamp=None),
    ]
    for document in (spans, [spans]):
        (trace,) = read_bytes(dumped(document), "file").traces
        client = trace.root
        assert (client.kind, client.service, client.status, client.status_message) == (
            "client",
            "web",
            "error",
            "refused",
        )
        assert client.attributes["peer.service"] == "db" and client.attributes["net.sock.peer.port"] == 5432
        server = next(s for s in trace.spans if s.service == "api" and s.kind == "server")
        assert trace.parent(server) is client
        below = next(span for span in trace.spans if span.span_id.endswith("2"))
        assert trace.parent(below) is server and below.name == "(no name)" and below.ms == 0.5
        assert next(span for span in trace.spans if span.span_id.endswith("3")).events[0].name == "ws"


def test_an_error_tag_of_zipkin_means_an_error_by_being_there() -> None:
    """Without words, too; `false` is none."""
    for text, failed in (("", True), ("true", True), ("false", False)):
        (trace,) = read_bytes(dumped([zipkin(tags={"error": text})]), "file").traces
        assert trace.root.is_error is failed


def test_the_exporters_file_in_protobuf_and_json_packed_by_itself() -> None:
    """With compression the exporter packs each message and writes its length in front."""
    packed = zstd.compress
    data = framed(
        packed(message().SerializeToString()), packed(dumped({"resourceMetrics": []})), packed(dumped(otlp()))
    )
    reading = read_bytes(data, "file")
    assert len(reading.traces) == 1 and len(reading.traces[0]) == 2
    assert reading.notes == ["file: metrics between the traces (in message 2): skipped"]
    half = read_bytes(data[:-5], "file")
    assert len(half.traces[0]) == 2 and "the last message is half written" in half.notes[-1]


def test_other_signals_in_protobuf_are_no_traces() -> None:
    """Metrics have the same outer fields, and names where a span has its id."""
    from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

    metrics = MetricsData()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="jvm.memory.used")
    with pytest.raises(UnknownFormat, match="file: "):
        read_bytes(metrics.SerializeToString(), "file")
    reading = read_bytes(framed(message().SerializeToString(), metrics.SerializeToString()), "file")
    assert len(reading.traces) == 1 and "a message holds no spans in OTLP's form (in message 2)" in reading.notes[0]


def test_the_file_exporters_lines() -> None:
    """Other signals are counted and skipped; a last line half written is told, and the rest is read."""
    line = json.dumps(otlp())
    lines = [line, '{"resourceMetrics":[]}', '{"resourceLogs":[]}', '{"resourceMetrics":[]}', line[: len(line) // 2]]
    reading = read_bytes("\n".join(lines).encode(), "spans.jsonl")
    assert len(reading.traces) == 1 and len(reading.traces[0]) == 2
    assert reading.notes == [
        "spans.jsonl: metrics between the traces (2 times, first in line 2): skipped",
        "spans.jsonl: logs between the traces (in line 3): skipped",
        "spans.jsonl: the last line is half written (in line 5): the rest is read",
    ]


def test_a_broken_line_in_the_middle() -> None:
    """It is skipped, with its number and what is wrong in it."""
    line = json.dumps(otlp())
    reading = read_bytes(f'{line}\n{{"resourceSpans": [}}\n{line}\n'.encode(), "f")
    assert len(reading.traces) == 1
    (note,) = reading.notes
    assert note == "f: a line is not JSON: found column 20 has '}' where a value was expected (in line 2): skipped"


@pytest.mark.parametrize("request_", [r for r in recorded() if r.startswith(("GET /api/traces", "GET /api/v3/traces"))])
def test_every_recorded_answer_of_a_jaeger(request_: str) -> None:
    """Traces are read; an answer that is an error is refused with what it says."""
    answer = recorded()[request_]
    if answer["status"] == 200:
        assert read_bytes(dumped(answer["answer"]), "answer.json").traces
        return
    with pytest.raises(UnknownFormat) as error:
        read_bytes(dumped(answer["answer"]), "answer.json")
    said = json.dumps(answer["answer"])
    words = str(error.value).removeprefix("answer.json: it is an answer without a trace: ")
    assert words != str(error.value) and all(part in said for part in words.replace('"', "").split())


def test_an_answer_of_404_says_what_it_says() -> None:
    """Not `no spans in it`."""
    said = {"data": None, "total": 0, "errors": [{"code": 404, "msg": "trace not found"}]}
    with pytest.raises(UnknownFormat, match="answer without a trace: 404 trace not found"):
        read_bytes(dumped(said), "f")
    with pytest.raises(UnknownFormat, match="answer without a trace: 5 trace by ID not found"):
        read_bytes(dumped({"code": 5, "message": "trace by ID not found", "details": []}), "f")
    with pytest.raises(UnknownFormat, match="lists traces without their spans"):
        read_bytes(dumped({"traces": [{"traceID": "1", "rootServiceName": "a"}], "metrics": {}}), "f")
