"""The pool of PostgreSQL connections that a service holds."""

import atexit
import select
from typing import Any

import psycopg
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from common.errors import DATABASE_AWAY, OVERLOADED, Problem
from common.telemetry import SummaryCursor

# What every connection of a service has, in a pool or not. The isolation level is the one that the statements were
# written for, and PostgreSQL's default; but a database or a role may be given another, and under REPEATABLE READ the
# inventory would sell what it has sold already.
CONNECTION: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 3,
    "cursor_factory": SummaryCursor,
    "options": r"-c default_transaction_isolation=read\ committed",
}


def open_pool(url: str, *, size: int = 8) -> ConnectionPool:
    """A pool of at most `size` autocommit connections; opens without waiting for the server.

    A request waits 3 s at most for a connection, and not at all behind 40 others. A statement runs 8 s at
    most and waits 4 s at most for a lock. Open it in the process that uses it: connections do not survive
    a fork.
    """
    pool = ConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=3.0,
        max_waiting=40,
        check=_check,
        open=False,
        kwargs={**CONNECTION, "options": f"{CONNECTION['options']} -c statement_timeout=8s -c lock_timeout=4s"},
    )
    pool.open()
    # Before the interpreter ends its threads: a pool that is still open then makes the exit wait for them.
    atexit.register(pool.close)
    return pool


def _check(connection: psycopg.Connection) -> None:
    """Raise when an idle connection has broken, so that the pool takes another.

    A server that says nothing is there. Only where it did, perhaps its last word, is it worth asking.
    """
    if select.select([connection], [], [], 0)[0]:
        with suppress_instrumentation():
            ConnectionPool.check_connection(connection)


def check(pool: ConnectionPool) -> None:
    """Raise when the database does not answer: a check for `/readyz`."""
    with pool.connection(timeout=1.0) as connection:
        connection.execute("SELECT 1")


def unavailable(pool: ConnectionPool, error: Exception) -> Problem:
    """The problem that tells a caller that the database is away, or that too many are waiting for it."""
    retry = {"Retry-After": "1"}
    if isinstance(error, PoolTimeout | TooManyRequests):
        # No statement was run, so no span of one tells.
        trace.get_current_span().record_exception(error)
        if _takes_connections(str(pool.conninfo)):
            return Problem(503, "too many requests wait for the database", headers=retry, reason=OVERLOADED)
        return Problem(503, "the database takes no connections", headers=retry, reason=DATABASE_AWAY)
    # The pool's other connections have probably broken, too: find out now, not one failed request each.
    with suppress_instrumentation():
        pool.check()
    return Problem(503, f"the database is not available ({type(error).__name__})", headers=retry)


def _takes_connections(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True
