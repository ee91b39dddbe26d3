"""Jaeger's query API: `/api/v3`, the older `/api`, and the ways to the console."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from services.jaeger.query import legacy, v3
from services.jaeger.query.params import BadParameter, dependencies_window, old_query, trace_id, v3_query
from services.jaeger.receiving import otlp
from services.jaeger.settings import Settings
from services.jaeger.store.search import find
from services.jaeger.store.store import Snapshot, Store
from services.jaeger.store.summary import dependencies, summary
from services.jaeger.store.trace import KINDS
from services.jaeger.web import App, HTTPError, Request, Response, to_json

JSON_ERROR = "text/plain; charset=utf-8"  # Jaeger's own type for its JSON error answers
NO_ARCHIVE = "archive span storage was not configured"
NO_METRICS = "metrics querying is currently disabled"


class QueryAPI(App):
    """The WSGI application behind BIND."""

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(settings.allowed_hosts)
        self.store = store
        self.settings = settings
        for method, path, handler in (
            ("GET", "/api/v3/services", self.services),
            ("GET", "/api/v3/operations", self.operations),
            ("GET", "/api/v3/trace-summaries", self.summaries),
            ("GET", "/api/v3/traces", self.search),
            ("GET", "/api/v3/traces/([^/]+)", self.trace),
            ("GET", "/api/services", self.old_services),
            ("GET", "/api/operations", self.old_operations),
            ("GET", "/api/services/(.+)/operations", self.old_operation_names),
            ("GET", "/api/traces", self.old_search),
            ("GET", "/api/traces/([^/]+)", self.old_trace),
            ("GET", "/api/dependencies", self.old_dependencies),
            ("POST", "/api/transform", self.transform),
            ("POST", "/api/archive/([^/]+)", lambda request, _: old_error(500, NO_ARCHIVE)),
            ("GET", "/api/metrics/.*", lambda request: old_error(501, NO_METRICS)),
            ("GET", "/status", self.status),
            ("GET", "(/|/search|/trace/[0-9a-fA-F.]{1,100})", self.to_console),
        ):
            self.route(method, path, handler)

    # What the console and Jaeger's page from 2.15 on ask for.

    def services(self, request: Request) -> Response:
        """The names of the services."""
        return to_json({"services": self._services()})

    def operations(self, request: Request) -> Response:
        """A service's operations, of one span kind if asked so."""
        kind = request.param("spanKind", "span_kind")
        return to_json({"operations": self._operations(request.param("service"), kind)})

    def summaries(self, request: Request) -> Response:
        """The traces that match a search, in a few figures each."""
        query = v3_checked(v3_query, request, self.settings.max_traces)
        with self.store.lock:
            found = [summary(self.store, trace) for trace in find(self.store, query)]
        return to_json({"summaries": found})

    def search(self, request: Request) -> Response:
        """The traces that match a search, whole."""
        query = v3_checked(v3_query, request, self.settings.max_traces)
        with self.store.lock:
            ids = [trace.trace_id for trace in find(self.store, query)]
        return v3_answer([found for found in map(self.store.snapshot, ids) if found])

    def trace(self, request: Request, wanted: str) -> Response:
        """One trace."""
        found = self.store.snapshot(v3_checked(trace_id, wanted, problem="malformed parameter trace_id: "))
        return v3_answer([found]) if found else v3_error(404, "No traces found")

    # What Jaeger's page asks for up to 2.14, and for a trace and the architecture still.

    def old_services(self, request: Request) -> Response:
        """The names of the services."""
        return old_list(self._services())

    def old_operations(self, request: Request) -> Response:
        """A service's operations, of one span kind if asked so."""
        service = request.param("service")
        if not service:
            return old_error(400, "parameter 'service' is required")
        return old_list(self._operations(service, request.param("spanKind")))

    def old_operation_names(self, request: Request, service: str) -> Response:
        """The names of a service's operations, of whatever kind."""
        return old_list(sorted({operation["name"] for operation in self._operations(service, "")}))

    def old_search(self, request: Request) -> Response:
        """The traces that match a search, or the ones named by traceID parameters."""
        if wanted := request.query.get("traceID"):
            ids = [old_checked(trace_id, one) for one in wanted]
        else:
            query = old_checked(old_query, request, self.settings.max_traces)
            with self.store.lock:
                ids = [trace.trace_id for trace in find(self.store, query)]
        return old_traces([found for found in map(self.store.snapshot, ids) if found])

    def old_trace(self, request: Request, wanted: str) -> Response:
        """One trace."""
        found = self.store.snapshot(old_checked(trace_id, wanted))
        return old_traces([found]) if found else old_error(404, "trace not found")

    def old_dependencies(self, request: Request) -> Response:
        """Which service calls which, and how often."""
        start, end = old_checked(dependencies_window, request)
        with self.store.lock:
            calls = dependencies(self.store, start, end)
        only = request.param("service")
        links = [
            {"parent": parent, "child": child, "callCount": count}
            for (parent, child), count in calls.items()
            if only in ("", parent, child)
        ]
        return old_data(links)

    def transform(self, request: Request) -> Response:
        """OTLP JSON to the old form: how Jaeger's page opens a file of it."""
        try:
            batch = otlp.from_json(request.body())
        except (otlp.BadRequest, otlp.TooLarge) as error:
            return old_error(400 if isinstance(error, otlp.BadRequest) else 413, str(error))
        store = Store(self.settings.max_traces, self.settings.max_bytes)
        store.add(batch)
        return old_traces([found for found in map(store.snapshot, list(store.traces)) if found])

    # The stand-in's own.

    def status(self, request: Request) -> Response:
        """What this is, its bounds and their use."""
        return to_json({"name": "stand-in for the OpenTelemetry Collector and Jaeger", **self.store.status()})

    def to_console(self, request: Request, path: str) -> Response:
        """There is no page here: the console has it."""
        return Response(b"", 302, "text/plain", [("Location", self.settings.console_url + quote(path))])

    def _services(self) -> list[str]:
        return sorted({operation.service for operation in self.store.known_operations()})

    def _operations(self, service: str, kind: str) -> list[dict[str, str]]:
        found = [
            (operation.name, KINDS[operation.kind])
            for operation in self.store.known_operations()
            if operation.service == service
        ]
        return [{"name": name, "spanKind": of} for name, of in sorted(found) if kind in ("", of)]


def v3_answer(found: list[Snapshot]) -> Response:
    """Traces in OTLP JSON."""
    return Response(f'{{"result":{v3.trace_json(found)}}}'.encode())


def v3_error(code: int, message: str) -> Response:
    """An error as the v3 API words it."""
    return to_json({"error": {"httpCode": code, "message": message}}, code, JSON_ERROR)


def v3_checked(parse: Callable[..., Any], *args: Any, problem: str = "") -> Any:
    """What parse makes of its arguments; a bad parameter ends the request."""
    try:
        return parse(*args)
    except BadParameter as error:
        raise HTTPError(v3_error(400, f"{problem}{error}")) from None


def old_data(data: Any, total: int = 0) -> Response:
    """An answer in the older API's envelope."""
    return to_json({"data": data, "total": total, "limit": 0, "offset": 0, "errors": None})


def old_list(items: list[Any]) -> Response:
    """A list in the older API's envelope, with its length."""
    return old_data(items, len(items))


def old_traces(found: list[Snapshot]) -> Response:
    """Traces in the older API's form and envelope."""
    traces = ",".join(map(legacy.trace_json, found))
    return Response(f'{{"data":[{traces}],"total":0,"limit":0,"offset":0,"errors":null}}'.encode())


def old_error(code: int, message: str) -> Response:
    """An error as the older API words it."""
    errors = [{"code": code, "msg": message}]
    return to_json({"data": None, "total": 0, "limit": 0, "offset": 0, "errors": errors}, code, JSON_ERROR)


def old_checked(parse: Callable[..., Any], *args: Any) -> Any:
    """What parse makes of its arguments; a bad parameter ends the request."""
    try:
        return parse(*args)
    except BadParameter as error:
        raise HTTPError(old_error(400, str(error))) from None
