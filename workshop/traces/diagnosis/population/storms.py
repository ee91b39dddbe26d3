"""Retries that outlast their cause: the usual load is served before a rush, and hardly any of it once that is over.

Metastable failures (https://www.usenix.org/conference/osdi22/presentation/huang-lexiang).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from workshop.traces import wording
from workshop.traces.diagnosis.findings import shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span

AGAIN = 3  # failed attempts of one call, before it is part of a storm
LEAST = 5  # requests before the rush, and after it
MOST = 0.8  # of them
TIMES = 2  # so many times as many at once in the rush as after it


@dataclass(frozen=True)
class Request:
    """A request from begin to end, and its attempts at one call, in order."""

    root: Span
    attempts: list[Span]

    @property
    def stormy(self) -> bool:
        """Whether the call was tried again and again in vain."""
        return sum(span.is_error for span in self.attempts) >= AGAIN


def outlasting(crowd: Crowd) -> Iterator[Common]:
    """A call that took one attempt until a rush, and takes many since, with no more requests than before it."""
    for requests in _calls(crowd):
        stormy = [each for each in requests if each.stormy]
        if len(stormy) < LEAST:
            continue
        crowded = [[each for each in requests if each.root.start <= one.root.start < each.root.end] for one in requests]
        rush = max(crowded, key=len)
        before = [each for each in requests if each.root.end < stormy[0].root.start]
        after = [each for each in requests if each.root.start > max(one.root.end for one in rush)]
        if min(len(before), len(after)) < LEAST:
            continue
        usual = max(sum(each.root.start <= one.root.start < each.root.end for each in after) for one in after)
        fine = sum(not any(span.is_error for span in each.attempts) for each in before)
        late = [each for each in after if each.stormy]
        if len(rush) < TIMES * usual or _rate(after) > _rate(before):
            continue
        if fine >= MOST * len(before) and len(late) >= MOST * len(after):
            yield from _told(crowd, stormy, len(rush), f"{len(late)} of {len(after)}", late)


def _calls(crowd: Crowd) -> list[list[Request]]:
    """For each call that is made, the requests with their attempts at it, in the order in which they began."""
    found: dict[str, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for trace in crowd.traces:
        for span in trace.spans:
            if conventions.is_call(span) and not conventions.is_db(span):
                found[naming.name_template(shown(span))][trace.trace_id].append(span)
    return [
        sorted(
            (Request(crowd.roots[key], sorted(spans, key=lambda span: span.start)) for key, spans in traces.items()),
            key=lambda each: each.root.start,
        )
        for traces in found.values()
    ]


def _rate(requests: list[Request]) -> float:
    return (len(requests) - 1) / max(requests[-1].root.start - requests[0].root.start, 1)


def _told(crowd: Crowd, stormy: list[Request], rush: int, many: str, late: list[Request]) -> Iterator[Common]:
    call = shown(late[0].attempts[0])
    tried = sum(len(each.attempts) for each in late) / len(late)
    title = (
        f"retries outlast their cause: {call} took one attempt until {wording.count(rush, 'request')} came at once; "
        f"they are gone, no more come than before, and {many} are tried {tried:.0f} times in vain"
    )
    advice = (
        "only fewer retries or less load end it: roll back what made them many, none after a timeout, longer pauses, a "
        "budget; the callee is busy with what nobody waits for any more, so waiting does not help"
    )
    spans = [span for each in late for span in each.attempts]
    told = crowd.finding("retry-storm", title, spans, advice, about=naming.name_template(call), weight=2.0)
    if told:
        traces = {each.root.trace_id for each in stormy}
        yield Common(told, lambda each: each.rule in ("error", "retries") and each.evidence[0].trace_id in traces)
