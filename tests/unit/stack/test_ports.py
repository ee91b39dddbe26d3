"""Ports that are taken: found before anything starts, and told with the way out."""

import errno
import os
import socket
from collections.abc import Iterator

import psutil
import pytest

from workshop.stack import machine, ports
from workshop.stack.errors import StackError
from workshop.stack.local import processes
from workshop.stack.settings import Settings


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who listens on a port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def with_port(number: int) -> Settings:
    """Settings whose gateway has this port."""
    return Settings(_env_file=None, gateway_port=number)  # type: ignore[call-arg]


def test_a_taken_port_is_told_with_its_owner_and_the_way_out(listener: socket.socket) -> None:
    """The sentence names port, process, pid and variable."""
    number = listener.getsockname()[1]
    with pytest.raises(StackError) as caught:
        ports.check(with_port(number), ["gateway_port"])
    said = str(caught.value)
    assert said.startswith(f"port {number} is taken by ")
    assert f"(pid {os.getpid()}): set GATEWAY_PORT in .env, or stop it" in said


def test_a_port_whose_owner_is_hidden_is_told_all_the_same(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Systems do not show other users' processes to everyone."""
    monkeypatch.setattr(ports, "owner", lambda number: None)
    [said] = ports.taken(with_port(listener.getsockname()[1]), ["gateway_port"])
    assert "a process that this user may not see: set GATEWAY_PORT in .env" in said


def test_a_server_on_all_addresses_takes_the_port_too() -> None:
    """0.0.0.0 includes 127.0.0.1."""
    with socket.create_server(("", 0)) as server:
        assert machine.port_problem(server.getsockname()[1]) == errno.EADDRINUSE


def test_a_free_port_is_free(listener: socket.socket) -> None:
    """A port is free again when its listener is gone."""
    number = listener.getsockname()[1]
    listener.close()
    ports.check(with_port(number), ["gateway_port"])


def test_another_checkout_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine sentences about the same neighbour would hide the way out."""
    monkeypatch.setattr(machine, "port_problem", lambda number: errno.EADDRINUSE)
    monkeypatch.setattr(ports, "owner", lambda number: psutil.Process())
    monkeypatch.setattr(processes, "marker_of", lambda process: "/elsewhere/.run")
    [said] = ports.taken(with_port(8080), ["gateway_port", "order_port"])
    assert said.startswith("another checkout is up (its state is in /elsewhere/.run)")
    assert "GATEWAY_PORT (8080), ORDER_PORT (8081): run make down there" in said


def test_a_port_for_root_only_is_told_as_such() -> None:
    """An ordinary user cannot have port 80."""
    assert "is for root only" in ports.sentence("gateway_port", 80, errno.EACCES)
