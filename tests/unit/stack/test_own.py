"""Two checkouts never meet: a command acts on its own system, and on no other that answers on the same ports."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from workshop.stack import own, runtime
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.settings import Running, Settings, load

Answering = Callable[[bytes], None]


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """`answering(body)`: a server that answers every GET with this body; its port."""
    servers: list[HTTPServer] = []

    def start(body: bytes) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return int(servers[-1].server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout of the test's own, without Docker."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    monkeypatch.setenv("RUNTIME", "local")
    monkeypatch.setattr(docker, "projects", set)


def started(monkeypatch: pytest.MonkeyPatch, port: int, up: str | None) -> Settings:
    """A system that was started with its gateway on this port, and is up or is not."""
    monkeypatch.setenv("GATEWAY_PORT", str(port))
    monkeypatch.setattr(runtime, "what_is_up", lambda settings: up)
    settings = load()
    if up:
        Running(settings).write(up, settings)
    return settings


def test_each_start_has_an_id_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays while the system is up, and the next start has another."""
    settings = load()
    note = Running(settings)
    assert note.id() == ""
    note.write("local", settings)
    first = note.id()
    note.write("local", settings)
    assert note.id() == first != ""
    note.forget()
    note.write("local", settings)
    assert note.id() not in ("", first)


@pytest.mark.parametrize("up", ["local", "docker"])
def test_our_own_system_is_known_by_its_id(
    monkeypatch: pytest.MonkeyPatch, answering: Callable[[bytes], int], tmp_path: Path, up: str
) -> None:
    """No other question is asked then: the runtime would take its time."""
    started(monkeypatch, 1, up)
    mine = json.dumps({"status": "ok", "stack": Running(load()).id()}).encode()
    note = json.loads((tmp_path / "stack.json").read_text())
    note["settings"]["GATEWAY_PORT"] = str(answering(mine))
    (tmp_path / "stack.json").write_text(json.dumps(note))
    monkeypatch.setattr(runtime, "what_is_up", lambda settings: pytest.fail("asked for nothing"))
    assert own.system().gateway_port == int(note["settings"]["GATEWAY_PORT"])


@pytest.mark.parametrize("body", [b'{"status": "ok"}', b"<html>", b"[]", b'{"stack": null}', b""])
@pytest.mark.parametrize("up", ["local", "docker", None])
def test_who_tells_no_id_is_ours_only_while_we_are_up(
    monkeypatch: pytest.MonkeyPatch, answering: Callable[[bytes], int], body: bytes, up: str | None
) -> None:
    """Compose alone starts a system without one; any other program has none."""
    started(monkeypatch, answering(body), up)
    if up:
        own.system()
        return
    with pytest.raises(
        StackError, match=rf"is answered by .*\(pid {os.getpid()}\), and this one is not up: nothing was"
    ):
        own.system()


@pytest.mark.parametrize("up", ["local", "docker", None])
def test_a_stranger_is_told(monkeypatch: pytest.MonkeyPatch, answering: Callable[[bytes], int], up: str | None) -> None:
    """Also where our own is up, and only its gateway is somebody else's now."""
    started(monkeypatch, answering(b'{"status": "ok", "stack": "0123456789ab"}'), up)
    with pytest.raises(StackError, match=r"^port \d+ is answered by .*nothing was done"):
        own.system()


def test_where_nobody_answers_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is up; or the gateway alone is away, and the command itself says what that means."""
    started(monkeypatch, 1, None)
    with pytest.raises(StackError, match="nothing is up here: make up starts the system"):
        own.system()
    started(monkeypatch, 1, "local")
    assert own.system().gateway_port == 1
