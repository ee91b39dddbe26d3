"""Messages: how long they wait from the sender's end to the consumer's start, often two traces; and which fail."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from workshop.traces import wording
from workshop.traces.diagnosis.findings import shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd
from workshop.traces.model import conventions, naming
from workshop.traces.model.error_words import error_words
from workshop.traces.model.trace import Span

AGAIN = 3  # failures of one message
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


def poison(crowd: Crowd) -> Iterator[Common]:
    """A message that fails again and again, and whether others come past it meanwhile."""
    tried: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for trace in crowd.traces:
        for span in trace.spans:
            if span.kind == "consumer" and (which := _which(span)):
                tried[span.service, which].append(span)
    for (service, which), spans in tried.items():
        spans.sort(key=lambda span: span.start)
        failed = [span for span in spans if span.is_error]
        if len(failed) < AGAIN or not spans[-1].is_error:
            continue  # bad luck, or delivered in the end
        others = [
            span
            for (whose, other), found in tried.items()
            for span in found
            if whose == service and other != which and failed[0].start < span.start and not span.is_error
        ]
        waiting = [] if others else _sent_in_vain(crowd, failed)
        yield from _poisoned(crowd, service, which, failed, others, waiting)


def _which(consumer: Span) -> str:
    """The message that it takes: by its id, else by its sender."""
    named = conventions.first(consumer, "messaging.message.id", "messaging.message_id")
    link = consumer.links[0] if len(consumer.links) == 1 else None
    return str(named) if named else f"{link.trace_id} {link.span_id}" if link else ""


def _sent_in_vain(crowd: Crowd, failed: list[Span]) -> list[Span]:
    """What was sent while the message failed and nobody took."""
    taken = {
        (link.trace_id, link.span_id)
        for trace in crowd.traces
        for span in trace.spans
        if span.kind == "consumer"
        for link in span.links
    }
    return [
        span
        for trace in crowd.traces
        for span in trace.spans
        if span.kind == "producer" and failed[0].start < span.end < failed[-1].start
        if not span.is_error and (span.trace_id, span.span_id) not in taken
    ]


def _poisoned(
    crowd: Crowd, service: str, which: str, failed: list[Span], others: list[Span], waiting: list[Span]
) -> Iterator[Common]:
    why = wording.clean(error_words(failed[-1])) or "no reason given"
    behind = (
        f"; {wording.count(len(waiting), 'message')} sent meanwhile wait behind it"
        if waiting
        else f"; {wording.count(len(others), 'other')} came past it"
        if others
        else ""
    )
    title = (
        f"a message fails again and again: {shown(failed[0])} took message {wording.clean(which)[:60]} "
        f"{len(failed)} times, and failed each time ({why}){behind}"
    )
    advice = (
        "set a message aside after some attempts (a dead letter), and wait longer from one to the next, so that the "
        "others come past it; then look at what is wrong with this one"
    )
    told = crowd.finding("poison", title, [*reversed(failed), *waiting], advice, about=f"{service} {which}", weight=1.5)
    if told:
        traces = {span.trace_id for span in failed}
        yield Common(told, lambda each: each.rule == "error" and each.evidence[0].trace_id in traces)
