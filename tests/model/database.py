"""A real PostgreSQL with both databases, and what may happen to it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from workshop.stack.local import supervisor
from workshop.stack.local import system as local
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import ROOT, Settings

DATABASES = ("orders", "inventory")
# What every customer wants, and of which there are few.
HOT = "HOT"
HOT_PIECES = 4
# One product for each purchase, so that whatever is found can be ascribed.
MARKS = [f"MARK-{number:02d}" for number in range(40)]

CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = %(database)s AND usename = %(database)s
"""
MOMENTS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = 'timestamp with time zone' AND table_name IN ('orders', 'outbox')
"""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Settings]:
    """PostgreSQL as the local runtime starts it, its databases prepared; gone afterwards, with its data."""
    stack = ScratchStack(folder, seed_products=10, seed_movements=100)
    with stack.only_postgres():
        command = [sys.executable, "-m", "services.postgres.prepare"]
        environment = supervisor.environment(stack.settings)
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        with psycopg.connect(stack.settings.database_url("postgres", "postgres"), autocommit=True) as admin:
            # What is in here is worth nothing after a crash of the machine.
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
        yield stack.settings
    local.remove(stack.settings)


class Database:
    """The server as a stranger and an operator see it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.admin = psycopg.connect(settings.database_url("postgres", "postgres"), autocommit=True)
        self.orders = psycopg.connect(settings.database_url("postgres", "orders"), autocommit=True)
        self.inventory = psycopg.connect(settings.database_url("postgres", "inventory"), autocommit=True)
        self.stranger = psycopg.connect(settings.database_url("postgres", "inventory"))
        self.moments = self.orders.execute(MOMENTS).fetchall()

    def close(self) -> None:
        """Let go."""
        for connection in (self.admin, self.orders, self.inventory, self.stranger):
            connection.close()

    def reset(self) -> None:
        """No orders; some pieces of every product."""
        self.unlock()
        for name in DATABASES:
            self.allow(name)
        self.orders.execute("TRUNCATE orders, outbox")
        self.inventory.execute("TRUNCATE product, stock_movement, reservation")
        stock = {HOT: HOT_PIECES, **dict.fromkeys(MARKS, 50)}
        with self.inventory.cursor() as cursor:
            cursor.executemany("INSERT INTO product VALUES (%s, 'a thing', 500, 'EUR')", [(sku,) for sku in stock])
            cursor.executemany(
                "INSERT INTO stock_movement (sku, quantity, reason) VALUES (%s, %s, 'delivery')", list(stock.items())
            )

    def cut(self, name: str) -> None:
        """End every connection of a service, the database being well."""
        # Until they are gone: whoever uses one then finds out at once, in every run.
        while self.admin.execute(CUT, {"database": name}).fetchone() != (0,):
            pass

    def refuse(self, name: str) -> None:
        """Cut, and take no new connection."""
        self.admin.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(sql.Identifier(name)))
        self.cut(name)

    def allow(self, name: str) -> None:
        """Take connections again."""
        self.admin.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(sql.Identifier(name)))

    def lock(self) -> None:
        """A stranger holds the hot product's row."""
        self.stranger.execute("SELECT 1 FROM product WHERE sku = %s FOR UPDATE", (HOT,))

    def unlock(self) -> None:
        """The stranger lets go."""
        self.stranger.rollback()

    def age(self, seconds: float) -> None:
        """Let so much time pass for the orders: what was written lies so much further back."""
        for table, column in self.moments:
            statement = sql.SQL("UPDATE {} SET {column} = {column} - make_interval(secs => %s)")
            where = sql.Identifier(table), sql.Identifier(column)
            self.orders.execute(statement.format(where[0], column=where[1]), (seconds,))

    def states(self, mark: str) -> dict[str, str]:
        """The orders of a purchase, by id: pending, confirmed or failed."""
        query = "SELECT id, status FROM orders WHERE items @> jsonb_build_array(jsonb_build_object('sku', %s::text))"
        return dict(self.orders.execute(query, (mark,)).fetchall())
