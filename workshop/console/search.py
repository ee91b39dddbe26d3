"""The search page: the traces found, in groups by what they are traces of."""

from dataclasses import dataclass, field
from statistics import median

from workshop.console.search_form import SearchForm
from workshop.traces.sources.jaeger import JaegerClient
from workshop.traces.sources.summaries import TraceSummary
from workshop.traces.time.ranks import nearest_rank

# Jaeger searches one service at a time. "Any service" asks them one after another, up to this many.
ANY_SERVICE_LIMIT = 12


@dataclass(slots=True)
class Group:
    """The traces with one root: `number` is its colour, durations are in ms."""

    service: str
    name: str
    number: int
    traces: list[TraceSummary] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """The median duration."""
        return median(trace.ms for trace in self.traces)

    @property
    def p95(self) -> float:
        """The 95th percentile (nearest rank)."""
        return nearest_rank([trace.ms for trace in self.traces], 95)

    @property
    def errors(self) -> int:
        """How many of the traces have an error in them."""
        return sum(trace.error_count > 0 for trace in self.traces)


@dataclass(slots=True)
class Found:
    """What a search found. `asked` are the services that were searched, `services` all there are."""

    services: list[str]
    asked: list[str]
    traces: list[TraceSummary]
    groups: list[Group]

    def group_of(self, trace: TraceSummary) -> Group:
        """The group that the trace is in."""
        return next(g for g in self.groups if (g.service, g.name) == (trace.root_service, trace.root_name))


def search(client: JaegerClient, form: SearchForm, now: float) -> Found:
    """Searches Jaeger up to `now` (Unix seconds). Raises JaegerError; a form with errors finds nothing."""
    services = client.services()
    asked = [form.service] if form.service else services[:ANY_SERVICE_LIMIT]
    found: dict[str, TraceSummary] = {}
    if not form.errors:
        for service in asked:
            for trace in client.search(
                service,
                form.operation or None if form.service else None,
                start=now - form.lookback_seconds,
                end=now + 60,  # clocks of other machines may be ahead
                limit=form.limit,
                min_ms=form.shortest(),
                max_ms=form.longest(),
                attributes=form.wanted_attributes() or None,
            ):
                found[trace.trace_id] = trace
    newest = sorted(found.values(), key=lambda trace: trace.start, reverse=True)[: form.limit]
    traces = sorted(newest, key=lambda trace: trace.ms, reverse=True) if form.sort == "longest" else newest
    return Found(services, asked, traces, _groups(newest))


def _groups(traces: list[TraceSummary]) -> list[Group]:
    """The traces by root, the slowest group first."""
    groups: dict[tuple[str, str], Group] = {}
    for trace in traces:
        key = (trace.root_service, trace.root_name)
        groups.setdefault(key, Group(*key, number=0)).traces.append(trace)
    ordered = sorted(groups.values(), key=lambda group: group.p50 * len(group.traces), reverse=True)
    for number, group in enumerate(ordered):
        group.number = number
    return ordered
