"""Who waits for whom in a PostgreSQL at this moment, as the server itself knows it: exact, and gone a moment later."""

from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

QUERY = """
SELECT waiting.pid, waiting.application_name AS application, left(waiting.query, 2000) AS query,
       1000 * extract(epoch FROM clock_timestamp() - waiting.query_start)::float8 AS waited_ms,
       holder.pid AS holder_pid, holder.application_name AS holder_application, holder.state AS holder_state,
       1000 * extract(epoch FROM clock_timestamp() - holder.xact_start)::float8 AS open_ms,
       left(holder.query, 2000) AS holder_query
FROM pg_stat_activity AS waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
JOIN pg_stat_activity AS holder ON holder.pid = blocking.pid
WHERE waiting.wait_event_type = 'Lock'
ORDER BY waiting.query_start, holder.xact_start
"""


class DatabaseAway(Exception):
    """PostgreSQL did not tell; the message says why."""


@dataclass(frozen=True)
class Blocked:
    """A server process that waits for a lock, and one that it waits for: held, or asked for before it.

    What PostgreSQL does not say is empty. `waited_ms` is how long its statement has run, `open_ms` for how long the
    other's transaction has been open.
    """

    pid: int
    holder_pid: int
    application: str = ""
    waited_ms: float = 0.0
    query: str = ""
    holder_application: str = ""
    holder_state: str = ""
    open_ms: float = 0.0
    holder_query: str = ""

    def as_json(self) -> dict[str, Any]:
        """It as data, times in ms."""
        return asdict(self)


def blocked_now(url: str) -> list[Blocked]:
    """Who waits for a lock now, the longest first, in every database of the server; raises DatabaseAway."""
    try:
        with psycopg.connect(url, connect_timeout=3, options="-c statement_timeout=3s") as connection:
            rows = connection.cursor(row_factory=dict_row).execute(QUERY).fetchall()
    except psycopg.Error as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DatabaseAway(f"PostgreSQL does not tell who waits for whom: {reason}") from None
    return [Blocked(**{name: each for name, each in row.items() if each is not None}) for row in rows]
