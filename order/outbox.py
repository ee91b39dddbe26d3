"""The confirmation of an order, and the message about it."""

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from psycopg import Connection

from common.errors import Problem
from order import headers, store
from order.clients import Price

tracer = trace.get_tracer("order")

TOPIC = "order.confirmed"


def messaging(operation: str, **more: str) -> dict[str, str]:
    """The span attributes of an operation on our queue (semantic conventions, in development)."""
    return {
        "messaging.system": "postgresql",
        "messaging.destination.name": TOPIC,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        **more,
    }


def confirm(connection: Connection, order_id: str, price: Price) -> None:
    """Confirm the order and put its message into the outbox, once; Problem 409 when it has failed meanwhile."""
    with tracer.start_as_current_span(f"send {TOPIC}", kind=SpanKind.PRODUCER, attributes=messaging("send")):
        if store.confirm(connection, order_id, *price, topic=TOPIC, headers=headers.current()):
            return
        found = store.find(connection, order_id)
        if found is None or found["status"] != "confirmed":
            raise Problem(409, "the order was given up meanwhile", order_id=order_id, order_status="failed")
