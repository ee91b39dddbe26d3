"""Retries: a call that failed and was made again, and a call that was given up after a round number of seconds."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming
from workshop.traces.model.error_words import error_words
from workshop.traces.model.trace import Span

_LOOP = 3  # so many of the same request that needed no second attempt make a loop, not a retry


def attempts_of(facts: Facts) -> list[list[Span]]:
    """Calls that were tried again: each list holds the attempts, all but the last failed, in order."""
    cached = facts.__dict__.get("attempts")
    if cached is None:
        cached = facts.__dict__["attempts"] = list(_attempts(facts))
    return cached


def is_attempt(facts: Facts, span: Span) -> bool:
    """Whether the call is one of several attempts."""
    return span.span_id in _known(facts)[0]


def repeated_ids(facts: Facts) -> set[str]:
    """The ids of the calls that failed and were tried again: of those the retry is the finding."""
    return _known(facts)[1]


def _known(facts: Facts) -> tuple[set[str], set[str]]:
    """The ids of all attempts, and of those that another one followed."""
    cached = facts.__dict__.get("attempt ids")
    if cached is None:
        runs = attempts_of(facts)
        cached = (
            {span.span_id for attempts in runs for span in attempts},
            {span.span_id for attempts in runs for span in attempts[:-1]},
        )
        facts.__dict__["attempt ids"] = cached
    return cached


def recovered(facts: Facts) -> set[str]:
    """The ids of failed attempts that were repeated with success, and of the spans around each of them alone."""
    found: set[str] = set()
    for attempts in attempts_of(facts):
        if attempts[-1].is_error:
            continue
        above = {span.span_id for span in facts.trace.ancestors(attempts[-1])}
        for attempt in attempts[:-1]:
            found.add(attempt.span_id)
            for span in facts.trace.ancestors(attempt):
                if span.span_id in above:
                    break
                found.add(span.span_id)
    return found


def _attempts(facts: Facts) -> Iterator[list[Span]]:
    for parent in facts.trace.spans:
        children = facts.trace.children(parent)
        if len(children) < 2:
            continue
        calls = [call for child in children if (call := _call_in(facts, child)) is not None]
        if len(calls) < 2 or not any(map(_failed, calls)):
            continue
        groups: dict[tuple[str, ...], list[Span]] = {}
        for call in calls:
            groups.setdefault(naming.same_request(call), []).append(call)
        for group in groups.values():
            runs = list(_runs(group))
            if sum(len(run) == 1 and not _failed(run[0]) for run in runs) < _LOOP:
                yield from (run for run in runs if len(run) > 1)


def _call_in(facts: Facts, child: Span) -> Span | None:
    """The call that a child is, or the one call inside a span that stands for one attempt; the innermost of them."""
    if conventions.is_db(child):
        return child
    for _ in range(4):
        below = facts.trace.children(child)
        calls = [span for span in below if span.kind == "client" and not conventions.opens_connection(span)]
        if child.kind == "client" and (len(calls) != 1 or conventions.is_db(calls[0])):
            return child
        if len(calls) == 1:
            child = calls[0]
        elif calls or len(below) != 1 or child.kind != "internal":
            return None
        else:
            child = below[0]
    return None


def _runs(group: list[Span]) -> Iterator[list[Span]]:
    """The requests one after another, each with what followed on its failure."""
    run: list[Span] = []
    for span in group:
        if run and span.start < run[-1].end - 1_000:
            yield run
            run = []  # side by side: not a second attempt
        run.append(span)
        if not _failed(span):
            yield run
            run = []
    if run:
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
        yield _tried_again(facts, attempts)
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


def _tried_again(facts: Facts, attempts: list[Span]) -> Finding:
    first, last = attempts[0], attempts[-1]
    failed = attempts if _failed(last) else attempts[:-1]
    lost = (last.end if failed is attempts else last.start) - first.start
    on_path = any(facts.inside_ns(span) for span in attempts)
    share = facts.share(lost) if on_path else 0.0
    outcome = "all failed" if failed is attempts else f"{len(failed)} failed, then it worked"
    why = wording.clean(error_words(first)) or "no answer"
    facts.tell_spans(failed)
    return Finding(
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


def _counted(facts: Facts, span: Span) -> bool:
    """Whether the attempt is part of a finding already, or only followed a redirect."""
    if is_attempt(facts, span):
        return True
    parent = facts.trace.parent(span)
    before = [s for s in facts.trace.children(parent) if s.start < span.start] if parent else []
    return any(300 <= (conventions.http_status(s) or 0) < 400 for s in before)


_ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)  # seconds
_NEAR = 0.02


def round_timeout(span: Span) -> float | None:
    """The round number of seconds after which the span ended, within 2 %; None for others."""
    seconds = span.duration / 1e9
    return next((each for each in _ROUND if abs(seconds - each) <= _NEAR * each), None)


def timeouts(facts: Facts) -> Iterator[Finding]:
    """Waits that ended on a round number of seconds, with an error or a gap after them: given up, not answered."""
    found: dict[tuple[str, ...], list[tuple[Span, float]]] = {}
    for span in facts.trace.spans:
        seconds = round_timeout(span)
        if seconds is None or not (span.is_error or _gap_after(facts, span)) or _same_below(facts, span):
            continue
        if facts.by_itself(span):
            continue
        found.setdefault((*naming.same_work(span), str(seconds)), []).append((span, seconds))
    for key, spans in found.items():
        first, seconds = spans[0]
        times = f" ({len(spans)} times)" if len(spans) > 1 else ""
        ns = sum(span.duration for span, _ in spans)
        yield Finding(
            rule="timeout",
            severity="hint",
            title=(
                f"{shown(first)} ended after {wording.duration(first.ms)}{times}: looks like a timeout of {seconds:g} s"
            ),
            evidence=[facts.evidence(span) for span, _ in spans[:3]],
            ms=ns / 1e6,
            share=facts.share(ns),
            about=" ".join(key),
            advice="look for the setting with this value: the answer may have come later, or never",
        )


def _gap_after(facts: Facts, span: Span) -> bool:
    """Whether the span above recorded nothing for a while after this one, which did not lead to anything."""
    parent = facts.family.parent(span)
    if parent is None or facts.family.children(span) or span.kind == "server":
        return False
    later = [child.start for child in facts.family.children(parent) if child.end > span.end and child is not span]
    return min([*later, parent.end]) - span.end >= min(span.duration // 20, 500_000_000)


def _same_below(facts: Facts, span: Span) -> bool:
    """Whether a span below ended on the same number: the innermost one is what timed out."""
    seconds = round_timeout(span)
    return any(round_timeout(child) == seconds for child in facts.family.children(span))
