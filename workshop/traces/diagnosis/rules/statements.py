"""Databases: the slow statement, and the same statement many times."""

from collections.abc import Iterator
from itertools import pairwise

from workshop.traces import wording
from workshop.traces.diagnosis import plan
from workshop.traces.diagnosis.facts import Facts
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.model import conventions, naming, statements
from workshop.traces.model.trace import Span

_HOW_TO_EXPLAIN = {
    "postgresql": "EXPLAIN (ANALYZE, BUFFERS)",
    "mysql": "EXPLAIN ANALYZE",
    "mariadb": "ANALYZE",
    "mongodb": 'explain("executionStats")',
    "mssql": "its execution plan",
    "microsoft.sql_server": "its execution plan",
}


def slow_statement(facts: Facts) -> Iterator[Finding]:
    """A statement that kept the trace waiting, with its plan where one is to be had."""
    limits = facts.limits
    slow: dict[tuple[str, ...], list[Span]] = {}
    for section_owner in facts.own:
        span = facts.trace.by_id[section_owner]
        if not conventions.is_db(span) or conventions.is_wait(span):
            continue
        # Below an orphan it was put where it is by times alone: in a quick trace that is not enough to blame it.
        if facts.is_below_orphan(span) and facts.whole < limits.whole_ms * 1e6:
            continue
        if facts.matters(facts.own_ns(span), limits.statement_ms, limits.share * 0.8):
            slow.setdefault(naming.same_work(span), []).append(span)
    for key, spans in slow.items():
        total = sum(facts.own_ns(span) for span in spans)
        if facts.share(total) < limits.share:
            continue
        yield _slow(facts, key, sorted(spans, key=facts.own_ns, reverse=True), total)


def _slow(facts: Facts, key: tuple[str, ...], spans: list[Span], total: int) -> Finding:
    worst = spans[0]
    times = f" in {len(spans)} runs" if len(spans) > 1 else ""
    ran = sum(span.duration for span in spans)
    # Of a statement that outlived its request, the trace waited only for the beginning.
    verb = "took" if ran < 1.2 * total else f"ran for {wording.duration(ran / 1e6)} and was waited for"
    title = (
        f"slow statement: {shown(worst)} {verb} {wording.duration(total / 1e6)}{times}, "
        f"{wording.share(facts.share(total))} of the critical path"
    )
    details = []
    how = _HOW_TO_EXPLAIN.get(conventions.db_system(worst) or "", "EXPLAIN")
    advice = f"look at the statement's plan: {how}"
    text = conventions.statement(worst)
    if text:
        details.append(f"statement: {wording.clean(statements.head(text, 300))}")
    document = facts.explain(text, conventions.database(worst)) if facts.explain and text else None
    if document is not None:
        missing = plan.missing_index(document)
        # Asked for when the trace is read: an index may have been made since the trace.
        details.append(f"plan now: {missing.node if missing else plan.outline(document)}")
        if missing:
            title += f": {missing}"
            advice = f"create index on {missing.table} ({', '.join(missing.columns)})"
        elif _locks(text or ""):
            advice = "the plan misses no index and the statement locks rows: look for who held them (pg_locks)"
        else:
            advice = f"the plan as it is now misses no index: if a new trace is as slow, {how}"
    elif _locks(text or ""):
        advice = "the statement locks rows, so part of its time may be waiting for another transaction: " + advice
    return Finding(
        rule="slow-statement",
        severity="problem",
        title=title,
        evidence=[facts.evidence(span, facts.own_ns(span)) for span in spans[:5]],
        ms=total / 1e6,
        share=facts.share(total),
        about=" ".join(key),
        advice=advice,
        details=details,
    )


def _locks(text: str) -> bool:
    start = statements.tidy(text)[:20_000].lower()
    return "for update" in start or start.startswith(("update", "delete", "lock", "merge"))


def repeated(facts: Facts) -> Iterator[Finding]:
    """The same statement or call many times under one parent, one after another (N+1)."""
    limits = facts.limits
    for parent in facts.trace.spans:
        children = facts.trace.children(parent)
        if len(children) < limits.repeats:
            continue
        groups: dict[tuple[str, ...], list[Span]] = {}
        for child in children:
            if child.waited_for and child.kind in ("client", "internal"):
                groups.setdefault(naming.same_work(child), []).append(child)
        for group in groups.values():
            if len(group) >= limits.repeats and (calls := _calls(facts, group)):
                total = sum(facts.inside_ns(child) for child in group)
                enough = total >= limits.repeats_ms * 1e6 or len(group) >= limits.many_repeats
                if enough and facts.share(total) >= limits.repeats_share and _one_after_another(group):
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
