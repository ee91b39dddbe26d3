"""The worker, on a real PostgreSQL, with an inventory and a payment service that answer what a test wants."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest

from order import queues, store
from services import secret
from services.postgres import migrations, prepare
from tests.integration.conftest import Eventually
from workshop.chaos import dead_letters
from workshop.stack import own
from workshop.stack.local import supervisor
from workshop.stack.local import system as local
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.services import BY_NAME, not_ready
from workshop.stack.settings import ROOT

SETTLE_AFTER = 22
CANCELED = {"status": "canceled", "amount_cents": None, "currency": None}


class Neighbours:
    """Inventory and payment: `answers` has an order's answer to the question what it was charged, else `usual`."""

    def __init__(self) -> None:
        self.usual: tuple[int, object] = (200, CANCELED)
        self.answers: dict[str, tuple[int, object]] = {}
        self.hang = threading.Event()
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                outer.asked.append(self.path)
                parts = self.path.split("/")
                if outer.hang.is_set() and parts[1] == "charges":
                    while outer.hang.is_set():
                        time.sleep(0.05)
                status, body = outer.answers.get(parts[2], outer.usual) if parts[1] == "charges" else (200, {})
                text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            do_POST = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Shop:
    """The orders' database, and the worker beside it."""

    def __init__(self, scratch: ScratchStack, log: Path) -> None:
        self.scratch, self.log = scratch, log
        self.url = scratch.settings.database_url("orders", "orders")
        self.db = psycopg.connect(self.url, autocommit=True)
        self.neighbours = Neighbours()
        self.alive = scratch.settings.state / "order-worker.alive"
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start a worker; what is there of an earlier one does not stand for it."""
        self.alive.unlink(missing_ok=True)
        environment = supervisor.environment(self.scratch.settings) | {
            "DATABASE_URL": self.url,
            "INVENTORY_URL": self.neighbours.url,
            "PAYMENT_URL": self.neighbours.url,
            "OTEL_SERVICE_NAME": "order-worker",
            "SETTLE_AFTER_SECONDS": str(SETTLE_AFTER),
            "LIVENESS_FILE": str(self.alive),
            "LOG_LEVEL": "INFO",
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "order.worker"]
            self.worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def end(self) -> int:
        """SIGTERM; the exit code."""
        assert self.worker
        self.worker.terminate()
        return self.worker.wait(30)

    def order(self, order_id: str, status: str = "confirmed", key: str | None = None, ago: float = 0) -> str:
        """An order of the customer c's; a pending one that nobody has attended for `ago` seconds."""
        self.db.execute(
            "INSERT INTO orders (id, customer_id, idempotency_key, items, status, attended_at) "
            "VALUES (%s, 'c', %s, '[]', %s, now() - make_interval(secs => %s))",
            (order_id, key or f"key-{order_id}", status, ago),
        )
        return order_id

    def send(self, order_id: str, headers: str = "{}", topic: str = "order.confirmed") -> int:
        """A message about the order; its id."""
        statement = "INSERT INTO outbox (topic, order_id, headers) VALUES (%s, %s, %s::jsonb) RETURNING id"
        (number,) = self.db.execute(statement, (topic, order_id, headers)).fetchone() or (0,)
        return int(number)

    def announced(self, *order_ids: str) -> int:
        """How many of these orders are announced."""
        statement = "SELECT count(*) FROM orders WHERE id = ANY(%s) AND announced_at IS NOT NULL"
        (count,) = self.db.execute(statement, (list(order_ids),)).fetchone() or (0,)
        return int(count)

    def row(self, statement: str, *values: object) -> Any:
        """The first row of an answer."""
        return self.db.execute(statement.encode(), values).fetchone()

    def hurry(self) -> None:
        """Let the time pass that the worker would wait before it tries again."""
        self.db.execute("UPDATE outbox SET due_at = clock_timestamp() WHERE attempts > 0 AND set_aside_at IS NULL")
        self.db.execute(
            "UPDATE orders SET left_at = clock_timestamp() WHERE settle_attempts > 0 AND status = 'pending'"
        )

    def dead_letters(self) -> list[dict[str, Any]]:
        """As `spans dead-letters --json` tells them."""
        found: list[dict[str, Any]] = json.loads(self.told(lambda: dead_letters.show(as_json=True)))
        return found

    def told(self, command: Callable[[], None]) -> str:
        """What a command prints: here, since the program itself refuses where no gateway answers."""
        out = io.StringIO()
        with mock.patch.object(own, "system", lambda: self.scratch.settings), contextlib.redirect_stdout(out):
            command()
        return out.getvalue()

    def said(self) -> str:
        """The worker's log."""
        return self.log.read_text()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchStack]:
    """A PostgreSQL with the orders' database."""
    scratch = ScratchStack(tmp_path_factory.mktemp("worker"))
    with scratch.only_postgres():
        with psycopg.connect(scratch.settings.database_url("postgres", "postgres"), autocommit=True) as admin:
            prepare.make_database(admin, scratch.settings.database_url("orders", "orders"), {})
        migrations.apply(scratch.settings.database_url("orders", "orders"), ROOT / "order" / "migrations")
        secret.make(scratch.settings.state / "secrets")
        yield scratch
    local.remove(scratch.settings)


@pytest.fixture
def shop(postgres: ScratchStack, tmp_path: Path) -> Iterator[Shop]:
    """An empty database, and a worker."""
    shop = Shop(postgres, tmp_path / "worker.log")
    shop.db.execute("TRUNCATE orders, outbox")
    shop.start()
    try:
        yield shop
    finally:
        shop.neighbours.hang.clear()
        code = shop.end()
        shop.db.close()
        shop.neighbours.server.shutdown()
        shop.neighbours.server.server_close()
    assert code == 0, f"the worker had ended, or did not end well:\n{shop.said()}"


def deep(levels: int) -> str:
    """Lists in one another: PostgreSQL takes them, a parser that calls itself does not."""
    return "[" * levels + "]" * levels


MALFORMED = {
    "a list": ("[1, 2]", "order.confirmed", "its headers are no object of strings: [1, 2]"),
    "null": ("null", "order.confirmed", "its headers are no object of strings: null"),
    "a number": ("7", "order.confirmed", "its headers are no object of strings: 7"),
    "a text": ('"traceparent"', "order.confirmed", "its headers are no object of strings"),
    "a value of another type": ('{"traceparent": ["00-1"]}', "order.confirmed", "no object of strings"),
    "a number that Python does not read": (f'{{"x": {"9" * 5000}}}', "order.confirmed", "ValueError: "),
    "too deep": (f'{{"x": {deep(3000)}}}', "order.confirmed", "no object of strings"),
    "another topic": ("{}", "order.shipped", "nobody delivers the topic 'order.shipped'"),
}


def test_malformed_messages_are_set_aside(shop: Shop, eventually: Eventually) -> None:
    """Each after some attempts, with its reason; those behind them are delivered at once, and the worker lives."""
    sent = {}
    for what, (headers, topic, _) in MALFORMED.items():
        sent[str(shop.send(shop.order(what), headers, topic))] = what
    shop.send(shop.order("good"))
    eventually("the message behind them is delivered", lambda: shop.announced("good"))

    def aside() -> bool:
        shop.hurry()
        return bool(shop.row("SELECT count(*) = %s FROM outbox WHERE set_aside_at IS NOT NULL", len(MALFORMED))[0])

    eventually("all are set aside", aside)
    letters = {sent[letter["id"]]: letter for letter in shop.dead_letters()}
    assert letters.keys() == MALFORMED.keys()
    for what, letter in letters.items():
        assert (letter["kind"], letter["order_id"], letter["attempts"]) == ("message", what, queues.MOST_ATTEMPTS)
        assert MALFORMED[what][2] in letter["error"]
    assert not shop.announced(*MALFORMED)


@pytest.mark.parametrize(("made", "status"), [(False, ""), (True, "failed"), (True, "pending")])
def test_a_message_about_no_confirmed_order(shop: Shop, eventually: Eventually, made: bool, status: str) -> None:
    """It is not thrown away without a word, and announces nothing."""
    if made:
        shop.order("ghost", status)
    shop.send("ghost")
    eventually(
        "its reason is noted", lambda: shop.row("SELECT 1 FROM outbox WHERE error LIKE '%%no confirmed order%%'")
    )
    assert not shop.announced("ghost")


def test_a_dead_letter_is_tried_again(shop: Shop, eventually: Eventually) -> None:
    """Once its cause is put right: the audit and the status have shown it, and `retry` delivers it."""
    number = shop.send(shop.order("late", "pending"))

    def aside() -> bool:
        shop.hurry()
        return bool(shop.dead_letters())

    eventually("it is set aside", aside)
    told = shop.told(lambda: dead_letters.show(as_json=False))
    assert f"message {number} about order late: set aside after 5 attempts: ValueError: there is no confirmed" in told
    assert "make retry" in told
    shop.db.execute("UPDATE orders SET status = 'confirmed' WHERE id = 'late'")
    assert "1 messages and 0 orders are tried again now" in shop.told(dead_letters.retry)
    eventually("it is delivered", lambda: shop.announced("late"))
    assert shop.row("SELECT count(*) FROM outbox") == (0,)
    assert "There are no dead letters." in shop.told(dead_letters.retry)


def test_a_key_that_is_the_id_of_another_order(shop: Shop, eventually: Eventually) -> None:
    """A failed order's key is free again, whatever keys its customer has used."""
    shop.order("A", "pending", ago=60)
    shop.order("B", "confirmed", key="A")
    eventually("the order is settled", lambda: shop.row("SELECT 1 FROM orders WHERE id = 'A' AND status = 'failed'"))
    assert shop.row("SELECT idempotency_key FROM orders WHERE id = 'A'") == (None,)
    assert store.find_by_key(shop.db, "c", "A") == store.find_by_key(shop.db, "c", "A")
    found = store.find_by_key(shop.db, "c", "A")
    assert found and found["order_id"] == "B"
    shop.order("C", "pending", key="key-A", ago=60)  # the customer comes again with the key that is free


ODD = {
    "no JSON": (200, "<html>"),
    "a list": (200, []),
    "null": (200, None),
    "no status": (200, {"order_id": "odd"}),
    "an amount of another type": (200, {"status": "captured", "amount_cents": "many", "currency": "EUR"}),
    "too large an amount": (200, {"status": "captured", "amount_cents": 10**30, "currency": "EUR"}),
    "a currency with a NUL": (200, {"status": "captured", "amount_cents": 1, "currency": "E\0R"}),
    "unknown to it": (404, {"detail": "there is no such order"}),
    "an error nobody thought of": (500, {"detail": "an unexpected error"}),
}


def test_orders_that_cannot_be_settled_are_set_aside(shop: Shop, eventually: Eventually) -> None:
    """Whatever the answers about them are; those behind them are settled, and they too when the cause is mended."""
    for what, answer in ODD.items():
        order_id = shop.order(what.replace(" ", "-"), "pending", ago=120)
        shop.neighbours.answers[order_id] = answer
    shop.order("even", "pending", ago=60)
    eventually("the one behind them is settled", lambda: shop.row("SELECT 1 FROM orders WHERE status = 'failed'"))

    def aside() -> bool:
        shop.hurry()
        return bool(shop.row("SELECT count(*) = %s FROM orders WHERE set_aside_at IS NOT NULL", len(ODD))[0])

    eventually("all are set aside", aside)
    letters = shop.dead_letters()
    assert {(letter["kind"], letter["attempts"]) for letter in letters} == {("order", queues.MOST_ATTEMPTS)}
    assert all(letter["error"] for letter in letters)
    shop.neighbours.answers.clear()
    assert f"0 messages and {len(ODD)} orders are tried again now" in shop.told(dead_letters.retry)
    eventually("they are settled", lambda: shop.row("SELECT count(*) = 0 FROM orders WHERE status = 'pending'")[0])


def test_what_is_no_fault_of_the_order_sets_nothing_aside(shop: Shop, eventually: Eventually) -> None:
    """A service that is away for an hour, or does not know us: each order is settled afterwards, without a person."""
    for status in (401, 429, 502, 503, 504):
        shop.neighbours.answers[shop.order(f"o{status}", "pending", ago=60)] = (status, {"detail": "not now"})

    def often() -> bool:
        shop.hurry()
        return bool(shop.row("SELECT min(settle_attempts) > %s FROM orders", queues.MOST_ATTEMPTS)[0])

    eventually("each was tried often", often)
    assert shop.dead_letters() == []
    shop.neighbours.answers.clear()
    shop.hurry()
    eventually("they are settled", lambda: shop.row("SELECT count(*) = 5 FROM orders WHERE status = 'failed'")[0])


def test_a_locked_order_stops_nobody_else(shop: Shop, eventually: Eventually) -> None:
    """Its message waits; the others are delivered within seconds, and it is when the row is free."""
    others = [shop.order(f"free-{n}") for n in range(20)]
    shop.order("held")
    with psycopg.connect(shop.url) as holder:
        holder.execute("SELECT 1 FROM orders WHERE id = 'held' FOR UPDATE")
        shop.send("held")
        for each in others:
            shop.send(each)
        began = time.monotonic()
        eventually("the others are delivered", lambda: shop.announced(*others) == 20)
        assert time.monotonic() - began < 5
        eventually("it is logged", lambda: "about order held cannot be delivered yet: LockNotAvailable" in shop.said())
    eventually("it is delivered when the row is free", lambda: shop.announced("held"))
    assert shop.dead_letters() == []


def test_a_provider_that_hangs_does_not_hold_up_deliveries(shop: Shop, eventually: Eventually) -> None:
    """Settling and delivering have a loop each."""
    shop.neighbours.hang.set()
    for n in range(5):
        shop.order(f"pending-{n}", "pending", ago=60)
    eventually("a settlement hangs", lambda: shop.neighbours.asked)
    ids = [shop.order(f"sold-{n}") for n in range(100)]
    for each in ids:
        shop.send(each)
    began = time.monotonic()
    eventually("all are delivered", lambda: shop.announced(*ids) == 100)
    assert time.monotonic() - began < 5


def test_a_table_that_is_locked_is_waited_for(shop: Shop, eventually: Eventually) -> None:
    """An ALTER TABLE by somebody else: the worker goes on when it is over."""
    with psycopg.connect(shop.url) as holder:
        holder.execute("LOCK TABLE outbox, orders IN ACCESS EXCLUSIVE MODE")
        eventually("it is logged", lambda: "delivery: the database is away or busy: LockNotAvailable" in shop.said())
    shop.send(shop.order("after"))
    eventually("it is delivered", lambda: shop.announced("after"))


def test_connections_that_are_cut(shop: Shop, eventually: Eventually) -> None:
    """Both loops connect again."""
    pids = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'orders' AND pid <> pg_backend_pid()"
    shop.send(shop.order("before"))
    eventually("it is delivered", lambda: shop.announced("before"))
    assert len(shop.db.execute(pids.encode()).fetchall()) == 2
    shop.send(shop.order("after"))
    shop.order("pending", "pending", ago=60)
    eventually("it is delivered", lambda: shop.announced("after"))
    eventually("it is settled", lambda: shop.row("SELECT 1 FROM orders WHERE status = 'failed'"))


def test_it_says_that_it_lives(shop: Shop, eventually: Eventually) -> None:
    """By a file that it touches, while its loops come round; not when the process is stopped."""
    eventually("the file is there", shop.alive.exists)
    first = shop.alive.stat().st_mtime
    eventually("it is touched again", lambda: shop.alive.stat().st_mtime > first)
    assert shop.worker
    settings = shop.scratch.settings
    os.kill(shop.worker.pid, signal.SIGSTOP)
    try:
        stopped = shop.alive.stat().st_mtime
        service = BY_NAME["order-worker"]
        assert not_ready(service, settings) is None
        eventually("its age is told", lambda: not_ready(service, settings))
    finally:
        os.kill(shop.worker.pid, signal.SIGCONT)
    eventually("it is touched again", lambda: shop.alive.stat().st_mtime > stopped)


def buffers(connection: psycopg.Connection[Any], statement: str, **values: object) -> int:
    """The pages that a statement has read, from the cache or not; it is rolled back."""
    with connection.transaction(force_rollback=True):
        (plan,) = connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}".encode(), values
        ).fetchone() or ([],)
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


def test_what_was_taken_is_not_walked_over(postgres: ScratchStack) -> None:
    """While somebody holds a snapshot, a look costs the same after thousands of deliveries and settlements."""
    url = postgres.settings.database_url("orders", "orders")
    with psycopg.connect(url, autocommit=True) as connection, psycopg.connect(url) as report:
        connection.execute("TRUNCATE orders, outbox")
        report.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        report.execute("SELECT 1")
        connection.execute(
            "INSERT INTO outbox (topic, order_id, headers, due_at) "
            "SELECT 't', n::text, '{}', now() - interval '1 hour' + n * interval '1 ms' "
            "FROM generate_series(1, 20000) n"
        )
        connection.execute(
            "INSERT INTO orders (id, customer_id, idempotency_key, items, attended_at) "
            "SELECT n::text, 'c', n::text, '[]', now() - interval '1 hour' + n * interval '1 ms' "
            "FROM generate_series(1, 20000) n"
        )
        messages, orders = queues.messages(), queues.stale_orders(30)
        for queue in (messages, orders):
            assert queue.take(connection)
        connection.execute("DELETE FROM outbox WHERE order_id::int < 19000")
        connection.execute("UPDATE orders SET status = 'failed' WHERE id::int < 19000")
        for queue in (messages, orders):
            queue._move_at = 0  # a second has passed
            assert queue.take(connection)
            costs = buffers(connection, queue._take, mark=queue._mark, seconds=30)
            assert costs < 60, costs
            assert costs * 5 < buffers(connection, queue._take, mark="-infinity", seconds=30)


def test_nothing_is_missed_below_the_mark(postgres: ScratchStack) -> None:
    """A message that is older than the mark, as after a clock was set back, is found when all is looked at again."""
    with psycopg.connect(postgres.settings.database_url("orders", "orders"), autocommit=True) as connection:
        connection.execute("TRUNCATE orders, outbox")
        queue = queues.messages()
        assert queue.take(connection) is None
        connection.execute(
            "INSERT INTO outbox (topic, order_id, headers, due_at) VALUES ('t', 'x', '{}', now() - interval '1 hour')"
        )
        assert queue.take(connection) is None
        queue._look_again_at = 0  # twenty seconds have passed
        assert queue.take(connection)
