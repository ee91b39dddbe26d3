"""What a trace contributes to a comparison: how long each work took it, and what each step called.

A work is a line of the trace's account, whether before or after the answer: a service's own, or the way to a callee.
Times are per span, so that populations of several operations can be compared whatever their mixture is.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from workshop.traces.model import naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.account import account

OWN = frozenset({"own-code", "before-work", "statement", "connection", "wait", "cold-start", "idle", "stream"})
NO_EDGE = frozenset({"unrecorded"})


class Work(NamedTuple):
    """A kind of time: `callee` is empty for a service's own work, else the other end of the way."""

    kind: str
    service: str
    callee: str
    what: str

    @property
    def own(self) -> bool:
        """Whether it is the service's own work, and not a way between two."""
        return not self.callee

    @property
    def ends(self) -> tuple[str, ...]:
        """The services whose doing it can be."""
        return (self.service, self.callee) if self.callee and self.callee != self.service else (self.service,)


class Step(NamedTuple):
    """Spans of one name in one service, below one of its operations: what a commit writes is told by who asked."""

    service: str
    name: str
    operation: str = ""


FAILED = "(failed)"  # stands among a step's children for its own failure


class Made(NamedTuple):
    """What one span led to: its children's steps, and the one that began last."""

    below: frozenset[Step]
    last: Step | None


@dataclass(slots=True, frozen=True)
class Observed:
    """One trace. `work` has the ms of each span and its id; `callees` the services that answered each step."""

    trace_id: str
    ms: float
    work: dict[Work, list[tuple[float, str]]]
    steps: dict[Step, list[Made]]
    callees: dict[Step, frozenset[str]]


def observe(traces: Iterable[Trace]) -> list[Observed]:
    """Each trace as what is compared."""
    return [_observe(trace) for trace in traces]


def _observe(trace: Trace) -> Observed:
    found = account(trace)
    time: dict[tuple[Work, str], int] = defaultdict(int)
    for charge in found.charges:
        entry = charge.entry
        if charge.span is None or entry.kind in NO_EDGE:
            continue
        callee = "" if entry.kind in OWN else entry.callee
        time[Work(entry.kind, entry.service, callee, entry.what), charge.span.span_id] += charge.ns
    work: dict[Work, list[tuple[float, str]]] = defaultdict(list)
    for (key, span_id), ns in time.items():
        work[key].append((ns / 1e6, span_id))
    steps: dict[Step, list[Made]] = defaultdict(list)
    callees: dict[Step, frozenset[str]] = {}
    step: dict[str, Step] = {}
    for span, _ in trace.walk():
        others = [child for child in trace.children(span) if child.service != span.service]
        above = trace.parent(span)
        step[span.span_id] = _step(span, others, step[above.span_id] if above else None)
        if others:
            callees[step[span.span_id]] = frozenset(other.service for other in others)
    for span in trace.spans:
        steps[step[span.span_id]].append(_made(span, trace.children(span), step))
    return Observed(trace.trace_id, found.answer / 1e6, dict(work), dict(steps), callees)


def _step(span: Span, answered_by: list[Span], above: Step | None) -> Step:
    """The span's step: its name without ids; a call is known by who answers, `POST` alone says little."""
    name = naming.name_template(span.name)
    if answered_by:
        name += f" → {answered_by[0].service} {naming.name_template(answered_by[0].name)}"
    if above is None or above.service != span.service or span.kind in ("server", "consumer"):
        return Step(span.service, name)
    return Step(span.service, name, above.operation or above.name)


def _made(span: Span, children: list[Span], step: dict[str, Step]) -> Made:
    below = {step[child.span_id] for child in children}
    # A failure is counted where it began: at the span below which nothing else failed.
    if span.is_error and not any(child.is_error for child in children):
        below.add(Step(span.service, FAILED))
    return Made(frozenset(below), step[children[-1].span_id] if children else None)
