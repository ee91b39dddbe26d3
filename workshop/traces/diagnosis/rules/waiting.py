"""Dark time: the parts of a span in which nothing is recorded, and spans whose name says that they wait."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.diagnosis.rules.calls import attempts_of
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span
from workshop.traces.time.critical_path import Section


def waiting(facts: Facts) -> Iterator[Finding]:
    """Time on the critical path before work could begin: a pool, a lock, a queue in front of a server."""
    limits = facts.limits
    for span_id, sections in facts.sections_of.items():
        span = facts.trace.by_id[span_id]
        own = facts.own_ns(span)
        if not facts.keeps_waiting(own, limits.waiting_ms, limits.share):
            continue
        if not facts.trace.children(span):
            if conventions.is_wait(span):
                yield _named_wait(facts, span, own)
            continue
        longest = max(sections, key=lambda section: section.end - section.start)
        if facts.keeps_waiting(longest.end - longest.start, limits.waiting_ms, limits.share):
            yield from _gap(facts, span, longest)


def _named_wait(facts: Facts, span: Span, own: int) -> Finding:
    return Finding(
        rule="waiting",
        severity="problem",
        title=(
            f"waiting: {shown(span)} took {wording.duration(own / 1e6)} before work could begin, "
            f"{wording.share(facts.share(own))} of the critical path"
        ),
        evidence=[facts.evidence(span, own)],
        ms=own / 1e6,
        share=facts.share(own),
        about=f"{span.service} {span.name}",
        advice="see who holds what it waits for, and for how long: the pool may be too small, or its users slow",
    )


def _gap(facts: Facts, span: Span, gap: Section) -> Iterator[Finding]:
    """A finding for a gap in front of work; a gap behind all work is the span's own code."""
    after = next((c for c in facts.trace.children(span) if abs(c.start - gap.end) <= 1_000), None)
    if after is None:
        return
    first = gap.start == span.start
    ns = gap.end - gap.start
    amount = f"{wording.duration(ns / 1e6)}, {wording.share(facts.share(ns))} of the critical path"
    if span.kind == "client":
        # A corrected clock put the callee in the middle of the call: the time before it is not measured, but assumed.
        if after.shift or not first or after.kind not in ("server", "consumer"):
            return
        title = (
            f"waiting in front of {wording.clean(after.service)}: {shown(span)} had been sent for {amount}, before "
            f"{wording.clean(after.service)} began to work on it"
        )
        advice = f"either the network, or every worker of {wording.clean(after.service)} was busy"
    elif first or conventions.is_db(after):
        where = "began its first recorded work" if first else "could go on"
        title = (
            f"dark time: {shown(span)} recorded nothing for {amount}, before it {where} "
            f"({wording.clean(naming.label(after))})"
        )
        target = "a connection from the pool, a lock" if conventions.is_db(after) else "a lock, a free thread, a limit"
        advice = f"it waited ({target}) or ran code that has no span: put a span around what happens there"
    else:
        return
    inside = [e for e in span.events if gap.start <= e.time <= gap.end]
    yield Finding(
        rule="waiting",
        severity="problem",
        title=title,
        evidence=[facts.evidence(span, ns), facts.evidence(after)],
        ms=ns / 1e6,
        share=facts.share(ns),
        about=f"{span.service} {naming.path_template(span.name)} {after.service}",
        advice=advice,
        details=[
            f"event {wording.clean(e.name)} at {wording.duration((e.time - facts.trace.start) / 1e6)}"
            for e in inside[:3]
        ],
    )


def own_code(facts: Facts) -> Iterator[Finding]:
    """Most of the time in one span itself that is neither a call nor a wait."""
    if not facts.own:
        return
    span = facts.trace.by_id[max(facts.own, key=lambda key: facts.own[key])]
    own = facts.own_ns(span)
    if conventions.is_db(span) or span.kind in ("client", "producer"):
        return
    if not facts.keeps_waiting(own, facts.limits.slow_ms, facts.limits.own_code_share) or _is_explained(facts, span):
        return
    why = "no child span explains it" if facts.trace.children(span) else "it has no child spans"
    yield Finding(
        rule="own-code",
        severity="problem",
        title=(
            f"the time is in {wording.clean(span.service)} itself: {shown(span)} spent {wording.duration(own / 1e6)} "
            f"of its own, {wording.share(facts.share(own))} of the critical path, and {why}"
        ),
        evidence=[facts.evidence(span, own)],
        ms=own / 1e6,
        share=facts.share(own),
        about=f"{span.service} {naming.path_template(span.name)}",
        advice="put spans around its parts, or profile it: code, a library without instrumentation, or a wait",
    )


def _is_explained(facts: Facts, span: Span) -> bool:
    """Whether the time is a wait, or the pauses between attempts, and so another rule's finding."""
    if any(attempts[0].parent_id == span.span_id for attempts in attempts_of(facts)):
        return True
    return conventions.is_wait(span) or any(finding.evidence[0].span_id == span.span_id for finding in waiting(facts))
