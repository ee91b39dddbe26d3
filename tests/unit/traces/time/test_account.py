"""The account of time: every nanosecond on exactly one line, whatever the trace looks like."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.traces.trace_shapes import T0, Node, call, server, span, sql, trace
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.account import Account, account
from workshop.traces.time.charging import KINDS
from workshop.traces.time.critical_path import family_of

NAMES = ["GET /u/3", "connect", "pool.acquire", "items.3.price", "orders receive", "SELECT a", "step", "init", ""]


@st.composite
def anything(draw: st.DrawFn) -> Trace:
    """Any spans at all: rings, orphans, overlaps, other clocks, without length, without an end, without a root."""
    size = draw(st.integers(1, 30))
    found = []
    for number in range(size):
        start = T0 + draw(st.integers(0, 60)) * 1_000_000
        parent = draw(st.one_of(st.none(), st.integers(0, size + 2)))
        found.append(
            Span(
                trace_id="t",
                span_id=f"{number:016x}",
                parent_id=None if parent is None else f"{parent:016x}",
                service=draw(st.sampled_from("abc")),
                name=draw(st.sampled_from(NAMES)),
                kind=draw(st.sampled_from(["internal", "server", "client", "producer", "consumer"])),
                start=start,
                end=start + draw(st.sampled_from([0, 0, 1, 1_000, 100_000, 5_000_000, 20_000_000, 90_000_000])),
                attributes=draw(st.sampled_from([{}, {"db.system": "mysql"}, {"http.url": "http://x/1"}])),
                follows=draw(st.booleans()),
            )
        )
    return Trace(found, adjust_clocks=draw(st.booleans()))


@given(anything())
@settings(max_examples=400, deadline=None)
def test_the_lines_are_the_whole_time(made: Trace) -> None:
    """The charges follow each other without gap or overlap from the first start to the last end: 100 %."""
    read = account(made)
    now = made.start
    for charge in read.charges:
        assert charge.start == now and charge.end > charge.start
        now = charge.end
    assert now == made.end
    assert sum(line.ns for line in read.lines) == read.whole == made.duration
    assert sum(charge.ns for charge in read.charges if charge.when == "during") == read.answer
    if read.whole:
        assert sum(read.share(line) for line in read.lines) == pytest.approx(1)
    assert len({line.key for line in read.lines}) == len(read.lines)
    assert {line.kind for line in read.lines} <= set(KINDS)


@given(anything())
@settings(max_examples=400, deadline=None)
def test_who_ran_for_whom_is_a_tree(made: Trace) -> None:
    """From every span the way up ends, and children and parents say the same, whoever was put below whom."""
    family = family_of(made)
    for each in made.spans:
        steps, above = 0, family.parent(each)
        if above is not None:
            assert any(child is each for child in family.children(above))
        while above is not None:
            steps, above = steps + 1, family.parent(above)
            assert steps <= len(made)


def test_two_strangers_of_the_same_time_are_not_below_each_other() -> None:
    """Both could be the other's call by time and name: neither is."""
    made = trace(span("a", "run", 0, 100, span("b", "work", 10, 80), span("c", "work", 10, 80)))
    assert not family_of(made).beside


@given(anything())
@settings(max_examples=100, deadline=None)
def test_the_account_as_data(made: Trace) -> None:
    """It is JSON, its shares add up, and nothing of it is more than all."""
    data = json.loads(json.dumps(account(made).as_json()))
    if data["whole_ms"]:
        assert sum(line["share"] for line in data["lines"]) == pytest.approx(1, abs=1e-4)
    assert all(0 <= line["share"] <= 1 for line in data["lines"])


def told(read: Account) -> dict[tuple[str, str, str], float]:
    """Milliseconds by kind, service and what."""
    return {(line.kind, line.service, line.what): line.ns / 1e6 for line in read.lines}


def lines(*tops: Node) -> dict[tuple[str, str, str], float]:
    """The account of the trees, see `told`."""
    return told(account(trace(*tops)))


def test_a_call_and_its_callee() -> None:
    """The way there, the callee's own code, and the way back, each for itself."""
    found = lines(server("web", "GET /a", 0, 100, call("web", "GET http://api/x/7", 10, 80, server(
        "api", "GET /x/{id}", 25, 40, sql("api", "SELECT * FROM t WHERE id = 7", 30, 20)))))  # fmt: skip
    assert found == {
        ("statement", "api", "select * from t where id = ?"): 20,
        ("own-code", "api", "GET /x/{id}"): 15,
        ("before-work", "api", "GET /x/{id}"): 5,
        ("way-back", "web", "GET /x/{id}"): 25,
        ("way-there", "web", "GET /x/{id}"): 15,
        ("before-work", "web", "GET /a"): 10,
        ("own-code", "web", "GET /a"): 10,
    }


def test_what_differs_from_span_to_span_is_one_line() -> None:
    """Twelve resolvers of a list, six steps of one name, calls with other ids and to another pod: one line each."""
    for make in (
        lambda n: span("s", f"items.{n}.price", 1 + 10 * n, 9),
        lambda n: span("s", "resize image", 1 + 10 * n, 9),
        lambda n: call("s", f"GET http://10.0.3.{n}:8080/items/{n}", 1 + 10 * n, 9),
        lambda n: call("s", f"GET http://shard-{n}:8080/items", 1 + 10 * n, 9),
        lambda n: sql("s", f"SELECT name FROM item WHERE id = {n}", 1 + 10 * n, 9),
    ):
        found = account(trace(server("s", "GET /", 0, 130, *map(make, range(12)))))
        longest = found.lines[0]
        assert (longest.ns, len(longest.spans)) == (12 * 9_000_000, 12)
        assert not any(character.isdigit() for character in longest.callee.replace("8080", "") + longest.what)


def test_different_things_with_digits_in_their_names_are_different_lines() -> None:
    """`S3.GetObject` and `S3.PutObject` are two calls."""
    names = ["S3.GetObject", "S3.PutObject", "oauth2.token", "oauth2.keys"]
    made = [span("s", name, 20 * n, 19, kind="client") for n, name in enumerate(names)]
    assert {what for kind, _, what in lines(server("s", "GET /", 0, 90, *made)) if kind == "external-call"} == {*names}


def test_keys_are_those_of_another_trace() -> None:
    """The same request with other ids has the same lines, so that two populations can be compared by them."""
    made = [
        account(trace(server("s", f"GET /u/{n}", 0, 50 + n, call("s", f"GET http://u:80/u/{n}", 1, 40))))
        for n in (3, 17)
    ]
    assert {line.key for line in made[0].lines} == {line.key for line in made[1].lines}


def test_time_outside_the_answer_is_on_lines_of_its_own() -> None:
    """What ran before the root, after it, and the time between in which nothing was recorded."""
    late = span("mail", "send", 300, 200, follows=True)
    found = account(trace(server("s", "GET /", 100, 100, late), span("s", "warm up", 0, 50)))
    assert [(line.when, line.kind, line.what, line.ns / 1e6) for line in found.lines] == [
        ("after", "own-code", "send", 200),
        ("during", "own-code", "GET /", 100),
        ("after", "unrecorded", "nothing recorded", 100),
        ("before", "own-code", "warm up", 50),
        ("before", "unrecorded", "nothing recorded", 50),
    ]
    assert (found.whole, found.answer) == (500_000_000, 100_000_000)


def test_waits_for_somebody_are_marked() -> None:
    """A pool, a lock, a queue in front of a server: never the service's own code, and it says what was waited for."""
    made = server("s", "POST /", 0, 500,
        span("s", "HikariPool.getConnection", 0, 90), span("s", "row lock", 100, 90),
        call("s", "POST http://b/x", 200, 90, server("b", "POST /x", 280, 5)),
        sql("s", "UPDATE stock SET n = 1", 300, 90))  # fmt: skip
    found = account(trace(made)).lines
    assert {(line.kind, line.waits_for) for line in found if line.ns > 50e6} == {
        ("wait", "connection"), ("wait", "lock"), ("way-there", "queue"), ("statement", "lock"), ("own-code", ""),
    }  # fmt: skip
