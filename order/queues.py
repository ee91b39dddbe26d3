"""What the worker takes from the database: messages to deliver, and orders to settle. With its SQL.

Both are queues in a table: rows are due at a time, the one that is due first is taken first, and one that another
worker holds is skipped, not waited for. What fails again and again is set aside as a dead letter, with its reason.
"""

import time
from typing import Any, Generic, NamedTuple, TypeVar

from psycopg import Connection
from psycopg.rows import BaseRowFactory, class_row

# So often in vain, and a row is set aside.
MOST_ATTEMPTS = 5
# Longest pause between two attempts to deliver a message, in seconds.
LONGEST_PAUSE = 30
# How often the mark is moved on, and how often everything is looked at again, in seconds.
MARK_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 20.0
# A row may be committed so many seconds after the moment that is its place in the queue.
COMMIT_SECONDS = 2.0

# The message is gone when the transaction that delivers it commits. Its headers are parsed by whoever delivers it:
# what cannot be read is that message's fault, and nobody else's.
TAKE_MESSAGE = """
DELETE FROM outbox
WHERE id = (
    SELECT id FROM outbox
    WHERE set_aside_at IS NULL AND due_at BETWEEN %(mark)s::timestamptz AND now()
    ORDER BY due_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING id, topic, order_id, headers::text
"""

OLDEST_MESSAGE = """
SELECT least(now() - make_interval(secs => %(commit)s), (
    SELECT due_at FROM outbox
    WHERE set_aside_at IS NULL AND due_at >= %(mark)s::timestamptz
    ORDER BY due_at
    LIMIT 1
))::text
"""

PUT_BACK_MESSAGE = """
UPDATE outbox
SET attempts = attempts + 1, error = %(error)s,
    due_at = clock_timestamp() + make_interval(secs => least(2 ^ least(attempts, 10), %(longest)s)),
    set_aside_at = CASE WHEN %(own)s AND attempts + 1 >= %(most)s THEN now() END
WHERE id = %(id)s
RETURNING set_aside_at IS NOT NULL
"""

# Taking it in hand moves it to the end of the line, so that no other worker takes it at the same time.
TAKE_LEFT = """
UPDATE orders SET attended_at = clock_timestamp(), left_at = NULL
WHERE id = (
    SELECT id FROM orders
    WHERE status = 'pending' AND set_aside_at IS NULL AND left_at BETWEEN %(mark)s::timestamptz AND now()
    ORDER BY left_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING id, headers::text
"""

OLDEST_LEFT = """
SELECT least(now() - make_interval(secs => %(commit)s), (
    SELECT left_at FROM orders
    WHERE status = 'pending' AND set_aside_at IS NULL AND left_at >= %(mark)s::timestamptz
    ORDER BY left_at
    LIMIT 1
))::text
"""

TAKE_STALE = """
UPDATE orders SET attended_at = clock_timestamp(), left_at = NULL
WHERE id = (
    SELECT id FROM orders
    WHERE status = 'pending' AND set_aside_at IS NULL
      AND attended_at BETWEEN %(mark)s::timestamptz AND now() - make_interval(secs => %(seconds)s)
    ORDER BY attended_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING id, headers::text
"""

OLDEST_STALE = """
SELECT least(now() - make_interval(secs => %(commit)s), (
    SELECT attended_at FROM orders
    WHERE status = 'pending' AND set_aside_at IS NULL AND attended_at >= %(mark)s::timestamptz
    ORDER BY attended_at
    LIMIT 1
))::text
"""

PUT_BACK_ORDER = """
UPDATE orders
SET settle_attempts = settle_attempts + 1, settle_error = %(error)s,
    set_aside_at = CASE WHEN %(own)s AND settle_attempts + 1 >= %(most)s THEN now() END
WHERE id = %(id)s AND status = 'pending'
RETURNING set_aside_at IS NOT NULL
"""


class Message(NamedTuple):
    """A message in the outbox; `headers` is JSON, the trace context of the span that sent it."""

    id: int
    topic: str
    order_id: str
    headers: str


class LeftOrder(NamedTuple):
    """A pending order that nobody has in hand; `headers` is JSON, its checkout's trace context, or None."""

    id: str
    headers: str | None


Row = TypeVar("Row", Message, LeftOrder)


class Queue(Generic[Row]):
    """Takes rows in their order, with a mark below which none is left. For one connection.

    A row that was taken stays in the index as long as anybody holds an older snapshot: a report, a dump, a forgotten
    BEGIN. Without the mark each look would begin with all of these, ever more of them. What is committed too late to be
    seen above the mark, or has its time from a clock that was set back, is found when everything is looked at again.
    """

    def __init__(self, row: type[Row], take: str, oldest: str, **values: float) -> None:
        self._row: BaseRowFactory[Row] = class_row(row)
        self._take, self._oldest, self._values = take, oldest, values
        self._mark = "-infinity"
        self._move_at = self._look_again_at = 0.0

    def take(self, connection: Connection) -> Row | None:
        """The row that is due and that nobody else holds, the oldest of them; None when there is none."""
        self._move(connection)
        with connection.cursor(row_factory=self._row) as cursor:
            return cursor.execute(self._take, {"mark": self._mark, **self._values}).fetchone()

    def _move(self, connection: Connection) -> None:
        now = time.monotonic()
        if now >= self._look_again_at:
            self._mark, self._look_again_at, self._move_at = "-infinity", now + LOOK_AGAIN_SECONDS, now
        if now >= self._move_at:
            values = {"mark": self._mark, "commit": COMMIT_SECONDS}
            (self._mark,) = connection.execute(self._oldest, values).fetchone() or ("-infinity",)
            self._move_at = now + MARK_SECONDS


def messages() -> Queue[Message]:
    """The outbox."""
    return Queue(Message, TAKE_MESSAGE, OLDEST_MESSAGE)


def left_orders() -> Queue[LeftOrder]:
    """Pending orders that were given up by whoever had them in hand."""
    return Queue(LeftOrder, TAKE_LEFT, OLDEST_LEFT)


def stale_orders(seconds: float) -> Queue[LeftOrder]:
    """Pending orders that nobody has attended for so long."""
    return Queue(LeftOrder, TAKE_STALE, OLDEST_STALE, seconds=seconds)


def put_back_message(connection: Connection, message_id: int, error: str, *, own: bool) -> bool:
    """Note a failed attempt and try again later; True when the message is set aside instead, for a fault of its own."""
    values = {"id": message_id, "error": error, "own": own, "most": MOST_ATTEMPTS, "longest": LONGEST_PAUSE}
    return _set_aside(connection, PUT_BACK_MESSAGE, values)


def put_back_order(connection: Connection, order_id: str, error: str, *, own: bool) -> bool:
    """The same for an order that could not be settled; it waits for its turn again."""
    values = {"id": order_id, "error": error, "own": own, "most": MOST_ATTEMPTS}
    return _set_aside(connection, PUT_BACK_ORDER, values)


def _set_aside(connection: Connection, statement: str, values: dict[str, Any]) -> bool:
    row = connection.execute(statement, values).fetchone()
    return bool(row and row[0])
