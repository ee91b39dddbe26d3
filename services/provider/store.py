"""What the provider remembers: one answer for each idempotency key, in a SQLite file that survives a restart."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    idempotency_key text PRIMARY KEY,
    request         text    NOT NULL,
    status          integer NOT NULL,
    body            text    NOT NULL
)
"""


class Answer(NamedTuple):
    """An answer that was given: a fingerprint of the request, and the HTTP status and body."""

    key: str
    request: str
    status: int
    body: dict[str, Any]


class Answers:
    """The answers given so far. Threads may share it."""

    def __init__(self, path: Path | str) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(SCHEMA)

    def keep(self, answer: Answer) -> Answer:
        """Keep an answer; returns the one that stands for its key, which is an earlier one if there is."""
        with self._lock:
            self._database.execute(
                "INSERT INTO answer VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (answer.key, answer.request, answer.status, json.dumps(answer.body)),
            )
            row = self._database.execute("SELECT * FROM answer WHERE idempotency_key = ?", (answer.key,)).fetchone()
        return _answer(row)

    def refund(self, key: str) -> Answer | None:
        """Turn the key's captured charge into a refunded one; the answer that stands, None when there is none."""
        with self._lock:
            self._database.execute(
                "UPDATE answer SET status = 409, body = json_set(body, '$.status', 'refunded', '$.message', ?) "
                "WHERE idempotency_key = ? AND json_extract(body, '$.status') = 'captured'",
                ("this charge was refunded", key),
            )
            row = self._database.execute("SELECT * FROM answer WHERE idempotency_key = ?", (key,)).fetchone()
        return _answer(row) if row else None

    def page(self, after: str, limit: int) -> list[Answer]:
        """Answers in the keys' order, those after `after`."""
        with self._lock:
            rows = self._database.execute(
                "SELECT * FROM answer WHERE idempotency_key > ? ORDER BY idempotency_key LIMIT ?", (after, limit)
            ).fetchall()
        return [_answer(row) for row in rows]


def _answer(row: tuple[str, str, int, str]) -> Answer:
    key, request, status, body = row
    return Answer(key, request, status, json.loads(body))
