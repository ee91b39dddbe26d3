"""SQL spans with names that a person recognises in a waterfall.

The psycopg instrumentation names a span after its statement's first word. The semantic conventions want
the query's summary there (`SELECT stock_movement`) and in `db.query.summary`:
https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query-text
The launcher calls `install` after it has instrumented the libraries (entry point
`opentelemetry_post_instrument` in pyproject.toml), so that the services' SQL stays plain psycopg.
"""

import re
from functools import lru_cache

from opentelemetry import trace
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider

_NOT_SQL = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_OPERATION = re.compile(
    r"""\b(?:
        for \s+ (?:no \s+ key \s+)? update (?: \s+ of \s+ \w+ )?     # a lock, no operation of its own
      | on \s+ conflict \b [^()]* (?: \([^)]*\) )? \s* do \s+ update # part of an INSERT
      | (?P<operation> select | insert \s+ into | update | delete \s+ from )
      | (?: from | join ) \s+ (?P<source> [\w.]+ ) (?! \s* \( )      # a table, not a function
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_TARGET = re.compile(r"\s+([\w.]+)")


@lru_cache(maxsize=256)
def summary(statement: str) -> str:
    """The statement's operations and the tables they work on, in their order: `SELECT product`."""
    text = _NOT_SQL.sub(" ", statement)
    common_table_expressions = {name.lower() for name in re.findall(r"(\w+)\s+AS\s+\(", text, re.IGNORECASE)}
    words: list[str] = []
    for match in _OPERATION.finditer(text):
        operation, source = match["operation"], match["source"]
        if operation:
            words.append(operation.split()[0].upper())
            if words[-1] != "SELECT" and (target := _TARGET.match(text, match.end())):
                words.append(target[1])
        elif source and source.lower() not in common_table_expressions and source.lower() != "unnest":
            words.append(source)
    return " ".join(words)[:255] or statement.split(maxsplit=1)[0].upper()


class QuerySummary(SpanProcessor):
    """Names each SQL span after its statement's summary, when the span is about to end."""

    def _on_ending(self, span: Span) -> None:
        # The specification's OnEnding; the SDK keeps the underscore while that is in development.
        statement = (span.attributes or {}).get("db.query.text")
        if isinstance(statement, str) and statement.strip():
            span.update_name(summary(statement))
            span.set_attribute("db.query.summary", summary(statement))


def install() -> None:
    """Add the processor to the provider that the launcher has set up."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.add_span_processor(QuerySummary())
