"""Calls between services: what is tried again, for how long, and what a refusal means after that."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from flask import Flask

from common import deadline
from common.errors import DATABASE_AWAY, DATABASE_LOST, NO_TIME, OVERLOADED, UNREACHABLE, Problem
from common.http_client import ServiceClient

REFUSAL = json.dumps({"detail": "busy", "reason": OVERLOADED}).encode()
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: %d\r\n\r\n%s" % (len(REFUSAL), REFUSAL)


def problem(status: int, detail: str) -> bytes:
    """An answer with a problem."""
    body = json.dumps({"detail": detail}).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


@contextmanager
def answering(*answers: bytes | Callable[[], bytes]) -> Iterator[str]:
    """A server that gives these answers, one a connection; the URL of it. An empty one breaks the connection."""
    left = list(answers)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            answer = left.pop(0)
            self.request.sendall(answer if isinstance(answer, bytes) else answer())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answers", "reason"),
    [((BUSY,), OVERLOADED), ((b"", BUSY), None)],
    ids=["refused at once", "refused after a broken connection"],
)
def test_a_refusal_says_that_nothing_was_begun_only_at_the_first_attempt(
    answers: tuple[bytes, ...], reason: str | None
) -> None:
    """The attempt whose answer was lost may have charged the card, so the caller must not rely on the refusal."""
    with answering(*answers) as url:
        client = ServiceClient("other", url, timeout=5)
        with pytest.raises(Problem) as caught:
            client.call("POST", "/charges", json={})
        client.session.close()
    assert caught.value.status == 503
    assert caught.value.extra.get("reason") == reason


def refused_call(url: str, **more: Any) -> Problem:
    """The problem that a call ends with."""
    client = ServiceClient("other", url, timeout=5)
    with pytest.raises(Problem) as caught:
        client.call("POST", "/charges", json={}, **more)
    client.session.close()
    return caught.value


@pytest.mark.parametrize("status", [400, 402, 404, 409, 422])
def test_a_refusal_after_a_broken_connection_is_not_sure(status: int) -> None:
    """Nobody knows what became of the first attempt, so nothing may be taken for undone; without one it is sure."""
    with answering(problem(status, "no")) as url:
        assert refused_call(url).refused
    with answering(b"", problem(status, "no")) as url:
        told = refused_call(url)
    assert told.status == status
    assert not told.refused


def test_a_connection_that_was_never_made_has_begun_nothing() -> None:
    """Nobody listens: it says so. Whoever has listened once and is gone may have begun."""
    with answering() as url:
        pass
    told = refused_call(url)
    assert (told.status, told.extra["reason"], told.refused) == (503, UNREACHABLE, True)


def test_a_connection_that_breaks_every_time_may_have_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 without a reason that says otherwise."""
    monkeypatch.setattr("common.http_client.RECONNECT_SECONDS", 0.3)
    with answering(*[b""] * 20) as url:
        told = refused_call(url)
    assert (told.status, told.extra, told.refused) == (503, {}, False)


def test_a_refusal_that_is_no_business_of_our_caller_is_a_502() -> None:
    """A 401 is between the two services; of the others a call names those that are passed on."""
    for status, more in ((401, {}), (404, {"passed_on": (402,)})):
        with answering(problem(status, "no")) as url:
            told = refused_call(url, **more)
        assert (told.status, told.detail) == (502, f"other refused the call with {status}: no")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"], ids=["empty", "HTML", "no text"])
def test_an_answer_that_is_no_json_is_a_502(body: bytes) -> None:
    """Whoever stands in between answered; nothing of it is taken for done, or for undone."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as url:
        told = refused_call(url)
    assert (told.status, told.detail, told.refused) == (502, "other answered 200 and no JSON", False)


def test_time_can_be_kept_for_what_comes_after() -> None:
    """What a caller keeps of its own deadline is not the other's; without enough nobody is asked."""
    app = Flask("caller")
    with app.test_request_context(headers={deadline.HEADER: "300"}):
        deadline.begin(10)
        told = refused_call("http://127.0.0.1:9", keep=0.26)
    assert (told.status, told.extra["reason"], told.refused) == (504, NO_TIME, True)


AWAY = json.dumps({"detail": "away", "reason": DATABASE_AWAY}).encode()
GONE = b"HTTP/1.1 503 Gone\r\nContent-Length: %d\r\n\r\n%s" % (len(AWAY), AWAY)
LOST = json.dumps({"detail": "broke", "reason": DATABASE_LOST}).encode()
BROKE = b"HTTP/1.1 503 Broke\r\nContent-Length: %d\r\n\r\n%s" % (len(LOST), LOST)
DECIDED = json.dumps({"detail": "broke", "reason": DATABASE_LOST, "order_id": "o"}).encode()
ORDERED = b"HTTP/1.1 503 Broke\r\nContent-Length: %d\r\n\r\n%s" % (len(DECIDED), DECIDED)
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"


@pytest.mark.parametrize("first", [b"", HALF, GONE, BROKE], ids=["broke", "broke off", "away", "its database broke"])
def test_a_call_is_made_again_when_its_receiver_was_restarted(first: bytes) -> None:
    """Every call of ours is idempotent."""
    with answering(first, FINE) as url:
        client = ServiceClient("other", url, timeout=5)
        assert client.call("POST", "/charges", json={}) == {}
        client.session.close()


def test_an_answer_that_names_an_order_is_the_end_of_its_attempt() -> None:
    """The order will be decided; another attempt would be another order, or wait for this one."""
    with answering(ORDERED) as url:
        client = ServiceClient("other", url, timeout=5)
        with pytest.raises(Problem) as caught:
            client.call("POST", "/orders", json={})
        client.session.close()
    assert caught.value.extra["order_id"] == "o"


def test_a_restart_is_waited_for_from_the_first_failure_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What worked for longer than that before it broke has been away for a moment only."""
    monkeypatch.setattr("common.http_client.RECONNECT_SECONDS", 0.2)
    with answering(partial(slowly, 0.4), FINE) as url:
        client = ServiceClient("other", url, timeout=5)
        assert client.call("POST", "/charges", json={}) == {}
        client.session.close()


def test_a_call_ends_with_its_time_whatever_is_tried_again() -> None:
    """`timeout` is for all attempts together."""
    began = time.monotonic()
    client = ServiceClient("other", "http://127.0.0.1:1", timeout=0.5)
    with pytest.raises(Problem, match="cannot be reached"):
        client.call("POST", "/charges", json={})
    client.session.close()
    assert time.monotonic() - began < 1


def test_what_is_known_is_told_while_there_is_time() -> None:
    """A database that is away is told as such, not as an answer that did not come in time."""
    with answering(partial(slowly, 0.4, GONE), partial(slowly, 0.4, GONE)) as url:
        client = ServiceClient("other", url, timeout=1)
        with pytest.raises(Problem) as caught:
            client.call("GET", "/products")
        client.session.close()
    assert (caught.value.status, caught.value.extra["reason"]) == (503, DATABASE_AWAY)


def slowly(seconds: float, answer: bytes = b"") -> bytes:
    """The answer, or a broken connection, after so many seconds."""
    time.sleep(seconds)
    return answer
