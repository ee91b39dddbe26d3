"""Names of SQL spans."""

import re

import psycopg
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

import inventory.store
import order.queues
import order.store
from common.database.statements import describe_failure, summary
from common.telemetry import TraceHeaders, describe_server

STATEMENTS = [
    (order.store.CREATE, "INSERT orders"),
    (order.store.CONFIRM, "UPDATE orders INSERT outbox"),
    (order.queues.TAKE_MESSAGE, "DELETE outbox SELECT outbox"),
    (inventory.store.SUM_ON_HAND, "SELECT stock_movement"),
    (inventory.store.LOCK_PRODUCTS, "SELECT product"),
    (inventory.store.RESERVE, "INSERT reservation INSERT stock_movement"),
    (inventory.store.RELEASE, "INSERT reservation INSERT stock_movement"),
    ("SELECT a FROM x JOIN y USING (i) -- from q", "SELECT x y"),
    ("INSERT INTO t SELECT * FROM s", "INSERT t SELECT s"),
    ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2", "INSERT t"),
    ("UPDATE a SET b = (SELECT max(x) FROM c) WHERE d = 'from z'", "UPDATE a SELECT c"),
    ("SELECT 1", "SELECT"),
    ("LISTEN outbox", "LISTEN"),
]


@pytest.mark.parametrize(("statement", "expected"), STATEMENTS, ids=[expected for _, expected in STATEMENTS])
def test_summary(statement: str, expected: str) -> None:
    """Operations and tables in their order, and no values."""
    assert summary(statement) == expected


@pytest.mark.parametrize(
    ("error", "type_", "status"),
    [
        (psycopg.errors.UniqueViolation("twice"), "23505", "23505"),
        (psycopg.errors.QueryCanceled("late"), "57014", "57014"),
        (psycopg.OperationalError("the connection is closed"), "psycopg.OperationalError", None),
    ],
    ids=["a duplicate", "too late", "no answer"],
)
def test_a_failed_statement_says_why(error: psycopg.Error, type_: str, status: str | None) -> None:
    """The SQLSTATE where the server gave one, the exception's name otherwise."""
    with TracerProvider().get_tracer("test").start_as_current_span("SELECT") as span:
        describe_failure(span, error)
    assert isinstance(span, ReadableSpan)
    assert span.attributes is not None
    assert span.attributes["error.type"] == type_
    assert span.attributes.get("db.response.status_code") == status


@pytest.mark.parametrize(
    ("host", "address"),
    [("localhost:8080", "localhost"), ("order", "order"), ("[::1]:8081", "::1"), (None, None)],
)
def test_a_server_s_address_has_no_port(host: str | None, address: str | None) -> None:
    """It has an attribute of its own."""
    with TracerProvider().get_tracer("test").start_as_current_span("GET") as span:
        describe_server(span, host)
    assert isinstance(span, ReadableSpan)
    assert span.attributes is not None
    assert span.attributes.get("server.address") == address


def test_an_answer_names_its_trace_in_both_ways() -> None:
    """`traceresponse`, and `Server-Timing` as the draft of W3C has it; neither without a trace."""
    headers: dict[str, str] = {}
    TraceHeaders().inject(headers)
    assert headers == {}
    with TracerProvider().get_tracer("test").start_as_current_span("GET"):
        TraceHeaders().inject(headers)
    assert headers["Server-Timing"] == f"trace;desc={headers['traceresponse']}"
    assert re.fullmatch(r"trace;desc=00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", headers["Server-Timing"])
