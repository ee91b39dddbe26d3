"""A trace as the graph that it is: spans, who called whom, links, and the ways in which real ones are broken.

Nothing here recurses, so a chain of 100,000 spans is as good as one span. Times are Unix nanoseconds.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

from workshop.traces.model import repair, skew
from workshop.traces.model.span import KINDS, Event, Link, Span

__all__ = ["KINDS", "Event", "Link", "Span", "Trace"]


class Trace:
    """The spans of one trace and the edges between them.

    `roots` are the spans without a parent, `orphans` those whose parent is not in the trace; `tops` are both
    together, in order of start. Duplicates are dropped, spans that share an id (Zipkin's client and server)
    are told apart, a ring of parents is cut, and clock skew between machines is undone: see `repair` and `skew`.
    Raises ValueError without spans.
    """

    def __init__(self, spans: Iterable[Span], *, adjust_clocks: bool = True) -> None:
        """Takes spans in any order; the spans stay untouched, corrected ones are copies."""
        unique = repair.distinct(spans)
        if not unique:
            raise ValueError("a trace needs at least one span")
        self.trace_id = unique[0].trace_id
        self._index(unique)
        ended = repair.ended(self.walk(), self.children)
        if ended:
            self._index([ended.get(span.span_id, span) for span in self.spans])
        if adjust_clocks:
            shifted = skew.shifts((span, self.parent(span)) for span, _ in self.walk())
            if shifted:
                self._index([skew.moved(span, shifted.get(span.span_id, 0)) for span in self.spans])

    def _index(self, spans: list[Span]) -> None:
        self.spans: list[Span] = sorted(spans, key=lambda s: (s.start, -s.end))
        self.by_id: dict[str, Span] = {span.span_id: span for span in self.spans}
        self._children: dict[str, list[Span]] = {}
        self.roots: list[Span] = []
        self.orphans: list[Span] = []
        for span in self.spans:
            if not span.parent_id:
                self.roots.append(span)
            elif span.parent_id in self.by_id and span.parent_id != span.span_id:
                self._children.setdefault(span.parent_id, []).append(span)
            else:
                self.orphans.append(span)
        self._cut_rings()

    def _cut_rings(self) -> None:
        """Makes an orphan of one span of each ring of parents, so that every span hangs below a top."""
        self._order = list(self._walk(self.tops))
        self._top_ids = {span.span_id for span in self.tops}
        if len(self._order) == len(self.spans):
            return
        seen = {span.span_id for span, _ in self._order}
        for span in self.spans:
            if span.span_id in seen:
                continue
            ring, above = {span.span_id}, span
            while above.parent_id not in ring:
                above = self.by_id[above.parent_id or ""]
                ring.add(above.span_id)
            self._children[above.parent_id].remove(above)
            self.orphans.append(above)
            seen.update(below.span_id for below, _ in self._walk([above]))
        self._order = list(self._walk(self.tops))
        self._top_ids = {span.span_id for span in self.tops}

    def with_raw_clocks(self) -> "Trace":
        """The trace with the times as they were recorded; itself when no clock had to be corrected."""
        if not any(span.shift for span in self.spans):
            return self
        return Trace((skew.moved(span, -span.shift) for span in self.spans), adjust_clocks=False)

    @property
    def tops(self) -> list[Span]:
        """Roots and orphans, by start."""
        return sorted(self.roots + self.orphans, key=lambda s: s.start)

    @cached_property
    def root(self) -> Span:
        """The span that the trace is about: the longest root, or the longest orphan where no root came."""
        return max(self.roots or self.orphans, key=lambda s: s.duration)

    def children(self, span: Span) -> list[Span]:
        """The span's children by start."""
        return self._children.get(span.span_id, [])

    def parent(self, span: Span) -> Span | None:
        """The span's parent; None for roots and orphans."""
        return None if span.span_id in self._top_ids else self.by_id[span.parent_id or ""]

    def ancestors(self, span: Span) -> Iterator[Span]:
        """From the span's parent up to a top."""
        above = self.parent(span)
        while above is not None:
            yield above
            above = self.parent(above)

    def walk(self, top: Span | None = None) -> Iterator[tuple[Span, int]]:
        """Every span with its depth, parents first, siblings by start; below `top`, or below every top."""
        return self._walk([top]) if top else iter(self._order)

    def _walk(self, tops: list[Span]) -> Iterator[tuple[Span, int]]:
        stack = [(span, 0) for span in reversed(tops)]
        while stack:
            span, depth = stack.pop()
            yield span, depth
            children = self._children.get(span.span_id)
            if children:
                stack.extend([(child, depth + 1) for child in reversed(children)])

    @property
    def start(self) -> int:
        """Start of the first span."""
        return self.spans[0].start

    @cached_property
    def end(self) -> int:
        """End of the last span; later than the root's end when work went on after the answer."""
        return max(span.end for span in self.spans)

    @property
    def duration(self) -> int:
        """Nanoseconds from the first start to the last end."""
        return self.end - self.start

    @cached_property
    def services(self) -> list[str]:
        """The services' names, in order of appearance."""
        return list(dict.fromkeys(span.service for span in self.spans))

    def __len__(self) -> int:
        return len(self.spans)

    def __repr__(self) -> str:
        return f"<Trace {self.trace_id} {self.root.service} {self.root.name!r} {len(self)} spans>"
