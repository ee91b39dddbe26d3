"""Clock skew between machines: a server span that does not lie inside the call it answers.

The rule is the one of Jaeger's clock skew adjuster: such a span, with all that ran on the same machine below it,
is moved to the middle of the call. It is kept to cases where only a wrong clock explains what is seen.
"""

from collections.abc import Iterable
from dataclasses import replace

from workshop.traces.model.span import Span

# Below this a server span that sticks out is scheduling, not a clock: the answer is on the wire before the
# handler's span ends. Nanoseconds.
TOLERANCE = 1_000_000


def shifts(family: Iterable[tuple[Span, Span | None]]) -> dict[str, int]:
    """The nanoseconds to add to each skewed span, by span id; takes spans with their parents, parents first.

    A wrong clock is wrong for every call between the same two processes. Where another call of theirs shows that the
    clocks agree, a callee outside of its call is no skew: it began late, or after its caller had given up.
    """
    pairs = [(span, parent) for span, parent in family if parent is not None]
    agreed = _agreed(pairs)
    moved: dict[str, int] = {}
    for span, parent in pairs:
        shift = moved.get(parent.span_id, 0)
        if not _same_clock(span, parent):
            shift += _offset(span, parent, agreed.get(_between(span, parent)))
        if shift:
            moved[span.span_id] = shift
    return moved


def _is_edge(span: Span, parent: Span) -> bool:
    return parent.kind == "client" and span.kind == "server" and not _same_clock(span, parent)


def _between(span: Span, parent: Span) -> tuple[str, str]:
    return _process(parent), _process(span)


def _process(span: Span) -> str:
    resource = span.resource
    return "\n".join(str(resource[key]) for key in ("service.instance.id", *_HOSTS) if key in resource) or span.service


def _agreed(pairs: Iterable[tuple[Span, Span]]) -> dict[tuple[str, str], tuple[int, int]]:
    """Between which two processes the clocks agree, with the offsets in ns that their calls would still allow."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for span, parent in pairs:
        low, high = parent.start - span.start, parent.end - span.end
        if not _is_edge(span, parent) or low > TOLERANCE or high < -TOLERANCE:
            continue
        # The other direction between the two tells the same clocks apart.
        for key, least, most in ((_between(span, parent), low, high), (_between(parent, span), -high, -low)):
            known = found.get(key, (least, most))
            found[key] = max(known[0], least), min(known[1], most)
    return found


def _offset(span: Span, parent: Span, agreed: tuple[int, int] | None) -> int:
    """What the callee's clock needs so that it fits into the call; 0 when it fits or another cause is as likely."""
    low, high = parent.start - span.start, parent.end - span.end
    if not _is_edge(span, parent) or (low <= TOLERANCE and high >= -TOLERANCE):
        return 0
    if agreed is not None and (min(high, agreed[1]) < max(low, agreed[0]) - 2 * TOLERANCE or low > high):
        return 0
    if low <= high:
        return (low + high) // 2
    # Longer than the call: the caller may have given up waiting. Only a start before the call proves a wrong clock.
    return max(low, 0)


_HOSTS = ("host.id", "host.name", "hostname", "k8s.node.name")


def _same_clock(span: Span, parent: Span) -> bool:
    if span.resource is parent.resource:
        return True
    for key in _HOSTS:
        if key in span.resource and key in parent.resource:
            return bool(span.resource[key] == parent.resource[key])
    return span.service == parent.service


def moved(span: Span, shift: int) -> Span:
    """The span with both times moved by `shift` nanoseconds; itself when there is nothing to move."""
    if not shift:
        return span
    return replace(span, start=span.start + shift, end=span.end + shift, shift=span.shift + shift)
