"""The model: the graph, its repairs, clock skew, ids."""

import pytest

from tests.unit.traces.trace_shapes import T0, Node, call, server, span, spans, sql, trace
from workshop.traces.model.repair import distinct
from workshop.traces.model.trace import Span, Trace
from workshop.traces.sources import ids


def names(found: list[Span]) -> list[str]:
    """The spans' names."""
    return [each.name for each in found]


def test_edges_of_a_small_tree() -> None:
    """Parents, children and roots are where they were declared."""
    made = trace(span("a", "root", 0, 10, span("a", "one", 1, 2), span("a", "two", 4, 2, span("b", "three", 5, 1))))
    assert names(made.roots) == ["root"] and not made.orphans
    assert names(made.children(made.root)) == ["one", "two"]
    deepest = made.spans[-1]
    assert names(list(made.ancestors(deepest))) == ["two", "root"]
    assert [(each.name, depth) for each, depth in made.walk()] == [
        ("root", 0),
        ("one", 1),
        ("two", 1),
        ("three", 2),
    ]


def test_orphans_are_kept_apart_from_roots() -> None:
    """A span whose parent is not in the trace is an orphan, and still walked."""
    made = trace(span("a", "root", 0, 10), span("b", "lost", 2, 3, parent_id="00000000000000ff"))
    assert names(made.roots) == ["root"] and names(made.orphans) == ["lost"]
    assert names(made.tops) == ["root", "lost"] and made.root.name == "root"


def test_the_longest_of_several_roots_is_the_trace() -> None:
    """With several roots the longest is what the trace is about."""
    assert trace(span("a", "ping", 0, 1), span("a", "work", 5, 50)).root.name == "work"


def test_without_a_root_the_longest_orphan_stands_in() -> None:
    """A trace whose root never arrived has a root to begin with all the same."""
    made = trace(span("a", "x", 0, 5, parent_id="00000000000000ff"), span("a", "y", 0, 9, parent_id="00000000000000fe"))
    assert made.root.name == "y" and not made.roots


def test_a_span_that_came_twice_is_kept_once() -> None:
    """An exporter's retry adds nothing."""
    once = spans(span("a", "root", 0, 10, span("a", "one", 1, 2)))
    assert len(Trace(once + once)) == 2


@pytest.mark.parametrize("ring", [1, 2, 5])
def test_a_ring_of_parents_is_cut(ring: int) -> None:
    """Spans that are each other's parents are all reachable, and nothing hangs."""
    made = spans(span("a", "root", 0, 10), *[span("a", f"r{i}", 1, 1) for i in range(ring)])
    for index, each in enumerate(made[1:]):
        each.parent_id = made[1 + (index + 1) % ring].span_id
    cut = Trace(made)
    assert len(list(cut.walk())) == ring + 1
    assert len(cut.orphans) == 1
    assert all(len(list(cut.ancestors(each))) <= ring for each in cut.spans)


def test_client_and_server_with_one_id_are_two_spans() -> None:
    """Zipkin's shared ids: the server hangs below the client and takes its service's children along."""
    client, server_side, query, other = spans(
        span("web", "get", 0, 10, kind="client"),
        span("api", "get /", 1, 8, kind="server"),
        span("api", "query", 2, 3),
        span("web", "log", 9, 1),
    )
    server_side.span_id = client.span_id
    query.parent_id = other.parent_id = client.span_id
    made = Trace([server_side, client, query, other])
    assert names(made.children(made.root)) == ["get /", "log"]
    assert names(made.children(made.children(made.root)[0])) == ["query"]


def test_times_that_run_backwards_have_no_length() -> None:
    """An end before the start counts as the start."""
    backwards = spans(span("a", "x", 5, -3))
    assert distinct(backwards)[0].duration == 0


def test_a_callee_with_a_wrong_clock_is_moved_into_the_call() -> None:
    """Three seconds of skew vanish, and what ran on the same machine moves along."""
    made = trace(
        call(
            "web",
            "GET http://api/",
            0,
            100,
            server("api", "GET /", 3010, 80, sql("api", "SELECT 1", 3020, 30)),
        )
    )
    callee = made.children(made.root)[0]
    assert (callee.start - T0, callee.shift) == (10_000_000, -3_000_000_000)
    assert made.children(callee)[0].start - T0 == 20_000_000


def test_recorded_times_stay_reachable() -> None:
    """A trace with corrected clocks gives the times as recorded, too; one without is itself."""
    skewed = trace(call("web", "GET http://api/", 0, 100, server("api", "GET /", 3010, 80)))
    raw = skewed.with_raw_clocks()
    assert raw.spans[1].start - T0 == 3_010_000_000 and raw.spans[1].shift == 0
    assert raw.with_raw_clocks() is raw


def test_a_clock_is_wrong_for_every_call() -> None:
    """Two calls of the same two processes, both with the same skew, are both moved."""
    made = trace(server("web", "GET /", 0, 300,
        call("web", "GET http://api/", 0, 100, server("api", "GET /a", 3010, 80)),
        call("web", "GET http://api/", 150, 100, server("api", "GET /b", 3160, 80))))  # fmt: skip
    assert [each.shift for each in made.spans if each.service == "api"] == [-3_000_000_000] * 2


@pytest.mark.parametrize(
    ("child", "why"),
    [
        (server("api", "GET /", 10, 200), "the caller gave up, the callee went on"),
        (span("api", "later", 500, 80), "not a server span: an asynchronous child"),
        (server("web", "GET /", 3000, 80), "the same service has the same clock"),
        (server("api", "GET /", 20.5, 80), "half a millisecond is scheduling"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_have_another_cause_is_not_moved(child: Node, why: str) -> None:
    """Only what a wrong clock alone explains is corrected."""
    made = trace(call("web", "GET http://api/", 0, 100, child))
    assert made.children(made.root)[0].shift == 0, why


def test_the_same_host_needs_no_correction() -> None:
    """Two processes of one machine share its clock."""
    made = spans(call("web", "GET http://api/", 0, 100, server("api", "GET /", 50, 80)))
    for each in made:
        each.resource["host.name"] = "one"
    assert Trace(made).children(made[0])[0].shift == 0


def test_a_trace_needs_a_span() -> None:
    """An empty trace is an error, not a surprise later."""
    with pytest.raises(ValueError, match="at least one span"):
        Trace([])


@pytest.mark.parametrize("shape", ["chain", "star"])
def test_a_hundred_thousand_spans(shape: str) -> None:
    """Deep and wide traces are read without recursion."""
    total = 100_000
    made = [Span("t", f"{i:016x}", None, "a", "s", "internal", T0 + i, T0 + 1_000_000 - i) for i in range(total)]
    for number, each in enumerate(made[1:]):
        each.parent_id = made[number if shape == "chain" else 0].span_id
    read = Trace(made)
    assert sum(1 for _ in read.walk()) == total
    assert max(depth for _, depth in read.walk()) == (total - 1 if shape == "chain" else 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5CA1AB1E00000000000000000000A003", "5ca1ab1e00000000000000000000a003"),
        ("5ca1ab1e0000a003", "00000000000000005ca1ab1e0000a003"),
        ("a003", "0000000000000000000000000000a003"),
        (" 5ca1ab1e00000000000000000000a003\n", "5ca1ab1e00000000000000000000a003"),
        ("00-5ca1ab1e00000000000000000000a003-00f067aa0ba902b7-03", "5ca1ab1e00000000000000000000a003"),
        ("XKGrHgAAAAAAAAAAAACgAw==", "5ca1ab1e00000000000000000000a003"),
    ],
)
def test_trace_ids_as_people_paste_them(text: str, expected: str) -> None:
    """Upper case, 64 bits, no leading zeros, a traceparent, base64."""
    assert ids.trace_id(text) == expected


@pytest.mark.parametrize("text", ["", "xyz", "5ca1ab1e" * 5, "0x12", "../etc/passwd", "AAAA=="])
def test_what_is_no_trace_id_is_refused(text: str) -> None:
    """The error names the text."""
    with pytest.raises(ids.InvalidId, match="is not a trace id"):
        ids.trace_id(text)


def test_what_hangs_below_a_ring_stays_there() -> None:
    """Only a member of the ring is cut off, not a bystander that comes first."""
    made = spans(span("a", "bystander", 0, 1), span("a", "x", 1, 1), span("a", "y", 2, 1))
    made[0].parent_id, made[1].parent_id, made[2].parent_id = made[1].span_id, made[2].span_id, made[1].span_id
    cut = Trace(made)
    assert len(cut.orphans) == 1 and cut.orphans[0].name in ("x", "y")
    assert cut.parent(made[0]) is made[1] and len(list(cut.walk())) == 3
