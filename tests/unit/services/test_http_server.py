"""The server of every process: slow, silent and deaf clients, refusals, and an end that loses nothing."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests

from common.serving import http_server
from common.serving.http_server import Server
from services.jaeger.settings import Settings
from tests.unit.jaeger.stand_in import StandIn

RECEIVE_SECONDS = 1.5
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
ROOT = Path(__file__).resolve().parents[3]


class Application:
    """Answers with the size of the body; /wait only once it is told, /large with much."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self.waiting = threading.Semaphore(0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        body = b"%d" % len(environ["wsgi.input"].read())
        if environ["PATH_INFO"] == "/wait":
            self.waiting.release()
            self.told.wait(30)
        if environ["PATH_INFO"] == "/large":
            body = b"x" * 30_000_000
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def answer_of(client: socket.socket) -> bytes:
    """The next answer, whole: its body is one byte."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n0"):
        got = client.recv(4096)
        assert got, answer
        answer += got
    return answer


class Running:
    """A server with two threads, running in another one."""

    def __init__(self) -> None:
        self.app = Application()
        self.server = Server(
            self.app, ("127.0.0.1", 0), threads=2, most_body=1000, most_head=4000, receive_seconds=RECEIVE_SECONDS
        )
        self.port = int(self.server.effective_port)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._open: list[socket.socket] = []

    def _run(self) -> None:
        while not self._stop.is_set():
            self.server.step(0.1)
        self.server.finish(10)

    def connect(self, sent: bytes = b"", receive_buffer: int = 0) -> socket.socket:
        """A connection on which this was sent; it stays open."""
        client = socket.socket()
        self._open.append(client)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(20)
        client.connect(("127.0.0.1", self.port))
        client.sendall(sent)
        return client

    def ask(self, sent: bytes) -> bytes:
        """All that is answered to this."""
        client = self.connect(sent)
        client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()

    def get(self, path: str = "/", timeout: float = 1) -> requests.Response:
        """GET on a connection of its own, answered within a second."""
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=timeout)

    def stop(self) -> None:
        """Have it finish."""
        self._stop.set()
        self.server.pull_trigger()

    def close(self) -> None:
        """Stop it, and wait until it has."""
        self.app.told.set()
        self.stop()
        self._thread.join()
        for client in self._open:
            client.close()


@pytest.fixture
def running() -> Iterator[Running]:
    """A server."""
    server = Running()
    yield server
    server.close()


BEGUN = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHo",
    "half a body": HEAD + b"Content-Length: 500\r\n\r\n{",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1f4\r\n{",
    "half a chunk's length": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1",
    "a body that never comes": HEAD + b"Content-Length: 500\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.mark.parametrize("begun", BEGUN)
def test_clients_that_drip_keep_no_other_waiting_and_are_ended(running: Running, begun: str) -> None:
    """A byte now and then: others are answered at once, and the time for a request is that for all of it."""
    clients = [running.connect(BEGUN[begun]) for _ in range(64)]
    ended = time.monotonic() + RECEIVE_SECONDS + 5
    received = [b""] * len(clients)
    for client in clients:
        client.setblocking(False)
    open_still = set(range(len(clients)))
    while open_still:
        assert time.monotonic() < ended, f"{len(open_still)} are not ended"
        assert running.get().text == "0"
        time.sleep(0.02)
        for number in list(open_still):
            try:
                got = clients[number].recv(4096)
                received[number] += got
                if got:
                    continue
            except BlockingIOError:
                with contextlib.suppress(ConnectionError):
                    clients[number].send(b"a" if begun != "nothing" else b"")
                continue
            except ConnectionError:
                pass
            open_still.remove(number)
    if begun != "nothing":
        assert all(b" 408 " in answer and b"application/problem+json" in answer for answer in received)


def test_more_connections_than_there_may_be_push_out_the_oldest_silent_ones(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those in use stay: a request in hand, and a connection between two requests; a new client is answered."""
    monkeypatch.setattr(http_server, "MOST_CONNECTIONS", 20)
    idle = running.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer_of(idle)
    busy = running.connect(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
    running.app.waiting.acquire()
    silent = [running.connect(b"" if number % 2 else b"GET") for number in range(60)]
    assert running.get().text == "0"
    with contextlib.suppress(ConnectionResetError):
        assert silent[0].recv(100) == b""
    assert running.get().text == "0"
    running.app.told.set()
    answer_of(busy)
    idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer_of(idle)
    assert len(running.server.active_channels) <= 21


def test_customers_who_forgot_to_hang_up_give_way_to_those_who_ask(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where most connections lie idle after an answer, it is never a new one with its request that is closed."""
    monkeypatch.setattr(http_server, "MOST_CONNECTIONS", 40)
    for _ in range(100):
        answer_of(running.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    together = [running.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(12)]
    for client in together:
        answer_of(client)
    assert len(running.server.active_channels) <= 41


def test_clients_that_do_not_close_keep_no_other_waiting(running: Running) -> None:
    """They asked for `Connection: close`, and stay."""
    stays = [running.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") for _ in range(64)]
    assert running.get().text == "0"
    for client in stays:
        answer_of(client)


def test_clients_that_do_not_read_keep_no_thread(running: Running) -> None:
    """More of them than threads, each with more to read than is buffered; others are answered within their time."""
    for _ in range(4):
        running.connect(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", receive_buffer=2048)
    deadline = time.monotonic() + RECEIVE_SECONDS * 3 + 5
    while True:
        try:
            assert running.get().text == "0"
            break
        except requests.Timeout:
            assert time.monotonic() < deadline, "the threads are kept"


def test_a_connection_between_two_requests_may_be_idle_for_longer(running: Running) -> None:
    """The time is for a request, not for the pause before it."""
    client = running.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer_of(client)
    client.settimeout(RECEIVE_SECONDS + 2)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer_of(client)


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
REFUSED: dict[str, tuple[bytes, int]] = {
    "a length that is no number": (HEAD + b"Content-Length: 1x\r\n\r\n", 400),
    "a negative length": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "an unknown coding": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "a chunk without a length": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk of negative length": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
    "a chunk without an end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    "NUL in a header": (GET + b"A: b\0c\r\n\r\n", 400),
    "a header without a name": (GET + b": b\r\n\r\n", 400),
    "a folded header": (GET + b"A: b\n c\r\n\r\n", 400),
    "a method in small letters": (b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "a large body": (HEAD + b"Content-Length: 1001\r\n\r\n", 413),
    "a large body in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + b" " * 2000 + b"\r\n", 413),
    "a long address": (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 431),
    "long headers": (GET + b"A: " + b"x" * 5000 + b"\r\n\r\n", 431),
    "many headers": (GET + b"A: b\r\n" * 1000 + b"\r\n", 431),
    "less than was said": (HEAD + b"Content-Length: 500\r\n\r\n{}", 400),
    "chunks that break off": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", 400),
    "half a head": (b"GET / HTTP/1.1\r\nHost", 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_server_refuses_is_a_problem(running: Running, name: str) -> None:
    """In the application's own form, with a reason, and the connection ends."""
    sent, status = REFUSED[name]
    head, _, body = running.ask(sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"Content-Type: application/problem+json" in head
    assert b"Connection: close" in head
    problem = json.loads(body)
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert len(problem["detail"]) > 10


def test_a_refusal_reaches_a_client_that_goes_on_sending(running: Running) -> None:
    """Megabytes of a body too large are not read, and reset no connection before its answer is."""
    client = running.connect(HEAD + b"Content-Length: 9000000\r\n\r\n")
    for _ in range(50):
        client.sendall(b" " * 10_000)
        time.sleep(0.002)
    assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_the_largest_size_is_taken(running: Running) -> None:
    """The bound itself is within it, in chunks, too."""
    assert running.ask(HEAD + b"Content-Length: 1000\r\n\r\n" + b" " * 1000).endswith(b"1000")
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2bc\r\n" + b" " * 700 + b"\r\n0\r\n\r\n"
    assert running.ask(chunked).endswith(b"700")


def test_an_end_loses_no_request(running: Running) -> None:
    """One in hand is answered, one on an open connection, too, and a new connection is refused at once."""
    busy = running.connect(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
    running.app.waiting.acquire()
    idle = running.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer_of(idle)
    running.stop()
    deadline = time.monotonic() + 5
    while running.server.accepting:
        assert time.monotonic() < deadline
    idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"Connection: close" in answer_of(idle)
    with pytest.raises(ConnectionRefusedError):
        running.connect()
    running.app.told.set()
    assert b"Connection: close" in answer_of(busy)
    assert busy.recv(100) == b""


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """Takes the spans."""
    with contextlib.closing(StandIn(Settings(bind=("127.0.0.1", 0), otlp_bind=("127.0.0.1", 0)))) as receiver:
        yield receiver


def gateway(collector: str) -> tuple[subprocess.Popen[bytes], str]:
    """The gateway as it is started everywhere, and its address; its spans go to this collector, late."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    tracing = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "gateway",
        "OTEL_BSP_SCHEDULE_DELAY": "60000",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "healthz",
    }
    urls = {"ORDER_URL": "http://127.0.0.1:1", "INVENTORY_URL": "http://127.0.0.1:1"}
    program = str(Path(sys.executable).with_name("gunicorn"))
    process = subprocess.Popen(
        [program, "-c", "python:common.gunicorn", "gateway.app:create_app()"],
        cwd=ROOT,
        env={**os.environ, **tracing, **urls, "BIND": bind},
        stdout=subprocess.DEVNULL,
    )
    return process, f"http://{bind}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_no_span_is_lost_at_the_end(stand_in: StandIn, number: signal.Signals) -> None:
    """Every span that waits to be sent is sent when the process is told to end."""
    process, url = gateway(stand_in.otlp_url)
    with process:
        try:
            deadline = time.monotonic() + 30
            while not answers(url):
                assert time.monotonic() < deadline
            for each in range(41):
                assert requests.get(f"{url}/nothing-{each}", timeout=5).status_code == 404
            assert stand_in.json("/status")["spans"] == 0
            process.send_signal(number)
            assert process.wait(20) == 0
        finally:
            # Or whoever fails above waits for it for ever.
            process.kill()
    assert stand_in.json("/status")["spans"] == 41


def answers(url: str) -> Any:
    """Whether somebody is there."""
    try:
        return requests.get(f"{url}/healthz", timeout=1).ok
    except requests.RequestException:
        return False
