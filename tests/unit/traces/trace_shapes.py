"""Traces written down as trees, times in ms, for tests."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from workshop.traces.model.trace import Event, Link, Span, Trace

T0 = 1_795_449_600_000_000_000
TRACE_ID = "5ca1ab1e" + "0" * 23 + "1"


@dataclass
class Node:
    """A span to be, with what is below it."""

    service: str
    name: str
    start: float
    ms: float
    children: tuple["Node", ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


def span(service: str, name: str, start: float, ms: float, *children: Node, **fields: Any) -> Node:
    """A span of `ms` milliseconds; `fields` are those of Span."""
    return Node(service, name, start, ms, children, fields)


def server(service: str, name: str, start: float, ms: float, *children: Node, status: int = 200, **fields: Any) -> Node:
    """A server span of a request, new conventions."""
    method, _, route = name.partition(" ")
    attributes = {
        "http.request.method": method,
        "http.route": route,
        "url.path": route,
        "http.response.status_code": status,
    }
    attributes |= fields.pop("attributes", {})
    return Node(service, name, start, ms, children, {"kind": "server", "attributes": attributes, **fields})


def call(
    service: str,
    target: str,
    start: float,
    ms: float,
    *children: Node,
    status: int | None = 200,
    **fields: Any,
) -> Node:
    """A client span of an HTTP request; `target` is like `POST http://order:8081/orders`."""
    method, _, url = target.partition(" ")
    attributes: dict[str, Any] = {"http.request.method": method, "url.full": url}
    if status is not None:
        attributes["http.response.status_code"] = status
        if status >= 400:
            fields.setdefault("status", "error")
    return Node(service, method, start, ms, children, {"kind": "client", "attributes": attributes, **fields})


def sql(service: str, text: str, start: float, ms: float, **fields: Any) -> Node:
    """A client span of a statement, as psycopg's instrumentation makes it."""
    attributes = {"db.system.name": "postgresql", "db.namespace": service, "db.query.text": text}
    return Node(
        service, text.split(maxsplit=1)[0], start, ms, (), {"kind": "client", "attributes": attributes, **fields}
    )


def spans(*tops: Node, trace_id: str = TRACE_ID) -> list[Span]:
    """The spans of the trees."""
    numbers = count(1)
    resources: dict[str, dict[str, Any]] = {}
    result: list[Span] = []
    stack: list[tuple[Node, str | None]] = [(top, None) for top in reversed(tops)]
    while stack:
        node, parent = stack.pop()
        values = {"kind": "internal", "parent_id": parent, "span_id": f"{next(numbers):016x}", **node.fields}
        made = Span(
            trace_id=trace_id,
            service=node.service,
            name=node.name,
            start=T0 + round(node.start * 1e6),
            end=T0 + round((node.start + node.ms) * 1e6),
            resource=resources.setdefault(node.service, {"service.name": node.service}),
            **values,
        )
        result.append(made)
        stack.extend((child, made.span_id) for child in reversed(node.children))
    return result


def trace(*tops: Node, trace_id: str = TRACE_ID) -> Trace:
    """The trace of the trees."""
    return Trace(spans(*tops, trace_id=trace_id))


def exception(kind: str, message: str, ms: float = 0.0) -> list[Event]:
    """The event that recording an exception makes."""
    return [Event("exception", T0 + round(ms * 1e6), {"exception.type": kind, "exception.message": message})]


def link(trace_id: str, span_id: str) -> list[Link]:
    """A link to a span elsewhere."""
    return [Link(trace_id, span_id, {})]


SUM = "SELECT sku, sum(quantity) FROM stock_movement WHERE sku = ANY(%s) GROUP BY sku"
PROVIDER = "POST http://127.0.0.1:8084/v1/charges"


LOCK = "SELECT sku FROM product WHERE sku = ANY(%s) ORDER BY sku FOR UPDATE"
TAKE = "INSERT INTO stock_movement (sku, quantity) VALUES (%s, %s)"
CONFIRM = "UPDATE orders SET status = %s WHERE id = %s"


def checkout(sum_ms: float = 1.5, provider_ms: float = 43.0, trace_id: str = TRACE_ID, jitter: float = 0.0) -> Trace:
    """A checkout of the shop; `sum_ms` is the ledger's statement, `provider_ms` the payment provider's answer."""
    inventory = sum_ms + 5
    payment = provider_ms + 3
    order = inventory + payment + 14 + jitter
    return trace(
        server(
            "gateway", "POST /checkout", 0, order + 6,
            call(
                "gateway", "POST http://127.0.0.1:8081/orders", 1, order + 4,
                server(
                    "order", "POST /orders", 2, order + 2,
                    span(
                        "order", "ProcessOrder", 3, order,
                        sql("order", "INSERT INTO orders (id, status) VALUES (%s, %s)", 4, 1),
                        call(
                            "order", "POST http://127.0.0.1:8082/reservations", 6, inventory + 2,
                            server(
                                "inventory", "POST /reservations", 7, inventory,
                                sql("inventory", LOCK, 8, 0.7),
                                sql("inventory", SUM, 9, sum_ms),
                                sql("inventory", TAKE, 9.2 + sum_ms, 0.8),
                                status=201,
                            ),
                            status=201,
                        ),
                        call(
                            "order", "POST http://127.0.0.1:8083/charges", 9 + inventory + jitter, payment + 2,
                            server(
                                "payment", "POST /charges", 10 + inventory + jitter, payment,
                                call("payment", PROVIDER, 11 + inventory + jitter, provider_ms, status=201),
                                status=201,
                            ),
                            status=201,
                        ),
                        span(
                            "order", "send order.confirmed", 12 + inventory + payment + jitter, 1.5,
                            sql("order", CONFIRM, 12.2 + inventory + payment + jitter, 1),
                            kind="producer",
                        ),
                        attributes={"order.id": "o-1", "order.item_count": 3},
                    ),
                    status=201,
                ),
                status=201,
            ),
            status=201,
        ),
        trace_id=trace_id,
    )  # fmt: skip
