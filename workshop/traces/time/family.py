"""Who waited for whom, as far as it is recorded, and beyond that as far as times and names leave one answer.

Two things are put where they belong. A callee that was recorded as its caller's sibling (the context had been taken
before the call's span began) goes below the call. An orphan that ran inside exactly one call without a callee, or
inside a stretch in which its caller recorded nothing, goes below that call or that caller.
"""

from bisect import bisect_right
from functools import cached_property

from workshop.traces.model import conventions, matching
from workshop.traces.model.trace import Span, Trace


class Family:
    """The children of each span for an account of time.

    `beside` maps the id of a callee recorded beside its call to the call, `adopted` an orphan's id to the span in
    whose time it ran.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.beside: dict[str, Span] = {}
        self.adopted: dict[str, Span] = {}
        self._changed: dict[str, list[Span]] = {}
        for parent in trace.spans:
            children = trace.children(parent)
            if len(children) > 1:
                self._put_below_calls(parent, children)

    def children(self, span: Span) -> list[Span]:
        """The spans that ran for the span, by start."""
        changed = self._changed.get(span.span_id)
        return self.trace.children(span) if changed is None else changed

    def parent(self, span: Span) -> Span | None:
        """The span for which this one ran; None for a top that nobody was found for."""
        return self.beside.get(span.span_id) or self.adopted.get(span.span_id) or self.trace.parent(span)

    @cached_property
    def top_of(self) -> dict[str, Span]:
        """The recorded top, root or orphan, above each span, by span id."""
        tops: dict[str, Span] = {}
        top = self.trace.spans[0]
        for span, depth in self.trace.walk():
            if not depth:
                top = span
            tops[span.span_id] = top
        return tops

    @cached_property
    def callees(self) -> dict[str, list[Span]]:
        """The spans of other processes that a span led to, through spans of its own process too; by span id."""
        found: dict[str, list[Span]] = {}
        for span in reversed([span for span, _ in self.trace.walk()]):
            below: list[Span] = []
            for child in self.children(span):
                if is_callee(span, child):
                    below.append(child)
                elif not conventions.is_call(child):
                    # A span with very many callees below it is no call that one of them answers.
                    below.extend(found.get(child.span_id, ())[:8])
            if below:
                found[span.span_id] = sorted(below, key=lambda callee: callee.start)
        return found

    @cached_property
    def wrappers(self) -> set[str]:
        """The ids of the spans that have a call of their own process below them: an SDK's span around its request."""
        found: set[str] = set()
        for span, _ in self.trace.walk():
            above = self.trace.parent(span)
            if not conventions.is_call(span) or conventions.opens_connection(span) or conventions.is_wait(span):
                continue
            while above is not None and above.service == span.service and above.span_id not in found:
                found.add(above.span_id)
                above = self.trace.parent(above)
        return found

    def waited_for(self, child: Span) -> bool:
        """Whether the span above had to wait for this one; a callee inside its call was waited for, of any kind."""
        return child.waited_for or child.span_id in self.beside

    def adopt(self, found: dict[str, Span]) -> None:
        """Puts orphans, given by id, below the spans in whose time they ran."""
        below: dict[str, list[Span]] = {}
        for orphan_id, caller in found.items():
            below.setdefault(caller.span_id, []).append(self.trace.by_id[orphan_id])
        for caller_id, orphans in below.items():
            children = [*self.children(self.trace.by_id[caller_id]), *orphans]
            self._changed[caller_id] = sorted(children, key=lambda span: span.start)
        self.adopted |= found
        self.__dict__.pop("callees", None)

    def _put_below_calls(self, parent: Span, children: list[Span]) -> None:
        strangers = [
            c for c in children if c.service != parent.service and c.kind in ("server", "consumer", "internal")
        ]
        if not strangers:
            return
        calls = matching.Enclosing(
            child
            for child in children
            if (child.kind in ("client", "producer") or (child.kind == "internal" and child.service == parent.service))
            and not conventions.is_db(child)
            and not self._has_callee(child)
        )
        moved: set[str] = set()
        for callee in strangers:
            call = _call_of(callee, [call for call in calls.around(callee) if call.service != callee.service])
            if call is None or call.span_id in self._changed:
                continue
            self.beside[callee.span_id] = call
            self._changed[call.span_id] = sorted([*self.trace.children(call), callee], key=lambda span: span.start)
            moved.add(callee.span_id)
        if moved:
            self._changed[parent.span_id] = [child for child in children if child.span_id not in moved]

    def _has_callee(self, call: Span) -> bool:
        return any(is_callee(call, child) for child in self.trace.children(call))


def is_call(family: Family, span: Span) -> bool:
    """Whether the span stands for a call: by its kind, or because nothing but other processes ran below it."""
    if span.kind != "internal":
        return span.kind in ("client", "producer")
    children = family.children(span)
    return bool(children) and all(is_callee(span, child) for child in children[:8])


def is_callee(caller: Span, child: Span) -> bool:
    """Whether the child ran in another process than the caller."""
    if child.service != caller.service:
        return True
    return caller.kind in ("client", "producer") and child.kind in ("server", "consumer")


def _call_of(callee: Span, around: list[Span]) -> Span | None:
    """The one call that the callee beside it answers: alike by name, or the only one, and filled by the callee."""
    likely = [call for call in around if not matching.contradicts(call, callee)]
    named = [call for call in likely if matching.alike(call, callee)]
    likely = [call for call in likely if call.kind != "internal"]  # what is not recorded as a call is one by its name
    if len(named) == 1:
        return named[0]
    fills = len(likely) == 1 and 2 * callee.duration >= likely[0].duration and callee.kind != "internal"
    return likely[0] if fills and not named else None


def adopt_orphans(family: Family, own: list[tuple[Span, int, int]]) -> None:
    """Gives each orphan that leaves no doubt the caller in whose time it ran.

    `own` are the stretches (span, start, end), in order, in which the trace waited for a span itself: an orphan
    inside one of them is what was waited for. An orphan is never put below its own children.
    """
    trace = family.trace
    leaves = matching.Enclosing(
        span for span in trace.spans if conventions.is_call(span) and span.span_id not in family.callees
    )
    starts = [start for _, start, _ in own]
    found: dict[str, Span] = {}
    above: set[str] = set()  # tops that have adopted one
    for orphan in trace.orphans:
        if orphan.span_id in above:
            continue
        caller = _caller(family, leaves.around(orphan), orphan) or _gap(own, starts, orphan)
        top = family.top_of[caller.span_id] if caller else orphan
        if caller is None or top is orphan or top.span_id in found:
            continue
        found[orphan.span_id] = caller
        above.add(top.span_id)
    family.adopt(found)


def _caller(family: Family, around: list[Span], orphan: Span) -> Span | None:
    """The one call without a callee that the orphan must have answered, if the trace shows exactly one."""
    around = [call for call in around if family.top_of[call.span_id] is not orphan]
    matches = [call for call in around if matching.answers(call, orphan)]
    if len(matches) == 1:
        return matches[0]
    return around[0] if len(around) == 1 and not matching.contradicts(around[0], orphan) else None


def _gap(own: list[tuple[Span, int, int]], starts: list[int], orphan: Span) -> Span | None:
    """The span that recorded nothing while the orphan ran."""
    index = bisect_right(starts, orphan.start + matching.SLACK) - 1
    for at in (index, index - 1):
        if at < 0:
            continue
        span, start, end = own[at]
        inside = start - matching.SLACK <= orphan.start and orphan.end <= end + matching.SLACK
        if inside and orphan.duration and span.kind in ("server", "internal", "consumer"):
            return span
    return None
