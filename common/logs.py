"""Logs: one JSON object a line on standard output, each with the ids of the span it was written in."""

import logging
import logging.config
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opentelemetry import trace
from pythonjsonlogger.json import JsonFormatter


class LogFormatter(JsonFormatter):
    """time, service, level, message, trace_id, span_id, then what the call gave as `extra`."""

    def __init__(self) -> None:
        super().__init__("%(message)s")
        self.service = os.environ.get("OTEL_SERVICE_NAME", "unknown_service")

    def add_fields(
        self, log_data: dict[str, object], record: logging.LogRecord, message_dict: dict[str, object]
    ) -> None:
        """Fill one line's object."""
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        log_data["service"] = self.service
        log_data["level"] = record.levelname
        log_data["message"] = record.getMessage()
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            log_data["trace_id"] = trace.format_trace_id(span.trace_id)
            log_data["span_id"] = trace.format_span_id(span.span_id)
        super().add_fields(log_data, record, message_dict)


# Of the log file: beyond, the older half goes.
FILE_BYTES = 10_000_000


def logging_config(level: str, file: str = "") -> dict[str, Any]:
    """The settings for `logging.config.dictConfig`: every logger writes JSON to standard output, and to a file.

    In a container standard output is the engine's, and the workshop's console has no way to it: a file in a volume is
    what it reads.
    """
    formatted = {"formatter": "json"}
    handlers: dict[str, dict[str, Any]] = {
        "stdout": {"class": "logging.StreamHandler", "stream": sys.stdout, **formatted}
    }
    if file and _writable(file):
        rotating = {"class": "logging.handlers.RotatingFileHandler", "maxBytes": FILE_BYTES, "backupCount": 1}
        handlers["file"] = {**rotating, "filename": file, "delay": True, **formatted}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": LogFormatter}},
        "handlers": handlers,
        "root": {"level": level.upper(), "handlers": [*handlers]},
        "loggers": {
            "urllib3": {"level": "WARNING"},
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        },
    }


def _writable(file: str) -> bool:
    try:
        with Path(file).open("a"):
            return True
    except OSError:
        return False


def configure_logging(level: str) -> None:
    """Send every logger's lines to standard output as JSON, in a process that gunicorn does not run."""
    logging.config.dictConfig(logging_config(level, os.environ.get("LOG_FILE", "")))
