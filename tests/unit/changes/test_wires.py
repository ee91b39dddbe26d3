"""What stands on an edge: the old proxy, the slow link, and the firewall that drops what comes."""

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, TypeVar

import pytest

from workshop.changes import docker, edges
from workshop.changes.kinds import Wire
from workshop.changes.wires import firewall
from workshop.changes.wires.link import RETRANSMISSION_SECONDS, SEGMENT, Link
from workshop.changes.wires.proxy import KNOWS, Proxy
from workshop.stack.errors import StackError
from workshop.stack.local.scratch import free_ports
from workshop.stack.settings import current

T = TypeVar("T")


class Callee(BaseHTTPRequestHandler):
    """Answers with the headers and the body that it was sent, and breaks off when it is asked to."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Tell what came."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/break":
            self.close_connection = True
            return
        told = ",".join(sorted(name.lower() for name in self.headers)).encode() + b"|" + body
        self.send_response(402)
        for name, value in (("Content-Length", str(len(told))), ("Retry-After", "1"), ("traceresponse", "00-x")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def callee() -> Iterator[str]:
    """Its address."""
    with HTTPServer(("127.0.0.1", 0), Callee) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def proxied(callee: str) -> Iterator[http.client.HTTPConnection]:
    """A connection to a proxy in front of the callee."""
    with Proxy(("127.0.0.1", 0), callee, KNOWS) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.02,)).start()
        connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=5)
        yield connection
        connection.close()
        proxy.shutdown()


def test_an_old_proxy_passes_on_what_it_knows(proxied: http.client.HTTPConnection) -> None:
    """Money's headers and the deadline get there, the trace's do not, in either direction; so on the next request."""
    for number in range(2):
        body = f"body {number}"
        headers = {"Idempotency-Key": "k", "X-Timeout-Ms": "900", "traceparent": "00-x", "Baggage": "a=b", "X-New": "1"}
        proxied.request("POST", "/charges", body, headers)
        answer = proxied.getresponse()
        names, _, came = answer.read().decode().partition("|")
        assert (answer.status, came) == (402, body)
        assert {"idempotency-key", "x-timeout-ms", "host"} <= set(names.split(","))
        assert not {"traceparent", "baggage", "x-new"} & set(names.split(","))
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["traceresponse"] is None


def test_an_old_proxy_breaks_off_where_its_callee_does(proxied: http.client.HTTPConnection) -> None:
    """Whoever asked is told nothing that is not known, and may ask again."""
    proxied.request("POST", "/break", "body")
    with pytest.raises(http.client.RemoteDisconnected):
        proxied.getresponse()
    proxied.request("POST", "/charges", "body")
    assert proxied.getresponse().status == 402


def run(work: Coroutine[Any, Any, T]) -> T:
    """What it gives, in a thread of its own: a browser's test leaves a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def through(link: Link, said: bytes) -> tuple[bytes, float]:
    """What an echo behind a link gives back for some bytes, and after how many seconds."""

    async def both() -> tuple[bytes, float]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while some := await reader.read(65536):
                writer.write(some)
            writer.close()

        callee = await asyncio.start_server(echo, "127.0.0.1", 0)
        link.to = callee.sockets[0].getsockname()[:2]
        server = await asyncio.start_server(link.serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        began = time.monotonic()
        writer.write(said)
        writer.write_eof()
        got = await reader.read(-1)
        writer.close()
        server.close()
        callee.close()
        return got, time.monotonic() - began

    return run(asyncio.wait_for(both(), 20))


@pytest.mark.parametrize(("delay", "loss", "least"), [(0.0, 0.0, 0.0), (0.1, 0.0, 0.2), (0.0, 1.0, 2 * 0.2)])
def test_a_link_is_late_in_both_directions_and_loses_nothing(delay: float, loss: float, least: float) -> None:
    """All bytes come, in their order; a lost segment costs what its being sent again takes."""
    said = bytes(range(256)) * 4
    got, seconds = through(Link(("", 0), delay, 0.0, loss), said)
    assert got == said
    assert seconds >= least


def test_a_link_s_delay_is_drawn_for_each_segment() -> None:
    """Half of ten thousand segments are lost, give or take."""
    link = Link(("", 0), 0.04, 0.0, 0.5)
    link.draw.seed(1)
    late = link.later(10_000 * SEGMENT) - 0.04
    assert late / RETRANSMISSION_SECONDS == pytest.approx(5_000, rel=0.05)
    assert Link(("", 0), 0.0, 0.01, 0.0).later(1) >= 0


@pytest.mark.parametrize(
    ("wire", "told"),
    [
        (Wire(caller="payment", callee="order", via="proxy"), "no process calls another as payment -> order"),
        (Wire(caller="gateway", callee="valkey", via="proxy"), "valkey speaks no HTTP"),
        (Wire(caller="order", callee="payment", via="tunnel"), "'tunnel' is nothing that could stand there"),
        (Wire(caller="order", callee="payment", via="proxy", options={"delay_ms": 3}), "proxy takes no delay_ms=3"),
        (Wire(caller="order", callee="payment", via="link", options={"delay_ms": "-3"}), "link takes no delay_ms=-3"),
        (Wire(caller="order", callee="payment", via="link", options={"loss": "1 --to x"}), "link takes no loss"),
        (Wire(caller="gateway", callee="valkey", via="firewall", options={"loss": 1}), "loss=1: it takes nothing"),
    ],
)
def test_a_wire_that_cannot_be_is_refused(wire: Wire, told: str) -> None:
    """No such edge, no such thing on it, no such option."""
    with pytest.raises(StackError) as caught:
        edges.check(wire)
    assert told in str(caught.value)


def test_a_firewall_neither_refuses_nor_lets_in() -> None:
    """Whoever calls waits as long as it wants to, and no byte comes; when the firewall is gone, it is refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        held = firewall.full(listening)
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                socket.create_connection(listening.getsockname(), timeout=0.3)
            assert time.monotonic() - began >= 0.3
        for each in held:
            each.close()
        address = listening.getsockname()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


def test_nobody_tries_whether_a_firewall_listens() -> None:
    """Its container would never be healthy; another wire's is when it listens."""
    firewalled, linked = (
        docker.services(current(), [edges.between("gateway", "valkey", via)])["wire-gateway-valkey"]
        for via in ("firewall", "link")
    )
    assert "healthcheck" not in firewalled
    assert linked["healthcheck"] == docker.LISTENS


def test_nobody_there_ends_the_call() -> None:
    """As if the caller had asked the callee itself."""

    async def ask() -> bytes:
        server = await asyncio.start_server(Link(("127.0.0.1", free_ports(1)[0]), 0, 0, 0).serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        try:
            return await reader.read(-1)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()
            server.close()

    assert run(ask()) == b""


def test_a_wire_s_port_is_none_that_callers_get(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the system is down nobody's outgoing connection can take it, and what listens already is passed over."""
    for _ in range(20):
        assert 1024 < edges.between("order", "payment", "proxy").port < 32_768
    taken, free = edges.PORTS[:2]
    monkeypatch.setattr(edges, "PORTS", [taken, free])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        listener.listen()
        assert {edges.free_port() for _ in range(8)} == {free}
