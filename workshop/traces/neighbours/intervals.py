"""Who holds what, and who waits for it: intervals of many traces laid on one clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workshop.traces.model.trace import Span

# A hole shorter than this is a process at work.
HOLE_MS = 15.0
# So many more than can be inside want to be, at the busiest moment.
CROWD = 3
# Of a wait, what all places were taken for. The rest is handing over: a COMMIT has no span, and a thread has to wake.
FULL = 0.2


@dataclass(frozen=True)
class Interval:
    """From when to when something was held or waited for, in Unix ns, and the span that shows it."""

    start: int
    end: int
    span: Span

    @property
    def ms(self) -> float:
        """Its length."""
        return (self.end - self.start) / 1e6


def most_at_once(held: Sequence[Interval]) -> int:
    """How many are held at one moment at most."""
    now = most = 0
    for _, step in sorted([(each.start, 1) for each in held] + [(each.end, -1) for each in held]):
        now += step
        most = max(most, now)
    return most


def full(wait: Interval, held: Sequence[Interval], size: int) -> float:
    """The share of a wait in which so many others, or more, held theirs."""
    edges = sorted({wait.start, wait.end, *(t for each in held for t in (each.start, each.end))})
    busy = 0
    for start, end in pairwise(edges):
        if wait.start <= start < wait.end:
            inside = sum(each.start <= start and each.end >= end for each in held if each.span is not wait.span)
            busy += (end - start) if inside >= size else 0
    return busy / max(wait.end - wait.start, 1)


def let_in(wait: Interval, held: Sequence[Interval]) -> bool:
    """Whether somebody else let go while it waited."""
    return any(wait.start <= each.end <= wait.end + 1e6 for each in held if each.span.trace_id != wait.span.trace_id)


def queue(holes: Sequence[Interval], held: Sequence[Interval], whole: Sequence[Interval]) -> tuple[int, list[Interval]]:
    """How many hold it at most at once, and the holes that are waits for one of them; none where nobody crowds.

    `whole` are the requests from begin to end: that fewer are inside than want to be is what makes it a queue.
    """
    size = most_at_once(held)
    if most_at_once(whole) < size + CROWD:
        return size, []
    return size, [hole for hole in holes if let_in(hole, held) and full(hole, held, size) >= FULL]
