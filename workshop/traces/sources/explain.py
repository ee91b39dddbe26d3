"""Plans for statements found in traces, from the PostgreSQL that ran them, without running them again."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

TIMEOUT_MS = 3_000
ROWS = "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(quote_ident(%s))"
# The columns of each index that may be used, in order; one on an expression has none for it.
INDEXES = """
SELECT array_agg(attname::text ORDER BY place) FROM pg_index
CROSS JOIN LATERAL unnest(indkey::int2[]) WITH ORDINALITY AS key (number, place)
JOIN pg_attribute ON attrelid = indrelid AND attnum = number
WHERE indrelid = to_regclass(quote_ident(%s)) AND indisvalid AND indpred IS NULL GROUP BY indexrelid
"""

_TOKEN = re.compile(
    r"""(?P<keep>'(?:[^']|'')*'|"[^"]*"|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/|::|\$\d+|%%)"""
    r"""|(?P<named>%\((\w+)\)s|(?<![:\w]):([A-Za-z_]\w*)|(?<!\w)@([A-Za-z_]\w*))|(?P<plain>%s|\?)""",
    re.DOTALL,
)


def numbered(statement: str) -> str:
    """The statement with PostgreSQL's placeholders: `%s`, `?`, `:name`, `@name`, `%(name)s` become `$1`, `$2`, …"""
    names: dict[str, int] = {}
    count = 0

    def placeholder(match: re.Match[str]) -> str:
        nonlocal count
        if match["keep"]:
            return "%" if match["keep"] == "%%" else match["keep"]
        name = next((group for group in match.groups()[2:5] if group), None) if match["named"] else None
        if name and name in names:
            return f"${names[name]}"
        count += 1
        if name:
            names[name] = count
        return f"${count}"

    return _TOKEN.sub(placeholder, statement)


def postgres(url: str) -> Callable[[str, str | None], Any]:
    """Returns an `explain(statement, database)` for the server at `url`; `database` replaces the URL's if given.

    The statement is prepared and planned, never run. Its values are not in the trace, so the plan is the generic one.
    The result is None when there is no plan to be had: server or database not there, statement not its own. Each table
    that is read from end to end also gets its number of rows, as `Relation Rows`, and the columns of its indexes, as
    `Relation Indexes`.
    """

    def explain(statement: str, database: str | None) -> Any:
        target = url if not database else urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
        options = (
            f"-c statement_timeout={TIMEOUT_MS} -c default_transaction_read_only=on"
            " -c plan_cache_mode=force_generic_plan"
        )
        try:
            with psycopg.connect(target, autocommit=True, connect_timeout=3, options=options) as connection:
                return _plan(connection, numbered(statement))
        except (psycopg.Error, ValueError, UnicodeError):
            return None

    return explain


def _plan(connection: psycopg.Connection[Any], statement: str) -> Any:
    # The protocol's own prepare takes one command only: what follows a semicolon in a trace's text is refused, not run.
    name = b"from_trace"
    if connection.pgconn.prepare(name, statement.encode()).status != psycopg.pq.ExecStatus.COMMAND_OK:
        return None
    described = connection.pgconn.describe_prepared(name)
    values = f"({', '.join(['NULL'] * described.nparams)})" if described.nparams else ""
    row = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE from_trace{values}").fetchone()
    document = row[0] if row else None
    if not document:
        return None
    stack = [(document[0]["Plan"], 0)]
    while stack:
        node, workers = stack.pop()
        workers = node.get("Workers Planned", workers)
        stack.extend((below, workers) for below in node.get("Plans") or [])
        if node.get("Node Type") == "Seq Scan":
            if node.get("Parallel Aware"):
                # The estimate is for one process; PostgreSQL counts the leader as less than a worker.
                node["Plan Rows"] = round(node.get("Plan Rows", 0) * (workers + max(0.0, 1 - 0.3 * workers)))
            rows = connection.execute(ROWS, [node["Relation Name"]]).fetchone()
            if rows and rows[0] >= 0:
                node["Relation Rows"] = rows[0]
                found = connection.execute(INDEXES, [node["Relation Name"]]).fetchall()
                node["Relation Indexes"] = [index for (index,) in found]
    return document
