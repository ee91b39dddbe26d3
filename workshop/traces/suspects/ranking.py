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
# One trace alone may be anything. It counts where so many values before were all lower: it is then 1 in 10 by chance.
ALONE = 9


@dataclass
class Ranked:
    """A service with its score and what speaks against it, the heaviest first."""

    service: str
    score: float = 0.0
    growths: list[Growth] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)

    @property
    def certainty(self) -> float:
        """What speaks against it, each by its weight and by how far from chance it is: what a test of chance asks."""
        grew = sum(grown.weight * grown.z for grown in self.growths)
        return grew + sum(broken.weight * broken.services[self.service] * broken.z for broken in self.breaks)


def _one(_: Growth) -> float:
    return 1.0


def _time(grown: Growth) -> float:
    return grown.after * grown.after_count


def showing(guilty: Sequence[Growth], new: Sequence[Observed]) -> set[str]:
    """The ids of the new traces in which one of the growths is beyond anything usual before."""
    return {t.trace_id for g in guilty for t in new if any(ms > g.limit for ms, _ in t.work.get(g.work, ()))}


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
            if not few and len(showing(guilty, new)) < 2:
                guilty = [grown for grown in guilty if grown.before_count >= ALONE]
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
