"""What the provider remembers: one answer for each idempotency key, in a SQLite file that survives a restart."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    idempotency_key text PRIMARY KEY,
    request         text    NOT NULL,
    status          integer NOT NULL,
    body            text    NOT NULL
)
"""


class Answers:
    """The answers given so far. Threads may share it."""

    def __init__(self, path: Path | str) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(SCHEMA)

    def find(self, key: str) -> tuple[str, int, dict[str, Any]] | None:
        """The request, the status and the body that belong to the key."""
        with self._lock:
            row = self._database.execute(
                "SELECT request, status, body FROM answer WHERE idempotency_key = ?", (key,)
            ).fetchone()
        return row and (row[0], row[1], json.loads(row[2]))

    def keep(self, key: str, request: str, status: int, body: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
        """Keep an answer; returns the one that stands, which is another request's if that came first."""
        with self._lock:
            self._database.execute(
                "INSERT INTO answer VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (key, request, status, json.dumps(body)),
            )
        kept = self.find(key)
        assert kept is not None
        return kept
