"""Small tests of whether two samples differ by more than chance: ranks, proportions. All return a z: 2 is 1 in 44."""

import math
from collections.abc import Sequence


def ranks(old: Sequence[float], new: Sequence[float]) -> float:
    """Mann and Whitney's test, ties corrected: positive where the new values are larger."""
    n, m = len(old), len(new)
    values = sorted([(value, 0) for value in old] + [(value, 1) for value in new])
    total, ties, at = 0.0, 0, 0
    while at < len(values):
        end, of_new = at, 0
        while end < len(values) and values[end][0] == values[at][0]:
            of_new += values[end][1]
            end += 1
        total += of_new * (at + end + 1) / 2
        ties += (end - at) ** 3 - (end - at)
        at = end
    if n + m < 2:
        return 0.0
    spread = n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1)))
    return (total - m * (m + 1) / 2 - n * m / 2) / math.sqrt(spread) if spread > 0 else 0.0


def proportions(before: int, of_before: int, after: int, of_after: int, *, corrected: bool = True) -> float:
    """How far two proportions differ, never negative; `corrected` for continuity, which small counts need."""
    share = (before + after) / (of_before + of_after)
    if share <= 0 or share >= 1:
        return 0.0
    step = 1 / of_before + 1 / of_after
    apart = abs(after / of_after - before / of_before) - (step / 2 if corrected else 0.0)
    return max(apart, 0.0) / math.sqrt(share * (1 - share) * step)
