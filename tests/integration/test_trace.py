"""The traces, read back through the query API: the tree of the story, edge by edge, and nothing besides."""

from collections.abc import Iterator

import pytest
import requests

from workshop.traces.assertion import assert_trace
from workshop.traces.model.trace import Trace
from workshop.traces.time.critical_path import critical_path, on_path

from .conftest import Eventually, Stack
from .shape import EDGES, LEDGER_SCAN, MISS, MISS_SPANS, PROVIDER_CALL, SPANS, edges, longest_leaf, title


def checkout_trace(stack: Stack, spans: int = SPANS, **arguments: str) -> Trace:
    """The trace of a checkout that was just fired; another one before has put its products into the cache."""
    stack.checkout()
    answer = stack.checkout(**arguments)
    return stack.trace(answer.json()["trace_id"], spans)


@pytest.fixture(scope="module")
def slow(stack: Stack) -> Trace:
    """A checkout's trace without the index."""
    return checkout_trace(stack)


@pytest.fixture(scope="module")
def quick(stack: Stack) -> Iterator[Trace]:
    """A checkout's trace with the index, the second one: the first fills PostgreSQL's cache."""
    stack.must("fix")
    checkout_trace(stack)
    yield checkout_trace(stack)
    stack.must("break")


@pytest.mark.parametrize(("caller", "callee"), EDGES, ids=[f"{caller}->{callee}" for caller, callee in EDGES])
def test_edge(slow: Trace, caller: str, callee: str) -> None:
    """The caller is the callee's parent."""
    assert (caller, callee) in edges(slow)


def test_nothing_else_is_in_the_trace(slow: Trace) -> None:
    """One root, no orphan, no error, and no edge but the story's."""
    assert_trace(slow, counts={"order ProcessOrder": 1})
    assert len(slow.spans) == SPANS, [title(span) for span in slow.spans]
    assert set(edges(slow)) == set(EDGES)


def test_what_is_not_in_the_cache_is_asked_of_the_inventory(stack: Stack) -> None:
    """A miss has its question below the checkout, and what it learnt is kept: the next one is a hit."""
    three = [(f"SKU-{number:05d}", 1) for number in (3001, 3002, 3003)]
    miss, hit = (stack.checkout(*three).json() for _ in range(2))
    trace = stack.trace(miss["trace_id"], MISS_SPANS)
    assert_trace(trace)
    assert set(edges(trace)) == {*EDGES, *MISS}
    assert set(edges(stack.trace(hit["trace_id"], SPANS))) == set(EDGES)
    assert miss["items"] == hit["items"]
    assert [line["sku"] for line in miss["items"]] == [sku for sku, _ in three]
    assert sum(line["price_cents"] for line in miss["items"]) == miss["total_cents"]


def test_the_lookup_runs_beside_the_order(slow: Trace) -> None:
    """A fork: both are the checkout's own children, one begins while the other runs, and the order decides the time."""
    (lookup,) = [span for span in slow.spans if span.name == "MGET"]
    order = next(span for span in slow.children(slow.root) if span.name == "POST")
    assert lookup in slow.children(slow.root)
    assert lookup.start < order.end and lookup.end < order.end
    assert lookup.attributes["db.system.name"] == "redis"
    assert lookup.attributes["db.query.text"] == "MGET ? ? ?"
    waited = on_path(critical_path(slow))
    assert waited.get(lookup.span_id, 0) < 0.05 * slow.root.duration < sum(waited.values())


def test_the_fixed_trace_has_the_same_tree(quick: Trace) -> None:
    """The index changes durations, nothing else."""
    assert set(edges(quick)) == set(EDGES)


def test_the_missing_index_shows(slow: Trace) -> None:
    """While the index is missing, the scan of the ledger is the longest leg."""
    assert longest_leaf(slow) == LEDGER_SCAN


def test_with_the_index_the_provider_is_the_longest_leg(quick: Trace) -> None:
    """Then the time goes where it should go: to the provider."""
    assert longest_leaf(quick) == PROVIDER_CALL


def test_the_business_span_says_what_was_ordered(slow: Trace) -> None:
    """ProcessOrder carries the order's id, its number of items and its total."""
    span = next(span for span in slow.spans if span.name == "ProcessOrder")
    assert span.attributes["order.item_count"] == 3
    assert span.attributes["order.total_cents"] > 0
    assert len(span.attributes["order.id"]) == 36


def test_sql_spans_follow_the_stable_conventions(slow: Trace) -> None:
    """System, database, text and summary; the values of parameters are not in the text."""
    span = next(span for span in slow.spans if title(span) == LEDGER_SCAN)
    assert span.attributes["db.system.name"] == "postgresql"
    assert span.attributes["db.namespace"] == "inventory"
    assert span.attributes["db.query.summary"] == "SELECT stock_movement"
    assert "%(skus)s" in span.attributes["db.query.text"]


def test_the_message_is_delivered_in_a_trace_of_its_own(stack: Stack, eventually: Eventually) -> None:
    """The worker's span is a root, and links back to the span that sent the message."""
    trace = checkout_trace(stack)
    sender = next(span for span in trace.spans if span.name == "send order.confirmed")

    def deliveries() -> list[Trace]:
        found = stack.jaeger.search(service="order-worker", limit=200)
        traces = [stack.jaeger.get_trace(summary.trace_id) for summary in found]
        return [each for each in traces if any(link.span_id == sender.span_id for link in each.root.links)]

    eventually("a delivery links to the checkout that was just made", deliveries)
    (delivery,) = deliveries()
    assert title(delivery.root) == "order-worker process order.confirmed"
    assert delivery.root.kind == "consumer"
    assert delivery.trace_id != trace.trace_id
    assert [link.trace_id for link in delivery.root.links] == [trace.trace_id]
    assert [title(span) for span in delivery.children(delivery.root)] == ["order-worker UPDATE orders"]


def test_a_declined_card_shows_where_it_failed(stack: Stack) -> None:
    """ProcessOrder has status ERROR and the exception; the stock is given back inside it."""
    trace = checkout_trace(stack, spans=18, card="4000000000000002")
    (process,) = [span for span in trace.spans if span.name == "ProcessOrder"]
    assert process.is_error
    assert [event.name for event in process.events] == ["exception"]
    assert (
        "inventory DELETE /reservations/<uuid:order_id>",
        "inventory INSERT reservation INSERT stock_movement",
    ) in edges(trace)
    assert not trace.orphans


def test_each_attempt_at_the_provider_is_a_span(stack: Stack) -> None:
    """Retries can be seen, one span an attempt; then the order makes sure that nothing was charged."""
    trace = checkout_trace(stack, spans=23, card="4000000000000119")
    charge = next(span for span in trace.spans if title(span) == "payment POST /charges")
    attempts = trace.children(charge)
    assert [title(span) for span in attempts] == [PROVIDER_CALL] * 3
    assert [span.attributes.get("http.request.resend_count") for span in attempts] == [None, 1, 2]
    assert any(title(span) == "payment POST /charges/<uuid:order_id>/cancel" for span in trace.spans)


def test_an_incoming_trace_is_continued(stack: Stack) -> None:
    """A client's traceparent becomes the checkout's trace."""
    trace_id = "5ca1ab1e" * 4
    answer = stack.checkout(traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
    assert answer.json()["trace_id"] == trace_id


def test_probes_leave_no_span(stack: Stack) -> None:
    """Neither /healthz, /readyz nor the calls and statements behind them are in any trace."""
    for port in (stack.settings.gateway_port, stack.settings.order_port, stack.settings.inventory_port):
        for path in ("healthz", "readyz"):
            assert requests.get(f"http://127.0.0.1:{port}/{path}", timeout=10).status_code == 200
    # Spans leave a process in their order: once this one is there, the probes' would be too.
    checkout_trace(stack)
    for service in ("gateway", "order", "inventory", "payment"):
        names = {operation.name for operation in stack.jaeger.operations(service)}
        assert not [name for name in names if "healthz" in name or "readyz" in name or name == "SELECT"], names


def test_what_has_no_route_has_no_name_but_the_method(stack: Stack) -> None:
    """A path that anybody makes up is no operation; and a query is not taken for a path that is left out."""
    for path in ("/nothing-here", "/checkout/"):
        answer = requests.get(stack.gateway + path, timeout=10)
        trace = stack.trace(answer.json()["trace_id"], 1)
        assert [title(span) for span in trace.spans] == ["gateway GET"]
    answer = requests.get(f"{stack.gateway}/products?after=/&limit=1", timeout=10)
    trace = stack.trace(answer.headers["traceresponse"].split("-")[1], 4)
    assert title(trace.root) == "gateway GET /products"


def test_no_span_holds_a_card_number(slow: Trace) -> None:
    """Neither attributes nor events name the card."""
    assert "4242424242424242" not in repr([(span.name, span.attributes, span.events) for span in slow.spans])
