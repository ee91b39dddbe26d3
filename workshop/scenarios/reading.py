"""What signatures ask of a population: its checkouts, its statements, and the edges between services."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import median
from urllib.parse import urlsplit

from workshop.scenarios.model import Population
from workshop.traces.model.trace import Span, Trace

# With fewer checkouts a population says nothing.
LEAST = 5


def checkouts(population: Population) -> list[Trace]:
    """The traces that begin with a checkout at the gateway."""
    return [each for each in population.traces if each.root.name == "POST /checkout" and not each.root.parent_id]


def spans(population: Population, service: str, start: str = "", kind: str = "") -> Iterator[tuple[Trace, Span]]:
    """A service's spans, each with its trace: those whose name begins so, those of a kind."""
    for trace in population.traces:
        for span in trace.spans:
            if span.service == service and span.name.startswith(start) and kind in ("", span.kind):
                yield trace, span


def is_statement(span: Span) -> bool:
    """Whether it is a statement to a database."""
    return span.kind == "client" and any(key in span.attributes for key in ("db.system.name", "db.query.text"))


def statements_below(trace: Trace, span: Span) -> list[Span]:
    """The statements that a span waited for, whatever stands between."""
    return [each for each, _ in trace.walk(span) if is_statement(each) and each.service == span.service]


def median_ms(found: list[Span]) -> float:
    """The median of their durations in ms; 0 of none."""
    return median(span.ms for span in found) if found else 0.0


def longest(found: list[Span]) -> list[Span]:
    """Those spans, the longest first."""
    return sorted(found, key=lambda span: -span.duration)


def calls(population: Population, service: str, path: str) -> Iterator[tuple[Trace, Span]]:
    """A service's calls over HTTP whose path ends so, each with its trace."""
    for trace, span in spans(population, service, kind="client"):
        if urlsplit(str(span.attributes.get("url.full", ""))).path.endswith(path):
            yield trace, span


def is_top(trace: Trace) -> bool:
    """Whether the trace really begins with its root: nobody above it is missing."""
    return not trace.root.parent_id


def beginning_at(population: Population, service: str, kind: str) -> list[Span]:
    """The first spans of the traces that begin at a service with a span of this kind."""
    tops = [trace.root for trace in population.traces if is_top(trace)]
    return [span for span in tops if span.service == service and span.kind == kind]


def one_after_the_other(found: Iterable[Span]) -> bool:
    """Whether none of the spans overlaps another."""
    return all(one.end <= other.start for one, other in pairwise(sorted(found, key=lambda span: span.start)))


def within(inner: Span, outer: Span) -> bool:
    """Whether a span of one trace lies in the time of another's."""
    return outer.start <= inner.start and inner.end <= outer.end
