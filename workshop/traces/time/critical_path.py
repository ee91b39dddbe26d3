"""The stretches of time that a trace's duration consists of."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.family import Family, adopt_orphans

# Jaeger's JSON cuts times to microseconds, so that a call can seem to begin before the last one ended.
OVERLAP = 1_000
# A step may begin by this part of its parent's duration before the last one has ended, and still have come after it.
ALLOWANCE = 0.01


@dataclass(slots=True, frozen=True)
class Section:
    """A stretch of the critical path: from `start` to `end` (Unix ns) the trace waited for `span` itself.

    `before` and `after` are the span's children on the path next to it, if any.
    """

    span: Span
    start: int
    end: int
    before: Span | None = None
    after: Span | None = None

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
    USENIX ATC 2022), as Jaeger's page implements it, children cut to their parent's time and its allowance for small
    overlaps included. One difference: Jaeger from 2.15 on leaves out producer spans; here sending a message counts,
    because the sender does wait for that, and only the consumer's work does not. Children are those of `family_of`.
    """
    root = root or trace.root
    return stretches(family_of(trace), root, root.start, root.end)


_FAMILIES: "WeakKeyDictionary[Trace, Family]" = WeakKeyDictionary()


def family_of(trace: Trace) -> Family:
    """Who waited for whom in the trace, orphans with their likely callers; worked out once for each trace."""
    known = _FAMILIES.get(trace)
    if known is None:
        known = Family(trace)
        if trace.orphans:
            tops = [trace.root] if trace.roots else trace.orphans
            path = [each for top in tops for each in stretches(known, top, top.start, top.end)]
            adopt_orphans(known, sorted(((s.span, s.start, s.end) for s in path), key=lambda own: own[1]))
        _FAMILIES[trace] = known
    return known


def stretches(family: Family, top: Span, start: int, end: int) -> list[Section]:
    """The critical path of a span and all below it, in a window of its time; covers the window exactly."""
    sections: list[Section] = []
    # Each entry is either a section to note or a span whose window is still to be walked, the last one first.
    stack = [(Section(top, start, end), False)]
    while stack:
        section, own = stack.pop()
        children = () if own else family.children(section.span)
        if not children:
            if section.end > section.start:
                sections.append(section)
            continue
        pieces: list[tuple[Section, bool]] = []
        now, after = section.end, None
        for child, low, high in _last_first(family, section, children):
            pieces.append((Section(section.span, high, now, child, after), True))
            pieces.append((Section(child, low, high), False))
            now, after = low, child
        pieces.append((Section(section.span, section.start, now, None, after), True))
        stack.extend(reversed(pieces))
    sections.reverse()
    return sections


def _last_first(family: Family, window: Section, children: Iterable[Span]) -> Iterator[tuple[Span, int, int]]:
    """The children on the path with the time that each is on it, the last to end first (of two, the longer)."""
    cut = []
    for number, child in enumerate(children):
        start, end = max(child.start, window.start), min(child.end, window.end)
        if end > start and family.waited_for(child):
            cut.append((end, -start, start, number, child))
    cut.sort(reverse=True)
    starts: list[int] = []
    now, later = window.end, None
    for finished, _, start, _, child in cut:
        if start >= now:
            continue
        overlap = finished - now
        if overlap > OVERLAP and later is not None:
            if overlap >= ALLOWANCE * window.span.duration:
                continue
            starts = starts or sorted(each[2] for each in cut)
            if not _one_after_the_other(starts, cut, now, finished):
                continue
        yield child, start, min(finished, now)
        now, later = start, child


def _one_after_the_other(
    starts: list[int], cut: list[tuple[int, int, int, int, Span]], begun: int, finished: int
) -> bool:
    """Whether in a small overlap nothing but the later step began and nothing but the earlier one ended (CRISP)."""
    began = bisect_right(starts, finished) - bisect_left(starts, begun)
    # `cut` is sorted by falling ends.
    ended = bisect_right(cut, -begun, key=lambda each: -each[0]) - bisect_left(
        cut, -finished, key=lambda each: -each[0]
    )
    return began == 1 and ended == 1


def on_path(path: Iterable[Section]) -> dict[str, int]:
    """Nanoseconds of self time on the critical path, by span id."""
    total: dict[str, int] = {}
    for section in path:
        total[section.span.span_id] = total.get(section.span.span_id, 0) + section.end - section.start
    return total
