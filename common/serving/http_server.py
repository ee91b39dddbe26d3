"""The HTTP server of every process of ours: waitress, with the bounds it lacks.

One loop reads each request whole before a thread gets it and keeps what a client does not take of its answer, so a
slow client costs a connection and no thread. Added to that: a request must be whole in time (waitress counts anew from
every byte), too many connections push out the one that has waited longest without a request (waitress takes no more,
for as long as they stay), what the server itself refuses is `application/problem+json`, and an end that loses nothing.
"""

import json
import logging
import resource
import signal
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, RequestEntityTooLarge, RequestHeaderFieldsTooLarge

log = logging.getLogger(__name__)
logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # It warns whenever more ask than there are threads.

RECEIVE_SECONDS = 10  # from a request's first byte, or from the connection's beginning, to its last byte
IDLE_SECONDS = 75  # between two requests: longer than clients keep connections, so that it is they who close
MOST_CONNECTIONS = 500
MOST_BODY = 64 * 1024  # bytes
MOST_HEAD = 16 * 1024  # bytes of request line and headers
# A stopping server answers requests on connections that are open already, for so long: one may be under way.
LINGER_SECONDS = 0.5
LEAVE_SECONDS = 2  # for a client to close a connection after its last answer
OPEN_FILES = 4096
AT_ONCE = 64  # connections that are taken before the loop looks at the others


class Refusal(ErrorTask):  # type: ignore[misc]
    """Answers a request that the application never sees, in the form of the application's own errors."""

    def execute(self) -> None:
        """Write status, headers and body; the connection ends with it."""
        self.version = "1.1"
        error = self.request.error
        title, detail = HTTPStatus(error.code).phrase, str(error.body)
        if isinstance(error, RequestEntityTooLarge):
            detail = f"the body is larger than {self.channel.adj.max_request_body_size - 1} bytes"
        elif isinstance(error, RequestHeaderFieldsTooLarge):
            detail = f"the address and the headers are larger than {self.channel.adj.max_request_header_size} bytes"
        log.info("refused %d: %s", error.code, detail)
        body = json.dumps({"type": "about:blank", "title": title, "status": error.code, "detail": detail}).encode()
        self.status = f"{error.code} {title}"
        self.response_headers.append(("Content-Type", "application/problem+json"))
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)


class Task(WSGITask):  # type: ignore[misc]
    """Lets the application answer; tells the client when there will be no further answer on its connection."""

    def build_response_header(self) -> bytes:
        """The answer's first bytes."""
        if self.channel.server.stopping:
            self.set_close_on_finish()
        head: bytes = super().build_response_header()
        return head


class RequestTimeout(BadRequest):  # type: ignore[misc]
    """A request that did not come whole in time."""

    code = HTTPStatus.REQUEST_TIMEOUT.value


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection. `last_activity` is when it was last of use: bytes of a request that has begun do not count."""

    task_class = Task
    error_task_class = Refusal
    request: Any  # the one that is being received
    close_when_flushed: bool
    served = False  # whether a whole request ever came
    leaving = False  # all is said; what the client still sends is not read

    def handle_read(self) -> None:
        """Take what came."""
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if self.leaving:
            if not data:
                self.handle_close()
        elif data:
            if self.request is None:
                self.last_activity = time.time()
            self.received(data)
            self.served = self.served or self.request is None
        elif self.request is None:
            self.handle_close()
        else:
            self.refuse(BadRequest("the request ends before it is whole"))

    def has_unread(self) -> bool:
        """Whether bytes have come that nobody has read."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def readable(self) -> bool:
        """Whether what comes is to be taken."""
        return self.leaving or bool(super().readable())

    def handle_write(self) -> None:
        """Send some of the answer; after the last one say so, and wait for the client to close.

        A socket that is closed while the client sends resets the connection, and the client may lose the answer.
        """
        last, self.close_when_flushed = self.close_when_flushed, False
        super().handle_write()
        if last and self.connected and self.total_outbufs_len:
            self.close_when_flushed = True
        elif last and self.connected:
            self.leaving, self.last_activity = True, time.time()
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.handle_close()

    def write_soon(self, data: Any) -> int:
        """Take some of an answer from its thread; a client has time to take it from here on, however long it took."""
        if not self.total_outbufs_len:
            self.last_activity = time.time()
        return int(super().write_soon(data))

    def refuse(self, error: Any) -> None:
        """Answer the request that has begun with this error, and close the connection."""
        with self.requests_lock:
            if self.requests or self.request is None:
                return
            request, self.request = self.request, None
            request.error = error
            self.requests.append(request)
        self.server.add_task(self)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """Serves an application; the loop that runs it may serve others in the same `sockets`."""

    channel_class = Channel
    next_channel_cleanup: float

    def __init__(
        self,
        app: Callable[..., Any],
        listen: socket.socket | tuple[str, int],
        *,
        threads: int,
        most_body: int,
        most_head: int = MOST_HEAD,
        receive_seconds: float = RECEIVE_SECONDS,
        sockets: dict[int, Any] | None = None,
    ) -> None:
        """`listen` is an open socket, or where one is to be opened (OSError when it can't be)."""
        self.stopping = 0.0  # since when; 0: it is not
        self.finished = False
        self.receive_seconds = receive_seconds
        _raise_file_limit()
        # waitress's limit is the first size that is refused.
        limits = {"max_request_body_size": most_body + 1, "max_request_header_size": most_head}
        # A body stays in memory until it is read: no server of ours leaves what it was sent in a temporary file.
        limits["inbuf_overflow"] = max(Adjustments.inbuf_overflow, most_body + 1)
        bounds = {"cleanup_interval": 1, "ident": None, "log_socket_errors": False, **limits}
        if isinstance(listen, tuple):
            listen = socket.create_server(listen, family=socket.AF_INET6 if ":" in listen[0] else socket.AF_INET)
        super().__init__(
            app,
            map=sockets,
            _sock=listen,
            adj=Adjustments(threads=threads, **bounds),
            sockinfo=(listen.family, listen.type, listen.proto, listen.getsockname()),
            bind_socket=False,
        )

    def readable(self) -> bool:
        """Whether a new connection is welcome."""
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        return bool(self.accepting) and (len(self.active_channels) <= MOST_CONNECTIONS or self.make_room())

    def handle_accept(self) -> None:
        """Take new connections; each beyond the bound costs the longest waiting one its own."""
        for _ in range(AT_ONCE):
            try:
                accepted = self.accept()
                if accepted is None:
                    return
                self.set_socket_options(accepted[0])
            except OSError as error:
                log.warning("a connection cannot be taken: %s", error)
                return
            self.channel_class(self, *accepted, self.adj, map=self._map)
            if len(self.active_channels) > MOST_CONNECTIONS and not self.make_room():
                return

    def make_room(self) -> bool:
        """Close a connection that nobody here works for; False when there is none.

        Of those that never sent a whole request and those between two requests the larger crowd gives way: many silent
        ones are an attack or a fault, many idle ones are customers who forgot to hang up, and the few others are about
        to ask. Rather one of which nothing is to be read, and last of all one that takes its answer.
        """
        waiting = [channel for channel in self.active_channels.values() if not channel.requests]
        if not waiting:
            return False
        served = sum(channel.served for channel in waiting)
        crowd = served > len(waiting) - served
        waiting.sort(key=lambda each: (each.total_outbufs_len > 0, each.served != crowd, each.last_activity))
        silent = (each for each in waiting if each.served == crowd and not each.has_unread())
        next(silent, waiting[0]).handle_close()
        return True

    def maintenance(self, now: float) -> None:
        """End what is late."""
        for channel in list(self.active_channels.values()):
            late, answering = now - channel.last_activity, channel.total_outbufs_len > 0
            if channel.leaving and late > LEAVE_SECONDS:
                channel.handle_close()
            if channel.leaving or (channel.requests and not answering):
                continue
            if channel.request is not None and late > self.receive_seconds and not channel.requests:
                channel.refuse(RequestTimeout(f"the request was not whole within {self.receive_seconds:g} s"))
            elif late > (IDLE_SECONDS if channel.served and not answering else self.receive_seconds):
                # Not waitress's will_close: that waits for a client to take what it does not take.
                channel.handle_close()

    def step(self, seconds: float) -> None:
        """Wait for events, so long at most, and deal with them."""
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)

    def finish(self, seconds: float) -> None:
        """Take no more connections, answer what has come, so long at most, and close."""
        self.handle_accept()  # those the kernel has made already
        self.stopping = time.time()
        self.accepting = False
        if self.socket is not None:
            self._map.pop(self._fileno, None)
            self.socket.close()
        while self.active_channels and (over := time.time() - self.stopping) < seconds:
            if over > LINGER_SECONDS:
                for channel in list(self.active_channels.values()):
                    if not channel.requests and not channel.total_outbufs_len:
                        channel.handle_close()
            self.step(0.05)
        self.task_dispatcher.shutdown(timeout=0.5)
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        self.finished = True
        self.trigger.close()

    def pull_trigger(self) -> None:
        """Wake the loop; whoever may call this may do so after the end, when the trigger's number is another file's."""
        if not self.finished:
            super().pull_trigger()


def serve(server: Server, grace: float = 5.0) -> None:
    """Run until SIGTERM or SIGINT; then give requests in hand so many seconds."""
    ended: list[int] = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    while not ended:
        server.step(1.0)
    server.finish(grace)


def address(bind: str) -> tuple[str, int]:
    """Host and port of `host:port`."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)


def _raise_file_limit() -> None:
    """Room for all connections: some systems allow a process 256 open files unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
