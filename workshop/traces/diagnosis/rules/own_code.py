"""A service's own code, and whatever else is most of a trace: what kept it busy is said, whether a fault or not."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, Severity, shown
from workshop.traces.diagnosis.rules.retries import attempts_of
from workshop.traces.model import conventions
from workshop.traces.model.trace import Span
from workshop.traces.time.account import Line


def own_code(facts: Facts) -> Iterator[Finding]:
    """Most of the time in spans of one name that are neither a call nor a wait."""
    pauses = {attempts[0].parent_id for attempts in attempts_of(facts)}
    for group in facts.groups(["own-code", "before-work"], lambda line: (line.service, line.what)):
        lines = [line for line in group if not facts.is_told(line)]
        own = [line for line in lines if line.kind == "own-code"]
        # What comes before the first work may be a wait: it is only counted to code that is there.
        if not own or facts.nobody_waited(lines) or facts.worst(own, 1)[0].span_id in pauses:
            continue
        if facts.worth_telling(lines, facts.limits.slow_ms, facts.limits.own_code_share):
            facts.tell(lines)
            yield _own_code(facts, lines)


def _own_code(facts: Facts, lines: list[Line]) -> Finding:
    spans = facts.worst(lines, 5)
    number = len({span.span_id for line in lines for span in line.spans})
    worst, total = spans[0], sum(line.ns for line in lines)
    if number > 1:
        often = f"{number} × {wording.clean(lines[0].label)}, one after another, took"
    else:
        often = f"{shown(worst)} spent"
    why = "no child span explains it" if facts.family.children(worst) else "no child spans"
    why = f"and {why}" if "no child span " in why else f"and {'they have' if number > 1 else 'it has'} {why}"
    batch = _is_batch(facts)
    title = (
        f"the time is in {wording.clean(worst.service)} itself: {often} {wording.duration(total / 1e6)} "
        f"of {'their' if number > 1 else 'its'} own, {wording.share(facts.share_of(lines))} {facts.when(lines)}, {why}"
    )
    return Finding(
        rule="own-code",
        severity="hint" if batch else facts.severity(lines),
        title=f"a batch, nobody waits for its answer: {title}" if batch else title,
        evidence=[facts.evidence(span, facts.own_ns(span)) for span in spans],
        ms=total / 1e6,
        share=facts.share_of(lines),
        about=f"{lines[0].service} {lines[0].what}",
        details=facts.recorded(worst, [charge for line in lines for charge in line.charges if charge.span is worst]),
        advice="put spans around its parts, or profile it: code, a library without instrumentation, or a wait",
    )


def _is_batch(facts: Facts) -> bool:
    return conventions.is_batch(facts.trace.root)


# Kinds of time that may be long without a fault, with what there is to say about them.
_LONG_BY_NATURE = {
    "idle": (
        "idle",
        "asked for messages, and there were none, for",
        "nothing is wrong with that: look at the traces of messages",
    ),
    "stream": ("a stream", "was kept open for", "it is as long as its client stays: look at what is sent over it"),
    "delivery": ("delivery", "was on its way, or in the queue, for", "if that is too long, look at the consumer's lag"),
}


def most_of_it(facts: Facts) -> Iterator[Finding]:
    """A line that is more than half of the time and more than a second, and that no other rule had a word for."""
    for line in facts.lines:
        if facts.is_told(line) or not facts.dominates([line]):
            continue
        if line.kind in _LONG_BY_NATURE:
            yield _by_nature(facts, line)
        elif not facts.nobody_waited([line]):
            severity: Severity = "hint" if _is_batch(facts) and line.kind in ("own-code", "unrecorded") else "problem"
            yield _plain(facts, line, severity)


# Kinds of time that are one thing to say, with the words for it.
_ALIKE = {
    "own-code": "code",
    "before-work": "code",
    "statement": "statements",
    "external-call": "calls",
    "way-there": "ways",
    "way-back": "ways",
    "way": "ways",
    "connection": "waits",
    "wait": "waits",
    "cold-start": "waits",
}
_SPREAD = {
    "code": ("own code", "profile it, or look at how busy its machine was: no single step stands out"),
    "statements": ("statements", "see whether all of them are needed, and how busy the database was"),
    "calls": ("calls that nothing answers", "see whether they can be made side by side, and who is behind them"),
    "ways": ("ways to others and back", "the network, a proxy that all of them pass, or queues in front of many"),
    "waits": ("waits", "see who holds what is waited for"),
}


def spread(facts: Facts) -> Iterator[Finding]:
    """What is most of a slow trace only together: lines of one kind, of one service or, failing that, of several."""
    left = [
        line
        for line in facts.lines
        if line.kind in _ALIKE and line.when == "during" and not facts.is_told(line) and not facts.nobody_waited([line])
    ]
    by_kind: dict[tuple[str, str], list[Line]] = {}
    for line in left:
        by_kind.setdefault((_ALIKE[line.kind], line.service), []).append(line)
        by_kind.setdefault((_ALIKE[line.kind], ""), []).append(line)
    for (kind, service), lines in sorted(by_kind.items(), key=lambda each: not each[0][1]):
        if len(lines) > 1 and facts.dominates(lines) and not any(map(facts.is_told, lines)):
            facts.tell(lines)
            yield _spread(facts, kind, service, lines)


def _spread(facts: Facts, kind: str, service: str, lines: list[Line]) -> Finding:
    what, advice = _SPREAD[kind]
    services = {line.service for line in lines}
    whose = f"{wording.clean(service or lines[0].service)}'s" if len(services) == 1 else f"{len(services)} services'"
    parts = ", ".join(f"{wording.clean(_part(line))} {wording.duration(line.ns / 1e6)}" for line in lines[:3])
    more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    batch = _is_batch(facts) and kind == "code"
    return Finding(
        rule="spread",
        severity="hint" if batch else "problem",
        title=f"spread over many: {whose} {what} took {facts.amount(lines)} ({parts}{more})",
        evidence=[facts.evidence(span, facts.own_ns(span)) for span in facts.worst(lines, 5)],
        ms=sum(line.ns for line in lines) / 1e6,
        share=facts.share_of(lines),
        about=f"{kind} {service}",
        advice=advice,
    )


def _part(line: Line) -> str:
    return f"{line.service} → {line.callee}" if line.kind.startswith("way") else line.label


def _by_nature(facts: Facts, line: Line) -> Finding:
    word, what, advice = _LONG_BY_NATURE[line.kind]
    span = _span_of(facts, line)
    return Finding(
        rule=line.kind,
        severity="hint",
        title=f"{word}: {shown(span)} {what} {facts.amount([line])}",
        evidence=[facts.evidence(span, line.ns)],
        ms=line.ns / 1e6,
        share=facts.share_of([line]),
        about=" ".join(line.key),
        advice=advice,
    )


_PLAIN = {
    "way": "the way to {callee} and back took",
    "way-there": "the way to {callee} took",
    "way-back": "the way back from {callee} took",
    "unrecorded": "nothing at all was recorded for",
    "connection": "opening connections took",
}


def _plain(facts: Facts, line: Line, severity: Severity) -> Finding:
    span = _span_of(facts, line)
    words = _PLAIN.get(line.kind, "took").format(callee=wording.clean(line.callee))
    advice = {
        "unrecorded": "put spans around what happens there, or look for spans that were dropped",
        "way": "the clocks of the two differ, so that it is not known which way it was: the network, or a queue",
    }
    return Finding(
        rule="most-of-it",
        severity=severity,
        title=f"most of the time: {shown(span)}: {words} {facts.amount([line])}",
        evidence=[facts.evidence(span, line.ns)],
        ms=line.ns / 1e6,
        share=facts.share_of([line]),
        about=" ".join(line.key),
        advice=advice.get(line.kind, "put spans around what happens there, or ask whoever runs it"),
    )


def _span_of(facts: Facts, line: Line) -> Span:
    """The line's worst span; where nothing was recorded, what came after it or before it."""
    if line.spans:
        return facts.worst([line], 1)[0]
    charge = max(line.charges, key=lambda each: each.ns)
    return charge.after or charge.before or facts.trace.root
