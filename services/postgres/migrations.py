"""Brings a database to the schema that this checkout's code works with: numbered SQL files, each applied once.

A service's files stand in its folder `migrations`, as `0003_what_it_brings.sql`. One that was released is never
changed: what is new gets a file with the next number. While an upgrade runs the services of before may still be up,
so a file adds what the new code needs and leaves what the old code uses.
"""

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

# Two who prepare the same database take turns; the number is ours, and means nothing.
LOCK = 7_205_760
# For an ALTER TABLE behind somebody's long transaction: everyone else waits behind it.
LOCK_TIMEOUT = "30s"

TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number      integer PRIMARY KEY,
    name        text        NOT NULL,
    digest      text        NOT NULL,  -- of the file as it was applied
    applied_at  timestamptz NOT NULL DEFAULT now()
)
"""
APPLIED = "SELECT number, name, digest FROM schema_migration ORDER BY number"
NOTE = "INSERT INTO schema_migration (number, name, digest) VALUES (%(number)s, %(name)s, %(digest)s)"
TRY_LOCK = "SELECT pg_try_advisory_lock(%(lock)s)"


class Migration(NamedTuple):
    """One file."""

    number: int
    name: str
    sql: bytes

    @property
    def digest(self) -> str:
        """Tells whether the file is still what was applied."""
        return hashlib.sha256(self.sql).hexdigest()


def read(folder: Path) -> list[Migration]:
    """A folder's migrations in their order; SystemExit for a name that gives none, or a number that two have."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_\w+", path.stem)
        if match is None:
            raise SystemExit(
                f"{path} is no migration's name: four digits, an underscore, words, as 0003_what_it_brings"
            )
        number = int(match[1])
        if number in found:
            raise SystemExit(
                f"{found[number].name} and {path.stem} in {folder} have the same number: rename the newer one"
            )
        found[number] = Migration(number, path.stem, path.read_bytes())
    if not found:
        raise SystemExit(f"there are no migrations in {folder}")
    return list(found.values())


def apply(url: str, folder: Path) -> list[str]:
    """Apply what the database has not had yet, each file in a transaction of its own; gives the files' names.

    `url` is that of the service's own role. SystemExit when a file fails, when one that was applied is another now,
    and when the database is newer than this checkout.
    """
    wanted = read(folder)
    with psycopg.connect(url, autocommit=True) as connection, turn(connection):
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'".encode())
        connection.execute(TABLE)
        missing = not_applied(connection, wanted, folder)
        for migration in missing:
            apply_one(connection, migration, folder)
    return [migration.name for migration in missing]


def not_applied(connection: psycopg.Connection, wanted: list[Migration], folder: Path) -> list[Migration]:
    """The migrations that the database has not had; SystemExit when what it has had is not what is wanted."""
    known = {migration.number: migration for migration in wanted}
    had = connection.execute(APPLIED).fetchall()
    for number, name, digest in had:
        if number not in known or known[number].name != name:
            raise SystemExit(
                f"the database {connection.info.dbname} has had {name}, which is not in {folder}: its data was made "
                "with another version of this checkout. Go back to that one, or make clean, which removes the data"
            )
        if known[number].digest != digest:
            raise SystemExit(
                f"{folder / name}.sql was changed after the database {connection.info.dbname} had it: put it back as "
                "it was, and write what is new in a file with the next number; or make clean, which removes the data"
            )
    numbers = {number for number, _, _ in had}
    return [migration for migration in wanted if migration.number not in numbers]


def apply_one(connection: psycopg.Connection, migration: Migration, folder: Path) -> None:
    """The file and the note of it, together or not at all; SystemExit with PostgreSQL's reason."""
    try:
        with connection.transaction():
            connection.execute(migration.sql)
            note = {"number": migration.number, "name": migration.name, "digest": migration.digest}
            connection.execute(NOTE, note)
    except psycopg.errors.LockNotAvailable:
        raise SystemExit(
            f"{migration.name} waited {LOCK_TIMEOUT} for a lock in the database {connection.info.dbname}: make down "
            "ends what holds it, then try again"
        ) from None
    except psycopg.Error as error:
        raise SystemExit(
            f"{folder / migration.name}.sql could not be applied to the database {connection.info.dbname}, which is "
            f"as it was before: {str(error).strip()}"
        ) from None


@contextmanager
def turn(connection: psycopg.Connection) -> Iterator[None]:
    """Wait until nobody else prepares this connection's database.

    By asking again and again: a session that waits inside pg_advisory_lock() holds a snapshot, and a CREATE INDEX
    CONCURRENTLY waits for every older one. A lock that was held by a process that is killed ends with its connection.
    """
    while not connection.execute(TRY_LOCK, {"lock": LOCK}).fetchone()[0]:  # type: ignore[index]
        time.sleep(0.1)
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%(lock)s)", {"lock": LOCK})
