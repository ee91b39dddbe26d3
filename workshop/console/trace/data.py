"""A trace as the data that the trace page draws: rows in the order of the tree, times in ms from the trace's start."""

import json
from typing import Any

from workshop.console.colours import colour
from workshop.traces import wording
from workshop.traces.model import conventions, naming
from workshop.traces.model.error_words import error_words
from workshop.traces.model.trace import Trace
from workshop.traces.showing import rows
from workshop.traces.sources.jaeger import JaegerClient
from workshop.traces.sources.receivers import receivers
from workshop.traces.time.self_time import gaps

# From here on, gaps of a span are not sent one by one: a bar a few hundred pixels wide cannot show them.
MAX_STRETCHES = 400


def trace_data(trace: Trace, logs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The whole trace for `static/trace/trace.js`, with log lines by span id: text, numbers, lists and dicts."""
    table = rows.table(trace, collapse=False, limit=None)
    repeats = [[span.span_id for span in row.spans] for row in rows.table(trace, limit=None).rows if len(row.spans) > 1]
    resources: list[dict[str, Any]] = []
    numbers: dict[int, int] = {}
    for span in trace.spans:
        if id(span.resource) not in numbers:
            numbers[id(span.resource)] = len(resources)
            resources.append(span.resource)
    services = {name: number for number, name in enumerate(trace.services)}
    return {
        "traceId": trace.trace_id,
        "duration": trace.duration / 1e6,
        "root": trace.root.ms,
        "rootStart": _ms(trace.root.start - trace.start),
        "services": [wording.clean(name) for name in trace.services],
        "colours": [colour(name) for name in trace.services],
        "resources": [_texts(resource) for resource in resources],
        "repeats": repeats,
        "leg": wording.clean(naming.short_label(table.leg.span)) + _times(len(table.leg.spans)),
        "spans": [
            _span(table, row, services, numbers) | ({"logs": logs[written_in]} if written_in in logs else {})
            for row in table.rows
            for written_in in (row.span.span_id,)
        ],
    }


def receipts(client: JaegerClient, trace: Trace, now: float) -> list[dict[str, Any]]:
    """Who received the trace's messages, each with its sender's id and how long after the sending it began, in ms."""
    return [
        {
            "sender": receipt.sender.span_id,
            "trace": receipt.receiver.trace_id,
            "span": receipt.receiver.span_id,
            "name": wording.clean(f"{receipt.receiver.service} {naming.label(receipt.receiver)}"),
            "after": _ms(receipt.receiver.start - receipt.sender.end),
        }
        for receipt in receivers(client, trace, now)
    ]


def _span(table: rows.Table, row: rows.Row, services: dict[str, int], resources: dict[int, int]) -> dict[str, Any]:
    trace, span = table.trace, row.span
    unexplained = gaps(trace, span)
    has_children = bool(trace.children(span))
    own = sum(gap.end - gap.start for gap in unexplained)
    fields = {
        "id": span.span_id,
        "parent": span.parent_id or "",
        "orphan": row.orphan,
        "depth": row.depth,
        "service": services[span.service],
        "label": wording.clean(row.label),
        "short": _unless(row.label, naming.short_label(span)),
        "name": _unless(row.label, span.name),
        "kind": "" if span.kind == "internal" else span.kind,
        "start": _ms(span.start - trace.start),
        "duration": _ms(span.duration),
        "self": _ms(own),
        "critical": _ms(row.critical),
        "dark": _ms(own) if has_children else 0,
        "path": _stretches(trace, [(section.start, section.end) for section in row.sections]),
        "gaps": _stretches(trace, [(gap.start, gap.end) for gap in unexplained]) if has_children else [],
        "longest": row.longest,
        "status": "" if span.status == "unset" else span.status,
        "error": row.error,
        "errorText": error_words(span) if row.error else "",
        "statement": conventions.statement(span) or "",
        "scope": span.scope,
        "shift": _ms(span.shift),
        "attributes": _texts(span.attributes),
        "resource": resources[id(span.resource)],
        "events": [
            {"name": wording.clean(e.name), "at": _ms(e.time - trace.start), "attributes": _texts(e.attributes)}
            for e in span.events
        ],
        "links": [
            {"trace": link.trace_id, "span": link.span_id, "attributes": _texts(link.attributes)} for link in span.links
        ],
    }
    # What is empty stays out: thousands of spans are sent in one page. `trace.js` knows the same defaults.
    return {name: value for name, value in fields.items() if value}


def _times(number: int) -> str:
    return f" × {number}" if number > 1 else ""


def _unless(label: str, text: str) -> str:
    """The text; empty where it is the label already."""
    return "" if text == label else wording.clean(text)


def _ms(ns: int) -> float:
    return round(ns / 1e6, 4)


def _stretches(trace: Trace, found: list[tuple[int, int]]) -> list[list[float]]:
    """The stretches in ms, in order; of very many the longest."""
    if len(found) > MAX_STRETCHES:
        found = sorted(sorted(found, key=lambda each: each[0] - each[1])[:MAX_STRETCHES])
    return [[_ms(start - trace.start), _ms(end - trace.start)] for start, end in found]


def _texts(attributes: dict[str, Any]) -> dict[str, str]:
    """Every value as text: JSON in a browser has no large integers, NaN or bytes."""
    return {str(key): as_text(value) for key, value in sorted(attributes.items())}


def as_text(value: Any) -> str:
    """An attribute's value as a person reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
