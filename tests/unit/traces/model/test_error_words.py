"""Failures in a person's words."""

import pytest

from tests.unit.traces.trace_shapes import call, exception, server, trace
from workshop.traces.model.error_words import error_words, failures, plain

POOL = "HTTPConnectionPool(host='127.0.0.1', port=8084)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f'{POOL}: Max retries exceeded with url: /v1/charges (Caused by NewConnectionError("{POOL}: Failed to '
            'establish a new connection: [Errno 111] Connection refused"))',
            "Failed to establish a new connection: Connection refused",
        ),
        (
            f"{POOL}: Max retries exceeded with url: / (Caused by NewConnectionError('<urllib3.HTTPS"
            "Connection at 0x7f1>: Failed to establish a new connection: [Errno -2] Name or service not known'))",
            "Failed to establish a new connection: Name or service not known",
        ),
        (f"{POOL}: Read timed out. (read timeout=2.9)", "Read timed out. (read timeout=2.9)"),
        ("requests.exceptions.ConnectionError: the line was cut", "the line was cut"),
        ("shop.errors.Problem: 502 payment answered 500", "502 payment answered 500"),
        ("Problem: 503 the database is busy", "503 the database is busy"),
        ("ConnectionResetError(104, 'Connection reset by peer')", "Connection reset by peer"),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed'))", "Remote end closed"),
        ("redis.exceptions.ConnectionError", "connection error"),
        ("*pq.Error", "error"),
        ("ReadTimeout", "read timeout"),
        ("pq: deadlock detected", "pq: deadlock detected"),
        ("402 the card was declined", "402 the card was declined"),
        ("Order: it is gone", "Order: it is gone"),
        ("", ""),
    ],
)
def test_an_exception_s_text_loses_its_classes_and_keeps_its_words(text: str, words: str) -> None:
    """What a person needs is what happened, not where in which library it was noticed."""
    assert plain(text) == words


def test_a_failure_that_was_passed_on_and_tried_again_is_one() -> None:
    """Three attempts at a call and the two servers above them make five spans with an error, and one failure."""
    attempts = [call("order", "POST http://payment:8083/charges", start, 5, status=502) for start in (1, 10, 20)]
    other = call("order", "POST http://mail:25/send", 40, 5, status=500)
    inner = call("gateway", "POST http://order:8081/orders", 0, 90, *attempts, status=502)
    assert failures(trace(server("gateway", "POST /checkout", 0, 95, inner, status=502))) == 1
    assert failures(trace(server("order", "POST /orders", 0, 90, *attempts, other))) == 2
    assert failures(trace(server("order", "POST /orders", 0, 90))) == 0


@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        ("KeyError", "'price'", "key error: 'price'"),
        ("requests.exceptions.ReadTimeout", "HTTPConnectionPool(host='x', port=1): Read timed out.", "Read timed out."),
        ("redis.exceptions.ConnectionError", "", "connection error"),
    ],
)
def test_a_span_says_what_its_exception_means(kind: str, message: str, words: str) -> None:
    """The message, with the class in words only where it says nothing alone."""
    made = trace(server("web", "GET /", 0, 10, events=exception(kind, message)))
    assert error_words(made.root) == words
