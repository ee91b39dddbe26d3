"""The little of HTTP that the stand-in needs on top of WSGI: routes, query parameters, answers, the Host check."""

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from common.serving import hosts

log = logging.getLogger("jaeger")

# A browser must neither guess a type nor run what a span name may hold.
SAFE_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'"),
    ("Cache-Control", "no-store"),
]


@dataclass(slots=True)
class Response:
    """An answer: its status, its body, its type."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)


class HTTPError(Exception):
    """Ends a request with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Request:
    """A request: the method, the path, the query parameters and, read only when asked for, the body."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        try:
            self.query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True, max_num_fields=200)
        except ValueError:
            raise HTTPError(text("400 too many query parameters", 400)) from None

    def header(self, name: str) -> str:
        """A header's value, empty when it is not there."""
        key = name.upper().replace("-", "_")
        return str(self.environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))

    def param(self, *names: str) -> str:
        """The first of these query parameters that is not empty; empty when none is."""
        return next((value for name in names for value in self.query.get(name, ())[:1] if value), "")

    def body(self) -> bytes:
        """The whole body; the server has bounded it before the request got here."""
        return bytes(self.environ["wsgi.input"].read())


Handler = Callable[..., Response]


def text(message: str, status: int = 200) -> Response:
    """An answer in plain words."""
    return Response(message.encode(), status, "text/plain; charset=utf-8")


def to_json(value: Any, status: int = 200, content_type: str = "application/json") -> Response:
    """An answer in JSON; what is not ASCII is escaped."""
    return Response(json.dumps(value, separators=(",", ":")).encode(), status, content_type)


class App:
    """A WSGI application: routes in order, the first that fits answers."""

    def __init__(self, allowed_hosts: frozenset[str]) -> None:
        self.allowed_hosts = allowed_hosts
        self.routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self.route("GET", "/(healthz|readyz)", lambda request, which: to_json({"status": "ok"}))

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """Have the paths that fit the pattern answered by handler(request, *groups)."""
        self.routes.append((method, re.compile(pattern), handler))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; whatever goes wrong in a handler ends in an answer, too."""
        try:
            response = self.answer(environ)
        except HTTPError as error:
            response = error.response
        except Exception:
            log.exception("a request failed: %s", environ.get("PATH_INFO"))
            response = text("500 the stand-in failed to answer this; its log says why", 500)
        headers = [("Content-Type", response.content_type), ("Content-Length", str(len(response.body)))]
        start_response(
            f"{response.status} {HTTPStatus(response.status).phrase}", headers + response.headers + SAFE_HEADERS
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Find the route and let it answer."""
        if problem := hosts.refusal(environ.get("HTTP_HOST"), self.allowed_hosts):
            return text(f"403 {problem}\n", 403)
        request = Request(environ)
        allowed = []
        for method, pattern, handler in self.routes:
            if match := pattern.fullmatch(request.path):
                if request.method == method or (request.method, method) == ("HEAD", "GET"):
                    return handler(request, *match.groups())
                allowed.append(method)
        if allowed:
            return Response(
                f"405 method not allowed, supported: [{' '.join(allowed)}]".encode(),
                405,
                "text/plain",
                [("Allow", ", ".join(allowed))],
            )
        return text("404 page not found\n", 404)
