"""The stretches of time that a trace's duration consists of."""

from collections.abc import Iterable
from dataclasses import dataclass

from workshop.traces.model.trace import Span, Trace

# Jaeger's JSON cuts times to microseconds, so that a call can seem to begin before the last one ended.
OVERLAP = 1_000


@dataclass(slots=True, frozen=True)
class Section:
    """A stretch of the critical path: from `start` to `end` (Unix ns) the trace waited for `span` itself."""

    span: Span
    start: int
    end: int

    @property
    def ms(self) -> float:
        """Milliseconds."""
        return (self.end - self.start) / 1e6


def critical_path(trace: Trace, root: Span | None = None) -> list[Section]:
    """Returns the stretches of time that the root's duration consists of, first to last, without overlap.

    Walks backwards from the root's end: the child that finished last is what the parent waited for, so the path goes
    through it; from its start on, the child that finished last before that, and so on; what lies between belongs to
    the parent itself. Making any span off the path faster would not end the root sooner.

    The algorithm is CRISP's (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice Architectures",
    USENIX ATC 2022), as Jaeger's page implements it, children cut to their parent's time included. One difference:
    Jaeger from 2.15 on leaves out producer spans; here sending a message counts, because the sender does wait for
    that, and only the consumer's work does not.
    """
    root = root or trace.root
    sections: list[Section] = []
    # Each entry is either a section to note or a span whose window is still to be walked, the last one first.
    stack: list[tuple[Span, int, int, bool]] = [(root, root.start, root.end, False)]
    while stack:
        span, low, high, own = stack.pop()
        children = trace.children(span)
        if own or not children:
            if high > low:
                sections.append(Section(span, low, high))
            continue
        pieces: list[tuple[Span, int, int, bool]] = []
        now = high
        for finished, _, start, _, child in _last_first(children, low, high):
            if finished - now > OVERLAP or start >= now:
                continue
            end = min(finished, now)
            pieces.append((span, end, now, True))
            pieces.append((child, start, end, False))
            now = start
        pieces.append((span, low, now, True))
        stack.extend(reversed(pieces))
    sections.reverse()
    return sections


def _last_first(children: list[Span], low: int, high: int) -> list[tuple[int, int, int, int, Span]]:
    """The children that the parent waited for, cut to its window, the last to end first (of two, the longer)."""
    cut = []
    for number, child in enumerate(children):
        start, end = max(child.start, low), min(child.end, high)
        if end > start and child.waited_for:
            cut.append((end, -start, start, number, child))
    cut.sort(reverse=True)
    return cut


def on_path(path: Iterable[Section]) -> dict[str, int]:
    """Nanoseconds of self time on the critical path, by span id."""
    total: dict[str, int] = {}
    for section in path:
        total[section.span.span_id] = total.get(section.span.span_id, 0) + section.end - section.start
    return total
