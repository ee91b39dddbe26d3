"""The traces of the same moments as one trace, in which what it waited for may have been held."""

from workshop.traces.model.trace import Trace
from workshop.traces.sources.fetching import fetch_existing
from workshop.traces.sources.jaeger import JaegerClient
from workshop.traces.sources.receivers import receivers, senders

# Who holds something during a trace began while it ran, or not long before it.
BEFORE_SECONDS = 5.0
# Those that came after show what is usual, and how many there are at once.
AFTER_SECONDS = 3.0
# What was taken from a queue is looked for so long after the sending.
WAITING_SECONDS = 60.0
OF_A_SEARCH = 60
MOST_SERVICES = 6
MOST_FETCHED = 120


def beside(client: JaegerClient, trace: Trace, now: float) -> list[Trace]:
    """Other traces that used the same services during a trace, just before or just after, the nearest in time first.

    Those whose messages were received between the sending and the receiving of the trace's own are among them, up to
    `now` (Unix seconds). Bounded: three searches for each of some services, MOST_FETCHED traces. Raises JaegerError.
    """
    start, end = trace.start / 1e9, trace.end / 1e9
    begun: dict[str, float] = {}
    for service in trace.services[:MOST_SERVICES]:
        _search(client, begun, service, start, end)
        _search(client, begun, service, start - BEFORE_SECONDS, start)
        _search(client, begun, service, end, end + AFTER_SECONDS)
    receipts = receivers(client, trace, now)
    for sender in senders(trace)[:1] if not receipts else []:
        # Nobody has taken it yet: what was taken since.
        for service in client.services()[:MOST_SERVICES]:
            for operation in client.operations(service):
                if operation.kind == "consumer":
                    _search(client, begun, service, sender.end / 1e9, min(now, sender.end / 1e9 + WAITING_SECONDS))
    for receipt in receipts:
        begun[receipt.receiver.trace_id] = receipt.receiver.start / 1e9
        _search(client, begun, receipt.receiver.service, receipt.sender.end / 1e9, receipt.receiver.start / 1e9)
    for span in trace.spans:
        for link in span.links if span.kind == "consumer" else []:
            begun[link.trace_id] = start
    begun.pop(trace.trace_id, None)
    middle = (start + end) / 2
    nearest = sorted(begun, key=lambda trace_id: (abs(begun[trace_id] - middle), trace_id))
    return fetch_existing(client, nearest[:MOST_FETCHED])


def _search(client: JaegerClient, begun: dict[str, float], service: str, start: float, end: float) -> None:
    if start >= end:
        return  # a message that was received before its sender was done
    for summary in client.search(service, start=start, end=end, limit=OF_A_SEARCH):
        begun[summary.trace_id] = summary.start / 1e9
