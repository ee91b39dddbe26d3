"""The services' pool on a real PostgreSQL: connections cut, outages, and deadlines in the middle of a statement."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask import Flask
from psycopg_pool import PoolTimeout

from common import database, deadline
from workshop.traces.sources import blocking

from .conftest import Eventually, FragileStack

SIZE = 8


@pytest.fixture
def pool(sound: FragileStack) -> Iterator[database.Pool]:
    """A pool of the order service's kind, with all its connections made."""
    opened = database.open_pool(sound.settings.database_url("orders", "orders"), size=SIZE)
    held = [opened.getconn() for _ in range(SIZE)]
    for connection in held:
        opened.putconn(connection)
    yield opened
    opened.close()


def cut(stack: FragileStack) -> None:
    """End every connection to the orders' database from the server's side; come back when all have ended."""
    query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'orders'"
    with psycopg.connect(stack.settings.database_url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(query)


def test_idle_connections_that_were_cut_cost_nobody_a_request(sound: FragileStack, pool: database.Pool) -> None:
    """However many there are: the database is well, so each request gets through, at once."""
    cut(sound)
    for _ in range(3 * SIZE):
        began = time.monotonic()
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("asked", [True, False], ids=["while it is asked", "unused"])
def test_the_pool_is_there_soon_after_its_database(sound: FragileStack, pool: database.Pool, asked: bool) -> None:
    """However long it was away, and whether or not somebody asked meanwhile."""
    sound.stop("postgres")
    away_until = time.monotonic() + 8  # the library tries after 7 s, and then not before 15
    while time.monotonic() < away_until:
        if asked:
            with pytest.raises((PoolTimeout, psycopg.OperationalError)), pool.connection(timeout=0.5):
                pass
        else:
            time.sleep(0.5)
    # Not until all is ready: as soon as it takes statements.
    with sound.database_started():
        began = time.monotonic()
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert time.monotonic() - began < 2


def test_a_statement_ends_with_its_request(pool: database.Pool, sound: FragileStack) -> None:
    """One behind a lock is canceled at the deadline, and its connection can be used again."""
    app = Flask(__name__)
    key = uuid.uuid4().int % 2**31
    with sound.orders() as stranger:
        stranger.execute("SELECT pg_advisory_lock(%s)", (key,))
        with app.test_request_context(headers={deadline.HEADER: "300"}):
            deadline.begin(9)
            with pool.connection() as connection:
                pid = connection.info.backend_pid
                began = time.monotonic()
                with pytest.raises(psycopg.errors.QueryCanceled) as caught:
                    connection.execute("SELECT pg_advisory_lock(%s)", (key,))
                assert 0.25 < time.monotonic() - began < 0.5
                assert database.unavailable(pool, caught.value).status == 504
                assert connection.execute("SELECT pg_backend_pid()").fetchone() == (pid,)


def test_a_statement_in_time_is_left_alone(pool: database.Pool) -> None:
    """Also one that takes longer than several looks at the clock."""
    app = Flask(__name__)
    with app.test_request_context(headers={deadline.HEADER: "2000"}):
        deadline.begin(9)
        with pool.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_sleep(0.7)")


def test_a_request_waits_for_a_connection_no_longer_than_its_caller(pool: database.Pool) -> None:
    """All connections are in use; the caller gives it 200 ms."""
    app = Flask(__name__)
    held = [pool.getconn() for _ in range(SIZE)]
    with app.test_request_context(headers={deadline.HEADER: "200"}):
        deadline.begin(9)
        began = time.monotonic()
        with pytest.raises(PoolTimeout) as caught, pool.connection():
            pass
        assert time.monotonic() - began < 0.5
        assert database.unavailable(pool, caught.value).status == 504
    for connection in held:
        pool.putconn(connection)


def test_a_crowd_is_told_as_a_crowd(pool: database.Pool) -> None:
    """All connections are in use, and the database is well."""
    held = [pool.getconn() for _ in range(SIZE)]
    with pytest.raises(PoolTimeout) as caught, pool.connection(timeout=0.2):
        pass
    for connection in held:
        pool.putconn(connection)
    assert database.unavailable(pool, caught.value).extra["reason"] == "overloaded"


def test_a_database_that_has_just_come_back_is_told_as_one_that_was_away(
    sound: FragileStack, pool: database.Pool, eventually: Eventually
) -> None:
    """Who gave up a moment before the pool has its connections did not meet a crowd, and may come again."""
    sound.stop("postgres")
    pool.check()
    eventually("the pool has found it away", lambda: pool.away_at > 0)
    with sound.database_started():
        assert database.unavailable(pool, PoolTimeout()).extra["reason"] == "database_away"
    eventually("the pool is well", lambda: database.unavailable(pool, PoolTimeout()).extra["reason"] == "overloaded")


def test_readiness_does_not_follow_the_load(sound: FragileStack, pool: database.Pool) -> None:
    """All connections of the pool are in use; the check has one of its own."""
    held = [pool.getconn() for _ in range(SIZE)]
    database.check(sound.settings.database_url("orders", "orders"))
    for connection in held:
        pool.putconn(connection)
    sound.stop("postgres")
    with pytest.raises(psycopg.OperationalError):
        database.check(sound.settings.database_url("orders", "orders"))
    sound.start("postgres")


def test_a_checkout_behind_a_lock_ends_with_its_deadline(sound: FragileStack) -> None:
    """A stranger holds the product's row: the customer learns at his deadline that it did not come about in time."""
    with sound.inventory() as stranger, stranger.transaction():
        stranger.execute("SELECT 1 FROM product WHERE sku = 'SKU-00009' FOR UPDATE")
        began = time.monotonic()
        answer = sound.checkout(("SKU-00009", 1), **{"X-Timeout-Ms": "600"})
        took = time.monotonic() - began
    assert answer.status_code == 504
    assert took < 1
    on_hand = sound.on_hand("SKU-00009")
    sound.must("audit", "--settle", "60")
    assert sound.on_hand("SKU-00009") == on_hand


def test_postgresql_tells_who_waits_for_whom(sound: FragileStack) -> None:
    """While one waits for another's lock both are named, with application and statement; afterwards nobody is."""
    url = sound.settings.database_url("orders", "orders")
    server = sound.settings.database_url("postgres", "postgres")
    with (
        psycopg.connect(url, application_name="stocktake") as holder,
        psycopg.connect(url, autocommit=True) as waiting,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute("SELECT pg_advisory_xact_lock(4711)")
        waited = pool.submit(waiting.execute, "SELECT pg_advisory_lock(4711)")
        until = time.monotonic() + 10
        while not (found := blocking.blocked_now(server)) and time.monotonic() < until:
            time.sleep(0.02)
        (told,) = [each for each in found if each.holder_pid == holder.info.backend_pid]
        assert (told.pid, told.holder_application) == (waiting.info.backend_pid, "stocktake")
        assert (told.query, told.holder_state) == ("SELECT pg_advisory_lock(4711)", "idle in transaction")
        assert 0 < told.waited_ms < told.open_ms < 60_000
        holder.rollback()
        waited.result(10)
        assert told.pid not in [each.pid for each in blocking.blocked_now(server)]
