"""Which traces match: those with ONE span that has everything that was asked for, as in Jaeger's memory storage."""

import base64
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

from services.jaeger.store.store import Store
from services.jaeger.store.tables import Source
from services.jaeger.store.trace import KINDS, Trace
from services.jaeger.store.values import as_string

STATUSES = {"OK": 1, "ERROR": 2}
TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


@dataclass(frozen=True)
class Query:
    """What is searched for. Times in ns since the epoch, durations in ns; empty or 0 asks for nothing."""

    service: str = ""
    operation: str = ""
    start_min: int = 0
    start_max: int = 2**64
    duration_min: int = 0
    duration_max: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    limit: int = 100


def find(store: Store, query: Query) -> list[Trace]:
    """The newest traces that match, at most query.limit. Call it, and use what it returns, under the store's lock."""
    search = _Search(store, query)
    found: list[Trace] = []
    if search.possible:
        for trace in reversed(store.traces.values()):
            if search.matches(trace):
                found.append(trace)
                if len(found) == query.limit:
                    break
    return found


class _Search:
    """A query against one store: what can be looked up once is looked up here."""

    def __init__(self, store: Store, query: Query) -> None:
        self.query = query
        attributes = dict(query.attributes)
        self.statuses = _statuses(attributes)
        self.kinds = _kinds(attributes)
        self.operations = {
            number
            for operation, number in store.operations.ids.items()
            if query.service in ("", operation.service)
            and query.operation in ("", operation.name)
            and (self.kinds is None or operation.kind in self.kinds)
        }
        self.sources = _scoped(store, attributes)
        self.attributes = [_Attribute(key, value, store) for key, value in attributes.items()]
        self.possible = bool(self.operations)

    def matches(self, trace: Trace) -> bool:
        """Whether one span of the trace has it all. Written for speed: a search may look at every stored span."""
        query, operations = self.query, self.operations
        earliest, latest, shortest = query.start_min, query.start_max, query.duration_min
        longest = query.duration_max or 2**64
        if trace.latest < earliest or trace.earliest > latest or trace.latest - trace.earliest < shortest:
            return False
        for attribute in self.attributes:
            if not attribute.possible(trace.blob):
                return False
        for status, start, end, operation, source, offset in trace.facts():
            if (
                operation in operations
                and earliest <= start <= latest
                and shortest <= end - start <= longest
                and (self.statuses is None or status in self.statuses)
                and (self.sources is None or source in self.sources)
                and self._has_attributes(trace, source, offset)
            ):
                return True
        return False

    def _has_attributes(self, trace: Trace, source: int, offset: int) -> bool:
        asked_of_span = [attribute for attribute in self.attributes if source not in attribute.sources]
        if not asked_of_span:
            return True
        frame = trace.frame(offset)
        if not all(attribute.possible(frame) for attribute in asked_of_span):
            return False
        span = ScopeSpans.FromString(frame).spans[0]
        return all(attribute.in_span(span) for attribute in asked_of_span)


class _Attribute:
    """One key and value; it may stand in the span, its events and links, its resource or its scope."""

    def __init__(self, key: str, value: str, store: Store) -> None:
        self.resource_only = key.startswith("resource.")
        self.key = key.removeprefix("resource.")
        self.value = value
        self.head = KeyValue(key=key).SerializeToString()
        self.tails = _encoded_values(value)
        self.sources = {number for number, source in store.sources.values.items() if self._in_source(source)}

    def possible(self, spans: bytes | bytearray) -> bool:
        """Whether it may be in these serialized spans: looking through bytes is far cheaper than decoding them."""
        if self.sources:
            return True
        if self.resource_only or not self.head:
            return not self.resource_only
        at = spans.find(self.head)
        while at >= 0:
            if spans.startswith(self.tails, at + len(self.head)):
                return True
            at = spans.find(self.head, at + 1)
        return False

    def in_span(self, span: Span) -> bool:
        """Whether the span, one of its events or one of its links has it."""
        if self.resource_only:
            return False
        holders = (span.attributes, *(event.attributes for event in span.events), *(ln.attributes for ln in span.links))
        return any(self._in(attributes) for attributes in holders)

    def _in_source(self, source: Source) -> bool:
        if self._in(Resource.FromString(source.resource).attributes):
            return True
        return not self.resource_only and self._in(InstrumentationScope.FromString(source.scope).attributes)

    def _in(self, attributes: Iterable[KeyValue]) -> bool:
        return any(item.key == self.key and as_string(item.value) == self.value for item in attributes)


def _encoded_values(value: str) -> tuple[bytes, ...]:
    """How this value may follow its key in a serialized span: one way for each type that it may have."""
    if value[:1] in ("[", "{") or not value:  # Lists, maps, nothing at all: only decoding tells.
        return (b"",)
    may_be = [AnyValue(string_value=value)]
    if value in ("true", "false"):
        may_be.append(AnyValue(bool_value=value == "true"))
    with suppress(ValueError):
        may_be.append(AnyValue(int_value=int(value)))
    with suppress(ValueError):
        may_be.append(AnyValue(double_value=float(value)))
    with suppress(ValueError):
        may_be.append(AnyValue(bytes_value=base64.b64decode(value, validate=True)))
    return tuple(KeyValue(value=item).SerializeToString() for item in may_be)


def _statuses(attributes: dict[str, str]) -> set[int] | None:
    """The status codes asked for, taken out of the attributes; None when any will do."""
    statuses = None
    if (error := attributes.pop("error", None)) is not None:
        # As in Jaeger, error=false asks for the status OK, which is not the same as no error.
        statuses = {2} if error in TRUE else {1} if error in FALSE else set()
    if (status := attributes.pop("span.status", None)) is not None:
        wanted = {STATUSES.get(status.upper(), 0)}
        statuses = wanted if statuses is None else statuses & wanted
    return statuses


def _kinds(attributes: dict[str, str]) -> set[int] | None:
    """The span kinds asked for, taken out of the attributes; None when any will do."""
    kind = attributes.pop("span.kind", None)
    if kind is None:
        return None
    return {KINDS.index(kind.lower()) if kind.lower() in KINDS else 0}


def _scoped(store: Store, attributes: dict[str, str]) -> set[int] | None:
    """The sources whose scope is the one asked for, taken out of the attributes; None when any will do."""
    wanted = {part: attributes.pop(f"scope.{part}") for part in ("name", "version") if f"scope.{part}" in attributes}
    if not wanted:
        return None
    scopes = {n: InstrumentationScope.FromString(source.scope) for n, source in store.sources.values.items()}
    return {n for n, scope in scopes.items() if all(getattr(scope, part) == value for part, value in wanted.items())}
