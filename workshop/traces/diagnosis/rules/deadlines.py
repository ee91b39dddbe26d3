"""Callers that give up before their callees do: the work is done, and nobody takes it."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span

OUTLIVES_MS = 50.0
_TIMED_OUT = {"4", "1", "DEADLINE_EXCEEDED", "CANCELLED"}  # gRPC: without an answer of the callee's


def gave_up(facts: Facts) -> Iterator[Finding]:
    """A call that failed without an answer, while the callee went on and succeeded: its timeout is the shorter one."""
    found: dict[tuple[str, ...], list[tuple[int, Span, Span]]] = {}
    for call in facts.trace.spans:
        callees = facts.family.callees.get(call.span_id, [])
        if not callees or not call.is_error or _answered(call):
            continue
        for callee in callees:
            outlived = _outlived(call, callee)
            if facts.family.waited_for(callee) and _succeeded(callee) and outlived >= OUTLIVES_MS * 1e6:
                found.setdefault((*naming.same_work(call), callee.service), []).append((outlived, call, callee))
    for key, each in found.items():
        outlived, call, callee = max(each, key=lambda one: one[0])
        times = f" ({len(each)} times)" if len(each) > 1 else ""
        yield Finding(
            rule="gave-up",
            severity="problem",
            title=(
                f"given up too early: {shown(call)} gave up after {wording.duration(call.ms)}, but {shown(callee)} "
                f"went on for {wording.duration(outlived / 1e6)} more and succeeded{times}"
            ),
            evidence=[facts.evidence(span) for _, one, other in each[:3] for span in (one, other)],
            ms=outlived / 1e6,
            share=facts.share(facts.inside_ns(call)),
            about=" ".join(key),
            advice=(
                f"what {wording.clean(callee.service)} did is done, though its caller takes it for failed: see whether "
                f"it is undone or asked for again. Then give {wording.clean(call.service)} the longer timeout, or hand "
                "its deadline on"
            ),
            weight=2.1 if facts.trace.root.is_error else 0.3,
        )


def _answered(call: Span) -> bool:
    if conventions.http_status(call) is not None:
        return True
    status = conventions.grpc_status(call)
    return status is not None and status.upper() not in _TIMED_OUT


def _succeeded(callee: Span) -> bool:
    return not callee.is_error and not callee.unfinished and (conventions.http_status(callee) or 200) < 400


def _outlived(call: Span, callee: Span) -> int:
    """For how long in ns the callee ran on when its caller had given up, as far as no clock can be the reason."""
    if call.shift != callee.shift:
        return callee.duration - call.duration
    return callee.end - call.end if callee.start < call.end else 0
