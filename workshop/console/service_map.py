"""The service map: who calls whom, how often and how long, and where the traces' time went.

All of it comes from one sample of traces, spread over the period that is looked at. Databases and systems that send no
spans of their own are drawn too, from what their callers say.
"""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

from workshop.console.search.form import ANY, SearchForm
from workshop.console.search.found import ANY_SERVICE_LIMIT
from workshop.console.search.window import Windows
from workshop.traces import wording
from workshop.traces.model import conventions
from workshop.traces.model.trace import Span, Trace
from workshop.traces.sources.jaeger import TraceNotFound
from workshop.traces.sources.summaries import TraceSummary
from workshop.traces.time.critical_path import critical_path, on_path
from workshop.traces.time.ranks import nearest_rank

SAMPLE = 40  # traces
RUN = 10  # of them one after another
SAMPLE_SPANS = 10_000  # a few huge traces must not keep the page waiting


@dataclass(slots=True)
class Node:
    """A service, a database, or a system outside; `share` is its part of the sampled critical paths, 0 to 1.

    `query` are the search page's parameters that find its traces.
    """

    key: str
    name: str
    kind: Literal["service", "database", "outside"]
    what: str = "service"
    version: str = ""  # where it is another than the others have
    share: float = 0.0
    hot: bool = False
    query: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Edge:
    """Calls from one node to another; `ms` has their time, a sum for each trace that has any.

    A trace's sum and not the single call: of three statements two may be quick, and still the third is the problem.
    """

    parent: str
    child: str
    message: bool = False
    ms: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    errors: int = 0

    def note(self, trace_id: str, ms: float, failed: bool) -> None:
        """Adds a call that a trace made."""
        self.ms[trace_id] = self.ms.get(trace_id, 0.0) + ms
        self.calls += 1
        self.errors += failed

    def add(self, other: "Edge") -> None:
        """Adds another edge's calls."""
        for trace_id, ms in other.ms.items():
            self.ms[trace_id] = self.ms.get(trace_id, 0.0) + ms
        self.calls += other.calls
        self.errors += other.errors

    @property
    def p50(self) -> float:
        """The median time of a trace in these calls, in ms."""
        return median(self.ms.values())

    @property
    def p95(self) -> float:
        """The 95th percentile of that time (nearest rank)."""
        return nearest_rank([*self.ms.values()], 95)


@dataclass(slots=True)
class ServiceMap:
    """Nodes and edges by key, and how many traces they come from."""

    nodes: dict[str, Node]
    edges: list[Edge]
    traces: int


def map_data(found: ServiceMap, lookback: str) -> dict[str, Any]:
    """The map for `static/map/map.js`, which draws it."""
    return {
        "lookback": lookback,
        "nodes": [asdict(node) for node in found.nodes.values()],
        "edges": [
            {
                "parent": edge.parent,
                "child": edge.child,
                "message": edge.message,
                "calls": edge.calls,
                "errors": edge.errors,
                "p50": edge.p50,
            }
            for edge in found.edges
        ],
    }


def service_map(windows: Windows, form: SearchForm, now: float, peers: Mapping[str, str]) -> ServiceMap:
    """Makes the map from traces that fit the form; `peers` names systems outside by address. Raises JaegerError."""
    return from_traces(sample(windows, form, now), peers)


def sample(windows: Windows, form: SearchForm, now: float) -> Iterator[Trace]:
    """At most SAMPLE traces of SAMPLE_SPANS spans, spread evenly over the period, one by one: only one is in memory."""
    services = windows.client.services()[:ANY_SERVICE_LIMIT] if form.any_service else [form.service]
    room = SAMPLE_SPANS
    for summary in _spread(windows.traces(form, services, now), SAMPLE):
        if summary.span_count > room:
            continue
        try:
            yield windows.client.get_trace(summary.trace_id)
        except TraceNotFound:
            continue  # dropped since the search
        room -= summary.span_count


def _spread(traces: list[TraceSummary], most: int) -> list[TraceSummary]:
    """So many of the traces, in runs at equal distances from the first to the last: a message follows its sender."""
    if len(traces) <= most:
        return traces
    runs = most // RUN
    begins = [round(place * (len(traces) - RUN) / (runs - 1)) for place in range(runs)]
    return [trace for begin in begins for trace in traces[begin : begin + RUN]]


def from_traces(traces: Iterable[Trace], peers: Mapping[str, str] | None = None) -> ServiceMap:
    """The map of some traces: who called whom in them, and each node's share of their critical paths."""
    seen = _Seen(peers or {})
    for trace in traces:
        seen.add(trace)
    seen.settle_outside()
    seen.join_messages()
    whole = sum(seen.own.values()) or 1
    for key, node in seen.nodes.items():
        node.share = seen.own.get(key, 0) / whole
    for service, version in strange_versions(seen.versions).items():
        seen.nodes[service].version = wording.clean(version)
    if seen.nodes:
        max(seen.nodes.values(), key=lambda node: node.share).hot = True
    return ServiceMap(seen.nodes, list(seen.edges.values()), seen.traces)


def strange_versions(versions: Mapping[str, str]) -> dict[str, str]:
    """The services whose version is another than that of most; none where most have nothing in common."""
    counted = Counter(versions.values()).most_common(1)
    if not counted or counted[0][1] < 2 or counted[0][1] * 2 <= len(versions):
        return {}
    return {service: version for service, version in versions.items() if version != counted[0][0]}


@dataclass(slots=True)
class _Seen:
    """What is known after some traces.

    `peers` names systems outside by address; `own` has each node's time on critical paths in ns; `served` the addresses
    at which a service of ours answered a call; `answered` the outside nodes that gave a status; `places` who sends to
    which queue or topic; `versions` what each service's latest span, begun when `told` says, calls its version.
    """

    peers: Mapping[str, str]
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    own: dict[str, int] = field(default_factory=dict)
    senders: dict[tuple[str, str], str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    receivers: list[Span] = field(default_factory=list)
    served: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    versions: dict[str, str] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    traces: int = 0

    def add(self, trace: Trace) -> None:
        """Note a trace's spans."""
        self.traces += 1
        critical = on_path(critical_path(trace))
        for span in trace.spans:
            service = self.nodes.setdefault(span.service, _service(span.service))
            beyond = _beyond(trace, span, self.peers)
            if beyond:
                self.nodes.setdefault(beyond.key, beyond)
                self.answered |= {beyond.key} if conventions.http_status(span) else set()
            if (version := span.resource.get("service.version")) and span.start >= self.told.get(span.service, 0):
                self.versions[span.service], self.told[span.service] = str(version), span.start
            where = (beyond or service).key
            self.own[where] = self.own.get(where, 0) + critical.get(span.span_id, 0)
            for parent, child, ms, failed in _calls(trace, span, beyond):
                edge = self.edges.setdefault((parent, child), Edge(parent, child, not span.waited_for))
                edge.note(span.trace_id, ms, failed)
            caller = trace.parent(span)
            if span.kind == "server" and caller and (address := conventions.peer(caller)):
                self.served[f"outside {address}"] = span.service
            if span.kind == "producer":
                self.senders[trace.trace_id, span.span_id] = span.service
                if place := _destination(span):
                    self.places[place] = span.service
            elif span.kind == "consumer" and span.links:
                self.receivers.append(span)

    def settle_outside(self) -> None:
        """A call to an address at which, in other traces, one of our services answered: it failed to reach it."""
        for outside in [key for key in self.nodes if key.startswith("outside ")]:
            service = self.served.get(outside)
            if service is None:
                if outside not in self.answered:
                    self.nodes[outside].what = "no answer"
                continue
            del self.nodes[outside]
            self.own[service] = self.own.get(service, 0) + self.own.pop(outside, 0)
            for parent, child in [key for key in self.edges if key[1] == outside]:
                failed = self.edges.pop((parent, child))
                self.edges.setdefault((parent, service), Edge(parent, service)).add(failed)

    def join_messages(self) -> None:
        """A consumer in a trace of its own is called by its producer, which its link names."""
        for span in self.receivers:
            for link in span.links:
                # The very sender may be in a trace beside the sample: then whoever in it sends to the same place.
                sender = self.senders.get((link.trace_id, link.span_id)) or self.places.get(_destination(span))
                if sender and sender != span.service:
                    edge = self.edges.setdefault((sender, span.service), Edge(sender, span.service, message=True))
                    edge.note(span.trace_id, span.ms, span.is_error)


def _calls(trace: Trace, span: Span, beyond: Node | None) -> Iterator[tuple[str, str, float, bool]]:
    """The calls that end in the span, as caller, callee, ms, and whether they failed on either side."""
    if beyond:
        yield span.service, beyond.key, span.ms, span.is_error
    parent = trace.parent(span)
    if parent and parent.service != span.service:
        # What the caller waited, network included, where the caller has a span for it.
        call = parent if parent.kind == "client" and len(trace.children(parent)) == 1 else span
        yield parent.service, span.service, call.ms, call.is_error or span.is_error


def _destination(span: Span) -> str:
    """The queue or topic that a message went through; empty where the span does not say."""
    return str(span.attributes.get("messaging.destination.name") or span.attributes.get("messaging.destination") or "")


def _service(name: str) -> Node:
    return Node(name, wording.clean(name), "service", query={"service": name})


def _beyond(trace: Trace, span: Span, peers: Mapping[str, str]) -> Node | None:
    """What a call without spans on the other side went to: a database, or a system outside."""
    if trace.children(span):
        return None
    if conventions.is_db(span):
        system = conventions.db_system(span) or "database"
        # A cache has no name of its own: it is known by its address.
        name = conventions.database(span) or peers.get(conventions.peer(span) or "", system)
        query = _query(span, ("db.system.name", "db.namespace"), ("db.system", "db.name"), ("db.type", "db.instance"))
        key = f"database {system} {name}"
        return Node(key, wording.clean(name), "database", wording.clean(system), query=query)
    if span.kind == "client" and (address := conventions.peer(span)):
        query = _query(span, ("server.address", "server.port"), ("net.peer.name", "net.peer.port"), ("peer.service",))
        name = wording.clean(peers.get(address, address))
        return Node(f"outside {address}", name, "outside", "not traced", query=query)
    return None


def _query(span: Span, *choices: tuple[str, ...]) -> dict[str, str]:
    """The search that finds calls like this one: by the first attributes that it has, else by name."""
    for keys in choices:
        known = [f"{key}={shlex.quote(str(span.attributes[key]))}" for key in keys if key in span.attributes]
        if known:
            return {"service": ANY, "attributes": " ".join(known)}
    return {"service": span.service, "operation": span.name}
