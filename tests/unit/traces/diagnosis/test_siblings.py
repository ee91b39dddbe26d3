"""Siblings of the kinds in test_kinds: other languages, other conventions, other shapes of the same thing."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from tests.unit.traces.time.test_account import anything
from tests.unit.traces.trace_shapes import T0, Node, call, exception, server, span, spans, sql, trace
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.findings import Diagnosis
from workshop.traces.model.conventions import is_batch
from workshop.traces.model.trace import Trace
from workshop.traces.time.account import account


def rules(diagnosis: Diagnosis) -> list[str]:
    """The rules that found something, hints in brackets."""
    return [f.rule if f.severity == "problem" else f"({f.rule})" for f in diagnosis.findings]


def said(*tops: Node) -> tuple[list[str], str]:
    """The rules, and all that is said of the trees."""
    found = diagnose(trace(*tops))
    return rules(found), "\n".join([found.verdict, *(f"{f.title} -> {f.advice}" for f in found.findings)])


def rpc(service: str, name: str, start: float, ms: float, *children: Node, kind: str = "client", **more: Any) -> Node:
    """One side of a gRPC call, old conventions."""
    package, _, method = name.partition("/")
    attributes = {"rpc.system": "grpc", "rpc.service": package, "rpc.method": method, **more.pop("attributes", {})}
    return span(service, name, start, ms, *children, kind=kind, attributes=attributes, **more)


def kv(service: str, system: str, name: str, start: float, ms: float, text: str | None = None) -> Node:
    """A database call, old conventions."""
    attributes = {"db.system": system} | ({"db.statement": text} if text else {})
    return span(service, name, start, ms, kind="client", attributes=attributes)


# Edges: before the callee began, and after it had answered.


def test_an_answer_that_is_late_four_times() -> None:
    """No single call has much of it, the four together all."""
    found, text = said(server("web", "GET /", 0, 2200, *[
        rpc("web", "a.B/Get", 10 + 540 * n, 530, rpc("back", "a.B/Get", 12 + 540 * n, 20, kind="server"))
        for n in range(4)]))  # fmt: skip
    assert found[0] == "waiting" and "in 4 calls after back had answered" in text


def test_a_grpc_attempt_between_call_and_callee() -> None:
    """Go's client makes an attempt span below the call: the way to the callee is the way all the same."""
    found, text = said(server("web", "GET /", 0, 2000, rpc("web", "Sent.a.B/Get", 5, 1990, span(
        "web", "Attempt.a.B/Get", 6, 1988, rpc("back", "Recv.a.B/Get", 1900, 90, kind="server")))))  # fmt: skip
    assert found == ["waiting"] and "waiting in front of back" in text


def test_a_queue_and_a_wrong_clock_are_told_apart() -> None:
    """A callee outside of its call is a wrong clock, unless another call of the two shows that their clocks agree."""
    late = call(
        "web", "GET http://s/2", 200, 1000, server("s", "GET /2", 1450, 600), status=None, status_message="gave up"
    )
    alone = trace(server("web", "GET /", 0, 2300, late))
    assert any(each.shift for each in alone.spans)
    agreeing = [
        call("web", "GET http://s/1", 10, 100, server("s", "GET /1", 15, 90)),
        rpc("s", "w.W/Notify", 1500, 30, rpc("web", "w.W/Notify", 1510, 15, kind="server")),
    ]
    for other in agreeing:
        made = trace(server("web", "GET /", 0, 2300, other, late))
        assert not any(each.shift for each in made.spans)
        text = "\n".join(f.title for f in diagnose(made).findings)
        assert "s GET /2 began 1.25 s after web GET s/2 had been sent, when web had given up already" in text


def test_a_call_that_a_wrong_clock_allows_is_no_proof() -> None:
    """A long call with a short callee fits with many clocks, this one's too: it is moved as before."""
    made = trace(server("web", "GET /", 0, 9000,
        call("web", "GET http://s/1", 10, 6000, server("s", "GET /1", 3000, 10)),
        call("web", "GET http://s/2", 6100, 1000, server("s", "GET /2", 7350, 600))))  # fmt: skip
    assert [each.name for each in made.spans if each.shift] == ["GET /2"]


@pytest.mark.parametrize(
    "callee",
    [
        server("fn", "handler", 2900, 90, attributes={"faas.coldstart": "true"}),
        server("fn", "handler", 2900, 90, attributes={"faas.cold_start": True}),
        server("fn", "entry", 2900, 90, span("fn", "handler", 2901, 80, attributes={"faas.coldstart": True})),
    ],
    ids=["a text", "another name", "said by the handler below"],
)
def test_cold_starts(callee: Node) -> None:
    """However it is said, and whether the call has a span of its own or not."""
    for caller in (call("gw", "POST http://fn/run", 5, 2990, callee), span("gw", "invoke", 5, 2990, callee)):
        found, text = said(server("gw", "POST /run", 0, 3000, caller))
        assert found == ["waiting"] and "while fn was being started" in text


def test_a_cold_start_with_a_span_of_its_own() -> None:
    """The runtime records its initialization."""
    _, text = said(server("fn", "handler", 0, 3000, span("fn", "Initialization", 0, 2800)))
    assert "cold start" in text and "2.80 s" in text


# Calls with children of their own process.


@pytest.mark.parametrize(
    "names",
    [
        ("dns.lookup", "tcp.connect", "tls.connect"),
        ("http.getconn", "http.dns", "http.tls"),
        ("DNS lookup www.example", "TLS handshake", "HTTP connection_setup"),
    ],
)
def test_sockets_below_a_call(names: tuple[str, ...]) -> None:
    """Node's, Go's and .NET's: the callee is not traced all the same."""
    for kind in ("internal", "client"):
        sockets = [span("shop", name, 6 + 10 * n, 9, kind=kind) for n, name in enumerate(names)]
        found, text = said(server("shop", "GET /", 0, 3000, call("shop", "GET https://rates/usd", 5, 2990, *sockets)))
        assert found == ["external-call"] and "shop waited for rates" in text


def test_a_slow_name_lookup_is_the_connections() -> None:
    """Then the time is not the callee's."""
    found, text = said(server("shop", "GET /", 0, 3000, call(
        "shop", "GET https://rates/usd", 5, 2990, span("shop", "dns.lookup", 6, 2950))))  # fmt: skip
    assert found == ["waiting"] and "opening a connection took 2.95 s (shop dns.lookup)" in text


def test_reading_the_answer_is_part_of_the_call() -> None:
    """Go's http.receive takes the time: it is a part of the call that nobody answers."""
    found, text = said(server("shop", "GET /", 0, 3000, call(
        "shop", "GET https://rates/usd", 5, 2990, span("shop", "http.receive", 100, 2800))))  # fmt: skip
    assert found == ["external-call"] and "shop waited for rates" in text


@pytest.mark.parametrize("wrap", ["attempt", "Polly.Retry", "send request"])
def test_retries_below_a_span_of_each(wrap: str) -> None:
    """Each attempt in a span of its own, and that in another one: three attempts of one call."""
    made = server("a", "POST /x", 0, 3200, *[
        span("a", wrap, 10 + 1060 * n, 1000, span("a", f"try {n}", 10.5 + 1060 * n, 999, call(
            "a", "POST http://psp/charge", 11 + 1060 * n, 998, status=504 if n < 2 else 200)),
            status="error" if n < 2 else "unset")
        for n in range(3)])  # fmt: skip
    found, text = said(made)
    assert found[0] == "retries" and "tried 3 times (2 failed, then it worked; first: answered 504), 2.12 s" in text
    assert "hidden error" not in text


def test_retries_below_client_spans_of_each() -> None:
    """An SDK's numbered attempts, recorded as calls with the request below them."""
    made = server("a", "POST /x", 0, 3200, *[
        span("a", f"Charge attempt {n}", 10 + 1060 * n, 1000, call(
            "a", "POST http://psp/charge", 11 + 1060 * n, 998, status=504 if n < 2 else 200), kind="client",
            status="error" if n < 2 else "unset")
        for n in range(3)])  # fmt: skip
    found, text = said(made)
    assert found[0] == "retries" and "tried 3 times" in text and "hidden error" not in text


@pytest.mark.parametrize("key", ["driver.id", "user", "aws.s3.key", "messaging.message.id", "cache.key"])
def test_a_loop_over_different_things_is_no_retry(key: str) -> None:
    """Whatever the attribute that tells the calls apart is called."""
    made = server("a", "GET /list", 0, 500, *[
        span("a", "Get", 5 + 40 * n, 38, kind="client", attributes={key: f"D{n}", "retry.count": n},
             status="error" if n == 4 else "unset")
        for n in range(12)])  # fmt: skip
    found, text = said(made)
    assert found == ["repeated", "hidden-error"] and "tried" not in text


def test_a_loop_without_anything_to_tell_its_calls_apart() -> None:
    """Eleven of the same call that need no second attempt are a loop, and the one that failed is an error in it."""
    made = server("a", "GET /list", 0, 500, *[
        span("a", "Get", 5 + 40 * n, 38, kind="client", status="error" if n == 4 else "unset")
        for n in range(12)])  # fmt: skip
    assert "tried" not in said(made)[1]


def test_attempts_that_differ_in_the_attempt_only() -> None:
    """The number of the attempt, the thread and the status are no other request."""
    made = server("a", "GET /", 0, 900, *[
        span("a", "Get", 5 + 290 * n, 280, kind="client", status="error" if n < 2 else "unset",
             attributes={"key": "k", "attempt": n, "thread.id": 7 + n, "net.sock.peer.port": 5000 + n})
        for n in range(3)])  # fmt: skip
    assert said(made)[0][0] == "retries"


# Callees that are not below their call.


@pytest.mark.parametrize("kind", ["server", "internal", "consumer"])
def test_a_callee_recorded_beside_its_call(kind: str) -> None:
    """By time and name, whatever the callee is recorded as."""
    found, text = said(span("boss", "run", 0, 9000,
        span("boss", "send_message", 100, 8000, kind="client"),
        span("worker", "on_message", 110, 7980, span("worker", "think", 120, 7900), kind=kind)))  # fmt: skip
    assert "worker think spent 7.90 s" in text and "(beside)" in found
    assert "boss waited for" not in text


def test_a_callee_beside_a_call_that_is_not_recorded_as_one() -> None:
    """Agents record everything as internal: then the names decide."""
    found, text = said(span("boss", "run", 0, 9000,
        span("boss", "send_message", 100, 8000),
        span("worker", "on_message", 110, 7980, span("worker", "think", 120, 7900))))  # fmt: skip
    assert "worker think spent 7.90 s" in text and "(beside)" in found
    _, text = said(span("boss", "run", 0, 9000, span("boss", "plan", 100, 8000), span("worker", "think", 110, 7980)))
    assert "beside" not in text


def test_a_call_that_is_recorded_as_internal() -> None:
    """A span whose only children ran in another process is a call, whatever its kind says."""
    found, text = said(server("gw", "POST /", 0, 3000, span("gw", "invoke", 5, 2990, server("fn", "run", 2900, 90))))
    assert found == ["waiting"] and "waiting in front of fn" in text


def test_two_calls_with_their_callees_beside_them() -> None:
    """Each callee goes to the call in whose time it ran."""
    _, text = said(server("web", "GET /", 0, 4000,
        call("web", "GET http://a/x", 10, 1900), server("a", "GET /x", 20, 1880),
        call("web", "GET http://b/y", 2000, 1900), server("b", "GET /y", 2010, 1880)))  # fmt: skip
    assert "a GET /x spent 1.88 s" in text and "b GET /y spent 1.88 s" in text and "external call" not in text


def test_a_stranger_beside_a_call_is_not_its_callee() -> None:
    """Another address is another request."""
    found, _ = said(server("web", "GET /", 0, 4000,
        call("web", "GET http://a/x", 10, 3900), server("b", "POST /y", 20, 3000)))  # fmt: skip
    assert "external-call" in found and "(beside)" not in found


def test_an_orphan_in_the_gap_of_an_inner_span() -> None:
    """The gap is that of a step far down; two orphans share it, and each explains its part."""
    lost: dict[str, Any] = {"parent_id": "00000000000000bb"}
    made = trace(
        server("front", "GET /", 0, 1000, span("front", "step", 10, 980)),
        server("pay", "POST /pay", 20, 500, **lost), span("mail", "send", 530, 440, **lost))  # fmt: skip
    found = diagnose(made)
    assert "orphans" in rules(found)
    titles = "\n".join(f.title for f in found.findings)
    assert "between front step and pay POST /pay a span is missing" in titles and "2 orphans" in titles
    assert "940 ms of the critical path lie behind it" in titles and "the time is in front itself" not in titles


def test_an_orphan_is_not_put_below_its_own_children() -> None:
    """A proxy's ingress whose egress has the same address, with and without what follows."""
    egress = call("proxy", "GET http://site/basket", 0.3, 119)
    made = trace(server("proxy", "GET /basket", 0, 120, egress, parent_id="00000000000000aa"))
    titles = "\n".join(f.title for f in diagnose(made).findings)
    assert "above proxy GET /basket a span is missing" in titles and "behind" not in titles


def test_all_orphans_of_a_trace_without_a_root_are_looked_at() -> None:
    """Three one after another, of other parents: the shortest has the slow statement."""
    made = trace(*[
        server(f"s{n}", "GET /x", 700 * n, ms, *below, parent_id=f"{0xAA + n:016x}")
        for n, (ms, below) in enumerate([(690, []), (650, []), (600, [sql("s2", "SELECT * FROM t", 1405, 590)])])
    ])  # fmt: skip
    found = diagnose(made)
    assert "slow-statement" in rules(found) and "orphans" in rules(found)
    assert "SELECT * FROM t took 590 ms, 30%" in "\n".join(f.title for f in found.findings)


# Errors that no status tells of.


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"attributes": {"error": "ConnectionRefused"}}, "connection refused"),
        ({"attributes": {"error": 1}}, "failed"),
        ({"attributes": {"error": "TRUE", "error.message": "no route"}}, "no route"),
        ({"attributes": {"http.status_code": "500"}, "kind": "server"}, "answered 500"),
        ({"attributes": {"http.response.status_code": 503}, "kind": "client"}, "answered 503"),
        ({"attributes": {"rpc.grpc.status_code": 14}, "kind": "client"}, "gRPC status 14"),
        ({"attributes": {"rpc.grpc.status_code": 13}, "kind": "server"}, "gRPC status 13"),
        ({"attributes": {"grpc.status_code": "DEADLINE_EXCEEDED"}, "kind": "client"}, "gRPC status DEADLINE_EXCEEDED"),
        ({"attributes": {"error.type": "java.net.SocketException"}}, "socket exception"),
        ({"attributes": {"otel.status_code": "ERROR"}}, "failed"),
        ({"events": exception("KeyError", "'price'", 20)}, "key error: 'price'"),
    ],
)  # fmt: skip
def test_errors_without_an_error_status(fields: dict[str, Any], words: str) -> None:
    """Old conventions, Zipkin's tag, gRPC's codes, an exception event: hidden behind a 200 they are all told."""
    found, text = said(server("a", "GET /x", 0, 100, span("b", "call", 10, 50, **fields)))
    assert found == ["hidden-error"] and words in text


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": {"error": "false"}},
        {"attributes": {"error": False}},
        {"attributes": {"error": ""}},
        {"attributes": {"rpc.grpc.status_code": 0}, "kind": "client"},
        {"attributes": {"rpc.grpc.status_code": 5}, "kind": "server"},
        {"attributes": {"http.status_code": 404}, "kind": "server", "events": exception("NotFound", "x", 20)},
        {"events": exception("KeyError", "'price'", 20), "status": "ok"},
    ],
)
def test_what_is_no_error(fields: dict[str, Any]) -> None:
    """A tag that says no, a good code, a refusal, an exception in a span that says that it is well."""
    assert said(server("a", "GET /x", 0, 100, span("b", "call", 10, 50, **fields)))[0] == []


def test_a_call_that_was_refused_by_grpc_is_a_hint() -> None:
    """NOT_FOUND is like a 404: often meant."""
    refused = rpc("a", "b.B/Get", 10, 50, attributes={"rpc.grpc.status_code": 5})
    assert said(server("a", "GET /x", 0, 100, refused))[0] == ["(hidden-error)"]


# Times: no end, after the answer, small overlaps, round numbers.


@pytest.mark.parametrize("end", [0, -1], ids=["no end", "nonsense"])
def test_a_root_without_an_end(end: int) -> None:
    """It is said, and what is below is read, also where a span below never ended."""
    made = spans(server("shop", "GET /x", 0, 900, span("shop", "step", 5, 800, sql("shop", "SELECT 1", 10, 700))))
    made[0].end = made[1].end = end
    found = diagnose(Trace(made))
    assert rules(found) == ["slow-statement", "never-ended"] and found.ms == 710
    assert "never ended" in found.problems[1].title


def test_a_root_of_no_length_with_work_below_it() -> None:
    """Jaeger writes a duration of 0 for a span that never ended."""
    found = diagnose(trace(server("shop", "GET /x", 0, 0, sql("shop", "SELECT 1", 1, 700))))
    assert rules(found) == ["slow-statement", "never-ended"]


def test_work_after_the_answer() -> None:
    """It is said with its time, no share is more than all, and a slow statement in it is named."""
    made = trace(server("gw", "POST /", 0, 30, span("gw", "later", 40, 3000, sql("gw", "SELECT * FROM a", 50, 2900))))
    found = diagnose(made)
    assert rules(found) == ["slow-statement", "(late-work)"]
    assert "95% of the whole trace, after the answer" in found.verdict
    assert all(each.share <= 1 for finding in found.findings for each in finding.evidence)


def test_what_was_meant_to_go_on_is_no_fault() -> None:
    """A consumer may take its time; an error in it is told all the same."""
    consumer = span("w", "work", 50, 5000, kind="consumer")
    publish = span("gw", "orders publish", 5, 10, consumer, kind="producer")
    assert said(server("gw", "POST /", 0, 30, publish))[0] == []
    consumer.fields["status"] = "error"
    assert said(server("gw", "POST /", 0, 30, publish))[0] == ["hidden-error"]


def test_another_request_in_the_same_trace() -> None:
    """A second root after the first one is looked at, too."""
    found, text = said(server("a", "GET /one", 0, 3000, sql("a", "SELECT 1", 5, 2990)),
                       server("b", "GET /two", 3100, 2900, sql("b", "SELECT * FROM slow", 3110, 2880)))  # fmt: skip
    assert found[0] == "slow-statement" and "SELECT * FROM slow took 2.88 s" in text


@pytest.mark.parametrize("seconds", [1.0, 1.5, 3.0, 5.0, 10, 30])
def test_round_numbers_look_like_timeouts(seconds: float) -> None:
    """With an error, or with a gap after it; within two percent."""
    ms = seconds * 1000 * 1.015
    failed = call("a", "GET http://b/", 10, ms, status=504)
    assert f"looks like a timeout of {seconds:g} s" in said(server("a", "GET /", 0, ms + 20, failed))[1]
    gap = span("a", "wait for reply", 10, ms)
    assert f"looks like a timeout of {seconds:g} s" in said(server("a", "GET /", 0, 1.4 * ms, gap))[1]
    for long, status in ((ms * 1.02, 500), (ms, 200)):
        other = call("a", "GET http://b/", 10, long, status=status)
        assert "looks like" not in said(server("a", "GET /", 0, long + 20, other))[1]


# Words.


@pytest.mark.parametrize(
    "name", ["render waiting list", "update stock block", "unlock account", "clock sync", "waiter.order", "lock screen"]
)
def test_a_name_with_the_letters_of_wait_or_lock_is_no_wait(name: str) -> None:
    """Names are read by their words."""
    found, text = said(server("a", "GET /x", 0, 1500, span("a", name, 10, 1400)))
    assert found == ["own-code"] and "waiting:" not in text


@pytest.mark.parametrize(
    "name",
    ["HikariDataSource.getConnection", "pool.acquire", "acquire connection", "wait for lock", "row lock", "queue.wait",
     "Semaphore.acquire", "mutex.Lock", "db.pool.get", "connection_wait"],
)  # fmt: skip
def test_names_that_say_that_they_wait(name: str) -> None:
    """As libraries call their waits."""
    found, text = said(server("a", "GET /x", 0, 1500, span("a", name, 10, 1400)))
    assert found == ["waiting"] and f"waiting: a {name} took 1.40 s" in text


@pytest.mark.parametrize(
    ("made", "rule", "word"),
    [
        (kv("a", "postgresql", "pg.connect", 10, 880), "waiting", "opening a connection"),
        (kv("a", "mysql", "connect", 10, 880, "connect"), "waiting", "opening a connection"),
        (kv("a", "mssql", "sql.connector.connect", 10, 880), "waiting", "opening a connection"),
        (kv("a", "postgresql", "COMMIT", 10, 880, "COMMIT"), "slow-statement", "on the disk"),
        (kv("a", "postgresql", "COMMIT", 10, 880), "slow-statement", "on the disk"),
        (kv("a", "redis", "HGETALL", 10, 880, "HGETALL s"), "slow-statement", "SLOWLOG"),
        (kv("a", "mongodb", "find orders", 10, 880, '{"find": "orders"}'), "slow-statement", "system.profile"),
        (kv("a", "mssql", "OpenAsync", 10, 880), "waiting", "opening a connection"),
        (kv("a", "memcached", "get", 10, 880), "slow-statement", "size of the value"),
        (kv("a", "dynamodb", "Scan", 10, 880), "slow-statement", "consumed capacity"),
        (kv("a", "cassandra", "SELECT", 10, 880, "SELECT * FROM t"), "slow-statement", "TRACING"),
    ],
)
def test_each_database_has_its_own_next_step(made: Node, rule: str, word: str) -> None:
    """No EXPLAIN for what has no plan."""
    found, text = said(server("a", "GET /x", 0, 900, made))
    assert found == [rule] and word in text and "EXPLAIN" not in text


def test_a_plan_is_not_asked_for_what_has_none() -> None:
    """A COMMIT is not sent to the planner."""
    asked: list[str] = []
    made = trace(server("a", "GET /x", 0, 900, kv("a", "postgresql", "COMMIT", 10, 880, "COMMIT")))
    diagnose(made, explain=lambda text, _: asked.append(text))
    assert asked == []


@pytest.mark.parametrize("name", ["items.{}.price", "items[{}].price", "/items/{}/price", "resolve posts.{}.author"])
def test_an_index_in_the_name_does_not_hide_a_loop(name: str) -> None:
    """GraphQL's resolvers carry the place in the list."""
    found, text = said(server("gql", "POST /graphql", 0, 700, *[
        span("gql", name.format(n), 10 + 22 * n, 21, sql("gql", "SELECT * FROM author WHERE id = 1", 10.5 + 22 * n, 20))
        for n in range(30)]))  # fmt: skip
    assert found == ["repeated"] and "the same statement 30 times" in text and "600 ms together, 86%" in text


def test_steps_of_one_kind_under_numbered_names() -> None:
    """Six steps `part 1` to `part 6` are one thing, each small and together all of it."""
    found, text = said(server("t", "POST /", 0, 6000, *[span("t", f"part {n}", 10 + 990 * n, 975) for n in range(6)]))
    assert found == ["own-code"] and "6 × part 0, one after another, took 5.85 s" in text


# Long by nature.


@pytest.mark.parametrize(
    "made",
    [
        span("w", "orders receive", 0, 30_000, kind="consumer", attributes={"messaging.operation": "receive"}),
        span("w", "loop", 0, 30_000, span("w", "SQS.ReceiveMessage", 1, 29_900, kind="client", attributes={
            "rpc.system": "aws-api", "rpc.service": "SQS", "rpc.method": "ReceiveMessage"})),
        span("w", "worker", 0, 30_000, kv("w", "redis", "BRPOP", 1, 29_900, "BRPOP jobs 30")),
        span("w", "kafka poll", 0, 30_000, kind="consumer"),
        span("w", "KafkaConsumer.poll", 0, 30_000),
        server("s", "GET /events", 0, 30_000, attributes={"http.response.header.content-type": "text/event-stream"}),
        server("s", "GET /ws", 0, 30_000),
        server("s", "GET /chat", 0, 30_000, status=101),
        server("s", "GET /chat", 0, 30_000, attributes={"url.scheme": "wss"}),
        rpc("s", "etcd.Watch/Watch", 0, 30_000, kind="server"),
        rpc("s", "feed.Feed/SubscribeEvents", 0, 30_000, kind="server"),
        span("jobs", "nightly export", 0, 30_000, span("jobs", "write rows", 10, 29_900)),
        span("w", "orders process", 0, 30_000, kind="consumer", attributes={
            "messaging.operation": "process", "messaging.system": "kafka", "messaging.batch.message_count": 500}),
    ],
    ids=["receive", "sqs", "brpop", "poll", "a poll", "sse", "ws", "websocket", "wss", "watch", "rpc", "batch", "many"],
)  # fmt: skip
def test_long_by_nature_is_no_fault(made: Node) -> None:
    """A poll, a stream, a websocket, a batch: said as what it is, and no problem."""
    found = diagnose(trace(made))
    assert found.healthy and len(found.findings) == 1 and found.findings[0].severity == "hint"
    assert "30" in found.findings[0].title or "29.90" in found.findings[0].title


@pytest.mark.parametrize(
    "made",
    [
        server("s", "POST /newsletter/subscribe", 0, 30_000),
        server("s", "POST /users/{id}/follow", 0, 30_000),
        server("s", "GET /watch", 0, 30_000),
        server("s", "POST /import", 0, 30_000),
        span("w", "orders receive", 0, 30_000, sql("w", "SELECT 1", 10, 20), kind="consumer"),
        span("w", "pollution report", 0, 30_000),
        span("w", "receive order", 0, 30_000),
    ],
)
def test_what_only_sounds_like_it_is_not_excused(made: Node) -> None:
    """A request whose path has such a word, work below a poll, other words with the same letters."""
    assert not diagnose(trace(made)).healthy


def test_a_slow_statement_in_a_batch_is_one() -> None:
    """Being a batch excuses its length, not what is slow in it."""
    assert said(span("jobs", "nightly export", 0, 30_000, sql("jobs", "SELECT * FROM t", 10, 29_900)))[0] == [
        "slow-statement"
    ]


def test_waiting_for_a_message_while_somebody_waits_for_the_answer_is_no_idling() -> None:
    """A request that blocks on a queue keeps its caller waiting."""
    assert not diagnose(
        trace(server("a", "GET /x", 0, 5000, kv("a", "redis", "BRPOP", 10, 4900, "BRPOP jobs 5")))
    ).healthy


# Healthy has a meaning.


@pytest.mark.parametrize(
    "made",
    [
        server("a", "GET /x", 0, 3000),
        server("a", "GET /x", 0, 3000, call("a", "GET http://b/", 5000, 10)),
        server("a", "GET /x", 0, 3000, call("a", "GET http://b/", 10, 2900, server("b", "GET /", 9000, 100))),
        server("a", "GET /x", 0, 3000, span("a", "x", 10, 2900, kind="producer")),
        server("a", "GET /x", 0, 3000, *[sql("a", "SELECT 1", 10 + 30 * n, 29) for n in range(90)]),
        server("a", "GET /x", 0, 3000, *[call("a", f"GET http://b/{n}", 10 + 1000 * n, 900) for n in range(3)]),
        server("a", "GET /x", 0, 3000, span("b", "y", 10, 2900)),
        span("a", "x", 0, 3000, span("b", "y", 2, 1000, kind="client"), span("b", "y", 1050, 1900, kind="client")),
    ],
)  # fmt: skip
def test_what_is_most_of_a_slow_trace_is_never_healthy(made: Node) -> None:
    """One line of more than half and more than a second is worth a finding, of whatever kind it is."""
    found = diagnose(trace(made))
    assert not found.healthy and found.problems[0].share > 0.5


@given(anything())
@settings(max_examples=200, deadline=None)
def test_healthy_has_a_meaning(made: Trace) -> None:
    """Of any trace: healthy is never said of one line of more than half and more than a second, but by its nature."""
    slow = Trace(
        [replace(s, start=T0 + 100 * (s.start - T0), end=T0 + 100 * (s.end - T0)) for s in made.spans],
        adjust_clocks=False,
    )
    read, found = account(slow), diagnose(slow)
    excused = ("idle", "stream", "delivery") + (("own-code", "unrecorded") if is_batch(slow.root) else ())
    heavy = [
        line
        for line in read.lines
        if line.when == "during" and line.ns > 1e9 and line.ns > read.answer / 2 and line.kind not in excused
    ]
    assert not (found.healthy and heavy), heavy
    assert all(0 <= finding.share <= 1 for finding in found.findings)
    assert all(0 <= each.share <= 1 for finding in found.findings for each in finding.evidence)
