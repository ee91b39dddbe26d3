"""What many traces have to say together: what most of them suffer from, and what only their times together tell."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median

from workshop.traces.diagnosis.diagnose import diagnose, rank
from workshop.traces.diagnosis.facts import Explain
from workshop.traces.diagnosis.findings import Diagnosis, Finding, Leg, Limits
from workshop.traces.diagnosis.population import combs, locks, lost, messages, pauses, queues, storms
from workshop.traces.diagnosis.population.common import in_common
from workshop.traces.diagnosis.population.crowd import Common, Crowd
from workshop.traces.model import naming
from workshop.traces.model.statements import normalised
from workshop.traces.model.trace import Trace

# In this order: a process that stands still is in no queue, and what waits in a queue is no code.
RULES: tuple[Callable[[Crowd], Iterator[Common]], ...] = (
    pauses.whole_periods,
    pauses.one_at_work,
    locks.waits_for_locks,
    queues.connections,
    queues.nobody_there,
    lost.lost_in_process,
    lost.sampled_away,
    messages.poison,
    messages.behind,
    storms.outlasting,
    combs.repeated,
)
# What something is amiss in, in however few of the traces.
IN_ERROR = {"error", "hidden-error", "orphans", "lost-context", "retries", "gave-up", "broken-off", "deadlock"}
RELATED = 50  # traces that began while one ran, in which its lost callees are looked for
RARE = 0.1  # of the traces have an error that the answer did not suffer from, at most: something is always amiss


def diagnose_many(
    traces: Sequence[Trace],
    *,
    limits: Limits | None = None,
    explain: Explain | None = None,
    around: Sequence[Trace] = (),
) -> Diagnosis:
    """Diagnoses traces of one operation together: what most of them suffer from, and errors that any of them has.

    `around` are traces of other operations of the same time: who keeps whom waiting, or has the lost part of one, may
    be among them. The trace named in the result is the one of median duration. A time that went up in fewer than half
    of the traces becomes a hint with the number of traces in it. One trace with others `around` it is told what it was
    kept waiting by. Raises ValueError without traces.
    """
    if not traces:
        raise ValueError("no traces to diagnose")
    plans: dict[tuple[str, str | None], object] = {}

    def explain_once(statement: str, database: str | None) -> object:
        key = (normalised(statement), database)
        if key not in plans:
            plans[key] = explain(statement, database) if explain else None
        return plans[key]

    ask = explain_once if explain else None
    related = _Begun([*traces, *around])
    single = [diagnose(trace, limits=limits, explain=ask, related=related.during(trace)) for trace in traces]
    if len(single) == 1 and {trace.trace_id for trace in around} <= {traces[0].trace_id}:
        return single[0]
    together = _together_only(Crowd(traces, around, limits or Limits()))
    groups: dict[tuple[str, str], list[Finding]] = {}
    for diagnosis in single:
        left = [f for f in diagnosis.findings if not any(each.explains(f) for each in together)]
        first: dict[tuple[str, str], Finding] = {}
        for finding in left:
            first.setdefault(finding.key, finding)
        for key, finding in first.items():
            groups.setdefault(key, []).append(finding)
    findings = [_together(group, traces) for group in groups.values()]
    middle = sorted(single, key=lambda diagnosis: diagnosis.ms)[(len(single) - 1) // 2]
    names = {each.root for each in single}
    return replace(
        middle,
        root=middle.root if len(names) == 1 else naming.name_template(middle.root),
        ms=median(d.ms for d in single),
        traces=len(single),
        spans=sum(d.spans for d in single),
        leg=_common_leg(single),
        findings=sorted([*(each.finding for each in together), *findings], key=rank),
    )


def _together_only(crowd: Crowd) -> list[Common]:
    """What the rules over the population find, without what an earlier one explains."""
    found: list[Common] = []
    for rule in RULES:
        found += [each for each in rule(crowd) if not any(earlier.explains(each.finding) for earlier in found)]
    return found


class _Begun:
    """Finds the traces that began while another one ran."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        self._traces = sorted({t.trace_id: t for t in traces}.values(), key=lambda trace: trace.root.start)
        self._starts = [trace.root.start for trace in self._traces]

    def during(self, trace: Trace) -> list[Trace]:
        first, last = bisect_left(self._starts, trace.start), bisect_right(self._starts, trace.end)
        return [each for each in self._traces[first : min(last, first + RELATED)] if each.trace_id != trace.trace_id]


def _together(group: list[Finding], traces: Sequence[Trace]) -> Finding:
    """One finding for the same one in several traces: the one of median time, with how many have it."""
    of = len(traces)
    typical = sorted(group, key=lambda finding: finding.ms)[(len(group) - 1) // 2]
    in_error = typical.rule in IN_ERROR
    rare = typical.rule == "hidden-error" and len(group) <= RARE * of
    dividing = in_common({finding.evidence[0].trace_id for finding in group}, traces)
    return replace(
        typical,
        title=typical.title if of == 1 else f"{typical.title} (in {len(group)} of {of} traces)",
        severity="hint" if rare or not (in_error or len(group) * 2 >= of) else typical.severity,
        ms=median(finding.ms for finding in group),
        share=median(finding.share for finding in group) * len(group) / of,
        weight=typical.weight * len(group) / of,
        details=[*typical.details, dividing] if dividing else typical.details,
    )


def _common_leg(single: list[Diagnosis]) -> Leg:
    (service, name), _ = Counter((d.leg.service, d.leg.name) for d in single).most_common(1)[0]
    legs = sorted((d.leg for d in single if (d.leg.service, d.leg.name) == (service, name)), key=lambda leg: leg.ms)
    return replace(
        legs[(len(legs) - 1) // 2], ms=median(leg.ms for leg in legs), share=median(leg.share for leg in legs)
    )
