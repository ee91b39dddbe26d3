"""The search page: the traces found, in groups by what they are traces of."""

from dataclasses import dataclass, field, replace
from statistics import median

from workshop.console.search.form import ANY, SearchForm
from workshop.console.search.window import Windows, thinned
from workshop.traces.sources.summaries import TraceSummary, under_way
from workshop.traces.time.ranks import nearest_rank

# Jaeger searches one service at a time. "Any service" asks them one after another, up to this many.
ANY_SERVICE_LIMIT = 12
PLOTTED = 800  # dots: more only cover one another
# What the shop is about: shown first, where there is such a service.
FIRST = ("gateway", "POST /checkout")


@dataclass(slots=True)
class Group:
    """The traces with one root that are whole; durations are in ms."""

    service: str
    name: str
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
    """What a search found: `traces` for the table, `plotted` for the plot, of `total`; `open_ones` are under way.

    `form` is what was searched for; `asked` are the services that were searched, `services` all there are.
    """

    form: SearchForm
    services: list[str]
    asked: list[str]
    traces: list[TraceSummary]
    plotted: list[TraceSummary]
    total: int
    groups: list[Group]
    open_ones: set[str]


def search(windows: Windows, form: SearchForm, now: float) -> Found:
    """Searches up to `now` (Unix seconds). Raises JaegerError; a form with errors finds nothing."""
    services = windows.client.services()
    form = chosen(form, services)
    asked = _asked(form, services)
    found = [] if form.errors else windows.traces(form, asked, now)
    open_ones = {trace.trace_id for trace in found if under_way(trace, now)}
    whole = [trace for trace in found if trace.trace_id not in open_ones]
    newest = found[: form.limit]
    table = sorted(newest, key=lambda trace: trace.ms, reverse=True) if form.sort == "longest" else newest
    plotted = thinned(found, PLOTTED)
    return Found(form, services, asked, table, plotted, len(found), _groups(whole), open_ones)


def _asked(form: SearchForm, services: list[str]) -> list[str]:
    return services[:ANY_SERVICE_LIMIT] if form.any_service else [form.service]


def asked_of(windows: Windows, form: SearchForm) -> list[str]:
    """The services that a search asks Jaeger for."""
    return _asked(form, windows.client.services() if form.any_service else [])


def chosen(form: SearchForm, services: list[str]) -> SearchForm:
    """The form, or the shop's checkouts where nothing was asked for yet: other traces are a click away."""
    if form.service or form.operation or form.attributes:
        return form
    service, operation = FIRST
    return replace(form, service=service, operation=operation) if service in services else replace(form, service=ANY)


def _groups(traces: list[TraceSummary]) -> list[Group]:
    """The traces by root, the slowest group first."""
    groups: dict[tuple[str, str], Group] = {}
    for trace in traces:
        key = (trace.root_service, trace.root_name)
        groups.setdefault(key, Group(*key)).traces.append(trace)
    return sorted(groups.values(), key=lambda group: group.p50 * len(group.traces), reverse=True)
