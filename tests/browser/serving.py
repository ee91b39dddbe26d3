"""A server for a browser, in a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from waitress.server import create_server


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The address at which it is served meanwhile."""
    server = create_server(app, host="127.0.0.1", port=0, ident=None)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # By its own thread: closed by another one its sockets are gone while it waits for them (Bad file descriptor).
        server.trigger.pull_trigger(server.close)
