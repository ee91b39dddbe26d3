"""Changes of the data: SQL, up and down."""

import contextlib
from collections.abc import Sequence

import psycopg

from workshop.changes.kinds import Data
from workshop.stack import database
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings

# A statement that waits for a lock must not have everybody wait behind it; building an index may take its time.
LIMITS = "SET lock_timeout = '10s'; SET statement_timeout = '10min'"


# Whoever was cut off without a word may hold its locks until PostgreSQL notices.
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %(name)s"


def end_sessions(settings: Settings, name: str) -> None:
    """End the connections that a job has left behind, in either database; nothing happens where PostgreSQL is away."""
    for role in ("orders", "inventory"):
        with contextlib.suppress(psycopg.Error):
            url = settings.database_url(role, role)
            with psycopg.connect(url, connect_timeout=3, autocommit=True) as connection:
                database.check_own(connection, settings)
                connection.execute(END_SESSIONS, {"name": name})


def run(settings: Settings, change: Data, statements: Sequence[str]) -> None:
    """Run statements one by one, each for good; StackError when PostgreSQL refuses one."""
    try:
        url = settings.database_url(change.database, change.database)
        with psycopg.connect(url, connect_timeout=3, autocommit=True) as connection:
            database.check_own(connection, settings)
            connection.execute(LIMITS)
            for statement in statements:
                connection.execute(statement.encode())
    except psycopg.Error as error:
        reason = error.diag.message_primary or str(error).strip() or type(error).__name__
        raise StackError(f"data {change.name}: PostgreSQL refused: {reason}") from None
