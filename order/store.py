"""The order service's SQL: orders and the outbox."""

from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from common.errors import Problem

CREATE = """
INSERT INTO orders (id, customer_id, idempotency_key, items)
VALUES (%(id)s, %(customer_id)s, %(idempotency_key)s, %(items)s)
ON CONFLICT (customer_id, idempotency_key) DO NOTHING
"""

FIND = """
SELECT id AS order_id, customer_id, items, status, reason, total_cents, currency, created_at, announced_at
FROM orders
WHERE id = %(id)s
"""

# What the first answer is made of.
FIND_FIRST = """
SELECT id AS order_id, items, status, failure, total_cents, currency
FROM orders
WHERE id = %(id)s
"""

FIND_BY_KEY = """
SELECT id AS order_id, items, status, failure, total_cents, currency
FROM orders
WHERE customer_id = %(customer_id)s AND idempotency_key = %(idempotency_key)s
"""

# The confirmation and its message: one statement, so that neither is without the other.
CONFIRM = """
WITH confirmed AS (
    UPDATE orders
    SET status = 'confirmed', total_cents = %(total_cents)s, currency = %(currency)s
    WHERE id = %(id)s AND status = 'pending'
    RETURNING id
)
INSERT INTO outbox (topic, order_id, headers)
SELECT %(topic)s, id, %(headers)s FROM confirmed
"""

# What the client was told already stands. A failure of ours (5xx) frees the customer's key: a repetition is a new
# attempt. One of theirs keeps it.
FAIL = """
UPDATE orders
SET status = 'failed', reason = COALESCE(reason, %(reason)s), failure = COALESCE(failure, %(failure)s),
    idempotency_key = CASE WHEN failure IS NULL AND %(ours)s THEN id ELSE idempotency_key END
WHERE id = %(id)s AND status = 'pending'
"""

# Whoever had it in hand gives it up, so it is the next that the worker takes. A failure of the customer's is decided
# by now, though not yet undone.
LEAVE = """
UPDATE orders
SET attended_at = '-infinity', reason = COALESCE(reason, %(reason)s), failure = COALESCE(failure, %(failure)s)
WHERE id = %(id)s AND status = 'pending'
"""

# Taking it in hand moves it to the end of the line, so that no other worker takes it at the same time.
TAKE_STALE = """
UPDATE orders SET attended_at = now()
WHERE id = (
    SELECT id FROM orders
    WHERE status = 'pending' AND attended_at < now() - make_interval(secs => %(seconds)s)
    ORDER BY attended_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING id
"""

# A message that another worker holds is skipped, not waited for. It is gone when the transaction commits.
TAKE_MESSAGE = """
DELETE FROM outbox
WHERE id = (SELECT id FROM outbox ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, topic, order_id, headers
"""

ANNOUNCE = """
UPDATE orders SET announced_at = now() WHERE id = %(order_id)s AND announced_at IS NULL
"""


class Message(NamedTuple):
    """A message in the outbox, with the trace context of the span that sent it."""

    id: int
    topic: str
    order_id: str
    headers: dict[str, str]


def create(
    connection: Connection, order_id: str, customer_id: str, idempotency_key: str, items: list[dict[str, Any]]
) -> bool:
    """Write down a pending order; False when the customer has used the key before."""
    values = {"id": order_id, "customer_id": customer_id, "idempotency_key": idempotency_key, "items": Jsonb(items)}
    return connection.execute(CREATE, values).rowcount > 0


def find(connection: Connection, order_id: str) -> dict[str, Any] | None:
    """An order as GET /orders/<id> shows it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(FIND, {"id": order_id}).fetchone()


def find_first(connection: Connection, order_id: str) -> dict[str, Any] | None:
    """The order, with how its failure was told."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(FIND_FIRST, {"id": order_id}).fetchone()


def find_by_key(connection: Connection, customer_id: str, idempotency_key: str) -> dict[str, Any] | None:
    """The customer's order with this key, with how its failure was told."""
    with connection.cursor(row_factory=dict_row) as cursor:
        values = {"customer_id": customer_id, "idempotency_key": idempotency_key}
        return cursor.execute(FIND_BY_KEY, values).fetchone()


def confirm(
    connection: Connection, order_id: str, total_cents: int, currency: str, *, topic: str, headers: dict[str, str]
) -> bool:
    """Confirm a pending order and put the message about it into the outbox; False when it is decided already."""
    values = {"id": order_id, "total_cents": total_cents, "currency": currency}
    return connection.execute(CONFIRM, {**values, "topic": topic, "headers": Jsonb(headers)}).rowcount > 0


def fail(connection: Connection, order_id: str, problem: Problem) -> bool:
    """Fail a pending order, and keep what its client is told; False when it is decided already."""
    values = {"id": order_id, **_failure(problem), "ours": problem.status >= 500}
    return connection.execute(FAIL, values).rowcount > 0


def leave(connection: Connection, order_id: str, problem: Problem) -> None:
    """Leave a pending order to the worker; a customer's failure (4xx) is kept as what it comes to."""
    told = _failure(problem) if problem.status < 500 else {"reason": None, "failure": None}
    connection.execute(LEAVE, {"id": order_id, **told})


def _failure(problem: Problem) -> dict[str, Any]:
    """The columns that say why an order failed, and how its client was told."""
    failure = {"status": problem.status, "detail": problem.detail, "extra": problem.extra}
    return {"reason": str(problem.extra.get("reason") or problem.detail), "failure": Jsonb(failure)}


def take_stale(connection: Connection, seconds: float) -> str | None:
    """The id of an order that has been pending, unattended, for so long; it counts as attended from now."""
    row = connection.execute(TAKE_STALE, {"seconds": seconds}).fetchone()
    return str(row[0]) if row else None


def take_message(connection: Connection) -> Message | None:
    """Take the oldest message that no other worker holds out of the queue; it is back if the transaction fails."""
    with connection.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(TAKE_MESSAGE).fetchone()


def announce(connection: Connection, order_id: str) -> None:
    """Note that the order's confirmation was delivered; a second delivery changes nothing."""
    connection.execute(ANNOUNCE, {"order_id": order_id})
