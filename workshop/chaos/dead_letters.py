"""`spans dead-letters` and `retry`: what the worker has set aside after several attempts, and another try."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from workshop.stack import database, own
from workshop.stack.errors import StackError
from workshop.stack.screen import say
from workshop.stack.settings import Settings

DEAD_LETTERS = """
SELECT 'message' AS kind, id::text, order_id, attempts, error, set_aside_at
FROM outbox
WHERE set_aside_at IS NOT NULL
UNION ALL
SELECT 'order', id, id, settle_attempts, settle_error, set_aside_at
FROM orders
WHERE set_aside_at IS NOT NULL AND status = 'pending'
ORDER BY set_aside_at, id
"""

RETRY_MESSAGES = """
UPDATE outbox SET set_aside_at = NULL, attempts = 0, due_at = clock_timestamp() WHERE set_aside_at IS NOT NULL
"""

RETRY_ORDERS = """
UPDATE orders SET set_aside_at = NULL, settle_attempts = 0, left_at = clock_timestamp()
WHERE set_aside_at IS NOT NULL AND status = 'pending'
"""

WHAT_TO_DO = (
    "put right what the reason names (make logs SERVICE=order-worker has more), then make retry; "
    "make dead-letters shows them again"
)


class DeadLetter(NamedTuple):
    """A message about an order, or an order itself, that the worker has set aside."""

    kind: str
    id: str
    order_id: str
    attempts: int
    error: str | None
    set_aside_at: Any

    def __str__(self) -> str:
        what = f"order {self.id}" if self.kind == "order" else f"message {self.id} about order {self.order_id}"
        return f"{what}: set aside after {self.attempts} attempts: {self.error}"


@contextmanager
def orders(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the orders' database; StackError when there is none to be had, or a statement fails."""
    try:
        with psycopg.connect(settings.database_url("orders", "orders"), connect_timeout=3) as connection:
            database.check_own(connection, settings)
            connection.execute("SET lock_timeout = '5s'")
            yield connection
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise StackError(f"PostgreSQL cannot be asked ({reason}): is the stack up? make status, make up") from None


def read(connection: psycopg.Connection[Any]) -> list[DeadLetter]:
    """All of them, the oldest first."""
    with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        return cursor.execute(DEAD_LETTERS).fetchall()


def show(as_json: bool) -> None:
    """Print each with its reason, and what to do."""
    with orders(own.system()) as connection:
        found = read(connection)
    if as_json:
        rows = [{**each._asdict(), "set_aside_at": each.set_aside_at.isoformat()} for each in found]
        print(json.dumps(rows, indent=1))
        return
    for each in found:
        say(f"{each.set_aside_at:%Y-%m-%d %H:%M:%S}  {each}")
    say(f"{len(found)} dead letters: {WHAT_TO_DO}." if found else "There are no dead letters.")


def retry() -> None:
    """Hand all of them back to the worker, with as many attempts as before."""
    with orders(own.system()) as connection:
        messages = connection.execute(RETRY_MESSAGES).rowcount
        pending = connection.execute(RETRY_ORDERS).rowcount
        connection.execute("NOTIFY outbox")
    if not messages + pending:
        say("There are no dead letters.")
        return
    say(f"{messages} messages and {pending} orders are tried again now. Those that fail again: make dead-letters.")


def in_words(settings: Settings) -> str:
    """For `make status`: how many there are, and what to do."""
    try:
        with orders(settings) as connection:
            count = len(read(connection))
    except StackError as error:
        return f"unknown, {error}"
    return f"{count} (make dead-letters tells why, make retry tries again)" if count else "none"
