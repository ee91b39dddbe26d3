"""Waits of messages: from the sender's end to the consumer's start, and the messages that were in front."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

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
        self._taken = {(link.trace_id, link.span_id) for span in received for link in span.links}
        self._ends = max((trace.end for trace in traces), default=0)

    def waits(self, trace: Trace) -> Iterator[Wait]:
        """The waits of the messages that the trace sent, or received."""
        for receiver in self._received:
            for sender in self._senders(receiver):
                ours = {sender.trace_id: sender, receiver.trace_id: receiver}.get(trace.trace_id)
                if ours and (wait := self._wait(sender, receiver, ours)):
                    yield wait
        for sender in trace.spans:
            untaken = sender.kind == "producer" and (sender.trace_id, sender.span_id) not in self._taken
            if untaken and (wait := self._still_waiting(sender)):
                yield wait

    def _senders(self, receiver: Span) -> list[Span]:
        ids = ((link.trace_id, link.span_id) for link in receiver.links)
        return [self._sent[each] for each in ids if each in self._sent]

    def _wait(self, sender: Span, receiver: Span, ours: Span) -> Wait | None:
        start, end = sender.end, receiver.start
        front = [each for each in self._received if _same_queue(each, receiver) and start < each.end <= end]
        return _behind(front, receiver.service, ours, start, end)

    def _still_waiting(self, sender: Span) -> Wait | None:
        """The wait of a message that nobody has taken yet: those taken since were all sent before it.

        Where a later one was taken already, or the last one did not have to wait, it is its consumer's trace that is
        missing.
        """
        destination = _destination(sender)
        since = [each for each in self._received if destination and _destination(each) == destination]
        since = [each for each in since if each.end > sender.end]
        senders = [each for receiver in since for each in self._senders(receiver)]
        if not since or len(senders) < len(since) or any(each.end >= sender.end for each in senders):
            return None
        if since[-1].start - senders[-1].end < WAIT_MS * 1e6:
            return None
        wait = _behind(since, since[0].service, sender, sender.end, self._ends)
        return wait and replace(wait, evidence=["it was not taken as long as these traces tell of", *wait.evidence])


def _behind(front: list[Span], service: str, ours: Span, start: int, end: int) -> Wait | None:
    """The wait of a message behind those in front, by start; None for one too short to tell, or with nobody there."""
    if end - start < WAIT_MS * 1e6 or not front:
        return None
    found = [
        Holder(each, min(each.end, end) - max(each.start, start), each is front[-1], each.links[0].trace_id)
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
    return Wait("queue", f"its message's turn at {service}", ours, start, end, whole, found[:MOST], evidence)


def _same_queue(one: Span, other: Span) -> bool:
    return _queue(one) == _queue(other) and one is not other


def _queue(span: Span) -> tuple[str, str]:
    return span.service, _destination(span) or naming.name_template(span.name)


def _destination(span: Span) -> str:
    return str(conventions.first(span, "messaging.destination.name", "messaging.destination") or "")
