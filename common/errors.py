"""Errors as the API's callers see them: `application/problem+json` (RFC 9457)."""

import logging
from http import HTTPStatus

from flask import Flask, Response, json, request
from flask.typing import ResponseReturnValue
from opentelemetry import trace
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)


# The reasons in a 503 or 504 that was given before anything was begun.
OVERLOADED = "overloaded"
DATABASE_AWAY = "database_away"
UNREACHABLE = "unreachable"
NO_TIME = "no_time"
NOTHING_BEGUN = (OVERLOADED, DATABASE_AWAY, UNREACHABLE, NO_TIME)
# And in one where a statement's connection broke: what it did, or not, is not known.
DATABASE_LOST = "database_lost"


class Problem(Exception):
    """An error with an HTTP status that the caller should see.

    `extra` adds members to the answer, `headers` adds headers to it. One that a call to another service ended with is
    not `sure` when an earlier attempt's connection broke: that attempt may have done what the answer refuses. `theirs`
    is the status that the other side answered with, where this one's is another.
    """

    sure = True
    theirs: int | None = None

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **extra: object) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra

    @property
    def refused(self) -> bool:
        """Whether the other side certainly did nothing; after any other answer, or none, it may have."""
        return self.sure and (self.status < 500 or self.extra.get("reason") in NOTHING_BEGUN)


def problem_response(problem: Problem) -> Response:
    """The problem as a response; one of ours (5xx) is in the log, too."""
    if problem.status >= 500:
        log.warning("answered %d: %s", problem.status, problem.detail)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.extra,
    }
    return Response(json.dumps(body), problem.status, headers=problem.headers, content_type="application/problem+json")


def register_errors(app: Flask) -> None:
    """Make every error of `app` a problem: ours, the framework's, and the ones nobody thought of.

    An application that answers problems in its own way registers another handler for Problem; it then gets all.
    """

    def from_http_exception(error: HTTPException) -> ResponseReturnValue:
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
        return answer(Problem(error.code or 500, error.description or "", headers=headers))

    def unexpected(error: Exception) -> ResponseReturnValue:
        log.exception("unexpected error in %s %s", request.method, request.path)
        # It is answered here, so the instrumentation never sees it.
        trace.get_current_span().record_exception(error)
        return answer(Problem(500, "an unexpected error; the service's log has it"))

    def answer(problem: Problem) -> ResponseReturnValue:
        handled: ResponseReturnValue = app.handle_user_exception(problem)
        return handled

    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, from_http_exception)
    app.register_error_handler(Exception, unexpected)
