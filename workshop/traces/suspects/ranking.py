"""Whose doing a change is: each service's part in what grew and broke.

A way that takes longer is the doing of either end: of the caller that is slow to send and to read, of the callee that
is slow to take and to answer, or of the network at either. The end at fault has more of its ways grown than the other
one, so that each service's growths count by the part of its ways that grew, and by their part of its own time.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from workshop.traces.suspects.growth import Growth, growths
from workshop.traces.suspects.observed import Observed
from workshop.traces.suspects.structure import Break, breaks

WAYS, OWN = 0.5, 0.5  # powers of the part that grew


@dataclass
class Ranked:
    """A service with its score and what speaks against it, the heaviest first."""

    service: str
    score: float = 0.0
    growths: list[Growth] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)


def _one(_: Growth) -> float:
    return 1.0


def _time(grown: Growth) -> float:
    return grown.after * grown.after_count


def rank(old: Sequence[Observed], new: Sequence[Observed], *, few: bool = False) -> list[Ranked]:
    """The services that something speaks against, the one with most first."""
    found: dict[str, Ranked] = {}
    ways: dict[str, list[Growth]] = defaultdict(list)
    own: dict[str, list[Growth]] = defaultdict(list)
    for grown in growths(old, new, few=few):
        for service in grown.work.ends:
            (own if grown.work.own else ways)[service].append(grown)
    for part, power, counts in ((ways, WAYS, _one), (own, OWN, _time)):
        for service, each in part.items():
            guilty = [grown for grown in each if grown.weight > 0]
            if guilty:
                ranked = found.setdefault(service, Ranked(service))
                grew = sum(map(counts, guilty)) / sum(map(counts, each))
                ranked.score += sum(grown.weight for grown in guilty) * grew**power
                ranked.growths += guilty
    for broken in breaks(old, new):
        for service, part_of_it in broken.services.items():
            ranked = found.setdefault(service, Ranked(service))
            ranked.score += broken.weight * part_of_it
            ranked.breaks.append(broken)
    for ranked in found.values():
        ranked.growths.sort(key=lambda grown: -grown.weight)
    return sorted(found.values(), key=lambda ranked: (-ranked.score, ranked.service))
