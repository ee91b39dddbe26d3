"""Who holds what, and who waits for it: intervals of many traces laid on one clock.

A pool of connections has no span. But nobody is inside who has not been let in: in no moment more than its size, and
whoever waits goes on when another one is done.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

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


class Held:
    """Intervals in which places were taken, sorted once for all questions about them."""

    def __init__(self, held: Sequence[Interval]) -> None:
        steps = sorted([(each.start, 1) for each in held] + [(each.end, -1) for each in held])
        self.times: list[int] = []
        self.inside: list[int] = []  # from this time on
        now = 0
        for time, step in steps:
            now += step
            self.times.append(time)
            self.inside.append(now)
        self.most = max(self.inside, default=0)
        self._ends = sorted((each.end, each.span.trace_id) for each in held)

    def full(self, wait: Interval) -> float:
        """The share of a wait in which as many places as ever were taken."""
        return self.time_above(self.most - 1, wait) / max(wait.end - wait.start, 1)

    def time_above(self, number: int, wait: Interval) -> int:
        """The nanoseconds of a wait in which more than so many were inside."""
        busy, at = 0, max(bisect_right(self.times, wait.start) - 1, 0)
        while at < len(self.times) and self.times[at] < wait.end:
            until = self.times[at + 1] if at + 1 < len(self.times) else wait.end
            if self.inside[at] > number:
                busy += max(0, min(until, wait.end) - max(self.times[at], wait.start))
            at += 1
        return busy

    def let_in(self, wait: Interval) -> bool:
        """Whether somebody else let go while it waited."""
        at = bisect_left(self._ends, (wait.start, ""))
        while at < len(self._ends) and self._ends[at][0] <= wait.end + 1_000_000:
            if self._ends[at][1] != wait.span.trace_id:
                return True
            at += 1
        return False


def most_at_once(held: Sequence[Interval]) -> int:
    """How many are held at one moment at most."""
    return Held(held).most


def queue(holes: Sequence[Interval], held: Sequence[Interval], whole: Sequence[Interval]) -> tuple[int, list[Interval]]:
    """How many hold it at most at once, and the holes that are waits for one of them; none where nobody crowds.

    `whole` are the requests from begin to end: that fewer are inside than want to be is what makes it a queue.
    """
    places = Held(held)
    if Held(whole).most < places.most + CROWD:
        return places.most, []
    return places.most, [hole for hole in holes if places.let_in(hole) and places.full(hole) >= FULL]
