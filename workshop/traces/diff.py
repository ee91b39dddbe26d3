"""Two traces, or two populations of traces, leg by leg: what got slower or faster, what appeared, what vanished.

Legs are aligned by their path through the tree: service and work (statement, route, name), from the root down.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from workshop.traces import conventions, wording
from workshop.traces.model import Span, Trace
from workshop.traces.ranks import nearest_rank
from workshop.traces.timing import critical_path, on_path

Change = Literal["same", "appeared", "vanished"]

GROUPED = 4  # from this many siblings doing the same work on, they are compared as one leg with a count
RESAMPLES = 1_000
SEED = 7
CONFIDENCE = 0.99  # many legs are compared at once: at 95% one in twenty would change by chance
MIN_TRACES = 5


@dataclass(slots=True)
class Leg:
    """One place in the tree before and after. Times in ms; `count` is how many spans it is, 0 where it is not there.

    `own_change` is the change of its self time on the critical path: what the leg itself did to the whole.
    """

    service: str
    name: str
    short: str
    depth: int
    change: Change
    before_ms: float
    after_ms: float
    before_count: int
    after_count: int
    own_change: float

    @property
    def change_ms(self) -> float:
        """After minus before."""
        return self.after_ms - self.before_ms

    def as_json(self) -> dict[str, Any]:
        """The leg as data."""
        return {
            "service": self.service,
            "name": self.name,
            "depth": self.depth,
            "status": self.change,
            "before_ms": round(self.before_ms, 3),
            "after_ms": round(self.after_ms, 3),
            "change_ms": round(self.change_ms, 3),
            "own_change_ms": round(self.own_change, 3),
            "before_count": self.before_count,
            "after_count": self.after_count,
        }


@dataclass(slots=True)
class Diff:
    """Two traces compared; `legs` in the order of the tree."""

    before: Trace
    after: Trace
    legs: list[Leg]

    @property
    def biggest(self) -> Leg:
        """The leg whose own time changed the whole most."""
        return max(self.legs, key=lambda leg: abs(leg.own_change))

    @property
    def verdict(self) -> str:
        """The comparison in a sentence."""
        before, after, leg = self.before.root.ms, self.after.root.ms, self.biggest
        amount = f"{wording.duration(before)} before, {wording.duration(after)} after"
        if abs(leg.own_change) < 0.05 * max(before, after):
            return f"{amount}: no leg changed by more than a twentieth of it"
        return (
            f"{amount}: the biggest change is {leg.service} {leg.name}, {wording.signed(leg.own_change)} of its own "
            f"({wording.duration(leg.before_ms)} before, {wording.duration(leg.after_ms)} after)"
        )

    def as_json(self) -> dict[str, Any]:
        """The comparison as data."""
        return {
            "before": {"trace_id": self.before.trace_id, "ms": self.before.root.ms},
            "after": {"trace_id": self.after.trace_id, "ms": self.after.root.ms},
            "verdict": self.verdict,
            "legs": [leg.as_json() for leg in self.legs],
        }


def _key(span: Span) -> tuple[str, ...]:
    """What makes two spans of two traces the same leg: their work, wherever the callee's address was that day."""
    work = conventions.same_work(span)
    return (work[0], work[1], work[2], work[4]) if work[0] == "http" else work


def diff(before: Trace, after: Trace) -> Diff:
    """Compares two traces leg by leg. Siblings of one kind are paired in order, or as a group where they are many."""
    own = {**_own(before), **{("after", key): value for key, value in _own(after).items()}}
    legs: list[Leg] = []
    stack: list[tuple[list[Span], list[Span], int]] = list(reversed(_pairs(before.tops, after.tops, 0)))
    while stack:
        old, new, depth = stack.pop()
        shown = (old or new)[0]
        legs.append(
            Leg(
                service=wording.clean(shown.service),
                name=wording.clean(conventions.label(shown)),
                short=wording.clean(conventions.short_label(shown)),
                depth=depth,
                change="same" if old and new else "vanished" if old else "appeared",
                before_ms=sum(span.ms for span in old),
                after_ms=sum(span.ms for span in new),
                before_count=len(old),
                after_count=len(new),
                own_change=(
                    sum(own.get(("after", s.span_id), 0) for s in new) - sum(own.get(s.span_id, 0) for s in old)
                )
                / 1e6,
            )
        )
        below_old = [child for span in old for child in before.children(span)]
        below_new = [child for span in new for child in after.children(span)]
        stack.extend(reversed(_pairs(below_old, below_new, depth + 1)))
    return Diff(before, after, legs)


def _own(trace: Trace) -> dict[Any, int]:
    return dict(on_path(critical_path(trace)))


def _pairs(old: list[Span], new: list[Span], depth: int) -> list[tuple[list[Span], list[Span], int]]:
    """Siblings before and after that belong together, in the order of their appearance."""
    groups: dict[tuple[str, ...], tuple[list[Span], list[Span]]] = {}
    for side, spans in enumerate((old, new)):
        for span in spans:
            groups.setdefault(_key(span), ([], []))[side].append(span)
    found: list[tuple[int, int, list[Span], list[Span]]] = []
    for left, right in groups.values():
        if max(len(left), len(right)) >= GROUPED:
            found.append((*_place(old, new, left, right), left, right))
            continue
        for index in range(max(len(left), len(right))):
            pair = left[index : index + 1], right[index : index + 1]
            found.append((*_place(old, new, *pair), *pair))
    found.sort(key=lambda each: each[:2])
    return [(left, right, depth) for _, _, left, right in found]


def _place(old: list[Span], new: list[Span], left: list[Span], right: list[Span]) -> tuple[int, int]:
    """Sorts by time since the first sibling's start, so that what appeared stands where it happened."""
    start = left[0].start - old[0].start if left else right[0].start - new[0].start
    return start, 0 if left else 1


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


@dataclass(slots=True)
class PopulationLeg:
    """A leg in two populations. `low` and `high` bound the change of the median in ms (bootstrap, see CONFIDENCE).

    `own` is the change of the median self time on the critical path; `real` is None with too few traces to say.
    """

    service: str
    name: str
    short: str
    depth: int
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
    def change(self) -> Change:
        """Whether the leg is on both sides."""
        if not self.before.values:
            return "appeared"
        return "same" if self.after.values else "vanished"

    def as_json(self) -> dict[str, Any]:
        """The leg as data."""
        return {
            "service": self.service,
            "name": self.name,
            "depth": self.depth,
            "status": self.change,
            "before": {
                "p50_ms": self.before.p50,
                "p95_ms": self.before.p95,
                "traces": len(self.before.values),
            },
            "after": {"p50_ms": self.after.p50, "p95_ms": self.after.p95, "traces": len(self.after.values)},
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
        span = seen[path]
        legs.append(
            PopulationLeg(
                service=wording.clean(span.service),
                name=wording.clean(conventions.label(span)),
                short=wording.clean(conventions.short_label(span)),
                depth=len(path) - 1,
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
            path = (*(paths[span.parent_id or ""] if depth else ()), _key(span))
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
