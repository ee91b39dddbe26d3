"""Grafana's data frames: a trace as a table of columns, as Explore's inspector downloads it and data sources answer.

A frame is `{"schema": {"fields": [{"name": …}]}, "data": {"values": [column, …]}}` on the wire, and in the page
`{"fields": [{"name": …, "values": column}]}`; one row a span, times in ms. https://grafana.com/docs/grafana/latest/explore/trace-integration/
"""

import json
from collections.abc import Iterator
from typing import Any

from workshop.traces.model.span import Span
from workshop.traces.sources.formats import jaeger
from workshop.traces.sources.formats.odd import Notes, UnknownFormat, number
from workshop.traces.sources.formats.spelling import Ids

MILLISECOND = 1_000_000
_STATUS = {1: "OK", 2: "ERROR"}


def is_frame(document: dict[str, Any]) -> bool:
    """Whether the object is a data frame, of whatever."""
    schema = document.get("schema")
    if isinstance(schema, dict) and isinstance(schema.get("fields"), list):
        return True
    fields = document.get("fields")
    return isinstance(fields, list) and any(isinstance(field, dict) and "values" in field for field in fields)


def frames(document: dict[str, Any]) -> list[Any]:
    """The frames in an answer of Grafana's, or in a panel's data; none when it is neither."""
    results = document.get("results")
    if isinstance(results, dict):
        answers = [each for each in results.values() if isinstance(each, dict)]
        return [frame for each in answers for frame in each.get("frames") or [] if isinstance(frame, dict)]
    for key in ("frames", "series"):
        if isinstance(document.get(key), list):
            return list(document[key])
    return []


def spans(document: dict[str, Any], ids: Ids) -> Iterator[Span]:
    """The spans of one frame. Raises UnknownFormat where its rows are no spans."""
    table = _columns(document, ids.notes)
    if "spanID" not in table or "startTime" not in table:
        names = ", ".join(str(name)[:40] for name in list(table)[:5]) or "nothing"
        raise UnknownFormat(
            f"it is a table of Grafana's without spans (columns {names}): open one trace and download that"
        )
    for row in range(max(map(len, table.values()))):
        found = _span({name: column[row] if row < len(column) else None for name, column in table.items()}, ids)
        if found is not None:
            yield found


def _columns(document: dict[str, Any], notes: Notes) -> dict[str, list[Any]]:
    """The columns by name."""
    schema = document.get("schema")
    fields = list(notes.objects((schema if isinstance(schema, dict) else document).get("fields"), "fields"))
    if not isinstance(schema, dict):
        return {str(field.get("name")): _column(field.get("values"), notes) for field in fields}
    values = notes.object(document.get("data"), "data").get("values")
    columns = values if isinstance(values, list) else []
    return {
        str(field.get("name")): _column(column, notes)
        for field, column in zip(fields, columns, strict=False)
    }  # fmt: skip


def _column(values: Any, notes: Notes) -> list[Any]:
    if isinstance(values, dict) and isinstance(values.get("buffer"), list):  # Grafana before 10
        values = values["buffer"]
    if values is not None and not isinstance(values, list):
        notes.expected("a column", values, "a list", "left out")
    return values if isinstance(values, list) else []


def _span(row: dict[str, Any], ids: Ids) -> Span | None:
    """A row as a span: by Jaeger's reader, whose names most columns have."""
    notes = ids.notes
    tags = _pairs(row.get("tags"))
    for key, value in (
        ("span.kind", row.get("kind")),
        ("otel.status_code", _STATUS.get(int(number(row.get("statusCode")) or 0))),
        ("otel.status_description", row.get("statusMessage")),
        ("otel.scope.name", row.get("instrumentationLibraryName")),
    ):
        if value:
            tags.append({"key": key, "value": value})
    raw = {
        "traceID": row.get("traceID"),
        "spanID": row.get("spanID"),
        "operationName": row.get("operationName"),
        "references": _references(row),
        "startTime": _nanoseconds(row.get("startTime")),
        "duration": _nanoseconds(row.get("duration")),
        "tags": tags,
        "logs": [_log(each) for each in notes.objects(_parsed(row.get("logs")), "logs")],
        "process": {"serviceName": row.get("serviceName"), "tags": _pairs(row.get("serviceTags"))},
    }
    return jaeger.span(raw, {}, None, ids, unit=1)


def _references(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The parent, and what is linked to: of other traces only, where there is no parent to tell it from."""
    parent = row.get("parentSpanID")
    found: list[dict[str, Any]] = []
    if parent:
        found.append({"refType": "CHILD_OF", "traceID": row.get("traceID"), "spanID": parent})
    linked = _parsed(row.get("references"))
    for each in linked if isinstance(linked, list) else ():
        if isinstance(each, dict) and (parent or each.get("traceID") != row.get("traceID")):
            found.append({"refType": "FOLLOWS_FROM", "traceID": each.get("traceID"), "spanID": each.get("spanID")})
    return found


def _nanoseconds(value: Any) -> Any:
    """A number of ms as whole ns; anything else as it is, for the reader to say what is odd about it."""
    found = number(value)
    if found is None or abs(found) >= 1e15:
        return value
    # A moment as a double is good for microseconds; a length is small enough for all of its digits.
    return round(found * MILLISECOND) if abs(found) < 1e9 else round(found * 1000) * 1000


def _log(log: dict[str, Any]) -> dict[str, Any]:
    fields = _pairs(log.get("fields"))
    if log.get("name"):
        fields.append({"key": "event", "value": log["name"]})
    return {"timestamp": _nanoseconds(log.get("timestamp")), "fields": fields}


def _pairs(value: Any) -> list[Any]:
    """Tags as a list of pairs, whether they came as a list, an object or either of them as text."""
    value = _parsed(value)
    if isinstance(value, dict):
        return [{"key": key, "value": each} for key, each in value.items()]
    return list(value) if isinstance(value, list) else []


def _parsed(value: Any) -> Any:
    """What some data sources send as JSON inside of a text."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value
