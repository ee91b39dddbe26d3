"""What a trace, or a number of traces of one operation, has to say: findings in plain words, worst first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Explain, Facts
from workshop.traces.diagnosis.findings import Diagnosis, Finding, Leg, Limits
from workshop.traces.diagnosis.rules import calls, errors, own_code, retries, statements, structure, waiting
from workshop.traces.model import naming
from workshop.traces.model.statements import normalised
from workshop.traces.model.trace import Trace
from workshop.traces.time.legs import longest_leg

# In this order: what a line of the account is the finding of, the next rules know.
RULES = (
    retries.retries,
    statements.repeated,
    statements.slow_statement,
    calls.external_call,
    calls.sequential,
    waiting.waiting,
    own_code.own_code,
    own_code.most_of_it,
    own_code.spread,
    errors.errors,
    retries.timeouts,
    structure.orphans,
    structure.beside,
    structure.never_ended,
    structure.late_work,
    structure.lost_context,
    structure.noise,
)


def diagnose(
    trace: Trace,
    *,
    limits: Limits | None = None,
    explain: Explain | None = None,
    related: Sequence[Trace] = (),
) -> Diagnosis:
    """Diagnoses one trace.

    `explain(statement, database)` may return a slow statement's plan (see workshop.traces.sources.explain); `related`
    are other traces of the same moment, in which a callee that lost its context is looked for.
    """
    facts = Facts(trace, limits or Limits(), explain, related)
    findings = [finding for rule in RULES for finding in rule(facts)]
    return Diagnosis(
        trace_id=trace.trace_id,
        root=f"{wording.clean(trace.root.service)} {wording.clean(naming.label(trace.root))}",
        ms=trace.root.ms,
        traces=1,
        spans=len(trace),
        leg=_leg(facts),
        findings=sorted(_without_doubles(findings), key=_rank),
    )


def _rank(finding: Finding) -> tuple[bool, float]:
    return finding.severity != "problem", -max(finding.share, finding.weight)


def _without_doubles(findings: list[Finding]) -> list[Finding]:
    """A call whose callee was found, in another trace or among the orphans, is no external one."""
    lost = {f.evidence[0].span_id for f in findings if f.rule in ("lost-context", "orphans")}
    return [f for f in findings if not (f.rule == "external-call" and f.evidence[0].span_id in lost)]


def _leg(facts: Facts) -> Leg:
    leg = longest_leg(facts.trace, facts.path)
    return Leg(
        service=wording.clean(leg.span.service),
        name=wording.clean(leg.label),
        ms=leg.ns / 1e6,
        share=facts.share(leg.ns),
        span_id=leg.span.span_id,
    )


def diagnose_many(
    traces: Sequence[Trace], *, limits: Limits | None = None, explain: Explain | None = None
) -> Diagnosis:
    """Diagnoses traces of one operation together: what most of them suffer from, and errors that any of them has.

    The trace named in the result is the one of median duration. A time that went up in fewer than half of
    the traces becomes a hint with the number of traces in it. Raises ValueError without traces.
    """
    if not traces:
        raise ValueError("no traces to diagnose")
    plans: dict[tuple[str, str | None], object] = {}

    def explain_once(statement: str, database: str | None) -> object:
        key = (normalised(statement), database)
        if key not in plans:
            plans[key] = explain(statement, database) if explain else None
        return plans[key]

    single = [diagnose(trace, limits=limits, explain=explain_once if explain else None) for trace in traces]
    if len(single) == 1:
        return single[0]
    middle = sorted(single, key=lambda diagnosis: diagnosis.ms)[(len(single) - 1) // 2]
    groups: dict[tuple[str, str], list[Finding]] = {}
    for diagnosis in single:
        for finding in {f.key: f for f in reversed(diagnosis.findings)}.values():
            groups.setdefault(finding.key, []).append(finding)
    findings = [_together(group, len(single)) for group in groups.values()]
    names = {each.root for each in single}
    return replace(
        middle,
        root=middle.root if len(names) == 1 else naming.name_template(middle.root),
        ms=median(d.ms for d in single),
        traces=len(single),
        spans=sum(d.spans for d in single),
        leg=_common_leg(single),
        findings=sorted(findings, key=_rank),
    )


def _together(group: list[Finding], of: int) -> Finding:
    """One finding for the same one in several traces: the one of median time, with how many have it."""
    typical = sorted(group, key=lambda finding: finding.ms)[(len(group) - 1) // 2]
    in_error = typical.rule in ("error", "hidden-error", "orphans", "lost-context", "retries")
    return replace(
        typical,
        title=f"{typical.title} (in {len(group)} of {of} traces)",
        severity=typical.severity if in_error or len(group) * 2 >= of else "hint",
        ms=median(finding.ms for finding in group),
        share=median(finding.share for finding in group) * len(group) / of,
        weight=typical.weight * len(group) / of,
    )


def _common_leg(single: list[Diagnosis]) -> Leg:
    (service, name), _ = Counter((d.leg.service, d.leg.name) for d in single).most_common(1)[0]
    legs = sorted((d.leg for d in single if (d.leg.service, d.leg.name) == (service, name)), key=lambda leg: leg.ms)
    return replace(
        legs[(len(legs) - 1) // 2], ms=median(leg.ms for leg in legs), share=median(leg.share for leg in legs)
    )
