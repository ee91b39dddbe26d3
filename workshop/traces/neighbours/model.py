"""What is said of a wait: for what, for how long, and who held it meanwhile. Times are Unix nanoseconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workshop.traces import wording
from workshop.traces.model import naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.neighbours.intervals import Interval

Kind = Literal["lock", "pool", "process", "queue"]


@dataclass(frozen=True)
class Holder:
    """Another trace that held what was waited for: `span` is where, `ns` is how much of the wait it held it.

    `let_go` says that the wait ended as it let go. `sent_by` is, for a message in front, the trace that sent it.
    """

    span: Span
    ns: int
    let_go: bool
    sent_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """The holder as data; `ms` is its part of the wait."""
        found = {
            "trace_id": self.span.trace_id,
            "span_id": self.span.span_id,
            "service": self.span.service,
            "name": naming.label(self.span),
            "ms": round(self.ns / 1e6, 3),
            "let_go": self.let_go,
        }
        return found | ({"sent_by": self.sent_by} if self.sent_by else {})


@dataclass(frozen=True)
class Wait:
    """A wait of a trace, and who held what it waited for: the one that held it longest first.

    `span` is where it waited, `what` the thing that was held, in words. `holders` is empty where no trace held it, and
    `evidence` says in sentences what speaks for that, or for the holders. `together` are the traces that waited, too.
    `ns` is how much it waited: less than from `start` to `end` where it was several stretches.
    """

    kind: Kind
    what: str
    span: Span
    start: int
    end: int
    ns: int
    holders: Sequence[Holder] = ()
    evidence: Sequence[str] = ()
    together: Sequence[str] = field(default_factory=tuple)

    @property
    def ms(self) -> float:
        """How much it waited."""
        return self.ns / 1e6

    @property
    def title(self) -> str:
        """What was waited for, where and how long, in one sentence."""
        where = wording.clean(f"{self.span.service} {naming.label(self.span)}")
        return f"{where} waited {wording.duration(self.ms)} for {wording.clean(self.what)}"

    @property
    def verdict(self) -> str:
        """Who held it, as far as it can be told."""
        if self.holders:
            return "likely behind" if self.kind == "queue" else "likely held by"
        if self.kind == "process":
            return "nobody: no trace was at work meanwhile"
        return "held by something that sends no traces"

    def as_json(self, began: int) -> dict[str, Any]:
        """The wait as data; `began` is when the trace did, `start_ms` counts from there."""
        return {
            "kind": self.kind,
            "what": self.what,
            "title": self.title,
            "service": self.span.service,
            "span_id": self.span.span_id,
            "start_ms": round((self.start - began) / 1e6, 3),
            "ms": round(self.ms, 3),
            "verdict": self.verdict,
            "holders": [holder.as_json() for holder in self.holders],
            "evidence": list(self.evidence),
            "waited_too": list(self.together),
        }


@dataclass(frozen=True)
class Neighbours:
    """What a trace waited for that was somebody else's, the longest wait first; `looked_at` other traces were there."""

    trace: Trace
    waits: Sequence[Wait]
    looked_at: int

    @property
    def verdict(self) -> str:
        """In one sentence what was found."""
        among = f"among {wording.count(self.looked_at, 'other trace')} of those moments"
        if self.waits:
            return f"{wording.count(len(self.waits), 'wait')} for what others held, {among}"
        return f"it waited for nothing that another trace held, as far as can be told {among}"

    def as_json(self) -> dict[str, Any]:
        """All of it as data; times in ms."""
        return {
            "trace_id": self.trace.trace_id,
            "looked_at": self.looked_at,
            "verdict": self.verdict,
            "waits": [wait.as_json(self.trace.start) for wait in self.waits],
        }


def holders(wait: Interval, held: Sequence[Interval], slack: int = 0) -> list[Holder]:
    """Those of other traces who held it during a wait, the longest first; `slack` is how much later it may go on."""
    found: dict[str, Holder] = {}
    for each in held:
        ns = min(each.end, wait.end) - max(each.start, wait.start)
        if each.span.trace_id == wait.span.trace_id or ns <= 0:
            continue
        let_go = abs(wait.end - each.end) <= slack
        if before := found.get(each.span.trace_id):
            ns, let_go = ns + before.ns, let_go or before.let_go
        found[each.span.trace_id] = Holder(each.span, ns, let_go)
    return sorted(found.values(), key=lambda holder: (-holder.ns, holder.span.trace_id))


def covered(wait: Interval, held: Sequence[Interval]) -> float:
    """The share of a wait in which some other trace held it, 0 to 1."""
    now = done = wait.start
    for each in sorted(held, key=lambda one: one.start):
        start, end = max(each.start, now), min(each.end, wait.end)
        if each.span.trace_id != wait.span.trace_id and end > start:
            done, now = done + end - start, end
    return (done - wait.start) / max(wait.end - wait.start, 1)
