"""More siblings of the kinds: time spread over many lines, names of other libraries, errors in other words."""

from typing import Any

import pytest

from tests.unit.traces.diagnosis.test_siblings import kv, said
from tests.unit.traces.trace_shapes import Node, call, server, span, sql, trace
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.model.naming import path_template
from workshop.traces.time.account import account


def many(service: str, names: str, ms: float = 480, **fields: Any) -> list[Node]:
    """Spans of different names, one after another."""
    return [span(service, name, 10 + (ms + 10) * n, ms, **fields) for n, name in enumerate(names.split(","))]


@pytest.mark.parametrize(
    ("below", "words"),
    [
        (many("a", "parse,validate,enrich,render,sign,compress"), "a's own code took 3.00 s, 100%"),
        (many("a", "oauth2 token,login,sha256 verify,quota,rates", kind="client"), "a's calls that nothing answers"),
        ([sql("a", f"SELECT x FROM t{n}x", 10 + 490 * i, 480) for i, n in enumerate("abcdef")], "a's statements took"),
        (
            [
                call("a", f"GET http://{c}/{c}", 10 + 490 * i, 480, server(c, f"GET /{c}", 250 + 490 * i, 20))
                for i, c in enumerate("bcdefg")
            ],
            "a's ways to others and back took",
        ),
        (
            [
                call("a", f"GET http://{c}/{c}", 10 + 490 * i, 480, server(c, f"GET /{c}", 12 + 490 * i, 476))
                for i, c in enumerate("bcdefg")
            ],
            "7 services' own code took",
        ),
    ],
    ids=["code", "calls", "statements", "ways", "everywhere"],
)
def test_what_is_slow_only_together_is_told(below: list[Node], words: str) -> None:
    """No line is a quarter of three seconds, all lines of one kind together are most of them: not healthy."""
    found, text = said(server("a", "GET /x", 0, 3000, *below))
    assert "spread" in found and f"spread over many: {words}" in text


def test_what_is_spread_in_a_batch_is_no_fault() -> None:
    """Nobody waits for a job: its steps are told, as a hint."""
    found = diagnose(trace(span("a", "nightly export", 0, 3000, *many("a", "read,sort,join,write,sign,send"))))
    assert found.healthy and [f.rule for f in found.findings] == ["spread"]


@pytest.mark.parametrize("name", ["http.response.wait", "wait", "waiting", "wait for response headers"])
def test_waiting_for_an_answer_is_the_calls_own(name: str) -> None:
    """Below a call the time until the answer came is the callee's, whatever the library calls it."""
    parts = [span("a", "dns.lookup", 11, 5), span("a", name, 60, 2850)]
    found, text = said(server("a", "GET /x", 0, 3000, call("a", "GET http://fx.example/r", 10, 2950, *parts)))
    assert found == ["external-call"] and "waited for fx.example 2.9" in text


@pytest.mark.parametrize("name", ["blocked on mutex", "time_in_queue", "Queued", "queueTime", "blocked"])
def test_other_words_for_waiting(name: str) -> None:
    """What was held up was not at work."""
    found, text = said(server("a", "GET /x", 0, 3000, span("a", name, 10, 2900)))
    assert found == ["waiting"] and "before work could begin" in text


@pytest.mark.parametrize("name", ["build block list", "unlock account", "load waitlist", "requeue order"])
def test_other_names_with_those_letters(name: str) -> None:
    """What only sounds like waiting is code."""
    assert said(server("a", "GET /x", 0, 3000, span("a", name, 10, 2900)))[0] == ["own-code"]


@pytest.mark.parametrize("name", ["connect shop", "reconnect"])
def test_a_connection_named_with_its_database(name: str) -> None:
    """MySQL's instrumentations put the database's name behind it."""
    found, text = said(server("a", "GET /x", 0, 3000, kv("a", "mysql", name, 10, 2800)))
    assert found == ["waiting"] and "opening a connection took 2.80 s" in text and "EXPLAIN" not in text


@pytest.mark.parametrize(
    "made",
    [
        span("w", "sub1 pull", 0, 90_000, kind="client", attributes={"messaging.system": "gcp_pubsub"}),
        span("w", "poll loop", 0, 90_000),
        span("w", "wait for job", 0, 90_000),
        span("w", "Cleanup.run", 0, 90_000),
        span("w", "run/tasks.purge", 0, 90_000, kind="consumer"),
    ],
    ids=["pull", "loop", "job", "cleanup", "purge"],
)
def test_more_that_is_long_by_nature(made: Node) -> None:
    """Workers without work, and jobs."""
    found = diagnose(trace(made))
    assert found.healthy and len(found.findings) == 1


def test_a_slow_statement_after_a_long_poll_is_told() -> None:
    """Fifteen seconds without a message do not make five seconds of a statement small."""
    work = span("w", "handle", 15_000, 5000, sql("w", "UPDATE x SET y = 1", 15_010, 4900))
    poll = {"messaging.system": "kafka", "messaging.operation": "receive"}
    found, text = said(span("w", "orders receive", 0, 20_000, work, kind="consumer", attributes=poll))
    assert found == ["slow-statement", "(idle)"] and "took 4.90 s" in text


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"error.msg": "boom"}, "boom"),
        ({"error.message": "x failed", "error.stack": "at x"}, "x failed"),
        ({"error.kind": "TimeoutException"}, "timeout exception"),
        ({"exception.type": "ValueError", "exception.message": "bad"}, "bad"),
        ({"db.system.name": "postgresql", "db.response.status_code": "40P01"}, "the database answered 40P01"),
        ({"http.status_code": "503.0"}, "answered 503"),
        ({"rpc.system": "connect_rpc", "rpc.connect_rpc.error_code": "unavailable"}, "gRPC status unavailable"),
    ],
)
def test_errors_in_other_words(attributes: dict[str, Any], words: str) -> None:
    """No status says that the span failed, what else it says does."""
    found, text = said(server("a", "GET /x", 0, 20, span("a", "call y", 1, 10, kind="client", attributes=attributes)))
    assert "hidden-error" in found and f"a call y failed: {words}" in text


@pytest.mark.parametrize(
    "attributes",
    [
        {"db.system.name": "postgresql", "db.response.status_code": "00000"},
        {"db.system.name": "elasticsearch", "db.response.status_code": "200"},
        {"error.message": "", "error.kind": "none"},
    ],
)
def test_what_only_looks_like_an_error(attributes: dict[str, Any]) -> None:
    """Codes of success, and fields that are there and empty."""
    assert not said(server("a", "GET /x", 0, 20, span("a", "y", 1, 10, kind="client", attributes=attributes)))[0]


def test_what_lies_behind_a_missing_span_is_no_more_than_the_trace() -> None:
    """Below the same missing span a consumer works on for longer than the trace: nobody waited for that."""
    later = span("w", "mail process", 2950, 4000, kind="consumer", parent_id="00000000000000aa")
    lost = server("b", "GET /b", 20, 2800, parent_id="00000000000000aa")
    found = diagnose(trace(server("a", "GET /x", 0, 3000), lost, later))
    (orphans,) = [f for f in found.findings if f.rule == "orphans"]
    assert "2.80 s of the critical path lie behind it" in orphans.title and orphans.ms <= found.ms


def test_a_request_that_waits_for_a_stream_is_slow() -> None:
    """A stream may be long, but not the answer of somebody who waits for it to end."""
    name = {"rpc.system": "grpc", "rpc.service": "q.Q", "rpc.method": "WatchPrices"}
    callee = span("q", "q.Q/WatchPrices", 12, 29_800, kind="server", attributes=name)
    watch = span("web", "q.Q/WatchPrices", 10, 29_900, callee, kind="client", attributes=name)
    found, text = said(server("web", "GET /x", 0, 30_000, watch))
    assert found[0] == "own-code" and "q q.Q/WatchPrices spent 29.80 s" in text
    assert diagnose(trace(watch)).healthy


@pytest.mark.parametrize(
    "text",
    [
        "SELECT pg_advisory_lock(42)",
        "SELECT a FROM t WHERE id = 1 FOR NO KEY UPDATE",
        "SELECT a FROM t WHERE id = 1 FOR SHARE",
        "SELECT a FROM t WHERE id = 1 LOCK IN SHARE MODE",
        "SELECT GET_LOCK('x', 10)",
    ],
)
def test_statements_that_may_wait_for_a_lock(text: str) -> None:
    """Their time may be somebody else's, and the account says so."""
    made = trace(server("a", "GET /x", 0, 3000, sql("a", text, 10, 2900)))
    (line,) = [line for line in account(made).lines if line.kind == "statement"]
    assert line.waits_for == "lock"


@pytest.mark.parametrize(
    "text", ["SELECT a FROM t WHERE share = 1", "SELECT lock FROM t", "SELECT 'for update' FROM t"]
)
def test_statements_that_only_read(text: str) -> None:
    """A column's name takes no lock."""
    made = trace(server("a", "GET /x", 0, 3000, sql("a", text, 10, 2900)))
    assert not any(line.waits_for for line in account(made).lines if line.kind == "statement")


def test_an_encoded_address_in_a_path_is_an_id() -> None:
    """`GET /u/alice%40example.com` is one of `GET /u/{id}`."""
    assert path_template("/u/alice%40example.com") == path_template("/u/17") == "/u/{id}"
    assert path_template("/a%20b/c") == "/a%20b/c"
