"""Both listeners in one process: OTLP/HTTP in, the query API out."""

import logging
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from services.jaeger.query.api import QueryAPI
from services.jaeger.receiving.receiver import Receiver
from services.jaeger.settings import Settings, SettingsError
from services.jaeger.store.store import Store
from services.jaeger.web import App

log = logging.getLogger("jaeger")
logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # It warns whenever more ask than there are threads.

# One loop reads every request whole before a thread gets it, so a slow client takes no thread from the others.
LIMITS = {
    "connection_limit": 500,
    "channel_timeout": 30,  # seconds without a byte, and a connection is closed
    "cleanup_interval": 10,
    "max_request_header_size": 64 * 1024,  # bytes; attribute searches travel in the address
    "asyncore_use_poll": True,
    "ident": None,
}


class Server:
    """The stand-in: run() serves until stop()."""

    def __init__(self, settings: Settings) -> None:
        self.store = Store(settings.max_traces, settings.max_bytes)
        self._sockets: dict[int, Any] = {}
        self._max_body = settings.max_body
        self._running = True
        receiver = Receiver(self.store, settings.allowed_hosts, settings.max_body)
        self._otlp = self._listen("OTLP_BIND", receiver, settings.otlp_bind, threads=2)
        self._query = self._listen("BIND", QueryAPI(self.store, settings), settings.bind, threads=4)
        self.otlp_port: int = int(self._otlp.effective_port)
        self.query_port: int = int(self._query.effective_port)

    def _listen(self, setting: str, app: App, address: tuple[str, int], threads: int) -> Any:
        host, port = address
        try:
            # The same map of sockets for both: one loop serves them.
            return create_server(
                app,
                map=self._sockets,
                host=host.strip("[]"),
                port=port,
                threads=threads,
                max_request_body_size=self._max_body,
                **LIMITS,
            )
        except OSError as error:
            wasyncore.close_all(self._sockets)
            raise SettingsError(
                f"{setting} is {host}:{port}, where nothing can listen: {error.strerror}. "
                f"Set {setting} to a free port, or stop what is there"
            ) from None

    def run(self) -> None:
        """Serve until stop() is called."""
        log.info("OTLP/HTTP on port %d, Jaeger's query API on port %d", self.otlp_port, self.query_port)
        while self._running:
            wasyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)
        for server in (self._otlp, self._query):
            server.task_dispatcher.shutdown()
            for channel in list(server.active_channels.values()):
                channel.handle_close()
        wasyncore.close_all(self._sockets)

    def stop(self) -> None:
        """Have run() end, from a signal handler or another thread."""
        self._running = False
        self._query.pull_trigger()
