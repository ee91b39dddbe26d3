"""What a trace has to say: findings in plain words, worst first. Of many: see diagnose_many."""

from collections.abc import Sequence

from workshop.traces import wording
from workshop.traces.diagnosis.facts import Explain, Facts
from workshop.traces.diagnosis.findings import Diagnosis, Finding, Leg, Limits
from workshop.traces.diagnosis.rules import (
    broken_off,
    calls,
    deadlines,
    errors,
    locks,
    own_code,
    retries,
    statements,
    structure,
    waiting,
)
from workshop.traces.model import naming
from workshop.traces.model.trace import Trace
from workshop.traces.time.legs import longest_leg

# In this order: what a line of the account is the finding of, the next rules know.
RULES = (
    retries.retries,
    locks.deadlocks,
    statements.repeated,
    statements.slow_statement,
    calls.external_call,
    calls.sequential,
    waiting.waiting,
    own_code.own_code,
    own_code.most_of_it,
    own_code.spread,
    errors.errors,
    deadlines.gave_up,
    broken_off.broken_off,
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
        findings=sorted(_without_doubles(findings), key=rank),
    )


def rank(finding: Finding) -> tuple[bool, float, bool]:
    """Problems before hints, and what explains most of the time first; of two that explain the same, the failure."""
    return finding.severity != "problem", -max(finding.share, finding.weight), "error" not in finding.rule


def _without_doubles(findings: list[Finding]) -> list[Finding]:
    """A call whose callee was found, in another trace or among the orphans, is no external one.

    And why a database could not be reached is said already where it was waited for. Between a call that broke off
    and what is left of its callee's work stood nothing, and no answer was on its way back.
    """
    lost = {f.evidence[0].span_id for f in findings if f.rule in ("lost-context", "orphans", "broken-off")}
    broken = {each.span_id for f in findings if f.rule == "broken-off" for each in f.evidence}
    vain = {each.span_id for f in findings if f.rule == "unreachable" for each in f.evidence}
    doubles = {"external-call": lost, "hidden-error": vain | broken, "orphans": broken, "waiting": broken}
    return [f for f in findings if f.evidence[0].span_id not in doubles.get(f.rule, ())]


def _leg(facts: Facts) -> Leg:
    leg = longest_leg(facts.trace, facts.path)
    return Leg(
        service=wording.clean(leg.span.service),
        name=wording.clean(leg.label),
        ms=leg.ns / 1e6,
        share=facts.share(leg.ns),
        span_id=leg.span.span_id,
    )
