"""The query API beyond the recorded answers: odd parameters, odd spans, other hosts, the ways to the console."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.unit.jaeger.otlp_strategies import a_request, a_span, many_examples
from tests.unit.jaeger.stand_in import StandIn

SCRIPT = "</script><script>alert(1)</script>"
ALWAYS = {"query.startTimeMin": "1970-01-01T00:00:00Z", "query.startTimeMax": "2200-01-01T00:00:00Z"}
PATHS = [
    "/api/v3/services",
    "/api/v3/operations",
    "/api/v3/trace-summaries",
    "/api/v3/traces",
    "/api/services",
    "/api/operations",
    "/api/traces",
    "/api/dependencies",
    "/status",
    "/",
]
NAMES = [
    "service",
    "operation",
    "start",
    "end",
    "limit",
    "minDuration",
    "maxDuration",
    "tag",
    "tags",
    "traceID",
    "endTs",
    "lookback",
    "spanKind",
    "query.serviceName",
    "query.operationName",
    "query.startTimeMin",
    "query.startTimeMax",
    "query.searchDepth",
    "query.num_traces",
    "query.durationMin",
    "query.durationMax",
    "query.attributes",
]
VALUES = [
    "",
    "0",
    "-1",
    "1",
    "9" * 30,
    "1e3",
    "NaN",
    "null",
    "[]",
    "{}",
    '{"a":1}',
    '{"a":"b"}',
    '{"error":"maybe"}',
    "a:b",
    "1ms",
    "1h1m",
    "-5s",
    "1.5.5s",
    "9" * 50 + "h",
    "2026-11-23T00:00:00Z",
    "2026-11-23T00:00:00,5+23:59",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "٣",
    "\0",
    "order",
    "zz",
    "f" * 33,
    "[" * 5000,
]


@pytest.fixture(scope="module")
def filled(stand_in: StandIn) -> StandIn:
    """A stand-in with odd spans in it."""
    spans = [
        a_span(trace_id=b"absurd times....", span_id=b"all ones", start_time_unix_nano=2**64 - 1, end_time_unix_nano=0),
        a_span(trace_id=b"absurd times....", span_id=b"ages ago", start_time_unix_nano=0, end_time_unix_nano=2**64 - 1),
        a_span(
            trace_id=b"script..........",
            name=SCRIPT,
            attributes={SCRIPT: SCRIPT},
            trace_state=SCRIPT,
            events=[Span.Event(name=SCRIPT)],
            status=Status(code=Status.STATUS_CODE_ERROR, message=SCRIPT),
        ),
        a_span(trace_id=b"unknown numbers.", kind=77, status=Status(code=55)),  # type: ignore[arg-type]
        a_span(trace_id=b"loops...........", span_id=b"itself..", parent_span_id=b"itself.."),
        a_span(
            trace_id=b"no ids in links.", links=[Span.Link(), Span.Link(trace_id=b"short", span_id=b"too-long-by-far")]
        ),
    ]
    deep = AnyValue(int_value=1)
    for _ in range(30):
        deep = AnyValue(array_value={"values": [deep]})  # type: ignore[arg-type]
    spans.append(a_span(trace_id=b"deep............"))
    spans[-1].attributes.append(KeyValue(key="deep", value=deep))
    assert stand_in.export(a_request(*spans, service=SCRIPT).SerializeToString()).content == b""
    return stand_in


@many_examples
@given(
    st.sampled_from(PATHS), st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text()), max_size=6)
)
def test_no_query_parameter_makes_it_fail(filled: StandIn, path: str, parameters: list[tuple[str, str]]) -> None:
    """Whatever is asked, the answer is one, or says what is wrong with the question."""
    question = urlencode(parameters, errors="replace")
    response = filled.get(f"{path}?{question}", allow_redirects=False)
    # An address may be 64 KiB long, with the request's other headers.
    too_long = len(question) > 60_000
    assert response.status_code in (200, 302, 400) or (too_long and response.status_code == 431)
    if response.status_code == 400:
        assert json.loads(response.text)


def test_an_address_beyond_the_limit_is_refused(stand_in: StandIn) -> None:
    """With the status that says so; the next one is answered."""
    assert stand_in.get(f"/api/v3/services?service={'x' * 70_000}").status_code == 431
    assert stand_in.get("/api/v3/services").status_code == 200


@pytest.mark.parametrize("question", ["%", "a=%ff&%00", "&" * 500, "=" * 100, "query.attributes=%7B%22%ud800%22"])
def test_no_query_string_makes_it_fail(stand_in: StandIn, question: str) -> None:
    """A query string that is none is answered as an empty one or refused."""
    assert stand_in.get(f"/api/v3/services?{question}").status_code in (200, 400)


@pytest.mark.parametrize(
    "trace",
    [
        "absurd times....",
        "script..........",
        "unknown numbers.",
        "loops...........",
        "no ids in links.",
        "deep............",
    ],
)
def test_odd_spans_can_be_read(filled: StandIn, trace: str) -> None:
    """Times beyond all sense, unknown enum values, loops and deep values come out in every form."""
    trace_id = trace.encode().hex()
    assert filled.json(f"/api/traces/{trace_id}")["data"][0]["traceID"] == trace_id
    assert filled.json(f"/api/v3/traces/{trace_id}")["result"]["resourceSpans"]
    found = filled.json(f"/api/v3/trace-summaries?{urlencode({**ALWAYS, 'query.searchDepth': 1000})}")
    if trace != "absurd times....":
        assert trace_id in [summary["traceId"] for summary in found["summaries"]]


def test_negative_durations_are_zero_and_warned_of(filled: StandIn) -> None:
    """A span that ends before it starts has no duration, and says so."""
    spans = filled.json(f"/api/traces/{b'absurd times....'.hex()}")["data"][0]["spans"]
    [negative] = [span for span in spans if span["warnings"]]
    assert negative["duration"] == 0
    assert negative["warnings"][0].startswith("Negative duration detected")


def test_a_parent_that_is_missing_is_warned_of(stand_in: StandIn) -> None:
    """A span whose parent never came says which one that is."""
    orphan = a_span(trace_id=b"an orphan.......", parent_span_id=(1).to_bytes(8))
    stand_in.export(a_request(orphan).SerializeToString())
    [span] = stand_in.json(f"/api/traces/{b'an orphan.......'.hex()}")["data"][0]["spans"]
    assert span["warnings"] == ["parent span ID=0000000000000001 is not in the trace; skipping clock skew adjustment"]


def test_script_in_a_span_stays_text(filled: StandIn) -> None:
    """Answers are JSON and say so, and a browser is told neither to guess nor to run anything."""
    for path in (
        f"/api/traces/{b'script..........'.hex()}",
        "/api/v3/services",
        f"/api/traces/{SCRIPT}",
        f"/{quote(SCRIPT)}",
        f"/trace/{quote(SCRIPT)}",
    ):
        response = filled.get(path)
        assert response.headers["Content-Type"].split(";")[0] in ("application/json", "text/plain")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:16686",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "[::2]",
        "localhost:1:2",
        "LOCALHOST@evil",
    ],
)
def test_other_hosts_are_refused(stand_in: StandIn, host: str) -> None:
    """A page that rebinds its own name to this address gets nothing, from neither listener."""
    for url in (stand_in.query_url + "/api/v3/services", stand_in.otlp_url):
        response = stand_in.session.get(url, headers={"Host": host}, timeout=30)
        assert response.status_code == 403
        assert "ALLOWED_HOSTS" in response.text


@pytest.mark.parametrize("host", ["localhost", "LocalHost:16686", "127.0.0.1:1", "[::1]:16686", "jaeger:4318"])
def test_own_hosts_are_known(stand_in: StandIn, host: str) -> None:
    """This machine's names, and the one it has between containers, on whatever port."""
    assert stand_in.get("/api/v3/services", headers={"Host": host}).status_code == 200


def test_more_hosts_can_be_allowed(start_stand_in: Callable[..., StandIn]) -> None:
    """A name in the setting is known, and * allows every one."""
    named = start_stand_in(allowed_hosts=frozenset({"traces.example"}))
    assert named.get("/healthz", headers={"Host": "traces.example:80"}).status_code == 200
    assert named.get("/healthz").status_code == 403
    assert start_stand_in(allowed_hosts=frozenset("*")).get("/", headers={"Host": "any"}, allow_redirects=False).ok


@pytest.mark.parametrize("path", ["/", "/search", "/trace/5ca1ab1e", "/trace/5ca1...7e57"])
def test_pages_are_in_the_console(stand_in: StandIn, path: str) -> None:
    """The addresses that Jaeger's page would have lead to the console's."""
    response = stand_in.get(path, allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, f"http://127.0.0.1:8085{path}")


def test_a_redirect_leads_nowhere_else(stand_in: StandIn) -> None:
    """A path cannot choose the host it leads to, nor add a header."""
    for path in ("//evil.example", "/trace//evil.example", "/trace/%0d%0aSet-Cookie:x", "/trace/..%2f..%2f"):
        response = stand_in.get(path, allow_redirects=False)
        assert "evil" not in response.headers.get("Location", "")
        assert "Set-Cookie" not in response.headers
        assert response.status_code == 404


def test_status_tells_bounds_and_use(filled: StandIn) -> None:
    """What it is, how much it may keep and how much it keeps."""
    status = filled.json("/status")
    assert "stand-in" in status["name"]
    assert 0 < status["traces"] <= status["max_traces"] == 50_000
    assert 0 < status["bytes"] <= status["max_bytes"] == 100 * 2**20


@pytest.mark.parametrize("listener", ["otlp", "query"])
def test_both_listeners_tell_that_they_live(stand_in: StandIn, listener: str) -> None:
    """A probe gets 200 from either, by GET and by HEAD."""
    url = stand_in.query_url if listener == "query" else stand_in.otlp_url.removesuffix("/v1/traces")
    assert stand_in.session.get(f"{url}/healthz", timeout=30).json() == {"status": "ok"}
    head = stand_in.session.head(f"{url}/healthz", timeout=30)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(stand_in: StandIn, method: str) -> None:
    """405, and which method is."""
    response = stand_in.session.request(method, f"{stand_in.query_url}/api/traces", timeout=30)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")


def test_operations_of_a_service_with_odd_characters(stand_in: StandIn) -> None:
    """A service's name may hold slashes, spaces and letters of any alphabet."""
    name = "a/b c/ü?&"
    stand_in.export(a_request(a_span(trace_id=b"odd service.....", name="work"), service=name).SerializeToString())
    assert stand_in.json(f"/api/services/{quote(name, safe='')}/operations")["data"] == ["work"]
    assert stand_in.json(f"/api/v3/operations?{urlencode({'service': name})}")["operations"] == [
        {"name": "work", "spanKind": "server"}
    ]


def test_dependencies_of_one_service(start_stand_in: Callable[..., StandIn]) -> None:
    """With a service given, only the calls from and to it are told."""
    stand_in = start_stand_in()
    for service, span_id, parent in (("a", 1, 0), ("b", 2, 1), ("c", 3, 2)):
        span = a_span(span_id=span_id.to_bytes(8), parent_span_id=parent.to_bytes(8) if parent else b"")
        stand_in.export(a_request(span, service=service).SerializeToString())
    window = "endTs=1795536000000&lookback=604800000"
    links = stand_in.json(f"/api/dependencies?{window}")["data"]
    assert {(link["parent"], link["child"]) for link in links} == {("a", "b"), ("b", "c")}
    assert [link["child"] for link in stand_in.json(f"/api/dependencies?{window}&service=a")["data"]] == ["b"]


def test_old_search_takes_tags_in_both_spellings(stand_in: StandIn) -> None:
    """tag=key:value and tags={"key":"value"} find the same."""
    span = a_span(trace_id=b"tagged..........", attributes={"order.id": "o:1"})
    stand_in.export(a_request(span, service="tagged").SerializeToString())
    window = "service=tagged&start=0&end=1895536000000000"
    for tags in ("tag=order.id:o:1", f"tags={quote(json.dumps({'order.id': 'o:1'}))}"):
        assert len(stand_in.json(f"/api/traces?{window}&{tags}")["data"]) == 1
    assert stand_in.json(f"/api/traces?{window}&tag=order.id:o:2")["data"] == []


@pytest.mark.parametrize(
    "parameters",
    ["limit=0", "start=2&end=1", "minDuration=2s&maxDuration=1s", "tag=novalue", "tags=[]", "limit=x", "minDuration=5"],
)
def test_old_search_refuses_what_cannot_be(stand_in: StandIn, parameters: str) -> None:
    """400 with a reason."""
    response = stand_in.get(f"/api/traces?service=order&{parameters}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, 400)


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        ("1ms", True),
        ("1.000001ms", False),
        ("0.5ms", True),
        ("999us", True),
        ("1h1m", False),
        (".001s", True),
        ("0", True),
    ],
)
def test_durations_are_those_of_go(stand_in: StandIn, given: str, matches: bool) -> None:
    """A duration may have a fraction and several units."""
    span = a_span(trace_id=b"one millisecond.")
    stand_in.export(a_request(span, service="one millisecond").SerializeToString())
    question = {**ALWAYS, "query.serviceName": "one millisecond", "query.durationMin": given}
    assert bool(stand_in.json(f"/api/v3/trace-summaries?{urlencode(question)}")["summaries"]) is matches


def test_otlp_json_can_be_turned_into_the_old_form(stand_in: StandIn) -> None:
    """Jaeger's page opens OTLP files this way; nothing is stored by it."""
    before = stand_in.json("/status")["spans"]
    span: dict[str, Any] = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "from a file"}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    url = f"{stand_in.query_url}/api/transform"
    answer = stand_in.session.post(url, data=body, timeout=30).json()
    assert answer["data"][0]["spans"][0]["operationName"] == "from a file"
    assert stand_in.session.post(url, data="{", timeout=30).status_code == 400
    assert stand_in.json("/status")["spans"] == before
