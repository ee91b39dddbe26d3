"""Two traces, leg by leg: what got slower or faster, what appeared, what vanished."""

from dataclasses import dataclass
from typing import Any

from workshop.traces import wording
from workshop.traces.comparison.place import Change, Place, key, names
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.critical_path import critical_path, on_path

GROUPED = 4  # from this many siblings doing the same work on, they are compared as one leg with a count


@dataclass(slots=True)
class Leg(Place):
    """One place in the tree before and after. Times in ms; `count` is how many spans it is, 0 where it is not there.

    `own_change` is the change of its self time on the critical path: what the leg itself did to the whole.
    """

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
            **self.place_as_json(self.change),
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


def diff(before: Trace, after: Trace) -> Diff:
    """Compares two traces leg by leg. Siblings of one kind are paired in order, or as a group where they are many."""
    own = {**_own(before), **{("after", key): value for key, value in _own(after).items()}}
    legs: list[Leg] = []
    stack: list[tuple[list[Span], list[Span], int]] = list(reversed(_pairs(before.tops, after.tops, 0)))
    while stack:
        old, new, depth = stack.pop()
        legs.append(
            Leg(
                *names((old or new)[0]),
                depth,
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
            groups.setdefault(key(span), ([], []))[side].append(span)
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
