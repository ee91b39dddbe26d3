"""Run the console: `python -m workshop.console`."""

import logging
import os
import sys
import time

from pythonjsonlogger.json import JsonFormatter

from common.serving.http_server import Server, address, serve
from workshop.console.app import create_app
from workshop.console.opened.pages import ENVELOPE
from workshop.console.opened.store import LIMIT
from workshop.console.settings import Settings, SettingsError
from workshop.console.teach import entry

UPLOAD_SECONDS = 60  # for a file of the largest size, over a room's network


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    log_as_json(os.environ.get("LOG_LEVEL", "INFO"))
    try:
        settings = Settings.from_environment()
        server = Server(
            create_app(settings),
            address(settings.bind),
            threads=4,
            most_body=LIMIT + ENVELOPE,
            receive_seconds=UPLOAD_SECONDS,
        )
    except SettingsError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(
            f"BIND is {settings.bind}, where nothing can listen: {error.strerror}. "
            "Set BIND (CONSOLE_PORT in .env) to a free port, or stop what is there"
        )
    serve(server)
    entry.leave(settings.teacher_folder)


def log_as_json(level: str) -> None:
    """One JSON object a line on standard output, with the names that the services' logs have."""
    formatter = JsonFormatter(
        "%(asctime)s %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S+00:00",
        rename_fields={"asctime": "time", "levelname": "level"},
        static_fields={"service": "console"},
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler])


if __name__ == "__main__":
    main()
