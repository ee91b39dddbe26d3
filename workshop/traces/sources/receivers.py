"""Who received what a trace sent: traces whose spans link back to it.

A receiver's link names its sender, and the sender's trace knows nothing of it: the message may wait for hours, and a
trace cannot be added to for so long. No query API searches for links, so the traces that began after the sending are
looked through, those that began soonest first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from workshop.traces.model.trace import Span, Trace
from workshop.traces.sources.jaeger import JaegerClient, JaegerError

# Seconds after the sending between which receivers are looked for, and how many traces of each stretch.
STRETCHES = (-0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0)
OF_A_STRETCH = 20
DESTINATION = ("messaging.destination.name", "messaging.destination")
MOST_SERVICES = 12
MOST_FETCHED = 60


@dataclass(slots=True, frozen=True)
class Receipt:
    """A span that received what another one, in another trace, had sent."""

    sender: Span
    receiver: Span


def senders(trace: Trace) -> list[Span]:
    """The spans that sent a message."""
    return [span for span in trace.spans if span.kind == "producer"]


def receivers(client: JaegerClient, trace: Trace, now: float) -> list[Receipt]:
    """Who received the trace's messages within a quarter of an hour, up to `now` (Unix seconds).

    Bounded: after MOST_FETCHED traces it ends with what was found. Raises JaegerError.
    """
    sent = senders(trace)
    if not sent:
        return []
    first = min(span.start for span in sent) / 1e9
    found: dict[str, Receipt] = {}
    fetched = 0
    for begin, end in pairwise(STRETCHES):
        if first + begin > now:
            break
        for trace_id in _begun(client, sent[0], first + begin, first + end):
            if fetched == MOST_FETCHED:
                return [*found.values()]
            fetched += 1
            for receipt in _linked(client, trace_id, sent):
                found[receipt.receiver.span_id] = receipt
        if {receipt.sender.span_id for receipt in found.values()} == {span.span_id for span in sent}:
            break
    return [*found.values()]


def _begun(client: JaegerClient, sender: Span, start: float, end: float) -> Iterator[str]:
    """The ids of traces with a receiver that began between two times, the first ones first."""
    known = [key for key in DESTINATION if key in sender.attributes]
    attributes = {key: str(sender.attributes[key]) for key in known[:1]} or None
    summaries = {
        summary.trace_id: summary
        for service in client.services()[:MOST_SERVICES]
        for operation in client.operations(service)
        if operation.kind == "consumer"
        for summary in client.search(
            service, operation.name, start=start, end=end, limit=OF_A_STRETCH, attributes=attributes
        )
        if summary.trace_id != sender.trace_id
    }
    yield from sorted(summaries, key=lambda trace_id: summaries[trace_id].start)


def _linked(client: JaegerClient, trace_id: str, sent: list[Span]) -> Iterator[Receipt]:
    """The spans of a trace that link to one of those that sent."""
    try:
        trace = client.get_trace(trace_id)
    except JaegerError:
        return  # dropped since the search
    by_id = {(span.trace_id, span.span_id): span for span in sent}
    for span in trace.spans:
        for link in span.links:
            if sender := by_id.get((link.trace_id, link.span_id)):
                yield Receipt(sender, span)
