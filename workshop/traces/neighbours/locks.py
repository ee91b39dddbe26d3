"""Waits for a lock in a database: a statement that takes many times what it takes otherwise, while its table is held.

Who holds it is taken from the others' transactions: from the end of the first statement that locked something in a
table to the end of the last statement below the same span; a COMMIT has no span. A table's row has no name in a trace,
so that two transactions on one table need not have met: that one went on as the other let go is what speaks for it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from statistics import median

from workshop.traces import wording
from workshop.traces.model import conventions, statements
from workshop.traces.model.trace import Span, Trace
from workshop.traces.neighbours.intervals import Interval
from workshop.traces.neighbours.model import Wait, covered, holders

# Shorter ones are a busy machine.
WAIT_MS = 100.0
# So many times as long as the quickest one of the same statement.
TIMES = 4
# So many plain reads of a table tell how long one of it takes.
READS = 4
# Of a wait, what the holders that are named held it for together.
HELD = 0.5
# After this much at most the next one goes on: a COMMIT, a thread that has to wake.
SLACK_NS = 30_000_000
TOGETHER_NS = 60_000_000
# Where nobody is named: so many others went on at the same moment. One may do so by chance.
TOGETHER = 2
# A statement on another table takes so much of such a wait at most: else it is the whole process, or the machine.
ELSEWHERE = 0.25
# PostgreSQL's own words for it: lock_not_available, deadlock_detected.
CODES = {"55P03": "was given up at lock_timeout", "40P01": "was ended by PostgreSQL, as one of a deadlock"}

Place = tuple[str, str, str]  # service, database, table


class Locks:
    """Statements and transactions of a population, by the table that they are about."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        self._on: dict[Place, list[Span]] = defaultdict(list)
        self._held: dict[Place, list[Interval]] = defaultdict(list)
        for trace in traces:
            owners: dict[str, list[Span]] = defaultdict(list)
            for span in trace.spans:
                if conventions.is_db(span) and conventions.statement(span):
                    owners[span.parent_id or ""].append(span)
                    for place in places(span):
                        self._on[place].append(span)
            for found in owners.values():
                for place, held in _held(found):
                    self._held[place].append(held)

    def waits(self, trace: Trace) -> Iterator[Wait]:
        """The trace's waits for locks, as far as somebody or something speaks for them."""
        for span in trace.spans:
            if not conventions.is_db(span) or not conventions.statement(span) or span.ms < WAIT_MS:
                continue
            for place in places(span)[:1]:
                if wait := self._wait(span, place):
                    yield wait

    def _wait(self, span: Span, place: Place) -> Wait | None:
        code = str(conventions.first(span, "db.response.status_code", "error.type") or "")
        if code not in CODES and span.ms < TIMES * self._usual(span, place):
            return None
        interval = Interval(span.start, span.end, span)
        held = self._held[place] if locking(span) else []
        found = [each for each in holders(interval, held, SLACK_NS) if each.ns >= 0.1 * span.duration]
        named = [each for each in found if each.let_go or each.ns >= HELD * span.duration]
        together = self._let_go_with(span, place)
        said = [f"the statement {CODES[code]} ({code})"] if code in CODES else []
        what = f"a lock in {place[2]}"
        if named and covered(interval, held) >= HELD and (said or any(each.let_go for each in named)):
            evidence = [*said, f"they had a transaction on {place[2]} open meanwhile"]
            if any(each.let_go for each in named):
                evidence.append("it ended as one of them let go" if said else "it went on as one of them let go")
            return Wait("lock", what, span, span.start, span.end, span.duration, named, evidence)
        if not said and (len(together) < TOGETHER or self._slow_elsewhere(span, place)):
            return None
        return Wait(
            "lock", what, span, span.start, span.end, span.duration, (), self._by_nobody(span, said, together), together
        )

    def _by_nobody(self, span: Span, said: list[str], together: Sequence[str]) -> list[str]:
        """What speaks for a holder that sends no traces."""
        (_, _, table), *_ = places(span)
        told = [*said, f"no trace had a transaction on {table} open for most of that time"]
        if together:
            told.append(f"{wording.count(len(together), 'other trace')} waited for {table}, too, until the same moment")
        if locking(span):
            reads = [each.ms for each in self._on[places(span)[0]] if not locking(each) and _meets(each, span)]
            if reads and median(reads) <= ELSEWHERE * span.ms:
                took = wording.duration(median(reads))
                told.append(f"reads of {table} took {took} meanwhile: rows were locked, not the table")
        else:
            told.append("it only reads, which no row lock stops: the whole table was locked, as by ALTER TABLE")
        return told

    def _usual(self, span: Span, place: Place) -> float:
        """What the quickest one of the same statement took, in ms: of the others all may have waited.

        Even that one, where rows are held all the time: so a read that locks is held against the table's plain reads.
        """
        statement = conventions.statement(span) or ""
        quickest = min(self._times[place, statements.normalised(statement)])
        if statements.locking_read(statement):
            reads = [each.ms for each in self._on[place] if not locking(each)]
            return min(quickest, median(reads)) if len(reads) >= READS else quickest
        return quickest

    @cached_property
    def _times(self) -> dict[tuple[Place, str], list[float]]:
        found: dict[tuple[Place, str], list[float]] = defaultdict(list)
        for place, spans in self._on.items():
            for span in spans:
                found[place, statements.normalised(conventions.statement(span) or "")].append(span.ms)
        return found

    def _slow_elsewhere(self, span: Span, place: Place) -> bool:
        """Whether statements of the same service on other tables are slow meanwhile as well."""
        others = [
            each.ms
            for (service, database, table), spans in self._on.items()
            if (service, database) == place[:2] and table != place[2]
            for each in spans
            if _meets(each, span) and each is not span
        ]
        return bool(others) and median(others) > ELSEWHERE * span.ms

    def _let_go_with(self, span: Span, place: Place) -> tuple[str, ...]:
        """The other traces that waited in the same table and went on at the same moment."""
        found = {
            each.trace_id: None
            for each in self._on[place]
            if each.trace_id != span.trace_id
            and each.ms >= WAIT_MS
            and abs(each.end - span.end) <= TOGETHER_NS
            and each.start < span.end - span.duration // 2
        }
        return tuple(found)


def places(span: Span) -> list[Place]:
    """The tables of a statement, each with its service and database."""
    database = conventions.database(span) or ""
    return [(span.service, database, table) for table in statements.tables(conventions.statement(span) or "")]


def locking(span: Span) -> bool:
    """Whether the statement takes locks of rows."""
    return statements.locks(conventions.statement(span) or "")


def _held(found: list[Span]) -> Iterator[tuple[Place, Interval]]:
    """For each table in which statements below one span locked something, from when to when they did."""
    found.sort(key=lambda span: span.start)
    first: dict[Place, Span] = {}
    for span in found:
        if locking(span) and not span.is_error:
            for place in places(span):
                first.setdefault(place, span)
    for place, span in first.items():
        yield place, Interval(span.end, max(each.end for each in found), span)


def _meets(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
