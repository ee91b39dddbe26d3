"""Waits for a connection of a pool: a hole in a request that ends as another trace lets its connection go.

A pool's own waits have no span with most libraries. So it is taken from the population: where requests have holes
before the same piece of work again and again, they may wait for a connection there; from that work to the last
statement below the same span they hold one. It is a queue where more requests are inside than ever hold one at once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from workshop.traces import wording
from workshop.traces.model import conventions
from workshop.traces.model.trace import Span, Trace
from workshop.traces.neighbours.intervals import HOLE_MS, Interval, most_at_once, queue
from workshop.traces.neighbours.model import Holder, Wait, holders
from workshop.traces.time.self_time import Gap, gaps

# Holes before the same work, of all times that it was done, and of all holes that are waits for one another.
LEAST, OFTEN, SHARE = 10, 0.25, 0.35
# After a connection was given back the next request goes on within so long.
SLACK_NS = 30_000_000
# Two processes' clocks, or two threads', may differ by so much.
HANDED_OVER_NS = 1_000_000

Pool = tuple[str, str]  # service, database


@dataclass(frozen=True)
class _Request:
    """A span with statements below it: `work` is what ran in it by start, `gaps` what did not."""

    span: Span
    pool: Pool
    work: Sequence[Span]
    statements: Sequence[Span]
    gaps: Sequence[Gap]


class Pools:
    """The requests of a population by the pool that they take connections from, and which of their holes are waits."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        by_pool: dict[Pool, list[_Request]] = defaultdict(list)
        for trace in traces:
            for request in _requests(trace):
                by_pool[request.pool].append(request)
        self.waiting: dict[Pool, list[Interval]] = {}
        self._held: dict[Pool, list[Interval]] = {}
        self._sizes: dict[Pool, int] = {}
        for pool, requests in by_pool.items():
            self._look(pool, requests)

    def _look(self, pool: Pool, requests: list[_Request]) -> None:
        done = Counter((request.span.name, each.name) for request in requests for each in request.work)
        after = Counter(
            (request.span.name, gap.after.name)
            for request in requests
            for gap in request.gaps
            if _is_hole(gap) and gap.after
        )
        doors = {door for door, number in after.items() if number >= 3 and number >= OFTEN * done[door]}
        held = [each for request in requests for each in _held(request, doors)]
        holes = [
            Interval(gap.start, gap.end, request.span)
            for request in requests
            for gap in request.gaps
            if _is_hole(gap) and gap.after and (request.span.name, gap.after.name) in doors
        ]
        size, waits = queue(holes, held, [Interval(each.span.start, each.span.end, each.span) for each in requests])
        if len(holes) >= LEAST and len(waits) >= SHARE * len(holes):
            self.waiting[pool], self._held[pool], self._sizes[pool] = waits, held, size

    def waits(self, trace: Trace) -> Iterator[Wait]:
        """The trace's waits for a connection."""
        for (service, database), waiting in self.waiting.items():
            for hole in waiting:
                if hole.span.trace_id != trace.trace_id:
                    continue
                held = self._held[service, database]
                found = _with_the_last(hole, holders(hole, held), held)
                size = self._sizes[service, database]
                waiting_too = most_at_once(waiting)
                evidence = [
                    f"never more than {wording.count(size, 'request')} of {service} held one at once, "
                    f"and {waiting_too} waited for one at the busiest moment"
                ]
                if any(holder.let_go for holder in found):
                    evidence.append("it went on as one of them let go")
                what = f"a connection of {service}'s pool to {database or 'its database'}"
                yield Wait("pool", what, hole.span, hole.start, hole.end, hole.end - hole.start, found, evidence)


def _with_the_last(hole: Interval, found: list[Holder], held: list[Interval]) -> list[Holder]:
    """The holders, the one that let go last before the wait ended marked: a COMMIT without a span may be in between."""
    ended = [
        each for each in held if each.span.trace_id != hole.span.trace_id and each.end <= hole.end + HANDED_OVER_NS
    ]
    last = max(ended, key=lambda each: each.end, default=None)
    if last is None:
        return found
    final = all(each.end <= last.end for each in held if each.span is last.span)
    if hole.end > (max(last.end, last.span.end) if final else last.end) + SLACK_NS:
        return found
    return [replace(each, let_go=each.span.trace_id == last.span.trace_id) for each in found]


def _requests(trace: Trace) -> Iterator[_Request]:
    for span in trace.spans:
        if span.kind == "client" or conventions.is_db(span):
            continue
        work = [each for each in trace.children(span) if each.waited_for]
        statements = [each for each in _below(trace, span) if conventions.is_db(each) and conventions.statement(each)]
        direct = [each for each in work if conventions.is_db(each) and conventions.statement(each)]
        if not direct or not statements:
            continue
        pool = (span.service, conventions.database(statements[0]) or "")
        yield _Request(span, pool, work, statements, gaps(trace, span))


def _below(trace: Trace, span: Span) -> list[Span]:
    """What the same service did below a span, whatever of its own stands between."""
    return [each for each, depth in trace.walk(span) if depth and each.service == span.service]


def _is_hole(gap: Gap) -> bool:
    return gap.ms >= HOLE_MS


def _held(request: _Request, doors: set[tuple[str, str]]) -> Iterator[Interval]:
    """From when to when a request held a connection: from each door that it came through to the next, or the end."""
    end = max(each.end for each in request.statements)
    came = [each for each in request.work if (request.span.name, each.name) in doors]
    if not came:
        return
    for each, later in zip(came, [*came[1:], None], strict=True):
        yield Interval(each.start, _last_before(request, later) if later else max(end, each.end), request.span)


def _last_before(request: _Request, later: Span) -> int:
    return max(each.end for each in request.work if each.end <= later.start or each.start < later.start)
