"""Which form a JSON document is in, and its spans by that form's reader."""

from collections.abc import Iterator
from typing import Any

from workshop.traces.model.span import Span
from workshop.traces.sources.formats import grafana, jaeger, otlp, zipkin
from workshop.traces.sources.formats.odd import UnknownFormat, shown
from workshop.traces.sources.formats.spelling import Ids

OTHER_SIGNALS = {
    "resourceMetrics": "metrics",
    "resource_metrics": "metrics",
    "resourceLogs": "logs",
    "resource_logs": "logs",
    "resourceProfiles": "profiles",
    "resource_profiles": "profiles",
}
# Around a trace or a span: Jaeger's v3 answer, Tempo's, and Elasticsearch's search with its documents.
_WRAPPED = ("result", "trace", "_source", "hits")
DEPTH = 8  # a list of lists of answers, and more than anybody wraps


def spans_of(document: Any, ids: Ids, depth: int = 0) -> Iterator[Span]:
    """The spans of a parsed document. Raises UnknownFormat when it is in no form known, or says that it has none."""
    if depth > DEPTH:
        raise UnknownFormat("it is a list in a list in a list, without a span")
    if isinstance(document, list):
        yield from _of_list(document, ids, depth)
    elif isinstance(document, dict):
        yield from _of_object(document, ids, depth)
    else:
        raise UnknownFormat(f"it holds {shown(document)} where an object was expected")


def _of_list(documents: list[Any], ids: Ids, depth: int) -> Iterator[Span]:
    """Each by itself: what is in no known form is left out, unless all are so."""
    refused: UnknownFormat | None = None
    read = False
    for document in documents:
        try:
            yield from spans_of(document, ids, depth + 1)
            read = True
        except UnknownFormat as error:
            refused = refused or error
            ids.notes.add("an element of a list is no trace", "skipped", str(error))
    if refused and not read:
        raise refused


def _of_object(document: dict[str, Any], ids: Ids, depth: int) -> Iterator[Span]:
    if any(key in document for key in otlp.RESOURCES):
        _partial(document, ids)
        yield from otlp.spans(document, ids)
    elif signal := next((OTHER_SIGNALS[key] for key in document if key in OTHER_SIGNALS), None):
        ids.notes.add(f"{signal} between the traces", "skipped")
    elif wrapped := next((document[key] for key in _WRAPPED if isinstance(document.get(key), dict)), None):
        _partial(document, ids)
        yield from spans_of(wrapped, ids, depth + 1)
    elif grafana.is_frame(document):
        yield from grafana.spans(document, ids)
    elif found_frames := grafana.frames(document):
        yield from spans_of(found_frames, ids, depth + 1)
    elif "spans" in document and ("processes" in document or "traceID" in document):
        yield from jaeger.spans(document, ids)
    elif isinstance(document.get("hits"), list) and document["hits"]:
        yield from spans_of(document["hits"], ids, depth + 1)
    elif isinstance(document.get("data"), list | dict) and document["data"]:
        yield from spans_of(document["data"], ids, depth + 1)
    elif found := _one_span(document, ids):
        yield from found
    else:
        raise UnknownFormat(_refusal(document))


def _one_span(document: dict[str, Any], ids: Ids) -> list[Span]:
    """A span that stands by itself, as a store keeps it; none when the object is no span."""
    if zipkin.is_span(document):
        found = zipkin.span(document, ids)
    elif "traceID" in document and "spanID" in document:
        found = jaeger.span(document, {}, None, ids)
    elif ("traceId" in document or "trace_id" in document) and ("spanId" in document or "span_id" in document):
        found = otlp.span(document, otlp.NO_SERVICE, {}, "", ids)
    else:
        return []
    return [found] if found else []


def _partial(document: dict[str, Any], ids: Ids) -> None:
    """Tempo says when an answer holds a part of the trace only."""
    if str(document.get("status", "")).upper() == "PARTIAL":
        ids.notes.add("the answer says that it is a part of the trace only", "read as it is")


def _refusal(document: dict[str, Any]) -> str:
    """Why there is no trace in it: what it says itself, or what was found."""
    if said := _said(document):
        return f"it is an answer without a trace: {said}"
    for key in ("traces", "summaries"):
        if isinstance(document.get(key), list):
            return "it lists traces without their spans (a search's answer): download one of them"
    if "data" in document and not document["data"]:
        return "no spans in it: its data is empty"
    keys = ", ".join(str(key)[:40] for key in list(document)[:5]) or "nothing"
    return f"it is neither OTLP (resourceSpans), Jaeger's JSON (data) nor Zipkin's (a list of spans): found {keys}"


def _said(document: dict[str, Any]) -> str:
    """What an answer that is an error says: Jaeger's old and new form, gRPC's gateway, Tempo."""
    errors = document.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return _sentence(errors[0].get("code"), errors[0].get("msg") or errors[0].get("message"))
    error = document.get("error")
    if isinstance(error, dict):
        return _sentence(error.get("httpCode") or error.get("code") or error.get("status"), error.get("message"))
    if isinstance(error, str) and error:
        return error[:200]
    if "message" in document and not isinstance(document["message"], dict | list):
        return _sentence(document.get("code") or document.get("status"), document["message"])
    return ""


def _sentence(code: Any, message: Any) -> str:
    return " ".join(str(part)[:200] for part in (code, message) if part not in (None, ""))
