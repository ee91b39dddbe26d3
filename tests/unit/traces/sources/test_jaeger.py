"""The client, against what a real Jaeger 2.20 answered, and against what older and newer ones do differently."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.traces.sources.recorded_jaeger import Recorded, serving
from workshop.traces.model.trace import Trace
from workshop.traces.sources.files import traces_of
from workshop.traces.sources.ids import InvalidId
from workshop.traces.sources.jaeger import JaegerClient, JaegerError, JaegerUnavailable, TraceNotFound, TraceTimeout
from workshop.traces.sources.summaries import Dependency, Operation

SLOW = "5ca1ab1e00000000000000000000a001"
DECLINED = "5ca1ab1e00000000000000000000a003"


@pytest.fixture
def jaeger() -> Iterator[Recorded]:
    """Jaeger 2.20."""
    server = Recorded()
    with serving(server):
        yield server


@pytest.fixture
def old_jaeger() -> Iterator[Recorded]:
    """Jaeger 2.13: no trace summaries, its page instead."""
    server = Recorded(old=True)
    with serving(server):
        yield server


def test_services_and_operations(jaeger: Recorded) -> None:
    """Both come sorted, operations with their kind."""
    client = JaegerClient(jaeger.url)
    assert client.services() == [
        "gateway",
        "inventory",
        "missing-service-name",
        "order",
        "order-worker",
        "payment",
    ]
    assert client.operations("order")[0] == Operation("POST", "client")
    assert client.operations("nope") == []


def test_a_trace_by_its_id(jaeger: Recorded) -> None:
    """Upper case will do, and the spans are complete."""
    trace = JaegerClient(jaeger.url + "/").get_trace(DECLINED.upper())
    assert trace.trace_id == DECLINED and len(trace) == 10
    failed = next(span for span in trace.spans if span.name == "ProcessOrder")
    assert failed.is_error and failed.attributes["order.item_count"] == 3
    assert failed.events[0].attributes["exception.type"] == "PaymentDeclined"


def test_a_trace_that_is_not_there(jaeger: Recorded) -> None:
    """It has an error of its own; what is no id never gets asked for."""
    client = JaegerClient(jaeger.url)
    with pytest.raises(TraceNotFound, match=r"has no trace f{32}"):
        client.get_trace("f" * 32)
    asked = len(jaeger.asked)
    with pytest.raises(InvalidId):
        client.get_trace("../services")
    assert len(jaeger.asked) == asked


def test_search_by_summaries(jaeger: Recorded) -> None:
    """Newest first, with counts."""
    found = JaegerClient(jaeger.url).search("gateway", limit=20)
    assert [summary.trace_id[-4:] for summary in found] == ["a003", "a002", "a001"]
    assert found[2].ms == 882 and found[2].root_name == "POST /checkout" and found[2].services["order"] == 5
    assert (found[0].error_count, found[0].orphan_count) == (2, 0)
    assert "/api/traces" not in jaeger.asked


def test_search_with_every_filter(jaeger: Recorded) -> None:
    """Duration and attributes are sent the way Jaeger reads them."""
    client = JaegerClient(jaeger.url)
    assert (
        client.search("gateway", "POST /x", min_ms=1.5, max_ms=2000, attributes={"a": "b"}, start=0, end=1.5, limit=7)
        == []
    )
    assert parse_qs(urlsplit(jaeger.targets[-1]).query) == {
        "query.serviceName": ["gateway"],
        "query.operationName": ["POST /x"],
        "query.startTimeMin": ["1970-01-01T00:00:00Z"],
        "query.startTimeMax": ["1970-01-01T00:00:01.500000Z"],
        "query.searchDepth": ["7"],
        "query.durationMin": ["1500us"],
        "query.durationMax": ["2000000us"],
        "query.attributes": ['{"a":"b"}'],
    }
    assert [s.trace_id[-4:] for s in client.search("order", attributes={"error": "true"})] == ["a003"]
    assert [s.trace_id[-4:] for s in client.search("order", "ProcessOrder")] == ["a003", "a002", "a001"]


def test_search_on_an_older_jaeger(old_jaeger: Recorded) -> None:
    """The page instead of summaries sends the client to the old search, from then on directly."""
    old_jaeger.answers[json.dumps(["/api/traces", [["service", "gateway"]]])] = (
        200,
        "application/json",
        {"data": [old_jaeger.answers[json.dumps([f"/api/traces/{i}", []])][2]["data"][0] for i in (SLOW, DECLINED)]},
    )
    client = JaegerClient(old_jaeger.url)
    for _ in range(2):
        found = client.search("gateway")
        assert [(s.trace_id[-4:], s.span_count, s.error_count) for s in found] == [
            ("a003", 10, 2),
            ("a001", 11, 0),
        ]
    assert found[1].root_service == "gateway" and found[1].ms == 882
    assert old_jaeger.asked.count("/api/v3/trace-summaries") == 1


def test_a_newer_jaeger_without_the_old_api() -> None:
    """From 2.21 on the old search is gone; nothing here asks for it."""
    server = Recorded(gone=("/api/services", "/api/operations", "/api/traces"))
    with serving(server) as url:
        client = JaegerClient(url)
        assert client.services() and client.search("gateway") and client.get_trace(DECLINED)


def test_a_refused_search_says_why(jaeger: Recorded) -> None:
    """Jaeger's own words are in the error."""
    jaeger.answers[json.dumps(["/api/v3/trace-summaries", [["serviceName", "x"]]])] = (
        400,
        "text/plain",
        {"error": {"httpCode": 400, "message": "malformed parameter"}},
    )
    with pytest.raises(JaegerError, match=r"answered 400 .* malformed parameter"):
        JaegerClient(jaeger.url).search("x")


def test_dependencies(jaeger: Recorded) -> None:
    """Calls between services, counted."""
    assert Dependency("gateway", "order", 3) in JaegerClient(jaeger.url).dependencies()


def test_nobody_answers() -> None:
    """The message names the URL and the next step."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(JaegerUnavailable) as error:
        JaegerClient(url).services()
    assert url in str(error.value) and "connection refused" in str(error.value) and "make up" in str(error.value)


def test_somebody_else_answers() -> None:
    """A web server that is not Jaeger is told apart from one that is down."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>shop</html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Other)) as url:
        with pytest.raises(JaegerUnavailable, match="is not Jaeger's query API"):
            JaegerClient(url).services()
        with pytest.raises(JaegerUnavailable, match="JAEGER_URL"):
            JaegerClient(url).get_trace(SLOW)


def test_a_server_that_does_not_answer_in_time() -> None:
    """The time that was waited is named."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(JaegerUnavailable, match=r"did not answer within 0\.1 s"):
            JaegerClient(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1).services()


def test_waiting_for_a_trace(jaeger: Recorded) -> None:
    """It comes back as soon as the condition holds."""
    target = json.dumps([f"/api/v3/traces/{SLOW}", []])
    whole = jaeger.answers[json.dumps([f"/api/v3/traces/{DECLINED}", []])]
    polls = []

    def complete(trace: Trace) -> bool:
        """ten spans"""
        polls.append(len(trace))
        if len(polls) == 2:
            jaeger.answers[target] = whole
        return len(trace) == 10

    some = json.loads(json.dumps(whole[2]))
    some["result"]["resourceSpans"] = some["result"]["resourceSpans"][:1]
    jaeger.answers[target] = (200, "application/json", some)
    assert len(JaegerClient(jaeger.url).wait_for_trace(SLOW, until=complete, timeout=10)) == 10
    assert polls[:2] == [2, 2]


def test_waiting_in_vain_says_for_what(jaeger: Recorded) -> None:
    """The message has the condition and what had come."""

    def never(trace: Trace) -> bool:
        """the order worker's span"""
        return False

    client = JaegerClient(jaeger.url)
    with pytest.raises(TraceTimeout, match=r"waited 0\.05 s for the order worker's span; 10 spans came, of gateway"):
        client.wait_for_trace(DECLINED, until=never, timeout=0.05)
    with pytest.raises(TraceTimeout, match="for the checkout; no span of it came"):
        client.wait_for_trace("f" * 32, what="the checkout", timeout=0.05)


def test_the_client_is_not_traced(jaeger: Recorded) -> None:
    """Reading traces makes none, even in a process that is instrumented."""
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    RequestsInstrumentor().instrument(tracer_provider=provider)
    try:
        JaegerClient(jaeger.url).services()
    finally:
        RequestsInstrumentor().uninstrument()
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"error": "true"}, [DECLINED]),
        ({"error": "true", "http.response.status_code": "402"}, [DECLINED]),
        ({"error": "true", "http.response.status_code": "201"}, []),
        ({"error": "false"}, [SLOW]),
        ({"span.status": "ERROR"}, [DECLINED]),
        ({"span.kind": "server"}, [SLOW, DECLINED]),
        ({"span.kind": "producer", "error": "true"}, []),
    ],
)
def test_an_older_jaeger_is_searched_for_errors(
    old_jaeger: Recorded, attributes: dict[str, str], found: list[str]
) -> None:
    """2.13 finds nothing for error=true: such keys are left out of its question and looked for in its answer."""
    beyond = {"error", "span.status", "span.kind"}
    others = {key: value for key, value in attributes.items() if key not in beyond}
    tags = [["tags", json.dumps(others, separators=(",", ":"))]] if others else []
    traces = [old_jaeger.answers[json.dumps([f"/api/traces/{i}", []])][2]["data"][0] for i in (SLOW, DECLINED)]
    old_jaeger.answers[json.dumps(["/api/traces", [["service", "order"], *tags]])] = (
        200,
        "application/json",
        {"data": traces},
    )
    summaries = JaegerClient(old_jaeger.url).search("order", attributes=attributes)
    assert sorted(each.trace_id for each in summaries) == sorted(found)


def test_a_trace_as_a_document(jaeger: Recorded) -> None:
    """What is downloaded is what is read again: both formats hold the same spans."""
    client = JaegerClient(jaeger.url)
    whole = client.get_trace(DECLINED)
    for document in (client.otlp(DECLINED), client.jaeger_json(DECLINED)):
        (again,) = traces_of(document)
        assert {span.span_id for span in again.spans} == {span.span_id for span in whole.spans}
    with pytest.raises(TraceNotFound):
        client.otlp("9" * 32)


def test_a_search_on_an_older_jaeger_that_finds_nothing(old_jaeger: Recorded) -> None:
    """An empty answer is no trace, and no strange document."""
    nothing = (200, "application/json", {"data": [], "total": 0, "errors": None})
    old_jaeger.answers[json.dumps(["/api/traces", [["service", "gateway"]]])] = nothing
    client = JaegerClient(old_jaeger.url)
    assert client.search("gateway") == []
    assert client.search("gateway", attributes={"error": "true"}) == []


def test_an_untraced_process_loads_no_opentelemetry(jaeger: Recorded) -> None:
    """The console and the commands keep no spans: the API would cost them memory, and time when they start."""
    code = (
        "import sys; from workshop.traces.sources.jaeger import JaegerClient; "
        f"JaegerClient({jaeger.url!r}).services(); print([each for each in sys.modules if 'opentelemetry' in each])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"
