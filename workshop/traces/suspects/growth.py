"""Which works take longer in one population than in the other.

A growth has a size, the logarithm of how many times as long it takes (a millisecond is added to both, so that
microseconds are no growth), and a certainty, by a rank test or by the part of values beyond anything usual before: a
fault that hits one call in five hardly moves the ranks. A way between services that was hardly seen before is compared
with what ways of its kind take in the whole system; a service's own work says nothing without a before.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from workshop.traces.suspects import tests_of_chance
from workshop.traces.suspects.observed import Observed, Work

FLOOR = 1.0  # ms
ENOUGH = 8  # values before: below, a way's usual time is filled up from other ways
OWN_ENOUGH = 3
SMALLEST = 0.9  # of a growth that counts, as a logarithm: 2.5 times
CERTAIN = 1.6  # z from which a growth counts …
FULLY = 3.0  # … and from which it counts in full
BEYOND = 1.5  # times the 95th percentile before: beyond is unusual


@dataclass(slots=True)
class Growth:
    """A work that takes longer. `weight` is its size by its certainty, 0 when it does not count; times in ms."""

    work: Work
    before: float
    after: float
    before_count: int
    after_count: int
    z: float
    weight: float
    limit: float

    @property
    def more(self) -> float:
        """The ms that the new population lost by it, all traces together."""
        return max(self.after - self.before, 0.0) * self.after_count


def values(traces: Sequence[Observed]) -> dict[Work, list[float]]:
    """Each work's times in ms, one a span."""
    found: dict[Work, list[float]] = defaultdict(list)
    for trace in traces:
        for work, times in trace.work.items():
            found[work].extend([ms for ms, _ in times])
    return found


def growths(old: Sequence[Observed], new: Sequence[Observed], *, few: bool = False) -> list[Growth]:
    """Every work of the new population against the old one; with `few` traces size alone counts."""
    before, after = values(old), values(new)
    usual: dict[str, list[float]] = defaultdict(list)
    for work, times in before.items():
        usual[work.kind].append(fmean(times))
    for means in usual.values():
        means.sort()
    return [
        grown
        for work, times in after.items()
        if (grown := _growth(work, before.get(work, []), times, usual[work.kind], few)) is not None
    ]


def _growth(work: Work, old: list[float], new: list[float], usual: list[float], few: bool) -> Growth | None:
    count = len(old)
    if work.own and count < (1 if few else OWN_ENOUGH):
        return None
    if not work.own and count < ENOUGH and not (few and count):
        missing = ENOUGH - count
        old = old + [usual[int((i + 0.5) / missing * len(usual))] for i in range(missing)] if usual else old
    if not old:
        return None
    before, after = fmean(old), fmean(new)
    size = math.log((after + FLOOR) / (before + FLOOR))
    limit = sorted(old)[min(len(old) - 1, int(len(old) * 0.95))] * BEYOND + FLOOR
    if size <= SMALLEST:
        return Growth(work, before, after, count, len(new), 0.0, 0.0, limit)
    beyond = tests_of_chance.proportions(
        sum(ms > limit for ms in old), len(old), sum(ms > limit for ms in new), len(new), corrected=False
    )
    z = FULLY if few else max(tests_of_chance.ranks(old, new), beyond)
    weight = (size - SMALLEST) * min(1.0, z / FULLY) if z >= CERTAIN else 0.0
    return Growth(work, before, after, count, len(new), z, weight, limit)
