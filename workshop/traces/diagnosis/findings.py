"""What a diagnosis consists of."""

from dataclasses import dataclass, field
from typing import Any, Literal

from workshop.traces import wording
from workshop.traces.model import naming
from workshop.traces.model.trace import Span

Severity = Literal["problem", "hint"]


@dataclass(slots=True, frozen=True)
class Limits:
    """From where on something is worth a finding. Times in ms; shares are of the critical path, 0 to 1.

    The defaults: 100 ms is what people still feel as at once (Nielsen, "Usability Engineering", 1993), and a statement
    that runs often is slow at half of it. A finding must also matter: below its share, curing it would not be noticed.
    In a trace shorter than `whole_ms` no call and no wait is a problem, however large its share: a busy machine lets
    any thread wait for some 50 ms now and then, and nobody would notice the cure.
    """

    slow_ms: float = 100.0
    whole_ms: float = 200.0
    statement_ms: float = 50.0
    waiting_ms: float = 100.0
    share: float = 0.25
    own_code_share: float = 0.4
    repeats: int = 5
    many_repeats: int = 20
    repeats_ms: float = 50.0
    repeats_share: float = 0.1
    overlap_ms: float = 30.0
    overlap_share: float = 0.2
    noise_spans: int = 50
    noise_share: float = 0.01


@dataclass(slots=True, frozen=True)
class Evidence:
    """A span that proves a finding; `ms` is the time meant, `share` its part of the critical path, 0 to 1."""

    trace_id: str
    span_id: str
    service: str
    name: str
    ms: float
    share: float

    def as_json(self) -> dict[str, Any]:
        """The evidence as data."""
        return {
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "service": self.service,
            "name": self.name,
            "ms": round(self.ms, 3),
            "share": round(self.share, 4),
        }


@dataclass(slots=True, frozen=True)
class Finding:
    """One thing that is wrong, in a sentence, with what proves it.

    `ms` and `share` say how much of the critical path it explains; `about` tells the same finding in
    several traces apart from others; `advice` is the next step.
    """

    rule: str
    severity: Severity
    title: str
    evidence: list[Evidence]
    ms: float
    share: float
    about: str
    advice: str = ""
    details: list[str] = field(default_factory=list)
    weight: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """Equal for the same finding in several traces."""
        return self.rule, self.about

    def as_json(self) -> dict[str, Any]:
        """The finding as data."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "title": self.title,
            "ms": round(self.ms, 3),
            "share": round(self.share, 4),
            "evidence": [each.as_json() for each in self.evidence],
            "details": self.details,
            "advice": self.advice,
        }


@dataclass(slots=True, frozen=True)
class Leg:
    """The leg on which most of a trace's time went: self time on the critical path in ms, and its share of it."""

    service: str
    name: str
    ms: float
    share: float
    span_id: str

    def __str__(self) -> str:
        return (
            f"{self.service} {self.name}, {wording.duration(self.ms)}, {wording.share(self.share)} of the critical path"
        )


@dataclass(slots=True, frozen=True)
class Diagnosis:
    """What can be said about one trace, or about several of one operation (`traces` then is above 1)."""

    trace_id: str
    root: str
    ms: float
    traces: int
    spans: int
    leg: Leg
    findings: list[Finding]

    @property
    def problems(self) -> list[Finding]:
        """The findings that are more than hints, worst first."""
        return [finding for finding in self.findings if finding.severity == "problem"]

    @property
    def healthy(self) -> bool:
        """Whether nothing but hints was found."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """The diagnosis in one sentence."""
        return f"healthy: the longest leg is {self.leg}" if self.healthy else self.problems[0].title

    def as_json(self) -> dict[str, Any]:
        """The diagnosis as data."""
        return {
            "trace_id": self.trace_id,
            "root": self.root,
            "ms": round(self.ms, 3),
            "traces": self.traces,
            "spans": self.spans,
            "healthy": self.healthy,
            "verdict": self.verdict,
            "longest_leg": {
                "service": self.leg.service,
                "name": self.leg.name,
                "ms": round(self.leg.ms, 3),
                "share": round(self.leg.share, 4),
                "span_id": self.leg.span_id,
            },
            "findings": [finding.as_json() for finding in self.findings],
        }


def shown(span: Span) -> str:
    """A span's service and label, safe to print."""
    return f"{wording.clean(span.service)} {wording.clean(naming.label(span))}"
