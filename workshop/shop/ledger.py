"""The ledger in the inventory's database: the plan of the statement that sums it, and the index that it misses."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from workshop.stack import database
from workshop.stack.errors import StackError
from workshop.stack.settings import ROOT, Settings

INDEX = "stock_movement_sku_idx"
TABLE = "stock_movement"
COLUMN = "sku"
CREATE = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON {TABLE} ({COLUMN})"
DROP = f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}"
# The statement that the inventory service runs, in the file that it reads it from.
STATEMENT = ROOT / "inventory" / "sql" / "on_hand.sql"
# Two people who fix or break at once take turns; the number is ours, and means nothing.
LOCK = 7_205_759
WHOLE_TABLE = "reads the whole table"
FOR_NOTHING = "rows that were read for nothing"
STRAIGHT = "goes straight to the rows"
FIND_INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%(index)s)"
TRY_LOCK = "SELECT pg_try_advisory_lock(%(lock)s)"


def index_state(connection: psycopg.Connection[Any]) -> str:
    """there, missing, or unfinished: CREATE INDEX CONCURRENTLY was interrupted, and nothing uses what it left."""
    row = connection.execute(FIND_INDEX, {"index": INDEX}).fetchone()
    if row is None:
        return "missing"
    return "there" if row[0] else "unfinished"


def plan(settings: Settings, skus: list[str]) -> list[str]:
    """PostgreSQL's plan for the sum of these products' movements, run for real, as lines."""
    statement = f"EXPLAIN (ANALYZE, BUFFERS) {STATEMENT.read_text().strip()}"
    with database.inventory(settings) as connection:
        return [row[0] for row in connection.execute(statement.encode(), {"skus": skus})]


def products(settings: Settings, count: int) -> list[str]:
    """Some skus of the catalogue."""
    with database.inventory(settings) as connection:
        rows = connection.execute("SELECT sku FROM product ORDER BY random() LIMIT %(n)s", {"n": count})
        return [row[0] for row in rows]


def telling(line: str) -> str | None:
    """What a plan's line tells about our statement; None when it is one of the others."""
    if f"Seq Scan on {TABLE}" in line:
        return WHOLE_TABLE
    if "Rows Removed by Filter" in line:
        return FOR_NOTHING
    if f"using {INDEX}" in line or f"on {INDEX}" in line:
        return STRAIGHT
    return None


def cures(title: str) -> bool:
    """Whether a finding's title is about the index that `make fix` creates."""
    return f"rows of {TABLE} " in title and f"an index on ({COLUMN}) is missing" in title


def fix(settings: Settings) -> tuple[bool, str]:
    """Create the index without stopping anyone's writes; gives whether it was missing, and what to print."""
    with database.inventory(settings) as connection, turn(connection):
        state = index_state(connection)
        if state == "there":
            return False, f"The index {INDEX} is there already."
        began = time.monotonic()
        if state == "unfinished":
            drop(connection)
        connection.execute(CREATE)
        note = " (an unfinished one of an interrupted run was dropped first)" if state == "unfinished" else ""
        seconds = time.monotonic() - began
        return True, f"Created the index {INDEX} on {TABLE} ({COLUMN}) in {seconds:.1f} s{note}."


def break_again(settings: Settings) -> tuple[bool, str]:
    """Drop the index without stopping anyone; gives whether it was there, and what to print."""
    with database.inventory(settings) as connection, turn(connection):
        if index_state(connection) == "missing":
            return False, f"The index {INDEX} is missing already."
        began = time.monotonic()
        drop(connection)
        seconds = time.monotonic() - began
        return True, f"Dropped the index {INDEX} in {seconds:.1f} s. The next checkout is slow again."


def drop(connection: psycopg.Connection[Any]) -> None:
    """Drop the index, whatever state it is in."""
    connection.execute(DROP)


@contextlib.contextmanager
def turn(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Wait for our turn, by asking again and again.

    A session that waits inside pg_advisory_lock() holds a snapshot, and CREATE INDEX CONCURRENTLY waits for
    every older snapshot: the two would wait for each other.
    """
    connection.execute("SET statement_timeout = '10min'; SET lock_timeout = '60s'")
    while not connection.execute(TRY_LOCK, {"lock": LOCK}).fetchone()[0]:  # type: ignore[index]
        time.sleep(0.2)
    # The lock ends with the connection.
    yield


def state_in_words(settings: Settings) -> str:
    """The index's state in words."""
    try:
        with database.inventory(settings) as connection:
            state = index_state(connection)
    except StackError as error:
        return f"unknown, {error}"
    hint = {"there": "make break drops it", "missing": "make fix creates it"}.get(state, "make fix makes it whole")
    return f"{INDEX} is {state} ({hint})"
