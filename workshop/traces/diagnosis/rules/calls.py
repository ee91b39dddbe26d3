"""Calls to others: the slow one outside, and the ones that need not wait for each other."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.diagnosis.rules.retries import is_attempt, repeated_ids
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span
from workshop.traces.time.account import Line
from workshop.traces.time.charging import call_around


def external_call(facts: Facts) -> Iterator[Finding]:
    """Calls to one callee, of which nothing is traced, that kept the trace waiting."""
    limits = facts.limits
    for lines in facts.groups(["external-call"], lambda line: (line.service, line.callee or line.what)):
        if not facts.worth_telling(lines, limits.slow_ms, limits.share):
            continue
        calls = {call_id: ns for call_id, ns in _by_call(facts, lines).items() if call_id not in repeated_ids(facts)}
        alone = facts.keeps_waiting(max(calls.values(), default=0), limits.slow_ms, limits.share)
        enough = facts.keeps_waiting(sum(calls.values()), limits.slow_ms, limits.share)
        if alone or (enough and not all(facts.is_told(line) for line in lines)):
            facts.tell(lines)
            yield _external(facts, lines, calls)


def _by_call(facts: Facts, lines: list[Line]) -> dict[str, int]:
    """The time of each call, with what its parts took, its attempts for example; by span id."""
    found: dict[str, int] = {}
    for charge in (charge for line in lines for charge in line.charges):
        span = charge.span
        if span is not None:
            call = span if span.kind != "internal" else call_around(facts.family, span) or span
            found[call.span_id] = found.get(call.span_id, 0) + charge.ns
    return found


def _external(facts: Facts, lines: list[Line], calls: dict[str, int]) -> Finding:
    ids = sorted(calls, key=lambda call_id: calls[call_id], reverse=True)
    worst, total = facts.trace.by_id[ids[0]], sum(calls.values())
    share = facts.share_of(lines) * total / sum(line.ns for line in lines)
    whom = wording.clean(conventions.peer(worst) or naming.label(worst))
    number = f" in {len(calls)} calls" if len(calls) > 1 else ""
    kinds = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    verb = "waited for the broker" if worst.kind == "producer" else f"waited for {whom}"
    return Finding(
        rule="external-call",
        severity=facts.severity(lines),
        title=(
            f"external call: {wording.clean(worst.service)} {verb} {wording.duration(total / 1e6)}{number} "
            f"({wording.clean(naming.label(worst))}{kinds}), {wording.share(share)} {facts.when(lines)}"
        ),
        evidence=[facts.evidence(facts.trace.by_id[each], calls[each]) for each in ids[:5]],
        ms=total / 1e6,
        share=share,
        about=" ".join(lines[0].key),
        advice="nothing behind this call is traced: ask whoever runs it, set a timeout, or take it off the path",
    )


_READS = ("get", "list", "find", "search", "query", "read", "fetch", "lookup", "batchget")


def _only_reads(span: Span) -> bool:
    method = conventions.http_method(span)
    if method:
        return method in ("GET", "HEAD")
    name = str(span.attributes.get("rpc.method") or span.name.rsplit("/", 1)[-1]).lower()
    return conventions.is_rpc(span) and name.startswith(_READS)


def sequential(facts: Facts) -> Iterator[Finding]:
    """Reads of other services, back to back, which could run at the same time if none needs another's answer.

    Only reads, because the order of writes may be meant; only back to back, because what is computed between
    two calls may be computed from the first one's answer. It stays a hint: a trace cannot prove independence.
    """
    for parent in facts.trace.spans:
        children = facts.trace.children(parent)
        calls = [
            child
            for child in (children if len(children) > 1 else ())
            if conventions.is_call(child) and _only_reads(child) and not is_attempt(facts, child) and not child.is_error
        ]
        for run in _back_to_back(calls):
            saved = sum(span.duration for span in run) - max(span.duration for span in run)
            on_path = all(facts.inside_ns(span) for span in run)
            if on_path and facts.matters(saved, facts.limits.overlap_ms, facts.limits.overlap_share):
                yield _sequential(facts, parent, run, saved)


def _back_to_back(calls: list[Span]) -> Iterator[list[Span]]:
    run: list[Span] = []
    for call in calls:
        pause = call.start - run[-1].end if run else 0
        if run and not (-1_000 <= pause <= max(2_000_000, run[-1].duration // 20)):
            if len(run) > 1:
                yield run
            run = []
        run.append(call)
    if len(run) > 1:
        yield run


def _sequential(facts: Facts, parent: Span, run: list[Span], saved: int) -> Finding:
    names = list(dict.fromkeys(wording.clean(naming.label(span)) for span in run))
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return Finding(
        rule="sequential",
        severity="hint",
        title=(
            f"one after another: {shown(parent)} makes {len(run)} reading calls in a row ({listed}); side by side they "
            f"would take {wording.duration(saved / 1e6)} less, {wording.share(facts.share(saved))} of the critical path"
        ),
        evidence=[facts.evidence(span) for span in run[:6]],
        ms=saved / 1e6,
        share=facts.share(saved),
        about=" ".join([parent.service, naming.path_template(parent.name)]),
        advice="if no call needs another one's answer, start them together",
    )
