"""gunicorn's settings for every traced service: `gunicorn -c python:common.gunicorn 'order.app:create_app()'`.

gunicorn starts, watches and ends the process (as process 1 as well) and leaves it the time to send its last spans;
`Worker` has common.serving.http_server do the HTTP. gunicorn's own threads each wait for one client: 64 slow ones stop
a service.
"""

import gc
import os
from typing import Any

from gunicorn.workers.base import Worker as GunicornWorker

from common.logs import logging_config
from common.serving.http_server import MOST_BODY, Server

bind = os.environ.get("BIND", "127.0.0.1:8000")
# One process: a second would double the memory and halve what one metric or pool means.
workers = 1
threads = int(os.environ.get("THREADS", "64"))
# Longer than any request may take (20 s, at the gateway): whoever has been let in gets an answer.
graceful_timeout = 22
timeout = 60
control_socket_disable = True
# gunicorn configures logging when it starts and again in its worker; this makes its lines JSON as well.
logconfig_dict = logging_config(os.environ.get("LOG_LEVEL", "INFO"), os.environ.get("LOG_FILE", ""))


def pre_fork(server: object, worker: object) -> None:
    """Just before the fork: what is there by now stays shared, as no collection touches it any more."""
    gc.collect()
    gc.freeze()


def post_fork(server: object, worker: object) -> None:
    """Instrument the process that serves, before it loads the application: as `opentelemetry-instrument` would.

    In front of gunicorn that instruments its master, too, which serves nothing: 10 MB more for each service.
    https://opentelemetry-python.readthedocs.io/en/latest/examples/fork-process-model/README.html
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true":
        # Here, or the master has it.
        from opentelemetry.instrumentation.auto_instrumentation import initialize

        initialize()


class Worker(GunicornWorker):  # type: ignore[misc]
    """A worker process whose requests are served by common.serving.http_server."""

    servers: tuple[Server, ...] = ()

    def run(self) -> None:
        """Serve until SIGTERM, or until the master is gone, and with it what would end this process."""
        sockets: dict[int, Any] = {}
        self.servers = tuple(
            Server(self.wsgi, each.sock, threads=self.cfg.threads, most_body=MOST_BODY, sockets=sockets)
            for each in self.sockets
        )
        while self.alive and os.getppid() == self.ppid:
            self.notify()
            self.servers[0].step(0.5)
        for server in self.servers:
            server.finish(self.cfg.graceful_timeout)

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM: have the loop end, at once."""
        super().handle_exit(sig, frame)
        for server in self.servers:
            server.pull_trigger()


worker_class = Worker
