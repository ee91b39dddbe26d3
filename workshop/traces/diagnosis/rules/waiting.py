"""Waits: for a connection, a lock, a callee that had not begun, an answer on its way back, and dark time."""

from collections.abc import Callable, Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span
from workshop.traces.time.account import Charge, Line

_Told = tuple[str, str]  # a title and the next step
MANY_TELL = "Other traces of the same time tell which: spans neighbours, or spans diagnose for many of them together"


def waiting(facts: Facts) -> Iterator[Finding]:
    """Time before work could begin, or after it was done: each kind of wait that the account has enough of."""
    kinds: list[tuple[list[str], Callable[[Line], object], Callable[[Facts, list[Line]], _Told | None]]] = [
        (["wait"], lambda line: (line.service, line.what), _named_wait),
        (["connection"], lambda line: line.service, _opening),
        (["cold-start"], lambda line: (line.service, line.callee or line.what), _cold_start),
        (["way-there"], lambda line: (line.service, line.callee), _in_front),
        (["way-back"], lambda line: (line.service, line.callee), _on_the_way_back),
        (["before-work"], lambda line: (line.service, line.what), _dark),
    ]
    for kind, by, words in kinds:
        for lines in facts.groups(kind, by):
            if facts.nobody_waited(lines):
                continue
            if not facts.worth_telling(lines, facts.limits.waiting_ms, facts.limits.share):
                continue
            if told := words(facts, lines):
                facts.tell(lines)
                yield _finding(facts, lines, *told)


def _finding(facts: Facts, lines: list[Line], title: str, advice: str) -> Finding:
    longest = max((charge for line in lines for charge in line.charges), key=lambda charge: charge.ns)
    spans = facts.worst(lines, 4)
    evidence = [facts.evidence(span, _charged(lines, span)) for span in spans]
    if len(spans) == 1 and (met := _met(facts, longest)) is not None:
        evidence.append(facts.evidence(met))
    return Finding(
        rule="waiting",
        severity=facts.severity(lines),
        title=title,
        evidence=evidence,
        ms=sum(line.ns for line in lines) / 1e6,
        share=facts.share_of(lines),
        about=" ".join((lines[0].kind, lines[0].service, lines[0].callee, lines[0].what)),
        advice=advice,
        details=facts.recorded(spans[0], [longest]),
    )


def _charged(lines: list[Line], span: Span) -> int:
    return sum(charge.ns for line in lines for charge in line.charges if charge.span is span)


def _met(facts: Facts, charge: Charge) -> Span | None:
    """The span at the other end of the wait."""
    if charge.span is not None and charge.entry.callee:
        callees = facts.family.callees.get(charge.span.span_id, [])
        return next((each for each in callees if each.service == charge.entry.callee), None)
    return charge.after


def _first(lines: list[Line]) -> Span:
    return lines[0].spans[0]


def _calls(lines: list[Line]) -> str:
    number = sum(len(line.spans) for line in lines)
    return f" in {number} calls" if number > 1 else ""


def _named_wait(facts: Facts, lines: list[Line]) -> _Told:
    times = len(lines[0].spans)
    often = f" ({times} times)" if times > 1 else ""
    return (
        f"waiting: {shown(_first(lines))} took {_long(lines)}{often} before work could begin, {_share(facts, lines)}",
        "see who holds what it waits for, and for how long: the pool may be too small, or its users slow",
    )


def _opening(facts: Facts, lines: list[Line]) -> _Told:
    worst = facts.worst(lines, 1)[0]
    return (
        f"waiting: opening a connection took {_long(lines)} ({shown(worst)}), {_share(facts, lines)}",
        "look at the name lookup, at TLS, and at how many connections the other side takes; then keep connections open "
        "(a pool) instead of opening one for each request",
    )


def _cold_start(facts: Facts, lines: list[Line]) -> _Told:
    whom = wording.clean(lines[0].callee or lines[0].service)
    return (
        f"cold start: {shown(_first(lines))} waited {_long(lines)}{_calls(lines)} while {whom} was being started "
        f"(its span says so), {_share(facts, lines)}",
        f"keep an instance of {whom} warm, or make its start shorter: less to load, less to connect to",
    )


def _in_front(facts: Facts, lines: list[Line]) -> _Told:
    callee = wording.clean(lines[0].callee)
    late = [c for line in lines for c in line.charges if (met := _met(facts, c)) and c.span and met.start >= c.span.end]
    if late:
        return _gave_up(facts, lines, late)
    return (
        f"waiting in front of {callee}: {shown(_first(lines))} had been sent for {_long(lines)}{_calls(lines)}, "
        f"{_share(facts, lines)}, before {callee} began to work on it",
        f"either the network, or every worker of {callee} was busy. {MANY_TELL}",
    )


def _gave_up(facts: Facts, lines: list[Line], late: list[Charge]) -> _Told:
    """The callee began only after the caller had given up: its queue, since the clocks of the two agree."""
    charge = max(late, key=lambda each: each.ns)
    call, callee = charge.span, _met(facts, charge)
    assert call is not None and callee is not None
    name = wording.clean(callee.service)
    began = wording.duration((callee.start - call.start) / 1e6)
    return (
        f"waiting in front of {name}: {shown(callee)} began {began} after {shown(call)} had been sent, when "
        f"{wording.clean(call.service)} had given up already ({wording.duration(call.ms)}), {_share(facts, lines)}",
        f"every worker of {name} was busy: look at its queue; what it did then was for nobody",
    )


def _on_the_way_back(facts: Facts, lines: list[Line]) -> _Told:
    callee = wording.clean(lines[0].callee)
    return (
        f"waiting for the way back: {_long(lines)}, {_share(facts, lines)}, lie in {shown(_first(lines))}"
        f"{_calls(lines)} after {callee} had answered",
        "a slow network, a large body, or a proxy between the two: look at the answer's size, and what is in between",
    )


def _dark(facts: Facts, lines: list[Line]) -> _Told | None:
    (line,) = lines
    longest = max(line.charges, key=lambda charge: charge.ns)
    after = longest.after
    if after is None or longest.span is None or longest.ns * 2 < line.ns or _something_ran(facts, longest):
        return None
    first = longest.start == longest.span.start
    where = "began its first recorded work" if first else "could go on"
    target = "a connection from the pool, a lock" if conventions.is_db(after) else "a lock, a free thread, a limit"
    often = f" ({len(line.spans)} times)" if len(line.spans) > 1 else ""
    return (
        f"dark time: {shown(longest.span)} recorded nothing for {facts.amount(lines)}{often}, before it {where} "
        f"({wording.clean(naming.label(after))})",
        f"it waited ({target}) or ran code that has no span: put a span around what happens there. {MANY_TELL}",
    )


def _something_ran(facts: Facts, charge: Charge) -> bool:
    """Whether a child that nobody waited for covers most of the stretch: then something was recorded there."""
    assert charge.span is not None
    covered, now = 0, charge.start
    for child in facts.family.children(charge.span):
        start, end = max(child.start, now), min(child.end, charge.end)
        if end > start:
            covered, now = covered + end - start, end
    return covered * 2 > charge.ns


def _long(lines: list[Line]) -> str:
    return wording.duration(sum(line.ns for line in lines) / 1e6)


def _share(facts: Facts, lines: list[Line]) -> str:
    return f"{wording.share(facts.share_of(lines))} {facts.when(lines)}"
