"""Calls whose connection broke before an answer came: the process at the other end died, or hung up."""

import re
from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming
from workshop.traces.model.error_words import error_words
from workshop.traces.model.trace import Span
from workshop.traces.time.family import is_callee

# What clients call it: those of Python, Node, Go, Java, .NET, Ruby and PHP, of Envoy and gRPC.
_BROKEN = re.compile(
    r"reset by peer|connection ?(?:was )?reset|econnreset|remote end closed|remote ?disconnected|connection ?aborted"
    r"|server ?disconnected|socket hang up|other side closed|\beof(?:error)?\b|end of (?:file|stream)|prematurely"
    r"|empty reply|broken ?pipe|epipe|transport is closing|disconnect/reset|forcibly closed"
)
# Within so little time nothing was begun: the connection had been kept for longer than the other end keeps one.
AT_ONCE_MS = 5.0


def broken_off(facts: Facts) -> Iterator[Finding]:
    """Calls that failed without an answer when their connection broke, and of which the callee left no span.

    What it had sent before is among the orphans: of its work some is there, and the span above it never came.
    """
    found: dict[tuple[str, ...], list[Span]] = {}
    for call in facts.trace.spans:
        if _broke(call) and not any(is_callee(call, child) for child in facts.trace.children(call)):
            found.setdefault((*naming.same_work(call), error_words(call)[:60]), []).append(call)
    left_by: dict[str, list[Span]] = {}
    for span in facts.trace.orphans:
        if span.span_id in facts.family.adopted:
            left_by.setdefault(facts.family.adopted[span.span_id].span_id, []).append(span)
    for key, each in found.items():
        left = [span for call in each for span in left_by.get(call.span_id, ())]
        call = max(each, key=lambda one: one.duration)
        times = f" ({len(each)} times)" if len(each) > 1 else ""
        callee = wording.clean(left[0].service) if left else ""
        of_it = f"; {callee}'s span of it never came, {_named(left)} below it did" if left else ""
        yield Finding(
            rule="broken-off",
            severity="problem",
            title=(
                f"broken off: {shown(call)} had its connection broken after {wording.duration(call.ms)}{times}: "
                f"{wording.clean(error_words(call))}{of_it}"
            ),
            evidence=[
                facts.evidence(span) for span in (call, *left[:3], *(one for one in each[:3] if one is not call))
            ],
            ms=call.ms,
            share=facts.share(sum(facts.inside_ns(one) for one in each)),
            about=" ".join(key),
            advice=_advice(callee or "the other end", at_once=not left and call.ms < AT_ONCE_MS),
            weight=2.1 if facts.trace.root.is_error else 0.3,
        )


def _broke(call: Span) -> bool:
    if not conventions.is_call(call) or not call.is_error:
        return False
    grpc = conventions.grpc_status(call)
    answered = conventions.http_status(call) is not None or grpc not in (None, "14", "UNAVAILABLE")
    return not answered and bool(_BROKEN.search(f"{conventions.error_text(call)} {error_words(call)}".lower()))


def _named(left: list[Span]) -> str:
    names = list(dict.fromkeys(wording.clean(naming.label(span)) for span in left))
    return f"{names[0]} and {wording.count(len(names) - 1, 'other')}" if len(names) > 1 else names[0]


def _advice(callee: str, *, at_once: bool) -> str:
    if at_once:
        return (
            "it broke at once: either nobody was there any more, or the connection had been kept for longer than the "
            "other end keeps one. Keep it for less long than the other end does, and repeat what may be done twice"
        )
    return (
        f"{callee} died in the middle or hung up: see what ended its process (exit code 137 and OOMKilled: its memory "
        "limit), its last log lines, and what the requests that broke off have in common"
    )
