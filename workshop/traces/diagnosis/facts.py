"""What the rules of the diagnosis ask of a trace, worked out once."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from workshop.traces import wording
from workshop.traces.diagnosis.findings import Evidence, Limits
from workshop.traces.model import naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.critical_path import Section, critical_path, family_of, on_path

# Called with a statement's text and its database's name; returns the plan as PostgreSQL's EXPLAIN (FORMAT JSON)
# gives it, or None.
Explain = Callable[[str, str | None], Any]


class Facts:
    """A trace with its critical path, and times summed up by span. Times are in nanoseconds."""

    def __init__(
        self, trace: Trace, limits: Limits, explain: Explain | None = None, related: Sequence[Trace] = ()
    ) -> None:
        self.trace = trace
        self.limits = limits
        self.explain = explain
        self.related = related
        self.path: list[Section] = critical_path(trace)
        self.own = on_path(self.path)
        self.whole = trace.root.duration

    @cached_property
    def inside(self) -> dict[str, int]:
        """Time on the critical path in a span and all below it."""
        total = dict(self.own)
        for span, _ in reversed(list(self.trace.walk())):
            if span.parent_id and span.parent_id in self.trace.by_id and (part := total.get(span.span_id)):
                total[span.parent_id] = total.get(span.parent_id, 0) + part
        return total

    @cached_property
    def sections_of(self) -> dict[str, list[Section]]:
        """The stretches of the critical path that are a span's own, by span id."""
        found: dict[str, list[Section]] = {}
        for section in self.path:
            found.setdefault(section.span.span_id, []).append(section)
        return found

    def own_ns(self, span: Span) -> int:
        """Self time on the critical path."""
        return self.own.get(span.span_id, 0)

    def inside_ns(self, span: Span) -> int:
        """Time on the critical path of the span and all below it."""
        return self.inside.get(span.span_id, 0)

    def share(self, ns: float) -> float:
        """The time's share of the critical path, 0 to 1."""
        return ns / self.whole if self.whole else 0.0

    def matters(self, ns: float, ms: float, share: float) -> bool:
        """Whether the time is at least `ms` and at least this share."""
        return ns >= ms * 1e6 and self.share(ns) >= share

    def keeps_waiting(self, ns: float, ms: float, share: float) -> bool:
        """Whether the time matters, in a trace that is not quick anyway: for times that no statement explains."""
        return self.whole >= self.limits.whole_ms * 1e6 and self.matters(ns, ms, share)

    def evidence(self, span: Span, ns: float | None = None) -> Evidence:
        """The span as evidence, for its whole duration or for the time given."""
        ns = span.duration if ns is None else ns
        return Evidence(
            trace_id=span.trace_id,
            span_id=span.span_id,
            service=wording.clean(span.service),
            name=wording.clean(naming.label(span)),
            ms=ns / 1e6,
            share=self.share(ns),
        )

    def is_below_orphan(self, span: Span) -> bool:
        """Whether a span above it is missing."""
        return bool(family_of(self.trace).top_of[span.span_id].parent_id)

    def is_traced_call(self, span: Span) -> bool:
        """Whether the callee's own spans are in the trace."""
        return bool(self.trace.children(span))
