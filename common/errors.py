"""Errors as the API's callers see them: `application/problem+json` (RFC 9457)."""

import logging
from http import HTTPStatus

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)


# The reason in a 503 that was given before anything was begun.
OVERLOADED = "overloaded"


class Problem(Exception):
    """An error with an HTTP status that the caller should see.

    `extra` adds members to the answer, `headers` adds headers to it.
    """

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **extra: object) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra


def problem_response(problem: Problem) -> Response:
    """The problem as a response."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.extra,
    }
    return Response(json.dumps(body), problem.status, headers=problem.headers, content_type="application/problem+json")


def register_errors(app: Flask) -> None:
    """Make every error of `app` a problem: ours, the framework's, and the ones nobody thought of."""

    def from_http_exception(error: HTTPException) -> Response:
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
        return problem_response(Problem(error.code or 500, error.description or "", headers=headers))

    def unexpected(error: Exception) -> Response:
        log.exception("unexpected error in %s %s", request.method, request.path)
        return problem_response(Problem(500, "an unexpected error; the service's log has it"))

    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, from_http_exception)
    app.register_error_handler(Exception, unexpected)
