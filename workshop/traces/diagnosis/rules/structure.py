"""The trace itself: a context that got lost on the way, missing spans, and spans that say nothing."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, matching, naming
from workshop.traces.model.trace import Span, Trace


def orphans(facts: Facts) -> Iterator[Finding]:
    """Spans whose parent never arrived, and the edge at which it is missing."""
    by_parent: dict[str, list[Span]] = {}
    for span in facts.trace.orphans:
        by_parent.setdefault(span.parent_id or "", []).append(span)
    edges: dict[tuple[str, str], tuple[list[Span], Span | None]] = {}
    for children in by_parent.values():
        callers = [facts.family.adopted[span.span_id] for span in children if span.span_id in facts.family.adopted]
        key = (callers[0].service if callers else "", children[0].service)
        edges.setdefault(key, ([], callers[0] if callers else None))[0].extend(children)
    for (_, service), (spans, caller) in edges.items():
        first = spans[0]
        missing = f"parent {first.parent_id} is not in the trace"
        if caller:
            where = f"between {shown(caller)} and {shown(first)}"
            advice = (
                "something between the two takes part in the trace but does not send its spans (a proxy, a gateway, "
                "another tracer), or they were dropped"
            )
        else:
            where = f"above {shown(first)}"
            advice = (
                "the caller's spans were never sent or got dropped: look at its exporter, its sampling, and at what it "
                "still had in memory when it stopped"
            )
        hidden = _behind(facts, spans, caller)
        number = wording.count(len(spans), "orphan")
        behind = f", {wording.duration(hidden / 1e6)} of the critical path lie behind it" if hidden else ""
        yield Finding(
            rule="orphans",
            severity="problem",
            title=f"broken trace: {where} a span is missing ({missing}; {number}){behind}",
            evidence=[facts.evidence(span) for span in ([caller] if caller else []) + spans[:3]],
            ms=hidden / 1e6,
            share=facts.share(hidden),
            about=f"{caller.service if caller else ''} {service}",
            advice=advice,
            weight=0.2,
        )


def _behind(facts: Facts, spans: list[Span], caller: Span | None) -> int:
    """The time behind the missing span: of the whole call, or of what ran in the caller's gap."""
    if caller is None:
        return 0
    if conventions.is_call(caller):
        return facts.inside_ns(caller)
    return sum(facts.inside_ns(span) for span in spans if facts.family.waited_for(span))


def beside(facts: Facts) -> Iterator[Finding]:
    """A callee that was recorded as its caller's sibling: the times are right, the tree is not."""
    edges: dict[tuple[str, str], list[tuple[Span, Span]]] = {}
    for span_id, call in facts.family.beside.items():
        callee = facts.trace.by_id[span_id]
        edges.setdefault((call.service, callee.service), []).append((call, callee))
    for (caller, whom), pairs in edges.items():
        call, callee = max(pairs, key=lambda pair: facts.inside_ns(pair[0]))
        ns = facts.inside_ns(call)
        yield Finding(
            rule="beside",
            severity="hint",
            title=(
                f"recorded beside, not below: {shown(call)} waited {wording.duration(call.ms)} for {shown(callee)}, "
                f"{wording.share(facts.share(ns))} of the critical path, though the trace has them as siblings"
            ),
            evidence=[facts.evidence(call, ns), facts.evidence(callee)],
            ms=ns / 1e6,
            share=facts.share(ns),
            about=f"{caller} {whom}",
            advice=f"{wording.clean(caller)} takes the context before the call's span begins: inject it inside",
        )


def never_ended(facts: Facts) -> Iterator[Finding]:
    """Spans without an end: the process died, or sent them unfinished. The rest of the trace is read all the same."""
    spans = [span for span in facts.trace.spans if span.unfinished]
    if not spans:
        return
    first = facts.trace.root if facts.trace.root.unfinished else spans[0]
    others = f" (and {wording.count(len(spans) - 1, 'other span')})" if len(spans) > 1 else ""
    until = f"; read up to the last end below it, {wording.duration(first.ms)}" if first.duration else ""
    yield Finding(
        rule="never-ended",
        severity="problem",
        title=f"broken trace: {shown(first)}{others} never ended{until}",
        evidence=[facts.evidence(span) for span in [first, *(s for s in spans if s is not first)][:4]],
        ms=first.ms,
        share=0.0,
        about=f"{first.service} {naming.name_template(first.name)}",
        advice="its process died, or its spans were sent unfinished: look at its log lines at the end of the trace",
        weight=0.1,
    )


LATE_MS = 100.0


def late_work(facts: Facts) -> Iterator[Finding]:
    """Work that went on after the answer, though nothing says that it was meant to go on by itself."""
    root = facts.trace.root
    late = [line for line in facts.lines if line.when == "after" and line.spans and not facts.nobody_waited([line])]
    ns = max((span.end for line in late for span in line.spans), default=root.end) - root.end
    if not facts.trace.roots or ns < LATE_MS * 1e6:
        return
    last = max((span for line in late for span in line.spans), key=lambda span: span.end)
    share = ns / facts.account.whole
    yield Finding(
        rule="late-work",
        severity="hint",
        title=(
            f"work after the answer: {shown(root)} had ended after {wording.duration(root.ms)}, and work went on for "
            f"{wording.duration(ns / 1e6)} (until {shown(last)} ended), {wording.share(share)} of the whole trace"
        ),
        evidence=[facts.evidence(root), *(facts.evidence(span, facts.own_ns(span)) for span in facts.worst(late, 3))],
        ms=ns / 1e6,
        share=share,
        about=f"{root.service} {naming.name_template(root.name)}",
        advice="nobody waits for it: see whether its errors reach anybody, and whether it may get lost",
    )


def lost_context(facts: Facts) -> Iterator[Finding]:
    """A call without callee, and another trace that begins with just that callee: the header got lost."""
    leaves = [s for s in facts.trace.spans if conventions.is_call(s) and not facts.trace.children(s)]
    for other in facts.related:
        if other.trace_id == facts.trace.trace_id or not other.roots:
            continue
        callee = other.root
        if callee.kind != "server":
            continue
        callers = [s for s in leaves if matching.encloses(s, callee) and matching.answers(s, callee)]
        if len(callers) == 1:
            yield _lost(facts, callers[0], other)


def _lost(facts: Facts, caller: Span, other: Trace) -> Finding:
    callee = other.root
    own = facts.inside_ns(caller)
    return Finding(
        rule="lost-context",
        severity="problem",
        title=(
            f"lost context: {shown(caller)} was answered by {shown(callee)}, but in a trace of its own: "
            f"{other.trace_id} ({wording.duration(callee.ms)})"
        ),
        evidence=[facts.evidence(caller, own), facts.evidence(callee)],
        ms=own / 1e6,
        share=facts.share(own),
        about=f"{caller.service} {callee.service}",
        advice=(
            f"the traceparent header does not get from {wording.clean(caller.service)} to "
            f"{wording.clean(callee.service)}: a client without instrumentation, or something on the way drops it"
        ),
        weight=max(facts.share(own), 0.2) + 0.01,
    )


def noise(facts: Facts) -> Iterator[Finding]:
    """Many spans that take no time, of one name or a service's helpers together: they hide what matters, and cost."""
    by_name: dict[tuple[str, str], list[Span]] = {}
    for span in facts.trace.spans:
        by_name.setdefault((span.service, naming.name_template(span.name)), []).append(span)
    told: set[str] = set()
    for (service, name), spans in by_name.items():
        if len(spans) >= max(facts.limits.noise_spans, len(facts.trace) * 0.1) and _is_noise(facts, spans):
            told.add(service)
            yield _noise(facts, spans, service, wording.clean(name))
    for service, spans in _helpers(facts.trace).items():
        many = max(facts.limits.noise_spans, len(facts.trace) * 0.5)
        if service not in told and len(spans) >= many and _is_noise(facts, spans):
            names = list(dict.fromkeys(wording.clean(naming.name_template(span.name)) for span in spans))
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            yield _noise(facts, spans, service, f"helpers ({listed})")


def _helpers(trace: Trace) -> dict[str, list[Span]]:
    """By service the internal spans that lead to nothing but others of their kind."""
    found: dict[str, list[Span]] = {}
    ids: set[str] = set()
    for span, _ in reversed(list(trace.walk())):
        below = trace.children(span)
        if span.kind == "internal" and all(each.span_id in ids and each.service == span.service for each in below):
            ids.add(span.span_id)
            found.setdefault(span.service, []).append(span)
    return {service: spans[::-1] for service, spans in found.items()}


def _is_noise(facts: Facts, spans: list[Span]) -> bool:
    total = sum(facts.own_ns(span) for span in spans)
    return facts.share(total) <= facts.limits.noise_share and not any(span.is_error for span in spans)


def _noise(facts: Facts, spans: list[Span], service: str, what: str) -> Finding:
    total = sum(facts.own_ns(span) for span in spans)
    return Finding(
        rule="noise",
        severity="hint",
        title=(
            f"noise: {len(spans)} of {len(facts.trace)} spans are {wording.clean(service)} {what}, "
            f"and together they take {wording.share(facts.share(total))} of the critical path"
        ),
        evidence=[facts.evidence(span) for span in spans[:2]],
        ms=total / 1e6,
        share=facts.share(total),
        about=f"{service} {what}",
        advice="switch this instrumentation off, or drop these spans in the collector",
    )
