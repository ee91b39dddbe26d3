"""Locks that a database did not wait for any longer: a circle of transactions, and a wait that took too long."""

from collections.abc import Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span

# SQLSTATE of PostgreSQL and of the standard's serialization failures by deadlock; MySQL, SQL Server, Oracle.
_CODES = {"40p01": "", "1213": "mysql", "1205": "mssql", "60": "oracle"}
_WORDS = ("deadlock detected", "deadlock found", "deadlock victim", "was deadlocked", "ora-00060", "deadlockdetected")
ADVICE = (
    "lock rows in the same order everywhere, sorted by their key for example; the other transaction of the circle is "
    "in another trace, whose statement went on at that moment"
)


HELD = (
    "another transaction held the lock for longer than this one waits: look for it (pg_blocking_pids, or the "
    "database's own view of who waits for whom) and at what it did meanwhile"
)
_TOO_LONG = ("lock timeout", "lock wait timeout", "lock request time out", "could not obtain lock", "ora-30006")


def next_step(span: Span) -> str:
    """What to do about a statement that was ended for a lock; "" for others."""
    if is_deadlock(span):
        return ADVICE
    text = f"{conventions.error_text(span)} {span.status_message}".lower()
    return HELD if conventions.is_db(span) and any(words in text for words in _TOO_LONG) else ""


def is_deadlock(span: Span) -> bool:
    """Whether a database ended the statement because of a deadlock."""
    if not span.is_error or not conventions.is_db(span):
        return False
    code = str(conventions.first(span, "db.response.status_code", "error.type") or "").lower()
    system = (conventions.db_system(span) or "").lower()
    if code in _CODES and (not _CODES[code] or _CODES[code] in system or (code == "1205" and "sql_server" in system)):
        return True
    text = f"{conventions.error_text(span)} {span.status_message}".lower()
    return any(words in text for words in _WORDS)


def deadlocks(facts: Facts) -> Iterator[Finding]:
    """Statements that were ended by a deadlock, and the time that they and the same one run again waited.

    Where the answer failed of it, that is the error's finding.
    """
    if facts.trace.root.is_error:
        return
    ended = [span for span in facts.trace.spans if is_deadlock(span)]
    groups: dict[tuple[str, ...], list[Span]] = {}
    for span in ended:
        groups.setdefault(naming.same_work(span), []).append(span)
    for key, spans in groups.items():
        alike = [span for span in facts.trace.spans if conventions.is_db(span) and naming.same_work(span) == key]
        ns = sum(facts.own_ns(span) for span in alike)
        facts.tell_spans(alike)
        first = max(spans, key=lambda span: span.duration)
        yield Finding(
            rule="deadlock",
            severity="problem",
            title=(
                f"deadlock: {shown(first)} waited {wording.duration(first.ms)} and was ended by the database "
                f"({wording.count(len(spans), 'time')}), because transactions waited for each other in a circle"
            ),
            evidence=[facts.evidence(span) for span in spans[:5]],
            ms=ns / 1e6,
            share=facts.share(ns),
            about=" ".join(key),
            advice=ADVICE,
            weight=0.2,
        )
