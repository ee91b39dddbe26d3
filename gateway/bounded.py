"""Connections to the cache whose answers must be whole in time.

The client's own limit is on each piece of an answer. A server that sends one byte now and then, or bytes without end,
keeps to it for ever.
"""

import socket
import time
from typing import Any

from redis import Connection, ConnectionPool


class BoundedSocket:
    """A socket that reads for so many seconds after something was sent; then TimeoutError."""

    def __init__(self, wrapped: socket.socket, seconds: float) -> None:
        self._wrapped = wrapped
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def sendall(self, data: Any) -> None:
        """Send; the time for the answer begins."""
        self._until = time.monotonic() + self._seconds
        self._wrapped.sendall(data)

    def recv(self, size: int) -> bytes:
        """Some bytes of the answer; with a timeout of 0 the client only looks whether the other side has hung up."""
        if self._wrapped.gettimeout() != 0 and time.monotonic() > self._until:
            raise TimeoutError("its answer has no end")
        return self._wrapped.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


class BoundedConnection(Connection):
    """A connection on such a socket."""

    def _connect(self) -> Any:
        return BoundedSocket(super()._connect(), self.socket_timeout or 0)  # type: ignore[no-untyped-call]


def bounded_pool(url: str, connect_seconds: float, answer_seconds: float, **options: Any) -> ConnectionPool:
    """The connections to a URL; ValueError when it is none."""
    return ConnectionPool.from_url(
        url,
        connection_class=BoundedConnection,
        socket_connect_timeout=connect_seconds,
        socket_timeout=answer_seconds,
        **options,
    )
