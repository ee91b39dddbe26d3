"""gunicorn's settings for every traced service: `gunicorn -c python:common.gunicorn 'order.app:create_app()'`."""

import logging
import os
import signal
import socket
import struct
import threading
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from common.logs import logging_config


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with threads, which stops listening as soon as it is told to end.

    gunicorn's own keeps its listening sockets until the last request is answered, and accepts nothing: whoever connects
    meanwhile waits, and is reset at the end. Without them he is refused at once, and tries again; and the next master
    gets the port.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to accept; a worker that ends takes what has connected already, then closes the door."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                self._take_the_rest(listener)
                listener.close()

    def _take_the_rest(self, listener: Any) -> None:
        before = -1
        while self.nr_conns > before:
            before = self.nr_conns
            self.accept(listener)

    def is_parent_alive(self) -> bool:
        """Whether the master is there; without it the worker ends."""
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)


bind = os.environ.get("BIND", "127.0.0.1:8000")
# One process: a second would double the memory and halve what one metric or pool means.
workers = 1
worker_class = Worker
threads = int(os.environ.get("THREADS", "64"))
# Longer than the clients keep idle connections, so that it is never the server that closes first.
keepalive = 75
# Longer than any request may take (20 s, at the gateway): whoever has been let in gets an answer.
graceful_timeout = 22
timeout = 60
control_socket_disable = True


# gunicorn configures logging when it starts and again in its worker; this makes its lines JSON as well.
logconfig_dict = logging_config(os.environ.get("LOG_LEVEL", "INFO"))


# A client that has begun a request and sends nothing for so long, in seconds, loses its connection, so that it
# does not keep a thread. gunicorn has such a limit for whoever has not begun.
RECEIVE_SECONDS = 10


def post_worker_init(worker: Any) -> None:
    """Let the worker end soon after its master was killed, and no thread wait for a client for ever.

    gunicorn's own check keeps a busy one, and with it the port that the next master needs, for graceful_timeout.
    """
    threading.Thread(target=_end_with, args=(worker.ppid,), daemon=True).start()
    for listener in worker.sockets:
        # What is accepted inherits it. The value is C's struct timeval.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", RECEIVE_SECONDS, 0))
    logging.getLogger("gunicorn.error").addFilter(_slow_client)


def _slow_client(record: logging.LogRecord) -> bool:
    """Such a client is no error of ours, and worth a line, not a traceback."""
    if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
        record.msg, record.args, record.exc_info = "a client sent half a request and no more", (), None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def _end_with(master: int) -> None:
    never = threading.Event()
    while os.getppid() == master:
        never.wait(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
