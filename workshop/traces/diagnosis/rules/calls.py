"""Calls to others: the slow one outside, the repeated attempt, and the ones that need not wait for each other."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span


def external_call(facts: Facts) -> Iterator[Finding]:
    """A call that kept the trace waiting and behind which nothing is traced."""
    slow: dict[tuple[str, ...], list[Span]] = {}
    for span_id in facts.own:
        span = facts.trace.by_id[span_id]
        leaf = not facts.is_traced_call(span)
        if leaf and (conventions.is_call(span) or span.kind == "producer") and not _gave_up_early(facts, span):
            slow.setdefault(naming.same_work(span), []).append(span)
    for key, spans in slow.items():
        worst = max(spans, key=facts.own_ns)
        total = sum(facts.own_ns(span) for span in spans)
        if not facts.keeps_waiting(facts.own_ns(worst), facts.limits.slow_ms, facts.limits.share):
            continue
        yield _external(facts, key, worst, len(spans), total)


def _gave_up_early(facts: Facts, span: Span) -> bool:
    """Whether the call failed and was tried again: then the retry is the finding."""
    return span.is_error and any(span in attempts[:-1] for attempts in attempts_of(facts))


def _external(facts: Facts, key: tuple[str, ...], worst: Span, times: int, total: int) -> Finding:
    whom = wording.clean(conventions.peer(worst) or naming.label(worst))
    calls = f" in {times} calls" if times > 1 else ""
    verb = "waited for the broker" if worst.kind == "producer" else f"waited for {whom}"
    return Finding(
        rule="external-call",
        severity="problem",
        title=(
            f"external call: {wording.clean(worst.service)} {verb} {wording.duration(total / 1e6)}{calls} "
            f"({wording.clean(naming.label(worst))}), {wording.share(facts.share(total))} of the critical path"
        ),
        evidence=[facts.evidence(worst, facts.own_ns(worst))],
        ms=total / 1e6,
        share=facts.share(total),
        about=" ".join(key),
        advice="nothing behind this call is traced: ask whoever runs it, set a timeout, or take it off the path",
    )


def attempts_of(facts: Facts) -> list[list[Span]]:
    """Calls that were tried again: each list holds the attempts, all but the last failed, in order."""
    cached = facts.__dict__.get("attempts")
    if cached is None:
        cached = facts.__dict__["attempts"] = list(_attempts(facts))
    return cached


def _attempts(facts: Facts) -> Iterator[list[Span]]:
    for parent in facts.trace.spans:
        children = facts.trace.children(parent)
        if len(children) < 2 or not any(map(_failed, children)):
            continue
        groups: dict[tuple[str, ...], list[Span]] = {}
        for child in children:
            if child.kind == "client" or conventions.is_db(child):
                groups.setdefault(naming.same_request(child), []).append(child)
        for group in groups.values():
            run: list[Span] = []
            for span in group:
                if run and span.start < run[-1].end - 1_000:
                    run = []  # side by side: not a second attempt
                run.append(span)
                if not _failed(span):
                    if len(run) > 1:
                        yield run
                    run = []
            if len(run) > 1:
                yield run


def _failed(span: Span) -> bool:
    # A database's error is only tried again by name: a failed INSERT followed by another row's is no retry.
    if conventions.is_db(span):
        return span.is_error and any(
            word in conventions.error_text(span).lower()
            for word in (
                "deadlock",
                "serializ",
                "could not obtain lock",
                "timeout",
                "connection",
                "40001",
                "40p01",
            )
        )
    return conventions.could_be_retried(span)


def retries(facts: Facts) -> Iterator[Finding]:
    """A call that failed and was made again, with the time that the failed attempts and the pauses cost."""
    for attempts in attempts_of(facts):
        first, last = attempts[0], attempts[-1]
        failed = attempts if _failed(last) else attempts[:-1]
        lost = (last.end if failed is attempts else last.start) - first.start
        on_path = any(facts.inside_ns(span) for span in attempts)
        share = facts.share(lost) if on_path else 0.0
        outcome = "all failed" if failed is attempts else f"{len(failed)} failed, then it worked"
        why = wording.clean(conventions.error_text(first)) or "no answer"
        yield Finding(
            rule="retries",
            severity="problem",
            title=(
                f"retries: {shown(first)} was tried {len(attempts)} times ({outcome}; first: {why}), "
                f"{wording.duration(lost / 1e6)} went into it, {wording.share(share)} of the critical path"
            ),
            evidence=[facts.evidence(span) for span in attempts[:6]],
            ms=lost / 1e6,
            share=share,
            about=" ".join(naming.same_work(first)),
            advice="find out why the first attempt fails; then bound the attempts and the pauses between them",
        )
    for span in facts.trace.spans:
        if span.kind == "client" and (count := conventions.resend_count(span)) and not _counted(facts, span):
            yield Finding(
                rule="retries",
                severity="problem",
                title=f"retries: {shown(span)} was sent again {wording.count(count, 'time')} by the client library",
                evidence=[facts.evidence(span)],
                ms=facts.inside_ns(span) / 1e6,
                share=facts.share(facts.inside_ns(span)),
                about=" ".join(naming.same_work(span)),
                advice="find out why the first attempt fails",
            )


def _counted(facts: Facts, span: Span) -> bool:
    """Whether the attempt is part of a finding already, or only followed a redirect."""
    if any(span in attempts for attempts in attempts_of(facts)):
        return True
    parent = facts.trace.parent(span)
    before = [s for s in facts.trace.children(parent) if s.start < span.start] if parent else []
    return any(300 <= (conventions.http_status(s) or 0) < 400 for s in before)


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
    retried = {span.span_id for attempts in attempts_of(facts) for span in attempts}
    for parent in facts.trace.spans:
        calls = [
            child
            for child in facts.trace.children(parent)
            if conventions.is_call(child) and _only_reads(child) and child.span_id not in retried and not child.is_error
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
