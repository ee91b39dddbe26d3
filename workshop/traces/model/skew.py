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
    """The nanoseconds to add to each skewed span, by span id; takes spans with their parents, parents first."""
    moved: dict[str, int] = {}
    for span, parent in family:
        if parent is None:
            continue
        inherited = moved.get(parent.span_id, 0)
        shift = inherited if _same_clock(span, parent) else _shift(span, parent, inherited)
        if shift:
            moved[span.span_id] = shift
    return moved


def _shift(span: Span, parent: Span, parent_shift: int) -> int:
    """What the span needs to fit into its parent, 0 when it fits or when another cause is as likely."""
    start, end = parent.start + parent_shift, parent.end + parent_shift
    if not (parent.kind == "client" and span.kind == "server"):
        return 0
    if span.start >= start - TOLERANCE and span.end <= end + TOLERANCE:
        return 0
    if span.duration <= parent.duration:
        return start + (parent.duration - span.duration) // 2 - span.start
    # Longer than the call: the caller may have given up waiting. Only a start before the call proves a wrong clock.
    return start - span.start if span.start < start else 0


def _same_clock(span: Span, parent: Span) -> bool:
    if span.resource is parent.resource:
        return True
    for key in ("host.id", "host.name", "hostname", "k8s.node.name"):
        if key in span.resource and key in parent.resource:
            return bool(span.resource[key] == parent.resource[key])
    return span.service == parent.service


def moved(span: Span, shift: int) -> Span:
    """The span with both times moved by `shift` nanoseconds; itself when there is nothing to move."""
    if not shift:
        return span
    return replace(span, start=span.start + shift, end=span.end + shift, shift=span.shift + shift)
