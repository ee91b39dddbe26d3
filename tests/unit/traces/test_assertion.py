"""The assertion on a trace's shape, for our tests and for other people's."""

import pytest

from tests.unit.traces.trace_shapes import call, checkout, server, span, trace
from workshop.traces.assertion import TraceShapeError, assert_trace

EDGES = [
    ("gateway POST /checkout", "order POST /orders"),
    ("order POST /orders", "order ProcessOrder"),
    ("order ProcessOrder", "inventory POST /reservations"),
    ("inventory POST /reservations", "inventory SELECT stock_movement"),
    ("order ProcessOrder", "payment POST /charges"),
    ("payment POST /charges", "payment POST 127.0.0.1:8084/v1/charges"),
    ("order ProcessOrder", "order send order.confirmed"),
]


def test_a_checkout_has_its_shape() -> None:
    """Edges, counts and attributes of the healthy checkout hold."""
    assert_trace(
        checkout(),
        edges=EDGES,
        absent=["order release*", "provider *"],
        counts={"inventory SELECT*": 2, "gateway *": (2, None), "order POST": 2},
        attributes={"order ProcessOrder": {"order.item_count": 3, "order.id": lambda value: value.startswith("o-")}},
    )


@pytest.mark.parametrize("caller, callee", EDGES, ids=[f"{a} -> {b}" for a, b in EDGES])
def test_each_edge_is_missed_when_it_is_gone(caller: str, callee: str) -> None:
    """Without the spans of the callee the edge is told to be missing."""
    made = checkout()
    with pytest.raises(TraceShapeError, match="there is no"):
        assert_trace(made, edges=[(caller, callee + " gone")])


def failure(**expected: object) -> str:
    """The message for a trace with most of what can be wrong."""
    made = trace(
        server("gateway", "POST /checkout", 0, 50, call("gateway", "POST http://order/orders", 1, 48)),
        server(
            "order", "POST /orders", 2, 40, span("order", "ProcessOrder", 3, 30, attributes={"order.item_count": 2})
        ),
        span("payment", "POST /charges", 2, 40, parent_id="00000000000000ff", status="error"),
    )
    with pytest.raises(TraceShapeError) as error:
        assert_trace(made, **expected)  # type: ignore[arg-type]
    return str(error.value)


def test_the_message_lists_differences_and_marks_them_in_the_tree() -> None:
    """Numbers lead from the list to the tree's lines."""
    message = failure(edges=[("gateway POST /checkout", "order POST /orders")])
    assert "1. expected one root, found 2" in message
    assert "2. expected no orphans, found 1" in message
    assert "3. expected no errors, found 1 (payment POST /charges: error)" in message
    assert "4. edge 'gateway POST /checkout' -> 'order POST /orders'" in message
    assert "is at the top, without a parent" in message
    line = next(line for line in message.splitlines() if line.lstrip("▶ ").startswith("order ") and "/orders" in line)
    assert "POST /orders  <== 1, 4" in line


def test_messages_name_what_there_is_instead() -> None:
    """A misspelt name is seen at a glance."""
    quiet = {"one_root": False, "no_orphans": False, "no_errors": False}
    assert "of order there are: order POST /orders, order ProcessOrder" in failure(
        edges=[("gateway POST /checkout", "order POST /order")], **quiet
    )
    assert "no span of inventory; services: gateway, order, payment" in failure(
        attributes={"inventory POST": {"a": 1}}, **quiet
    )
    assert "expected 2 to any number of 'order Process*', found 1" in failure(
        counts={"order Process*": (2, None)}, **quiet
    )
    assert "attribute order.item_count of 'order ProcessOrder': expected 3, got 2" in failure(
        attributes={"order ProcessOrder": {"order.item_count": 3}}, **quiet
    )
    assert "expected no 'order ProcessOrder', found 1" in failure(absent=["order ProcessOrder"], **quiet)


def test_an_edge_through_another_span_does_not_hold() -> None:
    """Only the call's own client span may lie between."""
    made = trace(
        server(
            "a", "GET /", 0, 9, span("a", "work", 1, 7, call("a", "GET http://b/", 2, 5, server("b", "GET /", 3, 3)))
        )
    )
    assert_trace(made, edges=[("a work", "b GET /"), ("a work", "a GET"), ("a GET", "b GET /")])
    with pytest.raises(TraceShapeError, match="'b GET /' is under 'a GET'"):
        assert_trace(made, edges=[("a GET /", "b GET /")])


def test_brackets_in_names_are_only_brackets() -> None:
    """A route such as [id] is no pattern."""
    made = trace(server("web", "GET /items/[id]", 0, 5))
    assert_trace(made, counts={"web GET /items/[id]": 1, "web GET /items/[*": 1})
