"""Traces from JSON: OTLP (files, collector's file exporter, Jaeger's v3 answers, Tempo's) and Jaeger's own download."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workshop.traces.model.trace import KINDS, Event, Link, Span, Trace
from workshop.traces.sources import ids

_STATUS = {0: "unset", 1: "ok", 2: "error"}
NO_SERVICE = "missing-service-name"  # what Jaeger calls a span without service.name


class UnknownFormat(ValueError):
    """The document holds no trace in a form known here."""


def load_file(path: Path) -> list[Trace]:
    """Reads a file's traces: OTLP JSON, one OTLP document a line, or Jaeger's JSON download.

    Raises UnknownFormat with the file's name and what was found in it; OSError when it cannot be read.
    """
    text = path.read_text(encoding="utf-8-sig")
    try:
        documents = [json.loads(text)]
    except RecursionError:
        raise UnknownFormat(f"{path} is nested too deeply for a trace") from None
    except json.JSONDecodeError as error:
        try:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise UnknownFormat(f"{path} is not JSON: {error}") from None
    try:
        spans = [span for document in documents for span in spans_of(document)]
    except (UnknownFormat, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnknownFormat(f"{path}: {_reason(error)}") from None
    if not spans:
        raise UnknownFormat(f"{path}: no spans in it")
    return group(spans)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, UnknownFormat | ids.InvalidId) else f"not a trace as expected ({error!r})"


def traces_of(document: Any) -> list[Trace]:
    """The traces in a parsed JSON document; raises UnknownFormat."""
    return group(spans_of(document))


def group(spans: Iterable[Span]) -> list[Trace]:
    """Sorts spans into traces, the first to start first."""
    by_trace: dict[str, list[Span]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    return sorted((Trace(each) for each in by_trace.values()), key=lambda trace: trace.start)


def spans_of(document: Any) -> Iterator[Span]:
    """The spans of a parsed JSON document; raises UnknownFormat."""
    if isinstance(document, list):
        for each in document:
            yield from spans_of(each)
    elif not isinstance(document, dict):
        raise UnknownFormat(f"expected a JSON object, found {type(document).__name__}")
    elif "resourceSpans" in document or "batches" in document:
        yield from _otlp(document.get("resourceSpans") or document.get("batches") or [])
    elif isinstance(document.get("result") or document.get("trace"), dict):
        yield from spans_of(document.get("result") or document["trace"])
    elif "spans" in document and "processes" in document:
        yield from _jaeger(document)
    elif isinstance(document.get("data"), list):
        for trace in document["data"]:
            yield from _jaeger(trace)
    else:
        keys = ", ".join(list(document)[:5]) or "nothing"
        raise UnknownFormat(f"neither OTLP (resourceSpans) nor Jaeger's JSON (data): found {keys}")


def _otlp(resource_spans: list[dict[str, Any]]) -> Iterator[Span]:
    for resource_span in resource_spans:
        resource = _attributes((resource_span.get("resource") or {}).get("attributes"))
        service = str(resource.get("service.name") or NO_SERVICE)
        scopes = resource_span.get("scopeSpans") or resource_span.get("instrumentationLibrarySpans") or []
        for scope_span in scopes:
            scope = scope_span.get("scope") or scope_span.get("instrumentationLibrary") or {}
            for span in scope_span.get("spans") or ():
                yield _otlp_span(span, service, resource, scope.get("name", ""))


def _otlp_span(raw: dict[str, Any], service: str, resource: dict[str, Any], scope: str) -> Span:
    status = raw.get("status") or {}
    parent = raw.get("parentSpanId")
    attributes = _attributes(raw.get("attributes"))
    return Span(
        trace_id=ids.trace_id(raw["traceId"]),
        span_id=ids.span_id(raw["spanId"]),
        parent_id=_parent(parent),
        service=service,
        name=raw.get("name", ""),
        kind=_kind(raw.get("kind")),
        start=int(raw.get("startTimeUnixNano", 0)),
        end=int(raw.get("endTimeUnixNano", 0)),
        attributes=attributes,
        resource=resource,
        events=[
            Event(e.get("name", ""), int(e.get("timeUnixNano", 0)), _attributes(e.get("attributes")))
            for e in raw.get("events") or ()
        ],
        links=[
            Link(ids.trace_id(x["traceId"]), ids.span_id(x["spanId"]), _attributes(x.get("attributes")))
            for x in raw.get("links") or ()
        ],
        scope=scope,
        status=_status(status.get("code"), attributes),
        status_message=status.get("message", ""),
    )


def _parent(text: str | None) -> str | None:
    if not text or not text.strip("0"):
        return None
    return ids.span_id(text)


def _kind(value: Any) -> str:
    if isinstance(value, int):
        return KINDS[value - 1] if 1 <= value <= len(KINDS) else "internal"
    name = str(value or "").removeprefix("SPAN_KIND_").lower()
    return name if name in KINDS else "internal"


def _status(code: Any, attributes: dict[str, Any]) -> str:
    if code is None and "error" not in attributes:
        return "unset"
    if isinstance(code, int):
        status = _STATUS.get(code, "unset")
    else:
        status = str(code or "unset").removeprefix("STATUS_CODE_").lower()
    if status == "unset" and str(attributes.get("error", "")).lower() == "true":
        return "error"
    return status if status in ("ok", "error") else "unset"


def _attributes(pairs: list[dict[str, Any]] | None) -> dict[str, Any]:
    found = {}
    for pair in pairs or ():
        held = pair.get("value")
        # By far most values are strings: worth a way of their own, a large trace has 100,000 of them.
        found[pair["key"]] = held["stringValue"] if held and "stringValue" in held else _value(held)
    return found


def _value(value: dict[str, Any] | None) -> Any:
    if not value:
        return None
    kind, held = next(iter(value.items()))
    if kind == "intValue":
        return int(held)
    if kind == "arrayValue":
        return [_value(each) for each in held.get("values") or ()]
    if kind == "kvlistValue":
        return _attributes(held.get("values"))
    return held


def _jaeger(trace: dict[str, Any]) -> Iterator[Span]:
    processes = {}
    for key, process in (trace.get("processes") or {}).items():
        resource = _tags(process.get("tags"))
        resource["service.name"] = process.get("serviceName") or NO_SERVICE
        processes[key] = resource
    for raw in trace.get("spans") or ():
        yield _jaeger_span(raw, processes.get(raw.get("processID")) or _tags((raw.get("process") or {}).get("tags")))


def _jaeger_span(raw: dict[str, Any], resource: dict[str, Any]) -> Span:
    tags = _tags(raw.get("tags"))
    trace_id = ids.trace_id(raw["traceID"])
    parent, follows, links = _references(raw, trace_id)
    start = int(raw.get("startTime", 0)) * 1000
    return Span(
        trace_id=trace_id,
        span_id=ids.span_id(raw["spanID"]),
        parent_id=parent,
        service=str(resource.get("service.name") or (raw.get("process") or {}).get("serviceName") or NO_SERVICE),
        name=raw.get("operationName", ""),
        kind=_kind(tags.pop("span.kind", None)),
        start=start,
        end=start + int(raw.get("duration", 0)) * 1000,
        events=[_log(log) for log in raw.get("logs") or ()],
        links=links,
        scope=str(tags.pop("otel.scope.name", None) or tags.pop("otel.library.name", "")),
        status=_status(tags.pop("otel.status_code", None), tags),
        status_message=str(tags.pop("otel.status_description", "")),
        attributes=tags,
        resource=resource,
        follows=follows,
    )


def _references(raw: dict[str, Any], trace_id: str) -> tuple[str | None, bool, list[Link]]:
    """The parent's id, whether the parent is only followed, and what else is referred to."""
    references = raw.get("references") or []
    if not references and raw.get("parentSpanID"):
        return _parent(raw["parentSpanID"]), False, []
    inside = [r for r in references if ids.trace_id(r["traceID"]) == trace_id]
    childs = [r for r in inside if r.get("refType") == "CHILD_OF"]
    # Only OpenTracing's clients make a FOLLOWS_FROM the one reference inside the trace: it is then the parent.
    chosen = (childs or inside or [None])[0]
    links = [Link(ids.trace_id(r["traceID"]), ids.span_id(r["spanID"]), {}) for r in references if r is not chosen]
    if chosen is None:
        return None, False, links
    return _parent(chosen["spanID"]), not childs, links


def _log(log: dict[str, Any]) -> Event:
    fields = _tags(log.get("fields"))
    name = str(fields.pop("event", None) or fields.get("message") or "log")
    return Event(name, int(log.get("timestamp", 0)) * 1000, fields)


def _tags(pairs: list[dict[str, Any]] | None) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    for pair in pairs or ():
        value = pair.get("value")
        if pair.get("type") == "int64" and isinstance(value, str):
            value = int(value)
        tags[pair["key"]] = value
    return tags
