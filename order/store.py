"""The order service's SQL: orders and the outbox."""

from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

CREATE = """
INSERT INTO orders (id, customer_id, items) VALUES (%(id)s, %(customer_id)s, %(items)s)
"""

FIND = """
SELECT id AS order_id, customer_id, items, status, reason, total_cents, currency, created_at, announced_at
FROM orders
WHERE id = %(id)s
"""

CONFIRM = """
UPDATE orders
SET status = 'confirmed', total_cents = %(total_cents)s, currency = %(currency)s, updated_at = now()
WHERE id = %(id)s AND status = 'pending'
"""

FAIL = """
UPDATE orders SET status = 'failed', reason = %(reason)s, updated_at = now()
WHERE id = %(id)s AND status = 'pending'
"""

PUBLISH = """
INSERT INTO outbox (topic, order_id, headers) VALUES (%(topic)s, %(order_id)s, %(headers)s)
"""

# A message that another worker holds is skipped, not waited for.
NEXT_MESSAGE = """
SELECT id, topic, order_id, headers
FROM outbox
ORDER BY id
LIMIT 1
FOR UPDATE SKIP LOCKED
"""

ANNOUNCE = """
UPDATE orders SET announced_at = now() WHERE id = %(order_id)s AND announced_at IS NULL
"""

SETTLE = """
DELETE FROM outbox WHERE id = %(id)s
"""


class Message(NamedTuple):
    """A message in the outbox, with the trace context of the span that sent it."""

    id: int
    topic: str
    order_id: str
    headers: dict[str, str]


def create(connection: Connection, order_id: str, customer_id: str, items: list[dict[str, Any]]) -> None:
    """Write down a pending order."""
    connection.execute(CREATE, {"id": order_id, "customer_id": customer_id, "items": Jsonb(items)})


def find(connection: Connection, order_id: str) -> dict[str, Any] | None:
    """An order as GET /orders/<id> shows it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(FIND, {"id": order_id}).fetchone()


def confirm(connection: Connection, order_id: str, total_cents: int, currency: str) -> None:
    """Confirm a pending order."""
    connection.execute(CONFIRM, {"id": order_id, "total_cents": total_cents, "currency": currency})


def fail(connection: Connection, order_id: str, reason: str) -> None:
    """Mark a pending order as failed, and say why."""
    connection.execute(FAIL, {"id": order_id, "reason": reason})


def publish(connection: Connection, topic: str, order_id: str, headers: dict[str, str]) -> None:
    """Put a message into the outbox."""
    connection.execute(PUBLISH, {"topic": topic, "order_id": order_id, "headers": Jsonb(headers)})


def next_message(connection: Connection) -> Message | None:
    """The oldest message that no other worker holds; held until the transaction ends."""
    with connection.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(NEXT_MESSAGE).fetchone()


def announce(connection: Connection, order_id: str) -> None:
    """Note that the order's confirmation was delivered; a second delivery changes nothing."""
    connection.execute(ANNOUNCE, {"order_id": order_id})


def settle(connection: Connection, message: Message) -> None:
    """Take a delivered message out of the outbox."""
    connection.execute(SETTLE, {"id": message.id})
