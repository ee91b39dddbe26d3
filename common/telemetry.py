"""What the instrumentations leave out of a span, and what must not leave the company.

The psycopg instrumentation names a span after its statement's first word. The semantic conventions want
the query's summary there (`SELECT stock_movement`) and in `db.query.summary`:
https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query-text
The connections of `common.database` have cursors that see to it, so that the services' SQL stays plain psycopg; HTTP
clients have an adapter that sees to repeated requests and to strangers.
"""

import re
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
import requests
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.propagators import TraceResponsePropagator, default_setter
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import HTTP_REQUEST_RESEND_COUNT
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS
from opentelemetry.trace import SpanKind
from psycopg.abc import Params
from psycopg.rows import Row
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState

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


def describe_server(span: trace.Span, host: str | None) -> None:
    """Give a SERVER span its address from the Host header; the Flask instrumentation leaves the port in it."""
    if host and span.is_recording():
        span.set_attribute(SERVER_ADDRESS, urlsplit(f"//{host}").hostname or host)


_resends: ContextVar[int] = ContextVar("resends", default=0)


def note_attempt(state: RetryCallState) -> None:
    """Remember which attempt the next request is: tenacity's `before`."""
    _resends.set(state.attempt_number - 1)


class Adapter(HTTPAdapter):
    """Sends a session's requests; the instrumentation calls this `send` inside the span that it has started.

    A request that is made again says so on its span (`http.request.resend_count`). To `stranger`s, outside of the
    company, no trace context and no baggage is told: it is no business of theirs, and a customer may have sent it.
    """

    def __init__(self, *, stranger: bool = False) -> None:
        super().__init__(pool_maxsize=64)
        self.stranger = stranger

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request, as requests.adapters.HTTPAdapter.send does."""
        if count := _resends.get():
            trace.get_current_span().set_attribute(HTTP_REQUEST_RESEND_COUNT, count)
        if self.stranger:
            for name in propagate.get_global_textmap().fields:
                request.headers.pop(name, None)
        return super().send(request, *args, **options)


class TraceHeaders(TraceResponsePropagator):
    """Names the trace in an answer: `traceresponse`, and `Server-Timing`, which replaced it in W3C's draft.

    https://github.com/w3c/trace-context/blob/main/spec/21-http_response_header_format.md
    """

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = default_setter) -> None:
        """Add the headers."""
        super().inject(carrier, context, setter)
        span = trace.get_current_span(context).get_span_context()
        if span.is_valid:
            ids = f"{trace.format_trace_id(span.trace_id)}-{trace.format_span_id(span.span_id)}"
            setter.set(carrier, "Server-Timing", f"trace;desc=00-{ids}-{span.trace_flags:02x}")
