"""Databases: the slow statement, and the same statement many times."""

import re
from collections.abc import Iterator
from itertools import pairwise

from workshop.traces import wording
from workshop.traces.diagnosis import plan
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.diagnosis.rules.locks import is_deadlock
from workshop.traces.diagnosis.rules.retries import repeated_ids
from workshop.traces.diagnosis.rules.waiting import MANY_TELL
from workshop.traces.model import conventions, naming, statements
from workshop.traces.model.error_words import error_words
from workshop.traces.model.trace import Span
from workshop.traces.time.account import Line

# What shows why a statement was slow, by the database's name in the conventions, old and new.
_PLANS = {
    "postgresql": "EXPLAIN (ANALYZE, BUFFERS)",
    "mysql": "EXPLAIN ANALYZE",
    "mariadb": "ANALYZE",
    "mssql": "its execution plan",
    "microsoft.sql_server": "its execution plan",
    "oracle": "DBMS_XPLAN",
    "oracle.db": "DBMS_XPLAN",
    "sqlite": "EXPLAIN QUERY PLAN",
    "clickhouse": "EXPLAIN, and system.query_log",
    "cockroachdb": "EXPLAIN ANALYZE",
}
_KEY_VALUE = "look at SLOWLOG GET, at the size of the value, and at the network between: a command has no plan"
_NEXT = {
    "redis": _KEY_VALUE,
    "valkey": _KEY_VALUE,
    "memcached": "look at the size of the value and at the network between: a command has no plan",
    "mongodb": "look at its entry in system.profile: its plan and docsExamined tell whether an index is missing",
    "dynamodb": (
        "look at the consumed capacity and at ThrottledRequests, and whether it is a Scan where a Query would do: "
        "there is no plan"
    ),
    "cassandra": "look at it with TRACING ON: partitions that are too large, tombstones, ALLOW FILTERING",
    "elasticsearch": "look at it with the profile API, and at the slow log",
    "opensearch": "look at it with the profile API, and at the slow log",
    "couchbase": "look at it with EXPLAIN and at system:completed_requests",
    "neo4j": "look at it with PROFILE",
}
_ALIASES = {"aws.dynamodb": "dynamodb", "azure.cosmosdb": "cosmosdb", "cosmosdb": "cosmosdb"}


def slow_statement(facts: Facts) -> Iterator[Finding]:
    """A statement that kept the trace waiting, with its plan where one is to be had."""
    limits = facts.limits
    for line in facts.lines:
        if line.kind != "statement" or not facts.weighs([line], limits.share):
            continue
        if facts.is_told(line) and any(map(is_deadlock, line.spans)):
            continue  # it waited, first in the circle and then for its other half
        worst = max(facts.own_ns(span) for span in line.spans)
        alone = worst >= limits.statement_ms * 1e6 and worst >= 0.8 * limits.share * facts.weighed_against(worst)
        together = not facts.is_told(line) and facts.worth_telling([line], 2 * limits.slow_ms, limits.share)
        # Below an orphan it was put where it is by times alone: in a quick trace that is not enough to blame it.
        guessed = line.orphan_ns * 2 > line.ns and facts.whole < limits.whole_ms * 1e6
        if (alone or together) and not guessed:
            facts.tell([line])
            yield _unreachable(facts, line) if _in_vain(line) else _slow(facts, line)


_NO_WAY = re.compile(
    r"connecting|connect(?:ion)? (?:timed out|timeout|refused|reset|failed|error|to server)|refused|econn|ehostunreach"
    r"|unreachable|no route|could not connect|cannot connect|can't connect|failed to connect|unable to connect|dial tcp"
    r"|name resolution|getaddrinfo|enotfound|no such host|connecttimeout|connect timeout|broken pipe|circuit",
    re.IGNORECASE,
)


def _in_vain(line: Line) -> bool:
    """Whether most of the line's time went into statements that never got to the database."""
    vain = {span.span_id for span in line.spans if span.is_error and _NO_WAY.search(conventions.error_text(span))}
    return sum(c.ns for c in line.charges if c.span is not None and c.span.span_id in vain) * 2 > line.ns


def _unreachable(facts: Facts, line: Line) -> Finding:
    """A wait for a connection that did not come about: no statement is slow, and no plan is to be looked at."""
    spans = facts.worst([line], len(line.spans))
    worst, total = spans[0], line.ns
    whom = wording.clean(" at ".join(filter(None, (_system(worst), conventions.peer(worst)))))
    times = f" in {len(spans)} attempts" if len(spans) > 1 else ""
    went_on = "" if facts.trace.root.is_error else ", and the request went on without it"
    return Finding(
        rule="unreachable",
        severity=facts.severity([line]),
        title=(
            f"waited in vain: {shown(worst)} waited {wording.duration(total / 1e6)}{times} for {whom}, which could not "
            f"be reached ({wording.clean(error_words(worst))}), {wording.share(facts.share_of([line]))} "
            f"{facts.when([line])}{went_on}"
        ),
        evidence=[facts.evidence(span, facts.own_ns(span)) for span in spans[:5]],
        ms=total / 1e6,
        share=facts.share_of([line]),
        about=" ".join(line.key),
        advice=(
            "see whether it runs, and what is on the way (a firewall that drops, a name, a full backlog); a request "
            "that can do without it should give up at once: a short timeout for connecting, a circuit breaker"
        ),
    )


def _slow(facts: Facts, line: Line) -> Finding:
    spans = facts.worst([line], len(line.spans))
    worst, total = spans[0], line.ns
    times = f" in {len(spans)} runs" if len(spans) > 1 else ""
    ran = sum(span.duration for span in spans)
    # Of a statement that outlived its request, the trace waited only for the beginning.
    verb = "took" if ran < 1.2 * total else f"ran for {wording.duration(ran / 1e6)} and was waited for"
    title = (
        f"slow statement: {shown(worst)} {verb} {wording.duration(total / 1e6)}{times}, "
        f"{wording.share(facts.share_of([line]))} {facts.when([line])}"
    )
    details = []
    text = conventions.statement(worst)
    if text:
        details.append(f"statement: {wording.clean(statements.head(text, 300))}")
    advice = _next(worst)
    planned = facts.explain and text and _has_plan(worst)
    document = facts.explain(text, conventions.database(worst)) if facts.explain and text and planned else None
    if document is not None:
        misjudged = plan.misjudged(document)
        missing = None if misjudged else plan.missing_index(document)
        scan = misjudged or missing
        # Asked for when the trace is read: an index may have been made since the trace.
        details.append(f"plan now: {scan.node if scan else plan.outline(document)}")
        if misjudged:
            title += f": {misjudged}"
            advice = misjudged.advice
        elif missing:
            title += f": {missing}"
            advice = f"create index on {missing.table} ({', '.join(missing.columns)})"
        elif statements.locks(text or ""):
            advice = "the plan misses no index and the statement locks rows: look for who held them (pg_locks)"
        else:
            advice = f"the plan as it is now misses no index: if a new trace is as slow, {_PLANS['postgresql']}"
    elif statements.locks(text or ""):
        advice = f"the statement locks rows, and may have waited for another transaction: {advice}. {MANY_TELL}"
    return Finding(
        rule="slow-statement",
        severity=facts.severity([line]),
        title=title,
        evidence=[facts.evidence(span, facts.own_ns(span)) for span in spans[:5]],
        ms=total / 1e6,
        share=facts.share_of([line]),
        about=" ".join(line.key),
        advice=advice,
        details=details,
    )


_ENDS_TRANSACTION = ("commit", "rollback", "end", "begin", "start transaction", "savepoint", "release", "xa ")


def _has_plan(span: Span) -> bool:
    """Whether the statement is one that a database makes a plan for."""
    text = statements.tidy(conventions.statement(span) or span.name).lower()
    return not text.startswith(_ENDS_TRANSACTION) and _system(span) not in _NEXT


def _system(span: Span) -> str:
    system = (conventions.db_system(span) or "").lower()
    return _ALIASES.get(system, system)


def _next(span: Span) -> str:
    """The next step for a slow statement: by its database, and by whether it has a plan at all."""
    text = statements.tidy(conventions.statement(span) or span.name).lower()
    if text.startswith(("commit", "end", "xa ")):
        return (
            "a COMMIT waits until the log is on the disk, and for replicas: look at both, and at the transaction's size"
        )
    if text.startswith(_ENDS_TRANSACTION):
        return "it has no plan: look at the connection, and at what else the database did at that time"
    system = _system(span)
    if system in _NEXT:
        return _NEXT[system]
    return f"look at the statement's plan: {_PLANS.get(system, 'EXPLAIN')}"


def repeated(facts: Facts) -> Iterator[Finding]:
    """The same statement or call many times under one parent, one after another (N+1)."""
    limits = facts.limits
    again = repeated_ids(facts)
    for parent in facts.trace.spans:
        children = facts.trace.children(parent)
        if len(children) < limits.repeats:
            continue
        groups: dict[tuple[str, ...], list[Span]] = {}
        for child in children:
            # An attempt that another one followed is the retry's, and no further thing that was asked for.
            if child.waited_for and child.kind in ("client", "internal") and child.span_id not in again:
                groups.setdefault(naming.same_work(child), []).append(child)
        for group in groups.values():
            if len(group) >= limits.repeats and (calls := _calls(facts, group)):
                total = sum(map(facts.inside_ns, calls))
                enough = total >= limits.repeats_ms * 1e6 or len(group) >= limits.many_repeats
                if enough and facts.share(total) >= limits.repeats_share and _one_after_another(group):
                    facts.tell_spans(calls)
                    yield _repeated(facts, parent, calls, total)


def _calls(facts: Facts, group: list[Span]) -> list[Span]:
    """The calls that a group of siblings makes: they themselves, or one call of the same kind below each of them."""
    if conventions.is_db(group[0]) or conventions.is_call(group[0]):
        return group
    calls: dict[tuple[str, ...], list[Span]] = {}
    for span in group:
        for count, (below, _) in enumerate(facts.trace.walk(span)):
            if conventions.is_db(below) or conventions.is_call(below):
                calls.setdefault(naming.same_work(below), []).append(below)
                break
            if count > 50:
                break
    largest = max(calls.values(), key=len, default=[])
    return largest if len(largest) >= max(facts.limits.repeats, len(group) * 0.8) else []


def _one_after_another(group: list[Span]) -> bool:
    """Whether at least four in five begin when the one before has ended: else it is a deliberate fan-out."""
    pairs = list(pairwise(group))
    return sum(later.start >= earlier.end - 1_000 for earlier, later in pairs) >= 0.8 * len(pairs)


def _repeated(facts: Facts, parent: Span, calls: list[Span], total: int) -> Finding:
    first = calls[0]
    database = conventions.is_db(first)
    what = "statement" if database else "call"
    verb = (conventions.statement(first) or first.name).lstrip("( ")[:6].lower()
    if not database:
        advice = "ask for all of them in one request"
    elif verb == "insert":
        advice = "write all rows with one statement"
    else:
        advice = "fetch all of it with one statement: a join, or = ANY(…) with the whole list"
    text = conventions.statement(first)
    return Finding(
        rule="repeated",
        severity="problem",
        title=(
            f"the same {what} {len(calls)} times, one after another (N+1): {shown(first)} under {shown(parent)}, "
            f"{wording.duration(total / 1e6)} together, {wording.share(facts.share(total))} of the critical path"
        ),
        evidence=[facts.evidence(parent, total), *(facts.evidence(span) for span in calls[:3])],
        ms=total / 1e6,
        share=facts.share(total),
        about=" ".join(naming.same_work(first)),
        advice=advice,
        details=[f"statement: {wording.clean(statements.head(text, 300))}"] if database and text else [],
    )
