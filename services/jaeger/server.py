"""Both listeners in one process: OTLP/HTTP in, the query API out."""

import logging
from typing import Any

from waitress import wasyncore

from common.serving import http_server
from services.jaeger.query.api import QueryAPI
from services.jaeger.receiving.receiver import Receiver
from services.jaeger.receiving.sampling import TailSampling
from services.jaeger.settings import Settings, SettingsError
from services.jaeger.store import keeping
from services.jaeger.store.store import Store
from services.jaeger.web import App

log = logging.getLogger("jaeger")

MOST_HEAD = 64 * 1024  # bytes; attribute searches travel in the address
RECEIVE_SECONDS = 30  # for a batch of some megabytes over a slow line
GRACE_SECONDS = 2.0  # for the requests in hand when it ends


class Server:
    """The stand-in: run() serves until stop()."""

    def __init__(self, settings: Settings) -> None:
        self.store = Store(settings.max_traces, settings.max_bytes)
        self._keep = settings.keep
        self._sockets: dict[int, Any] = {}
        self._max_body = settings.max_body
        self._running = True
        percentage = settings.tail_sampling
        self._sampling = None if percentage is None else TailSampling(self.store, percentage)
        receiver = Receiver(self._sampling or self.store, settings.allowed_hosts, settings.max_body)
        self._otlp = self._listen("OTLP_BIND", receiver, settings.otlp_bind, threads=2)
        self._query = self._listen("BIND", QueryAPI(self.store, settings), settings.bind, threads=4)
        self.otlp_port = int(self._otlp.effective_port)
        self.query_port = int(self._query.effective_port)

    def _listen(self, setting: str, app: App, address: tuple[str, int], threads: int) -> http_server.Server:
        host, port = address
        try:
            # The same map of sockets for both: one loop serves them.
            return http_server.Server(
                app,
                (host.strip("[]"), port),
                threads=threads,
                most_body=self._max_body,
                most_head=MOST_HEAD,
                receive_seconds=RECEIVE_SECONDS,
                sockets=self._sockets,
            )
        except OSError as error:
            wasyncore.close_all(self._sockets)
            raise SettingsError(
                f"{setting} is {host}:{port}, where nothing can listen: {error.strerror}. "
                f"Set {setting} to a free port, or stop what is there"
            ) from None

    def run(self) -> None:
        """Serve until stop() is called; what is kept in a file is read first and written last."""
        if self._keep:
            keeping.restore(self.store, self._keep)
        log.info("OTLP/HTTP on port %d, Jaeger's query API on port %d", self.otlp_port, self.query_port)
        while self._running:
            self._query.step(0.2 if self._sampling else 1.0)
            if self._sampling:
                self._sampling.decide()
        for server in (self._otlp, self._query):
            server.finish(GRACE_SECONDS)
        if self._sampling:
            self._sampling.finish()
        if self._keep:
            try:
                keeping.keep(self.store, self._keep)
            except OSError as error:
                log.error("the traces could not be kept: %s", error)

    def stop(self) -> None:
        """Have run() end, from a signal handler or another thread."""
        self._running = False
        self._query.pull_trigger()
