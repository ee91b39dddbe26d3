"""The service map: who calls whom, how often and how long, and where the traces' time went.

Jaeger counts calls but keeps no durations, so those come from a sample: the newest traces. Databases and systems that
send no spans of their own are drawn too, from what their callers say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from workshop.console.search import search
from workshop.console.search_form import SearchForm
from workshop.traces import conventions, wording
from workshop.traces.client import JaegerClient, JaegerError, TraceNotFound
from workshop.traces.model import Span, Trace
from workshop.traces.timing import critical_path, on_path

SAMPLE = 40  # traces
SAMPLE_SPANS = 10_000  # a few huge traces must not keep the page waiting


@dataclass(slots=True)
class Node:
    """A service, a database, or a system outside; `share` is its part of the sampled critical paths, 0 to 1."""

    key: str
    name: str
    kind: Literal["service", "database", "outside"]
    what: str = "service"
    share: float = 0.0
    hot: bool = False


@dataclass(slots=True)
class Edge:
    """Calls from one node to another; `ms` has the time of the sampled ones, a sum for each trace that has any.

    A trace's sum and not the single call: of three statements two may be quick, and still the third is the problem.
    `counted` is Jaeger's own number of calls.
    """

    parent: str
    child: str
    message: bool = False
    ms: dict[str, float] = field(default_factory=dict)
    sampled: int = 0
    errors: int = 0
    counted: int | None = None

    def note(self, trace_id: str, ms: float, failed: bool) -> None:
        """Adds a call that a trace made."""
        self.ms[trace_id] = self.ms.get(trace_id, 0.0) + ms
        self.sampled += 1
        self.errors += failed

    @property
    def p50(self) -> float | None:
        """The median time of a trace in these calls, in ms; None where no call was in the sample."""
        return median(self.ms.values()) if self.ms else None

    @property
    def p95(self) -> float | None:
        """The 95th percentile of that time (nearest rank)."""
        values = sorted(self.ms.values())
        return values[min(len(values) - 1, int(len(values) * 0.95))] if values else None

    @property
    def calls(self) -> int:
        """The sampled calls, or what Jaeger counted where none was sampled."""
        return self.sampled or self.counted or 0


@dataclass(slots=True)
class ServiceMap:
    """Nodes and edges by key, and how many traces they come from."""

    nodes: dict[str, Node]
    edges: list[Edge]
    traces: int


def service_map(client: JaegerClient, form: SearchForm, now: float) -> ServiceMap:
    """Makes the map from the newest traces that fit the form. Raises JaegerError."""
    result = from_traces(sample(client, form, now))
    edges = {(edge.parent, edge.child): edge for edge in result.edges}
    try:
        counted = client.dependencies(now + 60, form.lookback_seconds + 60)
    except JaegerError:
        # Some storages keep no dependencies; the sample is enough for a map.
        counted = []
    for call in counted:
        if call.parent == call.child or form.service:
            continue
        for name in (call.parent, call.child):
            result.nodes.setdefault(name, Node(name, wording.clean(name), "service"))
        key = (call.parent, call.child)
        if key not in edges:
            edges[key] = Edge(*key)
            result.edges.append(edges[key])
        edges[key].counted = call.calls
    return result


def sample(client: JaegerClient, form: SearchForm, now: float) -> Iterator[Trace]:
    """The newest traces, at most SAMPLE of them and SAMPLE_SPANS spans, one by one: only one is in memory."""
    form.limit = SAMPLE
    room = SAMPLE_SPANS
    for summary in search(client, form, now).traces:
        if summary.span_count > room:
            continue
        try:
            yield client.get_trace(summary.trace_id)
        except TraceNotFound:
            continue  # dropped since the search
        room -= summary.span_count


def from_traces(traces: Iterable[Trace]) -> ServiceMap:
    """The map of some traces: who called whom in them, and each node's share of their critical paths."""
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], Edge] = {}
    own: dict[str, int] = {}
    senders: dict[tuple[str, str], str] = {}
    receivers: list[Span] = []
    count = 0
    for trace in traces:
        count += 1
        critical = on_path(critical_path(trace))
        for span in trace.spans:
            service = nodes.setdefault(span.service, Node(span.service, wording.clean(span.service), "service"))
            beyond = _beyond(trace, span)
            if beyond:
                nodes.setdefault(beyond.key, beyond)
            where = (beyond or service).key
            own[where] = own.get(where, 0) + critical.get(span.span_id, 0)
            for parent, child, ms in _calls(trace, span, beyond):
                edge = edges.setdefault((parent, child), Edge(parent, child, not span.waited_for))
                edge.note(span.trace_id, ms, span.is_error)
            if span.kind == "producer":
                senders[trace.trace_id, span.span_id] = span.service
            elif span.kind == "consumer" and span.links:
                receivers.append(span)
    for span in receivers:
        for link in span.links:
            sender = senders.get((link.trace_id, link.span_id))
            if sender and sender != span.service:
                edge = edges.setdefault((sender, span.service), Edge(sender, span.service, message=True))
                edge.note(span.trace_id, span.ms, span.is_error)
    whole = sum(own.values()) or 1
    for key, node in nodes.items():
        node.share = own.get(key, 0) / whole
    if nodes:
        max(nodes.values(), key=lambda node: node.share).hot = True
    return ServiceMap(nodes, list(edges.values()), count)


def _calls(trace: Trace, span: Span, beyond: Node | None) -> Iterator[tuple[str, str, float]]:
    """The calls that end in the span, as caller, callee, ms."""
    if beyond:
        yield span.service, beyond.key, span.ms
    parent = trace.parent(span)
    if parent and parent.service != span.service:
        # What the caller waited, network included, where the caller has a span for it.
        call = parent if parent.kind == "client" and len(trace.children(parent)) == 1 else span
        yield parent.service, span.service, call.ms


def _beyond(trace: Trace, span: Span) -> Node | None:
    """What a call without spans on the other side went to: a database, or a system outside."""
    if trace.children(span):
        return None
    if conventions.is_db(span):
        system = conventions.db_system(span) or "database"
        name = conventions.database(span) or system
        return Node(f"database {system} {name}", wording.clean(name), "database", wording.clean(system))
    if span.kind == "client" and (address := conventions.peer(span)):
        return Node(f"outside {address}", wording.clean(address), "outside", "not traced")
    return None
