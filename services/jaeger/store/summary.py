"""What is told of traces without decoding a span: their summaries, and who calls whom."""

from collections import Counter
from typing import Any

from services.jaeger.store.store import Store
from services.jaeger.store.trace import NO_ID, Trace

MANY_CALLS = 100  # in a trace; beyond these they are counted anew each time instead of being remembered


def summary(store: Store, trace: Trace) -> dict[str, Any]:
    """One trace in a few figures, as `/api/v3/trace-summaries` tells it: zero counts are left out."""
    records = list(trace)
    services = [store.operations.values[record.operation].service for record in records]
    spans, errors = Counter(services), Counter(s for s, r in zip(services, records, strict=True) if r.status == 2)
    ids = {record.span_id for record in records}
    roots = [record for record in records if record.parent_id == NO_ID]
    orphans = sum(record.parent_id != NO_ID and record.parent_id not in ids for record in records)
    told: dict[str, Any] = {"traceId": trace.trace_id.hex()}
    if roots:
        root = store.operations.values[min(roots, key=lambda record: record.start).operation]
        told |= {"rootServiceName": root.service, "rootOperationName": root.name}
    told |= {"minStartTimeUnixNano": str(trace.earliest), "maxEndTimeUnixNano": str(trace.latest)}
    told |= _counts(spanCount=len(records), errorSpanCount=errors.total(), orphanSpanCount=orphans)
    told["services"] = [
        {"name": name, **_counts(spanCount=spans[name], errorSpanCount=errors[name])} for name in sorted(spans)
    ]
    return told


def _counts(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def dependencies(store: Store, start: int, end: int) -> Counter[tuple[str, str]]:
    """How often a span of one service is the parent of one of another (or the same), in the traces of this time."""
    calls: Counter[tuple[int, int]] = Counter()
    shapes: Counter[tuple[tuple[int, int], ...]] = Counter()  # Most traces are of a few shapes.
    for trace in store.traces.values():
        if start <= trace.earliest and trace.latest <= end:
            if trace.calls is None:
                edges = list(trace.edges())
                caller = {span_id: operation for span_id, _, operation in edges}
                found = [(caller[parent], operation) for _, parent, operation in edges if parent and parent in caller]
                if len(found) > MANY_CALLS:
                    calls.update(found)
                    continue
                trace.calls = store.shared_calls(tuple(found))
            shapes[trace.calls] += 1
    for shape, traces in shapes.items():
        for pair in shape:
            calls[pair] += traces
    names = store.operations.values
    by_service: Counter[tuple[str, str]] = Counter()
    for (parent, child), count in calls.items():
        by_service[names[parent].service, names[child].service] += count
    return by_service
