"""Calls between services: what a refusal means after an attempt whose connection broke."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from common.errors import OVERLOADED, Problem
from common.http_client import ServiceClient

REFUSAL = json.dumps({"detail": "busy", "reason": OVERLOADED}).encode()
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: %d\r\n\r\n%s" % (len(REFUSAL), REFUSAL)


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives these answers, one a connection; the URL of it. An empty one breaks the connection."""
    left = list(answers)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(left.pop(0))

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
