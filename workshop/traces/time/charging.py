"""Which line of the account a stretch of the critical path is charged to: what kind of time it was, whose, of what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workshop.traces.model import conventions, naming, statements, words
from workshop.traces.model.trace import Span
from workshop.traces.time.critical_path import Section
from workshop.traces.time.family import Family, is_call, is_callee

When = Literal["before", "during", "after"]

# Every kind of time, and what it is.
KINDS = {
    "own-code": "a span of the service's own in which it called nobody: its code, or what has no span",
    "before-work": "a span that recorded nothing yet, before its first work or before a statement: code, or a wait",
    "statement": "a statement or a command in a database",
    "external-call": "a call that nothing in the trace answers",
    "way-there": "a call that had been sent, before the callee began: network, or a queue in front of the callee",
    "way-back": "a call whose callee had answered, before it ended: network, a large body, a proxy",
    "way": "a call while the callee did not run, where corrected clocks do not tell the way there from the way back",
    "cold-start": "a call that had been sent, while the callee's runtime was started for it",
    "connection": "opening a connection",
    "wait": "a span that says that it waits: for a connection of a pool, a lock, a place",
    "idle": "asking for messages while there were none",
    "stream": "an answer that is kept open: a stream, a websocket",
    "delivery": "a message on its way, or in a queue, before its consumer began",
    "unrecorded": "time in which nothing at all was recorded",
}


@dataclass(slots=True, frozen=True)
class Entry:
    """Whose time, of what kind, spent on what: what makes a line, see account.Line.

    `waits_for` names what was, or may have been, held by somebody else, whose trace then has the cause.
    """

    kind: str
    service: str
    callee: str
    what: str
    label: str
    waits_for: str = ""


def entry_of(family: Family, section: Section) -> Entry:
    """The entry for a stretch of a span's own time."""
    span = section.span
    if words.starts_cold(span.name) and span.kind in ("internal", "server"):
        return _named("cold-start", span)
    # What comes after the first work below a poll is work, not waiting.
    if conventions.is_poll(span) and section.before is None and family.trace.root.kind != "server":
        return _named("idle", span)
    if conventions.is_wait(span) and (words.says_what_for(span.name) or call_around(family, span) is None):
        return _named("wait", span, waits_for=words.waited_for(span.name))
    if conventions.opens_connection(span):
        return _named("connection", span, waits_for="connection")
    callees = family.callees.get(span.span_id, ())
    # Where a request that is no stream waits for one, somebody waits for its answer.
    if conventions.is_stream(span) and (family.trace.root.kind != "server" or conventions.is_stream(family.trace.root)):
        return _named("stream", span)
    if conventions.is_db(span) and not callees:
        return _statement(span)
    if is_call(family, span):
        return _call(family, section, callees)
    call = call_around(family, span) if span.kind == "internal" else None
    if call is None:
        return _own(family, section)
    # A part of a call, one attempt for example: what it waits for is what the call waits for.
    if waited := [callee for callee in callees if family.waited_for(callee)]:
        return _way(family, section, waited)
    return _own(family, section) if family.children(span) or call.span_id in family.callees else _external(call)


def _named(kind: str, span: Span, *, waits_for: str = "") -> Entry:
    return Entry(kind, span.service, "", naming.name_template(span.name), naming.label(span), waits_for)


def _statement(span: Span) -> Entry:
    text = conventions.statement(span)
    what = statements.normalised(text)[:500] if text else naming.name_template(span.name)
    # A statement that locks rows may have waited for whoever holds them.
    return Entry(
        "statement", span.service, "", what, naming.label(span), "lock" if statements.locks(text or "") else ""
    )


def _call(family: Family, section: Section, callees: Sequence[Span]) -> Entry:
    span = section.span
    waited = [callee for callee in callees if family.waited_for(callee)]
    if waited:
        return _way(family, section, waited)
    if span.span_id in family.wrappers or (span.kind == "producer" and _does_more(family, span)):
        return _own(family, section)
    return _external(span)


def _does_more(family: Family, span: Span) -> bool:
    return any(child.service == span.service for child in family.children(span))


_ADDRESS = re.compile(r"(?<![\w.])(?!127\.)\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.])")


def _external(span: Span) -> Entry:
    # One of several that are alike, by number or by an address of its own, is all of them.
    callee = _ADDRESS.sub("{ip}", naming.one_of_many(conventions.peer(span) or ""))
    method, address = conventions.http_method(span), conventions.path(span)
    what = f"{method} {naming.path_template(address)}" if method and address else naming.name_template(span.name)
    return Entry("external-call", span.service, callee, what, naming.label(span))


def _way(family: Family, section: Section, callees: list[Span]) -> Entry:
    """The way to a callee or back from it; a call with several callees has a way to each."""
    span = section.span
    later = next((callee for callee in callees if callee.start >= section.end), None)
    earlier = next((callee for callee in reversed(callees) if callee.end <= section.start), None)
    callee = later or earlier or callees[0]
    kind = "way-there" if later else "way-back" if earlier else "way"
    if callee.shift != span.shift:
        # A corrected clock put the callee in the middle of the call: which way it was is not measured, but assumed.
        kind = "way"
    elif later and _started_cold(family, callee):
        kind = "cold-start"
    what = naming.name_template(naming.label(callee))
    waits_for = "queue" if kind == "way-there" else ""
    return Entry(kind, span.service, callee.service, what, naming.label(span), waits_for)


def _started_cold(family: Family, callee: Span) -> bool:
    return conventions.is_cold_start(callee) or any(map(conventions.is_cold_start, family.children(callee)[:8]))


def call_around(family: Family, span: Span) -> Span | None:
    """The call of which an internal span is a part."""
    above = family.parent(span)
    for _ in range(8):
        if above is None or above.service != span.service:
            return None
        if conventions.is_call(above):
            return None if above.span_id in family.wrappers else above
        if above.kind != "internal":
            return None
        above = family.parent(above)
    return None


def _own(family: Family, section: Section) -> Entry:
    """The span's own code; in front of its first work, or of a statement, it may as well have waited."""
    span, after = section.span, section.after
    label = naming.label(span)
    what = naming.name_template(label if span.kind == "server" else span.name)
    if after is not None and is_callee(span, after) and _started_cold(family, after):
        what = naming.name_template(naming.label(after))
        return Entry("cold-start", span.service, after.service, what, label)
    if after is not None and span.kind != "client" and (section.start == span.start or conventions.is_db(after)):
        waits_for = "pool" if conventions.is_db(after) else "thread"
        return Entry("before-work", span.service, "", what, label, waits_for)
    return Entry("own-code", span.service, "", what, label)
