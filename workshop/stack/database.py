"""The workshop's own way into PostgreSQL."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from workshop.stack.errors import StackError
from workshop.stack.settings import Running, Settings


def not_ready(settings: Settings) -> str | None:
    """Why PostgreSQL takes no statements; None when it does."""
    try:
        url = settings.database_url("postgres", "postgres")
        with psycopg.connect(url, connect_timeout=3, autocommit=True) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return None


def take_connections(settings: Settings) -> None:
    """Let both databases take their services' connections again: a chaos that was killed leaves them refusing.

    psycopg.Error when the server is away.
    """
    with psycopg.connect(settings.database_url("postgres", "postgres"), connect_timeout=3, autocommit=True) as admin:
        for name in ("orders", "inventory"):
            statement = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT -1")
            admin.execute(statement.format(sql.Identifier(name)))


def check_own(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """StackError when the server is another checkout's; one without an id (of Compose alone) is taken for ours."""
    mine = Running(settings).id()
    told = connection.execute("SELECT current_setting('cluster_name')").fetchone()
    if mine and told and told[0] and told[0] != mine:
        raise StackError(
            f"PostgreSQL on port {settings.postgres_port} is another checkout's, and nothing was done: "
            "make status tells what runs here, make down and make up start it anew"
        )


@contextlib.contextmanager
def inventory(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the inventory's database; StackError when there is none to be had."""
    try:
        url = settings.database_url("inventory", "inventory")
        connection = psycopg.connect(url, connect_timeout=3, autocommit=True)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise StackError(f"PostgreSQL cannot be reached ({reason}): is the stack up? make status, make up") from None
    try:
        with connection:
            check_own(connection, settings)
            yield connection
    except psycopg.Error as error:
        raise StackError(f"PostgreSQL refused: {str(error).strip()}") from None
