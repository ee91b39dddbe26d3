"""The order service's SQL: orders and the outbox."""

from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from common.errors import Problem

CREATE = """
INSERT INTO orders (id, customer_id, idempotency_key, items, headers, request_digest)
VALUES (%(id)s, %(customer_id)s, %(idempotency_key)s, %(items)s, %(headers)s, %(request_digest)s)
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
SELECT id AS order_id, items, request_digest, status, failure, total_cents, currency
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
# attempt. One of theirs keeps it. A key that is free is NULL: whatever else stood there, a customer may have as a key.
FAIL = """
UPDATE orders
SET status = 'failed', reason = COALESCE(reason, %(reason)s), failure = COALESCE(failure, %(failure)s),
    idempotency_key = CASE WHEN failure IS NULL AND %(ours)s THEN NULL ELSE idempotency_key END
WHERE id = %(id)s AND status = 'pending'
"""

# Whoever had it in hand gives it up, so it is the next that the worker takes. A failure of the customer's is decided
# by now, though not yet undone.
LEAVE = """
UPDATE orders
SET left_at = clock_timestamp(), reason = COALESCE(reason, %(reason)s), failure = COALESCE(failure, %(failure)s)
WHERE id = %(id)s AND status = 'pending'
"""

# Again and again, as often as the message is delivered: the first time stands.
ANNOUNCE = """
UPDATE orders SET announced_at = coalesce(announced_at, now()) WHERE id = %(order_id)s AND status = 'confirmed'
"""


def create(
    connection: Connection,
    order_id: str,
    customer_id: str,
    idempotency_key: str,
    items: list[dict[str, Any]],
    headers: dict[str, str],
    request_digest: str,
) -> bool:
    """Write down a pending order and its trace context; False when the customer has used the key before."""
    values = {
        "id": order_id,
        "customer_id": customer_id,
        "idempotency_key": idempotency_key,
        "items": Jsonb(items),
        "headers": Jsonb(headers),
        "request_digest": request_digest,
    }
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


def announce(connection: Connection, order_id: str) -> bool:
    """Note that the order's confirmation was delivered, once; False when there is no such order, or not confirmed."""
    return connection.execute(ANNOUNCE, {"order_id": order_id}).rowcount > 0
