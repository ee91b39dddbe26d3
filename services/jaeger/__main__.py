"""Run the stand-in: `python -m services.jaeger`."""

import gc
import os
import signal
import sys

from common.logs import configure_logging
from services.jaeger.server import Server
from services.jaeger.settings import Settings, SettingsError


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    os.environ.setdefault("OTEL_SERVICE_NAME", "jaeger")
    configure_logging(os.environ.get("LOG_LEVEL", "INFO"))
    try:
        server = Server(Settings.from_environment())
    except SettingsError as error:
        sys.exit(str(error))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    gc.collect()
    gc.freeze()  # What is loaded by now stays: the collector need not walk it again.
    server.run()


if __name__ == "__main__":
    main()
