"""What has to be mended before spans form a graph: duplicates, and two spans under one id."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from workshop.traces.model.span import Span


def distinct(spans: Iterable[Span]) -> list[Span]:
    """Returns the spans with unique ids.

    A span that came twice (an exporter's retry) is kept once. A client and a server span with the same id are
    two: Zipkin's B3 headers let both sides share one. The server side gets an id of its own below the client,
    and takes along the children that its service made. Times that run backwards are cut to zero length; a span whose
    end is missing (0) is marked as unfinished.
    """
    by_id: dict[str, Span] = {}
    servers: dict[str, Span] = {}
    for given in spans:
        span = given if given.end >= given.start else _without_end(given)
        known = by_id.get(span.span_id)
        if known is None:
            by_id[span.span_id] = span
        elif {known.kind, span.kind} == {"client", "server"}:
            client, server = (known, span) if known.kind == "client" else (span, known)
            by_id[span.span_id] = client
            servers[span.span_id] = server
    if not servers:
        return list(by_id.values())
    result = []
    for span in by_id.values():
        answered_by = servers.get(span.parent_id or "")
        moves = answered_by is not None and span.service == answered_by.service
        result.append(replace(span, parent_id=_server_id(answered_by)) if answered_by and moves else span)
    result += [replace(s, span_id=_server_id(s), parent_id=s.span_id) for s in servers.values()]
    return result


def _without_end(span: Span) -> Span:
    return replace(span, end=span.start, unfinished=span.end <= 0)


def ended(order: Iterable[tuple[Span, int]], children: Callable[[Span], list[Span]]) -> dict[str, Span]:
    """Unfinished spans with the last end of what they waited for, by id; takes all spans with depth, parents first.

    A top of no length that has work below it was sent without its end, too: Jaeger makes that one nanosecond.
    """
    found: dict[str, Span] = {}
    for span, depth in reversed(list(order)):
        if not (span.unfinished or (not depth and span.duration <= 1)):
            continue
        below = [found.get(child.span_id, child) for child in children(span)]
        end = max((child.end for child in below if child.waited_for and child.start >= span.start), default=span.start)
        if end > span.start or span.unfinished:
            found[span.span_id] = replace(span, end=end, unfinished=True)
    return found


def _server_id(server: Span) -> str:
    return f"{server.span_id}-server"
