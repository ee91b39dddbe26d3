"""A room in this process: its two doors, and behind them two sites that write down what reached them."""

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests

from common.serving.http_server import Server
from workshop.share.__main__ import servers
from workshop.share.room import Room
from workshop.stack.local.scratch import free_ports

TOKEN = "the-token-of-this-test"


class Site:
    """Answers everything, and keeps what was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[dict[str, Any]] = []
        self.body, self.status, self.headers = b"ok", "200 OK", [("Content-Type", "text/plain")]
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        headers = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
        request = {name: environ.get(name, "") for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")}
        self.asked.append({**request, "headers": headers, "body": environ["wsgi.input"].read()})
        self.gate.wait(20)
        start_response(self.status, [*self.headers, ("Set-Cookie", "inside=secret"), ("X-Inside", "yes")])
        return [self.body]

    @property
    def targets(self) -> list[str]:
        """Method and path of each request."""
        return [f"{each['REQUEST_METHOD']} {each['PATH_INFO']}" for each in self.asked]


class Open:
    """An open room, and what a visitor does."""

    def __init__(self) -> None:
        shop, console, gateway, pages, jaeger = free_ports(5)
        self.gateway, self.pages = Site(gateway), Site(pages)
        jaeger_url = f"http://127.0.0.1:{jaeger}"
        self.room = Room("127.0.0.1", shop, console, TOKEN, self.gateway.url, self.pages.url, jaeger_url)
        behind = [
            Server(site, ("127.0.0.1", port), threads=8, most_body=100_000)
            for site, port in ((self.gateway, gateway), (self.pages, pages))
        ]
        doors = servers(self.room)
        self._loops = [[doors[0]], *([each] for each in behind)]
        self._finish = [*doors, *behind]
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=loop) for loop in self._loops]
        for thread in self._threads:
            thread.start()

    def _run(self, server: Server) -> None:
        while not self._stopped.is_set():
            server.step(0.05)

    def close(self) -> None:
        """End all of it."""
        self.gateway.gate.set()
        self.pages.gate.set()
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        for server in self._finish:
            server.finish(1)

    def visitor(self) -> requests.Session:
        """Somebody who has followed the link."""
        session = requests.Session()
        session.trust_env = False
        assert session.get(self.room.link, allow_redirects=False, timeout=5).status_code == 303
        return session

    def raw(self, head: str, body: bytes = b"", *, port: int | None = None) -> tuple[int, bytes]:
        """Send these very bytes; the status and all that came until the connection ended or was silent."""
        address = ("127.0.0.1", port or self.room.console_port)
        with socket.create_connection(address, timeout=3) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
            connection.settimeout(0.7)
            got = b""
            try:
                while more := connection.recv(65536):
                    got += more
            except (TimeoutError, ConnectionResetError):
                pass
        return int(got.split()[1]) if got else 0, got

    def inside(self, session: requests.Session) -> str:
        """The header that shows a visitor's cookie."""
        return "Cookie: " + "; ".join(f"{each.name}={each.value}" for each in session.cookies)


@pytest.fixture
def opened() -> Iterator[Open]:
    """An open room."""
    there = Open()
    yield there
    there.close()


def problem(answer: requests.Response) -> str:
    """The sentence of a problem."""
    return str(json.loads(answer.content)["detail"])
