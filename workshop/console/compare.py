"""The compare page: two traces leg by leg, with the bars' lengths."""

from dataclasses import dataclass

from workshop.traces.comparison.two_traces import Diff, Leg, diff
from workshop.traces.model.trace import Trace

SHOWN = 80  # legs; of a trace of thousands most did not change
MAX_INDENT = 16
# One pair proves little: what a busy machine does to any thread now and then gets no colour. A change is told when it
# is more than both of these; see Limits in workshop.traces.diagnosis.findings for where 100 and 50 ms come from.
NOISE_MS = 20.0
NOISE_SHARE = 0.1  # of the leg, before or after, whichever is longer


@dataclass(slots=True)
class Line:
    """A leg, its bars' lengths in percent of the longer trace, and how it is to be marked.

    `enters` says that the call enters another service here: only there its name is shown.
    """

    leg: Leg
    before: float
    after: float
    verdict: str
    biggest: bool
    enters: bool

    @property
    def indent(self) -> int:
        """How far the leg's name is moved in."""
        return min(self.leg.depth, MAX_INDENT)


@dataclass(slots=True)
class Comparison:
    """Two traces compared; `hidden` counts the legs left out."""

    diff: Diff
    lines: list[Line]
    hidden: int
    biggest: Leg | None

    @property
    def unlike(self) -> str:
        """Why the two durations say little about each other; empty where they do."""
        before, after = self.diff.before.root, self.diff.after.root
        if (before.service, before.name) != (after.service, after.name):
            return "two different operations"
        failed = [side for side, root in (("before", before), ("after", after)) if root.is_error]
        return f"{' and '.join(failed)} failed" if failed else ""

    @property
    def noise(self) -> float:
        """Below this many ms no change gets a colour."""
        return NOISE_MS

    @property
    def look(self) -> str:
        """How the biggest change is to look: alarming only where it made the whole slower."""
        grew = self.biggest is not None and self.biggest.own_change > 0
        return "hot" if grew else "better"

    @property
    def factor(self) -> float:
        """How many times as fast the second trace is; below 1 it is slower, 0 where nothing can be said."""
        return self.diff.before.root.ms / self.diff.after.root.ms if self.diff.after.root.ms else 0.0


def comparison(before: Trace, after: Trace, *, everything: bool = False) -> Comparison:
    """Compares two traces; without `everything`, at most about SHOWN legs, those that changed most."""
    result = diff(before, after)
    longest = max(before.root.ms, after.root.ms) or 1.0
    # What is smaller than this is no change worth a colour; Diff.verdict draws the same line.
    changed = abs(result.biggest.own_change)
    biggest = result.biggest if changed >= max(0.05 * longest, NOISE_MS) else None
    kept = set(range(len(result.legs)))
    if len(kept) > SHOWN and not everything:
        kept = set(sorted(kept, key=lambda i: _weight(result.legs[i]), reverse=True)[:SHOWN]) | {0}
    enters = _enters(result.legs)
    lines = [
        Line(
            leg,
            before=_percent(leg.before_ms, longest),
            after=_percent(leg.after_ms, longest),
            verdict=_verdict(leg),
            biggest=leg is biggest,
            enters=enters[index],
        )
        for index, leg in enumerate(result.legs)
        if index in kept
    ]
    return Comparison(result, lines, len(result.legs) - len(lines), biggest)


def _enters(legs: list[Leg]) -> list[bool]:
    """For each leg, in the order of the tree, whether it is in another service than the leg above it."""
    above: list[str] = []
    found = []
    for leg in legs:
        del above[leg.depth :]
        found.append(not above or above[-1] != leg.service)
        above.append(leg.service)
    return found


def _weight(leg: Leg) -> float:
    return max(abs(leg.change_ms), abs(leg.own_change))


def _percent(ms: float, of: float) -> float:
    """A bar's length; what is there at all stays visible."""
    return round(min(max(ms / of * 100, 0.4 if ms else 0.0), 100.0), 2)


def _verdict(leg: Leg) -> str:
    if leg.change != "same":
        return leg.change
    if abs(leg.change_ms) < max(NOISE_MS, max(leg.before_ms, leg.after_ms) * NOISE_SHARE):
        return "same"
    return "slower" if leg.change_ms > 0 else "faster"
