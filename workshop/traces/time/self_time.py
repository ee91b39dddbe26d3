"""The gaps in a span that no child explains, and their sum: its self time."""

from dataclasses import dataclass

from workshop.traces.model.trace import Span, Trace


@dataclass(slots=True, frozen=True)
class Gap:
    """Time inside `span` in which no child ran; `before` and `after` are the children next to it, if any."""

    span: Span
    start: int
    end: int
    before: Span | None
    after: Span | None

    @property
    def ms(self) -> float:
        """Milliseconds."""
        return (self.end - self.start) / 1e6


def gaps(trace: Trace, span: Span) -> list[Gap]:
    """The stretches of a span in which no child ran; a span without children is one gap."""
    found = []
    now, before = span.start, None
    for child in trace.children(span):
        if not child.waited_for:
            continue
        if child.start > now:
            found.append(Gap(span, now, min(child.start, span.end), before, child))
        if child.end > now:
            now, before = child.end, child
        if now >= span.end:
            return found
    if span.end > now:
        found.append(Gap(span, now, span.end, before, None))
    return found


def self_time(trace: Trace, span: Span) -> int:
    """Nanoseconds of the span in which none of its children ran."""
    return sum(gap.end - gap.start for gap in gaps(trace, span))
