"""What makes a Flask application one of our services: problems for errors, probes, a log line a request."""

import hmac
import logging
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPMethod

from flask import Flask, Response, g, request
from opentelemetry import trace
from pydantic import SecretStr

from common import deadline
from common.errors import OVERLOADED, Problem, register_errors
from common.health import health
from common.serving import hosts
from common.telemetry import describe_server

log = logging.getLogger(__name__)

UNCOUNTED = ("health.healthz", "health.readyz", "static")


# More requests at once than this are refused at once: waiting in line would only make all of them late. It is
# less than the server's threads, so that probes and refusals always find one.
MOST_REQUESTS = 48


# Whoever only looks changes nothing (RFC 9110, 9.2.1).
SAFE = ("GET", "HEAD", "OPTIONS")


def check_caller(secret: SecretStr) -> None:
    """Problem 401 unless the request has the secret, compared in a time that tells nothing of it."""
    wanted = f"Bearer {secret.get_secret_value()}"
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        detail = "only the shop's own services may do this, with their secret"
        raise Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def create_service(
    name: str, checks: Mapping[str, Callable[[], object]], *, timeout: float, secret: SecretStr | None = None
) -> Flask:
    """An application without routes of its own but the probes.

    `checks` are what `/readyz` asks (common.health). `timeout` is how long, in seconds, a request may take at
    most; a caller that waits less says so (common.deadline). With a `secret` only a caller who knows it may change
    anything.
    """
    app = Flask(name, static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.config["REQUEST_SECONDS"] = timeout
    app.json.sort_keys = False  # type: ignore[attr-defined]
    register_errors(app)
    app.register_blueprint(health(checks))

    names = hosts.allowed(name)
    room = threading.BoundedSemaphore(MOST_REQUESTS)

    @app.before_request
    def admit() -> None:
        g.started = time.perf_counter()
        if request.url_rule is None:
            # The name is the method alone, or every path that anybody makes up would be an operation of its own.
            method = request.method if request.method in HTTPMethod.__members__ else "HTTP"
            trace.get_current_span().update_name(method)
        if problem := hosts.refusal(request.headers.get("Host"), names):
            raise Problem(403, problem)
        describe_server(trace.get_current_span(), request.headers.get("Host"))
        if request.endpoint in UNCOUNTED:
            return
        deadline.begin(timeout)
        if not room.acquire(blocking=False):
            detail = f"{name} has as many requests in hand as it can"
            raise Problem(503, detail, headers={"Retry-After": "1"}, reason=OVERLOADED)
        g.admitted = True
        if secret is not None and request.url_rule is not None and request.method not in SAFE:
            check_caller(secret)

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        if g.pop("admitted", False):
            room.release()

    @app.after_request
    def log_request(response: Response) -> Response:
        if request.endpoint not in UNCOUNTED:
            milliseconds = round((time.perf_counter() - g.started) * 1000, 1)
            log.info(
                "%s %s answered %d in %s ms",
                *(request.method, request.path, response.status_code, milliseconds),
                extra={
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "bytes": response.content_length,
                    "duration_ms": milliseconds,
                },
            )
        return response

    return app
