"""Whether a call and a callee that are not parent and child can be the two ends of one request."""

from bisect import bisect_right
from collections.abc import Iterable

from workshop.traces.model import conventions, words
from workshop.traces.model.span import Span

SLACK = 2_000_000  # ns by which a callee may stick out of the call and still belong to it
_LOOKED_AT = 64  # enclosing calls of one callee; more of them are ambiguous anyway


class Enclosing:
    """Finds the spans around another one in time, n log n for all of them."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = sorted(spans, key=lambda span: span.start)
        self._starts = [span.start for span in self._spans]
        self._latest: list[int] = []
        latest = 0
        for span in self._spans:
            latest = max(latest, span.end)
            self._latest.append(latest)

    def around(self, callee: Span) -> list[Span]:
        """The spans that enclose the callee, the last one to start first; at most some dozens are looked at."""
        found = []
        index = bisect_right(self._starts, callee.start + SLACK) - 1
        for at in range(index, max(index - _LOOKED_AT, -1), -1):
            if self._latest[at] < callee.end - SLACK:
                break
            if encloses(self._spans[at], callee):
                found.append(self._spans[at])
        return found


def encloses(call: Span, callee: Span) -> bool:
    """Whether the callee ran while the call did."""
    return call.start - SLACK <= callee.start and callee.end <= call.end + SLACK


def answers(call: Span, callee: Span) -> bool:
    """Whether method and path, or the RPC's name, are those of the call."""
    if conventions.http_method(call) and conventions.http_method(callee):
        same_method = conventions.http_method(call) == conventions.http_method(callee)
        return same_method and _same_path(call, callee)
    return conventions.is_rpc(call) and call.name == callee.name


def _same_path(call: Span, callee: Span) -> bool:
    sent = conventions.path(call)
    if sent is None:
        return False
    got = conventions.path(callee)
    if got is not None and conventions.url(callee) is not None:
        return sent == got
    route = conventions.http_route(callee)
    return route is not None and route == sent


def contradicts(call: Span, callee: Span) -> bool:
    """Whether the two say that they are about different things: the method, or an address that both have."""
    ours, theirs = conventions.http_method(call), conventions.http_method(callee)
    if ours and theirs and ours != theirs:
        return True
    return bool(ours and theirs and conventions.path(call) and conventions.url(callee) and not _same_path(call, callee))


_SAYS_NOTHING = frozenset("get post put delete http call send request client server grpc rpc process on to of".split())


def alike(call: Span, callee: Span) -> bool:
    """Whether the names have to do with each other: a word of both, or the callee's name as the call's peer."""
    if answers(call, callee):
        return True
    whom = (conventions.peer(call) or "").lower()
    if whom and callee.service.lower() in whom:
        return True
    ours = set(words.words(f"{call.name} {whom}")) - _SAYS_NOTHING
    return bool(ours & (set(words.words(f"{callee.name} {callee.service}")) - _SAYS_NOTHING))
