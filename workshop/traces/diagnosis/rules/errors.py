"""Errors: where they began, how far they got, and whether the answer hid them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, Severity, shown
from workshop.traces.diagnosis.rules.locks import next_step
from workshop.traces.diagnosis.rules.retries import attempts_of, recovered
from workshop.traces.model import conventions, naming
from workshop.traces.model.error_words import error_words
from workshop.traces.model.trace import Span

_LOG_LINES = "look at this span's exception and its service's log lines with this trace id"
_REFUSED = "what was asked for was refused: the answer's body and the service's log lines say why"


def errors(facts: Facts) -> Iterator[Finding]:
    """Where the root's failure began; and each other error, hidden by a good answer or beside the failure.

    Attempts that were repeated with success are left out, they are the retry's finding.
    """
    bad = _with_errors(facts)
    root = facts.trace.root
    status = conventions.http_status(root)
    failed = root.is_error or (status is not None and status >= 400)
    chain: list[Span] = []
    if failed and root.span_id in bad:
        chain = _chain(facts, root, bad)
        yield _failure(facts, chain, status)
    elif failed:
        chain = _chain(facts, root, bad)
        failure = _failure(facts, chain, status)
        # By the conventions a server's 4xx is its client's error, and no span has to say that it failed.
        refused = status is not None and status < 500
        yield replace(failure, severity="hint", weight=0.0, advice=_REFUSED) if refused else failure
    beside: dict[tuple[str, ...], list[Span]] = {}
    known = {span.span_id for span in chain}
    for attempts in attempts_of(facts):
        ids = {span.span_id for span in attempts}
        known |= ids if ids & known else set()
    for span in facts.trace.spans:
        if span.span_id not in bad or span.span_id in known or not span.is_error or _cause(facts, span, bad):
            continue
        origin = _follow_status(facts, span)
        if origin.span_id not in known:
            known.add(origin.span_id)
            key = (*naming.same_work(origin), conventions.error_text(origin)[:60])
            beside.setdefault(key, []).append(origin)
    for key, spans in beside.items():
        yield _beside(facts, key, spans, failed, status)


def _with_errors(facts: Facts) -> set[str]:
    """The spans that failed or have a failed one below them, without attempts that were repeated with success."""
    done_again = recovered(facts)
    bad: set[str] = set()
    failed = {span.span_id for span in facts.trace.spans if span.is_error}
    if not failed:
        return bad
    for span, _ in reversed(list(facts.trace.walk())):
        if span.span_id in done_again:
            continue
        if span.span_id in failed or any(child.span_id in bad for child in facts.trace.children(span)):
            bad.add(span.span_id)
    return bad


def _cause(facts: Facts, span: Span, bad: set[str]) -> Span | None:
    """The child whose failure became the span's own, None when the span failed by itself.

    It is the failed child that ended last before the span's exception (or end). If that was a 4xx and the span began
    other work afterwards, it had coped with it (a cache's 404) and failed of something else; unless the root answered
    with the very same status, then the other work was cleaning up.
    """
    times = [event.time for event in span.events if "exception.type" in event.attributes]
    when = times[-1] if times else span.end
    children = [child for child in facts.trace.children(span) if child.start <= when]
    failures = [child for child in children if child.span_id in bad]
    if not failures:
        return None
    last = max(failures, key=lambda child: child.end)
    status = conventions.http_status(last)
    harmless = status is not None and 400 <= status < 500 and status != conventions.http_status(facts.trace.root)
    later = any(child.start >= last.end and child is not last for child in children)
    return None if harmless and later and span.is_error else last


def _chain(facts: Facts, root: Span, bad: set[str]) -> list[Span]:
    """From the root down to where its failure began."""
    chain = [root]
    while (cause := _cause(facts, chain[-1], bad)) is not None:
        chain.append(cause)
    failed = next((index for index in range(len(chain) - 1, -1, -1) if chain[index].is_error), 0)
    origin = _follow_status(facts, chain[failed])
    return chain if origin in chain else [*chain, origin]


def _follow_status(facts: Facts, span: Span) -> Span:
    """From a call that got an error's status down to whoever answered it first.

    A server that answers 4xx is not at fault by the conventions and has no error status, so that the error span alone
    would blame the caller's side of the call.
    """
    status = conventions.http_status(span)
    if status is None or status < 400:
        return span
    while True:
        below = [c for c in facts.trace.children(span) if conventions.http_status(c) == status]
        if not below:
            return span
        span = below[-1]


def _failure(facts: Facts, chain: list[Span], status: int | None) -> Finding:
    root, origin = chain[0], chain[-1]
    answer = f"answered {status}" if status else "failed"
    what = wording.clean(_words(facts, origin)) or "no reason given"
    began = "" if origin is root else f"; it began in {shown(origin)}"
    told = "" if what == answer else f": {what}"
    passed = [shown(span) for span in reversed(chain[:-1]) if span.is_error]
    return Finding(
        rule="error",
        severity="problem",
        title=f"error: {shown(root)} {answer}{began}{told}",
        evidence=[facts.evidence(origin), *([] if origin is root else [facts.evidence(root)])],
        ms=origin.ms,
        share=facts.share(facts.inside_ns(origin)),
        about=" ".join((*naming.same_work(origin), conventions.error_text(origin)[:60])),
        advice=next_step(origin) or _LOG_LINES,
        details=[f"passed on by: {', '.join(passed)}"] if passed else [],
        weight=2.0,
    )


def _beside(facts: Facts, key: tuple[str, ...], spans: list[Span], failed: bool, status: int | None) -> Finding:
    """An error that is not why the root failed, or that did not keep the root from a good answer."""
    origin, root = spans[0], facts.trace.root
    hidden = not failed and status is not None and 200 <= status < 300
    times = f" ({len(spans)} times)" if len(spans) > 1 else ""
    what = wording.clean(_words(facts, origin)) or "no reason given"
    inside = facts.inside_ns(origin)
    late = origin.start - root.end if facts.trace.roots else 0
    after = (
        f" {wording.duration((origin.end - root.end) / 1e6)} after the answer" if late >= 0 and root.duration else ""
    )
    title = f"{shown(origin)} failed{times}{after}: {what}"
    return Finding(
        rule="hidden-error" if hidden else "error",
        severity=_severity(origin),
        title=f"hidden error: {shown(root)} answered {status}, but {title}" if hidden else f"error: {title}",
        evidence=[facts.evidence(span) for span in spans[:5]],
        ms=origin.ms,
        # What came after the answer is weighed against the whole trace: nobody waited for it.
        share=inside / facts.account.whole if after and facts.account.whole else facts.share(inside),
        about=" ".join(key),
        advice=next_step(origin) or _LOG_LINES,
        weight=0.15,
    )


def _words(facts: Facts, origin: Span) -> str:
    """The error in words: the origin's own, else those of the nearest span above that has an exception to tell."""
    own = _first_line(error_words(origin))
    if not own.startswith("answered"):
        return own
    for above in facts.trace.ancestors(origin):
        if above.is_error and any("exception.type" in e.attributes for e in above.events):
            return f"{own}; {_first_line(error_words(above))}"
    return own


_POSTGRESQL_ADDS = re.compile(r"\s*\n(?:DETAIL|HINT|CONTEXT|LINE \d+):.*", re.DOTALL)


def _first_line(text: str) -> str:
    """The message without what PostgreSQL adds to it below, on one line."""
    return " ".join(_POSTGRESQL_ADDS.sub("", text).split())


def _severity(origin: Span) -> Severity:
    """A 4xx that nobody further up failed of is often meant (404 of a cache, 409 of a second try): a hint."""
    return "hint" if conventions.is_refusal(origin) else "problem"
