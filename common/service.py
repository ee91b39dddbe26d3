"""What makes a Flask application one of our services: problems for errors, probes, a log line a request."""

import logging
import time
from collections.abc import Callable, Mapping

from flask import Flask, Response, g, request

from common.errors import register_errors
from common.health import health

log = logging.getLogger(__name__)


def create_service(name: str, checks: Mapping[str, Callable[[], object]]) -> Flask:
    """An application without routes of its own but the probes; `checks` are what `/readyz` asks."""
    app = Flask(name, static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.json.sort_keys = False  # type: ignore[attr-defined]
    register_errors(app)
    app.register_blueprint(health(checks))

    @app.before_request
    def start_clock() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log_request(response: Response) -> Response:
        if request.endpoint not in ("health.healthz", "health.readyz", "static"):
            milliseconds = round((time.perf_counter() - g.started) * 1000, 1)
            log.info(
                "%s %s answered %d in %s ms",
                *(request.method, request.path, response.status_code, milliseconds),
                extra={"status": response.status_code, "duration_ms": milliseconds},
            )
        return response

    return app
