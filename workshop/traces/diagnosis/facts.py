"""What the rules of the diagnosis ask of a trace: its account of time, and what of it was told already."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from workshop.traces import wording
from workshop.traces.diagnosis.findings import Evidence, Limits, Severity
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.account import Charge, Line, account
from workshop.traces.time.critical_path import Section

# Called with a statement's text and its database's name; returns the plan as PostgreSQL's EXPLAIN (FORMAT JSON)
# gives it, or None.
Explain = Callable[[str, str | None], Any]

ALWAYS_TOLD_NS = 1_000_000_000  # a line longer than this that is more than half of the time is never passed over


class Facts:
    """A trace with its account. Times are in nanoseconds; `whole` is the answer's time, see account.Account."""

    def __init__(
        self, trace: Trace, limits: Limits, explain: Explain | None = None, related: Sequence[Trace] = ()
    ) -> None:
        self.trace = trace
        self.limits = limits
        self.explain = explain
        self.related = related
        self.account = account(trace)
        self.family = self.account.family
        self.whole = self.account.answer or self.account.whole
        self._told: set[tuple[str, ...]] = set()

    @cached_property
    def own(self) -> dict[str, int]:
        """Time charged to a span itself, by span id."""
        total: dict[str, int] = {}
        for charge in self.account.charges:
            if charge.span is not None:
                total[charge.span.span_id] = total.get(charge.span.span_id, 0) + charge.ns
        return total

    @cached_property
    def path(self) -> list[Section]:
        """The stretches of the answer's time that are a span's own."""
        return [
            Section(charge.span, charge.start, charge.end, charge.before, charge.after)
            for charge in self.account.charges
            if charge.span is not None and charge.when == "during"
        ]

    @cached_property
    def inside(self) -> dict[str, int]:
        """Time charged to a span and all below it, callees without a recorded caller too."""
        total = dict(self.own)
        for span in reversed(self._parents_first()):
            above, part = self.family.parent(span), total.get(span.span_id)
            if above is not None and part:
                total[above.span_id] = total.get(above.span_id, 0) + part
        return total

    def _parents_first(self) -> list[Span]:
        """Every span after the one that it ran for."""
        if not self.family.adopted and not self.family.beside:
            return [span for span, _ in self.trace.walk()]
        stack = [top for top in self.trace.tops if self.family.parent(top) is None]
        order = []
        while stack:
            span = stack.pop()
            order.append(span)
            stack.extend(self.family.children(span))
        return order

    @cached_property
    def busy(self) -> int:
        """The answer's time without idling and open streams."""
        idle = sum(line.ns for line in self.lines if line.when == "during" and line.kind in ("idle", "stream"))
        return self.whole - idle or self.whole

    @property
    def lines(self) -> list[Line]:
        """The account's lines, the longest first."""
        return self.account.lines

    def groups(self, kinds: Iterable[str], by: Callable[[Line], Any]) -> Iterator[list[Line]]:
        """The lines of these kinds that belong together by `by`, in the same part of the trace."""
        wanted, found = set(kinds), dict[Any, list[Line]]()
        for line in self.lines:
            if line.kind in wanted:
                found.setdefault((line.when, by(line)), []).append(line)
        return iter(found.values())

    def own_ns(self, span: Span) -> int:
        """Time charged to the span itself."""
        return self.own.get(span.span_id, 0)

    def inside_ns(self, span: Span) -> int:
        """Time charged to the span and all below it."""
        return self.inside.get(span.span_id, 0)

    def share(self, ns: float) -> float:
        """The time's share of the answer's time, 0 to 1."""
        return min(ns / self.whole, 1.0) if self.whole else 0.0

    def share_of(self, lines: Sequence[Line]) -> float:
        """The lines' share: of the answer's time, or of the whole trace's for what was outside of the answer."""
        base = self.whole if lines[0].when == "during" else self.account.whole
        return sum(line.ns for line in lines) / base if base else 0.0

    def matters(self, ns: float, ms: float, share: float) -> bool:
        """Whether the time is at least `ms` and at least this share."""
        return ns >= ms * 1e6 and ns >= share * self.weighed_against(ns)

    def keeps_waiting(self, ns: float, ms: float, share: float) -> bool:
        """Whether the time matters, in a trace that is not quick anyway: for times that no statement explains."""
        return max(self.whole, ns) >= self.limits.whole_ms * 1e6 and self.matters(ns, ms, share)

    def worth_telling(self, lines: Sequence[Line], ms: float, share: float) -> bool:
        """Whether the lines together are that long, in a trace that is not quick anyway."""
        total = sum(line.ns for line in lines)
        slow = max(self.whole, total) >= self.limits.whole_ms * 1e6
        return slow and total >= ms * 1e6 and self.weighs(lines, share)

    def weighs(self, lines: Sequence[Line], share: float) -> bool:
        """Whether the lines have this share of the time."""
        if lines[0].when != "during":
            return self.share_of(lines) >= share
        total = sum(line.ns for line in lines)
        return total >= share * self.weighed_against(total)

    def weighed_against(self, ns: float) -> int:
        """The answer's time; for what is longer than a second without what is long by nature.

        In front of a poll of half a minute any work would look small.
        """
        return self.busy if ns > ALWAYS_TOLD_NS else self.whole

    def dominates(self, lines: Sequence[Line]) -> bool:
        """Whether the lines are more than a second and more than half of the time."""
        return sum(line.ns for line in lines) > ALWAYS_TOLD_NS and self.share_of(lines) > 0.5

    def severity(self, lines: Sequence[Line]) -> Severity:
        """A problem while somebody waited for the answer; outside of that only what is most of the trace's time."""
        if lines[0].when == "during":
            return "problem"
        return "problem" if self.dominates(lines) and not self.nobody_waited(lines) else "hint"

    def nobody_waited(self, lines: Sequence[Line]) -> bool:
        """Whether all of it was work that was meant to go on by itself: a message's consumer, what only follows."""
        return lines[0].when != "during" and all(self.by_itself(span) for line in lines for span in line.spans[:5])

    def by_itself(self, span: Span | None) -> bool:
        """Whether the span, or one above it, was meant to go on by itself."""
        while span is not None:
            if not self.family.waited_for(span):
                return True
            span = self.family.parent(span)
        return False

    def tell(self, lines: Iterable[Line]) -> None:
        """Notes that the lines are a finding's."""
        self._told |= {line.key for line in lines}

    def tell_spans(self, spans: Iterable[Span]) -> None:
        """Notes that the lines which consist of these spans for the most part are a finding's."""
        covered: dict[tuple[str, ...], int] = {}
        for span in spans:
            for key, ns in self._lines_of.get(span.span_id, {}).items():
                covered[key] = covered.get(key, 0) + ns
        self._told |= {key for key, ns in covered.items() if ns * 2 > self._line_ns[key]}

    @cached_property
    def _line_ns(self) -> dict[tuple[str, ...], int]:
        return {line.key: line.ns for line in self.lines}

    @cached_property
    def _lines_of(self) -> dict[str, dict[tuple[str, ...], int]]:
        """The lines that a span's own time is on, with how much of it."""
        found: dict[str, dict[tuple[str, ...], int]] = {}
        for line in self.lines:
            for charge in line.charges:
                if charge.span is not None:
                    on = found.setdefault(charge.span.span_id, {})
                    on[line.key] = on.get(line.key, 0) + charge.ns
        return found

    def is_told(self, line: Line) -> bool:
        """Whether a finding has the line already."""
        return line.key in self._told

    def when(self, lines: Sequence[Line]) -> str:
        """What is added to a sentence about time outside of the answer."""
        if lines[0].when == "during":
            return "of the critical path"
        return f"of the whole trace, {lines[0].when} the answer"

    def amount(self, lines: Sequence[Line]) -> str:
        """`1.20 s, 80% of the critical path`."""
        total = sum(line.ns for line in lines)
        return f"{wording.duration(total / 1e6)}, {wording.share(self.share_of(lines))} {self.when(lines)}"

    def evidence(self, span: Span, ns: float | None = None) -> Evidence:
        """The span as evidence, for its whole duration or for the time given."""
        ns = span.duration if ns is None else ns
        outside = span.end > self.trace.root.end or span.start < self.trace.root.start
        base = max(self.account.whole, self.whole) if outside else self.whole
        return Evidence(
            trace_id=span.trace_id,
            span_id=span.span_id,
            service=wording.clean(span.service),
            name=wording.clean(naming.label(span)),
            ms=ns / 1e6,
            share=min(ns / base, 1.0) if base else 0.0,
        )

    def worst(self, lines: Sequence[Line], number: int = 5) -> list[Span]:
        """The spans of the lines with the most time charged to them, worst first."""
        spans = {span.span_id: span for line in lines for span in line.spans}
        return sorted(spans.values(), key=self.own_ns, reverse=True)[:number]

    def recorded(self, span: Span, charges: Iterable[Charge]) -> list[str]:
        """What the span's events say of these stretches of time: a line each, three at most."""
        stretches = [(charge.start, charge.end) for charge in charges]
        return [
            f"event at {wording.duration((event.time - self.trace.start) / 1e6)}: "
            f"{wording.clean(conventions.event_text(event))}"
            for event in span.events
            if any(start <= event.time <= end for start, end in stretches)
        ][:3]
