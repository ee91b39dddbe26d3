"""Holes in which a request waited for a connection that another request had, and holes in which it did not."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from workshop.traces import wording
from workshop.traces.diagnosis.findings import shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd, Unit, about_spans
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span
from workshop.traces.neighbours.intervals import HOLE_MS, Held, Interval, queue
from workshop.traces.time.self_time import gaps

LEAST = 8  # holes
SHARE = 0.35  # of the holes are waits; the others are a busy process, or wait for somebody who is not recorded
AT_SQL = 0.4  # of the time that a connection is in hand runs a statement, at least; else it is kept for something else
OFTEN = 0.25  # of the requests wait long, at least, to be more than a hint
ALONE = 0.8  # of the holes nobody else was there
PLACE = 0.8  # of the holes are between the same two steps
LEAST_ALONE = 3


@dataclass
class _Theory:
    """What a unit may have held, from when to when; the holes before that; and what else was done meanwhile."""

    held: list[Interval] = field(default_factory=list)
    holes: list[Interval] = field(default_factory=list)
    whole: list[Interval] = field(default_factory=list)
    at_sql: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)


def connections(crowd: Crowd) -> Iterator[Common]:
    """Waits for a connection: how many are in use at most, and what those who have one do with it."""
    for (service, name), units in crowd.units.items():
        theories = [theory for theory in (_until_the_last_statement(units), _across_calls(units)) if theory.held]
        found = [(*queue(theory.holes, theory.held, theory.whole), theory) for theory in theories]
        found = [each for each in found if len(each[1]) >= max(LEAST, SHARE * len(each[2].holes))]
        if not found:
            continue
        size, waits, theory = max(found, key=lambda each: len(each[1]) / len(each[2].holes))
        waits.sort(key=lambda wait: -wait.ms)
        slow = sum(wait.ms >= crowd.limits.waiting_ms for wait in waits) >= OFTEN * len(units)
        title, advice = _words(size, waits, theory)
        finding = crowd.finding(
            "pool", title, [wait.span for wait in waits], advice,
            about=f"{service} {name}", severity="problem" if slow else "hint", weight=0.4 if slow else 0.0,
        )  # fmt: skip
        if finding:
            # Those that waited for somebody who is not recorded are no other kind of wait.
            yield Common(finding, about_spans([unit.span for unit in units], "waiting", "own-code"))


def _words(size: int, waits: list[Interval], theory: _Theory) -> tuple[str, str]:
    """What to say of the waits, and the next step: by what is done while a connection is in hand."""
    share = theory.at_sql / max(sum(each.ms for each in theory.held), 1)
    told = (
        f"{len(waits)} × {shown(waits[0].span)} waited, up to {wording.duration(waits[0].ms)}, until another one was "
        f"done: never more than {size} of up to {Held(theory.whole).most} at once were past that point"
    )
    if theory.calls and share < AT_SQL:
        across = wording.clean(theory.calls.most_common(1)[0][0])
        return (
            f"a connection is kept in hand: {told}, and they run statements in {wording.share(share)} of that time",
            f"give the connection back before the call ({across}) and take one for each transaction; a larger pool "
            "only moves the queue to the database",
        )
    return (
        f"waiting for a connection: {told}, and they are at their statements",
        f"a pool of about {size} is too small for so many requests at once, or the statements of each are too slow: "
        "look at the pool's size, and whether the database has room for more",
    )


def _until_the_last_statement(units: list[Unit]) -> _Theory:
    """From its first statement to the end of its last one a unit has a connection."""
    theory = _Theory()
    for unit in units:
        _add(theory, unit, unit.statements[0].start)
    return theory


def _across_calls(units: list[Unit]) -> _Theory:
    """From its first call to another service on, where statements follow: it is taken before the call."""
    theory = _Theory()
    for unit in units:
        calls = [child for child in unit.trace.children(unit.span) if conventions.is_call(child)]
        if calls and calls[0].end <= unit.statements[-1].start:
            _add(theory, unit, calls[0].start)
    return theory


def _add(theory: _Theory, unit: Unit, start: int) -> None:
    span, end = unit.span, max(statement.end for statement in unit.statements)
    theory.held.append(Interval(start, end, span))
    theory.whole.append(Interval(span.start, span.end, span))
    theory.at_sql += sum(each.ms for each in unit.statements if each.start >= start)
    for call in unit.trace.children(span):
        if conventions.is_call(call) and start <= call.start and call.end <= end:
            theory.calls[naming.short_label(call)] += 1
    theory.holes += [
        Interval(gap.start, gap.end, span)
        for gap in gaps(unit.trace, span)
        if gap.after is not None and gap.end <= start and gap.ms >= HOLE_MS
    ]


def nobody_there(crowd: Crowd) -> Iterator[Common]:
    """Holes between the same two steps while no other trace was in the service: nobody to wait for."""
    present: dict[str, list[Interval]] = defaultdict(list)
    for trace in crowd.traces:
        first: dict[str, Interval] = {}
        for span in trace.spans:
            seen = first.get(span.service)
            low, high = (min(span.start, seen.start), max(span.end, seen.end)) if seen else (span.start, span.end)
            first[span.service] = Interval(low, high, span)
        for service, interval in first.items():
            present[service].append(interval)
    for (service, name), units in crowd.units.items():
        others = Held(present[service])
        places: dict[tuple[str, str], list[Interval]] = defaultdict(list)
        for unit in units:
            for gap in gaps(unit.trace, unit.span):
                if gap.before and gap.after and gap.ms >= crowd.limits.waiting_ms:
                    where = naming.short_label(gap.before), naming.short_label(gap.after)
                    places[where].append(Interval(gap.start, gap.end, unit.span))
        every = sum(len(found) for found in places.values())
        for (before, after), holes in places.items():
            alone = sum(_alone(others, hole) for hole in holes)
            if len(holes) >= max(LEAST_ALONE, PLACE * every) and alone >= ALONE * len(holes):
                yield from _own(crowd, service, name, before, after, holes)


def _alone(present: Held, hole: Interval) -> bool:
    """Whether for most of the hole only its own trace was there."""
    return present.time_above(1, hole) * 2 < hole.end - hole.start


def _own(crowd: Crowd, service: str, name: str, before: str, after: str, holes: list[Interval]) -> Iterator[Common]:
    holes.sort(key=lambda hole: -hole.ms)
    spans: list[Span] = [hole.span for hole in holes]
    share = median(hole.ms / max(hole.span.ms, 0.001) for hole in holes)
    title = (
        f"the time is in {wording.clean(service)} itself: {shown(spans[0])} recorded nothing for "
        f"{wording.duration(holes[-1].ms)} to {wording.duration(holes[0].ms)} between {wording.clean(before)} and "
        f"{wording.clean(after)}, {wording.share(share)} of it, while no other request was there to wait for"
    )
    advice = (
        "profile what happens there: code, or a library without instrumentation; only somebody who is in none of these "
        "traces could have kept it waiting"
    )
    told = crowd.finding("own-code", title, spans, advice, about=f"{service} {name} {before} {after}", weight=0.4)
    if told:
        yield Common(told, about_spans(spans, "waiting", "own-code"))
