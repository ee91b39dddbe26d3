"""Zipkin's v2 JSON: one list of spans, or a list of traces. https://zipkin.io/zipkin-api/#/default/get_trace__traceId_"""

from typing import Any

from workshop.traces.model.naming import NO_NAME
from workshop.traces.model.span import Event, Span
from workshop.traces.sources.formats.odd import Notes, plain
from workshop.traces.sources.formats.otlp import service_name, span_kind, status_of
from workshop.traces.sources.formats.spelling import Ids

MICROSECOND = 1000


def is_span(document: dict[str, Any]) -> bool:
    """Whether the object is a span of Zipkin's v2 form."""
    return "traceId" in document and "id" in document


def span(raw: dict[str, Any], ids: Ids) -> Span | None:
    """One span; None where it has no time at all."""
    notes = ids.notes
    events = _annotations(raw, notes)
    start = notes.nanoseconds(raw.get("timestamp"), "timestamp", MICROSECOND)
    if start is None and events:
        start = min(event.time for event in events)
    if start is None:
        notes.add("a span has no timestamp", "left out")
        return None
    length = notes.nanoseconds(raw.get("duration"), "duration", MICROSECOND)
    if length is None:
        notes.add("a span has no duration", "read without a length")
    local = notes.object(raw.get("localEndpoint"), "localEndpoint")
    service = service_name(local.get("serviceName"), notes)
    held = _attributes(raw, notes)
    status, message = status_of(held.pop("otel.status_code", None), "", held)
    trace_id = ids.trace(raw.get("traceId"), "traceId")
    name = raw.get("name")
    return Span(
        trace_id=trace_id,
        span_id=ids.own(raw.get("id"), "id", trace_id),
        parent_id=ids.other(raw.get("parentId")),
        service=service,
        # A name is optional here, so that none is nothing odd.
        name=NO_NAME if name in (None, "") else notes.name(name, "name"),
        kind=span_kind(raw.get("kind"), notes),
        start=start,
        end=start + (length or 0),
        attributes=held,
        resource=_resource(local, service),
        events=events,
        status=status,
        status_message=message,
        unfinished=length is None,
    )


def _resource(local: dict[str, Any], service: str) -> dict[str, Any]:
    resource: dict[str, Any] = {"service.name": service}
    if address := local.get("ipv4") or local.get("ipv6"):
        resource["ip"] = plain(address)
    return resource


def _attributes(raw: dict[str, Any], notes: Notes) -> dict[str, Any]:
    held = {str(key): plain(value) for key, value in notes.object(raw.get("tags"), "tags").items()}
    if held.get("error") == "":  # Zipkin's tag means an error by being there
        held["error"] = True
    remote = notes.object(raw.get("remoteEndpoint"), "remoteEndpoint")
    if name := remote.get("serviceName"):
        held.setdefault("peer.service", notes.text(name, "remoteEndpoint.serviceName"))
    if address := remote.get("ipv4") or remote.get("ipv6"):
        held.setdefault("net.sock.peer.addr", plain(address))
    if port := remote.get("port"):
        held.setdefault("net.sock.peer.port", plain(port))
    return held


def _annotations(raw: dict[str, Any], notes: Notes) -> list[Event]:
    events = []
    for each in notes.objects(raw.get("annotations"), "annotations"):
        moment = notes.nanoseconds(each.get("timestamp"), "an annotation's timestamp", MICROSECOND)
        if moment is not None:
            events.append(Event(notes.text(each.get("value"), "an annotation's value"), moment, {}))
    return events
