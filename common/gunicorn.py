"""gunicorn's settings for every traced service: `gunicorn -c python:common.gunicorn 'order.app:create_app()'`."""

import os
import signal
import threading
from typing import Any

from common.logs import logging_config

bind = os.environ.get("BIND", "127.0.0.1:8000")
# One process: a second would double the memory and halve what one metric or pool means.
workers = 1
worker_class = "gthread"
threads = int(os.environ.get("THREADS", "64"))
# Longer than the clients keep idle connections, so that it is never the server that closes first.
keepalive = 75
graceful_timeout = 15
timeout = 60
control_socket_disable = True


# gunicorn configures logging when it starts and again in its worker; this makes its lines JSON as well.
logconfig_dict = logging_config(os.environ.get("LOG_LEVEL", "INFO"))


def post_worker_init(worker: Any) -> None:
    """Let the worker end soon after its master was killed.

    gunicorn's own check keeps a busy one, and with it the port that the next master needs, for graceful_timeout.
    """
    threading.Thread(target=_end_with, args=(worker.ppid,), daemon=True).start()


def _end_with(master: int) -> None:
    never = threading.Event()
    while os.getppid() == master:
        never.wait(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
