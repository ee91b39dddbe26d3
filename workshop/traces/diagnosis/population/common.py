"""What the traces with a finding have in common, and the others lack."""

from collections.abc import Iterator, Sequence
from typing import Any

from workshop.traces import wording
from workshop.traces.model.trace import Trace

LEAST = 3  # traces on each side
MOST_VALUES = 12  # of a text: more are ids
# Attributes that follow from what happened, and are no cause of it.
_EFFECTS = ("http.response.", "http.status", "error", "otel.", "exception", "network.", "net.", "client.", "thread.")


def in_common(affected: set[str], traces: Sequence[Trace]) -> str:
    """A sentence with the attribute that divides the traces, all of the affected from all of the others; or ""."""
    ill = [trace for trace in traces if trace.trace_id in affected]
    well = [trace for trace in traces if trace.trace_id not in affected]
    if min(len(ill), len(well)) < LEAST:
        return ""
    first, second = [_attributes(trace) for trace in ill], [_attributes(trace) for trace in well]
    for name in sorted(set.intersection(*(set(each) for each in first))):
        if told := _divides(name, [each[name] for each in first], [each.get(name) for each in second]):
            return f"they have in common what no other trace has: {told}"
    return ""


def _attributes(trace: Trace) -> dict[str, Any]:
    """What is said of the request and of who worked on it: a name's first value, the versions of the services."""
    found: dict[str, Any] = {}
    for span in trace.spans:
        if "service.version" in span.resource:
            found.setdefault(f"service.version of {span.service}", str(span.resource["service.version"]))
        if span.kind == "client":
            continue
        for name, value in span.attributes.items():
            if isinstance(value, (str, int, float)) and not name.startswith(_EFFECTS):
                found.setdefault(name, value)
    return found


def _divides(name: str, ill: list[Any], well: list[Any]) -> str:
    return next(_ways(wording.clean(name), ill, well), "")


def _ways(name: str, ill: list[Any], well: list[Any]) -> Iterator[str]:
    numbers = [value for value in (*ill, *well) if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) == len(ill) + len(well):
        if min(ill) > max(well):
            yield f"{name} is {min(ill):g} or more"
        elif max(ill) < min(well):
            yield f"{name} is {max(ill):g} or less"
    elif len(set(map(str, ill))) == 1 and ill[0] not in well and len(set(map(str, well))) <= MOST_VALUES:
        yield f"{name} is {wording.clean(str(ill[0]))[:60]}"
