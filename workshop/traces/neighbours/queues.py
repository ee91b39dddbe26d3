"""Waits of messages: from the sender's end to the consumer's start, and the messages that were in front."""

from collections.abc import Iterator, Sequence

from workshop.traces import wording
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.neighbours.model import Holder, Wait

WAIT_MS = 500.0
# A trace waits behind many; those directly in front are the telling ones.
MOST = 5


class Queues:
    """The messages of a population: who sent each, and which span received it."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        spans = [span for trace in traces for span in trace.spans]
        self._sent = {(span.trace_id, span.span_id): span for span in spans if span.kind == "producer"}
        received = [span for span in spans if span.kind == "consumer" and span.links]
        self._received = sorted(received, key=lambda span: span.start)
        self._ends = max((trace.end for trace in traces), default=0)

    def waits(self, trace: Trace) -> Iterator[Wait]:
        """The waits of the messages that the trace sent, or received."""
        for receiver in self._received:
            for sender in self._senders(receiver):
                ours = {sender.trace_id: sender, receiver.trace_id: receiver}.get(trace.trace_id)
                if ours and (wait := self._wait(sender, receiver, ours)):
                    yield wait

    def _senders(self, receiver: Span) -> list[Span]:
        ids = ((link.trace_id, link.span_id) for link in receiver.links)
        return [self._sent[each] for each in ids if each in self._sent]

    def _wait(self, sender: Span, receiver: Span, ours: Span) -> Wait | None:
        start, end = sender.end, receiver.start
        front = [each for each in self._received if _same_queue(each, receiver) and start < each.end <= end]
        if end - start < WAIT_MS * 1e6 or not front:
            return None
        found = [
            Holder(each, each.end - max(each.start, start), each is front[-1], each.links[0].trace_id)
            for each in reversed(front)
        ]
        busy, whole = sum(holder.ns for holder in found), end - start
        took = f"{wording.duration(busy / 1e6)} of its {wording.duration(whole / 1e6)}"
        evidence = [
            f"{wording.count(len(front), 'message')} came first and took {took}",
            "the consumer is busy with those in front: take more at once, or take less time for each"
            if busy * 2 > whole
            else "between them the consumer did nothing: it looks too seldom for what is there",
        ]
        return Wait(
            "queue", f"its message's turn at {receiver.service}", ours, start, end, whole, found[:MOST], evidence
        )


def _same_queue(one: Span, other: Span) -> bool:
    return _queue(one) == _queue(other) and one is not other


def _queue(span: Span) -> tuple[str, str]:
    named = conventions.first(span, "messaging.destination.name", "messaging.destination")
    return span.service, str(named or naming.name_template(span.name))
