"""OTLP as JSON, in camelCase and in snake_case, ids in hex or (Tempo, protobuf's own mapping) in base64.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Iterator
from typing import Any

from workshop.traces.model.span import KINDS, Event, Link, Span
from workshop.traces.sources.formats.odd import Notes, number, plain, says_error
from workshop.traces.sources.formats.spelling import Ids

NO_SERVICE = "missing-service-name"  # what Jaeger calls a span without service.name
RESOURCES = ("resourceSpans", "resource_spans", "batches")
_SCOPES = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans")
_STATUS = {0: "unset", 1: "ok", 2: "error"}


def spans(document: dict[str, Any], ids: Ids) -> Iterator[Span]:
    """The spans of a document that has one of RESOURCES."""
    notes = ids.notes
    for key in RESOURCES:
        for resource_span in notes.objects(document.get(key), key):
            yield from _of_resource(resource_span, ids)


def _of_resource(resource_span: dict[str, Any], ids: Ids) -> Iterator[Span]:
    notes = ids.notes
    resource = attributes(notes.object(resource_span.get("resource"), "resource").get("attributes"), notes)
    service = service_name(resource.get("service.name"), notes)
    for key in _SCOPES:
        for scope_span in notes.objects(resource_span.get(key), key):
            scope = notes.object(scope_span.get("scope") or scope_span.get("instrumentationLibrary"), "scope")
            name = notes.text(scope.get("name"), "a scope's name")
            for raw in notes.objects(scope_span.get("spans"), "spans"):
                found = span(raw, service, resource, name, ids)
                if found is not None:
                    yield found


def service_name(value: Any, notes: Notes) -> str:
    """The service's name, never empty."""
    return (value if value.__class__ is str else notes.text(value, "service.name")) or NO_SERVICE


def span(raw: dict[str, Any], service: str, resource: dict[str, Any], scope: str, ids: Ids) -> Span | None:
    """One span; None where it has no time at all."""
    notes = ids.notes
    start = notes.nanoseconds(_get(raw, "startTimeUnixNano", "start_time_unix_nano"), "startTimeUnixNano")
    end = notes.nanoseconds(_get(raw, "endTimeUnixNano", "end_time_unix_nano"), "endTimeUnixNano")
    if not start and not end:
        notes.add("a span has neither start nor end", "left out")
        return None
    if not end or not start:
        notes.add(f"a span has no {'end' if start else 'start'}", "read without a length")
    name = raw.get("name")
    held = attributes(raw.get("attributes"), notes)
    status, message = _status(raw.get("status"), held, notes)
    trace_id = ids.trace(_get(raw, "traceId", "trace_id"), "traceId")
    kind = span_kind(raw.get("kind"), notes)
    return Span(
        trace_id=trace_id,
        span_id=ids.own(_get(raw, "spanId", "span_id"), "spanId", trace_id),
        parent_id=ids.other(_get(raw, "parentSpanId", "parent_span_id")),
        service=service,
        name=name if name.__class__ is str and name else notes.name(name, "a span's name"),
        kind=kind,
        start=start or end or 0,
        end=end or start or 0,
        attributes=held,
        resource=resource,
        events=[_event(each, start or end or 0, notes) for each in notes.objects(raw.get("events"), "events")],
        links=[_link(each, ids) for each in notes.objects(raw.get("links"), "links")],
        scope=scope,
        status=status,
        status_message=message,
        unfinished=not end,
    )


def _get(raw: dict[str, Any], camel: str, snake: str) -> Any:
    value = raw.get(camel)
    return raw.get(snake) if value is None else value


def _event(raw: dict[str, Any], fallback: int, notes: Notes) -> Event:
    moment = notes.nanoseconds(_get(raw, "timeUnixNano", "time_unix_nano"), "an event's timeUnixNano")
    name = notes.text(raw.get("name"), "an event's name")
    return Event(name, fallback if moment is None else moment, attributes(raw.get("attributes"), notes))


def _link(raw: dict[str, Any], ids: Ids) -> Link:
    trace_id = ids.trace(_get(raw, "traceId", "trace_id"), "a link's traceId")
    return Link(trace_id, ids.other(_get(raw, "spanId", "span_id")) or "", attributes(raw.get("attributes"), ids.notes))


def span_kind(value: Any, notes: Notes) -> str:
    """The span's kind, from OTLP's number or a name in any spelling."""
    if value.__class__ is int:
        return KINDS[value - 1] if 1 <= value <= len(KINDS) else "internal"
    if isinstance(value, str):
        name = value.removeprefix("SPAN_KIND_").lower()
        if name in KINDS:
            return name
        if value.isdecimal() and 0 <= int(value) <= len(KINDS):
            return KINDS[max(0, int(value) - 1)]
    if value not in (None, "", "SPAN_KIND_UNSPECIFIED", "UNSPECIFIED", "unspecified"):
        notes.expected("a span's kind", value, "server, client, …", "read as internal")
    return "internal"


def _status(raw: Any, held: dict[str, Any], notes: Notes) -> tuple[str, str]:
    """The status and its message."""
    if isinstance(raw, str | int) and not isinstance(raw, bool):
        raw = {"code": raw}
    given = notes.object(raw, "status") if raw else {}
    message = notes.text(given.get("message"), "a status' message") if given else ""
    return status_of(given.get("code"), message, held)


def status_of(code: Any, message: str, held: dict[str, Any]) -> tuple[str, str]:
    """The status by its code, or by an `error` attribute where there is none; and the words about it."""
    if code is None and "error" not in held:
        return "unset", message
    found = number(code)
    if found is not None:
        status = _STATUS.get(int(found), "unset")
    else:
        status = str(code or "unset").upper().removeprefix("STATUS_CODE_").lower()
    if status == "unset":
        words = says_error(held.get("error"))
        if words is not None:
            return "error", message or words
    return (status if status in ("ok", "error") else "unset"), message


def attributes(pairs: Any, notes: Notes) -> dict[str, Any]:
    """The attributes by key."""
    if not pairs:
        return {}
    if isinstance(pairs, dict):
        notes.add("attributes are an object, not a list of pairs", "read as they are")
        return {str(key): plain(value) for key, value in pairs.items()}
    found: dict[str, Any] = {}
    for pair in notes.objects(pairs, "attributes"):
        key, held = pair.get("key"), pair.get("value")
        if key.__class__ is not str:
            key = notes.text(key, "an attribute's key", "(no key)")
        # By far most values are strings: worth a way of their own, a large trace has 100,000 of them.
        text = held.get("stringValue") if held.__class__ is dict else None
        found[key] = text if text.__class__ is str else _value(held, notes)
    return found


def _value(value: Any, notes: Notes, depth: int = 0) -> Any:
    if not value and not isinstance(value, int | float | str):
        return None
    if not isinstance(value, dict):
        notes.add("an attribute's value is not in OTLP's form", "read as it is", shown_kind(value))
        return plain(value)
    if depth > 20:
        return "…"
    kind, held = next(iter(value.items()))
    kind = str(kind).replace("_", "").lower()
    if kind == "intvalue":
        whole = number(held)
        return plain(held) if whole is None else int(whole)
    if kind == "doublevalue":
        found = number(held)
        return plain(held) if found is None else found
    if kind == "boolvalue" and isinstance(held, str):
        return held.lower() == "true"
    if kind == "arrayvalue" and isinstance(held, dict) and isinstance(held.get("values") or [], list):
        return [_value(each, notes, depth + 1) for each in held.get("values") or ()]
    if kind == "kvlistvalue" and isinstance(held, dict):
        pairs = notes.objects(held.get("values"), "a kvlistValue's values")
        return {str(pair.get("key")): _value(pair.get("value"), notes, depth + 1) for pair in pairs}
    return plain(held)


def shown_kind(value: Any) -> str:
    """A value's kind in words, without the value."""
    return "a list" if isinstance(value, list) else "text" if isinstance(value, str) else "a number"
