"""Traces that were torn apart, in Node, Go and Java; and traces that only look like it."""

from tests.unit.traces.diagnosis.population.crowds import found, many, together
from tests.unit.traces.trace_shapes import Node, call, server, span
from workshop.traces.model.trace import Trace


def hollow(number: int, ms: float = 80, every: float = 200) -> list[Trace]:
    """A Node service whose handler has a hole: what it did there lost its context."""
    return many(number, lambda each: server("api", "POST /orders", every * each, ms + 12))


def torn(number: int, ms: float = 78, every: float = 200, kind: str = "client") -> list[Trace]:
    """What it did there: traces that begin with a call, or with a step of its own."""

    def one(each: int) -> Node:
        start = every * each + 6
        callee = server("stock", "POST /reservations", start + 2, ms - 4)
        if kind == "internal":
            return span("api", "reserve", start, ms, call("api", "POST http://stock/reservations", start + 1, ms - 2))
        return call("api", "POST http://stock/reservations", start, ms, callee)

    return many(number, one, first=1000)


def test_a_promise_that_lost_its_context() -> None:
    """Each call of its own lies in the hole of a request: they are one, on both sides."""
    mine, others = hollow(6), torn(6)
    for told in (together(mine, others), together(others, mine)):
        assert told.problems[0].rule == "lost-context" and "lies in a hole of api POST /orders" in told.verdict
        assert "(in 6 of 6 traces)" in told.verdict


def test_a_goroutine_that_lost_its_context() -> None:
    """The same with a span of the service's own at the top."""
    told = together(hollow(6), torn(6, kind="internal"))
    assert told.problems[0].rule == "lost-context" and "api reserve begins a trace of its own" in told.verdict


def test_a_timer_is_no_lost_context() -> None:
    """Calls that the service makes by itself lie anywhere: some of them by chance in a request's hole."""
    told = together(hollow(12, ms=150), torn(14, ms=90, every=170))
    assert found(told, "lost-context") is None


def test_a_short_call_in_a_long_hole() -> None:
    """What fills a hole by a tenth explains nothing of it."""
    assert found(together(hollow(6), torn(6, ms=8)), "lost-context") is None


def test_a_hole_that_is_explained_is_no_dark_time() -> None:
    """A slow request's hole is told once, as what it is."""
    told = together(hollow(6, 800, 2000), torn(6, 790, 2000))
    assert [finding.rule for finding in told.problems] == ["lost-context"]


def test_a_header_that_got_lost() -> None:
    """Traces that begin with a SERVER, each in the time of a call without callee; found among all of the same time."""

    def cut(each: int) -> Node:
        start = 300.0 * each
        return server("web", "GET /", start, 60, call("web", "GET http://stock/items", start + 5, 50))

    callees = many(5, lambda each: server("stock", "GET /items", 300.0 * each + 7, 45), first=1000)
    told = together(many(5, cut), callees)
    assert told.problems[0].rule == "lost-context" and "(in 5 of 5 traces)" in told.verdict


def asked(number: int, whole: int, error: bool = False) -> list[Trace]:
    """Java's calls to a Go service, of which some have a callee."""

    def one(each: int) -> Node:
        start = 300.0 * each
        below = [server("prices", "GET /price", start + 7, 240)] if each < whole else []
        asking = call("shop", "GET http://prices/price", start + 5, 250, *below, status=503 if error else 200)
        return server("shop", "GET /item", start, 260, asking)

    return many(number, one)


def test_a_service_that_samples_by_itself() -> None:
    """Eight of ten calls have no callee anywhere, two are whole: that is no external service."""
    told = together(asked(10, 2))
    assert told.problems[0].rule == "spans-missing" and "8 of 10 calls like shop GET prices/price" in told.verdict
    assert "prices left no span of them" in told.verdict and found(told, "external-call") is None


def test_a_service_that_is_not_traced() -> None:
    """None of the calls has a callee: it is outside."""
    told = together(asked(10, 0))
    assert told.problems[0].rule == "external-call" and found(told, "spans-missing") is None


def test_a_call_that_failed_has_no_callee() -> None:
    """Of a service that is down there is no span."""
    assert found(together(asked(10, 2, error=True)), "spans-missing") is None


def test_a_few_spans_that_got_lost() -> None:
    """Three of thirty, as it happens: nobody decides so."""
    assert found(together(asked(30, 27)), "spans-missing") is None
