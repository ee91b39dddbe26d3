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
ALONE = 4  # values, from which one is left out
SMALLEST = 0.9  # of a growth that counts, as a logarithm: 2.5 times
SHARE = 0.1  # of the new traces' time: so much lost is a growth however small it is, from such a z on …
SURE = 4.0
OF_ALL = 4.0  # … and weighs so much times its share
CERTAIN = 2.0  # z from which a growth counts …
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
    def change(self) -> float:
        """The ms that the traces in which it takes longer lost by it, all together; negative where they are the old."""
        return (self.after - self.before) * (self.after_count if self.after > self.before else self.before_count)


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
    whole = sum(trace.ms for trace in new)
    return [
        grown
        for work, times in after.items()
        if (grown := _growth(work, before.get(work, []), times, usual[work.kind], whole, few)) is not None
    ]


def _growth(
    work: Work, old: list[float], new: list[float], usual: list[float], whole: float, few: bool
) -> Growth | None:
    """The growth of one work; `usual` are the means of its kind's works before, `whole` is all the new traces' time."""
    count = len(old)
    if work.own and count < (1 if few else OWN_ENOUGH):
        return None
    if not work.own and count < ENOUGH and not (few and count):
        missing = ENOUGH - count
        old = old + [usual[int((i + 0.5) / missing * len(usual))] for i in range(missing)] if usual else old
    if not old:
        return None
    before, after = fmean(old), fmean(new)
    # One value alone may be anything: what it adds is no growth, unless there are hardly any others.
    steady = (sum(new) - max(new)) / (len(new) - 1) if len(new) >= ALONE else after
    size = math.log((steady + FLOOR) / (before + FLOOR))
    share = (steady - before) * len(new) / whole if whole else 0.0
    limit = sorted(old)[min(len(old) - 1, int(len(old) * 0.95))] * BEYOND + FLOOR
    if size <= SMALLEST and share < SHARE:
        return Growth(work, before, after, count, len(new), 0.0, 0.0, limit)
    beyond = tests_of_chance.proportions(
        sum(ms > limit for ms in old), len(old), sum(ms > limit for ms in new), len(new), corrected=False
    )
    z = SURE if few else max(tests_of_chance.ranks(old, new), beyond)
    weight = max(size - SMALLEST, 0.0) * min(1.0, z / FULLY) if z >= CERTAIN else 0.0
    if share >= SHARE and z >= SURE:
        weight = max(weight, OF_ALL * share)
    return Growth(work, before, after, count, len(new), z, weight, limit)
