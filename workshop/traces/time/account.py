"""An account of a trace's time: every nanosecond of it on exactly one line.

    account(trace).lines    # the lines, the longest first; together they are 100 % of the trace's time

A line says what kind of time it is, whose, and of what; spans that do the same work are one line. Two traces, or two
populations of traces, can be compared line by line: a line's `key` holds no id, no value and no index.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workshop.traces.model import naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.charging import Entry, When, entry_of
from workshop.traces.time.critical_path import Section, family_of, stretches
from workshop.traces.time.family import Family

Key = tuple[str, str, str, str, str]


@dataclass(slots=True, frozen=True)
class Charge:
    """A stretch of time, from `start` to `end` (Unix ns), charged to one entry.

    `span` is whose own time it was, None where nothing was recorded; `before` and `after` are the spans below it that
    ran just before and just after. `orphan` is the orphan that the span belongs to, if any.
    """

    entry: Entry
    when: When
    start: int
    end: int
    span: Span | None
    before: Span | None = None
    after: Span | None = None
    orphan: Span | None = None

    @property
    def ns(self) -> int:
        """Nanoseconds."""
        return self.end - self.start


@dataclass(slots=True)
class Line:
    """One line of the account: all time of one kind, of one service, spent on one thing.

    `kind` is one of charging.KINDS. `service` is whose time it is, the caller's on the way to a callee; `callee` is the
    service at the other end, "" where there is none. `what` is the work without ids, values and indexes: a statement,
    a call's method and address, a span's name. `when` says whether it was before, during or after the answer (the
    root's time). `label` is `what` for people, from the first span.
    """

    kind: str
    service: str
    callee: str
    what: str
    when: When
    label: str
    charges: list[Charge] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """The same for the same line of any other trace."""
        return self.kind, self.service, self.callee, self.what, self.when

    @property
    def ns(self) -> int:
        """Nanoseconds."""
        return sum(charge.ns for charge in self.charges)

    @property
    def spans(self) -> list[Span]:
        """The spans that the line is made of, in order of their time."""
        return list({c.span.span_id: c.span for c in self.charges if c.span is not None}.values())

    @property
    def waits_for(self) -> str:
        """What held by somebody else it was, or may have been, waited for; "" where it was nobody else's.

        `connection`, `pool`, `lock`, `thread`, `queue`: the cause of such a wait is in another trace of the same time.
        """
        return next((charge.entry.waits_for for charge in self.charges if charge.entry.waits_for), "")

    @property
    def orphan_ns(self) -> int:
        """Nanoseconds of it in spans whose parent is missing."""
        return sum(charge.ns for charge in self.charges if charge.orphan is not None)

    def as_json(self, whole: int) -> dict[str, Any]:
        """The line as data; `whole` are the nanoseconds that its share is of."""
        ns = self.ns
        return {
            "kind": self.kind,
            "service": self.service,
            "callee": self.callee,
            "what": self.what,
            "label": self.label,
            "when": self.when,
            "ms": round(ns / 1e6, 6),
            "share": round(ns / whole, 6) if whole else 0.0,
            "spans": [span.span_id for span in self.spans[:20]],
            "span_count": len(self.spans),
            "waits_for": self.waits_for,
            "orphan_ms": round(self.orphan_ns / 1e6, 6),
        }


@dataclass
class Account:
    """A trace's time on lines. `whole` is the time in ns from the trace's first start to its last end, and the lines'
    sum; `answer` is the time of the root, or of the orphans where no root came."""

    trace: Trace
    family: Family
    charges: list[Charge]
    whole: int
    answer: int

    @cached_property
    def lines(self) -> list[Line]:
        """The lines, the longest first."""
        found: dict[tuple[Any, ...], Line] = {}
        for charge in self.charges:
            entry = charge.entry
            key = (entry.kind, entry.service, entry.callee, entry.what, charge.when)
            line = found.get(key)
            if line is None:
                line = found[key] = Line(*key, label=entry.label)
            line.charges.append(charge)
        return sorted(found.values(), key=lambda line: -line.ns)

    def share(self, line: Line) -> float:
        """The line's part of the trace's whole time, 0 to 1."""
        return line.ns / self.whole if self.whole else 0.0

    def as_json(self) -> dict[str, Any]:
        """The account as data, times in ms; the lines' `ms` add up to `whole_ms`, their `share` to 1."""
        return {
            "trace_id": self.trace.trace_id,
            "whole_ms": self.whole / 1e6,
            "answer_ms": self.answer / 1e6,
            "lines": [line.as_json(self.whole) for line in self.lines],
        }


def account(trace: Trace) -> Account:
    """Charges the trace's whole time, from the first start to the last end, to lines.

    The root's time is charged along its critical path. Before and after it, and instead of it where only orphans came,
    whatever ran then is charged in the same way; time in which nothing was recorded has lines of its own. It takes
    n log n for n spans.
    """
    family = family_of(trace)
    low, high = _answer(trace, family)
    charges: list[Charge] = []
    start, end = trace.start, trace.end
    loose = _loose(family, low, high) if start < low or end > high else []
    charges += _cover(family, loose, start, low, "before")
    if trace.roots:
        charges += _charges(family, stretches(family, trace.root, low, high), "during")
    else:
        charges += _cover(family, _tops(family), low, high, "during")
    charges += _cover(family, loose, high, end, "after")
    return Account(trace, family, charges, end - start, high - low)


def _answer(trace: Trace, family: Family) -> tuple[int, int]:
    """From when to when somebody waited for the trace: the root's time, or that of all orphans without a root."""
    tops = [trace.root] if trace.roots else _tops(family) or [trace.root]
    return min(top.start for top in tops), max(top.end for top in tops)


def _tops(family: Family) -> list[Span]:
    return [top for top in family.trace.tops if top.span_id not in family.adopted and family.waited_for(top)]


def _loose(family: Family, low: int, high: int) -> list[Span]:
    """The spans that explain time outside of the answer: other tops, and what the one above did not wait for."""
    found = []
    for span in family.trace.spans:
        if span.start >= low and span.end <= high:
            continue
        above = family.parent(span)
        if above is None or not family.waited_for(span) or span.start < above.start or span.end > above.end:
            found.append(span)
    return found


def _cover(family: Family, spans: Sequence[Span], low: int, high: int, when: When) -> Iterator[Charge]:
    """Charges a window to the spans that ran in it, of several the one that ended last, each by its own path."""
    if high <= low:
        return
    cut = sorted(
        ((min(s.end, high), -max(s.start, low), n) for n, s in enumerate(spans) if s.end > low and s.start < high),
        reverse=True,
    )
    pieces: list[tuple[Span | None, int, int]] = []
    now, after = high, None
    for finished, negative_start, number in cut:
        start = -negative_start
        if start >= now or min(finished, now) <= start:
            continue
        if finished < now:
            pieces.append((None, finished, now))
        pieces.append((spans[number], start, min(finished, now)))
        now = start
    if now > low:
        pieces.append((None, low, now))
    pieces.reverse()
    for index, (span, start, end) in enumerate(pieces):
        if span is not None:
            yield from _charges(family, stretches(family, span, start, end), when)
            continue
        before = pieces[index - 1][0] if index else family.trace.root if when == "after" else None
        after = pieces[index + 1][0] if index + 1 < len(pieces) else None
        yield Charge(_nothing(before, after), when, start, end, None, before, after)


def _nothing(before: Span | None, after: Span | None) -> Entry:
    """The entry of time in which nothing was recorded, said by what came after it."""
    sender = before.service if before else ""
    if after is not None and after.kind == "consumer":
        label = naming.label(after)
        return Entry("delivery", sender, after.service, naming.name_template(after.name), label, "queue")
    return Entry("unrecorded", sender, after.service if after else "", "nothing recorded", "nothing recorded")


def _charges(family: Family, sections: Iterable[Section], when: When) -> Iterator[Charge]:
    orphans = {span.span_id for span in family.trace.orphans}
    for section in sections:
        top = family.top_of[section.span.span_id] if orphans else None
        orphan = top if top is not None and top.span_id in orphans else None
        yield Charge(
            entry_of(family, section), when, section.start, section.end, section.span,
            section.before, section.after, orphan,
        )  # fmt: skip
