"""What the rules over a population ask of it: its spans by service, and findings that many traces have together."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from workshop.traces import wording
from workshop.traces.diagnosis.findings import Evidence, Finding, Limits, Severity
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span, Trace

HIGHEST = 8  # spans between a statement and the request that it is made for: looked at so far up
Kind = tuple[str, str]  # a service, and the name of its work without ids


@dataclass(frozen=True)
class Common:
    """What a population says, and which findings about single traces it explains: they are not told again."""

    finding: Finding
    explains: Callable[[Finding], bool] = lambda finding: False


@dataclass(frozen=True)
class Unit:
    """A piece of a service's work with the statements that it waited for, by start, whatever stands between."""

    trace: Trace
    span: Span
    statements: list[Span]


class Crowd:
    """Traces of one operation (`mine`), and all that were recorded at the same time (`traces`, those among them)."""

    def __init__(self, mine: Sequence[Trace], around: Sequence[Trace], limits: Limits) -> None:
        self.limits = limits
        known = {trace.trace_id: trace for trace in (*mine, *around)}
        self.traces = sorted(known.values(), key=lambda trace: trace.start)
        self.mine = {trace.trace_id: trace for trace in mine}
        self.roots = {trace_id: trace.root for trace_id, trace in known.items()}

    @cached_property
    def statements(self) -> list[tuple[Trace, Span]]:
        """Every statement and command."""
        return [(trace, span) for trace in self.traces for span in trace.spans if conventions.is_db(span)]

    @cached_property
    def units(self) -> dict[Kind, list[Unit]]:
        """Each kind of work with statements below it, of the same service."""
        below: dict[tuple[str, str], tuple[Trace, Span, list[Span]]] = {}
        for trace, statement in self.statements:
            above = trace.parent(statement)
            for _ in range(HIGHEST):
                if above is None or above.service != statement.service or above.kind == "client":
                    break
                below.setdefault((above.trace_id, above.span_id), (trace, above, []))[2].append(statement)
                above = trace.parent(above)
        found: dict[Kind, list[Unit]] = defaultdict(list)
        for trace, span, statements in below.values():
            found[span.service, naming.name_template(naming.label(span))].append(Unit(trace, span, statements))
        return found

    def finding(
        self,
        rule: str,
        title: str,
        spans: Iterable[Span],
        advice: str,
        *,
        about: str,
        severity: Severity = "problem",
        weight: float = 0.0,
        details: Sequence[str] = (),
    ) -> Finding | None:
        """One finding for spans of many traces, the most telling first; None where none is of this operation."""
        proof = [span for span in spans if span.trace_id in self.mine]
        if not proof:
            return None
        number = len({span.trace_id for span in proof})
        shares = [self.share(span) for span in proof]
        return Finding(
            rule=rule,
            severity=severity,
            # Of one trace among its neighbours the title is about all of them.
            title=title if len(self.mine) == 1 else f"{title} (in {number} of {len(self.mine)} traces)",
            evidence=[self.evidence(span) for span in proof[:5]],
            ms=median(span.ms for span in proof),
            share=min(1.0, median(shares)) * number / len(self.mine),
            about=about,
            advice=advice,
            details=list(details),
            weight=weight,
        )

    def share(self, span: Span) -> float:
        """The span's part of its trace's answer, 0 to 1."""
        root = self.roots[span.trace_id]
        return min(1.0, span.duration / root.duration) if root.duration else 0.0

    def evidence(self, span: Span) -> Evidence:
        """The span as evidence, for its whole duration."""
        return Evidence(
            trace_id=span.trace_id,
            span_id=span.span_id,
            service=wording.clean(span.service),
            name=wording.clean(naming.label(span)),
            ms=span.ms,
            share=self.share(span),
        )


def about_spans(spans: Iterable[Span], *rules: str) -> Callable[[Finding], bool]:
    """Whether a finding of one of these rules is about one of the spans: its first evidence."""
    ids = {(span.trace_id, span.span_id) for span in spans}
    return lambda found: found.rule in rules and (found.evidence[0].trace_id, found.evidence[0].span_id) in ids
