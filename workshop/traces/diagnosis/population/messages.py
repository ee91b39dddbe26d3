"""Messages that wait in a queue: between the sender's end and the consumer's start, which are often two traces."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from workshop.traces import wording
from workshop.traces.diagnosis.findings import shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd
from workshop.traces.model import naming
from workshop.traces.model.trace import Span

LEAST = 6  # messages of one kind
GROWS_MS = 1_500.0  # from the first quarter of the messages to the last
BUSY = 0.5  # of its time a consumer works, at least: below that it is not its work that keeps the messages waiting


def behind(crowd: Crowd) -> Iterator[Common]:
    """Consumers that come later and later: more is sent than they take."""
    sent = {
        (span.trace_id, span.span_id): span
        for trace in crowd.traces
        for span in trace.spans
        if span.kind in ("producer", "client")
    }
    kinds: dict[tuple[str, str], list[tuple[Span, Span]]] = defaultdict(list)
    for trace in crowd.traces:
        for span in trace.spans:
            if span.kind == "consumer":
                for sender in _senders(span, sent):
                    kinds[span.service, naming.name_template(naming.label(span))].append((sender, span))
    for (service, name), pairs in kinds.items():
        pairs.sort(key=lambda pair: pair[0].end)
        if len(pairs) < LEAST or any(consumer.is_error for _, consumer in pairs):
            continue
        quarter = max(2, len(pairs) // 4)
        first, last = (median(map(_delay, part)) for part in (pairs[:quarter], pairs[-quarter:]))
        if last - first >= GROWS_MS:
            yield from _told(crowd, service, name, pairs, first, last)


def _senders(consumer: Span, sent: dict[tuple[str, str], Span]) -> list[Span]:
    """Who sent what it takes: by its links, or its parent where that is in the same trace."""
    keys = [(link.trace_id, link.span_id) for link in consumer.links]
    found = [sent[key] for key in keys if key in sent]
    parent = sent.get((consumer.trace_id, consumer.parent_id or ""))
    return found or ([parent] if parent is not None and parent.kind == "producer" else [])


def _delay(pair: tuple[Span, Span]) -> float:
    return (pair[1].start - pair[0].end) / 1e6


def _told(
    crowd: Crowd, service: str, name: str, pairs: list[tuple[Span, Span]], first: float, last: float
) -> Iterator[Common]:
    consumers = sorted({id(one): one for _, one in pairs}.values(), key=lambda span: span.start)
    worked = sum(span.duration for span in consumers) / max(consumers[-1].end - consumers[0].start, 1)
    title = (
        f"messages wait longer and longer: {wording.count(len(pairs), 'message')} waited {wording.duration(first)} "
        f"first and {wording.duration(last)} in the end for {shown(consumers[0])}, which works in "
        f"{wording.share(worked)} of the time"
    )
    each = wording.duration(median(span.ms for span in consumers))
    if worked >= BUSY:
        advice = "it is busy: more consumers side by side, larger batches, or less work for each message"
    else:
        advice = (
            f"it is not its work that takes long ({each} each): look at how it is woken and how often it asks, at a "
            "limit of its rate, and at how many it takes at once"
        )
    latest = sorted(pairs, key=_delay, reverse=True)
    spans = [consumer for _, consumer in latest] + [sender for sender, _ in latest]
    told = crowd.finding("queue", title, spans, advice, about=f"{service} {name}", weight=0.5)
    if told:
        yield Common(told)
