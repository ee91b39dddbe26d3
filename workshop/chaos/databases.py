"""What happens to the databases: connections are cut, new ones are refused, a stranger holds rows."""

from collections.abc import Callable
from typing import LiteralString

import psycopg
from psycopg import sql

from workshop.chaos.customers import HOT_PRODUCTS
from workshop.stack import database
from workshop.stack.settings import Settings

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = %(database)s AND usename = %(database)s AND pid <> pg_backend_pid()
"""
# Nobody's wait: what another holds already is left out.
LOCK: dict[str, LiteralString] = {
    "orders": "SELECT id FROM orders WHERE status = 'pending' FOR UPDATE SKIP LOCKED",
    "inventory": "SELECT sku FROM product ORDER BY sku LIMIT %(hot)s FOR UPDATE SKIP LOCKED",
}

Undo = Callable[[], object]


def cut(settings: Settings, name: str) -> bool:
    """End every connection of a service to its database, as a firewall or a failover does."""
    try:
        with admin(settings) as connection:
            return connection.execute(CUT, {"database": name}).rowcount > 0
    except psycopg.Error:
        return False


def refuse(settings: Settings, name: str) -> Undo | None:
    """Take no new connection and end the others; returns what takes them again, None when the server is away."""
    try:
        with admin(settings) as connection:
            limit(connection, name, 0)
            connection.execute(CUT, {"database": name})
    except psycopg.Error:
        return None
    return lambda: database.take_connections(settings)


def limit(connection: psycopg.Connection, name: str, most: int) -> None:
    """How many connections the database takes from its service; -1 is as many as it wants."""
    connection.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(sql.Identifier(name), sql.Literal(most)))


def lock(settings: Settings, name: str) -> Undo | None:
    """Hold rows that checkouts need; returns what lets them go, None when the server is away or none is there."""
    try:
        connection = psycopg.connect(settings.database_url("postgres", name), connect_timeout=1)
    except psycopg.Error:
        return None
    try:
        held = connection.execute(LOCK[name], {"hot": HOT_PRODUCTS}).rowcount
    except psycopg.Error:
        held = 0
    if not held:
        connection.close()
        return None
    return connection.close


def admin(settings: Settings) -> psycopg.Connection:
    """A connection as the superuser, who is never refused."""
    return psycopg.connect(settings.database_url("postgres", "postgres"), connect_timeout=1, autocommit=True)
