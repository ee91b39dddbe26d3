"""A client of Jaeger's query API, for every Jaeger 2 (2.0 to 2.21) and for whatever else speaks it.

Reads by `/api/v3`; where a server is too old for trace summaries (before 2.19) it searches by `/api/traces`, which
2.21 dropped. Such a server answers an address it does not know with its web page and status 200, so the content
type decides.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from workshop.traces.model.trace import Trace
from workshop.traces.sources import ids, old_search
from workshop.traces.sources.files import UnknownFormat, traces_of
from workshop.traces.sources.summaries import Dependency, Operation, TraceSummary, from_answer, summarise


class JaegerError(Exception):
    """Jaeger refused a request; the message says which and why."""


class JaegerUnavailable(JaegerError):
    """Nothing that speaks Jaeger's API answers at the URL."""


class TraceNotFound(JaegerError):
    """Jaeger has no trace with the id."""


class TraceTimeout(JaegerError):
    """The trace did not become what was waited for in time."""


def anything(trace: Trace) -> bool:
    """any span of it"""
    return bool(trace.spans)


class JaegerClient:
    """Reads traces from the Jaeger at `url`; `timeout` is in seconds and for each request."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._session = requests.Session()
        # A proxy for the outside world must not be asked for this machine's own ports.
        self._session.trust_env = urlsplit(self.url).hostname not in ("127.0.0.1", "localhost", "::1")
        self._has_summaries: bool | None = None

    @property
    def most_at_once(self) -> int:
        """How many traces one search should ask for at most: without summaries every span of each would come."""
        return 200 if self._has_summaries is False else 1_500

    def services(self) -> list[str]:
        """The services' names, sorted."""
        return sorted(self._json("/api/v3/services").get("services") or [])

    def operations(self, service: str) -> list[Operation]:
        """The span names of a service, sorted."""
        found = self._json("/api/v3/operations", {"service": service}).get("operations") or []
        return sorted(
            (Operation(each["name"], each.get("spanKind", "")) for each in found),
            key=lambda operation: (operation.name, operation.kind),
        )

    def get_trace(self, trace_id: str) -> Trace:
        """The trace with the id, in any spelling of it. Raises TraceNotFound, or ids.InvalidId."""
        normal = ids.trace_id(trace_id)
        try:
            traces = traces_of(self._document(f"/api/v3/traces/{normal}", normal))
        except UnknownFormat as error:
            raise JaegerError(f"{self.url}/api/v3/traces/{normal}: {error}") from None
        if not traces:
            raise TraceNotFound(f"Jaeger at {self.url} has no trace {normal}")
        return traces[0]

    def otlp(self, trace_id: str) -> dict[str, Any]:
        """The trace as OTLP JSON (`resourceSpans`), as Jaeger keeps it. Raises as get_trace does."""
        normal = ids.trace_id(trace_id)
        document = self._document(f"/api/v3/traces/{normal}", normal)
        return {"resourceSpans": document.get("result", document).get("resourceSpans") or []}

    def jaeger_json(self, trace_id: str) -> dict[str, Any]:
        """The trace as Jaeger's own JSON (`data`), as its page's download gives it. Raises as get_trace does."""
        normal = ids.trace_id(trace_id)
        document = self._document(f"/api/traces/{normal}", normal)
        return {"data": document.get("data") or []}

    def _document(self, path: str, trace_id: str) -> Any:
        """What Jaeger answers for a trace; raises TraceNotFound."""
        answer = self._get(path, {})
        if answer.status_code == 404:
            raise TraceNotFound(
                f"Jaeger at {self.url} has no trace {trace_id}: it may be a second too early, not sampled, evicted, "
                "or lost on its way here"
            )
        return self._checked(answer)

    def wait_for_trace(
        self,
        trace_id: str,
        until: Callable[[Trace], bool] = anything,
        timeout: float = 10.0,
        what: str = "",
    ) -> Trace:
        """Asks for the trace until `until` is true of it, and returns it.

        `timeout` is in seconds. Raises TraceTimeout, which says what was waited for (`what`, or the docstring of
        `until`) and what had come by then. Being unavailable is not waited out: JaegerUnavailable is raised at once.
        """
        deadline = time.monotonic() + timeout
        pause, seen = 0.02, "no span of it came"
        while True:
            try:
                trace = self.get_trace(trace_id)
                if until(trace):
                    return trace
                seen = f"{len(trace)} spans came, of {', '.join(trace.services)}"
            except TraceNotFound:
                pass
            if time.monotonic() + pause > deadline:
                waited_for = what or (until.__doc__ or "").strip() or getattr(until, "__name__", "the trace")
                raise TraceTimeout(f"trace {trace_id}: waited {timeout:g} s for {waited_for}; {seen}")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def search(
        self,
        service: str,
        operation: str | None = None,
        *,
        start: float | None = None,
        end: float | None = None,
        limit: int = 20,
        min_ms: float | None = None,
        max_ms: float | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> list[TraceSummary]:
        """The traces in which one span matches everything given, newest first.

        `start` and `end` are Unix seconds (default: the last hour up to a minute from now); durations in ms.
        """
        end = time.time() + 60 if end is None else end
        start = end - 3660 if start is None else start
        wanted = {
            "serviceName": service,
            "operationName": operation,
            "startTimeMin": _rfc3339(start),
            "startTimeMax": _rfc3339(end),
            "searchDepth": str(limit),
            "durationMin": _duration(min_ms),
            "durationMax": _duration(max_ms),
            "attributes": json.dumps(dict(attributes), separators=(",", ":")) if attributes else None,
        }
        found = None
        if self._has_summaries is not False:
            found = self._summaries({f"query.{key}": value for key, value in wanted.items() if value})
        if found is None:
            asked = dict(attributes or {})
            beyond = old_search.meant(asked)
            if beyond:
                others = {key: value for key, value in asked.items() if key not in beyond}
                wanted["attributes"] = json.dumps(others, separators=(",", ":")) if others else None
                wanted["searchDepth"] = str(max(limit, old_search.LOOKED_THROUGH))
            traces = self._old_search(wanted, start, end)
            if beyond:
                fit = (service, operation, asked, min_ms, max_ms)
                traces = [trace for trace in traces if old_search.fits(trace, *fit)]
            found = [summarise(trace) for trace in traces]
        return sorted(found, key=lambda summary: summary.start, reverse=True)[:limit]

    def _summaries(self, query: dict[str, str]) -> list[TraceSummary] | None:
        """Searches by trace summaries; None when this Jaeger has none."""
        answer = self._get("/api/v3/trace-summaries", query)
        if answer.status_code == 404 and _parsed(answer) is not None:
            return []  # Jaeger's own "No traces found"
        if not _is_json(answer) and answer.status_code in (200, 404):
            self._has_summaries = False
            return None
        found = self._checked(answer).get("summaries") or []
        self._has_summaries = True
        return [from_answer(each) for each in found]

    def _old_search(self, wanted: Mapping[str, str | None], start: float, end: float) -> list[Trace]:
        query = {
            "service": wanted["serviceName"],
            "operation": wanted["operationName"],
            "start": str(int(start * 1e6)),
            "end": str(int(end * 1e6)),
            "limit": wanted["searchDepth"],
            "minDuration": wanted["durationMin"],
            "maxDuration": wanted["durationMax"],
            "tags": wanted["attributes"],
        }
        document = self._json("/api/traces", {key: value for key, value in query.items() if value})
        found = document.get("data") or []
        # Nothing found is an answer here; of a file it would be none.
        return traces_of({"data": found}) if found else []

    def dependencies(self, end: float | None = None, lookback: float = 7 * 86400) -> list[Dependency]:
        """Calls between services that Jaeger counted in the `lookback` seconds before `end` (Unix seconds)."""
        end = time.time() + 60 if end is None else end
        query = {"endTs": str(int(end * 1000)), "lookback": str(int(lookback * 1000))}
        document = self._json("/api/dependencies", query)
        found = document if isinstance(document, list) else document.get("data") or []
        return [Dependency(each["parent"], each["child"], int(each.get("callCount", 0))) for each in found]

    def _json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self._checked(self._get(path, query or {}))

    def _get(self, path: str, query: Mapping[str, str]) -> requests.Response:
        try:
            with _untraced():
                return self._session.get(self.url + path, params=query, timeout=self.timeout, allow_redirects=False)
        except requests.Timeout:
            raise JaegerUnavailable(f"Jaeger at {self.url} did not answer within {self.timeout:g} s") from None
        except requests.RequestException as error:
            raise JaegerUnavailable(
                f"no Jaeger answers at {self.url} ({_cause(error)}): start the system with `make up`, or set JAEGER_URL"
            ) from None

    def _checked(self, answer: requests.Response) -> Any:
        """The parsed answer; raises what fits its status and content."""
        document = _parsed(answer)
        if answer.status_code >= 400:
            raise JaegerError(f"Jaeger answered {answer.status_code} to {answer.url}: {_message(document, answer)}")
        # An error's JSON comes as text/plain, so that only a success is judged by its type.
        if document is None or not _is_json(answer):
            kind = answer.headers.get("content-type", "no content type")
            raise JaegerUnavailable(
                f"what answers at {self.url} is not Jaeger's query API ({kind} for {urlsplit(answer.url).path}): "
                "set JAEGER_URL to Jaeger's page, by default port 16686"
            )
        return document


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _duration(ms: float | None) -> str | None:
    return None if ms is None else f"{round(ms * 1000)}us"


def _parsed(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _is_json(answer: requests.Response) -> bool:
    # Jaeger up to 2.18 sends its v3 answers as text/plain; what it does not know it answers with its page.
    return "html" not in answer.headers.get("content-type", "") and _parsed(answer) is not None


def _message(document: Any, answer: requests.Response) -> str:
    if isinstance(document, dict):
        if isinstance(document.get("error"), dict):
            return str(document["error"].get("message", ""))
        if document.get("errors"):
            return str(document["errors"][0].get("msg", ""))
    return answer.text[:200].strip() or (answer.reason or "no reason given")


def _untraced() -> AbstractContextManager[Any]:
    """Inside it no instrumentation makes spans: they would be among the traces that are read.

    Where none is loaded there is none to keep quiet, and the API need not be loaded for it (3.6 MB).
    """
    if "opentelemetry.instrumentation" not in sys.modules:
        return nullcontext()
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    return suppress_instrumentation()


def _cause(error: requests.RequestException) -> str:
    text = str(error)
    for known in (
        "Connection refused",
        "Name or service not known",
        "Connection reset",
        "Network is unreachable",
    ):
        if known in text:
            return known.lower()
    return text.rsplit("(Caused by", maxsplit=1)[-1].strip(" ')\"")[:120] or type(error).__name__
