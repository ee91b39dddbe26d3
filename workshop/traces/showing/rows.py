"""Which lines a waterfall has: one a span, repeats as one line, and only the telling ones of a very large trace."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workshop.traces.model import naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.critical_path import Section, critical_path, family_of, on_path
from workshop.traces.time.legs import LongestLeg, longest_leg

REPEATS = 4  # siblings that do the same work become one line from this number on


@dataclass(slots=True)
class Row:
    """A line: one span, or several siblings of the same shape (`spans` holds all, `span` the first).

    Times are in nanoseconds; `critical` is the self time on the critical path, `inside` the spans that the line
    stands for in all, descendants of collapsed ones included.
    """

    span: Span
    spans: list[Span]
    depth: int
    last: bool
    guides: tuple[bool, ...]
    label: str
    duration: int
    critical: int = 0
    inside: int = 1
    sections: list[Section] = field(default_factory=list)
    longest: bool = False
    orphan: bool = False
    on_path: bool = False

    @property
    def error(self) -> bool:
        """Whether the span, or all of the repeats, failed."""
        return self.span.is_error


@dataclass(slots=True)
class Table:
    """A waterfall's rows, with what the heading and the last line need."""

    trace: Trace
    rows: list[Row]
    path: list[Section]
    leg: LongestLeg
    hidden: int

    @property
    def leg_share(self) -> float:
        """The longest leg's share of the critical path, 0 to 1."""
        return self.leg.ns / self.trace.root.duration if self.trace.root.duration else 0.0


def table(trace: Trace, *, collapse: bool = True, limit: int | None = 200) -> Table:
    """Lays a trace out in rows; `limit` bounds their number, the least telling ones are left out."""
    path = critical_path(trace)
    leg = longest_leg(trace, path)
    shapes = _shapes(trace) if collapse else {}
    rows = list(_rows(trace, shapes))
    own = on_path(path)
    row_of: dict[str, Row] = {}
    for row in rows:
        for span in row.spans:
            for below, _ in trace.walk(span) if len(row.spans) > 1 else ((span, 0),):
                row_of[below.span_id] = row
                row.critical += own.get(below.span_id, 0)
    for section in path:
        row_of[section.span.span_id].sections.append(section)
    for span_id in _touched(trace, own):
        row_of[span_id].on_path = True
    for span in leg.spans:
        row_of[span.span_id].longest = leg.ns > 0
    kept = _most_telling(rows, limit) if limit else rows
    hidden = sum(row.inside for row in rows) - sum(row.inside for row in kept)
    return Table(trace, kept, path, leg, hidden)


def _touched(trace: Trace, own: dict[str, int]) -> set[str]:
    """The spans on the critical path and all above them: what the root waited for, itself or in what it called."""
    family, touched = family_of(trace), set[str]()
    for span_id in own:
        span: Span | None = trace.by_id[span_id]
        while span is not None and span.span_id not in touched:
            touched.add(span.span_id)
            span = family.parent(span)
    return touched


def _shapes(trace: Trace) -> dict[str, int]:
    """A number for each span; equal numbers mean that the spans and all below them do the same work."""
    numbers: dict[Any, int] = {}
    shapes: dict[str, int] = {}
    for span, _ in reversed(list(trace.walk())):
        below = tuple(shapes[child.span_id] for child in trace.children(span))
        key = (naming.same_work(span), span.is_error, bool(span.links), below)
        shapes[span.span_id] = numbers.setdefault(key, len(numbers))
    return shapes


def _rows(trace: Trace, shapes: dict[str, int]) -> Iterator[Row]:
    orphans = {span.span_id for span in trace.orphans}
    tops = _groups(trace.tops, shapes)
    stack: list[tuple[list[Span], int, bool, tuple[bool, ...]]] = [
        (group, 0, index == len(tops) - 1, ()) for index, group in reversed(list(enumerate(tops)))
    ]
    while stack:
        group, depth, last, guides = stack.pop()
        span = group[0]
        inside = 1 if len(group) == 1 else sum(1 for each in group for _ in trace.walk(each))
        yield Row(
            span=span,
            spans=group,
            depth=depth,
            last=last,
            guides=guides,
            label=naming.label(span),
            duration=sum(each.duration for each in group),
            inside=inside,
            orphan=span.span_id in orphans,
        )
        if len(group) == 1:
            groups = _groups(trace.children(span), shapes)
            # A top has no line to its left; deep ones keep only the nearest lines, or a chain of n costs n².
            below = (*guides[-40:], not last) if depth else ()
            stack.extend(
                (each, depth + 1, index == len(groups) - 1, below) for index, each in reversed(list(enumerate(groups)))
            )


def _groups(siblings: list[Span], shapes: dict[str, int]) -> list[list[Span]]:
    """The siblings, those of one shape together where they are many, each group in its first one's place."""
    by_shape: dict[int, list[Span]] = {}
    for span in siblings:
        by_shape.setdefault(shapes.get(span.span_id, -1), []).append(span)
    if not shapes or all(len(group) < REPEATS for group in by_shape.values()):
        return [[span] for span in siblings]
    result = []
    for span in siblings:
        group = by_shape[shapes[span.span_id]]
        if len(group) < REPEATS:
            result.append([span])
        elif group[0] is span:
            result.append(group)
    return result


def _most_telling(rows: list[Row], limit: int) -> list[Row]:
    """At most about `limit` rows: failed ones and those with the most time, each with the rows above it."""
    if len(rows) <= limit:
        return rows
    above: list[int | None] = []
    open_rows: list[int] = []
    for index, row in enumerate(rows):
        del open_rows[row.depth :]
        above.append(open_rows[-1] if open_rows else None)
        open_rows.append(index)
    order = sorted(
        range(len(rows)),
        key=lambda i: (rows[i].longest, rows[i].error, rows[i].critical, rows[i].duration),
        reverse=True,
    )
    kept: set[int] = set()
    for index in order:
        if len(kept) >= limit:
            break
        step: int | None = index
        while step is not None and step not in kept and len(kept) < limit:
            kept.add(step)
            step = above[step]
    return [rows[index] for index in sorted(kept)]
