"""Two populations of traces, leg by leg: p50 and p95 of each leg, and whether a change is more than noise."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from workshop.traces import wording
from workshop.traces.comparison.place import Change, Place, key, names
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.critical_path import critical_path, on_path
from workshop.traces.time.ranks import nearest_rank

RESAMPLES = 1_000
SEED = 7
CONFIDENCE = 0.99  # many legs are compared at once: at 95% one in twenty would change by chance
MIN_TRACES = 5
# Milliseconds of change that nobody would notice: a tenth of what people feel as at once (Nielsen, "Usability
# Engineering", 1993).
UNNOTICED_MS = 10.0


@dataclass(slots=True)
class Side:
    """A leg's durations on one side, in ms, one a trace that has it; sorted."""

    values: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """The median, 0 without values."""
        return median(self.values) if self.values else 0.0

    @property
    def p95(self) -> float:
        """The 95th percentile (nearest rank), 0 without values."""
        return nearest_rank(self.values, 95) if self.values else 0.0

    def as_json(self) -> dict[str, Any]:
        """The side as data."""
        return {"p50_ms": self.p50, "p95_ms": self.p95, "traces": len(self.values)}


@dataclass(slots=True)
class PopulationLeg(Place):
    """A leg in two populations. `low` and `high` bound the change of the median in ms (bootstrap, see CONFIDENCE).

    `own` is the change of the median self time on the critical path; `real` is None with too few traces to say.
    """

    before: Side
    after: Side
    own: float
    low: float
    high: float
    real: bool | None

    @property
    def change_ms(self) -> float:
        """Change of the median."""
        return self.after.p50 - self.before.p50

    @property
    def noticed(self) -> bool:
        """Whether the change is more than noise, and large enough for a person to notice."""
        return self.real is True and abs(self.change_ms) >= UNNOTICED_MS

    @property
    def change(self) -> Change:
        """Whether the leg is on both sides."""
        if not self.before.values:
            return "appeared"
        return "same" if self.after.values else "vanished"

    def as_json(self) -> dict[str, Any]:
        """The leg as data."""
        return {
            **self.place_as_json(self.change),
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "change_ms": round(self.change_ms, 3),
            "own_change_ms": round(self.own, 3),
            "interval_ms": [round(self.low, 3), round(self.high, 3)],
            "more_than_noise": self.real,
        }


@dataclass(slots=True)
class PopulationDiff:
    """Two populations compared; `legs` in the order of the tree, the root first."""

    before: int
    after: int
    legs: list[PopulationLeg]

    @property
    def biggest(self) -> PopulationLeg:
        """The leg whose own time changed most, among those whose change is more than noise."""
        return max(self.legs, key=lambda leg: (leg.real is True, abs(leg.own)))

    @property
    def verdict(self) -> str:
        """The comparison in a sentence."""
        root, leg = self.legs[0], self.biggest
        amount = f"p50 {wording.duration(root.before.p50)} before, {wording.duration(root.after.p50)} after"
        if root.real is None:
            return f"{amount}: too few traces to tell a change from noise ({MIN_TRACES} on each side are needed)"
        if not root.real:
            return f"{amount}: no more than noise ({_interval(root)})"
        return (
            f"{amount} ({_interval(root)}): the biggest change is {leg.service} {leg.name}, "
            f"p50 {wording.duration(leg.before.p50)} before, {wording.duration(leg.after.p50)} after"
        )

    def as_json(self) -> dict[str, Any]:
        """The comparison as data."""
        return {
            "before_traces": self.before,
            "after_traces": self.after,
            "confidence": CONFIDENCE,
            "verdict": self.verdict,
            "legs": [leg.as_json() for leg in self.legs],
        }


def _interval(leg: PopulationLeg) -> str:
    return f"change {wording.signed(leg.low)} to {wording.signed(leg.high)}"


TreePath = tuple[tuple[str, ...], ...]


def diff_many(before: Sequence[Trace], after: Sequence[Trace]) -> PopulationDiff:
    """Compares two populations: per leg p50 and p95 of its time in a trace, and whether the median's change is real.

    A leg is all spans of one path through the tree, their durations summed in each trace; only the part of a trace
    below its root counts. Raises ValueError when a side is empty.
    """
    if not before or not after:
        raise ValueError("both populations need at least one trace")
    seen: dict[TreePath, Span] = {}
    sides = [_by_path(traces, seen) for traces in (before, after)]
    rng = random.Random(SEED)
    legs = []
    for path in _tree_order(list(seen)):
        (old, old_own), (new, new_own) = (side.get(path, ([], [])) for side in sides)
        left, right = Side(sorted(old)), Side(sorted(new))
        low, high, real = _bootstrap(rng, left, right)
        legs.append(
            PopulationLeg(
                *names(seen[path]),
                len(path) - 1,
                before=left,
                after=right,
                own=(median(new_own) if new_own else 0.0) - (median(old_own) if old_own else 0.0),
                low=low,
                high=high,
                real=real,
            )
        )
    return PopulationDiff(len(before), len(after), legs)


def _by_path(traces: Sequence[Trace], seen: dict[TreePath, Span]) -> dict[TreePath, tuple[list[float], list[float]]]:
    """For each path the time that each trace with it spent there, and the self time on the critical path, in ms."""
    result: dict[TreePath, tuple[list[float], list[float]]] = {}
    for trace in traces:
        own = on_path(critical_path(trace))
        sums: dict[TreePath, list[float]] = {}
        paths: dict[str, TreePath] = {}
        for span, depth in trace.walk(trace.root):
            # The root's own address may differ from day to day, its name is what the population has in common.
            path = (*(paths[span.parent_id or ""] if depth else ()), key(span))
            paths[span.span_id] = path
            seen.setdefault(path, span)
            total = sums.setdefault(path, [0.0, 0.0])
            total[0] += span.ms
            total[1] += own.get(span.span_id, 0) / 1e6
        for path, (duration, self_time) in sums.items():
            values, own_values = result.setdefault(path, ([], []))
            values.append(duration)
            own_values.append(self_time)
    return result


def _tree_order(paths: list[TreePath]) -> list[TreePath]:
    """Parents before children, siblings in the order in which they were first seen."""
    below: dict[TreePath, list[TreePath]] = {}
    for path in paths:
        below.setdefault(path[:-1], []).append(path)
    ordered, stack = [], list(reversed(below.get((), [])))
    while stack:
        path = stack.pop()
        ordered.append(path)
        stack.extend(reversed(below.get(path, [])))
    return ordered


def _bootstrap(rng: random.Random, before: Side, after: Side) -> tuple[float, float, bool | None]:
    """The interval in which the change of the median lies, and whether it leaves out zero (percentile bootstrap)."""
    old, new = before.values, after.values
    if min(len(old), len(new)) < MIN_TRACES:
        return after.p50 - before.p50, after.p50 - before.p50, None
    changes = sorted(
        median(rng.choices(new, k=len(new))) - median(rng.choices(old, k=len(old))) for _ in range(RESAMPLES)
    )
    tail = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    low, high = changes[tail], changes[-1 - tail]
    return low, high, low > 0 or high < 0
