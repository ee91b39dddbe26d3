"""What it costs to take a message while somebody holds a snapshot, so that nothing that was taken can be removed.

python -m bench.queues [--messages 100000]

The messages are taken one by one until none is left, as the worker does it; then the same once more without the mark,
that is, from the start of the index each time. The commits are not waited for: the look is what is measured.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from order import queues
from services.postgres import migrations, prepare
from workshop.stack.local import system as local
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import ROOT

# Confirmed in the last hour, one every few milliseconds.
MESSAGES = """
INSERT INTO outbox (topic, order_id, headers, due_at)
SELECT 'order.confirmed', n::text, '{}', now() - interval '1 hour' + n * interval '1 hour' / %(count)s
FROM generate_series(0, %(count)s - 1) AS n
"""
ORDERS = """
INSERT INTO orders (id, customer_id, idempotency_key, items, attended_at)
SELECT n::text, 'c', n::text, '[]', now() - interval '1 hour' + n * interval '50 minutes' / %(count)s
FROM generate_series(0, %(count)s - 1) AS n
"""


class Unmarked(queues.Queue[Any]):
    """A queue that is read from its start."""

    def _move(self, connection: psycopg.Connection) -> None:
        pass


def take_all(connection: psycopg.Connection, queue: queues.Queue[Any], count: int) -> list[float]:
    """Take so many rows; how long each took, in ms."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        assert queue.take(connection) is not None
        times.append((time.perf_counter() - began) * 1000)
    return times


def tell(name: str, first: list[float], last: list[float]) -> None:
    """The median of the first and of the last ones, and their ratio."""
    early, late = statistics.median(first), statistics.median(last)
    print(f"{name:36} first {early:6.2f} ms   last {late:7.2f} ms   ratio {late / early:6.1f}", flush=True)


def measure_messages(connection: psycopg.Connection, count: int) -> None:
    """All messages through the queue; then the last ones without a mark, which would take hours for all."""
    sample = min(1000, count // 10)
    connection.execute(MESSAGES, {"count": count})
    times = take_all(connection, queues.messages(), count)
    tell("taking a message", times[:sample], times[-sample:])
    connection.execute(MESSAGES, {"count": 200})
    unmarked = Unmarked(queues.Message, queues.TAKE_MESSAGE, queues.OLDEST_MESSAGE)
    tell("  without the mark", times[:sample], take_all(connection, unmarked, 200))


def measure_orders(connection: psycopg.Connection, count: int) -> None:
    """The look for an order that nobody attends, before there were any and after all of them were decided."""
    marked = queues.stale_orders(30)
    unmarked = Unmarked(queues.LeftOrder, queues.TAKE_STALE, queues.OLDEST_STALE, seconds=30)
    first = looks(connection, unmarked)
    connection.execute(ORDERS, {"count": count})
    take_all(connection, marked, 100)
    connection.execute("UPDATE orders SET status = 'confirmed'")
    # Until the mark has moved, as it does every second.
    until = time.monotonic() + 2 * queues.MARK_SECONDS
    while time.monotonic() < until:
        assert marked.take(connection) is None
    tell("looking for an order to settle", first, looks(connection, marked))
    tell("  without the mark", first, looks(connection, unmarked))


def looks(connection: psycopg.Connection, queue: queues.Queue[Any]) -> list[float]:
    """A hundred looks that find nothing, in ms each."""
    times = []
    for _ in range(100):
        began = time.perf_counter()
        assert queue.take(connection) is None
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000, help="how many messages, and how many orders")
    count = parser.parse_args().messages
    with tempfile.TemporaryDirectory() as folder:
        scratch = ScratchStack(Path(folder) / "state")
        with scratch.only_postgres():
            url = scratch.settings.database_url("orders", "orders")
            with psycopg.connect(scratch.settings.database_url("postgres", "postgres"), autocommit=True) as admin:
                prepare.make_database(admin, url, {})
            migrations.apply(url, ROOT / "order" / "migrations")
            print(f"{count:,} messages and as many orders, one snapshot open", flush=True)
            with psycopg.connect(url) as report, psycopg.connect(url, autocommit=True) as connection:
                report.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                report.execute("SELECT 1")
                connection.execute("SET synchronous_commit = off")
                measure_messages(connection, count)
                measure_orders(connection, count)
        local.remove(scratch.settings)


if __name__ == "__main__":
    main()
