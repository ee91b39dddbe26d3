"""Traces that were torn apart, or lack a part: told by the pieces that lie in each other's time."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from workshop.traces.diagnosis.findings import shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd, about_spans
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.self_time import Gap, gaps

LEAST = 3  # pairs: one of them may be chance
ALWAYS = 0.8  # of the traces that begin so lie in a hole of another
FILLS = 0.5  # of the hole, at least
LOOKED_AT = 64  # holes that were open when a trace began
CUT = 0.2  # of all calls of a kind have no callee, at least


def lost_in_process(crowd: Crowd) -> Iterator[Common]:
    """Traces that begin with a call or a step, each in a hole of a request to the same service.

    A service begins traces of its own, too, for its timers. Those do not lie in the holes of requests, and fill them.
    """
    holes = _holes(crowd.traces)
    begun: dict[tuple[str, str], list[tuple[Span, Gap | None]]] = defaultdict(list)
    for trace in crowd.traces:
        root = trace.root
        if root.kind in ("client", "producer", "internal") and root.service in holes and not root.parent_id:
            hole = _around(root, holes[root.service])
            begun[root.service, naming.name_template(naming.label(root))].append((root, hole))
    for (service, name), found in begun.items():
        pairs = [(root, hole) for root, hole in found if hole is not None]
        if len(pairs) < LEAST or len(pairs) < ALWAYS * len(found):
            continue
        root, hole = max(pairs, key=lambda pair: pair[0].duration)
        above = [hole.span for _, hole in pairs]
        title = (
            f"lost context: {shown(root)} begins a trace of its own, and that lies in a hole of {shown(hole.span)} in "
            f"another trace ({hole.span.trace_id} and {root.trace_id} are one)"
        )
        advice = (
            f"within {service} the work went on without its context, in another thread or task: hand the context on "
            "with it, or switch the instrumentation of threads on"
        )
        told = crowd.finding(
            "lost-context", title, [*above, *(root for root, _ in pairs)], advice, about=f"{service} {name}", weight=0.3
        )
        if told:
            yield Common(told, about_spans(above, "waiting", "own-code", "most-of-it"))


def _holes(traces: list[Trace]) -> dict[str, tuple[list[int], list[Gap]]]:
    """By service the holes in what runs for its requests, by start; those of a millisecond and more."""
    found: dict[str, list[Gap]] = defaultdict(list)
    for trace in traces:
        if trace.root.kind not in ("server", "consumer"):
            continue
        for span in trace.spans:
            if span.kind in ("server", "consumer", "internal"):
                found[span.service] += [gap for gap in gaps(trace, span) if gap.ms >= 1]
    result = {}
    for service, each in found.items():
        each.sort(key=lambda gap: gap.start)
        result[service] = [gap.start for gap in each], each
    return result


def _around(root: Span, holes: tuple[list[int], list[Gap]]) -> Gap | None:
    """The tightest of the holes that enclose it."""
    starts, found = holes
    last = bisect_right(starts, root.start)
    fitting = [
        gap
        for gap in found[max(0, last - LOOKED_AT) : last]
        if root.end <= gap.end and root.trace_id != gap.span.trace_id and root.duration >= FILLS * (gap.end - gap.start)
    ]
    return min(fitting, key=lambda gap: gap.end - gap.start, default=None)


def sampled_away(crowd: Crowd) -> Iterator[Common]:
    """Calls that were answered well and have no callee anywhere, beside others of the same kind that have one."""
    begun = [trace.root for trace in crowd.traces if trace.root.kind == "server" and not trace.root.parent_id]
    calls: dict[tuple[str, ...], tuple[list[Span], list[Span]]] = {}
    for trace in crowd.traces:
        for span in trace.spans:
            if conventions.is_call(span) and not span.is_error:
                cut, whole = calls.setdefault(naming.same_work(span), ([], []))
                below = trace.children(span)
                if not below:
                    cut.append(span)
                elif any(child.service != span.service for child in below):
                    whole.append(below[0])
    for key, (cut, whole) in calls.items():
        if not whole or len(cut) < LEAST or len(cut) < CUT * (len(cut) + len(whole)):
            continue
        callee = whole[0].service
        if any(root.service == callee for root in begun):
            continue  # its spans are there, in traces of their own
        number = f"{len(cut)} of {len(cut) + len(whole)}"
        title = (
            f"spans are missing: {number} calls like {shown(cut[0])} were answered, and {callee} left no span of them, "
            "here or in another trace; the others are whole"
        )
        advice = (
            f"{callee} decides by itself which traces it keeps (a sampler that is not parent-based), its spans get "
            "lost on their way, or something in between answers, a cache for example"
        )
        told = crowd.finding("spans-missing", title, cut, advice, about=" ".join(key), weight=0.3)
        if told:
            yield Common(told, about_spans(cut, "external-call", "most-of-it"))
