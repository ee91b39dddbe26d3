"""What a statement's span says.

The psycopg instrumentation names a span after its statement's first word. The semantic conventions want
the query's summary there (`SELECT stock_movement`) and in `db.query.summary`:
https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query-text
The connections of `common.database` have cursors that see to it, so that the services' SQL stays plain psycopg.
"""

import re
from functools import lru_cache
from typing import Any, Self

import psycopg
from opentelemetry import trace
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import SpanKind
from psycopg.abc import Params
from psycopg.rows import Row

_NOT_SQL = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_OPERATION = re.compile(
    r"""\b(?:
        for \s+ (?:no \s+ key \s+)? update \b                       # a lock, no operation of its own
      | on \s+ conflict \b .*? \b do \s+ (?:update|nothing) \b      # part of an INSERT
      | (?P<operation> select | insert \s+ into | update | delete \s+ from ) \b
      | (?: from | join ) \s+ (?P<source> [\w.]+ ) \b (?! \s* \( )  # a table, not a function
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_TARGET = re.compile(r"\s+([\w.]+)")
_COMMON_TABLE_EXPRESSION = re.compile(r"(\w+)\s+AS\s+\(", re.IGNORECASE)


@lru_cache(maxsize=256)
def summary(statement: str) -> str:
    """The statement's operations and the tables they work on, in their order: `SELECT product`."""
    text = _NOT_SQL.sub(" ", statement)
    not_tables = {name.lower() for name in _COMMON_TABLE_EXPRESSION.findall(text)}
    parts: list[list[str]] = []
    for match in _OPERATION.finditer(text):
        if match["operation"]:
            parts.append([match["operation"].split()[0].upper()])
            if parts[-1] != ["SELECT"] and (target := _TARGET.match(text, match.end())):
                parts[-1].append(target[1])
        elif match["source"] and parts and match["source"].lower() not in not_tables:
            parts[-1].append(match["source"])
    with_a_table = [" ".join(part) for part in parts if len(part) > 1]
    return " ".join(with_a_table)[:255] or text.split(maxsplit=1)[0].upper()


class SummaryCursor(psycopg.Cursor[Row]):
    """A cursor that gives the span of its statement the statement's summary as name.

    The instrumentation calls this `execute` inside the span that it has started. Where nothing is traced,
    or not this statement, the current span is none or one of another kind, and is left alone.
    """

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> Self:
        """Run the statement, as psycopg.Cursor.execute does."""
        span = trace.get_current_span()
        if isinstance(query, str) and span.is_recording() and getattr(span, "kind", None) is SpanKind.CLIENT:
            span.update_name(summary(query))
            span.set_attribute("db.query.summary", summary(query))
        try:
            return super().execute(query, params, **options)
        except psycopg.Error as error:
            if getattr(span, "kind", None) is SpanKind.CLIENT:
                describe_failure(span, error)
            raise


def describe_failure(span: trace.Span, error: psycopg.Error) -> None:
    """Give a failed statement's span its SQLSTATE, or the exception's name where the server did not answer.

    https://opentelemetry.io/docs/specs/semconv/database/postgresql/
    """
    if error.sqlstate:
        span.set_attribute("db.response.status_code", error.sqlstate)
    span.set_attribute(ERROR_TYPE, error.sqlstate or f"{type(error).__module__}.{type(error).__qualname__}")
