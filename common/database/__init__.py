"""The pool of PostgreSQL connections that a service holds, and how its failures are told."""

import atexit
import math
import select
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests
from tenacity import RetryCallState, Retrying, retry_if_exception

from common import deadline, patience
from common.database.bounded import LEAST_SECONDS, LOOK_SECONDS, BoundedConnection
from common.database.statements import SummaryCursor
from common.errors import DATABASE_AWAY, DATABASE_LOST, OVERLOADED, Problem

# What every connection of a service has, in a pool or not. The isolation level is the one that the statements were
# written for, and PostgreSQL's default; but a database or a role may be given another, and under REPEATABLE READ the
# inventory would sell what it has sold already.
CONNECTION: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 2,
    "cursor_factory": SummaryCursor,
    "options": r"-c default_transaction_isolation=read\ committed",
}
T = TypeVar("T")
# How long a statement waits for a lock, and how long it may run.
LOCK_SECONDS = 4
STATEMENT_SECONDS = 8
# While the database is away a new connection is tried this often.
RECONNECT_SECONDS = 1.0


class Pool(ConnectionPool[psycopg.Connection]):
    """A pool that hands out no connection known to be broken, and that is there again as soon as its database is.

    The library's own check pauses a second, then two, after each broken connection that it finds: three of them, and
    the request has waited for nothing. Its attempts to connect come ever more rarely, minutes apart in the end.
    """

    # When the database was last found to take no connection for RECONNECT_SECONDS, on the monotonic clock.
    away_at = -math.inf

    def was_away(self) -> bool:
        """Whether the database takes no connections, or took none while those waited who give up now.

        One that is there again looks well to whoever asks it, a moment before the pool has connections to it.
        """
        return time.monotonic() - self.away_at <= self.timeout or not _takes_connections(str(self.conninfo))

    def getconn(self, timeout: float | None = None) -> psycopg.Connection:
        """A connection, within what is left of the request's time; PoolTimeout when none is free until then."""
        seconds = self.timeout if timeout is None else timeout
        if (left := deadline.remaining()) is not None:
            seconds = min(seconds, max(left, LEAST_SECONDS))
        until = time.monotonic() + seconds
        while True:
            connection = super().getconn(until - time.monotonic())
            if _is_whole(connection):
                return connection
            # The pool makes another one for it.
            connection.close()
            self.putconn(connection)


def open_pool(url: str, *, size: int = 8, seconds: float = 3.0) -> Pool:
    """A pool of at most `size` autocommit connections; opens without waiting for the server.

    A request waits `seconds` at most for a connection, and not at all behind 40 others. A statement runs 8 s at
    most and waits 4 s at most for a lock; neither outlasts its request's deadline. Open it in the process that
    uses it: connections do not survive a fork.
    """
    limits = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s"
    pool = Pool(
        url,
        connection_class=BoundedConnection,
        min_size=1,
        max_size=size,
        timeout=seconds,
        max_waiting=40,
        open=False,
        kwargs={**CONNECTION, "options": f"{CONNECTION['options']} {limits}"},
        # It gives up after a second and is told to go on: its pauses start from the shortest again.
        reconnect_timeout=RECONNECT_SECONDS,
        reconnect_failed=_try_again,
    )
    pool.open()
    # Before the interpreter ends its threads: a pool that is still open then makes the exit wait for them.
    atexit.register(pool.close)
    return pool


def _try_again(pool: ConnectionPool[Any]) -> None:
    assert isinstance(pool, Pool)
    pool.away_at = time.monotonic()
    with suppress_instrumentation():
        pool.check()


def _is_whole(connection: psycopg.Connection) -> bool:
    """False when an idle connection has broken.

    A server that says nothing is there. Only where it did, perhaps its last word, is it worth asking.
    """
    try:
        if select.select([connection], [], [], 0)[0]:
            with suppress_instrumentation():
                ConnectionPool.check_connection(connection)
    except (psycopg.Error, OSError, ValueError):
        return False
    return True


def check(url: str) -> None:
    """Raise when the database takes no statement: a check for `/readyz`.

    On a connection of its own: that all of the pool's are in use says nothing about the database.
    """
    with psycopg.connect(url, connect_timeout=2, options="-c statement_timeout=1s") as connection:
        connection.execute("SELECT 1")


def repeat(pool: Pool, work: Callable[[psycopg.Connection], T], *, begun: bool = True) -> T:
    """What `work` returns, on a connection of the pool; done again when the database goes away under it.

    What a broken connection was told may have been carried out: `work` must do no harm, and return the same, when it
    is done twice. It is tried for patience.RECONNECT_SECONDS, and not beyond the request's deadline. Where nothing was
    `begun` for the request before, and there is not even a first connection, it is not tried again: who asked can be
    told so, and can ask again.
    """

    def away(error: BaseException) -> bool:
        if isinstance(error, PoolTimeout | TooManyRequests):
            return begun and pool.was_away()
        # Of those with a code, only the server's word that it shuts down, crashed, or is not up yet (class 57P).
        return isinstance(error, psycopg.OperationalError) and (error.sqlstate or "57P").startswith("57P")

    def attempt() -> T:
        nonlocal begun
        with pool.connection() as connection:
            begun = True
            return work(connection)

    left = deadline.remaining()
    attempts = Retrying(
        stop=patience.AwayTooLong(math.inf if left is None else time.monotonic() + left, patience.RECONNECT_SECONDS),
        wait=patience.BRIEFLY,
        retry=retry_if_exception(away),
        before_sleep=_note_wait,
        reraise=True,
    )
    return attempts(attempt)


def _note_wait(state: RetryCallState) -> None:
    """A statement that failed has its span; a wait for a connection has none, and would be a gap in the trace."""
    error = state.outcome and state.outcome.exception()
    if isinstance(error, PoolTimeout | TooManyRequests):
        trace.get_current_span().record_exception(error)


def unavailable(pool: Pool, error: Exception) -> Problem:
    """The problem that tells a caller why the database did not do what it should: late, busy, locked, or away."""
    retry = {"Retry-After": "1"}
    left = deadline.remaining()
    # A statement that would have been late was canceled a little before that.
    if left is not None and left <= LOOK_SECONDS:
        return Problem(504, "the database did not answer in time")
    if isinstance(error, PoolTimeout | TooManyRequests):
        # No statement was run, so no span of one tells.
        trace.get_current_span().record_exception(error)
        if pool.was_away():
            return Problem(503, "the database takes no connections", headers=retry, reason=DATABASE_AWAY)
        return Problem(503, "too many requests wait for the database", headers=retry, reason=OVERLOADED)
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return Problem(503, f"a row that is needed was locked for {LOCK_SECONDS} s", headers=retry)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Problem(503, f"the database took longer than {STATEMENT_SECONDS} s", headers=retry)
    # The pool's other connections have probably broken, too: find out now, not one failed request each.
    with suppress_instrumentation():
        pool.check()
    detail = f"the connection to the database broke ({type(error).__name__})"
    return Problem(503, detail, headers=retry, reason=DATABASE_LOST)


def _takes_connections(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
