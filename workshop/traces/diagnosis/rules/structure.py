"""The trace itself: a context that got lost on the way, missing spans, and spans that say nothing."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span, Trace

_SLACK = 2_000_000  # ns by which a callee may stick out of the call and still belong to it


def orphans(facts: Facts) -> Iterator[Finding]:
    """Spans whose parent never arrived, and the edge at which it is missing."""
    by_parent: dict[str, list[Span]] = {}
    for span in facts.trace.orphans:
        by_parent.setdefault(span.parent_id or "", []).append(span)
    if not by_parent:
        return
    leaves = [s for s in facts.trace.spans if conventions.is_call(s) and not facts.trace.children(s)]
    edges: dict[tuple[str, str], tuple[Span, list[Span], Span | None]] = {}
    for spans in by_parent.values():
        caller = _caller(leaves, spans[0])
        key = (caller.service if caller else "", spans[0].service)
        if key in edges:
            edges[key][1].extend(spans)
        else:
            edges[key] = (spans[0], list(spans), caller)
    for (_, service), (first, spans, caller) in edges.items():
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
        hidden = facts.inside_ns(caller) if caller else 0
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


def _caller(leaves: list[Span], orphan: Span) -> Span | None:
    """The one call without callee that the orphan must have answered, if the trace shows exactly one."""
    around = [s for s in leaves if _encloses(s, orphan)]
    matching = [s for s in around if _answers(s, orphan)]
    if len(matching) == 1:
        return matching[0]
    return around[0] if len(around) == 1 and not _contradicts(around[0], orphan) else None


def _encloses(call: Span, callee: Span) -> bool:
    return call.start - _SLACK <= callee.start and callee.end <= call.end + _SLACK


def _answers(call: Span, callee: Span) -> bool:
    """Whether method and path, or the RPC's name, are those of the call."""
    if conventions.http_method(call) and conventions.http_method(callee):
        same_method = conventions.http_method(call) == conventions.http_method(callee)
        return same_method and _same_path(call, callee)
    return conventions.is_rpc(call) and call.name == callee.name


def _same_path(call: Span, callee: Span) -> bool:
    sent = conventions.path(call)
    if sent is None:
        return False
    got = conventions.path(callee)
    if got is not None and conventions.url(callee) is not None:
        return sent == got
    route = conventions.http_route(callee)
    return route is not None and route == sent


def _contradicts(call: Span, callee: Span) -> bool:
    ours, theirs = conventions.http_method(call), conventions.http_method(callee)
    return bool(ours and theirs and ours != theirs)


def lost_context(facts: Facts) -> Iterator[Finding]:
    """A call without callee, and another trace that begins with just that callee: the header got lost."""
    leaves = [s for s in facts.trace.spans if conventions.is_call(s) and not facts.trace.children(s)]
    for other in facts.related:
        if other.trace_id == facts.trace.trace_id or not other.roots:
            continue
        callee = other.root
        if callee.kind != "server":
            continue
        callers = [s for s in leaves if _encloses(s, callee) and _answers(s, callee)]
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
    """Many spans of one name that take no time: they hide the ones that matter, and cost storage."""
    by_name: dict[tuple[str, str], list[Span]] = {}
    for span in facts.trace.spans:
        by_name.setdefault((span.service, naming.path_template(span.name)), []).append(span)
    for (service, name), spans in by_name.items():
        if len(spans) < max(facts.limits.noise_spans, len(facts.trace) * 0.1):
            continue
        total = sum(facts.own_ns(span) for span in spans)
        if facts.share(total) > facts.limits.noise_share or any(span.is_error for span in spans):
            continue
        yield Finding(
            rule="noise",
            severity="hint",
            title=(
                f"noise: {len(spans)} of {len(facts.trace)} spans are {wording.clean(service)} {wording.clean(name)}, "
                f"and together they take {wording.share(facts.share(total))} of the critical path"
            ),
            evidence=[facts.evidence(span) for span in spans[:2]],
            ms=total / 1e6,
            share=facts.share(total),
            about=f"{service} {name}",
            advice="switch this instrumentation off, or drop these spans in the collector",
        )
