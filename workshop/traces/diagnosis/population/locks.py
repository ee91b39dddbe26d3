"""Statements that wait for somebody else's transaction: let go together, or ended by the database."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from statistics import median, quantiles

from workshop.traces import wording
from workshop.traces.diagnosis.findings import shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd, about_spans
from workshop.traces.diagnosis.rules.locks import ADVICE, is_deadlock
from workshop.traces.model import conventions, naming, statements
from workshop.traces.model.trace import Span

WAIT_MS = 100.0
TIMES = 4.0  # as long as the statement usually takes, so that a slow statement is no wait
TOGETHER_MS = 60.0  # between the ends of those that one transaction let go: they are served one after the other
LEAST = 4  # waits, of so many traces
LEAST_TRACES = 3
SHARE = 0.5  # of the waits are let go with another
ELSEWHERE = 0.25  # of the wait is what statements on other tables take meanwhile, at most: the database is not slow
READS = 2
SOME = 200  # statements on other tables that are looked at

Table = tuple[str, str]


def waits_for_locks(crowd: Crowd) -> Iterator[Common]:
    """Waits for rows, for a whole table, or in a circle, each told from the others by who else waits."""
    by_table: dict[Table, list[Span]] = defaultdict(list)
    for _, span in crowd.statements:
        if table := table_of(span):
            by_table[table].append(span)
    for table, spans in by_table.items():
        if circles := [span for span in spans if is_deadlock(span)]:
            yield from _deadlock(crowd, table, circles, spans)
            continue
        waits = _together(_waits(spans))
        many = len(waits) >= LEAST and len({span.trace_id for span in waits}) >= LEAST_TRACES
        if many and _others_are_quick(crowd, table, waits):
            yield from _locked(crowd, table, waits)


def table_of(span: Span) -> Table | None:
    """The database and the table that a statement is about, None where it does not say."""
    named = conventions.first(span, "db.collection.name", "db.sql.table")
    if not named:
        text = conventions.statement(span)
        parts = statements.summary(text).split() if text else str(naming.label(span)).split()
        named = parts[1] if len(parts) > 1 else None
    return (conventions.database(span) or span.service, str(named).lower()) if named else None


def _text(span: Span) -> str:
    return conventions.statement(span) or span.name


def _locks(span: Span) -> bool:
    return statements.locks(_text(span))


def _waits(spans: list[Span]) -> list[Span]:
    """Those that took many times as long as the same statement does at other times.

    A read that locks, and waits each time, is held against the table's plain reads: those no lock of rows stops. A
    change that takes long each time may as well be one that looks for its rows for so long.
    """
    alike: dict[tuple[str, ...], list[Span]] = defaultdict(list)
    for span in spans:
        alike[naming.same_work(span)].append(span)
    reads = [span.ms for span in spans if not _locks(span)]
    read = quantiles(reads, n=4)[2] if len(reads) >= LEAST else inf
    found = []
    for group in alike.values():
        usual = quantiles([span.ms for span in group], n=4)[0] if len(group) > 1 else group[0].ms
        if statements.locking_read(_text(group[0])):
            usual = min(usual, read)
        found += [span for span in group if span.ms >= max(WAIT_MS, TIMES * usual)]
    return found


def _together(waits: list[Span]) -> list[Span]:
    """Those that ended at one moment with one of another trace; none when most of them ended alone."""
    ended = sorted(waits, key=lambda span: span.end)
    found: dict[str, Span] = {}
    for one, other in pairwise(ended):
        if one.trace_id != other.trace_id and other.end - one.end <= TOGETHER_MS * 1e6:
            found |= {f"{each.trace_id} {each.span_id}": each for each in (one, other)}
    return list(found.values()) if len(found) >= SHARE * len(waits) else []


def _others_are_quick(crowd: Crowd, table: Table, waits: list[Span]) -> bool:
    first, last = min(span.start for span in waits), max(span.end for span in waits)
    others = [
        span.ms
        for _, span in crowd.statements
        if first <= span.start <= last and (other := table_of(span)) and other[0] == table[0] and other != table
    ]
    return not others or median(others[:SOME]) <= ELSEWHERE * median(span.ms for span in waits)


def _locked(crowd: Crowd, table: Table, waits: list[Span]) -> Iterator[Common]:
    waits.sort(key=lambda span: -span.duration)
    reads = [span for span in waits if not _locks(span)]
    up_to = f"{len(waits)} statements on {wording.clean(table[1])} waited, up to {wording.duration(waits[0].ms)}"
    if len(reads) >= READS and len({naming.same_work(span) for span in waits}) < 2:
        return  # all of them one statement: it may as well be their process that stood still
    if len(reads) >= READS:
        title = (
            f"waiting for the whole table: {up_to}, and were let go together; {len(reads)} of them are plain reads, "
            "which no lock of rows stops"
        )
        advice = (
            "somebody wants the table for himself (ALTER TABLE, LOCK TABLE, VACUUM FULL, TRUNCATE) and holds it, or "
            "waits for a long transaction with everybody behind him: pg_blocking_pids says who. A migration sets a "
            "lock_timeout and tries again"
        )
    else:
        title = (
            f"waiting for rows: {up_to}, and were let go together: another transaction held the rows that they lock "
            f"({shown(waits[0])})"
        )
        advice = (
            "look for the transaction that held them (pg_blocking_pids, pg_locks): a job beside the requests, or a "
            "request that keeps its transaction open; the statement itself is not slow"
        )
    told = crowd.finding("lock", title, waits, advice, about=f"lock {table[1]}", weight=1.0)
    if told:
        yield Common(told, about_spans(waits, "slow-statement", "most-of-it"))


def _deadlock(crowd: Crowd, table: Table, circles: list[Span], spans: list[Span]) -> Iterator[Common]:
    alike = {naming.same_work(span) for span in circles}
    waits = [span for span in spans if naming.same_work(span) in alike and (span.ms >= WAIT_MS or is_deadlock(span))]
    waits.sort(key=lambda span: (not is_deadlock(span), -span.duration))
    first = circles[0]
    title = (
        f"deadlock: {shown(first)} was ended {wording.count(len(circles), 'time')} by the database, because "
        f"transactions waited for each other in a circle; {wording.count(len(waits) - len(circles), 'other')} waited "
        "and went on"
    )
    told = crowd.finding("deadlock", title, waits, ADVICE, about=f"deadlock {table[1]}", weight=2.0)
    if told:
        explained = about_spans(waits, "slow-statement", "most-of-it", "timeout")
        yield Common(told, lambda found: found.rule == "deadlock" or explained(found))
