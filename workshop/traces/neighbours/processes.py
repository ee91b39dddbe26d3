"""Waits for a process that is busy with somebody else's work, or stands still for everybody.

One interpreter runs one thing at a time (a regular expression, a parser, a large sort); a quota freezes all of them.
Both are stretches in which nothing at all of a process is recorded: no span of any trace begins or ends. Where one
trace is in the same piece of its own code each time, that trace is at work and the others wait for it; where they are
anywhere, nobody is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workshop.traces import wording
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.neighbours.intervals import HOLE_MS, Interval
from workshop.traces.neighbours.model import Holder, Wait
from workshop.traces.time.ranks import nearest_rank
from workshop.traces.time.self_time import Gap, gaps

# Shorter ones are a busy machine.
STILL_MS = 60.0
# Fewer tell nothing of where it happens.
LEAST = 3
# The share of the stretches in which one piece of code is being run, at least; by chance they are anywhere.
ONE_PLACE = 0.8
# In so many of these stretches somebody else is held up: at another place, and for so many times as long as there
# usually. Else all may wait for one thing, or each is at work of its own.
HELD_UP = 0.5
TIMES = 4.0
# Frozen: so many stretches with several traces in them, and so much of all time.
FROZEN_LEAST, FROZEN_SHARE = 5, 0.25

Process = tuple[str, str]  # service, instance


@dataclass(frozen=True)
class _Piece:
    """From when to when a trace was at one place of a process; `place` is empty where it had no say in it.

    `work` is what it did there, with the name of the span that it did it in.
    `is_code` is what its code alone explains: in front of a first statement it may wait for a connection, and after the
    last one for a COMMIT, neither of which has a span.
    """

    start: int
    end: int
    span: Span
    work: tuple[str, ...]
    place: tuple[str, ...] = ()
    is_code: bool = False

    @property
    def ns(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class _Still:
    """A stretch in which nothing of a process was recorded, and what was going on in it."""

    start: int
    end: int
    inside: Sequence[_Piece]

    @property
    def traces(self) -> set[str]:
        return {piece.span.trace_id for piece in self.inside}


@dataclass(frozen=True)
class AtWork:
    """A process that stands still while one trace is at one place in its code.

    `there` are the stretches at the place, the longest first; `times` and `of` how often it stood still with one of
    them there, and at all; `others` how many other traces stood still with it.
    """

    process: Process
    place: str
    there: Sequence[Interval]
    times: int
    of: int
    others: int


class Processes:
    """The stretches in which each process of a population stood still; `known` are holes whose wait has a name."""

    def __init__(self, traces: Sequence[Trace], known: Collection[Interval] = ()) -> None:
        moments: dict[Process, list[int]] = defaultdict(list)
        pieces: dict[Process, list[_Piece]] = defaultdict(list)
        spans: dict[Process, Counter[str]] = defaultdict(Counter)
        holes = {(hole.span.trace_id, hole.span.span_id, hole.start) for hole in known}
        for trace in traces:
            for span in trace.spans:
                moments[process_of(span)] += [span.start, span.end]
                spans[process_of(span)][naming.name_template(span.name)] += 1
                for process, piece in _pieces(trace, span):
                    if (piece.span.trace_id, piece.span.span_id, piece.start) not in holes:
                        pieces[process].append(piece)
        self._still: dict[Process, list[_Still]] = {}
        self._place: dict[Process, tuple[str, ...]] = {}
        for process, found in moments.items():
            usual = _usual(pieces[process], spans[process])
            self._look(process, sorted(found), pieces[process], usual)

    def _look(
        self, process: Process, moments: list[int], pieces: list[_Piece], usual: Mapping[tuple[str, ...], float]
    ) -> None:
        still = [
            found
            for start, end in pairwise(moments)
            if (end - start) / 1e6 >= STILL_MS
            if (found := _inside(start, end, pieces))
        ]
        places = Counter(place for each in still for place in {piece.place for piece in each.inside if piece.is_code})
        crowded = sum(len(each.traces) > 1 for each in still)
        if crowded < LEAST:
            return
        place, often = (places.most_common(1) or [((), 0)])[0]
        held_up = [{piece.place for piece in each.inside if piece.ns >= TIMES * usual[piece.work]} for each in still]
        there = [
            any(piece.place == place for piece in each.inside) and bool(up - {place})
            for each, up in zip(still, held_up, strict=True)
        ]
        if often >= ONE_PLACE * len(still) and sum(there) >= HELD_UP * often:
            self._place[process], self._still[process] = place, still
            return
        share = sum(each.end - each.start for each in still) / max(moments[-1] - moments[0], 1)
        many = crowded >= FROZEN_LEAST and crowded * 2 >= len(still) and share >= FROZEN_SHARE
        if many and sum(map(bool, held_up)) >= HELD_UP * len(still):
            self._still[process] = still

    def waits(self, trace: Trace) -> Iterator[Wait]:
        """The trace's waits for a process that stood still: one for each process."""
        for process, still in self._still.items():
            place = self._place.get(process)
            met = [each for each in still if _held_up(each, trace.trace_id, place)]
            if met:
                yield self._wait(trace, process, met, place)

    def at_work(self) -> Iterator["AtWork"]:
        """The processes that stand still while one trace is at one place of theirs."""
        for process, place in self._place.items():
            there: dict[tuple[str, str], Interval] = {}
            others: set[str] = set()
            times = 0
            for each in self._still[process]:
                working = [piece for piece in each.inside if piece.place == place]
                there |= {
                    (piece.span.trace_id, piece.span.span_id): Interval(piece.start, piece.end, piece.span)
                    for piece in working
                }
                others |= each.traces
                times += bool(working)
            found = sorted(there.values(), key=lambda one: -one.ms)
            number = len(others - {one.span.trace_id for one in found})
            yield AtWork(process, " and ".join(place[1:]), found, times, len(self._still[process]), number)

    def explains(self, span: Span) -> bool:
        """Whether a span's process was busy or frozen during it: then it is no wait for anything else."""
        process = process_of(span)
        if process in self._still and process not in self._place:
            return True
        return any(each.start < span.end and span.start < each.end for each in self._still.get(process, []))

    def _wait(self, trace: Trace, process: Process, met: list[_Still], place: tuple[str, ...] | None) -> Wait:
        inside = [(each, piece) for each in met for piece in each.inside if piece.span.trace_id == trace.trace_id]
        span = max(inside, key=lambda pair: pair[0].end - pair[0].start)[1].span
        ns = sum(each.end - each.start for each in met)
        others = tuple(
            dict.fromkeys(
                piece.span.trace_id for each in met for piece in each.inside if piece.span.trace_id != trace.trace_id
            )
        )
        found = _at_work(met, place) if place else []
        working = {holder.span.trace_id for holder in found}
        evidence = [
            f"no span of {process[0]} began or ended then, in any trace "
            f"({wording.count(len(met), 'stretch', 'stretches')})"
        ]
        if place:
            evidence.append(f"it happens in {' '.join(place)}: code that runs there lets nobody else run")
        else:
            number = wording.count(len(others), "other trace")
            evidence.append(
                f"{number} stood still with it, each at another place: look at the process's limits, and at the machine"
            )
        start, end = met[0].start, met[-1].end
        waited = tuple(each for each in others if each not in working)
        return Wait("process", f"{process[0]}'s process", span, start, end, ns, found, evidence, waited)


def process_of(span: Span) -> Process:
    """The process that a span is of, as far as it says so."""
    instance = next((span.resource[key] for key in ("service.instance.id", "process.pid") if key in span.resource), "")
    return span.service, str(instance)


def _pieces(trace: Trace, span: Span) -> Iterator[tuple[Process, _Piece]]:
    """What of a span is time in its process, or in front of the one that it called."""
    if conventions.is_db(span):
        yield process_of(span), _Piece(span.start, span.end, span, (naming.short_label(span),))
    elif span.kind == "client":
        for callee in trace.children(span):
            if callee.service != span.service and callee.start > span.start:
                yield process_of(callee), _Piece(span.start, callee.start, span, ("before", callee.name))
    else:
        for gap in gaps(trace, span):
            if gap.ms >= HOLE_MS and not _before_another_try(gap):
                code = not _beside_a_transaction(gap)
                place = _place(span, gap.before, gap.after)
                yield process_of(span), _Piece(gap.start, gap.end, span, place, place, code)


def _usual(pieces: Sequence[_Piece], spans: Counter[str]) -> dict[tuple[str, ...], float]:
    """How long each piece of work usually takes, in ns: the lower quartile. `spans` are how many there are of a name.

    Short gaps are no pieces: as many as are missing are none at all.
    """
    lengths: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for piece in pieces:
        lengths[piece.work].append(piece.ns)
    named = {piece.work: spans[piece.work[0]] for piece in pieces if piece.place}
    return {
        work: nearest_rank([*found, *[0] * max(0, named.get(work, 0) - len(found))], 25)
        for work, found in lengths.items()
    }


def _before_another_try(gap: Gap) -> bool:
    """Whether it is a pause that was meant: what failed is tried again after it."""
    before, after = gap.before, gap.after
    return bool(before and after and before.is_error and naming.same_work(before) == naming.same_work(after))


def _beside_a_transaction(gap: Gap) -> bool:
    first = gap.before is None and gap.after is not None and conventions.is_db(gap.after)
    return first or (gap.after is None and gap.before is not None and conventions.is_db(gap.before))


def _place(span: Span, before: Span | None, after: Span | None) -> tuple[str, ...]:
    """A place in the code, between two pieces of work."""
    found = [naming.name_template(span.name)]
    found += [f"after {naming.short_label(before)}"] if before else []
    found += [f"before {naming.short_label(after)}"] if after else []
    return tuple(found)


def _inside(start: int, end: int, pieces: list[_Piece]) -> _Still | None:
    """The stretch with what was going on in it; None where that is not the process's own time for anybody."""
    found = [piece for piece in pieces if piece.start <= start and piece.end >= end]
    return _Still(start, end, found) if any(piece.place for piece in found) else None


def _held_up(still: _Still, trace_id: str, place: tuple[str, ...] | None) -> bool:
    """Whether a trace was inside and could not go on: where one place is known, because another trace was there."""
    at_work = {piece.span.trace_id for piece in still.inside if piece.place == place}
    return trace_id in still.traces and trace_id not in at_work and (place is None or bool(at_work))


def _at_work(met: list[_Still], place: tuple[str, ...]) -> list[Holder]:
    """The traces that were at work while others waited, the longest first."""
    ns: Counter[str] = Counter()
    spans: dict[str, Span] = {}
    last = ""
    for each in met:
        for piece in each.inside:
            if piece.place == place:
                last = piece.span.trace_id
                ns[last] += each.end - each.start
                spans[last] = piece.span
    return [Holder(spans[key], number, key == last) for key, number in ns.most_common()]
