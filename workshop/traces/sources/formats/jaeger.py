"""Jaeger's own JSON: its page's download, its old query API's answer, Grafana's download from Jaeger, stored spans."""

from collections.abc import Iterator
from typing import Any

from workshop.traces.model.span import Event, Link, Span
from workshop.traces.sources.formats.odd import Notes, number, plain
from workshop.traces.sources.formats.otlp import service_name, span_kind, status_of
from workshop.traces.sources.formats.spelling import Ids

MICROSECOND = 1000


def spans(trace: dict[str, Any], ids: Ids) -> Iterator[Span]:
    """The spans of one trace: `spans`, and the `processes` that made them."""
    notes = ids.notes
    resources = {}
    for key, process in notes.object(trace.get("processes"), "processes").items():
        resources[key] = _resource(notes.object(process, "a process"), notes)
    for raw in notes.objects(trace.get("spans"), "spans"):
        found = span(raw, resources, trace.get("traceID"), ids)
        if found is not None:
            yield found


def _resource(process: dict[str, Any], notes: Notes) -> dict[str, Any]:
    resource = tags(process.get("tags"), notes)
    resource["service.name"] = service_name(process.get("serviceName"), notes)
    return resource


def span(
    raw: dict[str, Any], resources: dict[str, dict[str, Any]], trace: Any, ids: Ids, unit: int = MICROSECOND
) -> Span | None:
    """One span; None where it has no start. `trace` is the id of the trace around it, for spans without their own.

    `unit` is how many ns the numbers of its times count.
    """
    notes = ids.notes
    start = notes.nanoseconds(raw.get("startTime"), "startTime", unit)
    if start is None:
        notes.add("a span has no startTime", "left out")
        return None
    length = notes.nanoseconds(raw.get("duration"), "duration", unit)
    if length is None:
        notes.add("a span has no duration", "read without a length")
    trace_id = ids.trace(raw.get("traceID") if raw.get("traceID") else trace, "traceID")
    parent, follows, links = _references(raw, trace_id, ids)
    resource = resources.get(raw["processID"]) if isinstance(raw.get("processID"), str) else None
    if resource is None:
        resource = _resource(notes.object(raw.get("process"), "process"), notes)
    held = tags(raw.get("tags"), notes)
    kind = span_kind(held.pop("span.kind", None), notes)
    message = held.pop("otel.status_description", None)
    status, message = status_of(held.pop("otel.status_code", None), str(message or ""), held)
    name = raw.get("operationName")
    return Span(
        trace_id=trace_id,
        span_id=ids.own(raw.get("spanID"), "spanID", trace_id),
        parent_id=parent,
        service=resource["service.name"],
        name=name if name.__class__ is str and name else notes.name(name, "operationName"),
        kind=kind,
        start=start,
        end=start + (length or 0),
        events=[_log(each, start, notes, unit) for each in notes.objects(raw.get("logs"), "logs")],
        links=links,
        scope=str(held.pop("otel.scope.name", None) or held.pop("otel.library.name", None) or ""),
        status=status,
        status_message=message,
        attributes=held,
        resource=resource,
        follows=follows,
        unfinished=length is None,
    )


def _references(raw: dict[str, Any], trace_id: str, ids: Ids) -> tuple[str | None, bool, list[Link]]:
    """The parent's id, whether the parent is only followed, and what else is referred to."""
    references = list(ids.notes.objects(raw.get("references"), "references"))
    if not references:
        return ids.other(raw.get("parentSpanID")), False, []
    found = [
        (each, ids.trace(each["traceID"], "a reference's traceID") if each.get("traceID") else trace_id)
        for each in references
    ]
    inside = [each for each, trace in found if trace == trace_id]
    childs = [each for each in inside if each.get("refType", "CHILD_OF") == "CHILD_OF"]
    # Only OpenTracing's clients make a FOLLOWS_FROM the one reference inside the trace: it is then the parent.
    chosen = next(iter(childs or inside), None)
    links = [Link(trace, ids.other(each.get("spanID")) or "", {}) for each, trace in found if each is not chosen]
    if chosen is None:
        return None, False, links
    return ids.other(chosen.get("spanID")), not childs, links


def _log(log: dict[str, Any], fallback: int, notes: Notes, unit: int) -> Event:
    fields = tags(log.get("fields"), notes)
    name = str(fields.pop("event", None) or fields.get("message") or "log")
    moment = notes.nanoseconds(log.get("timestamp"), "a log's timestamp", unit)
    return Event(name, fallback if moment is None else moment, fields)


def tags(pairs: Any, notes: Notes) -> dict[str, Any]:
    """The tags by key, each value as what its type says."""
    if not pairs:
        return {}
    if isinstance(pairs, dict):
        notes.add("tags are an object, not a list", "read as they are")
        return {str(key): plain(value) for key, value in pairs.items()}
    found: dict[str, Any] = {}
    for pair in notes.objects(pairs, "tags"):
        key, value = pair.get("key"), pair.get("value")
        if key.__class__ is not str:
            key = notes.text(key, "a tag's key", "(no key)")
        kind = pair.get("type")
        if value.__class__ is str and kind in ("int64", "float64", "bool", "boolean"):
            value = _typed(value, kind)
        found[key] = value if value.__class__ is str else plain(value)
    return found


def _typed(text: str, kind: str) -> Any:
    """A value that came as text; a number that is none stays text."""
    if kind.startswith("bool"):
        return text.lower() == "true"
    found = number(text)
    if found is None:
        return text
    return int(found) if kind == "int64" else float(found)
